"""All that effects and shares are made of, for one sample or a stack of resamples at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from uflux_stats.attribution.ranks import Ranking, to_correlation
from uflux_stats.attribution.samples import Sample

Array = NDArray[np.float64]

CHUNK: Final = 1_500_000
"""Numbers in memory at once while resampling."""
MIN_YEARS: Final = 4
"""Years that a place needs to say something about inter-annual variability."""
MIN_MONTHS: Final = 6
"""Months that the mean of a year needs."""


@dataclass(frozen=True)
class Moments:
    """Moments of the nodes, each with leading dims of the resamples.

    Attributes
    ----------
    correlation : array, (..., node, node)
        Of the normal scores.
    scale : array, (..., node)
        Covariance of value and normal score: the standard deviation, if the margin is normal. It
        turns effects on scores into effects in units.
    trend : array, (..., node)
        Slope within places [unit yr-1].
    yearly : array, (..., node, node)
        Covariance of yearly anomalies, trends removed.
    """

    correlation: Array
    scale: Array
    trend: Array
    yearly: Array


@dataclass(frozen=True)
class MomentMaker:
    """A sample with what does not change from resample to resample."""

    sample: Sample

    @cached_property
    def _rankings(self) -> list[Ranking]:
        return [Ranking.of(np.ascontiguousarray(column)) for column in self.sample.values.T]

    @cached_property
    def _within(self) -> Array:
        """Values (row, node) minus the mean of their place."""
        return self.sample.values - _group_mean(self.sample.values, self.sample.place)

    @cached_property
    def _years_passed(self) -> Array:
        """Years (row,) from the middle of the record of the place."""
        time = self.sample.month[:, np.newaxis] / 12.0
        passed: Array = (time - _group_mean(time, self.sample.place))[:, 0]
        return passed

    @cached_property
    def _yearly(self) -> Array:
        """Mean of the year minus the trend of the place, at every row (row, node); 0 if unknown."""
        return _yearly_anomalies(self.sample, self._within, self._years_passed)

    def moments(self, counts: Array | None = None) -> Moments:
        """Moments of the sample, or of resamples of it.

        Parameters
        ----------
        counts : array, (replicate, row), optional
            How often each row was drawn.
        """
        drawn = np.ones((1, self.sample.n)) if counts is None else counts
        weights = drawn if self.sample.weight is None else drawn * self.sample.weight
        draws = drawn.sum(axis=-1, keepdims=True)
        shares = weights / weights.sum(axis=-1, keepdims=True)
        scores = self._scores(weights, draws)
        weighted = scores * shares[..., np.newaxis]
        mean = weighted.sum(axis=1)
        products = np.swapaxes(weighted, 1, 2) @ scores
        covariances = products - mean[:, :, np.newaxis] * mean[:, np.newaxis, :]
        values = self._within
        scale = np.einsum("prk,rk->pk", weighted, values) - mean * (shares @ values)
        result = Moments(
            to_correlation(covariances), scale, self._trends(shares), self._covary(shares)
        )
        return _first(result) if counts is None else result

    def _scores(self, weights: Array, draws: Array) -> Array:
        columns = [ranking.spread(ndtri(ranking.levels(weights, draws=draws)))
                   for ranking in self._rankings]  # fmt: skip
        return np.stack(columns, axis=-1)

    def _trends(self, shares: Array) -> Array:
        passed = self._years_passed
        square = shares @ passed**2
        product = shares @ (passed[:, np.newaxis] * self._within)
        trend: Array = product / np.maximum(square, 1e-300)[:, np.newaxis]
        return trend

    def _covary(self, shares: Array) -> Array:
        yearly = self._yearly
        covariance: Array = (shares[:, np.newaxis, :] * yearly.T) @ yearly
        return covariance

    def chunks(self, counts: Array) -> Iterator[Moments]:
        """Moments of many resamples, some at a time."""
        step = max(1, CHUNK // self.sample.values.size)
        for start in range(0, len(counts), step):
            yield self.moments(counts[start : start + step])


def _first(moments: Moments) -> Moments:
    return Moments(moments.correlation[0], moments.scale[0], moments.trend[0], moments.yearly[0])


def _group_mean(values: Array, group: NDArray[np.intp]) -> Array:
    """Mean (row, node) of the rows of the same group."""
    _, member, size = np.unique(group, return_inverse=True, return_counts=True)
    total = np.stack([np.bincount(member, column) for column in values.T], axis=-1)
    mean: Array = (total / size[:, np.newaxis])[member]
    return mean


def _yearly_anomalies(sample: Sample, within: Array, passed: Array) -> Array:
    year = sample.place * 10_000 + (sample.month // 12 + 2_000)
    _, first, member, size = np.unique(
        year, return_index=True, return_inverse=True, return_counts=True
    )
    enough = size >= (1 if sample.transform == "annual" else MIN_MONTHS)
    columns = np.column_stack([within, passed])
    means = (
        np.stack([np.bincount(member, column) for column in columns.T], -1) / size[:, np.newaxis]
    )
    place = sample.place[first]
    result = np.zeros_like(means[:, :-1])
    for number in np.unique(place):
        chosen = np.flatnonzero((place == number) & enough)
        if len(chosen) >= MIN_YEARS:
            time = means[chosen, -1] - means[chosen, -1].mean()
            values = means[chosen, :-1] - means[chosen, :-1].mean(axis=0)
            result[chosen] = values - np.outer(time, time @ values / (time @ time))
    rows: Array = result[member]
    return rows
