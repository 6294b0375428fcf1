"""Validation without looking: four splits, metrics and their numbers."""

import numpy as np
import pytest
import xarray as xr

from tests.unit.emulation.conftest import QUICK
from uflux_stats.emulation.emulator import train_emulator
from uflux_stats.emulation.parameters import BY_NAME, from_scale, parameter_value, to_scale
from uflux_stats.emulation.seasons import cross_emulate_months, seasonal_skill
from uflux_stats.emulation.validation import cross_emulate, emulation_metrics
from uflux_stats.errors import CalendarError, ConfigError, MissingVariableError


@pytest.mark.parametrize("split", ["random", "blocks", "time"])
def test_splits_of_cells_and_years(dgvms, drivers, split):
    found = cross_emulate(dgvms, drivers, split=split, folds=2, options=QUICK)
    assert found["member"].values.tolist() == ["mean", "p25", "p75"]
    metrics = emulation_metrics(found)
    assert metrics["r2"].sel(member="mean", variable="NPP").item() > 0.8
    assert metrics["r2"].sel(member="mean", variable="cVeg").item() > 0.3
    assert int(metrics["n"].sel(member="p25", variable="CUE")) > 50


def test_leaving_a_model_out(dgvms, drivers):
    few = dgvms.isel(model=slice(4))
    found = cross_emulate(few, drivers, split="model", options=QUICK)
    assert found["member"].values.tolist() == few["model"].values.tolist()
    assert found["cLeaf"].sel(member="TWIN-DATE").isnull().all()
    by_class = emulation_metrics(found[["NPP"]], by="latitude")
    assert "region" in by_class.dims


def test_one_fold_holds_out_three_tenths(dgvms, drivers):
    found = cross_emulate(dgvms, drivers, split="random", folds=1, options=QUICK)
    whole = dgvms["GPP"].isel(model=0, time=0).notnull().sum().item()
    held = found["NPP"].sel(source="emulated", member="mean").notnull().sum().item()
    assert 0.2 * whole < held < 0.31 * whole


def test_splits_that_cannot_be_meant(dgvms, drivers):
    with pytest.raises(ConfigError, match="split: expected one of"):
        cross_emulate(dgvms, drivers, split="tower", options=QUICK)
    with pytest.raises(ConfigError, match="three or more models"):
        cross_emulate(dgvms.isel(model=[0, 1]), drivers, split="model", options=QUICK)
    band = {"lat": slice(9, 11)}
    one_year = dgvms.isel(time=slice(12), year=[0]).isel(band)
    with pytest.raises(MissingVariableError, match="too few to learn from"):
        cross_emulate(one_year, drivers.isel(band), split="random", folds=1, options=QUICK)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_scales_are_bounded_and_invertible(name):
    parameter = BY_NAME[name]
    values = np.linspace(parameter.low, parameter.high, 9)[1:-1]
    np.testing.assert_allclose(from_scale(to_scale(values, parameter), parameter), values)
    wild = from_scale(np.array([-1e6, 1e6]), parameter)
    assert parameter.low <= wild.min()
    assert wild.max() <= parameter.high


def test_parameters_say_what_is_missing():
    with pytest.raises(MissingVariableError, match="for CUE, got no"):
        parameter_value(xr.Dataset({"GPP": ("cell", [1.0])}), BY_NAME["CUE"])
    zero = xr.Dataset({"NPP": ("cell", [1.0]), "GPP": ("cell", [0.0])})
    assert np.isnan(parameter_value(zero, BY_NAME["CUE"])).all()


def test_seasons_of_monthly_parameters(dgvms, drivers):
    found = cross_emulate_months(dgvms, drivers, folds=2, options=QUICK)
    skill = seasonal_skill(found)
    assert skill["season"].values.tolist() == ["DJF", "MAM", "JJA", "SON"]
    assert (skill["r2"].sel(variable="CUE") > 0.5).all()
    # carbon is divided, not made: what is given comes out again
    both = found["NPP"] + found["Ra"]
    np.testing.assert_allclose(
        both.sel(source="emulated"), both.sel(source="observed"), rtol=1e-4, atol=1e-5
    )
    yearly = dgvms[["cVeg"]].assign(GPP=dgvms["GPP"].isel(time=slice(12)).mean("time"))
    yearly = yearly.assign(NPP=0.5 * yearly["GPP"])
    for name in ("GPP", "NPP"):
        yearly[name].attrs = {"units": "gC m-2 d-1"}
    with pytest.raises(CalendarError, match="expected monthly fluxes"):
        cross_emulate_months(yearly.mean("year", keep_attrs=True), drivers, options=QUICK)


def test_models_with_fewer_years_than_the_drivers(dgvms, drivers):
    late = dgvms.isel(model=slice(2)).sel(time=slice("2005", None), year=slice(2005, None))
    emulator = train_emulator(late, drivers, options=QUICK)
    assert emulator.monthly
    early = dgvms.isel(model=slice(2)).sel(time=slice("2003", "2003"), year=slice(2003, 2003))
    no_common = drivers.sel(time=slice("2005", None))
    assert not train_emulator(early, no_common, options=QUICK).monthly
