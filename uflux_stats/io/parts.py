"""Files of gridded drivers, each in canonical form: what ``read_drivers`` joins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import xarray as xr

from uflux_stats.errors import DimensionError
from uflux_stats.grid import normalise_grid
from uflux_stats.io.co2 import is_noaa_co2, read_noaa_co2
from uflux_stats.io.driver_names import HELPERS, known_variables, to_schema
from uflux_stats.io.drops import Drop
from uflux_stats.io.finer import join_steps, months_of_steps, on_hours
from uflux_stats.io.grid_files import open_source, readable
from uflux_stats.io.months import monthly
from uflux_stats.io.regridding import STANDARD, to_resolution
from uflux_stats.io.surface import is_surface, read_surface
from uflux_stats.schema import variable

ORDER: Final = ("time", "month", "lat", "lon")
_STEP_COORDS: Final = frozenset({"month_number", "day", "hour"})
_TIMES: Final = frozenset({"time", "valid_time", "year", "years", "month", "t"})
_FINAL, _PRELIMINARY = 0, 1


@dataclass(frozen=True)
class Parts:
    """Canonical parts, the names of their files, and what was left out."""

    data: list[xr.Dataset]
    names: list[str]
    drops: list[Drop]


def read_parts(sources: Sequence[Path], *, lazy: bool, resolution: float | None) -> Parts:
    """Read files one by one; hourly and daily ones of the same variables are joined first.

    Parameters
    ----------
    sources : sequence of Path
        NetCDF files, Zarr stores, native files of land-surface products, tables of CO2 by NOAA.
    lazy : bool
        Keep small files on disk too.
    resolution : float, optional [degrees]
        Bring everything to a regular grid; land-surface products, which come in millions of
        pixels, are brought to half a degree by default.

    Returns
    -------
    Parts
        (time, lat, lon), (month, lat, lon), (lat, lon) or (time,) each, months in any order.

    Raises
    ------
    UfluxError
        As for ``read_drivers``.
    """
    surface = [path for path in sources if is_surface(path)]
    series = [path for path in sources if is_noaa_co2(path)]
    parts = Parts([], [], [])
    steps: dict[tuple[tuple[str, str], ...], list[tuple[str, xr.Dataset]]] = {}
    for path in (path for path in sources if path not in {*surface, *series}):
        opened = _one_experiment(open_source(path, lazy=lazy))
        names = known_variables(opened, source=path.name)
        finer = on_hours(opened, source=path.name)
        if finer is None:
            _add(parts, path.name, _months(opened, names, path), resolution)
        else:
            placed = _placed(finer[list(names)], source=path.name)
            steps.setdefault(tuple(sorted(names.items())), []).append((path.name, placed))
    for named, files in steps.items():
        source = files[0][0]
        joined = join_steps([data for _, data in files], source=source)
        months, drops = months_of_steps(joined, dict(named), source=source)
        _add(parts, source, months.assign_attrs(files[0][1].attrs), resolution)
        parts.drops.extend(drops)
    for path in series:
        _add(parts, path.name, read_noaa_co2(path).to_dataset(), None)
    for name, data in read_surface(surface, resolution or STANDARD):
        _add(parts, name, data, resolution)
    return parts


def _add(parts: Parts, name: str, data: xr.Dataset, resolution: float | None) -> None:
    parts.data.append(data if resolution is None else to_resolution(data, resolution))
    parts.names.append(name)


def _one_experiment(data: xr.Dataset) -> xr.Dataset:
    """Take the final ERA5 where it is, else the preliminary one (``expver`` 1 and 5)."""
    if data.sizes.get("expver", 1) != 2:
        return data
    versions = data.sortby("expver") if "expver" in data.coords else data
    first, second = (versions.isel(expver=i, drop=True) for i in (_FINAL, _PRELIMINARY))
    merged = {name: first[name].fillna(second[name]) for name in first.data_vars}
    return first.assign({n: v.assign_attrs(first[n].attrs) for n, v in merged.items()})


def _months(opened: xr.Dataset, names: Mapping[str, str], path: Path) -> xr.Dataset:
    """One monthly, climatological or static file, its months in the order of the file."""
    still = {name: driver for name, driver in names.items() if _is_static(driver)}
    changing = [name for name in names if name not in still]
    parts = [_one_map(opened[name], driver).to_dataset() for name, driver in still.items()]
    if changing:
        needed = opened.drop_vars(list(still))
        parts.append(monthly(needed, source=path.name)[changing])
    placed = [_placed(part, source=path.name) for part in parts]
    with readable(path):
        kept = {
            driver: to_schema(part[name], driver)
            for name, driver in names.items()
            for part in placed
            if name in part
        }
    return xr.Dataset(kept, attrs=opened.attrs)


def _is_static(driver: str) -> bool:
    return driver not in HELPERS and variable(driver).kind == "static"


def _one_map(values: xr.DataArray, driver: str) -> xr.DataArray:
    """Reduce yearly maps of what hardly changes: shares to their mean, classes to the last."""
    times = [dim for dim in values.dims if str(dim).lower() in _TIMES]
    if not times:
        return values
    if variable(driver).units == "class":
        return values.isel(dict.fromkeys(times, -1), drop=True)
    return values.mean(times, keep_attrs=True)


def _placed(data: xr.Dataset, *, source: str) -> xr.Dataset:
    """Bring the grid into the layout of the package; a table by time alone has none."""
    single = [dim for dim, size in data.sizes.items() if size == 1 and dim not in ORDER]
    slim = data.squeeze([dim for dim in single if not _is_place(str(dim))], drop=True)
    needless = [n for n in slim.coords if n not in slim.dims and n not in _STEP_COORDS]
    slim = slim.drop_vars(needless)
    if set(slim.dims) - {"time", "month"}:
        slim = normalise_grid(slim)
    extra = sorted(map(str, set(slim.dims) - set(ORDER)))
    if extra:
        raise DimensionError(
            f"{source}: expected dimensions time, lat and lon, got also {extra}; "
            "select one position along each"
        )
    return slim


def _is_place(dim: str) -> bool:
    return dim.lower() in {"latitude", "longitude", "y", "x", "lat", "lon", "nav_lat", "nav_lon"}
