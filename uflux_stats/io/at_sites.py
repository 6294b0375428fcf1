"""Gridded drivers at the places of towers."""

import json
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from uflux_stats.checks import require_dims
from uflux_stats.errors import GridError
from uflux_stats.grid.cells import EARTH_RADIUS
from uflux_stats.grid.distance import great_circle
from uflux_stats.io.drops import Drop, Reason, to_json
from uflux_stats.schema import SCHEMA

MAX_DISTANCE: Final = 100.0
"""Default reach of the search for land [km], about two cells of half a degree."""
_MOST_CELLS: Final = 100
_FULL_TURN: Final = 360.0

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def drivers_at_sites(
    drivers: xr.Dataset,
    lat: ArrayLike,
    lon: ArrayLike,
    site: ArrayLike,
    *,
    max_distance: float = MAX_DISTANCE,
) -> xr.Dataset:
    """Interpolate gridded drivers to towers.

    Bilinear between the four nearest cell centres, of which those without data are left out and
    the weights of the others raised to one; where none has data, the nearest cell that has. Classes
    are those of the nearest cell with data. Elevation is not corrected for.

    Parameters
    ----------
    drivers : xr.Dataset, (time or month, lat, lon) and static (lat, lon)
        As returned by ``read_drivers``. Dask arrays stay lazy.
    lat, lon : array, (site,) [degrees]
        Places of the towers; longitudes -180 to 180.
    site : array, (site,)
        Names of the towers.
    max_distance : float [km]
        How far the centre of the nearest cell with data may be (at least half the diagonal of a
        cell), which is sought among the 100 nearest cells; beyond, values are missing.

    Returns
    -------
    xr.Dataset, (site, time or month) and static (site,)
        With coordinates lat and lon; ``attrs["dropped"]`` also names the towers without data.

    Raises
    ------
    DimensionError
        If ``drivers`` are not gridded.
    GridError
        If places and names differ in number, or a place is not on the globe.

    Examples
    --------
    >>> grid = {"lat": [0.0, 1.0], "lon": [0.0, 1.0]}
    >>> height = xr.DataArray([[0.0, 10.0], [20.0, np.nan]], grid, dims=("lat", "lon"))
    >>> drivers_at_sites(xr.Dataset({"DEM": height}), [0.0, 0.5], [0.5, 0.5], ["a", "b"]).DEM.values
    array([ 5., 10.])
    """
    require_dims(drivers, ("lat", "lon"), name="drivers")
    places = _places(lat, lon, site)
    near = _near_cells(drivers, places, max_distance)
    found = {
        str(name): _at_sites(values, places, near) if "lat" in values.dims else values
        for name, values in drivers.data_vars.items()
    }
    names = places["site"]
    spread = {n: v if "site" in v.dims else v.expand_dims(site=names) for n, v in found.items()}
    result = xr.Dataset(spread, attrs=drivers.attrs).assign_coords(places.coords)
    ordered = result.transpose("site", ...)
    before = json.loads(drivers.attrs.get("dropped", "[]"))
    dropped = before + json.loads(to_json(_lacking(ordered)))
    return ordered.assign_attrs(dropped=json.dumps(dropped))


def _places(lat: ArrayLike, lon: ArrayLike, site: ArrayLike) -> xr.Dataset:
    columns = {"lat": np.asarray(lat, float), "lon": np.asarray(lon, float)}
    names = np.asarray(site).astype(str)
    for axis, limit in (("lat", 90.0), ("lon", 180.0)):
        values = columns[axis]
        if values.shape != names.shape or names.ndim != 1:
            raise GridError(
                f"{axis}: expected one value for each of the {names.size} sites, got "
                f"{values.size}; give lists of equal length"
            )
        if not (np.abs(values) <= limit).all():
            wrong = names[~(np.abs(values) <= limit)][0]
            raise GridError(
                f"{axis}: expected -{limit:g} to {limit:g} degrees, got another value at {wrong}; "
                "correct it or leave the tower out"
            )
    return xr.Dataset(coords={"site": names} | {k: ("site", v) for k, v in columns.items()})


def _at_sites(values: xr.DataArray, places: xr.Dataset, near: xr.Dataset) -> xr.DataArray:
    """One variable at all towers: weighted corners first, then the nearest cell with data."""
    row = SCHEMA.get(str(values.name))
    plain = values.drop_vars([c for c in values.coords if c not in {"time", "month"}])
    nearby = plain.isel(lat=near["row"], lon=near["column"]).where(near["reached"])
    nearest = _first_valid(nearby)
    if row is None or row.units != "class":
        corners = _corners(values, places)
        weighted = _weighted(plain, corners).where(near["reached"].any("near"))
        nearest = weighted.fillna(nearest)
    return nearest.astype(values.dtype).assign_attrs(values.attrs)


