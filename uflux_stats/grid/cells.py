"""Exact areas of latitude-longitude cells on a sphere."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from uflux_stats.checks import require_dims, require_units
from uflux_stats.errors import GridError, RangeError

EARTH_RADIUS: Final = 6371007.181
"""Authalic radius [m]: the sphere with the area of the GRS80 ellipsoid.

Moritz (2000), Geodetic Reference System 1980, J. Geodesy 74, doi 10.1007/s001900050278.
"""
_SLACK: Final = 1e-6

Floats = NDArray[np.float64]


def cell_area(lat: ArrayLike | xr.DataArray, lon: ArrayLike | xr.DataArray) -> xr.DataArray:
    """Area of each cell of a grid, from the centres of the cells.

    Cells meet half-way between centres, so uneven (Gaussian) latitudes are allowed. An outermost
    cell reaches as far outward as inward; it ends at the pole if that is beyond the pole or less
    than half a step short of it.

    Parameters
    ----------
    lat : array, (lat,) [degrees north]
        Two or more centres, strictly rising or falling.
    lon : array, (lon,) [degrees east]
        Two or more centres, strictly rising or falling.

    Returns
    -------
    xr.DataArray, (lat, lon) [m2]

    Raises
    ------
    GridError
        If centres are too few, not one-dimensional, not monotonic or beyond the globe.

    Notes
    -----
    The zone between two latitudes has the area R^2 dlon (sin(north) - sin(south)) (Archimedes);
    R is the authalic radius of GRS80.

    Examples
    --------
    >>> area = cell_area([-45.0, 45.0], [-90.0, 90.0])
    >>> f"{area.sum().item():.4g} {area.attrs['units']}"
    '5.101e+14 m2'
    """
    north, east = _centres(lat, "lat"), _centres(lon, "lon")
    if np.abs(north).max() > 90 + _SLACK:
        raise GridError(
            f"lat: expected -90 to 90 degrees, got {north.min():g} to {north.max():g}; "
            "are lat and lon swapped?"
        )
    zones = np.abs(np.diff(np.sin(np.deg2rad(latitude_bounds(north)))))
    widths = np.abs(np.diff(_bounds(east)))
    if widths.sum() > 360 + 1e-3:
        raise GridError(
            f"lon: expected at most once round the globe, got cells {widths.sum():g} degrees wide "
            "in all; drop the longitude that is there twice"
        )
    return xr.DataArray(
        EARTH_RADIUS**2 * np.outer(zones, np.deg2rad(widths)),
        coords={"lat": north, "lon": east},
        dims=("lat", "lon"),
        name="cell_area",
        attrs={"units": "m2", "long_name": "area of the cell", "standard_name": "cell_area"},
    )


def land_area(landfrac: xr.DataArray) -> xr.DataArray:
    """Land area of each cell: land fraction times cell area.

    Parameters
    ----------
    landfrac : xr.DataArray, (lat, lon) [1]
        Land fraction, 0 to 1; a missing value counts as no land.

    Returns
    -------
    xr.DataArray, (lat, lon) [m2]

    Raises
    ------
    UnitsError, DimensionError, GridError
        If ``landfrac`` is in another unit, lacks a dimension or lies on an unusable grid.
    RangeError
        If a fraction is below 0 or above 1.

    Examples
    --------
    >>> axes = {"lat": [-45.0, 45.0], "lon": [-90.0, 90.0]}
    >>> half = xr.DataArray(0.5, axes, dims=("lat", "lon"), attrs={"units": "1"})
    >>> f"{land_area(half).sum().item():.4g}"
    '2.55e+14'
    """
    require_units(landfrac, "1", name="landfrac")
    require_dims(landfrac, ("lat", "lon"), name="landfrac")
    low, high = float(landfrac.min()), float(landfrac.max())
    if low < 0 or high > 1 + _SLACK:
        raise RangeError(
            f"landfrac: expected 0 to 1, got {low:g} to {high:g}; is it in percent or an area?"
        )
    cells = cell_area(landfrac["lat"], landfrac["lon"])
    area = (landfrac.fillna(0.0) * cells.assign_coords(lat=landfrac.lat, lon=landfrac.lon)).rename(
        "land_area"
    )
    return area.assign_attrs(units="m2", long_name="land area of the cell")


def _centres(values: ArrayLike | xr.DataArray, name: str) -> Floats:
    centres = np.asarray(values, dtype=np.float64)
    if centres.ndim != 1 or centres.size < 2:
        raise GridError(
            f"{name}: expected one dimension with two or more centres, got shape {centres.shape}; "
            "the size of a cell follows from its neighbours"
        )
    steps = np.diff(centres)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise GridError(
            f"{name}: expected strictly rising or falling centres, got {centres[0]:g} to "
            f"{centres[-1]:g} with repeats, gaps (NaN) or turns; use normalise_grid first"
        )
    return centres


def _bounds(centres: Floats) -> Floats:
    inner = (centres[:-1] + centres[1:]) / 2
    first, last = 2 * centres[0] - inner[0], 2 * centres[-1] - inner[-1]
    return np.concatenate([[first], inner, [last]])


def longitude_bounds(lon: ArrayLike | xr.DataArray) -> Floats:
    """Edges of cells that meet half-way between their centres, one more than centres [degrees].

    Parameters
    ----------
    lon : array, (lon,) [degrees east]
        As in `cell_area`.

    Raises
    ------
    GridError
        As in `cell_area`.
    """
    return _bounds(_centres(lon, "lon"))


def latitude_bounds(lat: ArrayLike | xr.DataArray) -> Floats:
    """Edges of cells that meet half-way between their centres, ending at the poles [degrees].

    Parameters
    ----------
    lat : array, (lat,) [degrees north]
        As in `cell_area`.

    Raises
    ------
    GridError
        As in `cell_area`.
    """
    bounds = _bounds(_centres(lat, "lat"))
    for end, inner in ((0, 1), (-1, -2)):
        half_step = abs(bounds[end] - bounds[inner]) / 2
        pole = np.copysign(90.0, bounds[end])
        if abs(bounds[end]) > 90 - half_step:
            bounds[end] = pole
    return bounds
