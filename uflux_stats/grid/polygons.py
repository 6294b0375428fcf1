"""Continents from shipped polygons, for grids and for points.

The polygons derive from Natural Earth 1:50m countries; ``uflux_stats/data/README.md`` says how.
"""

import gzip
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
import shapely
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from uflux_stats.choices import require_choice
from uflux_stats.errors import GridError
from uflux_stats.grid.cells import EARTH_RADIUS
from uflux_stats.schema import MISSING_CLASS

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

RegionSet = Literal["geographic", "natural_earth"]

CONTINENTS: Final[dict[int, str]] = {
    1: "Africa", 2: "Asia", 3: "Europe", 4: "North America", 5: "Oceania", 6: "South America",
}  # fmt: skip
"""Names of the continents by code; ``schema.MISSING_CLASS`` marks none."""
COAST_LIMIT_KM: Final = 100.0
"""How far off the outlines a place may lie and still belong to the nearest continent [km]."""
_COAST_STEP: Final = 0.1
_CODES: Final = {name: code for code, name in CONTINENTS.items()}

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outlines:
    """Polygons without overlap, and the continent code of each in both region sets."""

    polygons: NDArray[np.object_]
    codes: dict[str, Codes]


def continents(
    lat: ArrayLike | xr.DataArray,
    lon: ArrayLike | xr.DataArray,
    regions: RegionSet = "geographic",
    *,
    limit_km: float | None = None,
) -> xr.DataArray:
    """Continent of each cell of a grid, by the centre of the cell.

    A cell outside all outlines (a coast, a small island) belongs to the continent of the nearest
    outline within ``limit_km``, so some cells of open sea near land carry a continent, too.

    Parameters
    ----------
    lat : array, (lat,) [degrees north]
        Centres of the cells.
    lon : array, (lon,) [degrees east]
        Centres of the cells.
    regions : {"geographic", "natural_earth"}
        Geographic: overseas parts of a country belong to the continent they lie in, Russia is split
        at 60 E, Hawaii is Oceania. Natural Earth: a country belongs to one continent as a whole,
        all of Russia to Europe; islands of the "seven seas" to none. Antarctica is in neither.
    limit_km : float, optional
        Greatest distance to the nearest outline [km]; by default ``COAST_LIMIT_KM``, or half the
        diagonal of the largest cell where that is more, so that no cell with land is left out.

    Returns
    -------
    xr.DataArray, (lat, lon) [class]
        Codes of ``CONTINENTS``, ``schema.MISSING_CLASS`` where there is none; the attributes
        ``flag_values`` and ``flag_meanings`` spell them out (CF conventions 3.5).

    Raises
    ------
    GridError
        If the region set is unknown or a coordinate is not a place on the globe.

    Examples
    --------
    >>> codes = continents([0.0, 45.0], [10.0, 25.0])
    >>> [[CONTINENTS[code] for code in row] for row in codes.values]
    [['Africa', 'Africa'], ['Europe', 'Europe']]
    """
    north, east = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    if north.ndim != 1 or east.ndim != 1:
        raise GridError(
            f"lat, lon: expected one dimension each, got shapes {north.shape} and {east.shape}; "
            "use continents_at for points"
        )
    require_region_set(regions)
    limit = _cell_limit(north, east) if limit_km is None else limit_km
    codes = _grid_codes(north.tobytes(), east.tobytes(), regions, limit)
    return xr.DataArray(
        codes.copy(),
        coords={"lat": north, "lon": east},
        dims=("lat", "lon"),
        name="continent",
        attrs=continent_attrs(regions),
    )


def continents_at(
    lat: ArrayLike | xr.DataArray,
    lon: ArrayLike | xr.DataArray,
    regions: RegionSet = "geographic",
    *,
    limit_km: float = COAST_LIMIT_KM,
) -> NDArray[np.str_]:
    """Name of the continent of each point; an empty name where there is none.

    Parameters
    ----------
    lat, lon : array, same shape [degrees north, degrees east]
        Places.
    regions : {"geographic", "natural_earth"}
        Region set, see `continents`.
    limit_km : float
        Greatest distance to the nearest outline [km].

    Returns
    -------
    array of str, shape of ``lat``

    Raises
    ------
    GridError
        If the region set is unknown, shapes differ or a place is not on the globe.

    Examples
    --------
    Kourou, Honolulu and Yekaterinburg:

    >>> continents_at([5.3, 21.3, 56.8], [-52.9, -157.8, 60.6]).tolist()
    ['South America', 'Oceania', 'Asia']
    >>> continents_at([5.3, 21.3, 56.8], [-52.9, -157.8, 60.6], "natural_earth").tolist()
    ['Europe', 'North America', 'Europe']
    """
    require_region_set(regions)
    north, east = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    if north.shape != east.shape:
        raise GridError(
            f"lat, lon: expected the same shape, got {north.shape} and {east.shape}; "
            "use continents for a grid"
        )
    codes = continent_codes(north.ravel(), east.ravel(), regions, limit_km=limit_km)
    names = np.full(MISSING_CLASS + 1, "", dtype="<U13")
    names[list(CONTINENTS)] = list(CONTINENTS.values())
    return names[codes].reshape(north.shape)


