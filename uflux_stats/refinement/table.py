"""From towers to a table of rows to learn from."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import ParameterTable, baseline, complete_drivers
from uflux_stats.checks import require_dims, require_ranges, require_variables, values_known
from uflux_stats.errors import MissingVariableError
from uflux_stats.refinement.features import REQUIRED, FeatureSpec, features
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.surroundings import Surroundings
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

    @property
    def sites(self) -> NDArray[np.str_]:
        """Name of the site of each row."""
        names: NDArray[np.str_] = self.towers["site"].values[self.site]
        return names

    @property
    def times(self) -> NDArray[np.datetime64]:
        """Month of each row."""
        months: NDArray[np.datetime64] = self.towers["time"].values[self.time]
        return months

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

    def only(self, rows: Mask) -> "TrainingTable":
        """Return the table of the chosen rows (row,) alone."""
        return replace(
            self,
            predictors=self.predictors[rows],
            site=self.site[rows],
            time=self.time[rows],
            observed={name: values[rows] for name, values in self.observed.items()},
        )

    def baseline(self, parameters: ParameterTable) -> dict[str, Rows]:
        """Fluxes of the process baseline at the rows."""
        return self.baseline_of(self.towers, parameters)

    def baseline_of(self, towers: xr.Dataset, parameters: ParameterTable) -> dict[str, Rows]:
        """Fluxes of the baseline at the rows, of the same towers with other drivers."""
        modelled = baseline(towers, parameters)
        return {name: self.take(modelled[name]) for name in FLUXES}


def training_table(
    towers: xr.Dataset,
    *,
    coordinates: bool = False,
    history: int = 0,
    surroundings: Surroundings | None = None,
) -> TrainingTable:
    """Build the table of rows from towers.

    Parameters
    ----------
    towers : xr.Dataset, (site, time)
        As ``read_fluxnet`` gives it.
    coordinates : bool
        Whether latitude and longitude are predictors.
    history : int
        Months before the present one of which every driver is a predictor, see
        ``RefineOptions.history``.
    surroundings : Surroundings, optional
        What the land around a tower is like, as more predictors.

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
    require_ranges(completed, FeatureSpec.of(completed).dynamic, name="towers")
    usable = np.logical_and.reduce([np.isfinite(completed[name].values) for name in REQUIRED])
    usable &= np.logical_or.reduce([np.isfinite(completed[name].values) for name in fluxes])
    if not usable.any():
        raise MissingVariableError(_nothing_to_learn_from(completed))
    _require_places(completed, usable)
    spec = FeatureSpec.of(completed, coordinates=coordinates, history=history)
    spec = replace(
        spec, required=_never_missing(completed, spec, usable), surroundings=surroundings
    )
    site, time = np.nonzero(usable)
    return TrainingTable(
        towers=completed,
        spec=spec,
        predictors=np.ascontiguousarray(features(completed, spec).values[:, site, time].T),
        site=site,
        time=time,
        observed={name: completed[name].values[site, time] for name in fluxes},
    )


def table_for(
    towers: xr.Dataset, options: RefineOptions, surroundings: Surroundings | None = None
) -> TrainingTable:
    """Build the table that a model with these options learns from, see ``training_table``."""
    return training_table(
        towers,
        coordinates=options.coordinates,
        history=options.history,
        surroundings=surroundings,
    )


def _nothing_to_learn_from(towers: xr.Dataset) -> str:
    """Tell which of the required drivers is to blame."""
    return (
        f"towers: expected months with all of {list(REQUIRED)} and a flux, got none (months known: "
        f"{values_known(towers, REQUIRED)}); dropped_report(towers) tells why: a wrong "
        "unit, or no table of fAPAR?"
    )


def _require_places(towers: xr.Dataset, usable: Mask) -> None:
    """Raise unless the latitude of every tower is known: it tells the season."""
    unknown = ~np.isfinite(towers["lat"].values) if "lat" in towers.coords else np.array([])
    lost = np.flatnonzero(unknown & usable.any(axis=1)) if unknown.size else unknown
    if lost.size:
        named = towers["site"].values[lost[:5]].tolist()
        raise MissingVariableError(
            f"towers.lat: expected the place of every tower, got none for {lost.size} of "
            f"{towers.sizes['site']} ({named}, ...); give the table of sites "
            "(read_fluxnet(sites=...) or --set input.sites=...), or leave these towers out"
        )


def _never_missing(towers: xr.Dataset, spec: FeatureSpec, usable: Mask) -> tuple[str, ...]:
    """Names of the drivers that are known in every row."""
    rows = xr.DataArray(usable, dims=("site", "time"))
    return tuple(name for name in spec.drivers if bool((spec.known(towers, name) | ~rows).all()))
