"""Vegetation models at fault: counted and said, and the budget of every member still closes."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from tests.unit.emulation.conftest import QUICK
from uflux_stats.emulation import emulate, train_emulator
from uflux_stats.emulation.ensemble import land_overlap
from uflux_stats.emulation.models import mean_models
from uflux_stats.io.dgvm import check_dgvms
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.stats.conservation import conservation

DESERT, NARROW, BARE = "TWIN-ALDER", "TWIN-BIRCH", "TWIN-CEDAR"


@pytest.fixture(scope="module")
def faulty(dgvms):
    """GPP of zero with NPP, a grid that ends at 30 N with holes at its coasts, and a lost pool."""
    found = dgvms.isel(model=slice(4)).copy(deep=True)
    model, lat = found["model"], found["lat"]
    changes = {
        "GPP": found["GPP"].where(~((model == DESERT) & (lat < -30)), 0.0),
        "cSoil": found["cSoil"].where(model != BARE),
    }
    found = found.assign({n: v.assign_attrs(dgvms[n].attrs) for n, v in changes.items()})
    coast = found["lon"].astype(int) % 20 != 0
    for name in found.data_vars:
        inside = (model != NARROW) | ((lat < 30) & coast)
        found[name] = found[name].where(inside).assign_attrs(dgvms[name].attrs)
    return found


def test_faults_are_counted_model_by_model(faulty):
    flags = check_dgvms(faulty).set_index("model")["flags"]
    desert = faulty["NPP"].sel(model=DESERT).mean("time")
    cells = int(((faulty["lat"] < -30) & (desert > 1e-3)).sum())
    assert cells > 0
    assert f"NPP above GPP in {cells} cells" in flags[DESERT]
    assert "of land not covered" in flags[NARROW]
    assert "NPP above GPP" not in flags[BARE]


@pytest.fixture
def ten_years(drivers):
    """Ten-year means of two models without Rh; one of them gained more than it grew somewhere."""
    like = drivers["TA"].isel(time=0, drop=True)
    axes = {"model": ["ALPHA", "BETA"], "period": ["INIT", "FINAL"], **like.coords}
    axes = {n: axes[n] for n in ("model", "period", "lat", "lon")}
    shape = tuple(len(axis) for axis in axes.values())
    land, unit = like.notnull(), {"units": "gC m-2 d-1"}
    fluxes = {n: xr.DataArray(np.full(shape, v), axes, tuple(axes), attrs=unit).where(land)
              for n, v in (("GPP", 4.0), ("NPP", 2.0))}  # fmt: skip
    change = xr.full_like(fluxes["GPP"].isel(period=0, drop=True), 100.0).where(land)
    row, column = np.argwhere(land.values)[0]
    change[1, row, column] = 2 * 365.25 + 50
    return xr.Dataset({**fluxes, "cVeg_change": change, "cSoil_change": change * 0})


def test_derived_rh_below_zero_is_counted_by_model_and_told(ten_years, drivers):
    means = mean_models(ten_years, drivers, drivers)
    fault = fault_table(means)
    assert fault[["model", "variable", "n"]].to_numpy().tolist() == [["BETA", "Rh", 1]]
    assert fault["what"].item() == "derived Rh below 0 set to 0"
    assert means["Rh_raised"].max().item() == pytest.approx(50, rel=1e-3)
    assert "change of cVeg and cSoil over the last ten years" in means["NEP"].attrs["comment"]


def test_land_that_models_or_drivers_lack_is_counted(dgvms, drivers):
    land = drivers["TA"].notnull().all("time")
    south = dgvms.assign(GPP=dgvms["GPP"].where(dgvms["lat"] < 30))
    found = land_overlap(south, drivers)
    assert found["cells_without_models"] == int((land & (land["lat"] > 30)).sum()) > 0
    west = drivers.assign(TA=drivers["TA"].where(drivers["lon"] < 0))
    told = dgvms["GPP"].notnull().any(("model", "time"))
    found = land_overlap(dgvms, west)
    assert found["cells_without_drivers"] == int((told & (told["lon"] > 0)).sum()) > 0


def test_the_others_go_on_and_every_member_closes(faulty, drivers, fluxes):
    emulator = train_emulator(faulty, drivers, options=replace(QUICK, rows=100_000))
    table = emulator.coverage().set_index(["member", "parameter"])
    assert table.loc[(BARE, "SOIL_TURNOVER"), "source"] == "mean"
    assert table.loc[(BARE, "VEG_TURNOVER"), "source"] == "own"
    assert table.loc[(NARROW, "CUE"), "rows"] < table.loc[(BARE, "CUE"), "rows"]
    assert table.loc[(DESERT, "CUE"), "rows"] < table.loc[(BARE, "CUE"), "rows"]
    carbon = emulate(emulator, drivers, fluxes)
    assert carbon["member"].values.tolist() == faulty["model"].values.tolist()
    closed = conservation(carbon[["GPP", "RECO", "NEP", "NPP", "Ra", "Rh"]]).to_frame()
    assert closed["max_relative"].max() <= 1e-6
    land = fluxes["GPP"].notnull().all("time")
    for name in ("Ra", "Rh", "cVeg", "cSoil"):
        step = "time" if "time" in carbon[name].dims else "year"
        known = np.isfinite(carbon[name]).all(("member", step))
        assert (known == land).all()
        assert float(carbon[name].min()) >= 0.0
