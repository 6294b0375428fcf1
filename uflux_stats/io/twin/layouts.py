"""The file conventions of the pretend vegetation models, as untidy as real ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.io.twin.dgvms import FLUXES, POOLS
from uflux_stats.io.twin.options import NOTICE
from uflux_stats.io.twin.planet import Axes

FILL: Final = -99999.0
USELESS: Final = "check metadata"


@dataclass(frozen=True)
class Layout:
    """How one model writes its files.

    Attributes
    ----------
    names
        Of the latitude and longitude dimensions.
    round_the_world
        Longitudes run 0 to 360.
    north_first
        Latitudes run from north to south.
    units
        Of fluxes and of pools.
    day
        Day of the month on which a month is stamped.
    lacking
        Variables that the model does not write; without cLitter its litter is part of cSoil.
    """

    names: tuple[str, str] = ("lat", "lon")
    round_the_world: bool = False
    north_first: bool = False
    units: tuple[str, str] = ("kg m-2 s-1", "kg m-2")
    day: int = 1
    lacking: tuple[str, ...] = ()


_LONG: Final = ("latitude", "longitude")
LAYOUTS: Final = (
    Layout(),
    Layout(names=_LONG, round_the_world=True, units=("kg C m-2 s-1", "kg C m-2"), day=16),
    Layout(north_first=True, units=(USELESS, USELESS)),
    Layout(names=_LONG, north_first=True, lacking=("cLeaf", "cWood", "cRoot")),
    Layout(round_the_world=True, north_first=True, day=15, lacking=("cLitter",)),
    Layout(units=("kgC/m2/s", "kgC/m2"), lacking=("ra",)),
    Layout(names=_LONG, units=(USELESS, USELESS), day=15, lacking=("nbp",)),
    Layout(round_the_world=True, lacking=("cRoot",)),
)
"""Taken in turn by the models."""


def write_model(name: str, output: xr.Dataset, axes: Axes, layout: Layout, folder: Path) -> None:
    """Write one file ``MODEL_S3_VARIABLE.nc`` per variable.

    Parameters
    ----------
    name : str
        Of the model.
    output : xr.Dataset
        From ``run_model``: fluxes (time, cell) [kgC m-2 s-1], pools (year, cell) [kgC m-2].
    axes : Axes
        The grid on which the cells are.
    layout : Layout
        The model's conventions.
    folder : Path
        Exists.
    """
    if "cLitter" in layout.lacking:
        output = output.assign(cSoil=output["cSoil"] + output["cLitter"])
    for variable in (*FLUXES, *POOLS):
        if variable not in layout.lacking:
            field = axes.spread(output[[variable]])
            native = _native(field, variable, layout)
            native.attrs = {"title": NOTICE, "model": name, "experiment": "S3"}
            _save(native, variable, folder / f"{name}_S3_{variable}.nc", layout)


def _native(field: xr.Dataset, variable: str, layout: Layout) -> xr.Dataset:
    """Turn the canonical grid into the model's own."""
    stock = variable in POOLS
    if stock:
        middle = pd.to_datetime([f"{year}-07-01" for year in field["year"].values])
        field = field.rename(year="time").assign_coords(time=middle.as_unit("ns"))
    else:
        field = field.assign_coords(time=field["time"] + np.timedelta64(layout.day - 1, "D"))
    if layout.round_the_world:
        field = field.assign_coords(lon=field["lon"] % 360).sortby("lon")
    if layout.north_first:
        field = field.isel(lat=slice(None, None, -1))
    field[variable].attrs = {"units": layout.units[int(stock)]}
    if stock:
        field[variable].attrs["comment"] = "state at the end of the year"
    field["lat"].attrs = {"units": "degrees_north"}
    field["lon"].attrs = {"units": "degrees_east"}
    return field.rename(lat=layout.names[0], lon=layout.names[1])


def _save(field: xr.Dataset, variable: str, path: Path, layout: Layout) -> None:
    kind = np.float64 if variable in POOLS else np.float32
    epoch = 1700 if layout.day == 1 else 1900
    encoding: dict[str, dict[str, Any]] = {
        variable: {"dtype": kind, "_FillValue": kind(FILL), "zlib": True, "complevel": 1},
        "time": {"units": f"days since {epoch}-01-01", "calendar": "standard", "dtype": "float64"},
    }
    field.to_netcdf(path, engine="netcdf4", encoding=encoding)
