"""Least-squares trends: independent residuals, effective sample size, and Newey-West errors.

Yearly carbon fluxes remember the year before. Least squares that ignore this find trends that are
not there. The lag-1 correlation seen in twenty residuals is itself biased low, so correcting with
it as it stands is not enough either; ``memory`` holds the default, which leaves it open.
"""

from typing import Final

import numpy as np

from uflux_stats.stats.cells import Floats
from uflux_stats.stats.trend.line import LINE_FIELDS, Line, fit_line, number_of_steps, student

EFFECTIVE_FIELDS: Final = (*LINE_FIELDS, "lag1", "n_effective")
LARGEST_LAG1: Final = 0.95
"""Beyond this the effective sample would be smaller than any record can support."""
FEWEST_EFFECTIVE: Final = 4.0
"""Effective years are not counted below this, which leaves two degrees of freedom."""


def ols(series: Floats, time: Floats, confidence: float) -> Floats:
    """Ordinary least squares: right when residuals are independent, too sure when they are not.

    Arguments and result are those of every ``Method.kernel``; the columns are ``LINE_FIELDS``.
    """
    line = fit_line(series, time)
    freedom = line.n - 2
    error = np.sqrt(line.squares / freedom / line.sxx)
    tests = student(line.slope, error, freedom, confidence)
    return np.column_stack([line.slope, *tests, line.intercept])


def effective_n(series: Floats, time: Floats, confidence: float) -> Floats:
    """Least squares with the number of independent years that one estimate of lag-1 leaves.

    The lag-1 correlation ``r`` of the residuals of a fitted line is on average ``(2 + 4 rho)/n``
    too low, so ``rho = (n r + 2)/(n - 4)`` [1]_; it is kept within 0 and 0.95. The series then
    counts as ``n (1 - rho)/(1 + rho)`` independent years, in the error and in Student's t [2]_.
    Neighbours are values one time step apart, so a gap is not bridged. The estimate is taken as
    true, so that small values of ``p`` are too small: right for one interval, wrong for a map.

    Arguments and result are those of every ``Method.kernel``; the columns are
    ``EFFECTIVE_FIELDS``.

    References
    ----------
    .. [1] van Giersbergen, N. P. A. (2005), On the effect of deterministic terms on the bias in
       stable AR models, Economics Letters 89, 75-82, doi 10.1016/j.econlet.2005.05.006.
    .. [2] Santer, B. D. et al. (2000), Statistical significance of trends and trend differences in
       layer-average atmospheric temperature time series, J. Geophys. Res. 105, 7337-7356,
       doi 10.1029/1999JD901105.
    """
    line = fit_line(series, time)
    lag1 = corrected_lag1(line, time)
    effective = np.clip(line.n * (1 - lag1) / (1 + lag1), FEWEST_EFFECTIVE, line.n)
    error = np.sqrt(line.squares / (effective - 2) / line.sxx)
    tests = student(line.slope, error, effective - 2, confidence)
    return np.column_stack([line.slope, *tests, line.intercept, lag1, effective])


def corrected_lag1(line: Line, time: Floats) -> Floats:
    """Estimate the lag-1 correlation of the noise from the residuals of a line, (cells,).

    Pairs are neighbours one smallest step of ``time`` apart, both present.
    """
    next_to = number_of_steps(np.diff(time), time) == 1
    together = line.valid[:, 1:] & line.valid[:, :-1] & next_to
    products = np.where(together, line.residual[:, 1:] * line.residual[:, :-1], 0.0).sum(axis=1)
    pairs = np.maximum(together.sum(axis=1), 1)
    scale = np.maximum(line.squares, np.finfo(np.float64).tiny)
    raw = products / scale * (line.n - 1) / pairs
    corrected: Floats = (line.n * raw + 2) / np.maximum(line.n - 4, 1)
    return np.clip(corrected, 0.0, LARGEST_LAG1)


def newey_west(
    series: Floats, time: Floats, confidence: float, *, maxlags: int | None = None
) -> Floats:
    """Least squares with heteroscedasticity- and autocorrelation-consistent errors.

    Bartlett weights and the small-sample factor ``n/(n - 2)``; Student's t with ``n - 2`` degrees
    of freedom. Missing years are dropped and the rest counted as neighbours. In records of a few
    decades the errors are too small (see the coverage table of the project).

    Arguments and result are those of every ``Method.kernel``; the columns are ``LINE_FIELDS``.

    Parameters
    ----------
    series, time, confidence
        As in ``Method.kernel``.
    maxlags : int, optional
        Lags that enter; by default ``floor(4 (n/100)^(2/9))``.

    References
    ----------
    Newey, W. K. and West, K. D. (1987), Econometrica 55, 703-708, doi 10.2307/1913610; default
    lags: Newey and West (1994), Rev. Econ. Stud. 61, 631-653, doi 10.2307/2297912.
    """
    line = fit_line(series, time)
    lags = _default_lags(line.n) if maxlags is None else np.full(len(series), float(maxlags))
    order = np.argsort(~line.valid, axis=1, kind="stable")
    lever = np.where(line.valid, time - line.mean_time[:, None], 0.0) * line.residual
    score = np.take_along_axis(lever, order, axis=1)
    meat = np.einsum("ij,ij->i", score, score)
    for lag in range(1, min(int(lags.max()), score.shape[1] - 1) + 1):
        weight = np.maximum(1 - lag / (lags + 1), 0.0)
        meat += 2 * weight * np.einsum("ij,ij->i", score[:, lag:], score[:, :-lag])
    error = np.sqrt(np.maximum(meat, 0.0) * line.n / (line.n - 2)) / line.sxx
    tests = student(line.slope, error, line.n - 2, confidence)
    return np.column_stack([line.slope, *tests, line.intercept])


def _default_lags(n: Floats) -> Floats:
    return np.floor(4 * (n / 100) ** (2 / 9))
