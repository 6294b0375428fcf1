"""How emulated cubes are laid out: names, units, axes and the maps that totals need."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from uflux_stats.emulation.applying import RAISED, RATIO
from uflux_stats.emulation.ensemble import POOLS
from uflux_stats.emulation.options import Closure
from uflux_stats.grid import continents, land_area
from uflux_stats.schema import CARBON_FLUX, CARBON_STOCK, SCHEMA

Layers = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""Dims and values of each variable on the grid."""


def labelled(
    whole: Layers, drivers: xr.Dataset, members: Sequence[str], closure: Closure
) -> xr.Dataset:
    """Give layers on a grid their names, units, axes and maps.

    Parameters
    ----------
    whole : Layers
    drivers : xr.Dataset, (time, lat, lon)
        Of the same grid and months.
    members : sequence of str
    closure : {"exact", "none", "paper"}

    Returns
    -------
    xr.Dataset
        As ``emulate`` gives it.
    """
    data = {name: (dims, values, _attrs(name)) for name, (dims, values) in whole.items()}
    lacking = [name for name in POOLS if name not in whole]
    coords = {
        "member": list(members),
        "time": drivers["time"],
        "year": np.unique(drivers["time"].dt.year.values),
        "lat": drivers["lat"],
        "lon": drivers["lon"],
    }
    attrs = {
        "title": "Carbon allocation emulated from vegetation models",
        "closure": closure,
        "not_available": " ".join(lacking),
    }
    kept = {k: drivers.attrs[k] for k in ("climatology_year",) if k in drivers.attrs}
    return xr.Dataset(data, coords, {**attrs, **kept}).assign_coords(_places(drivers))


def _attrs(name: str) -> dict[str, str]:
    if name in SCHEMA:
        return SCHEMA[name].attrs
    if name == "chi_square":
        return {"units": "1", "long_name": "size of the adjustment, mean over members"}
    if name == RAISED:
        what = "what the first state of cSoil was raised by, for respiration not to empty it"
        return {"units": CARBON_STOCK, "long_name": what}
    if name.endswith(RATIO):
        what = f"{name.removesuffix(RATIO)} as yearly NPP over turnover"
        return {"units": CARBON_STOCK, "long_name": what}
    what, flux = name.rsplit("_", 1)
    return {"units": CARBON_FLUX, "long_name": f"{what.replace('_', ' ')} of {flux} by closure"}


def _places(drivers: xr.Dataset) -> dict[str, xr.DataArray]:
    """Collect the maps that totals need: land area, continents and classes."""
    maps = {name: drivers[name] for name in ("IGBP", "KOPPEN") if name in drivers}
    maps["continent"] = continents(drivers["lat"], drivers["lon"])
    if "LANDFRAC" in drivers:
        maps["land_area"] = land_area(drivers["LANDFRAC"])
    return {name: field.reset_coords(drop=True) for name, field in maps.items()}


def template(part: xr.Dataset, drivers: xr.Dataset) -> xr.Dataset:
    """Lay out a store without values, on the whole grid, for parts such as ``part``.

    Parameters
    ----------
    part : xr.Dataset, (..., lat, lon)
        Of some latitudes.
    drivers : xr.Dataset, (time, lat, lon)
        With the whole grid.

    Returns
    -------
    xr.Dataset
        Of lazy zeros.
    """
    import dask.array  # adds warning filters, so not at our own import

    sizes = {**part.sizes, "lat": drivers.sizes["lat"], "lon": drivers.sizes["lon"]}
    layout = {
        name: (
            field.dims,
            dask.array.zeros(tuple(sizes[d] for d in field.dims), dtype=np.float32),
            field.attrs,
        )
        for name, field in part.data_vars.items()
    }
    coords = {name: part[name] for name in ("member", "time", "year")}
    axes = {name: drivers[name] for name in ("lat", "lon")}
    return xr.Dataset(layout, {**coords, **axes}, part.attrs).assign_coords(_places(drivers))
