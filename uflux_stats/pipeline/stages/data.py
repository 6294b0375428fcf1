"""Stages that bring the data in: the twin Earth and the towers."""

import json
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from uflux_stats.errors import CalendarError, GridError
from uflux_stats.io.at_sites import drivers_at_sites
from uflux_stats.io.drivers import date_climatology, read_drivers
from uflux_stats.io.drops import Drop, Reason, to_json
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.twin import TwinOptions, make_twin
from uflux_stats.pipeline.stage import Task
from uflux_stats.reporting import run_files
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.schema import FLUXES

TWIN = run_files.TWIN
TOWERS = "towers.nc"
MEASURED = "towers_measured.nc"
"""The towers with their own drivers, where the run learns from gridded ones."""


def twin(task: Task) -> Mapping[str, Number]:
    """Generate the twin Earth, in the layouts of real data."""
    make_twin(task.output(TWIN), TwinOptions(**task.settings))
    return {}


def towers(task: Task) -> Mapping[str, Number]:
    """Read the towers; with ``tower_drivers`` "grid" their drivers come from the grid."""
    settings = task.settings
    observed = read_fluxnet(
        source(task, "towers"),
        qc=settings["qc"],
        partitioning=settings["partitioning"],
        sites=next(iter(task.files.get("sites", ())), None),
        fapar=next(iter(task.files.get("fapar", ())), None),
    )
    if settings["tower_drivers"] == "grid":
        write_netcdf(observed, task.output(MEASURED), title="Towers", precision="float64")
        observed = with_grid_drivers(observed, read_drivers(*driver_paths(task)))
    write_netcdf(observed, task.output(TOWERS), title="Towers", precision="float64")
    return {key("towers", flux, "months"): _months(observed[flux]) for flux in FLUXES}


def source(task: Task, kind: str) -> Path:
    """Return what was given as input, or the same part of the twin Earth."""
    given = task.files.get(kind, ())
    return given[0] if given else task.input(f"{TWIN}/{kind}")


def driver_paths(task: Task) -> tuple[Path, ...]:
    """Return the gridded drivers given as input, or those of the twin Earth."""
    return task.files.get("drivers") or (task.input(f"{TWIN}/drivers.nc"),)


def gridded(task: Task) -> xr.Dataset:
    """Read the gridded drivers; a climatology is dated."""
    drivers = read_drivers(*driver_paths(task))
    if "month" in drivers.dims:
        return date_climatology(drivers, year=task.settings["climatology_year"])
    return drivers


def with_grid_drivers(observed: xr.Dataset, drivers: xr.Dataset) -> xr.Dataset:
    """Replace measured drivers by those of the grid at the towers; months without any go.

    Parameters
    ----------
    observed : xr.Dataset, (site, time)
        Towers.
    drivers : xr.Dataset, (time, lat, lon) or (month, lat, lon)
        Gridded drivers; a climatology serves every year alike.

    Returns
    -------
    xr.Dataset, (site, time)
        On the months that both have; ``attrs["from_grid"]`` names what was replaced. Classes,
        elevation, C4 share and what the grid lacks stay the tower's own. Towers out of reach of
        the grid are counted.

    Raises
    ------
    GridError
        If no tower is within reach of a cell with data.
    CalendarError
        If towers and grid have no month in common.
    """
    at_towers = drivers_at_sites(drivers, observed["lat"], observed["lon"], observed["site"])
    if "month" in at_towers.dims:
        at_towers = at_towers.sel(month=observed["time"].dt.month).drop_vars("month")
    there = [name for name in at_towers.data_vars if "time" in at_towers[name].dims]
    _require_reach(at_towers[there], drivers)
    shared = observed.indexes["time"].intersection(at_towers.indexes["time"])
    if not shared.size:
        raise CalendarError(
            f"drivers: expected months of the towers, {_period(observed)}, got "
            f"{_period(at_towers)}; give drivers of other years"
        )
    replaced = at_towers[there].sel(time=shared).drop_vars(["lat", "lon"])
    drops = json.loads(observed.attrs["dropped"]) + json.loads(at_towers.attrs["dropped"])
    lost = Drop("", "month", Reason.OTHER_PERIOD, observed.sizes["time"] - shared.size)
    records = to_json([*(Drop(**drop) for drop in drops), lost])
    combined = observed.sel(time=shared).assign(replaced.data_vars)
    return combined.assign_attrs(dropped=records, from_grid=" ".join(map(str, there)))


def _require_reach(at_towers: xr.Dataset, drivers: xr.Dataset) -> None:
    gridded = [name for name in at_towers.data_vars if "lat" in drivers[name].dims]
    if not any(bool(at_towers[name].notnull().any()) for name in gridded):
        south, north = drivers["lat"].values[[0, -1]]
        west, east = drivers["lon"].values[[0, -1]]
        raise GridError(
            f"drivers: expected data at some tower, got none at {at_towers.sizes['site']} towers "
            f"from a grid of {south:g} to {north:g} north, {west:g} to {east:g} east; "
            "give drivers of their region"
        )


def _period(data: xr.Dataset) -> str:
    first, last = data["time"].dt.strftime("%Y-%m").values[[0, -1]]
    return f"{first} to {last}"


def load(path: Path) -> xr.Dataset:
    """Read a NetCDF result of an earlier stage into memory."""
    return xr.load_dataset(path, engine="netcdf4")


def _months(flux: xr.DataArray) -> Number:
    sites = int(flux.notnull().any("time").sum())
    return number(int(flux.notnull().sum()), "months", note=f"{sites} towers")
