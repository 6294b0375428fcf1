"""Respiration conditioned on other drivers: effects, their fit, and the baseline they make."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.baselines import (
    ClassParameters,
    DriverEffect,
    ParameterTable,
    baseline,
    fit_conditioned_respiration,
)
from uflux_stats.baselines.conditioned_fitting import (
    sensitivity_of_slope,
    temperature_covariate,
)
from uflux_stats.baselines.conditions import inputs_of, measure_effect, multiplier, transformed
from uflux_stats.baselines.respiration import temperature_response
from uflux_stats.errors import (
    ConfigError,
    DimensionError,
    MissingVariableError,
    RangeError,
    UnitsError,
)
from uflux_stats.schema import variable

TRUTH = {1: (2.0, 1.6), 4: (3.0, 2.2)}


def towers(sites: int = 20, months: int = 120, seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    shape = (sites, months)
    igbp = np.where(np.arange(sites) % 2, 1, 4)
    fields = {"TA": rng.normal(10, 8, shape), "VPD": rng.uniform(0, 20, shape),
              "FAPAR": rng.uniform(0, 1, shape), "SWIN": rng.uniform(20, 300, shape)}  # fmt: skip
    data = xr.Dataset(
        {name: (("site", "time"), values, variable(name).attrs) for name, values in fields.items()}
    )
    data["IGBP"] = ("site", igbp, variable("IGBP").attrs)
    rate, q10 = (np.array([TRUTH[code][which] for code in igbp])[:, None] for which in (0, 1))
    light = np.sqrt(fields["FAPAR"] * fields["SWIN"])
    log_effect = 0.3 * (light - light.mean()) / light.std()
    reco = rate * q10 ** ((fields["TA"] - 10) / 10) * np.exp(log_effect)
    data["RECO"] = (("site", "time"), reco + rng.normal(0, 0.1, shape), variable("RECO").attrs)
    return data


def test_truth_is_recovered() -> None:
    table = fit_conditioned_respiration(towers(), effects=("APAR", "VPD"))
    for name, code in (("ENF", 1), ("DBF", 4)):
        rate, q10 = TRUTH[code]
        assert table.classes[name].rate == pytest.approx(rate, rel=0.05)
        assert table.classes[name].sensitivity == pytest.approx(q10, rel=0.05)
        assert table.classes[name].n_sites == 10
    light, dryness = table.effects
    assert light.coefficient == pytest.approx(0.3, abs=0.03)
    assert dryness.coefficient == pytest.approx(0.0, abs=0.03)


def test_lloyd_taylor_is_recovered() -> None:
    data = towers()
    reco = 2.0 * temperature_response(data.TA.values, 180.0, "lloyd_taylor")
    data["RECO"] = (("site", "time"), reco, variable("RECO").attrs)
    table = fit_conditioned_respiration(data, form="lloyd_taylor", effects=())
    assert table.fallback.rate == pytest.approx(2.0, rel=0.1)
    assert table.classes["ENF"].sensitivity == pytest.approx(180.0, rel=0.1)


def test_identities_at_the_reference() -> None:
    for form in ("q10", "lloyd_taylor"):
        assert temperature_covariate(np.array([10.0]), form)[0] == pytest.approx(0.0)
        slope = 1.3
        by_slope = np.exp(slope * temperature_covariate(np.array([20.0]), form))
        sensitivity = float(sensitivity_of_slope(slope, form))
        assert by_slope[0] == pytest.approx(temperature_response(20.0, sensitivity, form))
    frozen = temperature_covariate(np.array([-60.0]), "lloyd_taylor")
    assert frozen[0] == -np.inf


def test_multiplier_is_one_at_average_conditions_and_held_beyond_the_towers() -> None:
    effect = DriverEffect("VPD", -0.5, mean=5.0, scale=10.0, low=0.0, high=15.0)
    vpd = xr.DataArray([5.0, 15.0, 50.0, np.nan], dims="site", attrs={"units": "hPa"})
    found = multiplier(xr.Dataset({"VPD": vpd}), [effect])
    assert found.values == pytest.approx([1.0, np.exp(-0.5), np.exp(-0.5), np.nan], nan_ok=True)
    assert multiplier(xr.Dataset(), []).item() == 1.0


def test_baseline_uses_the_effects(cube: xr.Dataset) -> None:
    plain = ParameterTable("q10", ClassParameters(2.0, 1.5))
    effect = DriverEffect("APAR", 0.4, 5.0, 3.0)
    conditioned = ParameterTable("q10", ClassParameters(2.0, 1.5), effects=(effect,))
    light = np.sqrt(cube.FAPAR * cube.SWIN)
    expected = baseline(cube, plain).RECO * np.exp(0.4 * (light - 5.0) / 3.0)
    found = baseline(cube, conditioned).RECO
    np.testing.assert_allclose(found, expected)
    lazy = baseline(cube.chunk(time=6), conditioned).RECO
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), found)
    rain = ParameterTable("q10", ClassParameters(2.0, 1.5), effects=(DriverEffect("P", 0.1, 0, 1),))
    with pytest.raises(MissingVariableError, match="'P'"):
        baseline(cube, rain)


def test_mean_climate_is_that_of_the_mean_year() -> None:
    """January of two years counts as much as the one February."""
    time = xr.date_range("2003-01", periods=14, freq="MS").delete(1)
    vpd = xr.DataArray(
        [[*np.arange(12.0), 99.0]], {"time": time}, ("site", "time"), attrs={"units": "hPa"}
    )
    found = transformed(xr.Dataset({"VPD": vpd}), "VPD_mean")
    january, february = 0.0, 99.0
    by_hand = (np.mean([january, 11.0]) + february + np.arange(1.0, 11.0).sum()) / 12
    assert found.dims == vpd.dims
    assert found.values == pytest.approx(by_hand)
    year = vpd.isel(time=slice(0, 12)).assign_coords(time=np.arange(1, 13)).rename(time="month")
    assert transformed(xr.Dataset({"VPD": year}), "VPD_mean").values == pytest.approx(5.5)
    with pytest.raises(DimensionError, match="expected a dimension time or month"):
        transformed(xr.Dataset({"VPD": vpd.isel(time=0)}), "VPD_mean")


def test_mean_climate_tells_between_from_within() -> None:
    """Months respond to VPD one way, places the other; one effect alone sees neither."""
    data = towers(sites=40, months=24, seed=1)
    place = np.linspace(0.0, 10.0, 40)[:, None]
    vpd = place + data.VPD.values / 2.0
    reco = 2.0 * np.exp(-0.04 * (vpd - place) + 0.06 * place)
    data = data.assign_coords(time=xr.date_range("2003-01", periods=24, freq="MS")).assign(
        VPD=(("site", "time"), vpd, variable("VPD").attrs),
        RECO=(("site", "time"), reco, variable("RECO").attrs),
    )
    table = fit_conditioned_respiration(data, effects=("VPD", "VPD_mean"))
    within, between = (effect.coefficient / effect.scale for effect in table.effects)
    assert within == pytest.approx(-0.04, abs=0.01)
    assert within + between == pytest.approx(0.06, abs=0.01)


def test_json_keeps_the_effects() -> None:
    table = fit_conditioned_respiration(towers(sites=6, months=12), effects=("APAR",))
    assert ParameterTable.from_json(table.to_json()) == table


def test_classes_without_sites_take_all_others() -> None:
    table = fit_conditioned_respiration(towers(), effects=())
    code = xr.DataArray([12.0], dims="site")
    assert table.rate(code).item() == table.fallback.rate


def test_open_shrubland_stands_in_for_bare_ground() -> None:
    data = towers()
    data["IGBP"] = data.IGBP.where(data.IGBP != 4, 7).assign_attrs(data.IGBP.attrs)
    table = fit_conditioned_respiration(data, effects=())
    assert table.classes["BSV"].rate == table.classes["OSH"].rate
    assert table.classes["BSV"].n_sites == 0


def test_bad_input_is_named() -> None:
    data = towers(sites=4, months=12)
    with pytest.raises(ConfigError, match="form: expected one of"):
        fit_conditioned_respiration(data, form="linear")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="effects: expected different names"):
        fit_conditioned_respiration(data, effects=("NDVI",))
    with pytest.raises(MissingVariableError, match="'P'"):
        fit_conditioned_respiration(data, effects=("P",))
    wrong = data.assign(VPD=data.VPD.assign_attrs(units="Pa"))
    with pytest.raises(UnitsError, match=r"towers.VPD"):
        fit_conditioned_respiration(wrong, effects=("VPD",))
    hot = data.assign(TA=(data.TA + 273.15).assign_attrs(units="degC"))
    with pytest.raises(RangeError, match="TA"):
        fit_conditioned_respiration(hot, effects=())
    empty = data.assign(RECO=(data.RECO * np.nan).assign_attrs(data.RECO.attrs))
    with pytest.raises(MissingVariableError, match="expected months with RECO"):
        fit_conditioned_respiration(empty)
    with pytest.raises(ConfigError, match="that vary, got VPD"):
        measure_effect(np.full(5, 2.0), "VPD")
    with pytest.raises(ConfigError, match="a scale above 0"):
        DriverEffect("VPD", 1.0, 0.0, 0.0)
    assert inputs_of(()) == ()
    with pytest.raises(MissingVariableError, match="GPP"):
        transformed(data, "GPP")
