"""Continents of all FLUXNET2015 towers, and of real land."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapefile
import shapely
import xarray as xr
from shapely.geometry import shape

from uflux_stats.grid import CONTINENTS, continents, continents_at, land_area
from uflux_stats.grid.cells import EARTH_RADIUS
from uflux_stats.grid.polygons import _outlines
from uflux_stats.schema import MISSING_CLASS

COUNTRIES = {
    "South America": ["AR", "BR", "GF"],
    "North America": ["CA", "GL", "PA", "US"],
    "Europe": [
        "AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "IT", "NL", "SJ",
    ],
    "Asia": ["CN", "JP", "MY"],
    "Africa": ["CG", "GH", "SD", "SN", "ZM"],
    "Oceania": ["AU"],
}  # fmt: skip
HOME = {code: continent for continent, codes in COUNTRIES.items() for code in codes}


def test_all_towers(real_data: Path) -> None:
    towers = pd.read_csv(real_data / "fluxnet2015_sites.csv", keep_default_na=False)
    assert len(towers) == 206
    code = towers.site.str[:2]
    russian = np.where(towers.lon.astype(float) < 60, "Europe", "Asia")
    expected = code.map(HOME).where(code != "RU", russian)
    assert expected.notna().all()
    found = continents_at(towers.lat.astype(float), towers.lon.astype(float))
    wrong = towers.site[found != expected.to_numpy()]
    assert wrong.empty, wrong.tolist()


def test_all_towers_of_natural_earth(real_data: Path) -> None:
    towers = pd.read_csv(real_data / "fluxnet2015_sites.csv", keep_default_na=False)
    found = continents_at(towers.lat.astype(float), towers.lon.astype(float), "natural_earth")
    expected = towers.site.str[:2].map(HOME | {"RU": "Europe", "GF": "Europe"})
    wrong = towers.site[found != expected.to_numpy()]
    assert wrong.empty, wrong.tolist()


def equal_area(places: np.ndarray) -> np.ndarray:
    """Lambert's cylindrical projection [km], whose plane areas are those on the sphere."""
    radius = EARTH_RADIUS / 1e3
    return radius * np.stack([np.deg2rad(places[:, 0]), np.sin(np.deg2rad(places[:, 1]))], axis=1)


def test_simplified_polygons_keep_the_area_of_their_source(real_data: Path) -> None:
    source = real_data / "natural_earth_50m" / "ne_50m_admin_0_countries.shp"
    expected: dict[str, float] = defaultdict(float)
    for row in shapefile.Reader(str(source)).iterShapeRecords():
        country = shapely.transform(shape(row.shape.__geo_interface__), equal_area)
        expected[row.record["CONTINENT"]] += country.area
    outlines = shapely.area(shapely.transform(_outlines().polygons, equal_area))
    for code, name in CONTINENTS.items():
        found = outlines[_outlines().codes["natural_earth"] == code].sum()
        assert found == pytest.approx(expected[name], rel=2e-3), name


@pytest.mark.parametrize("cells", [1, 5, 10])
def test_land_north_of_antarctica_is_in_a_continent(real_data: Path, cells: int) -> None:
    with xr.open_dataset(real_data / "climatology_0p5.nc") as drivers:
        fine = land_area(drivers["LANDFRAC"].load())
    land = fine.coarsen(lat=cells, lon=cells).sum()
    homeless = (continents(land.lat, land.lon) == MISSING_CLASS) & (land.lat > -60)
    assert land.where(homeless).sum().item() < 1e-4 * land.sum().item()
