"""Regions as boolean masks that never overlap: continents, classes, zones of latitude, globe."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, get_args

import numpy as np
import xarray as xr

from uflux_stats.choices import require_choice
from uflux_stats.errors import GridError, MissingVariableError, RangeError
from uflux_stats.grid.polygons import (
    COAST_LIMIT_KM,
    CONTINENTS,
    RegionSet,
    continent_codes,
    continents,
    require_region_set,
)
from uflux_stats.schema import IGBP_CLASSES, KOPPEN_CLASSES, MISSING_CLASS

By = Literal["globe", "continent", "pft", "koppen", "tropics", "latitude"]

REGION_KIND: Final = "region_kind"
"""Coordinate along `region` where regions of several kinds, which overlap, follow each other."""
TROPIC: Final = 23.5
"""Latitude of the tropics [degrees], rounded as in the carbon-cycle literature."""
BAND_EDGES: Final = (-90.0, -60.0, -30.0, 0.0, 30.0, 60.0, 90.0)
"""Edges of the latitude bands [degrees north]."""


@dataclass(frozen=True)
class Classes:
    """Class codes of cells, and the names of the codes that are regions."""

    codes: xr.DataArray
    names: dict[int, str]


def region_masks(
    places: xr.DataArray | xr.Dataset,
    by: By = "globe",
    *,
    regions: RegionSet = "geographic",
) -> xr.DataArray:
    """Which cells (or towers) belong to which region.

    A cell belongs as a whole to the region of its centre, to one region at most.

    Parameters
    ----------
    places : xr.DataArray or xr.Dataset, with `lat` and `lon` as dimensions or along `site`
        Only coordinates are read, and the class maps ``IGBP`` or ``KOPPEN`` (by="pft", "koppen").
        Continent codes ``continent`` are used where they are there, of the same region set.
    by : {"globe", "continent", "pft", "koppen", "tropics", "latitude"}
        Kind of region. "tropics" also has the two zones outside the tropics, so that a globe is
        whole; "latitude" has bands of 30 degrees, each with its southern edge.
    regions : {"geographic", "natural_earth"}
        Set of continents, see `uflux_stats.grid.continents`.

    Returns
    -------
    xr.DataArray, (region, lat, lon) or (region, site) [bool]
        All regions of the kind, also those without a cell.

    Raises
    ------
    GridError
        If ``by`` or ``regions`` is unknown, or coordinates are not places.
    MissingVariableError
        If `lat`, `lon` or the class map is missing.
    RangeError
        If a class map holds foreign codes (not looked for in Dask arrays).

    Examples
    --------
    >>> places = xr.Dataset(coords={"lat": [-40.0, 0.0, 40.0], "lon": [20.0, 30.0]})
    >>> masks = region_masks(places, "tropics")
    >>> masks.region.values.tolist()
    ['southern extratropics', 'tropics', 'northern extratropics']
    >>> masks.sum(("lat", "lon")).values.tolist()
    [2, 2, 2]
    """
    require_choice(by, get_args(By), name="by", error=GridError)
    require_region_set(regions)
    for name in ("lat", "lon"):
        if name not in places.coords:
            raise MissingVariableError(
                f"places: expected a coordinate {name!r}, got {sorted(map(str, places.coords))}; "
                "assign it, or run normalise_grid first"
            )
    classes = _continents(places, regions) if by == "continent" else _CLASSIFIERS[by](places)
    labels = xr.DataArray(
        list(classes.names), {"region": list(classes.names.values())}, ("region",)
    )
    masks = (labels == classes.codes).rename("region_mask").drop_attrs()
    return masks.assign_attrs(long_name=f"membership of regions by {by}")


def _continents(places: xr.DataArray | xr.Dataset, regions: RegionSet) -> Classes:
    known = places.coords.get("continent")
    if known is not None and known.attrs.get("regions") == regions:
        return Classes(known, CONTINENTS)
    lat, lon = places["lat"], places["lon"]
    if lat.dims == lon.dims:
        codes = continent_codes(
            lat.values.ravel().astype(float),
            lon.values.ravel().astype(float),
            regions,
            limit_km=COAST_LIMIT_KM,
        )
        found = xr.DataArray(codes.reshape(lat.shape), lat.coords, lat.dims)
    else:
        found = continents(lat, lon, regions).assign_coords(lat=lat, lon=lon)
    return Classes(found, CONTINENTS)


def _mapped(name: str, names: dict[int, str]) -> Callable[[xr.DataArray | xr.Dataset], Classes]:
    """Make a classifier that reads a class map; missing values belong to no region."""

    def classify(places: xr.DataArray | xr.Dataset) -> Classes:
        holders = places if isinstance(places, xr.Dataset) else places.coords
        if name not in holders:
            raise MissingVariableError(
                f"places: expected the class map {name}, got {sorted(map(str, holders))}; "
                f"assign it as a coordinate {name!r}"
            )
        values: xr.DataArray = holders[name]
        if values.dtype.kind in "OUST":
            codes = {label: code for code, label in names.items()}
            numbers = [codes.get(str(label), MISSING_CLASS) for label in values.values.ravel()]
            values = values.copy(data=np.array(numbers).reshape(values.shape))
        elif values.chunks is None:
            _require_known_codes(values, name, names)
        return Classes(values, names)

    return classify


def _require_known_codes(values: xr.DataArray, name: str, names: dict[int, str]) -> None:
    found = np.unique(values.values[np.isfinite(values.values)])
    foreign = np.setdiff1d(found, [*names, MISSING_CLASS])
    if foreign.size:
        raise RangeError(
            f"{name}: expected codes {min(names)} to {max(names)} or {MISSING_CLASS} (missing), "
            f"got also {foreign[:5].tolist()}; translate the classes first"
        )


def _globe(places: xr.DataArray | xr.Dataset) -> Classes:
    return Classes(_zone(places, (-np.inf,)), {0: "globe"})


def _tropics(places: xr.DataArray | xr.Dataset) -> Classes:
    names = ("southern extratropics", "tropics", "northern extratropics")
    edges = (-np.inf, -TROPIC, np.nextafter(TROPIC, np.inf))
    return Classes(_zone(places, edges), dict(enumerate(names)))


def _bands(places: xr.DataArray | xr.Dataset) -> Classes:
    spelled = [
        f"{abs(edge):g}{'S' if edge < 0 else 'N' if edge > 0 else ''}" for edge in BAND_EDGES
    ]
    names = [f"{low}-{high}" for low, high in pairwise(spelled)]
    return Classes(_zone(places, BAND_EDGES[:-1]), dict(enumerate(names)))


def _zone(places: xr.DataArray | xr.Dataset, southern_edges: tuple[float, ...]) -> xr.DataArray:
    """Find the zone of latitude of each cell, numbered from the south."""
    lat, lon = places["lat"], places["lon"]
    number = xr.DataArray(np.digitize(lat.values, southern_edges) - 1, lat.coords, lat.dims)
    return xr.broadcast(number, lon)[0] if lat.dims != lon.dims else number


_CLASSIFIERS: Final[dict[str, Callable[[xr.DataArray | xr.Dataset], Classes]]] = {
    "globe": _globe,
    "pft": _mapped("IGBP", IGBP_CLASSES),
    "koppen": _mapped("KOPPEN", KOPPEN_CLASSES),
    "tropics": _tropics,
    "latitude": _bands,
}