def continent_codes(lat: Floats, lon: Floats, regions: RegionSet, *, limit_km: float) -> Codes:
    """Continent codes of points (one dimension), as `continents_at` has names."""
    east = _wrapped(lat, lon)
    outlines = _outlines()
    index = np.full(lat.size, -1)
    places = np.atleast_1d(np.asarray(shapely.points(east, lat)))
    part, point = shapely.STRtree(places).query(outlines.polygons, predicate="intersects")
    # A point on a shared border belongs to the polygon that comes first in the file.
    index[point[::-1]] = part[::-1]
    outside = np.flatnonzero(index < 0)
    index[outside] = _nearest(lat[outside], east[outside], limit_km)
    found: Codes = np.append(outlines.codes[regions], np.uint8(MISSING_CLASS))[index]
    return found


def continent_attrs(regions: str) -> dict[str, object]:
    """CF attributes of an array of continent codes."""
    return {
        "units": "class",
        "long_name": "continent",
        "flag_values": np.array(list(CONTINENTS), dtype=np.uint8),
        "flag_meanings": " ".join(name.replace(" ", "_") for name in CONTINENTS.values()),
        "regions": regions,
    }


def land_outlines() -> NDArray[np.object_]:
    """All land as shapely polygons, for drawing; longitude first, -180 to 180 degrees.

    Examples
    --------
    >>> round(max(polygon.bounds[3] for polygon in land_outlines()))
    84
    """
    return _outlines().polygons.copy()


def _cell_limit(lat: Floats, lon: Floats) -> float:
    height, width = (float(np.abs(np.diff(axis)).max(initial=0.0)) for axis in (lat, lon))
    diagonal = math.radians(math.hypot(height, width)) * EARTH_RADIUS / 1e3
    return max(COAST_LIMIT_KM, diagonal / 2)


@lru_cache(maxsize=16)
def _grid_codes(lat: bytes, lon: bytes, regions: RegionSet, limit_km: float) -> Codes:
    north, east = np.frombuffer(lat), np.frombuffer(lon)
    rows, columns = (axis.ravel() for axis in np.meshgrid(north, east, indexing="ij"))
    codes = continent_codes(rows, columns, regions, limit_km=limit_km)
    return codes.reshape(north.size, east.size)


@lru_cache(maxsize=1)
def _outlines() -> Outlines:
    packed = files("uflux_stats").joinpath("data", "regions.geojson.gz").read_bytes()
    features = json.loads(gzip.decompress(packed))["features"]
    shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    polygons, owner = shapely.get_parts(shapes, return_index=True)
    named = {
        regions: np.array(
            [_CODES.get(feature["properties"][regions], MISSING_CLASS) for feature in features],
            dtype=np.uint8,
        )[owner]
        for regions in get_args(RegionSet)
    }
    return Outlines(polygons, named)


@lru_cache(maxsize=1)
def _coast() -> "tuple[cKDTree, NDArray[np.intp]]":
    """Points along all outlines on the unit sphere, and the polygon of each."""
    # Imported on use: importing scipy.spatial changes the filters of warnings.
    from scipy.spatial import cKDTree

    dense = shapely.segmentize(_outlines().polygons, _COAST_STEP)
    places, owner = shapely.get_coordinates(dense, return_index=True)
    return cKDTree(_unit_vectors(places[:, 1], places[:, 0])), owner


def _nearest(lat: Floats, lon: Floats, limit_km: float) -> NDArray[np.intp]:
    """Index of the polygon nearest by great circle; -1 beyond the limit."""
    tree, owner = _coast()
    chord = 2 * np.sin(min(limit_km * 1e3 / EARTH_RADIUS, np.pi) / 2)
    _, nearest = tree.query(_unit_vectors(lat, lon), distance_upper_bound=chord)
    found: NDArray[np.intp] = np.append(owner, -1)[nearest]
    return found


def _unit_vectors(lat: Floats, lon: Floats) -> Floats:
    phi, theta = np.deg2rad(lat), np.deg2rad(lon)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], -1)


def _wrapped(lat: Floats, lon: Floats) -> Floats:
    on_globe = (np.abs(lat) <= 90) & (lon >= -180) & (lon <= 360)
    if not on_globe.all():
        first = int(np.flatnonzero(~on_globe)[0])
        raise GridError(
            f"lat, lon: expected -90..90 and -180..360 degrees, got {lat[first]:g}, "
            f"{lon[first]:g} at position {first}; drop places without coordinates first"
        )
    return np.where(lon > 180, lon - 360, lon)


def require_region_set(regions: str) -> None:
    """Raise ``GridError`` unless ``regions`` is a known region set."""
    require_choice(regions, get_args(RegionSet), name="regions", error=GridError)
