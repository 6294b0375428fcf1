"""Regridding keeps the integral over land, whatever the two grids and the missing cells are."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from uflux_stats.errors import GridError, UnitsError
from uflux_stats.grid.cells import cell_area
from uflux_stats.grid.regrid import regrid, regridded_land

SHAPES = st.tuples(st.integers(3, 40), st.integers(3, 60))


def globe(shape, *, shift=0.0, uneven=None):
    """Centres of cells; ``uneven`` is a generator that moves latitudes, as Gaussian grids have."""
    lat, lon = shape
    edges = np.linspace(-90, 90, lat + 1)
    width = 360 / lon
    centres = -180 + width * (np.arange(lon) + 0.5) + shift * width
    rows = (edges[1:] + edges[:-1]) / 2
    if uneven is not None:
        rows = rows + 180 / lat * uneven.uniform(-0.3, 0.3, lat)
        # from pole to pole, so that either grid covers the other
        rows[[0, -1]] = -89.9, 89.9
    return {"lat": rows, "lon": centres}


@settings(max_examples=40, deadline=None)
@given(SHAPES, SHAPES, st.floats(-0.5, 0.5), st.integers(0, 2**31), st.booleans())
def test_integral_over_land_is_kept(source, target, shift, seed, uneven):
    rng = np.random.default_rng(seed)
    axes = globe(source, shift=shift, uneven=rng if uneven else None)
    values = xr.DataArray(rng.normal(5, 2, source), axes, dims=("lat", "lon"))
    values = values.where(rng.random(source) > 0.3)
    landfrac = xr.DataArray(rng.random(source), axes, dims=("lat", "lon"), attrs={"units": "1"})
    there = xr.Dataset(coords=globe(target, uneven=rng if uneven else None))
    moved = regrid(values, there, landfrac=landfrac)
    carried = regridded_land(values, there, landfrac=landfrac)
    before = (values * landfrac * cell_area(axes["lat"], axes["lon"])).sum().item()
    after = (moved * carried).sum().item()
    # cells that hardly overlap data are left out
    assert after == pytest.approx(before, rel=1e-6, abs=1e5)


@settings(max_examples=20, deadline=None)
@given(SHAPES, SHAPES)
def test_a_constant_stays_constant(source, target):
    values = xr.DataArray(7.0, globe(source), dims=("lat", "lon"))
    moved = regrid(values, xr.Dataset(coords=globe(target)))
    np.testing.assert_allclose(moved, 7.0, rtol=1e-12)


def test_same_grid_is_the_identity():
    values = xr.DataArray(np.random.default_rng(0).random((9, 18)), globe((9, 18)), ("lat", "lon"))
    np.testing.assert_allclose(regrid(values, values), values, rtol=1e-12)


def test_uneven_latitudes_and_a_turn_round_the_dateline():
    lat = [-80.0, -50.0, -10.0, 0.0, 30.0, 75.0]
    values = xr.DataArray(
        np.arange(24.0).reshape(6, 4), {"lat": lat, "lon": [-180.0, -90, 0, 90]}, ("lat", "lon")
    )
    there = xr.Dataset(coords=globe((12, 24)))
    total = (values * cell_area(values["lat"], values["lon"])).sum()
    moved = (regrid(values, there) * regridded_land(values, there)).sum()
    assert moved.item() == pytest.approx(total.item(), rel=1e-12)


def test_leading_dims_and_missing_cells_of_their_own():
    values = xr.DataArray(
        np.ones((2, 4, 8)), {"year": [1, 2], **globe((4, 8))}, ("year", "lat", "lon")
    )
    values[0, 0] = np.nan
    moved = regrid(values, xr.Dataset(coords=globe((2, 4))))
    assert moved.dims == ("year", "lat", "lon")
    assert moved.notnull().all()
    assert regrid(values, xr.Dataset(coords=globe((4, 8))))[0, 0].isnull().all()


def test_land_fraction_must_fit():
    values = xr.DataArray(np.ones((4, 8)), globe((4, 8)), ("lat", "lon"))
    with pytest.raises(UnitsError, match="landfrac: expected units '1'"):
        regrid(values, values, landfrac=values)
    other = xr.DataArray(np.ones((2, 8)), globe((2, 8)), ("lat", "lon"), attrs={"units": "1"})
    with pytest.raises(GridError, match="values, landfrac: expected exactly the same"):
        regrid(values, values, landfrac=other)
