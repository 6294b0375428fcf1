"""How far from all training rows a prediction is made, and where that is too far to be believed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Table = NDArray[np.float32]
Values = NDArray[np.float64]

WHISKER: Final = 1.5
"""Distances beyond the upper quartile by more than this many quartile ranges are outliers."""


@dataclass(frozen=True, eq=False)
class Domain:
    """The training rows as a yardstick of dissimilarity.

    Attributes
    ----------
    centre, weight : array, (feature,)
        A predictor counts as its departure from ``centre`` times ``weight``, which is its
        importance over its standard deviation in training.
    rows : array of float32, (row, feature)
        The training rows, so scaled; a missing predictor counts as its mean.
    mean_distance : float
        Mean distance between two training rows: a dissimilarity of 1.
    threshold : float
        Largest dissimilarity of a training row to the other towers that is no outlier.
    """

    centre: Values
    weight: Values
    rows: Table
    mean_distance: float
    threshold: float

    @property
    def attrs(self) -> dict[str, dict[str, str | float]]:
        """Attributes of the variables DI and AOA."""
        return {
            "DI": {"long_name": "dissimilarity index, distance to the towers", "units": "1"},
            "AOA": {
                "long_name": "area of applicability, 1 inside and 0 outside",
                "units": "1",
                "threshold": self.threshold,
            },
        }

    def dissimilarity(self, table: Table, *, threads: int = 1) -> Table:
        """Distance of each row to the nearest training row, over the mean distance of training.

        Parameters
        ----------
        table : array, (row, feature)
            Predictors in the order of training, with what the baseline says of them.
        threads : int

        Returns
        -------
        array of float32, (row,) [1]
        """
        used = self.weight > 0.0
        rows = self.rows[:, used].astype(np.float64)
        scaled = _scale(table, self.centre, self.weight)[:, used]
        # distances are the same along any axes, and found sooner along those of most spread
        centred = rows - rows.mean(axis=0)
        axes = np.linalg.eigh(centred.T @ centred).eigenvectors
        nearest, _ = cKDTree(rows @ axes).query(scaled @ axes, workers=threads)
        return np.asarray(nearest / self.mean_distance, np.float32)

    def to_other_towers(self, tower: NDArray[np.intp]) -> Values:
        """Dissimilarity of each training row to the rows of all other towers, (row,) [1]."""
        return _between(self.rows, tower)[1] / self.mean_distance


def fit_domain(table: Table, importance: Values, tower: NDArray[np.intp]) -> Domain | None:
    """Measure how far towers are from each other in the space of the predictors.

    Parameters
    ----------
    table : array, (row, feature)
        Predictors of training; missing values as NaN.
    importance : array, (feature,)
        Of each predictor to the model, not negative.
    tower : array of int, (row,)
        Number of the tower of each row.

    Returns
    -------
    Domain or None
        None if there are fewer than two towers, or no predictor that counts differs between rows.

    References
    ----------
    Meyer and Pebesma (2021), doi 10.1111/2041-210X.13650: predictors are standardised and weighted
    by importance; the threshold comes from the cross-validated dissimilarity of training, its
    outliers removed. Towers are the folds here.

    Examples
    --------
    Three towers in a row, of which the last is an outlier to the others:

    >>> table = np.array([[0.0], [1.0], [2.0], [3.0], [30.0]], np.float32)
    >>> found = fit_domain(table, np.array([1.0]), np.array([0, 1, 0, 1, 2]))
    >>> [round(float(far), 3) for far in found.dissimilarity(np.float32([[1.0], [2.5]]))]
    [0.0, 0.04]
    >>> round(found.threshold, 3)
    0.081
    """
    if np.unique(tower).size < 2:
        return None
    known = np.isfinite(table)
    filled = np.where(known, table, 0.0).astype(np.float64)
    count = np.maximum(known.sum(axis=0), 1)
    centre = filled.sum(axis=0) / count
    spread = np.sqrt((np.where(known, filled - centre, 0.0) ** 2).sum(axis=0) / count)
    weight = np.divide(importance, spread, out=np.zeros_like(spread), where=spread > 0.0)
    rows = _scale(table, centre, weight)
    mean, nearest = _between(rows, tower)
    if not mean > 0.0:
        return None
    return Domain(centre, weight, rows, mean, _upper_whisker(nearest / mean))


def _scale(table: Table, centre: Values, weight: Values) -> Table:
    scaled = (table - centre) * weight
    return np.nan_to_num(scaled, copy=False, nan=0.0).astype(np.float32)


def _between(rows: Table, tower: NDArray[np.intp]) -> tuple[float, Values]:
    """Mean distance of all pairs of rows, and that of each row to the nearest of other towers."""
    whole = rows.astype(np.float64)
    squares = (whole**2).sum(axis=1)
    nearest = np.empty(len(rows))
    total = 0.0
    for number in np.unique(tower):
        own = tower == number
        squared = squares[own, np.newaxis] + squares - 2.0 * whole[own] @ whole.T
        distance = np.sqrt(np.maximum(squared, 0.0))
        total += distance.sum()
        distance[:, own] = np.inf
        nearest[own] = distance.min(axis=1)
    return total / (len(rows) * (len(rows) - 1)), nearest


def _upper_whisker(values: Values) -> float:
    """Largest value up to the upper quartile and 1.5 quartile ranges."""
    low, high = np.quantile(values, (0.25, 0.75))
    return float(values[values <= high + WHISKER * (high - low)].max())
