"""Predictors and baselines on one scale, learned from the training rows alone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uflux_stats.errors import SampleError

logger = logging.getLogger(__name__)

Table = NDArray[np.float32]
Columns = NDArray[np.float32]


@dataclass(frozen=True)
class Scaling:
    """Mean, spread and range of each predictor in training.

    A predictor beyond its range counts as at its end, as for trees; a missing one as at its mean,
    and where training knew it to be missing an input of its own says so.

    Attributes
    ----------
    centre, spread, lowest, highest : array, (feature,)
        The range in units of the spread; both ends are zero for a constant predictor.
    flagged : array of bool, (feature,)
        Which predictors are sometimes missing.
    """

    centre: Columns
    spread: Columns
    lowest: Columns
    highest: Columns
    flagged: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Table, names: Sequence[str]) -> "Scaling":
        """Learn the scales of the columns of a table (row, feature).

        Raises
        ------
        SampleError
            If a predictor is infinite somewhere.
        """
        known = np.isfinite(table)
        infinite = _chosen(names, np.logical_or.reduce(np.isinf(table)))
        if infinite:
            raise SampleError(
                f"predictors: expected finite numbers, got infinite ones of {infinite}; mask them"
            )
        count = np.maximum(known.sum(axis=0), 1)
        values = np.where(known, table, 0.0).astype(np.float64)
        centre = values.sum(axis=0) / count
        spread = np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(axis=0) / count)
        low = np.where(known, table, np.inf).min(axis=0)
        high = np.where(known, table, -np.inf).max(axis=0)
        varies = high > low
        _tell(_chosen(names, ~varies))
        spread = np.where(varies, spread, 1.0)
        low, high = (np.where(varies, (end - centre) / spread, 0.0) for end in (low, high))
        centre, spread, low, high = (
            part.astype(np.float32) for part in (centre, spread, low, high)
        )
        return cls(centre, spread, low, high, ~np.logical_and.reduce(known))

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Which predictors were not constant, (feature,)."""
        differs: NDArray[np.bool_] = self.highest > self.lowest
        return differs

    def inputs(self, table: Table) -> Table:
        """Scale predictors (row, feature) to inputs (row, input), flags last."""
        missing = ~np.isfinite(table)
        scaled = (np.where(missing, self.centre, table) - self.centre) / self.spread
        clipped = np.clip(scaled, self.lowest, self.highest)
        flags = missing[:, self.flagged]
        return np.concatenate([clipped, flags], axis=1, dtype=np.float32, casting="same_kind")

    def slopes(self, derivatives: Table, table: Table) -> Table:
        """Scale derivatives (row, feature): none where a predictor is missing or constant."""
        moves = np.isfinite(table) & np.isfinite(derivatives) & self.varies
        scaled = np.where(moves, derivatives / self.spread, 0.0)
        flags = np.zeros((len(table), int(self.flagged.sum())))
        return np.concatenate([scaled, flags], axis=1, dtype=np.float32, casting="same_kind")


def _chosen(names: Sequence[str], mask: NDArray[np.bool_]) -> list[str]:
    return [name for name, chosen in zip(names, mask, strict=True) if chosen]


def _tell(constant: list[str]) -> None:
    if constant:
        logger.info("predictors constant in training, so nothing is learned from them: %s",
                    ", ".join(constant))  # fmt: skip
