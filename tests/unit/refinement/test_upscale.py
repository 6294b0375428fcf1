"""A store equals the prediction of the whole grid, however it was cut."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import (
    CalendarError,
    ConfigError,
    DimensionError,
    MissingVariableError,
    UnitsError,
)
from uflux_stats.grid import continents, land_area
from uflux_stats.io.zarr_store import open_store
from uflux_stats.refinement import Refiner
from uflux_stats.refinement.consistency import fit_consistency
from uflux_stats.refinement.features import REQUIRED
from uflux_stats.refinement.intervals import calibrate
from uflux_stats.refinement.upscaling import QUANTILES, UpscaleOptions, quantiles, upscale
from uflux_stats.schema import FLUXES

PREDICTED = (*FLUXES, "NEE_difference")


@pytest.fixture
def grid(towers: xr.Dataset, as_grid: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    """One year with a sea of its own, and a whole row of sea in the north."""
    grid = as_grid(towers.drop_vars(list(FLUXES))).isel(time=slice(0, 12))
    land = xr.DataArray(np.ones((3, 4), bool), dims=("lat", "lon"))
    land[0, 1] = land[2] = False
    grid["LANDFRAC"] = grid["LANDFRAC"].where(land, 0.0)
    for name in ("FAPAR", "IGBP", "KOPPEN"):
        grid[name] = grid[name].where(land)
    return grid


def bands(height: int) -> UpscaleOptions:
    """Bands of so many rows of 12 months and 4 cells."""
    return UpscaleOptions(rows=48 * height, threads=1)


def assert_stored(stored: xr.DataArray, expected: xr.DataArray) -> None:
    """Equal but for the bits that are not kept, of the values or of the fluxes they are made of."""
    largest = float(np.abs(expected).max())
    np.testing.assert_allclose(stored, expected, rtol=2.0**-13, atol=2.0**-12 * largest)


def test_fluxes_are_rounded_and_still_close(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path
) -> None:
    refiner.validate("tower", folds=3, members=2)
    consistency = fit_consistency(refiner.validation["tower"])
    options = replace(bands(2), consistency=consistency)
    store = open_store(upscale(refiner, grid, tmp_path / "flux.zarr", options)).load()
    for name in ("GPP", "LE", "NEE", "GPP_reconciled", "RECO_quantile", "DI"):
        bits = store[name].values.view(np.uint32)[np.isfinite(store[name].values)]
        assert not (bits & 0x3FF).any()
    for suffix in ("difference", "reconciled"):
        pair = ("RECO", "GPP") if suffix == "difference" else ("RECO_reconciled", "GPP_reconciled")
        reco, gpp = (store[name].values for name in pair)
        np.testing.assert_array_equal(store[f"NEE_{suffix}"], reco - gpp)


@pytest.mark.parametrize("height", [1, 2, 5])
def test_store_is_the_prediction_of_the_whole_grid(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path, height: int
) -> None:
    store = open_store(upscale(refiner, grid, tmp_path / "flux.zarr", bands(height))).load()
    expected = refiner.predict(grid)
    for name in PREDICTED:
        assert store[name].dims == ("member", "time", "lat", "lon")
        assert_stored(store[name], expected[name])
        found = store[f"{name}_quantile"]
        assert found.dims == ("quantile", "time", "lat", "lon")
        by_numpy = np.quantile(expected[name].values, QUANTILES, axis=0)
        np.testing.assert_allclose(found, by_numpy, rtol=3e-4, atol=2e-3)
    assert store["GPP"].isel(lat=2).isnull().all()
    assert store["GPP"].isel(lat=0, lon=1).isnull().all()
    assert int(store["GPP"].notnull().sum()) == 3 * 12 * 7


def test_store_says_how_far_to_believe_it(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path
) -> None:
    refiner.validate("tower", folds=3, members=2)
    intervals = calibrate(refiner.validation["tower"])
    consistency = fit_consistency(refiner.validation["tower"])
    options = replace(bands(2), intervals=intervals, consistency=consistency)
    store = open_store(upscale(refiner, grid, tmp_path / "flux.zarr", options)).load()
    judged = refiner.applicability(grid)
    bounds = intervals.bounds(refiner.predict(grid), grid["IGBP"])
    for name, values in (judged | bounds).data_vars.items():
        assert store[name].dims == ("time", "lat", "lon")
        assert_stored(store[name], values)
        assert store[name].attrs == values.attrs
    closed = consistency.reconcile(refiner.predict(grid))
    for name, values in closed.data_vars.items():
        assert_stored(store[name], values)
        assert store[f"{name}_quantile"].attrs == values.attrs
    assert set(judged) == {"DI", "AOA"}
    assert {"GPP_lower", "NEE_difference_upper"} <= set(bounds)
    middle = store["GPP"].mean("member")
    assert bool(((store["GPP_lower"] <= middle) | middle.isnull()).all())


def test_store_says_where_and_what(refiner: Refiner, grid: xr.Dataset, tmp_path: Path) -> None:
    store = open_store(upscale(refiner, grid, tmp_path / "flux.zarr", bands(2)))
    assert store.attrs["title"] == "Refined land fluxes"
    assert store["GPP"].attrs["units"] == "gC m-2 d-1"
    assert store["LE_quantile"].attrs["units"] == "W m-2"
    assert "RECO - GPP" in store["NEE_difference"].attrs["long_name"]
    assert "RECO - GPP" in store["NEE_difference_quantile"].attrs["long_name"]
    np.testing.assert_allclose(store["land_area"], land_area(grid["LANDFRAC"]))
    assert store["land_area"].attrs["units"] == "m2"
    np.testing.assert_array_equal(store["continent"], continents(grid["lat"], grid["lon"]))
    for name in ("IGBP", "KOPPEN"):
        np.testing.assert_array_equal(store[name], grid[name])
        assert store["GPP"].coords[name].dims == ("lat", "lon")
    for name in ("time", "lat", "lon"):
        np.testing.assert_array_equal(store[name], grid[name])
    assert store["quantile"].values.tolist() == list(QUANTILES)
    assert store["member"].values.tolist() == [0, 1, 2]


def test_dask_and_order_of_dims_do_not_matter(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path
) -> None:
    plain = open_store(upscale(refiner, grid, tmp_path / "plain.zarr", bands(2))).load()
    lazy = grid.chunk(lat=1, time=5)
    turned = grid.transpose("lat", "lon", "time")
    mixed = grid.assign(TA=turned["TA"])
    for number, drivers in enumerate((lazy, turned, mixed)):
        path = upscale(refiner, drivers, tmp_path / f"{number}.zarr", bands(2))
        xr.testing.assert_identical(open_store(path).load(), plain)
    assert all(lazy[name].chunks for name in REQUIRED)


def test_climatological_year_wraps_in_a_store(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path
) -> None:
    year = grid.assign_attrs(climatology_year=2003)
    store = open_store(upscale(refiner, year, tmp_path / "flux.zarr", bands(1)))
    assert_stored(store["LE"], refiner.predict(year)["LE"])
    assert not refiner.predict(year)["LE"].equals(refiner.predict(grid)["LE"])


def test_a_grid_without_land_leaves_nothing_behind(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path
) -> None:
    sea = grid.assign(TA=grid["TA"].where(grid["TA"] > 99.0))
    with pytest.raises(MissingVariableError, match="got none; check the masks"):
        upscale(refiner, sea, tmp_path / "flux.zarr", bands(1))
    assert list(tmp_path.iterdir()) == []


def test_an_older_store_stays_when_a_new_one_fails(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path
) -> None:
    path = upscale(refiner, grid, tmp_path / "flux.zarr", bands(2))
    before = open_store(path).load()
    with pytest.raises(MissingVariableError, match="check the masks"):
        upscale(refiner, grid.assign(TA=grid["TA"].where(grid["TA"] > 99.0)), path, bands(2))
    xr.testing.assert_identical(open_store(path).load(), before)


@pytest.mark.parametrize("name", ["TA", "P", "LANDFRAC", "IGBP"])
def test_a_variable_that_is_not_there_is_named_before_any_work(
    refiner: Refiner, grid: xr.Dataset, tmp_path: Path, name: str
) -> None:
    with pytest.raises(MissingVariableError, match=name):
        upscale(refiner, grid.drop_vars(name), tmp_path / "flux.zarr")
    assert list(tmp_path.iterdir()) == []


def test_wrong_grids_are_named(refiner: Refiner, grid: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "flux.zarr"
    with pytest.raises(DimensionError, match="time"):
        upscale(refiner, grid.rename(time="month"), path)
    with pytest.raises(CalendarError, match="month starts"):
        upscale(refiner, grid.isel(time=[0, 2]), path)
    with pytest.raises(UnitsError, match="SWIN"):
        upscale(refiner, grid.assign(SWIN=grid["SWIN"].assign_attrs(units="MJ m-2 d-1")), path)
    with pytest.raises(ConfigError, match="rows: expected at least 1, got 0"):
        UpscaleOptions(rows=0)


@pytest.mark.parametrize("size", [1, 2, 7, 10])
def test_quantiles_are_those_of_numpy(size: int) -> None:
    values = np.random.default_rng(size).normal(size=(4, size, 5)).astype(np.float32)
    values[0, :, 2] = np.nan
    members = xr.Dataset({"LE": (("time", "member", "lat"), values, {"units": "W m-2"})})
    found = quantiles(members)["LE_quantile"]
    assert found.dims == ("quantile", "time", "lat")
    assert found.attrs["units"] == "W m-2"
    expected = np.quantile(values, QUANTILES, axis=1)
    np.testing.assert_allclose(found, expected, rtol=3e-4, atol=2e-3)
