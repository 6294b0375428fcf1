"""How predictors and baseline move with one driver of the month: light or temperature."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.baselines import ParameterTable
from uflux_stats.refinement.table import Mask, Rows, TrainingTable
from uflux_stats.schema import FLUXES

STEP: Final = 0.1
"""By which a driver is moved to see the baseline follow, in its own unit."""


@dataclass(frozen=True)
class Response:
    """A flux that does not fall while a driver rises, as long as the driver is below a limit."""

    flux: str
    driver: str
    limit: float


LIGHT: Final = Response("GPP", "SWIN", 200.0)
"""W m-2 of shortwave radiation; photosynthesis may be inhibited by more."""
WARMTH: Final = Response("RECO", "TA", 40.0)
"""degC; enzymes fail above."""
RESPONSES: Final = {"light": LIGHT, "temperature": WARMTH}
"""By the name of their constraint."""


@dataclass(frozen=True)
class Direction:
    """Derivatives with respect to the driver of a response, at each row of a table.

    Attributes
    ----------
    response : Response
    predictors : array of float32, (row, feature)
        Of the predictors, in their units per unit of the driver.
    process : dict of array, (row,)
        Of the baseline's fluxes.
    spread : float
        Standard deviation of the driver over the rows.
    inside : array of bool, (row,)
        Where the driver is below the limit.
    reach : array of float32, (row, 2)
        How far the driver is from its lowest value in the table, and from its limit.
    """

    response: Response
    predictors: NDArray[np.float32]
    process: dict[str, Rows]
    spread: float
    inside: Mask
    reach: NDArray[np.float32]

    def only(self, rows: Mask) -> "Direction":
        """Return the derivatives at the chosen rows (row,) alone."""
        return replace(
            self,
            predictors=self.predictors[rows],
            process={name: values[rows] for name, values in self.process.items()},
            inside=self.inside[rows],
            reach=self.reach[rows],
        )


def direction(table: TrainingTable, parameters: ParameterTable, response: Response) -> Direction:
    """Derive what changes with a driver of the month; earlier months and the climate stay.

    Absorbed light goes with light, a running mean with its last month, the baseline with both.
    """
    driver = table.take(table.towers[response.driver])
    moved = table.towers[response.driver] + STEP
    towers = table.towers.assign(
        {response.driver: moved.assign_attrs(table.towers[response.driver].attrs)}
    )
    before, after = (table.baseline_of(each, parameters) for each in (table.towers, towers))
    slopes = _slopes(table, response.driver)
    columns = [slopes.get(name, np.zeros(len(driver))) for name in table.spec.names]
    return Direction(
        response,
        np.column_stack(columns).astype(np.float32),
        {name: (after[name] - before[name]) / STEP for name in FLUXES},
        float(driver.std()),
        driver < response.limit,
        np.column_stack([driver.min() - driver, response.limit - driver]).astype(np.float32),
    )


def _slopes(table: TrainingTable, driver: str) -> dict[str, Rows]:
    """Derive the predictors that a driver of the month is part of."""
    one, green = np.ones(len(table.site)), table.take(table.towers["FAPAR"])
    return {
        name: share * (green if is_absorbed(name) else one)
        for name, share in followers(table.spec.names, driver).items()
    }


def followers(names: Sequence[str], driver: str) -> dict[str, float]:
    """Name the predictors that a driver of the month is part of, each with its share in them.

    Of absorbed light the share is that of the light before absorption, see ``is_absorbed``.

    Examples
    --------
    >>> followers(["TA", "TA_lag1", "TA_run3", "APAR"], "TA")
    {'TA': 1.0, 'TA_run3': 0.3333333333333333}
    >>> followers(["SWIN", "APAR", "APAR_run6"], "SWIN")
    {'SWIN': 1.0, 'APAR': 1.0, 'APAR_run6': 0.16666666666666666}
    """
    sources = {driver, "APAR"} if driver == "SWIN" else {driver}
    found = {}
    for name in names:
        source, _, months = name.partition("_run")
        if source in sources:
            found[name] = 1.0 / int(months) if months else 1.0
    return found


def is_absorbed(name: str) -> bool:
    """Tell whether a predictor is light times the absorbed fraction, FAPAR."""
    return name.partition("_")[0] == "APAR"
