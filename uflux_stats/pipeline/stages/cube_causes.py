"""Stage that attributes the cubes of a run to their drivers, region by region."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.attribution.query import CUBES
from uflux_stats.attribution.store import attribution_dataset, attribution_numbers
from uflux_stats.baselines import complete_drivers
from uflux_stats.errors import SampleError
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import gridded
from uflux_stats.pipeline.stages.gridding import FLUXES
from uflux_stats.reporting.numbers import Number, key, number

TARGETS: Final = ("GPP", "RECO")
FEWEST_YEARS: Final = 5
MOST_REPLICATES: Final = 100
"""Regional means are short series of many groups; an interval needs no more."""
_NAME: Final = "attribution_cubes"
_LEARNED: Final = "of a cube: what its model has learned at towers, not what land does"
"""Stands in the flag of every answer: intervals know the years and not what was never learned."""


def cube_attribution(task: Task) -> Mapping[str, Number]:
    """Attribute area-weighted regional means of the cubes, by continent and land cover type."""
    fluxes = open_store(task.input(FLUXES))
    years = len(np.unique(fluxes["time"].dt.year))
    try:
        _require_years(years)
        data = on_grid(complete_drivers(gridded(task)).load(), mean_fluxes(fluxes), fluxes)
        found = attribution_dataset(
            data,
            transforms=("anomaly",),
            pool="mean",
            regions=task.settings["regions"],
            replicates=min(task.settings["replicates"], MOST_REPLICATES),
            seed=task.settings["seed"],
        )
    except SampleError as error:
        note = f"skipped: {error}"
        write_netcdf(xr.Dataset(attrs={"note": note}), task.output(CUBES))
        return {_NAME: number(None, note=note)}
    title = "Attribution of the mean fluxes of regions to drivers"
    found = found.assign(flag=_with_warning(found))
    write_netcdf(found, task.output(CUBES), title=title, precision="float64")
    return {key(*parts): number(**entry) for parts, entry in attribution_numbers(found, _NAME)}


def _with_warning(found: xr.Dataset) -> xr.DataArray:
    """Put what every answer of a cube needs before what else its flag says."""
    flag = found["flag"].values.astype(object)
    warned = np.where(flag == "", _LEARNED, _LEARNED + "; " + flag)
    return found["flag"].copy(data=np.where(found["n"].values > 0, warned, flag))


def _require_years(years: int) -> None:
    if years < FEWEST_YEARS:
        raise SampleError(
            f"fluxes: expected at least {FEWEST_YEARS} years, got {years}; anomalies need a mean "
            "season and memory a year before, and one climatological year has neither"
        )


def mean_fluxes(fluxes: xr.Dataset) -> xr.Dataset:
    """Mean of the members of GPP and RECO of a run's cubes, in memory."""
    return xr.Dataset({
        name: fluxes[name].mean("member", keep_attrs=True).compute() for name in TARGETS
    })  # fmt: skip


def on_grid(drivers: xr.Dataset, cubes: xr.Dataset, places: xr.Dataset) -> xr.Dataset:
    """Put drivers and fluxes together, with the areas and classes of a run's cubes.

    Parameters
    ----------
    drivers, cubes : xr.Dataset, (time, lat, lon)
        On exactly the same grid and months.
    places : xr.Dataset
        With coordinates ``land_area``, and ``continent``, ``IGBP`` where known.

    Returns
    -------
    xr.Dataset, (time, lat, lon)
        What ``fit_network`` takes.
    """
    classes = {name: values.compute() for name, values in places.coords.items()
               if values.dims == ("lat", "lon")}  # fmt: skip
    weather = drivers.drop_vars([name for name in classes if name in drivers])
    chosen = cubes[list(TARGETS)].reset_coords(drop=True)
    weather, chosen = xr.align(weather, chosen, join="exact")
    return weather.assign(chosen.data_vars).assign_coords(classes)
