"""Continents of known places, and regions that partition a grid."""

import numpy as np
import pytest
import shapely
import xarray as xr

from uflux_stats.errors import GridError, MissingVariableError, RangeError
from uflux_stats.grid import (
    CONTINENTS,
    cell_area,
    continents,
    continents_at,
    land_outlines,
    region_masks,
)
from uflux_stats.grid.polygons import continent_codes
from uflux_stats.schema import MISSING_CLASS

PLACES = {
    "Cayenne": (4.9, -52.3, "South America", "Europe"),
    "Martinique": (14.65, -61.0, "North America", "Europe"),
    "Curacao": (12.2, -69.0, "North America", "North America"),
    "Bonaire": (12.2, -68.3, "North America", "Europe"),
    "Reunion": (-21.1, 55.5, "Africa", "Europe"),
    "Mauritius": (-20.3, 57.5, "Africa", ""),
    "Tenerife": (28.3, -16.6, "Africa", "Europe"),
    "Hawaii": (19.6, -155.5, "Oceania", "North America"),
    "Easter Island": (-27.1, -109.35, "Oceania", "South America"),
    "Anchorage": (61.2, -149.9, "North America", "North America"),
    "Attu": (52.9, 172.9, "North America", "North America"),
    "Nuuk": (64.18, -51.7, "North America", "North America"),
    "Reykjavik": (64.1, -21.9, "Europe", "Europe"),
    "Longyearbyen": (78.2, 15.6, "Europe", "Europe"),
    "Moscow": (55.75, 37.6, "Europe", "Europe"),
    "west of 60 E": (58.0, 59.9, "Europe", "Europe"),
    "east of 60 E": (58.0, 60.1, "Asia", "Europe"),
    "Chukotka": (66.0, -172.0, "Asia", "Europe"),
    "Istanbul": (41.1, 28.9, "Asia", "Asia"),
    "Tbilisi": (41.7, 44.8, "Asia", "Asia"),
    "Cairo": (30.0, 31.2, "Africa", "Africa"),
    "Madagascar": (-19.0, 47.0, "Africa", "Africa"),
    "Jakarta": (-6.2, 106.8, "Asia", "Asia"),
    "Port Moresby": (-9.4, 147.2, "Oceania", "Oceania"),
    "Auckland": (-36.9, 174.8, "Oceania", "Oceania"),
    "Panama": (9.0, -79.5, "North America", "North America"),
    "Galapagos": (-0.6, -90.8, "South America", "South America"),
    "South Pole": (-90.0, 0.0, "", ""),
    "mid Pacific": (0.0, -130.0, "", ""),
}


@pytest.mark.parametrize("place", PLACES)
def test_known_places(place: str) -> None:
    lat, lon, geographic, political = PLACES[place]
    assert continents_at(lat, lon).item() == geographic
    assert continents_at(lat, lon, "natural_earth").item() == political


def test_a_coastal_place_takes_the_nearest_continent_within_the_limit() -> None:
    # 0.5 degrees (55 km) off the straight coast of Western Sahara and Mauritania at 20.5 N.
    assert continents_at([20.5], [-17.6]).tolist() == ["Africa"]
    assert continents_at([20.5], [-17.6], limit_km=10.0).tolist() == [""]
    assert continents_at([20.5], [-19.0]).tolist() == [""]


def test_nearest_outline_is_found_across_the_date_line() -> None:
    # South-east of Taveuni (Fiji), whose outlines end at 180 degrees.
    assert continents_at([-17.3, -17.3], [-179.4, 180.6]).tolist() == ["Oceania"] * 2


def test_longitudes_may_run_to_360() -> None:
    assert continents_at([61.2], [360 - 149.9]).tolist() == ["North America"]


def test_grid_and_points_agree() -> None:
    lat, lon = np.arange(-87.5, 90, 5), np.arange(-177.5, 180, 5)
    grid = continents(lat, lon, limit_km=100.0)
    rows, columns = np.meshgrid(lat, lon, indexing="ij")
    points = continent_codes(rows.ravel(), columns.ravel(), "geographic", limit_km=100.0)
    np.testing.assert_array_equal(grid.values.ravel(), points)
    assert grid.dtype == np.uint8
    assert set(np.unique(grid)) == {*CONTINENTS, MISSING_CLASS}
    assert grid.attrs["flag_meanings"].split()[3] == "North_America"


def test_large_cells_reach_further_for_land() -> None:
    # Cape Verde lies 130 km off the centre, within a cell of five degrees.
    assert continents([17.5, 12.5], [-27.5, -22.5])[0, 0] == 1
    assert continents([17.5, 17.0], [-27.5, -27.0])[0, 0] == MISSING_CLASS


def test_the_cached_result_is_not_handed_out() -> None:
    first = continents([0.0, 1.0], [20.0, 21.0])
    first[:] = 99
    assert continents([0.0, 1.0], [20.0, 21.0]).max() == 1


