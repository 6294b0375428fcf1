"""Trends with intervals from a moving-block bootstrap of the residuals."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from uflux_stats.stats.cells import Floats
from uflux_stats.stats.trend.line import LINE_FIELDS, fit_line

CELLS_AT_ONCE: Final = 1024


@dataclass(frozen=True)
class Resampling:
    """How residuals are drawn.

    Attributes
    ----------
    block : int, optional
        Length of a block in steps, at most half the length of the series; by default the cube root
        of the length, rounded up.
    draws : int
        Number of resampled series.
    seed : int
        Of the random draws.
    """

    block: int | None = None
    draws: int = 999
    seed: int = 0


def bootstrap(
    series: Floats, time: Floats, confidence: float, resampling: Resampling | None = None
) -> Floats:
    """Least-squares slope, its interval from resampled blocks of residuals.

    Blocks of neighbouring residuals are drawn with replacement and put on the line again, so that
    their correlation over less than a block is kept. All series with the same gaps get the same
    draws, whatever the Dask chunks. Residuals are enlarged by ``sqrt(n/(n - 2))``.

    Arguments and result are those of every ``Method.kernel``. Missing values are dropped, the rest
    counted as neighbours.

    Parameters
    ----------
    series, time, confidence
        As in ``Method.kernel``.
    resampling : Resampling, optional
        Block length, number of draws, seed.

    Returns
    -------
    array, (cells, 6)
        The columns ``LINE_FIELDS``; ``p`` is the share of draws at least as far from the slope
        as the slope is from zero.

    References
    ----------
    Kunsch, H. R. (1989), Ann. Stat. 17, 1217-1241, doi 10.1214/aos/1176347265.
    """
    chosen_draws = resampling or Resampling()
    out = np.empty((len(series), len(LINE_FIELDS)))
    patterns, which = np.unique(np.isfinite(series), axis=0, return_inverse=True)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    for number, pattern in enumerate(patterns):
        weights = _slope_weights(time[pattern], chosen_draws)
        chosen = np.flatnonzero(which.ravel() == number)
        for start in range(0, len(chosen), CELLS_AT_ONCE):
            rows = chosen[start : start + CELLS_AT_ONCE]
            line = fit_line(series[rows][:, pattern], time[pattern])
            noise = line.residual * np.sqrt(line.n / (line.n - 2))[:, None] @ weights.T
            low, high = np.quantile(noise, tails, axis=1)
            beyond = np.count_nonzero(np.abs(noise) >= np.abs(line.slope)[:, None], axis=1)
            p, error = (beyond + 1) / (chosen_draws.draws + 1), noise.std(axis=1, ddof=1)
            slope = line.slope
            columns = [slope, slope + low, slope + high, p, error, line.intercept]
            out[rows] = np.column_stack(columns)
    return out


def _slope_weights(time: Floats, resampling: Resampling) -> Floats:
    """Weight of each residual in the slope of each resampled series, (draws, values)."""
    n, draws = len(time), resampling.draws
    usual = int(np.ceil(n ** (1 / 3)))
    length = usual if resampling.block is None else resampling.block
    random = np.random.default_rng(resampling.seed)
    starts = random.integers(0, n - length + 1, size=(draws, -(-n // length)))
    index = (starts[:, :, None] + np.arange(length)).reshape(draws, -1)[:, :n]
    centred = time - time.mean()
    weights = np.zeros((draws, n))
    lever = np.broadcast_to(centred / (centred @ centred), index.shape)
    np.add.at(weights, (np.arange(draws)[:, None], index), lever)
    return weights
