"""Every usual layout of a grid becomes one, values moving with their places."""

import dask.array
import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import GridError
from uflux_stats.grid import normalise_grid

LAT = np.array([-45.0, 0.0, 45.0])
LON = np.array([-135.0, -45.0, 45.0, 135.0])


def field(
    lat: np.ndarray, lon: np.ndarray, names: tuple[str, str] = ("lat", "lon")
) -> xr.DataArray:
    """A field whose value tells its place: 1000 lat + lon (-180..180)."""
    wrapped = (np.asarray(lon, float) + 180) % 360 - 180
    values = 1000 * np.asarray(lat, float)[:, None] + wrapped
    return xr.DataArray(values, {names[0]: lat, names[1]: lon}, dims=names, name="x")


def assert_tidy(tidy: xr.DataArray) -> None:
    np.testing.assert_array_equal(tidy.lat, LAT)
    np.testing.assert_array_equal(tidy.lon, LON)
    np.testing.assert_array_equal(tidy, field(LAT, LON))


@pytest.mark.parametrize("lon", [LON, LON % 360, np.sort(LON % 360), LON[::-1]])
@pytest.mark.parametrize("lat", [LAT, LAT[::-1]])
@pytest.mark.parametrize("names", [("lat", "lon"), ("latitude", "longitude"), ("y", "x")])
def test_all_layouts_become_one(lat: np.ndarray, lon: np.ndarray, names: tuple[str, str]) -> None:
    assert_tidy(normalise_grid(field(lat, lon, names)))


def test_latitude_and_longitude_become_the_last_dimensions() -> None:
    data = field(LAT, LON).expand_dims(time=2, axis=2)
    assert normalise_grid(data).dims == ("time", "lat", "lon")


def test_the_argument_stays_as_it_was() -> None:
    data = field(LAT[::-1], np.sort(LON % 360), ("latitude", "longitude"))
    data.latitude.attrs["bounds"] = "lat_bnds"
    before = data.copy(deep=True)
    tidy = normalise_grid(data)
    xr.testing.assert_identical(data, before)
    assert data.latitude.attrs == {"bounds": "lat_bnds"}
    assert tidy.lat.attrs["units"] == "degrees_north"


def test_bounds_of_the_axes_are_dropped() -> None:
    data = field(LAT, LON).to_dataset().assign(lon_bnds=(("lon", "nv"), np.zeros((4, 2))))
    data.lon.attrs["bounds"] = "lon_bnds"
    tidy = normalise_grid(data)
    assert "lon_bnds" not in tidy
    assert "bounds" not in tidy.lon.attrs


def test_single_precision_and_wrapped_grids_are_exactly_equal() -> None:
    lat, lon = np.arange(-89.95, 90, 0.1).round(2), np.arange(-179.95, 180, 0.1).round(2)
    single = xr.Dataset(coords={"lat": lat.astype("f4"), "lon": lon.astype("f4")})
    wrapped = xr.Dataset(coords={"lat": lat, "lon": np.sort(lon % 360)})
    first, second = normalise_grid(single), normalise_grid(wrapped)
    np.testing.assert_array_equal(first.lon, lon)
    np.testing.assert_array_equal(second.lon, lon)
    np.testing.assert_array_equal(first.lat, second.lat)


def test_dask_arrays_stay_lazy() -> None:
    tidy = normalise_grid(field(LAT, np.sort(LON % 360)).chunk(lon=2))
    assert isinstance(tidy.data, dask.array.Array)
    assert_tidy(tidy.compute())


@pytest.mark.parametrize(
    ("lat", "lon", "match"),
    [
        ([0.0, 0.0, 1.0], LON, "lat: expected strictly rising or falling"),
        ([0.0, 2.0, 1.0], LON, "lat: expected strictly rising or falling"),
        ([0.0, 45.0, 91.0], LON, "lat: expected -90 to 90"),
        ([0.0, np.nan, 1.0], LON, "lat: expected finite numbers"),
        (LAT, [0.0, 90.0, 180.0, 360.0], "lon: expected every longitude once"),
        (LAT, [-180.0, -90.0, 90.0, 180.0], "lon: expected every longitude once"),
        (LAT, [0.0, 20.0, 10.0, 30.0], "lon: expected values in order"),
        (LAT, [0.0, 20.0, 10.0], "lon: expected values in order"),
        (LAT, [0.0, 180.0, 400.0], "lon: expected -180..180 or 0..360"),
    ],
)
def test_unusable_coordinates_are_refused(lat: list[float], lon: list[float], match: str) -> None:
    data = xr.Dataset(coords={"lat": np.asarray(lat), "lon": np.asarray(lon)})
    with pytest.raises(GridError, match=match):
        normalise_grid(data)


def test_missing_and_doubtful_dimensions_are_refused() -> None:
    with pytest.raises(GridError, match="lat: expected one dimension named"):
        normalise_grid(field(LAT, LON, ("rows", "lon")))
    with pytest.raises(GridError, match=r"got \['lat', 'y'\]"):
        normalise_grid(xr.Dataset(coords={"lat": LAT, "y": LAT, "lon": LON}))
    with pytest.raises(GridError, match="lat: expected a one-dimensional coordinate"):
        normalise_grid(xr.Dataset({"x": (("y", "x_"), np.ones((2, 2)))}).rename(x_="lon"))
