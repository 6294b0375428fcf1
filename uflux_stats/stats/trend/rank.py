"""Theil-Sen slopes and Mann-Kendall tests for many series at once, ties and gaps included."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from uflux_stats.stats.cells import ROUNDING, Floats

RANK_FIELDS: Final = ("slope", "low", "high", "p", "intercept", "z", "tau")
PAIRS_AT_ONCE: Final = 2**18
"""Pairwise slopes held at a time, so that they stay in the processor's cache."""


@dataclass(frozen=True)
class KendallTest:
    """Mann-Kendall's score and its variance without trend, each (cells,), and number of pairs."""

    score: Floats
    variance: Floats
    pairs: Floats

    @property
    def z(self) -> Floats:
        """Standard normal statistic with continuity correction."""
        spread = np.sqrt(np.maximum(self.variance, np.finfo(np.float64).tiny))
        z: Floats = np.sign(self.score) * np.maximum(np.abs(self.score) - 1, 0.0) / spread
        return z

    @property
    def p(self) -> Floats:
        """Two-sided p value."""
        p: Floats = 2 * special.ndtr(-np.abs(self.z))
        return p

    @property
    def tau(self) -> Floats:
        """Kendall's tau-a: score per pair."""
        return self.score / self.pairs


def theil_sen(
    series: Floats, time: Floats, confidence: float, *, prewhiten: bool = False
) -> Floats:
    """Median of all pairwise slopes, tested by Mann-Kendall.

    Arguments and result are those of every ``Method.kernel``. Sen's interval takes the values as
    independent.

    Parameters
    ----------
    series, time, confidence
        As in ``Method.kernel``.
    prewhiten : bool
        Test after trend-free pre-whitening: the slope is removed, the lag-1 correlation taken out,
        and the slope put back. Slope and interval stay those of the series itself. The lag-1
        correlation is not corrected for its bias, and the test errs about as often as without.

    Returns
    -------
    array, (cells, 7)
        The columns ``RANK_FIELDS``.

    References
    ----------
    Sen, P. K. (1968), J. Am. Stat. Assoc. 63, 1379-1389, doi 10.1080/01621459.1968.10480934;
    Kendall, M. G. (1975), Rank correlation methods; Yue, S. et al. (2002), Hydrol. Process. 16,
    1807-1829, doi 10.1002/hyp.1095.
    """
    slopes_per_cell = max(len(time) * (len(time) - 1) // 2, 1)
    rows = max(PAIRS_AT_ONCE // slopes_per_cell, 1)
    out = np.empty((len(series), len(RANK_FIELDS)))
    buffer = np.empty((min(rows, len(series)), slopes_per_cell))
    for start in range(0, len(series), rows):
        block = series[start : start + rows]
        slopes = pair_slopes(block, time, out=buffer[: len(block)])
        test = kendall_test(slopes, variance(block))
        tested = _prewhitened_test(block, time, median_sorted(slopes)) if prewhiten else test
        low, high = sen_interval(slopes, test, confidence)
        slope = median_sorted(slopes)
        intercept = _median(block) - slope * _median(np.where(np.isfinite(block), time, np.nan))
        columns = [slope, low, high, tested.p, intercept, tested.z, tested.tau]
        out[start : start + rows] = np.column_stack(columns)
    return out


def pair_slopes(series: Floats, time: Floats, *, out: Floats | None = None) -> Floats:
    """Slopes between all pairs of values, sorted; missing ones last.

    Parameters
    ----------
    series : array, (cells, steps)
        Missing values as NaN.
    time : array, (steps,)
        Rising.
    out : array, (cells, steps * (steps - 1) / 2), optional
        Where to write, which spares the memory of many blocks.

    Returns
    -------
    array, (cells, steps * (steps - 1) / 2)

    Examples
    --------
    >>> pair_slopes(np.array([[0.0, 1.0, 4.0]]), np.arange(3.0)).tolist()
    [[1.0, 2.0, 3.0]]
    """
    steps = series.shape[1]
    slopes = np.empty((len(series), steps * (steps - 1) // 2)) if out is None else out
    filled = 0
    for lag in range(1, steps):
        part = slopes[:, filled : filled + steps - lag]
        np.subtract(series[:, lag:], series[:, :-lag], out=part)
        gap = time[lag:] - time[:-lag]
        part *= 1 / gap
        filled += steps - lag
    slopes.sort(axis=1)
    return slopes


def kendall_test(slopes: Floats, null_variance: Floats) -> KendallTest:
    """Test from the pairwise slopes: as many rises as falls, or not."""
    rises = np.count_nonzero(slopes > 0, axis=1)
    falls = np.count_nonzero(slopes < 0, axis=1)
    pairs = slopes.shape[1] - np.count_nonzero(np.isnan(slopes), axis=1)
    score = (rises - falls).astype(np.float64)
    return KendallTest(score, null_variance, pairs.astype(np.float64))


def variance(series: Floats) -> Floats:
    """Variance of Mann-Kendall's score without trend, with the correction for ties.

    Parameters
    ----------
    series : array, (cells, steps)
        Missing values as NaN.

    Returns
    -------
    array, (cells,)

    Examples
    --------
    >>> variance(np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 2.0, 2.0]])).round(3).tolist()
    [8.667, 6.667]
    """
    ordered = np.sort(series, axis=1)
    n = np.isfinite(series).sum(axis=1)
    equal = ordered[:, 1:] == ordered[:, :-1]
    full = n * (n - 1) * (2 * n + 5)
    if equal.any():
        earlier = np.zeros(len(series), dtype=np.int64)
        for column in equal.T:
            earlier = np.where(column, earlier + 1, 0)
            # t (t-1) (2t+5) of a tied group, summed up one member at a time
            full = full - 6 * earlier * (earlier + 2)
    null: Floats = full / 18
    return null


def sen_interval(slopes: Floats, test: KendallTest, confidence: float) -> tuple[Floats, Floats]:
    """Sen's interval, each end (cells,): slopes at the ranks of the normal approximation."""
    reach = special.ndtri(0.5 + confidence / 2) * np.sqrt(test.variance)
    last = test.pairs.astype(np.int64) - 1
    lower = np.round((test.pairs - reach) / 2).astype(np.int64) - 1
    upper = np.round((test.pairs + reach) / 2).astype(np.int64)
    return _at(slopes, np.maximum(lower, 0)), _at(slopes, np.minimum(upper, last))


def median_sorted(ordered: Floats) -> Floats:
    """Median of rows sorted with missing values last, (cells,)."""
    count = ordered.shape[1] - np.count_nonzero(np.isnan(ordered), axis=1)
    return (_at(ordered, (count - 1) // 2) + _at(ordered, count // 2)) / 2


def _at(rows: Floats, column: np.typing.NDArray[np.int64]) -> Floats:
    return np.take_along_axis(rows, column[:, None], axis=1)[:, 0]


def _median(series: Floats) -> Floats:
    return median_sorted(np.sort(series, axis=1))


def _prewhitened_test(series: Floats, time: Floats, slope: Floats) -> KendallTest:
    elapsed = time - time[0] + 1
    detrended = series - slope[:, None] * elapsed
    departure = detrended - np.nanmean(detrended, axis=1, keepdims=True)
    step = np.diff(time)
    neighbours = np.isclose(step, step.min())
    products = np.where(neighbours, departure[:, 1:] * departure[:, :-1], np.nan)
    # a series on its own line has no departures, only rounding, and nothing to whiten
    spread = np.nansum(departure**2, axis=1)
    real = spread > ROUNDING**2 * np.nansum(series**2, axis=1)
    lag1 = np.zeros_like(spread)
    np.divide(np.nansum(products, axis=1), spread, out=lag1, where=real)
    white = np.where(neighbours, detrended[:, 1:] - lag1[:, None] * detrended[:, :-1], np.nan)
    restored = white + slope[:, None] * elapsed[:-1]
    return kendall_test(pair_slopes(restored, time[1:]), variance(restored))
