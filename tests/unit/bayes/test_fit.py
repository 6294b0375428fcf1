"""One small posterior: recovery of the truth, tables, files, comparison, and failures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from tests.unit.bayes.conftest import Q10, RATE, VPD_EFFECT, make_towers
from uflux_stats.baselines import baseline
from uflux_stats.baselines.fluxes import respiration_by_table
from uflux_stats.baselines.respiration import Form
from uflux_stats.bayes.compat import group, load_library
from uflux_stats.bayes.draws import (
    Draws,
    mean_respiration,
    probability_integral,
    residual_correlation,
)
from uflux_stats.bayes.fitted import RespirationFit, fit_respiration
from uflux_stats.bayes.gate import Gate, diagnose, energy_information, require_passed
from uflux_stats.bayes.options import RespirationOptions
from uflux_stats.bayes.results import load_fit, save_fit
from uflux_stats.bayes.rows import model_rows
from uflux_stats.errors import ConfigError, ConvergenceError, DataFileError, MissingVariableError


def mean_at(towers: xr.Dataset, temperature: float, draws: Draws, form: Form) -> np.ndarray:
    """Mean of every draw where all towers stand at one temperature [degC]."""
    even = towers.assign(TA=xr.full_like(towers.TA, temperature))
    rows = model_rows(even, RespirationOptions(level="pooled", form=form))
    return mean_respiration(draws, rows)[:, 0]


def test_rref_and_q10_are_what_they_are_called(towers: xr.Dataset) -> None:
    """mu(Tref) = Rref and mu(T + 10) / mu(T) = Q10, which calibration by simulation cannot see."""
    rate, q10 = np.array([2.0, 3.0]), np.array([1.5, 2.5])
    draws = Draws({"log_rate": np.log(rate), "slope": np.log(q10)})
    assert mean_at(towers, 10.0, draws, "q10") == pytest.approx(rate)
    for temperature in (-12.0, 3.7, 25.0):
        cold, warm = (mean_at(towers, temperature + more, draws, "q10") for more in (0.0, 10.0))
        assert warm / cold == pytest.approx(q10)


def test_e0_is_that_of_lloyd_and_taylor(towers: xr.Dataset) -> None:
    """By hand, with T0 = 227.13 K and the reference 10 degC."""
    draws = Draws({"log_rate": np.log([2.0]), "slope": np.array([3.0856])})
    assert mean_at(towers, 10.0, draws, "lloyd_taylor") == pytest.approx(2.0)
    expected = 2.0 * np.exp(308.56 * (1.0 / 56.02 - 1.0 / (273.15 + 25.0 - 227.13)))
    assert mean_at(towers, 25.0, draws, "lloyd_taylor") == pytest.approx(expected, rel=1e-6)


def test_site_mean_is_its_rate_at_ten_degrees(fit: RespirationFit) -> None:
    draws = fit.draws()
    rows = fit.rows
    # the site means that centre the model come from all rows, the temperature from one
    rate = np.exp(draws.site_log_rate(rows)[:, 0])
    logarithm = draws.values["level_site"][:, 0]
    logarithm = logarithm + draws.values["slope_site"][:, 0] * (
        0.0 - rows.site_mean(rows.warmth)[0]
    ) - draws.along(rows.site_mean(rows.conditions))[:, 0]  # fmt: skip
    assert rate == pytest.approx(np.exp(logarithm))


def test_truth_is_recovered(fit: RespirationFit, towers: xr.Dataset) -> None:
    """Errors stay within what the posterior allows in all but one of a thousand such tests."""
    found, effect = fit.class_parameters(), fit.rows.effects[0]
    pairs = [(np.log(found.Q10.sel(group=name)), np.log(Q10)) for name in fit.rows.groups]
    pairs += [
        (np.log(found.Rref.sel(group=name)), np.log(RATE[code]))
        for name, code in (("ENF", 1), ("DBF", 4), ("GRA", 10))
    ]
    per_deviation = fit.draws().values["coefficient"][:, 0] * float(towers.VPD.std()) / effect.scale
    pairs.append((per_deviation, VPD_EFFECT))
    errors = [abs(float(drawn.mean()) - truth) / float(drawn.std()) for drawn, truth in pairs]
    assert max(errors) < stats.norm.isf(0.001 / (2 * len(errors))), errors
    assert fit.summary().loc["all", "n_sites"] == 12


def test_the_gate_travels_with_the_draws(fit: RespirationFit) -> None:
    assert fit.diagnosis.divergences < 0.02 * len(fit.draws())
    assert fit.diagnosis.rhat < 1.1
    assert group(fit.posterior, "posterior").attrs["gate"] in {"passed", "failed"}
    strict = Gate(ess=1e9)
    failed = diagnose(fit.posterior, strict)
    assert not failed.passed
    with pytest.raises(ConvergenceError, match="draw more"):
        require_passed(failed, strict)


def test_stuck_chains_do_not_pass(fit: RespirationFit) -> None:
    from uflux_stats.bayes.compat import tree_of

    draws, steps = group(fit.posterior, "posterior"), group(fit.posterior, "sample_stats")
    apart = draws + xr.DataArray([0.0, 5.0], dims="chain")
    assert not diagnose(tree_of({"posterior": apart, "sample_stats": steps})).passed
    assert energy_information(xr.DataArray(np.ones((1, 5)), dims=("chain", "draw"))) == 0.0


def test_parameter_table_drives_the_baseline(fit: RespirationFit, towers: xr.Dataset) -> None:
    table = fit.parameter_table()
    assert table.effects[0].name == "VPD"
    typical = fit.parameter_table(of="typical_site")
    assert table.classes["ENF"].rate > typical.classes["ENF"].rate
    assert type(table).from_json(table.to_json()) == table
    more = {"SWIN": 200.0, "RNET": 100.0, "CO2": 400.0, "FAPAR": 0.5, "C4": 0.0, "PA": 100.0}
    from uflux_stats.schema import variable

    complete = towers.assign(
        {name: xr.full_like(towers.TA, value).assign_attrs(variable(name).attrs)
         for name, value in more.items()}
    )  # fmt: skip
    modelled = baseline(complete, typical).RECO
    assert float(np.corrcoef(modelled.values.ravel(), towers.RECO.values.ravel())[0, 1]) > 0.7
    with pytest.raises(ConfigError, match="of: expected one of"):
        fit.parameter_table(of="median")


def test_a_table_keeps_the_temperature_of_its_fit(fit: RespirationFit, towers: xr.Dataset) -> None:
    soil = replace(fit.rows, options=replace(fit.rows.options, temperature="TS"))
    table = replace(fit, rows=soil).parameter_table()
    colder = towers.assign(TS=(towers.TS - 10.0).assign_attrs(units="degC"))
    again = type(table).from_json(table.to_json())
    found = respiration_by_table(colder, again)
    assert (found < respiration_by_table(colder, fit.parameter_table())).all()


def test_months_are_calibrated(fit: RespirationFit) -> None:
    integral = probability_integral(fit.draws(200), fit.rows)
    assert 0.84 < np.mean((integral > 0.05) & (integral < 0.95)) < 0.97
    assert abs(residual_correlation(fit.draws(50), fit.rows)) < 0.3


def test_saved_and_loaded_is_the_same(fit: RespirationFit, tmp_path: Path) -> None:
    path = save_fit(fit, tmp_path / "posterior.nc")
    loaded = load_fit(path)
    assert loaded.parameter_table() == fit.parameter_table()
    assert loaded.diagnosis == fit.diagnosis
    assert loaded.sampler == fit.sampler
    assert loaded.data_hash == fit.data_hash
    with xr.open_dataset(path) as raw:
        assert raw.attrs["reference_temperature_degC"] == 10.0
        assert raw["sigma0"].attrs["units"] == "gC m-2 d-1"
        assert "pymc" in raw.attrs["library_versions"]
        assert raw.attrs["Conventions"].startswith("CF")
    with pytest.raises(DataFileError, match="that save_fit wrote"):
        load_fit(tmp_path / "nothing.nc")
    (tmp_path / "table.json").write_text("{}")
    with pytest.raises(DataFileError, match="that save_fit wrote"):
        load_fit(tmp_path / "table.json")


def test_missing_sampler_says_what_to_do(
    towers: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    genuine = importlib.import_module

    def without(name: str, package: str | None = None) -> object:
        if name == "nutpie":
            raise ImportError("No module named 'nutpie'")
        return genuine(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ImportError, match=r"pip install nutpie, or choose sampler='pymc'"):
        fit_respiration(towers, level="pooled")
    found = fit_respiration(
        towers, sampler="pymc", level="pooled", draws=20, tune=20, chains=1, on_failure="flag"
    )
    assert found.sampler.sampler == "pymc"
    with pytest.raises(ConfigError, match="sampler: expected one of"):
        fit_respiration(towers, sampler="gibbs", level="pooled")  # type: ignore[arg-type]


def test_options_and_groups_that_do_not_exist(towers: xr.Dataset, fit: RespirationFit) -> None:
    with pytest.raises(ConfigError, match="expected fields"):
        fit_respiration(towers, colour="red")
    with pytest.raises(ConfigError, match="draws: expected 1 to"):
        fit.draws(10**6)
    with pytest.raises(MissingVariableError, match="expected a group 'prior'"):
        group(fit.posterior, "prior")
    with pytest.raises(ImportError, match="expected to be installed"):
        load_library("no_such_library")


@pytest.mark.slow
def test_few_months_gain_from_other_sites() -> None:
    """With 6 months per site, parameters err at most .8 of those fitted site by site."""
    towers = make_towers(sites=30, months=6, seed=8)
    found = fit_respiration(towers, chains=2, draws=400, tune=500, on_failure="flag")
    draws = found.draws()
    pooled = {
        "true_log_rate": draws.site_log_rate(found.rows).mean(axis=0),
        "true_slope": draws.values["slope_site"].mean(axis=0),
    }
    alone = [
        np.polyfit((warm - 10.0) / 10.0, np.log(np.maximum(reco, 0.01)), 1)
        for warm, reco in zip(towers.TA.values, towers.RECO.values, strict=True)
    ]
    by_site = dict(zip(("true_slope", "true_log_rate"), np.transpose(alone), strict=True))
    ratio = {
        name: np.sqrt(np.square(pooled[name] - towers[name].values).mean())
        / np.sqrt(np.square(by_site[name] - towers[name].values).mean())
        for name in pooled
    }
    assert max(ratio.values()) <= 0.8, ratio


def test_odd_sites_are_borne() -> None:
    """A class with one site, a site at constant temperature, few months: priors carry them."""
    towers = make_towers(sites=9, months=12)
    igbp = towers.IGBP.copy()
    igbp[0] = 15
    warm = towers.TA.copy()
    warm[1] = 10.0
    odd = towers.assign(IGBP=igbp, TA=warm)
    found = fit_respiration(odd, chains=2, draws=300, tune=300, on_failure="flag")
    summary = found.summary()
    assert summary.loc["SNO", "n_sites"] == 1
    width = np.log(summary["Rref_high"] / summary["Rref_low"])
    assert width["SNO"] > width["GRA"]
    slope = found.draws().values["slope_site"]
    assert np.isfinite(slope).all()
    assert slope[:, 1].std() >= np.median(slope.std(axis=0))
