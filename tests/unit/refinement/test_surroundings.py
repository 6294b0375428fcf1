"""What the land around a place is like: windows, codes, and how a refiner keeps them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from uflux_stats.errors import (
    ConfigError,
    DataFileError,
    DimensionError,
    GridError,
    MissingExtraError,
    SampleError,
)
from uflux_stats.io.zarr_store import open_store
from uflux_stats.refinement import (
    RefineOptions,
    Refiner,
    Surroundings,
    SurroundingsOptions,
    fit_surroundings,
    refine,
)
from uflux_stats.refinement.neural import backend
from uflux_stats.refinement.table import table_for
from uflux_stats.refinement.upscaling import UpscaleOptions, upscale
from uflux_stats.refinement.windows import Components, Maps
from uflux_stats.schema import variable


@pytest.fixture
def world() -> xr.Dataset:
    """Climate of the globe in cells of ten degrees, with a sea in its east."""
    rng = np.random.default_rng(3)
    lat, lon = np.arange(-85.0, 90.0, 10.0), np.arange(-175.0, 180.0, 10.0)
    shape = (12, len(lat), len(lon))
    land = np.ones(shape[1:], bool)
    land[4:9, 25:32] = False
    season = np.cos(np.arange(12) / 6.0 * np.pi)[:, None, None]
    relief = np.cumsum(rng.normal(size=shape[1:]), axis=1)
    fields = {
        "TA": 25.0 - 0.4 * np.abs(lat)[:, None] - relief + 8.0 * season,
        "P": np.broadcast_to(2.0 + 0.2 * relief, shape),
        "FAPAR": np.broadcast_to(0.5 + 0.0 * relief, shape),
    }
    return xr.Dataset(
        {
            name: (("month", "lat", "lon"), np.where(land, values, np.nan), variable(name).attrs)
            for name, values in fields.items()
        },
        coords={"month": np.arange(1, 13), "lat": lat, "lon": lon},
    )


def linear(world: xr.Dataset, **changes: Any) -> Surroundings:
    return fit_surroundings(world, encoder="linear", code=3, **changes)


def test_windows_by_hand() -> None:
    """The first column of a globe has the last one in its west, and nothing beyond the pole."""
    field = np.array([[[1.0, 2.0, 4.0, 8.0], [3.0, np.nan, 5.0, 9.0]]], np.float32)
    (window,) = Maps.of(field, 1, wrap=True).windows(np.array([[0, 0]]))
    assert window[0].tolist() == [[0.0, 0.0, 0.0], [7.0, 0.0, 1.0], [8.0, 2.0, 0.0]]
    assert window[1].tolist() == [[-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    (bounded,) = Maps.of(field, 1, wrap=False).windows(np.array([[0, 0]]))
    assert bounded[1, :, 0].tolist() == [-1.0, -1.0, -1.0]


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    rng = np.random.default_rng(1)
    windows = (rng.normal(size=(200, 18)) * np.arange(1, 19)).astype(np.float32)
    found = Components.of(windows.reshape(200, 2, 3, 3), 2)
    _, _, expected = np.linalg.svd(windows - windows.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.axes @ expected[:2].T), np.eye(2), atol=1e-3)
    whole = Components.of(windows.reshape(200, 2, 3, 3), 18)
    back = whole.decode(whole.encode(windows.reshape(200, 2, 3, 3)))
    np.testing.assert_allclose(back.reshape(200, 18), windows, atol=1e-3)


@pytest.mark.parametrize("encoder", ["linear", "convolution"])
def test_codes_tell_windows_apart(world: xr.Dataset, encoder: Any) -> None:
    if encoder == "convolution":
        pytest.importorskip("torch", reason="PyTorch is not installed (extra nn)")
    few, more = (fit_surroundings(world, encoder=encoder, code=n, epochs=30) for n in (1, 6))
    assert 0.05 < few.explained < more.explained < 1.0
    land = np.isfinite(world["TA"].values[0])
    assert np.isfinite(more.codes[:, land]).all()
    assert np.abs(more.codes[:, land].std(axis=1) - 1.0).max() < 1e-3
    again = fit_surroundings(world, encoder=encoder, code=6, epochs=30)
    np.testing.assert_array_equal(again.codes, more.codes)


def test_the_draws_of_pytorch_are_left_alone(world: xr.Dataset) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra nn)")
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    fit_surroundings(world, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_another_climate_with_the_same_neighbours_has_the_same_code(world: xr.Dataset) -> None:
    warmer = world.assign(TA=(world["TA"] + 5.0).assign_attrs(world["TA"].attrs))
    np.testing.assert_allclose(linear(warmer).codes, linear(world).codes, atol=1e-3)


def test_the_globe_is_round(world: xr.Dataset) -> None:
    """Where the map is cut makes no difference."""
    rolled = world.roll(lon=7, roll_coords=False)
    expected = np.roll(linear(world).codes, 7, axis=2)
    np.testing.assert_allclose(linear(rolled).codes, expected, atol=1e-3)
    turned = linear(world)
    np.testing.assert_array_equal(turned.at([5.0], [179.9]), turned.at([5.0], [-180.1]))


def test_a_coast_goes_on_beyond_the_edge_of_the_map(world: xr.Dataset) -> None:
    """Sea in the first column has the code of land in the last one."""
    sea = world.where(~((world.lon < -160.0) & (abs(world.lat) < 40.0)))
    cut, whole = (linear(part).codes for part in (sea, sea.roll(lon=7, roll_coords=False)))
    np.testing.assert_array_equal(np.isfinite(np.roll(cut, 7, axis=2)), np.isfinite(whole))
    assert np.isfinite(cut[:, 9, 0]).all()
    regional = linear(sea.isel(lon=slice(0, 30))).codes
    assert np.isnan(regional[:, 9, 0]).all()


def test_places_have_the_code_of_their_cell(world: xr.Dataset) -> None:
    around = linear(world)
    found = around.at([-84.0, 5.0, 5.0, 95.0, np.nan], [-171.0, -96.0, 97.0, 5.0, 5.0])
    np.testing.assert_array_equal(found[:, 0], around.codes[:, 0, 0])
    np.testing.assert_array_equal(found[:, 1], around.codes[:, 9, 8])
    # beyond the pole, and nowhere; the coast has the code of the land beside it, the sea none
    assert np.isnan(found[:, 3:]).all()
    assert np.isfinite(around.at([-45.0], [80.0])).all()
    assert np.isnan(around.at([-25.0], [105.0])).all()


def test_axes_in_single_precision_are_as_good() -> None:
    """A step of a tenth of a degree is rounded, and 3600 of them are not off by a cell."""
    lat, lon = (
        (np.arange(count) * 0.1 + first).astype(np.float32)
        for count, first in ((3, 0.05), (3600, -179.95))
    )
    cells = np.arange(3 * 3600.0).reshape(1, 3, 3600)
    around = Surroundings(lat.astype(float), lon.astype(float), cells, 0.5)
    column = around.at(np.full(3600, 0.05), -179.91 + 0.1 * np.arange(3600))
    np.testing.assert_array_equal(column[0], np.arange(3600.0))


def test_a_gap_of_one_cell_is_no_globe() -> None:
    lon = -179.95 + 0.1 * np.arange(3599)
    around = Surroundings(np.array([0.0, 0.1]), lon, np.zeros((1, 2, 3599)), 0.5)
    assert np.isnan(around.at([0.0], [179.95])).all()


def test_years_of_months_are_their_mean_year(world: xr.Dataset) -> None:
    months = xr.date_range("2003-01", periods=24, freq="MS")
    twice = world.isel(month=np.tile(np.arange(12), 2)).rename(month="time")
    np.testing.assert_allclose(
        linear(twice.assign_coords(time=months)).codes, linear(world).codes, atol=1e-4
    )


def test_order_of_latitudes_makes_no_difference(world: xr.Dataset) -> None:
    upside_down = linear(world.isel(lat=slice(None, None, -1)))
    np.testing.assert_array_equal(upside_down.codes, linear(world).codes)


QUICK = RefineOptions(members=2, trees=10, depth=3, min_weight=2.0)


def test_a_refiner_keeps_its_surroundings(
    towers: xr.Dataset,
    world: xr.Dataset,
    as_grid: Callable[[xr.Dataset], xr.Dataset],
    tmp_path: Path,
) -> None:
    around = linear(world)
    refiner = refine(towers, options=QUICK, surroundings=around)
    plain = refine(towers, options=QUICK)
    assert refiner.spec.names == (*plain.spec.names, *around.names)
    saved = refiner.save(tmp_path / "refiner")
    loaded = Refiner.load(saved)
    xr.testing.assert_identical(loaded.predict(towers), refiner.predict(towers))
    assert not refiner.predict(towers).equals(plain.predict(towers))
    grid = as_grid(towers)
    whole = refiner.predict(grid)
    cells = whole["GPP"].transpose("member", "lat", "lon", "time").values
    sites = refiner.predict(towers)["GPP"].transpose("member", "site", "time").values
    np.testing.assert_allclose(cells.reshape(sites.shape), sites, rtol=1e-5, atol=1e-6)
    store = open_store(upscale(loaded, grid, tmp_path / "fluxes.zarr", UpscaleOptions(rows=1)))
    np.testing.assert_allclose(store["GPP"].values, whole["GPP"].values, rtol=2e-4, atol=1e-6)
    assert refiner.validate("tower", folds=2, members=1)["r2"].notnull().all()
    assert loaded.validate("tower", towers=towers, folds=2, members=1)["r2"].notnull().all()
    (saved / "surroundings.npz").unlink()
    with pytest.raises(DataFileError, match="path: expected a whole refiner"):
        Refiner.load(saved)


def test_what_depends_on_the_surroundings_is_learned(towers: xr.Dataset, world: xr.Dataset) -> None:
    """GPP that follows the code alone is told at towers that were not learned from."""
    around = linear(world)
    code = around.at(towers["lat"].values, towers["lon"].values)[0]
    gpp = xr.zeros_like(towers["GPP"]) + xr.DataArray(5.0 + 2.0 * code, dims="site")
    towers["GPP"] = gpp.assign_attrs(towers["GPP"].attrs)
    error = {}
    for name, given in (("with", around), ("without", None)):
        options = replace(QUICK, target="direct", feature_fraction=1.0, trees=60)
        found = refine(towers, options=options, surroundings=given).predict(towers)["GPP"]
        error[name] = float(np.sqrt(((found.mean("member") - gpp) ** 2).mean()))
    column = table_for(towers, QUICK, around).predictors[:, -3]
    np.testing.assert_array_equal(np.unique(column), np.unique(code))
    assert error["with"] < error["without"]


@pytest.mark.parametrize("damage", ["half", "another"])
def test_damage_is_told(towers: xr.Dataset, world: xr.Dataset, tmp_path: Path, damage: str) -> None:
    saved = refine(towers, options=QUICK, surroundings=linear(world)).save(tmp_path / "refiner")
    path = saved / "surroundings.npz"
    if damage == "half":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        np.savez(path, lat=np.arange(3.0), lon=np.arange(3.0), codes=np.zeros(3), explained=0.1)
    with pytest.raises(DataFileError, match="path: expected a whole refiner"):
        Refiner.load(saved)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda w: w.isel(lat=0), DimensionError, "drivers"),
        (lambda w: w.isel(lat=[0, 1, 5]), GridError, r"drivers.lat: expected two or more evenly"),
        (lambda w: w.isel(lon=[0]), GridError, r"drivers.lon"),
        (lambda w: w.where(False), SampleError, "drivers.TA: expected land"),
    ],
)
def test_maps_that_tell_nothing(
    world: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset], error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        linear(spoil(world))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "fourier"}, "encoder: expected one of"),
        ({"reach": 0}, "reach: expected at least 1"),
        ({"code": 0}, "code: expected at least 1"),
        ({"seed": -1}, "seed"),
    ],
)
def test_options_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SurroundingsOptions(**change)


def test_without_torch_the_extra_is_named(
    world: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(backend, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[nn\]"):
        fit_surroundings(world)
    assert linear(world).explained > 0.0
