"""Make ``uflux_stats/data/regions.geojson.gz`` from Natural Earth country polygons.

    pip install pyshp
    python scripts/make_regions.py PATH/ne_50m_admin_0_countries.shp

Each feature of the result is one pair of continents, (geographic, natural_earth), so that one file
of polygons without overlap serves both region sets. Antarctica and remote islands that belong to no
continent are kept, without a name, for drawing and so that no neighbour claims them.
"""

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import shapefile
import shapely
from shapely.geometry import MultiPolygon, Polygon, box, mapping, shape

TARGET = Path(__file__).parents[1] / "uflux_stats" / "data" / "regions.geojson.gz"
CONTINENTS = {"Africa", "Asia", "Europe", "North America", "Oceania", "South America"}
RUSSIAN_DIVIDE = 60.0
TOLERANCE = 0.03
PRECISION = 0.01

# Countries that Natural Earth places in the "Seven seas", by the United Nations M49 regions.
ISLAND_STATES = {
    "ATF": "Africa", "HMD": "Oceania", "IOT": "Africa", "MDV": "Asia", "MUS": "Africa",
    "SGS": "South America", "SHN": "Africa", "SYC": "Africa",
}  # fmt: skip
# Parts of a country on another continent than its capital: (west, south, east, north), continent.
OUTLYING = {
    "CHL": [((-115, -35, -100, -20), "Oceania")],
    "ESP": [((-20, 26, -12, 31), "Africa")],
    "FRA": [
        ((-56, 1, -50, 7), "South America"),
        ((-64, 13, -60, 19), "North America"),
        ((40, -25, 60, -10), "Africa"),
    ],
    "NLD": [((-70, 10, -60, 20), "North America")],
    "PRT": [((-18, 30, -15, 35), "Africa")],
    "USA": [((-180, 15, -150, 30), "Oceania")],
}  # fmt: skip


def parts_of(geometry: Polygon | MultiPolygon) -> list[Polygon]:
    """List the polygons of a geometry."""
    return list(getattr(geometry, "geoms", [geometry]))


def divide_russia(geometry: MultiPolygon) -> Iterator[tuple[str, Polygon]]:
    """Yield Russia's parts west and east of 60 E."""
    west = box(0, -90, RUSSIAN_DIVIDE, 90)
    yield from (("Europe", part) for part in parts_of(geometry.intersection(west)))
    yield from (("Asia", part) for part in parts_of(geometry.difference(west)))


def geographic_parts(
    code: str, continent: str, geometry: MultiPolygon
) -> Iterator[tuple[str | None, Polygon]]:
    """Yield the parts of one country, each with its geographic continent."""
    if code == "RUS":
        yield from divide_russia(geometry)
        return
    home = continent if continent in CONTINENTS else ISLAND_STATES.get(code)
    for part in parts_of(geometry):
        elsewhere = [name for area, name in OUTLYING.get(code, []) if box(*area).contains(part)]
        yield (elsewhere[0] if elsewhere else home), part


def group_parts(path: Path) -> dict[tuple[str | None, str | None], list[Polygon]]:
    """Collect all parts of all countries by their pair of continents."""
    groups = defaultdict(list)
    for row in shapefile.Reader(str(path)).iterShapeRecords():
        code, continent = row.record["ADM0_A3"], row.record["CONTINENT"]
        political = continent if continent in CONTINENTS else None
        geometry = shapely.make_valid(shape(row.shape.__geo_interface__))
        for name, part in geographic_parts(code, continent, geometry):
            groups[name, political].append(part)
    return groups


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapefile", type=Path)
    groups = group_parts(parser.parse_args().shapefile)
    pairs = sorted(groups, key=str)
    whole = [shapely.union_all(groups[pair]) for pair in pairs]
    simple = shapely.set_precision(shapely.coverage_simplify(whole, TOLERANCE), PRECISION)
    features = [
        {
            "type": "Feature",
            "properties": {"geographic": geographic, "natural_earth": political},
            "geometry": mapping(shapely.normalize(geometry)),
        }
        for (geographic, political), geometry in zip(pairs, simple, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    text = json.dumps(rounded(collection), separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def rounded(value: object) -> object:
    """Round every number to the precision of the file, so that none has stray digits."""
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


if __name__ == "__main__":
    main()
