"""The least-squares line through every series: what three of the trend methods share."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from uflux_stats.stats.cells import Bools, Floats

LINE_FIELDS: Final = ("slope", "low", "high", "p", "stderr", "intercept")
"""What every trend method built on a line gives."""


@dataclass(frozen=True)
class Line:
    """A fitted line per series.

    Attributes
    ----------
    slope, intercept, mean_time, sxx : array, (cells,)
        Slope per step of time, value at time 0, mean time and its sum of squares.
    residual : array, (cells, steps)
        0 where the series is missing.
    valid : array, (cells, steps)
        Where the series is not missing.
    n : array, (cells,)
        Number of values.
    """

    slope: Floats
    intercept: Floats
    mean_time: Floats
    sxx: Floats
    residual: Floats
    valid: Bools
    n: Floats

    @property
    def squares(self) -> Floats:
        """Sum of the squared residuals, (cells,)."""
        squares: Floats = np.einsum("ij,ij->i", self.residual, self.residual)
        return squares


def fit_line(series: Floats, time: Floats) -> Line:
    """Fit ``series = intercept + slope * time`` by least squares, series by series.

    Parameters
    ----------
    series : array, (cells, steps)
        Missing values as NaN.
    time : array, (steps,)
        Shared by all series.

    Examples
    --------
    >>> line = fit_line(np.array([[1.0, 3.0, np.nan, 7.0]]), np.arange(4.0))
    >>> line.slope.item(), line.intercept.item()
    (2.0, 1.0)
    """
    valid = np.isfinite(series)
    n = valid.sum(axis=1).astype(np.float64)
    filled = np.where(valid, series, 0.0)
    origin = time - time.mean()
    mean_time = (valid @ origin) / n
    centred = np.where(valid, origin - mean_time[:, None], 0.0)
    sxx = np.einsum("ij,ij->i", centred, centred)
    mean = filled.sum(axis=1) / n
    departure = np.where(valid, filled - mean[:, None], 0.0)
    slope = np.einsum("ij,ij->i", centred, departure) / sxx
    residual = departure - slope[:, None] * centred
    mean_time = mean_time + time.mean()
    return Line(slope, mean - slope * mean_time, mean_time, sxx, residual, valid, n)


def number_of_steps(elapsed: Floats, time: Floats) -> Floats:
    """Express spans of time in steps, the smallest of ``time`` being one.

    Examples
    --------
    >>> number_of_steps(np.array([1.0, 4.0]), np.array([2001.0, 2002.0, 2006.0])).tolist()
    [1.0, 4.0]
    """
    steps: Floats = np.rint(elapsed / np.diff(time).min())
    return steps


def student_below(z: Floats, freedom: Floats) -> Floats:
    """Student's t distribution function, quick where the degrees of freedom are one whole number.

    Right to rounding in the body; where tiny tails count, ``scipy.special.stdtr`` is exact.

    Parameters
    ----------
    z : array, (..., cells)
        Values.
    freedom : array, (cells,)
        Degrees of freedom, at least 2.

    References
    ----------
    Abramowitz, M. and Stegun, I. A. (1964), Handbook of mathematical functions, 26.7.3-26.7.4.

    Examples
    --------
    >>> student_below(np.array([-1.0, 0.0, 2.0]), np.full(3, 5.0)).round(4).tolist()
    [0.1816, 0.5, 0.949]
    """
    nu = int(freedom[0])
    if (freedom != nu).any():
        below: Floats = special.stdtr(freedom, z)
        return below
    tangent = z / np.sqrt(nu)
    cosine = 1 / np.sqrt(1 + tangent**2)
    squared, sine = cosine**2, tangent * cosine
    odd = nu % 2
    series = np.ones_like(squared)
    for power in range(nu - 2 - odd, 0, -2):
        series = 1 + series * squared * ((power - 1 + odd) / (power + odd))
    inner = sine * series
    between: Floats = 2 / np.pi * (np.arctan(tangent) + cosine * inner) if odd else inner
    return (1 + between) / 2


def student(slope: Floats, error: Floats, freedom: Floats, confidence: float) -> list[Floats]:
    """Give standard error, interval and two-sided p of a slope under Student's t.

    Parameters
    ----------
    slope, error, freedom : array, (cells,)
        Estimate, standard error and degrees of freedom.
    confidence : float
        Nominal coverage of the interval, between 0 and 1.

    Returns
    -------
    list of arrays, (cells,)
        ``low``, ``high``, ``p`` and ``stderr``.
    """
    reach = special.stdtrit(freedom, 0.5 + confidence / 2) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(freedom, -np.abs(slope / error))
    return [slope - reach, slope + reach, p, error]
