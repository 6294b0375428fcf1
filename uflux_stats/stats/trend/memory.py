"""Least-squares trends of series whose memory from year to year is not known.

Twenty years cannot tell a lag-1 correlation of 0.2 from one of 0.6. An interval that takes one
estimate of it as true is too narrow where it matters most, in the far tail that a map of thousands
of tests lives on. Here every memory counts as much as the series allows it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from uflux_stats.stats.cells import Floats
from uflux_stats.stats.trend.line import (
    LINE_FIELDS,
    Line,
    fit_line,
    number_of_steps,
    student_below,
)

MEMORY_FIELDS: Final = (*LINE_FIELDS, "lag1")
MEMORIES: Final = 32
LAGS, WIDTHS = np.polynomial.legendre.leggauss(MEMORIES)
WIDTHS = WIDTHS / WIDTHS.sum()
"""Lag-1 correlations between -1 and 1 that are mixed, and their share when equally likely."""
MODERATE: Final = WIDTHS * np.sqrt(1 - LAGS**2) / np.sum(WIDTHS * np.sqrt(1 - LAGS**2))
"""Shares before a series is seen: a half circle over -1 to 1, so that extremes are rare."""
ROUNDS: Final = 20
"""Rounds of learning, see ``learn_memories``; 5 to 100 all hold the rate of false discoveries."""
MOST_STEPS: Final = 60
CLOSE: Final = 1e-5
"""A Newton step this small, in standard errors, is the last: the next would be its square."""


@dataclass(frozen=True)
class TrendMixture:
    """What the trend may be beside the least-squares slope: one Student's t per memory.

    Attributes
    ----------
    lag1 : array, (memories,)
        The lag-1 correlations.
    weight, centre, error : array, (memories, cells)
        Share of each memory (sum one), its best slope less the least-squares slope, and the
        standard error of that.
    freedom : array, (cells,)
        Degrees of freedom, ``n - 2``.
    """

    lag1: Floats
    weight: Floats
    centre: Floats
    error: Floats
    freedom: Floats

    def below(self, slope: Floats) -> Floats:
        """Probability that the trend lies below ``slope`` (less least squares), (cells,)."""
        parts = student_below((slope - self.centre) / self.error, self.freedom)
        return _sum(self.weight * parts)

    def beyond(self, slope: Floats, side: int) -> Floats:
        """Probability that it lies above (side 1) or below (-1), exact where tiny, (cells,)."""
        parts = special.stdtr(self.freedom, side * (self.centre - slope) / self.error)
        return _sum(self.weight * parts)

    def density(self, slope: Floats) -> Floats:
        """Density of ``below``, (cells,)."""
        nu = self.freedom
        scale = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - np.log(nu * np.pi) / 2
        z = (slope - self.centre) / self.error
        parts = np.exp(scale - (nu + 1) / 2 * np.log1p(z**2 / nu)) / self.error
        return _sum(self.weight * parts)

    def quantile(self, share: float) -> Floats:
        """Find the slope (less least squares) below which the trend lies by ``share``, (cells,)."""
        reach = special.stdtrit(self.freedom, share)
        ends = self.centre + reach * self.error
        low, high = ends.min(axis=0), ends.max(axis=0)
        guess = _sum(self.weight * ends)
        typical = self.typical_error
        for _ in range(MOST_STEPS):
            miss = self.below(guess) - share
            low, high = np.where(miss < 0, guess, low), np.where(miss < 0, high, guess)
            step = guess - miss / self.density(guess)
            better = np.where((step >= low) & (step <= high), step, (low + high) / 2)
            moved, guess = np.abs(better - guess), better
            if (moved <= CLOSE * typical).all():
                break
        return guess

    @property
    def typical_error(self) -> Floats:
        """Root mean square error of the least-squares slope, (cells,)."""
        error: Floats = np.sqrt(_sum(self.weight * (self.error**2 + self.centre**2)))
        return error


def ols_ar1(
    series: Floats, time: Floats, confidence: float, *, prior: Floats | None = None
) -> Floats:
    """Least squares, with an error that leaves open how long the series remembers.

    For each lag-1 correlation between -1 and 1 the trend given the series is Student's t around the
    generalised least-squares slope. These are mixed by the likelihood of the correlation after the
    line is taken out, which has no bias from the fitted line, and by how likely each is beforehand,
    ``MODERATE`` [1]_. The interval holds the middle of that mixture, and ``p`` is twice its share
    beyond zero. Both are exact on average over memories distributed so, in the tail as well:
    without trend, ``p`` below 0.001 turns up once in a thousand. Of 20 years with a lag-1
    correlation up to 0.6 it turns up less often, with 0.7 twice as often.

    ``slope`` itself is the least-squares slope, so that trends of regions add up.

    Arguments and result are those of every ``Method.kernel``; the columns are ``MEMORY_FIELDS``, of
    which ``stderr`` is the root mean square error of the slope and ``lag1`` the mean correlation of
    the mixture. Neighbours across a gap remember each other by its length.

    Parameters
    ----------
    series, time, confidence
        As in ``Method.kernel``.
    prior : array, (memories,), optional
        How likely each correlation is beforehand, such as from ``learn_memories``; sum one.

    References
    ----------
    .. [1] Zellner, A. and Tiao, G. C. (1964), Bayesian analysis of the regression model with
       autocorrelated errors, J. Am. Stat. Assoc. 59, 763-778.
    """
    line = fit_line(series, time)
    mixture = mix_memories(line, time, prior)
    tail = (1 - confidence) / 2
    low, high = (line.slope + mixture.quantile(share) for share in (tail, 1 - tail))
    p = 2 * np.minimum(mixture.beyond(-line.slope, 1), mixture.beyond(-line.slope, -1))
    lag1 = _sum(mixture.weight * mixture.lag1[:, None])
    return np.column_stack([line.slope, low, high, p, mixture.typical_error, line.intercept, lag1])


def learn_memories(likelihood: Floats, rounds: int = ROUNDS) -> Floats:
    """Find how the memory is distributed over many series, from all of them together.

    One series says little of its memory, a map of them much. Starting from equally likely memories,
    each round gives every memory its mean share over the series (expectation-maximisation [1]_).

    Parameters
    ----------
    likelihood : array, (cells, memories)
        From ``memory_likelihood``.
    rounds : int
        Few rounds stay near equally likely memories, many follow the chance of the sample.

    Returns
    -------
    array, (memories,)
        Shares, sum one.

    References
    ----------
    .. [1] Laird, N. (1978), Nonparametric maximum likelihood estimation of a mixing distribution,
       J. Am. Stat. Assoc. 73, 805-811.
    """
    prior = WIDTHS
    for _ in range(rounds):
        share = likelihood * prior
        prior = np.mean(share / share.sum(axis=1, keepdims=True), axis=0)
    return prior


def memory_likelihood(series: Floats, time: Floats) -> Floats:
    """Likelihood of each memory given each series, largest one, (cells, memories)."""
    line = fit_line(series, time)
    shares = mix_memories(line, time).weight / MODERATE[:, None]
    likelihood: Floats = (shares / shares.max(axis=0)).T
    return likelihood


def mix_memories(line: Line, time: Floats, prior: Floats | None = None) -> TrendMixture:
    """Weigh all lag-1 correlations by what the residuals of a line say of them.

    Parameters
    ----------
    line : Line
        Least-squares lines.
    time : array, (steps,)
        In years.
    prior : array, (memories,), optional
        As in ``ols_ar1``.
    """
    # with the same gaps in all series, one row of times serves them all
    shared = bool((line.valid == line.valid[:1]).all())
    rows = slice(0, 1) if shared else slice(None)
    order = np.argsort(~line.valid, axis=1, kind="stable")
    residual = np.take_along_axis(line.residual, order, axis=1)
    present = np.take_along_axis(line.valid, order, axis=1)[rows]
    centred = np.where(present, time[order[rows]] - line.mean_time[rows, None], 0.0)
    gaps = np.where(present[:, 1:], number_of_steps(np.diff(time[order[rows]], axis=1), time), 1.0)
    unit = present.astype(np.float64)
    found = [_given(lag1, (residual, unit, centred), gaps, line.n) for lag1 in LAGS]
    centre, error, likelihood = (np.stack(part) for part in zip(*found, strict=True))
    weight = np.exp(likelihood - likelihood.max(axis=0))
    weight = weight * (MODERATE if prior is None else prior)[:, None]
    return TrendMixture(LAGS, weight / _sum(weight), centre, error, line.n - 2)


def _given(
    lag1: float, columns: tuple[Floats, Floats, Floats], gaps: Floats, n: Floats
) -> tuple[Floats, Floats, Floats]:
    """Give the slope on top of the line, its error, and the log-likelihood, for one memory."""
    kept = lag1**gaps
    left = 1 - kept**2
    scale = np.where(columns[1][:, 1:] > 0, 1 / np.sqrt(left), 0.0)
    y, one, t = (_whitened(column, kept, scale) for column in columns)
    one_one, one_t, t_t = (np.sum(a * b, axis=1) for a, b in ((one, one), (one, t), (t, t)))
    y_y, y_one, y_t = (np.sum(y * other, axis=1) for other in (y, one, t))
    determinant = one_one * t_t - one_t**2
    slope = (one_one * y_t - one_t * y_one) / determinant
    level = (t_t * y_one - one_t * y_t) / determinant
    squares = np.maximum(y_y - level * y_one - slope * y_t, np.finfo(np.float64).tiny)
    error = np.sqrt(squares / (n - 2) * one_one / determinant)
    spread = np.sum(np.where(scale > 0, np.log(left), 0.0), axis=1) + np.log(determinant)
    return slope, error, -(spread + (n - 2) * np.log(squares)) / 2


def _whitened(column: Floats, kept: Floats, scale: Floats) -> Floats:
    white = np.empty(column.shape)
    white[:, 0] = column[:, 0]
    white[:, 1:] = (column[:, 1:] - kept * column[:, :-1]) * scale
    return white


def _sum(parts: Floats) -> Floats:
    total: Floats = parts.sum(axis=0)
    return total