def _weighted(plain: xr.DataArray, corners: xr.Dataset) -> xr.DataArray:
    cells = plain.isel(lat=corners["row"], lon=corners["column"])
    weights = corners["weight"].where(cells.notnull(), 0.0)
    total = weights.sum("corner")
    mean = (cells.fillna(0.0) * weights).sum("corner") / total.where(total > 0)
    return mean.drop_vars("corner", errors="ignore")


def _first_valid(nearby: xr.DataArray) -> xr.DataArray:
    """Value of the nearest cell that has any, so that a site keeps one cell in all months."""
    other = [dim for dim in nearby.dims if dim not in {"site", "near"}]
    valid = nearby.notnull().any(other)
    chosen = valid.argmax("near").compute()
    return nearby.isel(near=chosen)


def _corners(values: xr.DataArray, places: xr.Dataset) -> xr.Dataset:
    """Four cells round each tower with their bilinear weights."""
    rows, up = _bracket(values["lat"].values, places["lat"].values, wraps=False)
    columns, east = _bracket(values["lon"].values, places["lon"].values, wraps=True)
    pairs = [(i, j) for i in (0, 1) for j in (0, 1)]
    shape = ("corner", "site")
    return xr.Dataset({
        "row": (shape, np.stack([rows[i] for i, _ in pairs])),
        "column": (shape, np.stack([columns[j] for _, j in pairs])),
        "weight": (shape, np.stack([
            (up if i else 1 - up) * (east if j else 1 - east) for i, j in pairs
        ])),
    })  # fmt: skip


def _bracket(centres: Floats, points: Floats, *, wraps: bool) -> tuple[Places, Floats]:
    """Positions of the centres below and above each point, and how far up it lies (0 to 1).

    A point beyond the outermost centres takes the outermost one, unless the axis closes on itself.
    """
    step = float(np.median(np.diff(centres))) if centres.size > 1 else 0.0
    closed = wraps and abs(centres[-1] - centres[0] + step - _FULL_TURN) < 0.01 * step
    axis, order = centres, np.arange(centres.size)
    if closed:
        axis = np.concatenate([[centres[-1] - _FULL_TURN], centres, [centres[0] + _FULL_TURN]])
        order = np.concatenate([[order[-1]], order, [order[0]]])
    position = np.interp(points, axis, np.arange(axis.size))
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, axis.size - 1)
    return np.stack([order[below], order[above]]), position - below


def _near_cells(drivers: xr.Dataset, places: xr.Dataset, max_distance: float) -> xr.Dataset:
    """Cells within reach of each tower, nearest first, padded to equal number."""
    lat, lon = np.deg2rad(drivers["lat"].values), np.deg2rad(drivers["lon"].values)
    reach = max(max_distance, _half_diagonal(lat, lon))
    lists = []
    for north, east in zip(places["lat"].values, places["lon"].values, strict=True):
        distance = great_circle(lat[:, None], lon[None, :], np.deg2rad(north), np.deg2rad(east))
        within = np.flatnonzero(distance <= reach)
        order = np.argsort(distance.flat[within], kind="stable")
        lists.append(within[order[:_MOST_CELLS]])
    longest = max([1, *(cells.size for cells in lists)])
    flat = np.stack([np.pad(cells, (0, longest - cells.size)) for cells in lists])
    reached = np.arange(longest) < np.array([cells.size for cells in lists])[:, None]
    rows, columns = np.unravel_index(flat, (lat.size, lon.size))
    shape = ("site", "near")
    return xr.Dataset(
        {"row": (shape, rows), "column": (shape, columns), "reached": (shape, reached)}
    )


def _half_diagonal(lat: Floats, lon: Floats) -> float:
    """Half the diagonal [km] of the largest cell, from centres in radians."""
    steps = [np.abs(np.diff(axis)).max(initial=0.0) for axis in (lat, lon)]
    return float(EARTH_RADIUS / 1000 * np.hypot(*steps) / 2)


def _lacking(at_sites: xr.Dataset) -> list[Drop]:
    """Towers where a variable has no value at all."""
    return [
        Drop(str(name), str(variable), Reason.NO_LAND, int(values.size // values.sizes["site"]))
        for variable, values in at_sites.data_vars.items()
        for name in values["site"].values[
            values.isnull().all([dim for dim in values.dims if dim != "site"]).values
        ]
    ]
