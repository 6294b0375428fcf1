"""Calibrate the predictions for a tower by its own months: empirical Bayes on the errors.

The error of a prediction at an unseen tower is taken for a draw from a Gaussian process: an offset
and a share of the predicted flux, which the tower keeps; an error of the season, which returns every
year; one that fades within months; and noise that grows with the flux. How large each is, is learned
from towers that were held out, so that few months of a new tower move its prediction little and
many move it far.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

MOST_MONTHS: Final = 48
"""Months of a held-out tower that its likelihood is taken of, in one stretch; more add little."""
SEASON_LENGTH: Final = 1.0
"""Of the periodic kernel, in radians: neighbouring months of the year go together, halves do not."""
MONTHS_OF_A_YEAR: Final = 12
"""Months of a held-out tower that are taken for its own when the intervals are calibrated."""
_SMALL: Final = 1e-3
"""Least size of a component, as a share of the standard deviation of the errors."""


@dataclass(frozen=True)
class ErrorModel:
    """How large the parts of the error of one flux are at unseen towers, as standard deviations.

    Attributes
    ----------
    offset, season, fading, noise : float [unit of the flux]
    share, noise_share : float [1]
        Of the predicted flux.
    memory : float [months]
        In which the fading part falls to 1/e.
    """

    offset: float
    share: float
    season: float
    fading: float
    memory: float
    noise: float
    noise_share: float

    def kept(self, predicted: tuple[Values, Values], month: tuple[Values, Values]) -> Values:
        """Covariance of the errors, but for noise, of two sets of months of one tower.

        Parameters
        ----------
        predicted : two arrays, (..., a) and (..., b) [unit of the flux]
        month : two arrays, (..., a) and (..., b) [months]
            Since any January.

        Returns
        -------
        array, (..., a, b) [unit of the flux squared]
        """
        first, second = (values[..., :, None] for values in (predicted[0], month[0]))
        apart = np.abs(second - month[1][..., None, :])
        turn = np.sin(np.pi * apart / MONTHS_OF_A_YEAR) / SEASON_LENGTH
        found: Values = (
            self.offset**2
            + self.share**2 * first * predicted[1][..., None, :]
            + self.season**2 * np.exp(-2.0 * turn**2)
            + self.fading**2 * np.exp(-apart / self.memory)
        )
        return found

    def noise_variance(self, predicted: Values) -> Values:
        """Variance of what is left in one month and tells nothing of others."""
        return np.asarray(self.noise**2 + (self.noise_share * predicted) ** 2)

    def condition(self, given: "_Months", wanted: "_Months") -> tuple[Values, Values]:
        """Expect the errors of some months of a tower, knowing those of others.

        Returns
        -------
        two arrays, (wanted,)
            Mean and standard deviation, noise included; that without any month given is 0.
        """
        prior = self.kept((wanted.predicted,) * 2, (wanted.month,) * 2)
        spread = np.diagonal(prior) + self.noise_variance(wanted.predicted)
        if not given.error.size:
            return np.zeros(len(spread)), np.sqrt(spread)
        known = self.kept((given.predicted,) * 2, (given.month,) * 2)
        known[np.diag_indices_from(known)] += self.noise_variance(given.predicted)
        across = self.kept((wanted.predicted, given.predicted), (wanted.month, given.month))
        gain = np.linalg.solve(known, across.T)
        left = spread - np.einsum("wg,gw->w", across, gain)
        least = self.noise_variance(wanted.predicted)
        return gain.T @ given.error, np.sqrt(np.maximum(left, least))


@dataclass(frozen=True, eq=False)
class _Months:
    """Months of one tower: what is predicted, when, and observation minus prediction."""

    predicted: Values
    month: Values
    error: Values

    def at(self, chosen: NDArray[Any]) -> "_Months":
        return _Months(self.predicted[chosen], self.month[chosen], self.error[chosen])
