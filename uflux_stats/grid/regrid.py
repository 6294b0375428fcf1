"""Conservative regridding between latitude-longitude grids by the exact overlap of cells.

The overlap of two cells on the sphere is a product of an interval of the sine of latitude and an
interval of longitude, so that regridding is two small sparse matrix products, one along each axis.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from uflux_stats.checks import require_dims, require_same_grid, require_units
from uflux_stats.errors import GridError
from uflux_stats.grid.cells import EARTH_RADIUS, cell_area, latitude_bounds, longitude_bounds

Floats = NDArray[np.float64]
TURN: Final = 360.0
COVERED: Final = 1e-9
"""A target cell counts as covered if more than this share of it is."""


@dataclass(frozen=True)
class Overlap:
    """Overlap of the cells of two grids: area [m2] = ``lat`` times ``lon`` times R squared.

    Attributes
    ----------
    lat : sparse array, (target lat, source lat) [1]
        Differences of the sine of latitude.
    lon : sparse array, (target lon, source lon) [radian]
    """

    lat: csr_array
    lon: csr_array

    def sum(self, values: Floats) -> Floats:
        """Integrate finite ``values`` (..., source lat, source lon) over the target's cells."""
        shape = values.shape[:-2]
        fields = values.reshape(-1, *values.shape[-2:]).astype(np.float64, copy=False)
        summed = [self.lat @ (self.lon @ field.T).T for field in fields]
        size = (self.lat.shape[0], self.lon.shape[0])
        return np.asarray(EARTH_RADIUS**2 * np.reshape(summed, (*shape, *size)))


def overlap(source: xr.DataArray | xr.Dataset, target: xr.DataArray | xr.Dataset) -> Overlap:
    """Overlap of two grids whose cells meet half-way between their centres.

    Parameters
    ----------
    source, target : xr.DataArray or xr.Dataset
        With one-dimensional ``lat`` and ``lon`` [degrees] of two or more centres.

    Returns
    -------
    Overlap

    Raises
    ------
    GridError
        If a coordinate cannot be that of a grid.
    """
    for name, grid in (("source", source), ("target", target)):
        require_dims(grid, ("lat", "lon"), name=name)
    zones = [np.sin(np.deg2rad(latitude_bounds(grid["lat"]))) for grid in (target, source)]
    turns = [longitude_bounds(grid["lon"]) for grid in (target, source)]
    along = sum(_shared(turns[0], turns[1] + shift) for shift in (-TURN, 0.0, TURN))
    return Overlap(csr_array(_shared(*zones)), csr_array(np.deg2rad(along)))


def _shared(first: Floats, second: Floats) -> Floats:
    """Length that each interval of ``first`` shares with each of ``second``; bounds ascend."""
    low = np.maximum(first[:-1, None], second[None, :-1])
    high = np.minimum(first[1:, None], second[None, 1:])
    shared: Floats = np.maximum(high - low, 0.0)
    return shared


