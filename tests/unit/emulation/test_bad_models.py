"""Vegetation models at fault: counted and said, and the budget of every member still closes."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.emulation.conftest import QUICK
from uflux_stats.emulation import emulate, train_emulator
from uflux_stats.io.dgvm import check_dgvms
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
