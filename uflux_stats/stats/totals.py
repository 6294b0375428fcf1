"""Sums and means over land: fluxes in PgC per year, stocks in PgC, heat in W m-2."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import xarray as xr

from uflux_stats.checks import (
    require_array,
    require_dims,
    require_monthly,
    require_same_grid,
    require_units,
)
from uflux_stats.choices import require_choice
from uflux_stats.errors import (
    CalendarError,
    DimensionError,
    MissingVariableError,
    UnitsError,
)
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.grid.regions import REGION_KIND, By, region_masks
from uflux_stats.schema import CARBON_FLUX, CARBON_STOCK, HEAT_FLUX
from uflux_stats.units import PG_PER_G

Along: TypeAlias = Literal["lat", "lon"]
FLUX_TOTAL: Final = "PgC yr-1"
STOCK_TOTAL: Final = "PgC"
MONTHS: Final = 12
COMMON_YEAR: Final = 2001
"""Any year of 365 days: the calendar of a climatology without a year of its own."""


def total(
    values: xr.DataArray,
    *,
    by: By | Sequence[By] | None = None,
    along: Along | None = None,
    area: xr.DataArray | None = None,
    regions: RegionSet = "geographic",
) -> xr.DataArray:
    """Sum a flux or stock over all land or over regions; fluxes also over each year.

    A month weighs its own number of days and a cell its own land area. A cell without data adds
    nothing; a month without any cell is missing, and so is a year with a month missing.

    Parameters
    ----------
    values : xr.DataArray, (..., lat, lon) [gC m-2 d-1, gC m-2 or W m-2]
        A flux with months (`time`, month starts; or `month` 1 to 12, a climatology) or a stock with
        any dims. Other dimensions (member, quantile, model) are kept. Values are per land area.
    by : {"globe", "continent", "pft", "koppen", "tropics", "latitude"}, optional
        Kind of region; without it, all land and no dimension `region`. "pft" and "koppen" need the
        coordinates ``IGBP`` and ``KOPPEN``. Several kinds are summed in one pass and follow each
        other along `region`; they overlap, and a coordinate ``region_kind`` tells them apart.
    along : {"lat", "lon"}, optional
        Keep this axis: the profile over latitude or longitude, one number per row or column of
        cells. A profile sums to the total; its numbers depend on the width of the cells.
    area : xr.DataArray, (lat, lon) [m2], optional
        Land area; by default the coordinate ``land_area`` of ``values``.
    regions : {"geographic", "natural_earth"}
        Set of continents.

    Returns
    -------
    xr.DataArray, (..., [year], [region], [along])
        Flux [gC m-2 d-1]: PgC yr-1. Stock [gC m-2]: PgC. Heat flux [W m-2]: not a sum but the mean
        over land and year, W m-2. A climatology is one year, of ``attrs["year"]`` if there, else of
        365 days, and has no dimension `year`. Dask arrays stay lazy.

    Raises
    ------
    UnitsError
        If values or area are in another unit.
    DimensionError
        If `lat`, `lon` or, for a flux, the months are missing, or ``values`` is not one array.
    ConfigError
        If ``along`` is neither.
    MissingVariableError
        If there is no land area or no class map.
    GridError
        If the area is on another grid, or ``by`` or ``regions`` is unknown.
    CalendarError
        If months are not in order or not whole.

    Examples
    --------
    One gram per square metre and day on 1e12 m2, over a leap year:

    >>> axes = {"time": xr.date_range("2004-01", periods=12, freq="MS"), "lat": [0.5], "lon": [9.5]}
    >>> flux = xr.DataArray(1.0, axes, dims=list(axes), attrs={"units": "gC m-2 d-1"})
    >>> land = xr.full_like(flux[0], 1e12).drop_vars("time").assign_attrs(units="m2")
    >>> yearly = total(flux, area=land)
    >>> yearly.year.values.tolist(), yearly.round(3).values.tolist(), yearly.attrs["units"]
    ([2004], [0.366], 'PgC yr-1')
    """
    require_array(values, name="values")
    unit = values.attrs.get("units")
    if unit not in {CARBON_FLUX, CARBON_STOCK, HEAT_FLUX}:
        raise UnitsError(
            f"values: expected units {CARBON_FLUX!r}, {CARBON_STOCK!r} or {HEAT_FLUX!r}, "
            f"got {unit!r}; convert it first (uflux_stats.units.convert) or set attrs['units']"
        )
    if unit == CARBON_STOCK:
        grams = _sum_over_land(values, _weights(values, by, area, regions), along)
        return _labelled(PG_PER_G * grams, values, STOCK_TOTAL, "total over land")
    days = month_lengths(values)
    if unit == HEAT_FLUX:
        monthly = area_mean(values, by=by, along=along, area=area, regions=regions)
        mean = _sum_over_year(monthly * days) / _sum_over_year(days)
        return _labelled(mean, values, HEAT_FLUX, "mean over land and year")
    grams = _sum_over_land(values, _weights(values, by, area, regions), along)
    yearly = PG_PER_G * _sum_over_year(grams * days)
    return _labelled(yearly, values, FLUX_TOTAL, "total over land and year")


def area_mean(
    values: xr.DataArray,
    *,
    by: By | Sequence[By] | None = None,
    along: Along | None = None,
    area: xr.DataArray | None = None,
    regions: RegionSet = "geographic",
) -> xr.DataArray:
    """Mean over all land or over regions, each cell weighed by its land area.

    Cells without data weigh nothing. Time is kept.

    Parameters
    ----------
    values : xr.DataArray, (..., lat, lon) [any unit]
        Values per land area, such as LE [W m-2].
    by, along, area, regions
        As in `total`.

    Returns
    -------
    xr.DataArray, (..., [region], [along]) [unit of ``values``]
        Missing where no cell with land has data. Dask arrays stay lazy.

    Raises
    ------
    UnitsError, DimensionError, ConfigError, MissingVariableError, GridError
        As in `total`.

    Examples
    --------
    >>> axes = {"lat": [-0.5, 0.5], "lon": [9.5]}
    >>> heat = xr.DataArray([[80.0], [40.0]], axes, dims=list(axes), attrs={"units": "W m-2"})
    >>> land = xr.DataArray([[1e9], [3e9]], axes, dims=list(axes), attrs={"units": "m2"})
    >>> area_mean(heat, area=land).item()
    50.0
    """
    weights = _weights(values, by, area, regions)
    covered = _dot(values.notnull().astype(np.float64), weights, along)
    mean = _sum_over_land(values, weights, along) / covered.where(covered > 0)
    return _labelled(mean, values, values.attrs.get("units", ""), "mean over land")


def _weights(
    values: xr.DataArray,
    by: By | Sequence[By] | None,
    area: xr.DataArray | None,
    regions: RegionSet,
) -> xr.DataArray:
    """Land area [m2] of each cell, (lat, lon) or within each region (region, lat, lon)."""
    require_array(values, name="values")
    require_dims(values, ("lat", "lon"), name="values")
    if area is None:
        if "land_area" not in values.coords:
            raise MissingVariableError(
                "area: expected a coordinate 'land_area' on values or the argument area, got "
                "neither; make it with uflux_stats.grid.land_area"
            )
        area = values.coords["land_area"]
    require_units(area, "m2", name="area")
    if set(area.dims) != {"lat", "lon"}:
        raise DimensionError(
            f"area: expected dimensions ['lat', 'lon'], got {[*map(str, area.dims)]}; "
            "give one area per cell"
        )
    require_same_grid(values, area, names="values, area")
    land = area.fillna(0.0).astype(np.float64).reset_coords(drop=True)
    if by is None:
        return land
    kinds = (by,) if isinstance(by, str) else by
    masks = [region_masks(values, kind, regions=regions).reset_coords(drop=True) for kind in kinds]
    if len(kinds) > 1:
        masks = [
            mask.assign_coords({REGION_KIND: ("region", [kind] * mask.sizes["region"])})
            for kind, mask in zip(kinds, masks, strict=True)
        ]
    return land * xr.concat(masks, "region", combine_attrs="drop_conflicts")


def _sum_over_land(
    values: xr.DataArray, weights: xr.DataArray, along: Along | None
) -> xr.DataArray:
    """Weighted sum over cells; missing where no cell of the region has data."""
    present = _dot(values.notnull().astype(np.float32), (weights > 0).astype(np.float32), along)
    return _dot(values.fillna(0.0), weights, along).where(present > 0)


def _dot(values: xr.DataArray, weights: xr.DataArray, along: Along | None) -> xr.DataArray:
    if along is not None:
        require_choice(along, get_args(Along), name="along")
    over = [dim for dim in ("lat", "lon") if dim != along]
    # One matrix product for all times and regions, chunk by chunk; no (region, time, lat, lon).
    bare = values.reset_coords(drop=True)
    product: xr.DataArray = xr.dot(bare, weights, dim=over, optimize=True)
    return product


def month_lengths(values: xr.DataArray) -> xr.DataArray:
    """Days of each month of ``values``, along `time` or `month`.

    Raises
    ------
    DimensionError
        If there are no months.
    CalendarError
        If months are not in order, or a climatology is not a whole year.
    """
    if "time" in values.dims:
        require_monthly(values["time"], name="values.time")
        days: xr.DataArray = values["time"].dt.days_in_month.reset_coords(drop=True)
        return days
    if "month" not in values.dims:
        raise DimensionError(
            f"values: expected months of a flux (time or month), got {[*map(str, values.dims)]}; "
            "a value per year needs the length of each month"
        )
    if not np.array_equal(values["month"], np.arange(1, MONTHS + 1)):
        raise CalendarError(
            f"values.month: expected 1 to {MONTHS}, got {values['month'].values.tolist()}; "
            "a climatology must be one whole year"
        )
    year = values.attrs.get("year", COMMON_YEAR)
    lengths = xr.date_range(f"{year}-01", periods=MONTHS, freq="MS").days_in_month
    return xr.DataArray(lengths, {"month": values["month"].values}, ("month",))


def _sum_over_year(monthly: xr.DataArray) -> xr.DataArray:
    """Sum over the months of each year; a year without all twelve is missing."""
    if "month" in monthly.dims:
        return monthly.sum("month", skipna=False)
    years = monthly["time"].dt.year.rename("year")
    return monthly.groupby(years).sum("time", min_count=MONTHS)


def _labelled(values: xr.DataArray, source: xr.DataArray, unit: str, what: str) -> xr.DataArray:
    return values.rename(source.name).assign_attrs(units=unit, long_name=what)