def regrid(
    values: xr.DataArray, target: xr.DataArray | xr.Dataset, *, landfrac: xr.DataArray | None = None
) -> xr.DataArray:
    """Bring values per land area to another grid so that their integral over land is kept.

    A target cell gets the mean of the source cells that it overlaps, each weighed by the land of
    it that lies in the overlap; source cells without data weigh nothing. With the land of
    ``regridded_land`` on the target, the integral over land is the source's exactly.

    Parameters
    ----------
    values : xr.DataArray, (..., lat, lon) [any unit per land area]
        In the package's layout (``normalise_grid``).
    target : xr.DataArray or xr.Dataset
        With the wanted ``lat`` and ``lon`` [degrees].
    landfrac : xr.DataArray, (lat, lon) [1], optional
        Land fraction of the source; by default every cell with data is all land.

    Returns
    -------
    xr.DataArray, (..., lat, lon) [unit of ``values``]
        Double precision; missing where no source cell with land and data is. Dask arrays stay
        lazy.

    Raises
    ------
    GridError
        If a grid is not usable, or ``landfrac`` is on another grid.
    UnitsError
        If ``landfrac`` is not in the unit 1.

    References
    ----------
    Jones (1999), First- and second-order conservative remapping schemes for grids in spherical
    coordinates, Mon. Weather Rev. 127, 2204-2210 (first order, normalised by fraction).

    Examples
    --------
    >>> fine = {"lat": [-67.5, -22.5, 22.5, 67.5], "lon": [-90.0, 90.0]}
    >>> field = xr.DataArray([[1.0, 2], [3, 4], [5, 6], [7, 8]], fine, dims=list(fine))
    >>> half = xr.Dataset(coords={"lat": [-45.0, 45.0], "lon": [-90.0, 90.0]})
    >>> regrid(field, half).round(3).values.tolist()
    [[2.414, 3.414], [5.586, 6.586]]
    """
    ordered = values.transpose(..., "lat", "lon")
    least = COVERED * cell_area(target["lat"], target["lon"]).values
    with_land = (_source_land(values, landfrac), overlap(values, target), least)
    data = ordered.data
    if isinstance(data, np.ndarray):
        mean = _mean_over_land(data, *with_land)
    else:
        whole = data.rechunk({data.ndim - 2: -1, data.ndim - 1: -1})
        chunks = (*whole.chunks[:-2], (least.shape[0],), (least.shape[1],))
        mean = whole.map_blocks(_mean_over_land, *with_land, chunks=chunks, dtype=np.float64)
    kept = {name: values[name] for name in ordered.dims[:-2] if name in values.coords}
    coords = {**kept, "lat": target["lat"], "lon": target["lon"]}
    return xr.DataArray(mean, coords, dims=ordered.dims, name=values.name, attrs=values.attrs)


def _mean_over_land(values: Floats, land: Floats, shared: Overlap, least: Floats) -> Floats:
    """Mean of ``values`` (..., lat, lon) in the cells of the target, by the land they share."""
    data = np.asarray(values, dtype=np.float64)
    known = np.isfinite(data)
    weights = np.broadcast_to(land, data.shape)
    summed = shared.sum(np.where(known, data, 0.0) * weights)
    covered = shared.sum(known * weights)
    mean = np.full(summed.shape, np.nan)
    np.divide(summed, covered, out=mean, where=covered > least)
    return mean


def regridded_land(
    source: xr.DataArray, target: xr.DataArray | xr.Dataset, *, landfrac: xr.DataArray | None = None
) -> xr.DataArray:
    """Land area that the source's cells with data carry to each target cell.

    Parameters
    ----------
    source : xr.DataArray, (..., lat, lon)
        The values that are regridded; cells without data carry no land.
    target : xr.DataArray or xr.Dataset
        With the wanted ``lat`` and ``lon`` [degrees].
    landfrac : xr.DataArray, (lat, lon) [1], optional
        As in ``regrid``.

    Returns
    -------
    xr.DataArray, (..., lat, lon) [m2]

    Raises
    ------
    GridError, UnitsError
        As in ``regrid``.

    Examples
    --------
    >>> axes = {"lat": [-45.0, 45.0], "lon": [-90.0, 90.0]}
    >>> field = xr.DataArray([[1.0, np.nan], [2.0, 3.0]], axes, dims=list(axes))
    >>> land = regridded_land(field, field)
    >>> (land / land.max()).values.tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    land = _source_land(source, landfrac)
    ordered = source.transpose(..., "lat", "lon")
    carried = overlap(source, target).sum(np.isfinite(ordered.values) * land)
    kept = {name: source[name] for name in ordered.dims[:-2] if name in source.coords}
    coords = {**kept, "lat": target["lat"], "lon": target["lon"]}
    return xr.DataArray(carried, coords, dims=ordered.dims, name="land_area", attrs={"units": "m2"})


def _source_land(values: xr.DataArray, landfrac: xr.DataArray | None) -> Floats:
    """Land fraction of the source's cells, (lat, lon)."""
    require_dims(values, ("lat", "lon"), name="values")
    if landfrac is None:
        return np.ones((values.sizes["lat"], values.sizes["lon"]))
    require_units(landfrac, "1", name="landfrac")
    require_same_grid(values, landfrac, names="values, landfrac")
    if set(landfrac.dims) != {"lat", "lon"}:
        raise GridError(
            f"landfrac: expected dimensions ['lat', 'lon'], got {[*map(str, landfrac.dims)]}; "
            "give one fraction per cell"
        )
    fractions: Floats = landfrac.transpose("lat", "lon").fillna(0.0).values.astype(np.float64)
    return fractions
