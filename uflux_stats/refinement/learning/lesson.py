"""What a learner is given: rows of one flux, what each counts, and the tower it is from."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.learners import Table
from uflux_stats.refinement.options import Weighting

Values = NDArray[np.float64]
Rows = NDArray[np.bool_] | NDArray[np.intp]

_POWER: Final[dict[Weighting, float]] = {"months": 0.0, "root": 0.5, "towers": 1.0}


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from.

    Attributes
    ----------
    table : array, (row, feature)
        Predictors; missing values as NaN.
    target : array, (row,)
        What to learn; finite.
    weight : array, (row,) [1]
        What a row counts.
    tower : array of int, (row,)
        Number of the tower of each row: out-of-fold predictions keep towers whole.
    trend : array of int, (any,)
        Places of the baseline's fluxes among the predictors.
    """

    table: Table
    target: Values
    weight: Values
    tower: NDArray[np.intp]
    trend: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))

    def only(self, rows: Rows) -> "Lesson":
        """Return the lesson of the chosen rows alone."""
        return replace(self, table=self.table[rows], target=self.target[rows],
                       weight=self.weight[rows], tower=self.tower[rows])  # fmt: skip

    def beside(self, columns: Table) -> "Lesson":
        """Return the lesson with more predictors (row, feature) behind its own."""
        return replace(self, table=np.column_stack([self.table, columns]))


def row_weights(tower: NDArray[np.intp], weighting: Weighting) -> Values:
    """Weigh rows so that a tower with n of them counts n, its root, or one; the mean is 1.

    Examples
    --------
    >>> row_weights(np.array([0, 0, 0, 5]), "towers").round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    _, number, count = np.unique(tower, return_inverse=True, return_counts=True)
    weight = count[number].astype(np.float64) ** -_POWER[weighting]
    mean_one: Values = weight / weight.mean()
    return mean_one
