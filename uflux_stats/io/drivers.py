"""Read gridded drivers from any usual NetCDF or Zarr file into one canonical dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.errors import DimensionError
from uflux_stats.io.co2 import co2_series
from uflux_stats.io.derived import with_derived
from uflux_stats.io.drops import to_json
from uflux_stats.io.grid_files import find_sources, readable
from uflux_stats.io.join import combine, require_one_grid
from uflux_stats.io.magnitudes import require_magnitudes
from uflux_stats.io.parts import ORDER, read_parts
from uflux_stats.io.plausible import drop_implausible

DEFAULT_CLIMATOLOGY_YEAR: Final = 2006


def read_drivers(
    *paths: str | Path,
    chunks: Mapping[str, int] | None = None,
    resolution: float | None = None,
) -> xr.Dataset:
    """Read gridded drivers, in the names, units and layout of the package.

    Variables are recognised by usual names (ERA5, CMIP, CRU and others) and converted by their
    units; others are ignored. Files may hold different variables or different months. Hourly and
    daily files are averaged to months; accumulations of ERA5-Land become rates; VPD is derived from
    the dew point and RNET from net shortwave and longwave radiation where files lack them. Koppen
    classes 1 to 30 become the five main classes, percentages of C4 plants fractions. Land-surface
    products are read in their native layout (``uflux_stats.io.surface``).

    Parameters
    ----------
    *paths : str or Path
        NetCDF files, Zarr stores, native files of land-surface products or folders of these; all on
        one grid unless ``resolution`` is given.
    chunks : mapping, optional
        Lengths of Dask blocks along time (or month), lat and lon. By default Zarr stores and
        NetCDF files above 256 MB become Dask arrays, and smaller files are loaded.
    resolution : float, optional [degrees]
        Bring all files to one regular grid, keeping integrals over land.

    Returns
    -------
    xr.Dataset, (time, lat, lon), or (month, lat, lon) for a climatology; static (lat, lon)
        Single precision; month starts without gap, ``lat`` south to north, ``lon`` -180 to 180.
        What was left out is in ``attrs["dropped"]`` (JSON list of site, variable, reason, n).

    Raises
    ------
    DataFileError
        If a path is missing, empty, damaged, or has none of the known variables.
    UnitsError
        If a unit is missing or unknown.
    RangeError
        If many values are impossible in their unit.
    CalendarError
        If months repeat or lack, or a climatology is mixed with dated months.
    GridError
        If the files are on different grids.
    DimensionError
        If a variable has a dimension besides time and place, such as depth.

    Examples
    --------
    >>> import tempfile
    >>> axes = {"time": xr.date_range("2001-01-31", periods=2, freq="ME"),
    ...         "latitude": [10.0, -10.0], "longitude": [90.0, 270.0]}
    >>> warmth = xr.DataArray(290.0, axes, dims=list(axes), attrs={"units": "K"})
    >>> path = tempfile.mkdtemp() + "/era5.nc"
    >>> warmth.to_dataset(name="t2m").to_netcdf(path)
    >>> drivers = read_drivers(path)
    >>> drivers.TA.dims, drivers.lon.values.tolist(), round(drivers.TA.max().item(), 2)
    (('time', 'lat', 'lon'), [-90.0, 90.0], 16.85)
    """
    sources = find_sources(*paths)
    parts = read_parts(sources, lazy=chunks is not None, resolution=resolution)
    require_one_grid(parts.data, parts.names)
    with readable(sources[0] if len(sources) == 1 else sources[0].parent):
        combined, period_drops = combine(parts.data)
        checked, range_drops = drop_implausible(with_derived(combined))
        require_magnitudes(checked)
    ordered = checked.transpose(*ORDER, missing_dims="ignore")
    drops = [*parts.drops, *period_drops, *range_drops]
    names = dict.fromkeys(source.name for source in sources)
    attrs = {"source": ", ".join(names), "dropped": to_json(drops)}
    first = parts.data[0].attrs
    titled = {"title": first["title"]} if "title" in first else {}
    ordered.attrs = titled | attrs
    return ordered if chunks is None else ordered.chunk(chunks)


def date_climatology(drivers: xr.Dataset, *, year: int = DEFAULT_CLIMATOLOGY_YEAR) -> xr.Dataset:
    """Give a climatological year the dates of one year, and its CO2 if it has none.

    Parameters
    ----------
    drivers : xr.Dataset, (month, lat, lon)
        As returned by ``read_drivers``.
    year : int
        Calendar year.

    Returns
    -------
    xr.Dataset, (time, lat, lon)
        ``attrs["climatology_year"]`` says that the year stands for many.

    Raises
    ------
    DimensionError
        If there is no dimension ``month``.
    CalendarError
        If CO2 of that year is not known.

    Examples
    --------
    >>> months = xr.Dataset({"TA": ("month", [5.0] * 12)}, {"month": range(1, 13)})
    >>> dated = date_climatology(months, year=1990)
    >>> str(dated.time.values[0])[:10], dated.CO2.dims
    ('1990-01-01', ('time',))
    """
    if "month" not in drivers.dims:
        raise DimensionError(
            f"drivers: expected a dimension 'month', got {sorted(map(str, drivers.dims))}; "
            "dated drivers need no date"
        )
    stamps = pd.to_datetime([f"{year}-{month:02d}-01" for month in drivers["month"].values])
    dated = drivers.rename(month="time").assign_coords(time=stamps.as_unit("ns"))
    return add_co2(dated.assign_attrs(climatology_year=year))


def add_co2(drivers: xr.Dataset) -> xr.Dataset:
    """Add global monthly mean CO2 where drivers have none.

    Parameters
    ----------
    drivers : xr.Dataset, (time, ...)
        With month starts.

    Returns
    -------
    xr.Dataset
        With CO2 (time,) [ppm]; as it was if it had CO2.

    Raises
    ------
    CalendarError
        If CO2 of a month is not known.
    """
    return drivers if "CO2" in drivers else drivers.assign(CO2=co2_series(drivers["time"]))
