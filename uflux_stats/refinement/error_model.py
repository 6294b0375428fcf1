"""How predictions for one tower err together: a Gaussian process, fitted to held-out towers.

The error at an unseen tower is an offset and a share of the predicted flux, which the tower keeps;
an error of the season, which returns every year; one that fades within months; and noise that
grows with the flux.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

Values = NDArray[np.float64]

MONTHS_OF_A_YEAR: Final = 12
MOST_MONTHS: Final = 48
"""Months of a tower that its likelihood is taken of, its first ones; more add little."""
_START: Final = (0.5, 0.3, 0.4, 0.4, 3.0, 0.3, 0.3)
"""Where the search begins: standard deviations as shares of that of all errors, months."""
_LEAST, _MOST = (1e-3,) * 4 + (0.3, 1e-3, 1e-3), (10.0,) * 4 + (60.0, 10.0, 10.0)
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Months:
    """Months of one tower, in order.

    Attributes
    ----------
    site : int
        Number of the tower.
    month : array, (month,) [months]
        Since any January.
    predicted, error : array, (month,) [unit of the flux]
        Prediction, and observation minus prediction.
    """

    site: int
    month: Values
    predicted: Values
    error: Values

    def at(self, chosen: NDArray[Any] | slice) -> "Months":
        """Return some of the months."""
        return Months(self.site, self.month[chosen], self.predicted[chosen], self.error[chosen])

    def __len__(self) -> int:
        """Return the number of months."""
        return len(self.month)


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

    def covariance(self, month: tuple[Values, Values], predicted: tuple[Values, Values]) -> Values:
        """Covariance of the errors, but for noise, between two sets of months of one tower.

        Parameters
        ----------
        month, predicted : two arrays each, (..., a) and (..., b)
            As in ``Months``.

        Returns
        -------
        array, (..., a, b) [unit of the flux squared]
            The season is the periodic kernel of MacKay (1998) with a length of one radian.
        """
        apart = np.abs(month[0][..., :, np.newaxis] - month[1][..., np.newaxis, :])
        product = predicted[0][..., :, np.newaxis] * predicted[1][..., np.newaxis, :]
        turn = np.sin(np.pi * apart / MONTHS_OF_A_YEAR)
        found: Values = (
            self.offset**2
            + self.share**2 * product
            + self.season**2 * np.exp(-2.0 * turn**2)
            + self.fading**2 * np.exp(-apart / self.memory)
        )
        return found

    def noise_variance(self, predicted: Values) -> Values:
        """Variance of what one month tells nothing of to others."""
        return np.asarray(self.noise**2 + (self.noise_share * predicted) ** 2)

    def condition(self, given: Months, wanted: Months) -> tuple[Values, Values]:
        """Expect the errors of some months of a tower, knowing those of others.

        Parameters
        ----------
        given, wanted : Months
            Of one tower; the errors of ``wanted`` are not looked at.

        Returns
        -------
        two arrays, (wanted,) [unit of the flux]
            Mean, which is 0 where nothing is given, and standard deviation, noise included.
        """
        prior = self.covariance((wanted.month,) * 2, (wanted.predicted,) * 2)
        noise = self.noise_variance(wanted.predicted)
        variance = np.diagonal(prior) + noise
        if not len(given):
            return np.zeros(len(wanted)), np.sqrt(variance)
        known = self.covariance((given.month,) * 2, (given.predicted,) * 2)
        known[np.diag_indices_from(known)] += self.noise_variance(given.predicted)
        across = self.covariance((wanted.month, given.month), (wanted.predicted, given.predicted))
        gain = np.linalg.solve(known, across.T)
        left = variance - np.einsum("wg,gw->w", across, gain)
        return gain.T @ given.error, np.sqrt(np.maximum(left, noise))


def fit_error_model(towers: Sequence[Months]) -> ErrorModel:
    """Find the most likely sizes of the parts of the error.

    Parameters
    ----------
    towers : sequence of Months
        Held out; one or more with months.

    Returns
    -------
    ErrorModel

    Examples
    --------
    Towers that err by an offset alone:

    >>> rng = np.random.default_rng(0)
    >>> months = np.arange(24.0)
    >>> towers = [Months(i, months, np.ones(24), rng.normal(0.0, 2.0) + rng.normal(0.0, 0.1, 24))
    ...           for i in range(40)]
    >>> model = fit_error_model(towers)
    >>> round((model.offset**2 + model.share**2 + model.season**2) ** 0.5, 0)
    2.0
    """
    padded = _pad(towers)
    typical = float(np.sqrt(np.mean(padded.error[padded.known] ** 2))) or 1.0
    flux = float(np.sqrt(np.mean(padded.predicted[padded.known] ** 2))) or 1.0
    unit = np.array([typical, typical / flux, typical, typical, 1.0, typical, typical / flux])

    def surprise(logs: Values) -> float:
        return padded.surprise(ErrorModel(*(np.exp(logs) * unit).tolist()))

    start: Values = np.log(np.array(_START))
    bounds = Bounds(np.log(_LEAST).tolist(), np.log(_MOST).tolist())
    found = minimize(surprise, start, method="L-BFGS-B", bounds=bounds, tol=_TOLERANCE)
    return ErrorModel(*(np.exp(found.x) * unit).tolist())


@dataclass(frozen=True, eq=False)
class _Padded:
    """The first months of many towers, (tower, month), of one length; ``known`` are real."""

    month: Values
    predicted: Values
    error: Values
    known: NDArray[np.bool_]

    def surprise(self, model: ErrorModel) -> float:
        """Negative log-likelihood of a month, but for a constant."""
        both = self.known[:, :, np.newaxis] & self.known[:, np.newaxis, :]
        covariance = model.covariance((self.month,) * 2, (self.predicted,) * 2) * both
        own = np.arange(self.month.shape[1])
        covariance[:, own, own] += np.where(self.known, model.noise_variance(self.predicted), 1.0)
        root = np.linalg.cholesky(covariance)
        whitened = np.linalg.solve(root, self.error[:, :, np.newaxis])
        volume = np.log(root[:, own, own]).sum()
        return float((volume + 0.5 * (whitened**2).sum()) / self.known.sum())


def _pad(towers: Sequence[Months]) -> _Padded:
    longest = min(MOST_MONTHS, max(len(tower) for tower in towers))
    parts = np.zeros((4, len(towers), longest))
    for number, tower in enumerate(towers):
        first = tower.at(slice(longest))
        columns = (first.month, first.predicted, first.error, np.ones(len(first)))
        parts[:, number, : len(first)] = np.stack(columns)
    return _Padded(parts[0], parts[1], parts[2], parts[3] > 0.0)