# Land with inland water [1e6 km2] as atlases give it; Natural Earth leaves great lakes out.
ATLAS = {
    "Africa": 30.4, "Asia": 44.6, "Europe": 10.2, "North America": 24.7, "Oceania": 8.5,
    "South America": 17.8,
}  # fmt: skip


def test_continents_are_as_large_as_in_an_atlas() -> None:
    lat, lon = np.arange(-89.75, 90, 0.5), np.arange(-179.75, 180, 0.5)
    codes, area = continents(lat, lon, limit_km=0.0), cell_area(lat, lon)
    for code, name in CONTINENTS.items():
        found = area.where(codes == code).sum().item() / 1e12
        assert found == pytest.approx(ATLAS[name], rel=0.05), name


def test_outlines_are_valid_and_do_not_overlap() -> None:
    outlines = land_outlines()
    assert shapely.is_valid(outlines).all()
    area = shapely.area(shapely.union_all(outlines))
    assert shapely.area(outlines).sum() == pytest.approx(area, rel=1e-6)


def test_bad_places_and_region_sets_are_refused() -> None:
    with pytest.raises(GridError, match="regions: expected one of"):
        continents([0.0, 1.0], [0.0, 1.0], "political")
    with pytest.raises(GridError, match="at position 1"):
        continents_at([0.0, np.nan], [0.0, 1.0])
    with pytest.raises(GridError, match="expected the same shape"):
        continents_at([0.0, 1.0], [0.0])
    with pytest.raises(GridError, match="use continents_at for points"):
        continents(np.zeros((2, 2)), [0.0])


def places(step: float = 10.0) -> xr.Dataset:
    lat, lon = np.arange(-90 + step / 2, 90, step), np.arange(-180 + step / 2, 180, step)
    classes = np.random.default_rng(0).integers(0, 17, (lat.size, lon.size)).astype(float)
    classes[0, 0] = 255
    return xr.Dataset(
        {"IGBP": (("lat", "lon"), classes), "KOPPEN": (("lat", "lon"), np.clip(classes, 1, 5))},
        {"lat": lat, "lon": lon},
    )


@pytest.mark.parametrize("by", ["globe", "continent", "pft", "koppen", "tropics", "latitude"])
def test_regions_never_overlap(by: str) -> None:
    masks = region_masks(places(), by)
    assert masks.dtype == bool
    assert masks.dims == ("region", "lat", "lon")
    assert masks.sum("region").max() == 1


@pytest.mark.parametrize("by", ["globe", "tropics", "latitude"])
def test_zones_leave_no_cell_out(by: str) -> None:
    assert region_masks(places(), by).any("region").all()


def test_edges_of_zones() -> None:
    lat = [-90.0, -60.0, -23.5, 0.0, 23.5, 23.6, 90.0]
    edges = xr.Dataset(coords={"lat": lat, "lon": [0.0, 1.0]})
    tropics = region_masks(edges, "tropics").sel(region="tropics", lon=0.0)
    assert tropics.values.tolist() == [False, False, True, True, True, False, False]
    bands = region_masks(edges, "latitude").isel(lon=0)
    named = [bands.region.values[bands.sel(lat=value)].item() for value in lat]
    assert named == ["90S-60S", "60S-30S", "30S-0", "0-30N", "0-30N", "0-30N", "60N-90N"]


def test_towers_have_regions_too() -> None:
    towers = xr.Dataset(
        {"IGBP": ("site", ["EBF", "ENF"])},
        {
            "site": ["GF-Guy", "US-Ha1"],
            "lat": ("site", [5.28, 42.5]),
            "lon": ("site", [-52.9, -72]),
        },
    )
    found = region_masks(towers, "continent")
    assert found.dims == ("region", "site")
    assert found.sel(region="South America").values.tolist() == [True, False]
    assert region_masks(towers, "pft").sel(region="ENF").values.tolist() == [False, True]


def test_known_continents_are_used_only_for_their_region_set() -> None:
    cells = xr.Dataset(coords={"lat": [60.0, 61.0], "lon": [90.0, 91.0]})
    lat, lon = cells.lat, cells.lon
    cells = cells.assign_coords(continent=xr.full_like(continents(lat, lon), 1))
    assert region_masks(cells, "continent").sel(region="Africa").all()
    political = region_masks(cells, "continent", regions="natural_earth")
    assert political.sel(region="Europe").all()


def test_bad_masks_are_refused() -> None:
    with pytest.raises(GridError, match="by: expected one of"):
        region_masks(places(), "country")
    with pytest.raises(MissingVariableError, match="expected the class map IGBP"):
        region_masks(places().drop_vars("IGBP"), "pft")
    with pytest.raises(MissingVariableError, match="expected a coordinate 'lon'"):
        region_masks(xr.Dataset(coords={"lat": [0.0]}), "globe")
    with pytest.raises(RangeError, match=r"KOPPEN: expected codes 1 to 5 .* got also \[16.0\]"):
        region_masks(places().assign(KOPPEN=xr.full_like(places().KOPPEN, 16.0)), "koppen")
