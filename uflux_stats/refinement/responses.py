"""How predictors and baseline move with one driver of the month: light or temperature."""

from dataclasses import dataclass
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
    """

    response: Response
    predictors: NDArray[np.float32]
    process: dict[str, Rows]
    spread: float
    inside: Mask


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
    )


def _slopes(table: TrainingTable, driver: str) -> dict[str, Rows]:
    """Derive the predictors that a driver of the month is part of."""
    one = np.ones(len(table.site))
    slopes = {driver: one}
    if driver == "SWIN":
        slopes["APAR"] = table.take(table.towers["FAPAR"])
    for name in table.spec.names:
        source, _, months = name.partition("_run")
        if months and source in slopes:
            slopes[name] = slopes[source] / int(months)
    return slopes
