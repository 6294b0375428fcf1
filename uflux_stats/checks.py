"""Checks of arguments, shared by all functions. None of them alters what it looks at."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from uflux_stats.errors import (
    CalendarError,
    DimensionError,
    GridError,
    MissingVariableError,
    RangeError,
    UnitsError,
)
from uflux_stats.schema import SCHEMA, variable


def require_units(values: xr.DataArray, unit: str, *, name: str) -> None:
    """Raise ``UnitsError`` unless ``values.attrs["units"]`` equals ``unit``."""
    found = values.attrs.get("units")
    if found != unit:
        raise UnitsError(
            f"{name}: expected units {unit!r}, got {found!r}; "
            "convert it first (uflux_stats.units.convert) or set attrs['units']"
        )


def require_array(values: object, *, name: str) -> None:
    """Raise ``DimensionError`` unless ``values`` is one labelled array."""
    if isinstance(values, xr.DataArray):
        return
    if isinstance(values, xr.Dataset):
        raise DimensionError(
            f"{name}: expected one variable, got a dataset of "
            f"{sorted(map(str, values.data_vars))}; choose one, such as data['GPP']"
        )
    raise DimensionError(
        f"{name}: expected an array with named dimensions (xr.DataArray), got "
        f"{type(values).__name__}; name them: xr.DataArray(values, {{'year': years}}, dims='year')"
    )


def require_numbers(values: xr.DataArray, *, name: str) -> None:
    """Raise ``RangeError`` unless ``values`` holds real numbers (or truth values), not text."""
    if values.dtype.kind not in "biuf":
        raise RangeError(
            f"{name}: expected numbers, got {values.dtype}; convert them: values.astype(float)"
        )


def require_dims(values: xr.DataArray | xr.Dataset, dims: Iterable[str], *, name: str) -> None:
    """Raise ``DimensionError`` unless all ``dims`` are there (in any order)."""
    lacking = [dim for dim in dims if dim not in values.dims]
    if lacking:
        raise DimensionError(
            f"{name}: expected dimensions {lacking}, got {[str(d) for d in values.dims]}; "
            "rename or add them"
        )


def require_variables(data: xr.Dataset, names: Iterable[str], *, name: str) -> None:
    """Raise unless ``data`` has all ``names``, each in the unit of the schema.

    Raises
    ------
    MissingVariableError
        If a variable is not there.
    UnitsError
        If a variable of the schema is in another unit.
    """
    lacking = [wanted for wanted in names if wanted not in data]
    if lacking:
        raise MissingVariableError(
            f"{name}: expected variables {lacking}, got {sorted(map(str, data.data_vars))}; "
            "add them under these names"
        )
    for wanted in names:
        if wanted in SCHEMA:
            require_units(data[wanted], variable(wanted).units, name=f"{name}.{wanted}")


def values_known(data: xr.Dataset, names: Iterable[str]) -> str:
    """Tell how many values of each variable are known.

    Examples
    --------
    >>> values_known(xr.Dataset({"TA": ("time", [1.0, float("nan")])}), ["TA"])
    'TA 1'
    """
    return ", ".join(f"{name} {int(data[name].notnull().sum())}" for name in names)


def require_range(values: xr.DataArray, *, name: str, of: str = "") -> None:
    """Raise ``RangeError`` if a value lies outside the schema's range; missing values pass.

    Loads the array when it is a Dask array.
    """
    row = variable(name)
    low, high = float(values.min()), float(values.max())
    if low < row.low or high > row.high:
        label = f"{of}.{name}" if of else name
        raise RangeError(
            f"{label}: expected {row.low} to {row.high} {row.units}, got {low:.6g} to {high:.6g}; "
            "is it in another unit, or is a fill value not masked?"
        )


def require_ranges(data: xr.Dataset, names: Iterable[str], *, name: str) -> None:
    """Raise ``RangeError`` if a variable in memory is outside the schema's range.

    Classes have none, and what is lazy is not loaded for this.
    """
    for wanted in names:
        row = variable(wanted)
        if row.units != "class" and not data[wanted].chunks:
            require_range(data[wanted], name=wanted, of=name)


def require_same_grid(first: xr.DataArray, second: xr.DataArray, *, names: str) -> None:
    """Raise ``GridError`` unless shared dimensions have exactly equal coordinates."""
    try:
        xr.align(first, second, join="exact", copy=False)
    except ValueError as error:
        raise GridError(
            f"{names}: expected exactly the same coordinates; regrid one of them first ({error})"
        ) from error


def require_monthly(time: xr.DataArray, *, name: str = "time") -> None:
    """Raise ``CalendarError`` unless ``time`` is month starts, unique and without gaps."""
    if time.size == 0:
        raise CalendarError(f"{name}: expected at least one month, got none")
    months = time.dt.year.values * 12 + time.dt.month.values
    in_order = bool((np.diff(months) == 1).all())
    days = time.dt.day.values
    if in_order and (days != 1).any():
        raise CalendarError(
            f"{name}: expected month starts, got day {days[days != 1][0]} "
            f"({time.values[0]}); move the dates to the first of their month "
            "(pandas: time.to_period('M').to_timestamp())"
        )
    if not in_order:
        raise CalendarError(
            f"{name}: expected month starts in order, without gap or duplicate, "
            f"got {time.values[0]} to {time.values[-1]} in {time.size} steps; "
            "sort it and resample it to month starts"
        )


def require_whole_years(time: xr.DataArray, *, name: str = "time") -> None:
    """Raise ``CalendarError`` unless ``time`` is monthly and runs January to December."""
    require_monthly(time, name=name)
    first, last = time.dt.month.values[0], time.dt.month.values[-1]
    if (first, last) != (1, 12):
        raise CalendarError(
            f"{name}: expected January to December, got month {first} to month {last}; "
            "select whole years first"
        )
