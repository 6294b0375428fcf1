"""From towers to a table of rows to learn from."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import ParameterTable, baseline, complete_drivers
from uflux_stats.checks import require_dims, require_variables
from uflux_stats.errors import MissingVariableError
from uflux_stats.refinement.features import REQUIRED, FeatureSpec, features
from uflux_stats.schema import FLUXES

Rows = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingTable:
    """Site-months that have the required drivers and at least one observed flux.

    Attributes
    ----------
    towers : xr.Dataset, (site, time)
        Drivers, completed, and observed fluxes, in the units of the schema.
    spec : FeatureSpec
        What the columns of ``predictors`` are.
    predictors : array of float32, (row, feature)
    site, time : array of int, (row,)
        Position of each row along the dims of ``towers``.
    observed : dict of array, (row,)
        Each flux; NaN where it was not measured well enough.
    """

    towers: xr.Dataset
    spec: FeatureSpec
    predictors: NDArray[np.float32]
    site: NDArray[np.intp]
    time: NDArray[np.intp]
    observed: dict[str, Rows]

    def take(self, values: xr.DataArray) -> Rows:
        """Pick the rows from an array on (site, time)."""
        picked: Rows = values.transpose("site", "time").values[self.site, self.time]
        return picked

    def put(self, values: Rows) -> NDArray[np.float64]:
        """Lay rows out on (site, time); NaN elsewhere."""
        shape = (self.towers.sizes["site"], self.towers.sizes["time"])
        whole = np.full(shape, np.nan)
        whole[self.site, self.time] = values
        return whole

    def keep(self, rows: Mask) -> xr.Dataset:
        """Return the towers with the fluxes of all other rows removed: what a fold may see."""
        kept = np.zeros((self.towers.sizes["site"], self.towers.sizes["time"]), bool)
        kept[self.site, self.time] = rows
        mask = xr.DataArray(kept, dims=("site", "time"))
        masked = {
            name: self.towers[name].where(mask).assign_attrs(self.towers[name].attrs)
            for name in self.observed
        }
        return self.towers.assign(masked)

    def baseline(self, parameters: ParameterTable) -> dict[str, Rows]:
        """Fluxes of the process baseline at the rows."""
        modelled = baseline(self.towers, parameters)
        return {name: self.take(modelled[name]) for name in FLUXES}


def training_table(towers: xr.Dataset, *, coordinates: bool = False) -> TrainingTable:
    """Build the table of rows from towers.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        As ``read_fluxnet`` gives it.
    coordinates : bool
        Whether latitude and longitude are predictors.

    Returns
    -------
    TrainingTable

    Raises
    ------
    MissingVariableError
        If a required driver is not there, no flux is, or no month has both.
    UnitsError
        If a variable is in another unit.
    """
    require_dims(towers, ["site", "time"], name="towers")
    require_variables(towers, REQUIRED, name="towers")
    fluxes = [name for name in FLUXES if name in towers]
    if not fluxes:
        raise MissingVariableError(
            f"towers: expected at least one of {list(FLUXES)}, got none; add observed fluxes"
        )
    require_variables(towers, fluxes, name="towers")
    completed = complete_drivers(towers).transpose("site", "time", ...)
    usable = np.logical_and.reduce([np.isfinite(completed[name].values) for name in REQUIRED])
    usable &= np.logical_or.reduce([np.isfinite(completed[name].values) for name in fluxes])
    if not usable.any():
        raise MissingVariableError(
            f"towers: expected months with all of {list(REQUIRED)} and a flux, got none; "
            "is the table of fAPAR there, and does it name the same sites and months?"
        )
    spec = FeatureSpec.of(completed, coordinates=coordinates)
    site, time = np.nonzero(usable)
    return TrainingTable(
        towers=completed,
        spec=spec,
        predictors=np.ascontiguousarray(features(completed, spec).values[:, site, time].T),
        site=site,
        time=time,
        observed={name: completed[name].values[site, time] for name in fluxes},
    )
