"""Time axes of files, in any calendar, as month starts."""

from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from cftime import num2date
from numpy.typing import NDArray

from uflux_stats.errors import CalendarError

_TIME_NAMES: Final = ("time", "valid_time", "t", "date", "datetime")
_MONTH_NAMES: Final = ("month", "mon", "months", "climatology_month")

Whole = NDArray[np.int64]
Timed = TypeVar("Timed", xr.DataArray, xr.Dataset)


def monthly(data: xr.Dataset, *, source: str) -> xr.Dataset:
    """Give ``data`` month starts in a dimension ``time``, or 1 to 12 in ``month``.

    Parameters
    ----------
    data : xr.Dataset
        Opened without decoding times. If the axis has bounds, the middle of the bounds decides
        which month a stamp belongs to (some files stamp a month with its very end).
    source : str
        Name of the file for error messages.

    Returns
    -------
    xr.Dataset
        ``time`` in the order of the file (datetime64[ns], standard calendar), bounds dropped;
        ``month`` in the order 1 to 12. Without either dimension, ``data`` as it is.

    Raises
    ------
    CalendarError
        If the axis cannot be decoded, lies outside 1678-2261, or a climatology is not 12 months.

    Examples
    --------
    >>> axis = ("time", [31, 59], {"units": "days since 2001-01-01", "calendar": "noleap"})
    >>> monthly(xr.Dataset(coords={"time": axis}), source="x.nc").time.dt.strftime("%F").values
    array(['2001-02-01', '2001-03-01'], dtype=object)
    """
    named = named_time(data)
    if "time" not in named.dims:
        named = _rename(data, _MONTH_NAMES)
        return _climatology(named, source=source) if "month" in named.dims else named
    if "time" not in named.coords:
        raise CalendarError(f"{source}: expected a coordinate 'time', got none; add it")
    if _is_climatology(named["time"]):
        numbered = "units" not in named["time"].attrs
        months = named["time"].values if numbered else _decoded(named, source=source)[1]
        renamed = named.drop_vars("time").rename(time="month").assign_coords(month=months)
        return _climatology(renamed, source=source)
    years, months = _decoded(named, source=source)
    return named.assign_coords(time=("time", _month_starts(years, months, source=source)))


def named_time(data: xr.Dataset) -> xr.Dataset:
    """Name the time axis ``time``, whatever usual name it has; without one, ``data`` as it is."""
    return _rename(data, _TIME_NAMES)


def stamps(data: xr.Dataset, *, source: str) -> NDArray[np.object_] | None:
    """Dates of ``time`` in the calendar of the file; None if it counts months or has no unit.

    Raises
    ------
    CalendarError
        If the axis cannot be decoded.
    """
    units = str(data["time"].attrs.get("units", ""))
    if not units or units.lower().startswith("month"):
        return None
    try:
        calendar = data["time"].attrs.get("calendar", "standard")
        return np.asarray(num2date(_middles(data), units, calendar=calendar))
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise _undecodable(source, units) from error


def _undecodable(source: str, units: str) -> CalendarError:
    return CalendarError(
        f"{source}: expected a time axis in units like 'days since 1900-01-01', got {units!r}; "
        "set the units and the calendar of 'time'"
    )


def _rename(data: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    dims = [dim for dim in data.dims if str(dim).lower() in names]
    if not dims or dims[0] == names[0]:
        return data
    clear = data.drop_vars(names[0], errors="ignore")
    return clear.rename({dims[0]: names[0]})


def _is_climatology(time: xr.DataArray) -> bool:
    if time.size != 12:
        return False
    numbered = "units" not in time.attrs and np.array_equal(np.sort(time.values), np.arange(1, 13))
    return numbered or "climatology" in time.attrs


def _climatology(data: xr.Dataset, *, source: str) -> xr.Dataset:
    months = data["month"].values
    if not np.array_equal(np.sort(months), np.arange(1, 13)):
        raise CalendarError(
            f"{source}: expected months 1 to 12 in dimension 'month', got {months.tolist()}; "
            "give a whole climatological year, or dates in a dimension 'time'"
        )
    return data.assign_coords(month=("month", months.astype(np.int64))).sortby("month")


def _decoded(data: xr.Dataset, *, source: str) -> tuple[Whole, Whole]:
    """Year and month of each time, in the calendar of the file."""
    units = str(data["time"].attrs.get("units", ""))
    dates = stamps(data, source=source)
    if dates is not None:
        return np.array([d.year for d in dates]), np.array([d.month for d in dates])
    try:
        return _counted_months(_middles(data), units)
    except (ValueError, IndexError) as error:
        raise _undecodable(source, units) from error


def _middles(data: xr.Dataset) -> NDArray[Any]:
    time = data["time"]
    bounds = data.variables.get(time.attrs.get("bounds"))
    if bounds is None or bounds.shape != (time.size, 2):
        numbers: NDArray[Any] = time.values
        return numbers
    middles: NDArray[Any] = bounds.values.astype(np.float64).mean(axis=1)
    return middles


def _counted_months(numbers: NDArray[Any], units: str) -> tuple[Whole, Whole]:
    start = pd.Period(units.split("since", maxsplit=1)[1].strip().split()[0], freq="M")
    counted = start.year * 12 + start.month - 1 + np.floor(numbers).astype(np.int64)
    return counted // 12, counted % 12 + 1


def _month_starts(years: Whole, months: Whole, *, source: str) -> NDArray[np.datetime64]:
    if years.size == 0 or years.min() < 1678 or years.max() > 2261:
        got = f"{years.min()} to {years.max()}" if years.size else "no months"
        raise CalendarError(
            f"{source}: expected years 1678 to 2261, got {got}; check the reference date of 'time'"
        )
    counted: Whole = (years - 1970) * 12 + months - 1
    return counted.astype("datetime64[M]").astype("datetime64[ns]")


def in_order(data: Timed, *, source: str) -> Timed:
    """Sort ``data`` by ``time``; every month must be there once.

    Raises
    ------
    CalendarError
        If a month is there twice, or months are lacking between the first and the last.
    """
    index = pd.DatetimeIndex(data["time"].values)
    if index.has_duplicates:
        twice = index[index.duplicated()].unique().strftime("%Y-%m").tolist()
        raise CalendarError(
            f"{source}: expected each month once, got {_some(twice)} more than once; "
            "drop the duplicates, or average finer time steps to months"
        )
    whole = pd.date_range(index.min(), index.max(), freq="MS")
    if len(whole) != len(index):
        lacking = whole.difference(index).strftime("%Y-%m").tolist()
        raise CalendarError(
            f"{source}: expected months without a gap, got none for {_some(lacking)}; "
            "fill them with missing values (reindex) or read the parts on their own"
        )
    return data if index.is_monotonic_increasing else data.sortby("time")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
