"""Gridded drivers at towers: by hand, linear fields, coasts, the date line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.errors import DimensionError, GridError
from uflux_stats.io.at_sites import drivers_at_sites
from uflux_stats.io.drivers import read_drivers

LAT = np.arange(-89.0, 90, 2)
LON = np.arange(-179.0, 180, 2)
TIME = xr.date_range("2001-01", periods=3, freq="MS")


@pytest.fixture
def world() -> xr.Dataset:
    """Linear in latitude and time, classes by hemisphere."""
    lat = xr.DataArray(LAT, {"lat": LAT}, dims="lat")
    lon = xr.DataArray(LON, {"lon": LON}, dims="lon")
    time = xr.DataArray(np.arange(3.0), {"time": TIME}, dims="time")
    warmth = (time + lat + 0 * lon).assign_attrs(units="degC")
    koppen = xr.where(lat + 0 * lon > 0, 4.0, 1.0).assign_attrs(units="class")
    east = (np.cos(np.deg2rad(lon)) + 0 * lat).transpose("lat", "lon")
    co2 = (370 + time).assign_attrs(units="ppm")
    return xr.Dataset({"TA": warmth, "KOPPEN": koppen, "DEM": east, "CO2": co2})


@pytest.mark.parametrize("lazy", [False, True])
def test_linear_field_is_exact(world: xr.Dataset, lazy: bool) -> None:
    places = {"lat": [10.3, -33.0, 0.1], "lon": [20.0, -179.9, 179.9], "site": ["a", "b", "c"]}
    found = drivers_at_sites(world.chunk(time=1) if lazy else world, **places)
    assert found.TA.dims == ("site", "time")
    expected = np.array(places["lat"])[:, None] + np.arange(3.0)
    np.testing.assert_allclose(found.TA, expected, rtol=1e-12)
    assert found.TA.attrs["units"] == "degC"
    assert (found.TA.chunks is not None) == lazy
    assert found.CO2.dims == ("site", "time")
    assert found.KOPPEN.values.tolist() == [4, 1, 4]
    np.testing.assert_array_equal(found.lat, places["lat"])


def test_date_line_is_no_border(world: xr.Dataset) -> None:
    found = drivers_at_sites(world, [1.0, 1.0], [180.0, -180.0], ["a", "b"])
    np.testing.assert_allclose(found.DEM, np.cos(np.deg2rad(179.0)))


def test_coast_uses_land_alone(world: xr.Dataset) -> None:
    land = world.where(world.lon > 0)
    found = drivers_at_sites(land, [10.0], [0.5], ["coast"])
    np.testing.assert_allclose(found.TA[0], 10.0 + np.arange(3))


def test_island_takes_the_nearest_land(world: xr.Dataset) -> None:
    land = world.where(world.lon > 2)
    near = drivers_at_sites(land, [1.0], [0.5], ["island"], max_distance=300.0)
    np.testing.assert_allclose(near.TA[0], 1.0 + np.arange(3))
    far = drivers_at_sites(land, [1.0], [0.5], ["island"], max_distance=200.0)
    assert far.TA.isnull().all()
    rows = {row["variable"]: row for row in json.loads(far.attrs["dropped"])}
    assert rows["TA"]["site"] == "island"
    assert rows["TA"]["n"] == 3
    assert rows["TA"]["reason"] == "no cell with data within reach"


def test_a_tower_far_from_a_regional_grid_gets_nothing(world: xr.Dataset) -> None:
    region = world.isel(lat=slice(0, 3), lon=slice(0, 3))
    north, east = float(region.lat[-1]), float(region.lon[-1])
    places = {"lat": [north, north + 30.0], "lon": [east, east + 30.0], "site": ["edge", "far"]}
    found = drivers_at_sites(region, **places)
    for name in ("TA", "KOPPEN", "DEM"):
        assert found[name].sel(site="far").isnull().all()
        assert found[name].sel(site="edge").notnull().all()
    assert json.loads(found.attrs["dropped"])


def test_account_of_the_grid_is_kept(world: xr.Dataset) -> None:
    row = {"site": "", "variable": "TA", "reason": "outside the possible range", "n": 1}
    found = drivers_at_sites(world.assign_attrs(dropped=json.dumps([row])), [1.0], [0.5], ["a"])
    assert json.loads(found.attrs["dropped"]) == [row]


def test_missing_month_stays_local(world: xr.Dataset) -> None:
    gap = world.assign(TA=world.TA.where(world.time != TIME[1]))
    found = drivers_at_sites(gap, [10.3], [20.0], ["a"])
    assert found.TA.isnull().values.tolist() == [[False, True, False]]


def test_argument_is_not_changed(world: xr.Dataset) -> None:
    before = world.copy(deep=True)
    drivers_at_sites(world, [1.0], [0.5], ["a"])
    xr.testing.assert_identical(world, before)


@pytest.mark.parametrize(
    ("lat", "lon", "match"),
    [
        ([1.0, 2.0], [3.0], "lat: expected one value for each of the 1 sites, got 2"),
        ([95.0], [3.0], "lat: expected -90 to 90"),
        ([5.0], [200.0], "lon: expected -180 to 180 degrees, got another value at a"),
        ([np.nan], [3.0], "lat: expected -90 to 90"),
    ],
)
def test_bad_places(world: xr.Dataset, lat: list[float], lon: list[float], match: str) -> None:
    with pytest.raises(GridError, match=match):
        drivers_at_sites(world, lat, lon, ["a"])


def test_drivers_must_be_gridded(world: xr.Dataset) -> None:
    with pytest.raises(DimensionError, match="lat"):
        drivers_at_sites(world[["CO2"]], [1.0], [1.0], ["a"])


def test_real_towers_have_drivers(real_data: Path) -> None:
    sites = pd.read_csv(real_data / "fluxnet2015_sites.csv")
    drivers = read_drivers(real_data / "climatology_0p5.nc")
    found = drivers_at_sites(drivers, sites["lat"], sites["lon"], sites["site"])
    assert json.loads(found.attrs["dropped"]) == []
    mean = found.TA.mean("month").to_series()
    assert mean.corr(sites.set_index("site")["mat"]) > 0.9
