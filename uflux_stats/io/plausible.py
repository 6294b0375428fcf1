"""Values outside the range of their variable: a few are dropped and counted, many are an error."""

from typing import Final

import xarray as xr

from uflux_stats.errors import DataFileError, RangeError
from uflux_stats.io.drops import Drop, Reason
from uflux_stats.schema import Variable, variable
from uflux_stats.units import CONVERSIONS

FAULT_SHARE: Final = 1e-3
"""Largest share of values out of range that is taken for single faults, not for a wrong unit."""
ROUNDING: Final = 1e-4
"""Share of the width of the range by which packing and regridding may overshoot its ends."""


def drop_implausible(data: xr.Dataset) -> tuple[xr.Dataset, list[Drop]]:
    """Mask single values outside the range of the schema.

    What overshoots the range by no more than the rounding of packed numbers is set to its end.
    Dask arrays are read once, block by block, to count.

    Parameters
    ----------
    data : xr.Dataset, any dims
        Variables of the schema in its units.

    Returns
    -------
    data : xr.Dataset
        Masked where values are impossible.
    drops : list of Drop
        How many of which variable.

    Raises
    ------
    RangeError
        If more than one value in a thousand is out of range; the unit that fits is named.
    DataFileError
        If a variable has no value at all.

    Examples
    --------
    >>> warm = xr.Dataset({"TA": ("time", [280.0, 290.0], {"units": "degC"})})
    >>> drop_implausible(warm)
    Traceback (most recent call last):
    uflux_stats.errors.RangeError: TA: expected -75 to 55 degC, got 280 to 290 (2 of 2 values
    outside); the values look like K: correct the units attribute in the file
    """
    rows = [variable(str(name)) for name in data.data_vars]
    counts = xr.merge([_counts(data[row.name], row) for row in rows]).compute()
    for row in rows:
        _require_few(counts, row)
    masked = {row.name: _masked(data[row.name], row) for row in rows if row.units != "class"}
    drops = [
        Drop("", row.name, Reason.RANGE, int(counts[f"{row.name}_out"]))
        for row in rows
        if int(counts[f"{row.name}_out"])
    ]
    return data.assign(masked), drops


def _bounds(row: Variable) -> tuple[float, float]:
    slack = ROUNDING * (row.high - row.low)
    return row.low - slack, row.high + slack


def _counts(values: xr.DataArray, row: Variable) -> xr.Dataset:
    low, high = _bounds(row)
    statistics = {
        "n": values.notnull().sum(),
        "out": ((values < low) | (values > high)).sum(),
        "min": values.min(),
        "max": values.max(),
    }
    return xr.Dataset(
        {
            f"{row.name}_{key}": value.drop_vars(list(value.coords))
            for key, value in statistics.items()
        }
    )


def _require_few(counts: xr.Dataset, row: Variable) -> None:
    n, out, least, most = (
        counts[f"{row.name}_{key}"].item() for key in ("n", "out", "min", "max")
    )  # fmt: skip
    if n == 0:
        raise DataFileError(
            f"{row.name}: expected values, got only missing ones; leave the variable out"
        )
    if out > FAULT_SHARE * n:
        raise RangeError(
            f"{row.name}: expected {row.low:g} to {row.high:g} {row.units}, got {least:g} to "
            f"{most:g} ({out} of {n} values outside); {_advice(row, least, most)}"
        )


def _advice(row: Variable, least: float, most: float) -> str:
    low, high = _bounds(row)
    fitting = [
        found
        for (found, wanted), conversion in CONVERSIONS.items()
        if wanted == row.units
        and low <= conversion.factor * least + conversion.offset
        and conversion.factor * most + conversion.offset <= high
    ]
    if fitting:
        return (
            f"the values look like {' or '.join(fitting)}: correct the units attribute in the file"
        )
    return "is a fill value not declared, or the variable another one?"


def _masked(values: xr.DataArray, row: Variable) -> xr.DataArray:
    low, high = _bounds(row)
    possible = values.where((values >= low) & (values <= high))
    return possible.clip(row.low, row.high, keep_attrs=True)
