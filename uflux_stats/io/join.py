"""Join drivers from several files: one grid, months end to end, variables side by side."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import CalendarError, DataFileError, GridError
from uflux_stats.io.drops import Drop, Reason
from uflux_stats.io.months import in_order

_GRID_TOLERANCE: Final = 1e-4


def require_one_grid(parts: list[xr.Dataset], names: list[str]) -> None:
    """Raise ``GridError`` unless all gridded parts are on one grid, within float rounding.

    Parameters
    ----------
    parts : list of xr.Dataset, (time or month, lat, lon)
        In the layout of the package.
    names : list of str
        Their files, for the message.
    """
    gridded = [(part, name) for part, name in zip(parts, names, strict=True) if "lat" in part.dims]
    for part, name in gridded[1:]:
        first, first_name = gridded[0]
        if not all(_close(first[axis].values, part[axis].values) for axis in ("lat", "lon")):
            raise GridError(
                f"paths: expected one grid, got {first_name} on {_describe(first)} and {name} on "
                f"{_describe(part)}; regrid one of them first"
            )


def _close(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=_GRID_TOLERANCE)


def _describe(data: xr.Dataset) -> str:
    return " by ".join(
        f"{data.sizes[axis]} {axis} {data[axis].values[0]:g} to {data[axis].values[-1]:g}"
        for axis in ("lat", "lon")
    )


def combine(parts: list[xr.Dataset]) -> tuple[xr.Dataset, list[Drop]]:
    """Join parts along time and across variables, on their common months.

    Parameters
    ----------
    parts : list of xr.Dataset, (time or month, lat, lon)
        In names, units and layout of the package, on one grid; months in any order.

    Returns
    -------
    data : xr.Dataset
        All variables, on the coordinates of the first grid.
    drops : list of Drop
        Months left out because another variable lacks them.

    Raises
    ------
    CalendarError
        If months repeat, lack, or have nothing in common, or dates meet a climatology.
    DataFileError
        If static maps contradict each other.
    """
    grid = next((part.coords for part in parts if "lat" in part.dims), xr.Coordinates())
    pieces: dict[str, list[xr.DataArray]] = {}
    for part in parts:
        for name, values in part.data_vars.items():
            same = {axis: grid[axis] for axis in ("lat", "lon") if axis in values.dims}
            pieces.setdefault(str(name), []).append(values.assign_coords(same))
    joined = {name: _join(name, arrays) for name, arrays in pieces.items()}
    if {"time", "month"} <= {str(dim) for array in joined.values() for dim in array.dims}:
        raise CalendarError(
            "paths: expected either dates or a climatology, got both; date the climatology first "
            "(date_climatology) or read it on its own"
        )
    common, drops = _common_months(joined)
    return xr.Dataset(common), drops


def _join(name: str, arrays: list[xr.DataArray]) -> xr.DataArray:
    if all("time" in array.dims for array in arrays):
        whole = arrays[0] if len(arrays) == 1 else xr.concat(
            arrays, dim="time", join="exact", coords="minimal", compat="override",
            combine_attrs="override",
        )  # fmt: skip
        return in_order(whole, source=name)
    if any(not array.equals(arrays[0]) for array in arrays[1:]):
        raise DataFileError(
            f"{name}: expected the same values in all files, got different ones; "
            "leave all files but one out"
        )
    return arrays[0]


def _common_months(
    arrays: Mapping[str, xr.DataArray],
) -> tuple[dict[str, xr.DataArray], list[Drop]]:
    dated = {name: array.indexes["time"] for name, array in arrays.items() if "time" in array.dims}
    if not dated:
        return dict(arrays), []
    first, last = max(i[0] for i in dated.values()), min(i[-1] for i in dated.values())
    if first > last:
        periods = ", ".join(f"{n} {i[0]:%Y-%m} to {i[-1]:%Y-%m}" for n, i in dated.items())
        raise CalendarError(f"paths: expected common months, got {periods}; read other files")
    common = {
        name: array.sel(time=slice(first, last)) if name in dated else array
        for name, array in arrays.items()
    }
    drops = [
        Drop("", name, Reason.OTHER_PERIOD, len(index) - common[name].sizes["time"])
        for name, index in dated.items()
    ]
    return common, [drop for drop in drops if drop.n]
