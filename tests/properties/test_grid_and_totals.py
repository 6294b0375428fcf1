"""What holds for every grid and every field: areas close, totals are linear, regions partition."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from uflux_stats.grid import cell_area, normalise_grid, region_masks
from uflux_stats.grid.cells import EARTH_RADIUS
from uflux_stats.stats.totals import area_mean, total

BY = ["globe", "continent", "pft", "koppen", "tropics", "latitude"]
seeds = st.integers(0, 2**32 - 1)


def cube(seed: int, rows: int, columns: int, area: xr.DataArray | None = None) -> xr.DataArray:
    """A year of random fluxes on a regular global grid."""
    rng = np.random.default_rng(seed)
    axes = {
        "time": xr.date_range("2004-01", periods=12, freq="MS"),
        "lat": (np.arange(rows) + 0.5) * 180 / rows - 90,
        "lon": (np.arange(columns) + 0.5) * 360 / columns - 180,
    }
    values = rng.normal(3, 2, (12, rows, columns))
    flux = xr.DataArray(values, axes, dims=list(axes), attrs={"units": "gC m-2 d-1"})
    classes = (("lat", "lon"), rng.integers(1, 6, (rows, columns)))
    land = cell_area(flux.lat, flux.lon) if area is None else area
    return flux.assign_coords(land_area=land, IGBP=classes, KOPPEN=classes)


@given(
    inner=st.lists(st.floats(-89, 89), min_size=1, max_size=40, unique_by=lambda x: round(x, 2)),
    columns=st.integers(2, 90),
)
def test_cells_add_up_to_the_sphere(inner: list[float], columns: int) -> None:
    lat = np.concatenate([[-90.0], np.sort(inner), [90.0]])
    lon = (np.arange(columns) + 0.5) * 360 / columns
    area = cell_area(lat, lon)
    assert (area > 0).all()
    assert area.sum().item() == pytest.approx(4 * np.pi * EARTH_RADIUS**2, rel=1e-10)


@given(seed=seeds, rows=st.integers(2, 12), columns=st.integers(2, 12), by=st.sampled_from(BY))
@settings(max_examples=30, deadline=None)
def test_regions_are_disjoint_and_add_up(seed: int, rows: int, columns: int, by: str) -> None:
    flux = cube(seed, rows, columns)
    masks = region_masks(flux, by)
    assert masks.sum("region").max() <= 1
    inside = flux.where(masks.any("region")).assign_attrs(flux.attrs)
    np.testing.assert_allclose(
        total(flux, by=by).sum("region"), total(inside).fillna(0.0), rtol=1e-9, atol=1e-9
    )


@given(seed=seeds, a=st.floats(-5, 5), b=st.floats(-5, 5))
@settings(max_examples=30, deadline=None)
def test_totals_are_linear(seed: int, a: float, b: float) -> None:
    first, second = cube(seed, 4, 6), cube(seed + 1, 4, 6)
    mixed = first.copy(data=a * first.values + b * second.values)
    np.testing.assert_allclose(
        total(mixed), a * total(first) + b * total(second), rtol=1e-9, atol=1e-6
    )


@given(seed=seeds, rows=st.integers(2, 8), columns=st.integers(2, 8))
@settings(max_examples=30, deadline=None)
def test_totals_do_not_depend_on_the_layout(seed: int, rows: int, columns: int) -> None:
    flux = cube(seed, rows, columns)
    flipped = flux.isel(lat=slice(None, None, -1)).transpose("lon", "time", "lat")
    np.testing.assert_allclose(total(flipped), total(flux), rtol=1e-12)
    turned = flux.roll(lon=1, roll_coords=True)
    np.testing.assert_allclose(total(turned), total(flux), rtol=1e-12)
    xr.testing.assert_equal(normalise_grid(flipped), flux)


@given(seed=seeds, rows=st.integers(2, 8), columns=st.integers(2, 8))
@settings(max_examples=30, deadline=None)
def test_splitting_cells_into_quarters_changes_no_total(seed: int, rows: int, columns: int) -> None:
    whole = cube(seed, rows, columns)
    fine = cube(seed, 2 * rows, 2 * columns)
    quarters = fine.copy(data=whole.values.repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_allclose(total(quarters), total(whole), rtol=1e-9)


@given(seed=seeds, value=st.floats(-100, 100))
@settings(max_examples=20, deadline=None)
def test_the_mean_of_a_constant_is_the_constant(seed: int, value: float) -> None:
    heat = xr.full_like(cube(seed, 5, 7), value).assign_attrs(units="W m-2")
    np.testing.assert_allclose(area_mean(heat), value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(total(heat), value, rtol=1e-9, atol=1e-9)
