"""Skill place by place: what is scored over months, and over the cells of a block."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.emulation.skill_maps import skill_over_blocks, skill_over_months
from uflux_stats.stats.metrics import score


@pytest.fixture
def cells() -> xr.Dataset:
    """A grid of 2 degrees: 25 cells in a block of 10; the northern blocks are noise."""
    rng = np.random.default_rng(3)
    axes = {"lat": np.arange(-9.0, 10, 2), "lon": np.arange(-19.0, 20, 2)}
    observed = rng.normal(5.0, 1.0, (10, 20))
    emulated = observed + rng.normal(0.0, 0.1, observed.shape)
    emulated[5:] = rng.normal(5.0, 1.0, emulated[5:].shape)
    coords = {"source": ["observed", "emulated"], **axes}
    return xr.Dataset({"NPP": (tuple(coords), np.stack([observed, emulated]))}, coords)


def test_a_block_is_scored_as_its_cells_are_alone(cells: xr.Dataset) -> None:
    found = skill_over_blocks(cells).NPP
    block = cells.NPP.isel(lat=slice(0, 5), lon=slice(5, 10))
    alone = score(*(block.sel(source=name, drop=True) for name in ("observed", "emulated")))
    inside = found.isel(lat=slice(0, 5), lon=slice(5, 10))
    np.testing.assert_allclose(inside.sel(metric="r2"), alone.r2)
    np.testing.assert_allclose(inside.sel(metric="nrmse"), alone.nrmse_mean)
    assert (found.sel(metric="r2", lat=slice(0, 10)) < 0.3).all()
    assert (found.sel(metric="r2", lat=slice(-10, 0)) > 0.9).all()


def test_blocks_are_those_that_were_held_out() -> None:
    """A grid of 1 degree that begins inside a block: scores change at multiples of ten."""
    rng = np.random.default_rng(5)
    axes = {
        "source": ["observed", "emulated"],
        "lat": 34.5 + np.arange(12.0),
        "lon": [0.5, 1.5, 2.5, 3.5],
    }
    cells = xr.Dataset({"NPP": (tuple(axes), rng.normal(5.0, 1.0, (2, 12, 4)))}, axes)
    found = skill_over_blocks(cells).NPP.sel(metric="r2")
    assert len(np.unique(found.sel(lat=slice(34, 40)))) == 1
    assert len(np.unique(found)) == 2
    one = skill_over_blocks(cells.isel(lat=[0], lon=[0]))
    assert one.NPP.isnull().all()


def test_blocks_with_few_cells_and_cells_without_a_pair_have_none(cells: xr.Dataset) -> None:
    few = cells.where(~((cells.lat < -2) & (cells.lon < -10)))
    found = skill_over_blocks(few).NPP.sel(metric="r2")
    assert found.sel(lat=slice(-10, 0), lon=slice(-20, -10)).isnull().all()
    lost = cells.where(~((cells.lat == 1.0) & (cells.lon == 1.0)))
    found = skill_over_blocks(lost).NPP.sel(metric="r2")
    assert found.isnull().sum() == 1


def test_a_cell_with_few_months_has_no_skill() -> None:
    time = xr.date_range("2001-01", periods=36, freq="MS")
    rng = np.random.default_rng(0)
    axes = {"source": ["observed", "emulated"], "time": time, "lat": [0.0], "lon": [0.0, 1.0]}
    months = xr.Dataset({"NPP": (tuple(axes), rng.normal(size=(2, 36, 1, 2)))}, axes)
    months["NPP"][:, 20:, :, 1] = np.nan
    found = skill_over_months(months).NPP.sel(metric="r2").isel(lat=0)
    assert found.notnull().values.tolist() == [True, False]
