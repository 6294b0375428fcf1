"""Responses that are monotone by the construction of the network.

A driver below its limit enters a flux only through what is missing up to the limit, and only so
that less missing gives no less flux. What else the network sees is the month as it would be with
the driver at its limit, so that nothing else tells how much is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.neural.scaling import Scaling, Table
from uflux_stats.refinement.responses import Response, followers, is_absorbed

BASELINE: Final = "baseline_"


@dataclass(frozen=True)
class Ordering:
    """Which columns of the predictors a built-in response is made of.

    Attributes
    ----------
    response : Response
    driver, green : int
        Columns of the driver and of FAPAR.
    columns : array of int, (follower,)
        Predictors that the driver is part of.
    share : array, (follower,)
        How much of the driver; of light before absorption where ``absorbed``.
    absorbed : array of bool, (follower,)
    own : array of int, (0 or 1,)
        The baseline of the flux, which rises with the driver.
    hidden : array of int
        Baselines: of other fluxes, which follow the driver in ways of their own, and the own.
    """

    response: Response
    driver: int
    green: int
    columns: NDArray[np.intp]
    share: NDArray[np.float32]
    absorbed: NDArray[np.bool_]
    own: NDArray[np.intp]
    hidden: NDArray[np.intp]

    @classmethod
    def of(cls, response: Response, names: Sequence[str]) -> "Ordering":
        """Find the columns by the names of the predictors."""
        follow = followers(names, response.driver)
        return cls(
            response,
            names.index(response.driver),
            names.index("FAPAR"),
            np.array([names.index(name) for name in follow]),
            np.array(list(follow.values()), np.float32),
            np.array([is_absorbed(name) for name in follow]),
            _columns([name == f"{BASELINE}{response.flux}" for name in names]),
            _columns([name.startswith(BASELINE) for name in names]),
        )

    @property
    def inputs(self) -> NDArray[np.intp]:
        """Columns of the predictors that the inputs of ``split`` come from."""
        return np.concatenate([self.columns, self.own])

    def split(self, table: Table, scaling: Scaling) -> tuple[Table, Table]:
        """Split predictors (row, feature) into what is free and what may only raise the flux.

        Returns
        -------
        free : array, (row, input)
            Scaled inputs as they would be with the driver at its limit, if it is below.
        rising : array, (row, follower + own) [standard deviations]
            What is missing of each follower, as a negative number, and the baseline.
        """
        missing = np.maximum(self.response.limit - table[:, [self.driver]], 0.0)
        lacking = missing * self.share * np.where(self.absorbed, table[:, [self.green]], 1.0)
        full = table.copy()
        full[:, self.columns] += lacking
        free = scaling.inputs(full)
        free[:, self.hidden] = 0.0
        known = np.isfinite(table[:, self.columns]) & scaling.varies[self.columns]
        lacking = np.where(known, -lacking / scaling.spread[self.columns], 0.0)
        own = scaling.inputs(table)[:, self.own]
        return free, np.column_stack([lacking, own]).astype(np.float32)


def _columns(chosen: list[bool]) -> NDArray[np.intp]:
    return np.flatnonzero(np.array(chosen, bool))
