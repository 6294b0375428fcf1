"""Drivers of any grid on one regular grid: means over land, and the commonest class."""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.errors import GridError
from uflux_stats.grid.regrid import regrid
from uflux_stats.schema import SCHEMA

STANDARD: Final = 0.5
"""Resolution of global drivers [degrees] unless another is wanted."""
WATER: Final = 0
_SAME: Final = 1e-4
_UNWEIGHTED: Final = frozenset({"LANDFRAC"})


def regular_grid(resolution: float) -> xr.Dataset:
    """Return the centres of a regular global grid.

    Raises
    ------
    GridError
        If cells of this size do not fill 180 degrees.

    Examples
    --------
    >>> regular_grid(60.0).lat.values.tolist()
    [-60.0, 0.0, 60.0]
    """
    rows = round(180 / resolution) if resolution > 0 else 0
    if rows < 2 or abs(rows * resolution - 180) > _SAME:
        raise GridError(
            f"resolution: expected degrees that divide 180, got {resolution:g}; choose 0.5, say"
        )
    centres = (np.arange(2 * rows) + 0.5) * (180 / rows)
    return xr.Dataset(coords={"lat": centres[:rows] - 90, "lon": centres - 180})


def to_resolution(data: xr.Dataset, resolution: float) -> xr.Dataset:
    """Bring drivers to a regular global grid so that integrals over land are kept.

    Means are weighed by the land of the cells (LANDFRAC, where it is among the variables). A cell
    takes the class with the largest area in it; of land cover water only if there is nothing else.

    Parameters
    ----------
    data : xr.Dataset, (..., lat, lon)
        Drivers in the layout of the package; those without a grid stay as they are. Dask arrays
        stay lazy.
    resolution : float [degrees]

    Returns
    -------
    xr.Dataset, (..., lat, lon)

    Raises
    ------
    GridError
        If a grid is not usable.
    """
    target = regular_grid(resolution)
    if "lat" not in data.dims or _is_on(data, target):
        return data
    land = data["LANDFRAC"].load() if "LANDFRAC" in data else None
    moved = {str(name): _moved(values, target, land) for name, values in data.data_vars.items()}
    return xr.Dataset(moved, attrs=data.attrs)


def _is_on(data: xr.Dataset, target: xr.Dataset) -> bool:
    return all(
        data[axis].shape == target[axis].shape
        and np.allclose(data[axis], target[axis], rtol=0, atol=_SAME)
        for axis in ("lat", "lon")
    )


def _moved(values: xr.DataArray, target: xr.Dataset, land: xr.DataArray | None) -> xr.DataArray:
    if "lat" not in values.dims:
        return values
    row = SCHEMA.get(str(values.name))
    if row is not None and row.units == "class":
        return commonest(values, target)
    weights = None if values.name in _UNWEIGHTED else land
    return regrid(values, target, landfrac=weights).astype(np.float32)


def commonest(classes: xr.DataArray, target: xr.Dataset) -> xr.DataArray:
    """Give each cell the class that has the largest area in it.

    Parameters
    ----------
    classes : xr.DataArray, (lat, lon) [class]
        NaN where unknown.
    target : xr.Dataset
        With the wanted ``lat`` and ``lon`` [degrees].

    Returns
    -------
    xr.DataArray, (lat, lon) [class]
        Of equal areas the smaller code; water (0) only where nothing else is.

    Examples
    --------
    >>> fine = {"lat": [-67.5, -22.5, 22.5, 67.5], "lon": [-90.0, 90.0]}
    >>> codes = xr.DataArray([[4.0, 0], [7, 0], [5, 5], [0, 0]], fine, dims=list(fine))
    >>> commonest(codes, xr.Dataset(coords={"lat": [-45.0, 45.0], "lon": [-90.0, 90.0]})).values
    array([[7., 0.],
           [5., 5.]])
    """
    codes = np.unique(classes.values[np.isfinite(classes.values)])
    best = xr.full_like(target["lat"] * target["lon"], np.nan).astype(np.float32)
    largest = xr.zeros_like(best, dtype=np.float64)
    for code in codes[codes != WATER]:
        share = regrid((classes == code).astype(np.float64), target)
        wins = share > largest
        best, largest = best.where(~wins, code), largest.where(~wins, share)
    wet = regrid((classes == WATER).astype(np.float64), target) > 0
    filled = best.where(best.notnull() | ~wet, WATER)
    return filled.rename(classes.name).assign_attrs(classes.attrs)
