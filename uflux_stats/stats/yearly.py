"""From a time axis to yearly series: what every statistic over years starts from."""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.checks import require_array, require_monthly, require_numbers
from uflux_stats.errors import CalendarError, DimensionError

MONTHS: Final = 12
FEWEST_YEARS: Final = 4
"""A line through three years has one degree of freedom left: no trend or spread worth a number."""


def time_dim(values: xr.DataArray, dim: str | None = None, *, name: str = "values") -> str:
    """Return the dimension that holds time.

    Parameters
    ----------
    values : xr.DataArray, any dims
        Any unit.
    dim : str, optional
        The dimension to use; otherwise ``year`` or ``time``, whichever is there.
    name : str
        Argument name for the error message.

    Raises
    ------
    DimensionError
        If there is none, as in a climatology (``month``), or ``values`` is not one labelled array.
    RangeError
        If ``values`` holds no numbers.

    Examples
    --------
    >>> time_dim(xr.DataArray([1.0, 2.0], dims="year"))
    'year'
    """
    require_array(values, name=name)
    require_numbers(values, name=name)
    candidates = [dim] if dim is not None else ["year", "time"]
    for candidate in candidates:
        if candidate in values.dims:
            return candidate
    advice = (
        "one climatological year has no trend or variability between years"
        if "month" in values.dims
        else "rename the dimension of time, or name it in dim="
    )
    raise DimensionError(
        f"{name}: expected a dimension {' or '.join(candidates)}, "
        f"got {[str(d) for d in values.dims]}; {advice}"
    )


def require_years(years: int, *, name: str = "values", fewest: int = FEWEST_YEARS) -> None:
    """Raise ``CalendarError`` if there are fewer years than a statistic over years needs."""
    if years < fewest:
        raise CalendarError(
            f"{name}: expected at least {fewest} years, got {years}; give a longer record"
        )


def is_calendar(axis: xr.DataArray) -> bool:
    """Tell whether a coordinate holds dates (NumPy or cftime) rather than plain numbers."""
    if np.issubdtype(axis.dtype, np.datetime64):
        return True
    return axis.dtype == object and all(hasattr(date, "calendar") for date in axis.values)


def require_dates(axis: xr.DataArray, *, name: str) -> None:
    """Raise ``CalendarError`` unless an axis holds dates, all of one calendar."""
    if not is_calendar(axis):
        raise CalendarError(
            f"{name}: expected monthly dates in {axis.name!r}, got {axis.dtype}; "
            "give months, not years"
        )
    require_one_calendar(axis, name=name)


def require_one_calendar(axis: xr.DataArray, *, name: str) -> None:
    """Raise ``CalendarError`` if dates (NumPy or cftime) are of several calendars."""
    kinds = {getattr(date, "calendar", "standard") for date in axis.values}
    if len(kinds) > 1:
        raise CalendarError(
            f"{name}: expected dates of one calendar, got {sorted(kinds)}; "
            "convert them (xarray: convert_calendar)"
        )


def yearly_means(
    values: xr.DataArray, dim: str | None = None, *, name: str = "values"
) -> xr.DataArray:
    """Give a yearly series: means of monthly data, or the yearly data themselves.

    A month weighs its own number of days; a year with a missing month is missing. Months before the
    first January and after the last December are left out.

    Parameters
    ----------
    values : xr.DataArray, (time, ...) monthly or yearly, or (year, ...)
        Any unit.
    dim : str, optional
        The dimension of time.
    name : str
        Argument name for error messages.

    Returns
    -------
    xr.DataArray, (year, ...)
        In the unit of ``values``; ``year`` holds whole numbers.

    Raises
    ------
    CalendarError
        If dates mix calendars, are not in order, or are neither monthly nor yearly.
    DimensionError
        If there is no dimension of time.

    Examples
    --------
    >>> time = xr.date_range("2001-01", periods=24, freq="MS")
    >>> flux = xr.DataArray([1.0] * 12 + [3.0] * 12, {"time": time}, dims="time")
    >>> yearly_means(flux).values.tolist()
    [1.0, 3.0]
    """
    found = time_dim(values, dim, name=name)
    axis = values[found]
    if not is_calendar(axis):
        _require_rising(axis, name=name)
        return values.rename({found: "year"}) if found != "year" else values
    require_one_calendar(axis, name=name)
    years = axis.dt.year.values
    if len(np.unique(years)) == len(years):
        plain = values.drop_vars([c for c in values.coords if found in values[c].dims])
        result = plain.rename({found: "year"}).assign_coords(year=years)
        _require_rising(result["year"], name=name)
        return result
    return _means_of_months(values, found)


def month_matrix(
    values: xr.DataArray, dim: str | None = None, *, name: str = "values"
) -> xr.DataArray:
    """Fold whole calendar years of months into two dimensions.

    Parameters
    ----------
    values : xr.DataArray, (time, ...)
        Monthly, any unit.
    dim : str, optional
        The dimension of time.
    name : str
        Argument name for error messages.

    Returns
    -------
    xr.DataArray, (year, month, ...)
        Same unit; ``month`` runs from 1 to 12.

    Raises
    ------
    CalendarError
        If ``time`` is not monthly or has no whole year.
    """
    found = time_dim(values, dim, name=name)
    require_dates(values[found], name=name)
    require_monthly(values[found], name=f"{name}.{found}")
    whole = _whole_years(values, found)
    years = whole[found].dt.year.values[::MONTHS]
    plain = whole.drop_vars([c for c in whole.coords if found in whole[c].dims])
    folded = plain.coarsen({found: MONTHS}).construct({found: ("year", "month")})
    return folded.assign_coords(year=years, month=np.arange(1, MONTHS + 1))


def _means_of_months(values: xr.DataArray, dim: str) -> xr.DataArray:
    days = values[dim].dt.days_in_month.astype(np.float64)
    folded_days = month_matrix(days.rename("days"), dim)
    folded = month_matrix(values, dim)
    means = (folded * folded_days).sum("month", skipna=False) / folded_days.sum("month")
    return means.rename(values.name).assign_attrs(values.attrs)


def _whole_years(values: xr.DataArray, dim: str) -> xr.DataArray:
    months = values[dim].dt.month.values
    januaries, decembers = np.flatnonzero(months == 1), np.flatnonzero(months == MONTHS)
    if not len(januaries) or not len(decembers) or decembers[-1] < januaries[0]:
        raise CalendarError(
            f"{dim}: expected at least one whole calendar year, got {len(months)} months; "
            "give January to December"
        )
    return values.isel({dim: slice(int(januaries[0]), int(decembers[-1]) + 1)})


def _require_rising(axis: xr.DataArray, *, name: str) -> None:
    if not np.issubdtype(axis.dtype, np.number) or (np.diff(axis.values) <= 0).any():
        raise CalendarError(
            f"{name}: expected years in rising order, each once, got {axis.values[:3]} ...; "
            "sort the axis, and remove duplicates"
        )
