"""Towers with the drivers of a grid, and both kinds beside each other."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from uflux_stats.config import build_config
from uflux_stats.errors import CalendarError, GridError
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.stages.data import MEASURED, with_grid_drivers
from uflux_stats.pipeline.stages.tower_drivers import on_common_rows

TIME = xr.date_range("2001-01", periods=12, freq="MS")


@pytest.fixture
def towers() -> xr.Dataset:
    axes = {"site": ["A", "B"], "time": TIME}
    measured = xr.DataArray(10.0, axes, dims=list(axes))
    places = {"lat": ("site", [10.0, 50.0]), "lon": ("site", [10.0, 50.0])}
    data = xr.Dataset({"TA": measured, "PA": measured * 10}, attrs={"dropped": "[]"})
    return data.assign_coords(places)


def grid(time=TIME, lat=(9.0, 11.0), lon=(9.0, 11.0), dim="time") -> xr.Dataset:
    axes = {dim: time, "lat": list(lat), "lon": list(lon)}
    months = np.arange(1.0, len(time) + 1)[:, None, None]
    warmth = xr.DataArray(np.broadcast_to(months, (len(time), 2, 2)), axes, dims=list(axes))
    return xr.Dataset({"TA": warmth})


def test_drivers_of_the_grid_replace_the_measured(towers: xr.Dataset) -> None:
    both = with_grid_drivers(towers, grid())
    assert both["TA"].sel(site="A").values.tolist() == list(range(1, 13))
    assert both["TA"].sel(site="B").isnull().all()
    assert (both["PA"] == 100.0).all()
    assert both.attrs["from_grid"] == "TA"
    assert "no cell with data within reach" in both.attrs["dropped"]


def test_a_climatology_serves_every_year(towers: xr.Dataset) -> None:
    longer = xr.date_range("2001-01", periods=30, freq="MS")
    both = with_grid_drivers(towers.reindex(time=longer), grid(range(1, 13), dim="month"))
    assert both["TA"].sel(site="A").values.tolist() == [i % 12 + 1 for i in range(30)]


def test_a_grid_that_misses_all_towers(towers: xr.Dataset) -> None:
    with pytest.raises(GridError, match="got none at 2 towers from a grid of -40 to -38 north"):
        with_grid_drivers(towers, grid(lat=(-40.0, -38.0)).assign(CO2=("time", np.full(12, 400.0))))


def test_a_grid_of_other_years(towers: xr.Dataset) -> None:
    other = grid(xr.date_range("2010-01", periods=12, freq="MS"))
    with pytest.raises(CalendarError, match="2001-01 to 2001-12, got 2010-01 to 2010-12"):
        with_grid_drivers(towers, other)


def test_kinds_are_scored_where_all_have_the_flux() -> None:
    axes = {"source": ["observed", "refined"], "site": ["A", "B"], "time": TIME}
    whole = xr.Dataset({flux: (list(axes), np.ones((2, 2, 12))) for flux in
                        ("GPP", "RECO", "NEE", "LE")}, axes)  # fmt: skip
    part = whole.isel(site=[0]).where(TIME.month > 3)
    both = on_common_rows({"measured": whole, "grid": part})
    assert both["GPP"].notnull().sum(("site", "time")).values.tolist() == [[9, 9], [9, 9]]


@pytest.mark.parametrize(
    ("given", "stages"),
    [
        ({"validation.both_drivers": True}, ["meteorology", "skill by drivers"]),
        ({"input.tower_drivers": "grid"}, ["meteorology"]),
        ({}, ["meteorology"]),
    ],
)
def test_which_stages_a_run_has(tmp_path: Path, given, stages) -> None:
    planned = plan(build_config({}, {"output.out": str(tmp_path), **given}))
    names = {stage.name: stage for stage in planned}
    assert [name for name in names if name in {"meteorology", "skill by drivers"}] == stages
    assert (MEASURED in names["towers"].outputs) is (given.get("input.tower_drivers") == "grid")
    assert (MEASURED in names["meteorology"].needs) is (MEASURED in names["towers"].outputs)


def test_on_data_both_skills_are_the_default(tmp_path: Path) -> None:
    folder, file = tmp_path / "towers", tmp_path / "d.nc"
    folder.mkdir()
    file.touch()
    given = {"input.towers": str(folder), "input.drivers": [str(file)]}
    names = {stage.name for stage in plan(build_config({}, given))}
    assert {"meteorology", "skill by drivers"} <= names
    alone = plan(build_config({}, {"input.towers": str(folder)}))
    assert not {"meteorology", "skill by drivers"} & {stage.name for stage in alone}
