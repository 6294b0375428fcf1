"""Cell areas against formulas, and refusal of unusable grids."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import DimensionError, GridError, RangeError, UnitsError
from uflux_stats.grid.cells import EARTH_RADIUS, cell_area, land_area

SPHERE = 4 * np.pi * EARTH_RADIUS**2


def globe(step: float) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(-90 + step / 2, 90, step), np.arange(-180 + step / 2, 180, step)


def test_a_cell_by_hand() -> None:
    # Between the equator and 1 N, one degree wide: R^2 (pi / 180) sin(1 degree).
    area = cell_area([0.5, 1.5], [10.5, 11.5])
    expected = EARTH_RADIUS**2 * np.deg2rad(1) * np.sin(np.deg2rad(1))
    assert area.sel(lat=0.5, lon=10.5).item() == pytest.approx(expected, rel=1e-12)
    assert area.dims == ("lat", "lon")
    assert area.attrs["units"] == "m2"


def test_sphere_has_the_area_of_the_ellipsoid() -> None:
    # GRS80 surface area, Moritz (2000): 5.10065622e14 m2.
    assert pytest.approx(5.10065622e14, rel=1e-8) == SPHERE


@pytest.mark.parametrize("points", [32, 96, 160])
def test_gaussian_latitudes_cover_the_sphere(points: int) -> None:
    sines, _ = np.polynomial.legendre.leggauss(points)
    area = cell_area(np.rad2deg(np.arcsin(sines)), globe(2.0)[1])
    assert area.sum().item() == pytest.approx(SPHERE, rel=1e-12)


def test_rows_at_the_poles_end_there() -> None:
    area = cell_area(np.linspace(-90, 90, 181), np.arange(0, 360.0))
    cap = EARTH_RADIUS**2 * np.deg2rad(1) * (1 - np.sin(np.deg2rad(89.5)))
    assert area.sum().item() == pytest.approx(SPHERE, rel=1e-12)
    assert area.isel(lat=0, lon=0).item() == pytest.approx(cap, rel=1e-9)


def test_a_region_near_the_pole_is_not_stretched_to_it() -> None:
    area = cell_area([86.5, 87.5], [0.5, 1.5])
    zone = np.sin(np.deg2rad(88)) - np.sin(np.deg2rad(87))
    expected = EARTH_RADIUS**2 * np.deg2rad(1) * zone
    assert area.sel(lat=87.5, lon=0.5).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("lat", "lon", "match"),
    [
        ([0.5], [0.5, 1.5], "two or more centres"),
        ([0.5, 0.5], [0.5, 1.5], "strictly rising or falling"),
        ([0.5, np.nan], [0.5, 1.5], "strictly rising or falling"),
        ([0.5, 1.5], [0.5, 2.5, 1.5], "strictly rising or falling"),
        ([80.0, 100.0], [0.5, 1.5], "swapped"),
        ([0.5, 1.5], np.linspace(-180, 180, 181), "at most once round the globe"),
        (np.zeros((2, 2)), [0.5, 1.5], "one dimension"),
    ],
)
def test_unusable_grids_are_refused(lat: list[float], lon: list[float], match: str) -> None:
    with pytest.raises(GridError, match=match):
        cell_area(lat, lon)


def fraction(value: float, units: str = "1") -> xr.DataArray:
    lat, lon = globe(30.0)
    return xr.DataArray(
        value, {"lat": lat, "lon": lon}, dims=("lat", "lon"), attrs={"units": units}
    )


def test_land_area_is_fraction_times_cell() -> None:
    landfrac = fraction(0.25)
    landfrac[0, 0] = np.nan
    before = landfrac.copy(deep=True)
    area = land_area(landfrac)
    cells = cell_area(landfrac.lat, landfrac.lon)
    assert area[0, 0] == 0
    np.testing.assert_allclose(area[1:], 0.25 * cells[1:])
    assert area.attrs["units"] == "m2"
    xr.testing.assert_identical(landfrac, before)


def test_land_area_refuses_other_units_and_values() -> None:
    with pytest.raises(UnitsError, match="expected units '1'"):
        land_area(fraction(25.0, "%"))
    with pytest.raises(RangeError, match="landfrac: expected 0 to 1"):
        land_area(fraction(25.0))
    with pytest.raises(DimensionError, match="expected dimensions"):
        land_area(fraction(0.5).isel(lat=0))
