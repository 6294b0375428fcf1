"""The stage of long records, and the shares of regions in the variability of the globe."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.config import build_config
from uflux_stats.io.store import write_netcdf
from uflux_stats.pipeline.plan import plan
from uflux_stats.pipeline.stage import perform
from uflux_stats.pipeline.stages.gridding import PARTS, regional_totals, share_numbers


def towers() -> xr.Dataset:
    """Three towers of twelve years: GPP rises at one, falls at one; RECO does neither."""
    random = np.random.default_rng(0)
    time = xr.date_range("2001-01", periods=144, freq="MS")
    slope = np.array([0.2, -0.2, 0.0])[:, None]
    names = {"GPP": slope, "RECO": 0 * slope}
    axes = {"site": ["A", "B", "C"], "time": time}
    data = {
        name: xr.DataArray(
            5 + line * np.arange(144) / 12 + 0.2 * random.normal(size=(3, 144)),
            axes, ("site", "time"), attrs={"units": "gC m-2 d-1"},
        )
        for name, line in names.items()
    }  # fmt: skip
    return xr.Dataset(data).assign(IGBP=("site", [1.0, 1.0, 10.0]))


def test_trends_at_long_towers_are_counted(tmp_path: Path) -> None:
    write_netcdf(towers(), tmp_path / "towers.nc", title="towers")
    stages = {stage.name: stage for stage in plan(build_config({}, {"output.out": str(tmp_path)}))}
    numbers = perform(stages["long records"], tmp_path, "mark")
    assert numbers["trend.towers.GPP.rising"].value == 1
    assert numbers["trend.towers.GPP.falling"].value == 1
    assert numbers["trend.towers.RECO.rising"].value == 0
    assert numbers["trend.towers.GPP"].n == 3
    assert numbers["trend.towers.GPP"].units == "gC m-2 d-1 yr-1"
    table = pd.read_csv(tmp_path / "tables/tower_trends.csv")
    assert sorted(table["site"]) == sorted("ABC" * 2)
    assert set(table["slope_units"]) == {"gC m-2 d-1 yr-1"}
    by_type = pd.read_csv(tmp_path / "tables/tower_trends_by_type.csv")
    assert by_type["towers"].sum() == 6
    assert set(by_type["slope_units"]) == {"gC m-2 d-1 yr-1"}


def test_shares_of_the_variability_sum_to_one_by_kind() -> None:
    random = np.random.default_rng(0)
    lat, lon = np.arange(-75.0, 90.0, 15.0), np.arange(-172.5, 180.0, 15.0)
    axes = {
        "member": [0, 1],
        "time": xr.date_range("2001-01", periods=60, freq="MS"),
        "lat": lat,
        "lon": lon,
    }
    values = random.random([len(axis) for axis in axes.values()])
    flux = xr.DataArray(values, axes, tuple(axes), attrs={"units": "gC m-2 d-1"})
    cell = ("lat", "lon")
    flux = flux.assign_coords(
        land_area=(cell, np.full((len(lat), len(lon)), 1e12), {"units": "m2"}),
        IGBP=(cell, random.integers(1, 17, (len(lat), len(lon)))),
    )
    summed = regional_totals(xr.Dataset({"GPP": flux}), "geographic")
    numbers = dict(share_numbers(summed))
    kinds = summed["region_kind"].to_series()
    for kind in PARTS:
        regions = kinds.index[kinds == kind]
        shares = [numbers[f"iav_share.{region}.GPP"].value for region in regions
                  if f"iav_share.{region}.GPP" in numbers]  # fmt: skip
        assert sum(shares) == pytest.approx(1.0)
    assert "iav_share.global.GPP" not in numbers
    assert dict(share_numbers(summed.isel(year=slice(0, 3)))) == {}
