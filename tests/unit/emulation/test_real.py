"""The sample of real vegetation models: read whole, learned well, closed."""

import time

import pytest

from uflux_stats.emulation import emulate
from uflux_stats.emulation.options import LEARNER, EmulateOptions
from uflux_stats.emulation.validation import cross_emulate, emulation_metrics
from uflux_stats.io.dgvm import check_dgvms, read_dgvm
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.io.drivers import date_climatology, read_drivers
from uflux_stats.stats.conservation import conservation
from uflux_stats.stats.totals import total

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drivers(real_data):
    return date_climatology(read_drivers(real_data / "climatology_0p5.nc"))


@pytest.fixture(scope="module")
def dgvms(real_data):
    return read_dgvm(real_data / "trendy_v11")


def test_sixteen_models_in_a_minute(real_data):
    start = time.perf_counter()
    read = read_dgvm(real_data / "trendy_v11")
    assert time.perf_counter() - start < 60
    assert read.sizes["model"] == 16
    assert read["NPP"].sel(period="FINAL").notnull().any(("lat", "lon")).all()
    left_out = fault_table(read)
    left_out = left_out[left_out["what"].str.startswith("left out")]
    assert set(left_out["model"]) == {"ISAM"}
    assert set(left_out["variable"]) == {"cLeaf"}


def test_totals_and_flags(dgvms, drivers):
    table = check_dgvms(dgvms, drivers["LANDFRAC"]).set_index("model")
    assert table["GPP"].between(110, 158).all()
    assert table["cVeg"].between(440, 920).all()
    for model in ("CLM5.0", "ISAM"):
        assert "deep soil carbon" in table.loc[model, "flags"]


@pytest.mark.parametrize(
    ("split", "folds", "least"),
    [
        ("random", 1, {"cLeaf": 0.89, "cWood": 0.93, "cVeg": 0.95, "cSoil": 0.95}),
        ("blocks", 5, {"cVeg": 0.92, "cSoil": 0.90}),
    ],
)
def test_skill_of_products(dgvms, drivers, split, folds, least):
    found = cross_emulate(dgvms, drivers, split=split, folds=folds)
    r2 = emulation_metrics(found)["r2"].sel(member="mean")
    for name, wanted in least.items():
        assert r2.sel(variable=name).item() >= wanted


def test_climatological_year_closes(dgvms, drivers):
    baseline = dgvms["GPP"].sel(period="FINAL").mean("model").clip(0)
    gpp = baseline.expand_dims(time=drivers["time"]).fillna(0.0)
    warm = (drivers["TA"] > 0) * 1.5 + 0.2
    fluxes = gpp.to_dataset(name="GPP").assign(RECO=0.6 * gpp * warm)
    for name in fluxes:
        fluxes[name].attrs = {"units": "gC m-2 d-1"}
    few = EmulateOptions(models=("CLASSIC", "JULES", "VISIT", "LPX-Bern"), learner=LEARNER)
    carbon = emulate(dgvms, drivers, fluxes, options=few)
    table = conservation(carbon[["GPP", "RECO", "NEP", "NPP", "Ra", "Rh"]]).to_frame()
    assert table["max_relative"].max() <= 1e-6
    assert carbon.attrs["not_available"] == "cLitter"
    assert ((total(carbon["cVeg"]) > 300) & (total(carbon["cVeg"]) < 1100)).all()
