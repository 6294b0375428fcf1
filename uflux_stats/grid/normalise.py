"""One layout for all grids: `lat` south to north, `lon` from -180 to 180."""

from collections.abc import Hashable
from typing import Final, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import GridError

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "lat": ("lat", "latitude", "lats", "nav_lat", "y"),
    "lon": ("lon", "longitude", "long", "lons", "nav_lon", "x"),
}
"""Names (lower case) under which the two dimensions of a grid come."""
_AXIS_ATTRS: Final[dict[str, dict[Hashable, object]]] = {
    "lat": {"units": "degrees_north", "standard_name": "latitude", "axis": "Y"},
    "lon": {"units": "degrees_east", "standard_name": "longitude", "axis": "X"},
}
_SINGLE_DECIMALS: Final = 4
_WRAP_DECIMALS: Final = 9
_SAME: Final = 1e-6

Gridded = TypeVar("Gridded", xr.DataArray, xr.Dataset)
Floats = NDArray[np.float64]


def normalise_grid(data: Gridded) -> Gridded:
    """Bring a grid into the package's layout, values and coordinates together.

    Dimensions are renamed to `lat` and `lon` and put last; latitude runs south to north; longitude
    -180 to 180, the values moved along. Coordinates become double precision: single ones are
    rounded to 4 decimals (all they hold), wrapped ones to 9 (to shed the error of subtracting 360),
    so that equal grids of different files are exactly equal. Bounds of the axes are dropped.

    Parameters
    ----------
    data : xr.DataArray or xr.Dataset, (..., lat, lon) under any usual name
        With one-dimensional coordinates [degrees].

    Returns
    -------
    same type, (..., lat, lon)
        Dask arrays stay lazy.

    Raises
    ------
    GridError
        If a dimension or its coordinate is missing, two names fit, or a coordinate is not
        one-dimensional, beyond the globe, not monotonic, or holds a place twice (also as -180 and
        180, or 0 and 360).

    Examples
    --------
    >>> grid = {"latitude": [10.0, -10.0], "longitude": [90.0, 270.0]}
    >>> field = xr.DataArray([[1, 2], [3, 4]], grid, dims=("latitude", "longitude"))
    >>> tidy = normalise_grid(field)
    >>> tidy.lat.values.tolist(), tidy.lon.values.tolist(), tidy.values.tolist()
    ([-10.0, 10.0], [-90.0, 90.0], [[4, 3], [2, 1]])
    """
    named = _rename(data)
    lat, lon = _coordinate(named, "lat"), _coordinate(named, "lon")
    lat_order, lon_order = _latitude_order(lat), _longitude_order(lon)
    moved = named.isel(lat=lat_order, lon=lon_order).assign_coords(
        lat=("lat", lat[lat_order], _axis_attrs(named, "lat")),
        lon=("lon", lon[lon_order], _axis_attrs(named, "lon")),
    )
    return moved.transpose(..., "lat", "lon")


def _rename(data: Gridded) -> Gridded:
    """Rename the two dimensions with their coordinates, and drop the bounds of both."""
    found = {axis: _dimension(data, axis) for axis in SPELLINGS}
    bounds = [data[dim].attrs.get("bounds") for dim in found.values()]
    dropped = data.drop_vars([name for name in bounds if name], errors="ignore")
    return dropped.rename({dim: axis for axis, dim in found.items() if dim != axis})


def _dimension(data: xr.DataArray | xr.Dataset, axis: str) -> str:
    dims = [str(dim) for dim in data.dims]
    fitting = [dim for dim in dims if dim.lower() in SPELLINGS[axis]]
    if len(fitting) != 1:
        raise GridError(
            f"{axis}: expected one dimension named {' or '.join(SPELLINGS[axis])}, got "
            f"{fitting or dims}; rename the right one to {axis!r}"
        )
    if fitting[0] not in data.coords:
        raise GridError(
            f"{axis}: expected a one-dimensional coordinate {fitting[0]!r} in degrees, got none; "
            "assign it, or regrid if the grid is not of latitudes and longitudes"
        )
    return fitting[0]


def _coordinate(data: xr.DataArray | xr.Dataset, axis: str) -> Floats:
    values = data[axis].values
    if not np.issubdtype(values.dtype, np.number) or not np.isfinite(values).all():
        raise GridError(f"{axis}: expected finite numbers, got {values.dtype} with gaps or text")
    numbers = values.astype(np.float64)
    if values.dtype == np.float32:
        numbers = np.round(numbers, _SINGLE_DECIMALS)
    return numbers if axis == "lat" else _wrapped(numbers)


def _axis_attrs(data: xr.DataArray | xr.Dataset, axis: str) -> dict[Hashable, object]:
    kept = {key: value for key, value in data[axis].attrs.items() if key != "bounds"}
    return kept | _AXIS_ATTRS[axis]


def _wrapped(lon: Floats) -> Floats:
    if lon.min() < -180 - _SAME or lon.max() > 360 + _SAME:
        raise GridError(
            f"lon: expected -180..180 or 0..360 degrees, got {lon.min():g} to {lon.max():g}; "
            "is it in degrees?"
        )
    return np.where(lon >= 180, np.round(lon - 360, _WRAP_DECIMALS), lon)


def _latitude_order(lat: Floats) -> slice:
    if np.abs(lat).max() > 90 + _SAME:
        raise GridError(
            f"lat: expected -90 to 90 degrees, got {lat.min():g} to {lat.max():g}; "
            "are lat and lon swapped?"
        )
    steps = np.diff(lat)
    if not ((steps > _SAME).all() or (steps < -_SAME).all()):
        raise GridError(
            f"lat: expected strictly rising or falling values, got {lat[0]:g} to {lat[-1]:g} with "
            "turns or duplicates; sort it or drop them"
        )
    falling = bool(steps.size) and bool(steps[0] < 0)
    return slice(None, None, -1 if falling else 1)


def _longitude_order(lon: Floats) -> NDArray[np.intp]:
    """Positions from west to east; the longitudes must be in order up to a rotation."""
    order: NDArray[np.intp] = np.argsort(lon, kind="stable")
    inside = lon[order]
    gaps = np.append(np.diff(inside), inside[0] + 360 - inside[-1])
    if (gaps < _SAME).any():
        twice = inside[int(np.argmin(gaps))]
        raise GridError(
            f"lon: expected every longitude once, got {twice:g} twice (perhaps as both ends of a "
            "turn round the globe); drop one of the two columns"
        )
    steps = np.diff(np.unwrap(lon, period=360))
    if not ((steps > 0).all() or (steps < 0).all()):
        raise GridError(
            f"lon: expected values in order round the globe, got {lon[0]:g} to {lon[-1]:g} with "
            "turns; sort it"
        )
    return order
