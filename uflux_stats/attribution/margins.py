"""Empirical margins: between values and normal scores, and means of conditional distributions."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from uflux_stats.attribution.ranks import Ranking

Array = NDArray[np.float64]

_REACH: Final = 7.0
"""Normal scores beyond this have no mass that double precision sees in a mean."""
_POINTS: Final = 1401
_MEANS: Final = 561


@dataclass(frozen=True)
class Margin:
    """The distribution of one variable: its distinct values and their normal scores.

    Between values it is linear, beyond them constant: a network cannot know what it has not seen.
    """

    values: Array
    scores: Array

    @classmethod
    def of(cls, column: Array, weights: Array | None = None) -> "Margin":
        """Make the margin of a column (row,)."""
        ranking = Ranking.of(np.ascontiguousarray(column))
        return cls(ranking.distinct, ndtri(ranking.levels(weights)))

    def to_scores(self, values: Array) -> Array:
        """Return normal scores of values; outside the range, that of the nearest end."""
        found: Array = np.interp(values, self.values, self.scores)
        return found

    def to_values(self, scores: Array) -> Array:
        """Values of normal scores."""
        found: Array = np.interp(scores, self.scores, self.values)
        return found

    def outside(self, values: Array) -> NDArray[np.bool_]:
        """Whether values lie beyond all that was seen."""
        beyond: NDArray[np.bool_] = (values < self.values[0]) | (values > self.values[-1])
        return beyond

    @cached_property
    def _knots(self) -> tuple[Array, Array]:
        grid = np.linspace(-_REACH, _REACH, _POINTS)
        return grid, self.to_values(grid)

    def mean(self, centre: Array, spread: float) -> Array:
        """Mean of the values whose scores are normal, by quadrature on a fixed grid.

        The mean is a smooth function of the centre, so it is integrated on a grid of centres and
        interpolated between them.

        Parameters
        ----------
        centre : array, any shape
            Mean of the scores.
        spread : float
            Standard deviation of the scores.

        Returns
        -------
        array, shape of ``centre``
        """
        grid, values = self._knots
        step = grid[1] - grid[0]
        if spread < 2.0 * step:
            return self.to_values(centre)
        centres = np.linspace(-_REACH, _REACH, _MEANS)
        density = np.exp(-0.5 * ((grid - centres[:, np.newaxis]) / spread) ** 2)
        # the ends stand for all mass beyond them
        density[:, 0] += _beyond(centres + _REACH, spread, step)
        density[:, -1] += _beyond(_REACH - centres, spread, step)
        means = density @ values / density.sum(axis=1)
        found: Array = np.interp(centre, centres, means)
        return found


def _beyond(distance: Array, spread: float, step: float) -> Array:
    """Mass further than ``distance`` from the centre, in units of the grid's density."""
    mass: Array = ndtr(-distance / spread) * spread * np.sqrt(2.0 * np.pi) / step
    return mass
