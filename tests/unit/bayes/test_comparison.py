"""Forms compared on the same months, and what a posterior leans on."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes.comparison import compare, leave_one_out, rank, stack
from uflux_stats.bayes.compat import group, tree_of
from uflux_stats.bayes.draws import Draws
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.parameters import log_prior, top_parameters
from uflux_stats.bayes.priors import Prior
from uflux_stats.bayes.sensitivity import SENSITIVE, power_scaling
from uflux_stats.errors import ConfigError


@pytest.fixture(scope="module")
def blunt(fit: RespirationFit) -> RespirationFit:
    """The same fit without its driver effect."""
    draws, steps = (group(fit.posterior, name) for name in ("posterior", "sample_stats"))
    flat = draws.assign(coefficient=xr.zeros_like(draws.coefficient))
    return replace(fit, posterior=tree_of({"posterior": flat, "sample_stats": steps}))


def test_leave_one_out_and_stacking(fit: RespirationFit) -> None:
    loo = leave_one_out(fit, draws=400)
    assert np.isfinite(loo.elpd)
    assert loo.pointwise.sum() == pytest.approx(loo.elpd)
    assert loo.unreliable < 0.1 * len(loo.pareto_k)
    weights = stack({"fit": loo.pointwise, "worse": loo.pointwise - 1.0})
    assert weights["fit"] > 0.99
    assert sum(weights.values()) == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="two models or more"):
        stack({"one": loo.pointwise})


def test_stacking_takes_both_where_each_knows_half() -> None:
    """By hand: densities 1 and 1/3 turned about give weights of one half."""
    good, poor = np.log(1.0), np.log(1.0 / 3.0)
    found = rank({"a": np.array([good, poor]), "b": np.array([poor, good])})
    assert found.weight.to_numpy() == pytest.approx(0.5, abs=1e-4)
    assert found.difference.to_numpy() == pytest.approx(0.0)


def test_the_true_form_is_first(fit: RespirationFit, blunt: RespirationFit) -> None:
    found = compare({"blunt": blunt, "true": fit}, draws=200)
    assert found.index.tolist() == ["true", "blunt"]
    assert found.loc["blunt", "difference"] < -2.0 * found.loc["blunt", "difference_se"]
    assert found.loc["true", "weight"] > 0.9
    assert found.loc["true", "coverage90"] > found.loc["blunt", "coverage90"]
    assert found.caveat.tolist() == ["", ""]


def test_gpp_of_the_tower_carries_a_caveat(fit: RespirationFit) -> None:
    named = tuple(replace(effect, name="GPP") for effect in fit.rows.effects)
    other = replace(fit, rows=replace(fit.rows, effects=named))
    found = compare({"VPD": fit, "GPP": other}, draws=50)
    assert found.loc["GPP", "caveat"] == "GPP shares its partitioning with RECO"


def test_fits_to_other_months_are_not_compared(fit: RespirationFit) -> None:
    fewer = replace(fit, rows=fit.rows.keep(fit.rows.month > fit.rows.month.min()))
    with pytest.raises(ConfigError, match="fits: expected the same observations"):
        compare({"all": fit, "fewer": fewer})


def test_prior_of_all_top_parameters_by_hand(fit: RespirationFit) -> None:
    """At the modes of normal priors and the scales of half-normal ones."""
    names = top_parameters(fit.rows)
    assert names[-1] == "coefficient_VPD"
    at = {"log_rate": np.log(2.5), "slope": np.log(1.8), "nu": 20.0}
    scales = {"spread_slope_class": 0.3, "spread_slope_site": 0.3}
    # LKJ(2) of two: 3/4 (1 - r^2), at r = .5
    correlation = np.log(0.75 * (1.0 - 0.5**2))
    values = {name: np.array([at.get(name, scales.get(name, 0.5))]) for name in names[:-1]}
    draws = Draws({**values, "coefficient": np.array([[0.0]])})
    peaks = -np.log(np.sqrt(2.0 * np.pi)) * 3 - np.log(0.5 * 0.35 * 0.5)
    halves = 7 * (0.5 * np.log(2.0 / np.pi) - 0.5) - np.log(0.5**5 * 0.3**2)
    gamma = np.log(0.1**2 * 20.0) - 0.1 * 20.0
    assert log_prior(draws, fit.rows)[0] == pytest.approx(peaks + halves + gamma + correlation)


def test_a_prior_against_the_data_is_seen(fit: RespirationFit) -> None:
    found = power_scaling(fit, draws=400)
    assert found.index.tolist() == top_parameters(fit.rows)
    assert found.loc["coefficient_VPD", "prior"] < SENSITIVE
    assert found.loc["coefficient_VPD", "likelihood"] > SENSITIVE
    assert found.loc["coefficient_VPD", "diagnosis"] == ""
    against = {"effect": Prior("normal", 0.5, 0.01)}
    options = replace(fit.rows.options, changed_priors=against)
    forced = replace(fit, rows=replace(fit.rows, options=options))
    assert power_scaling(forced, draws=400).loc["coefficient_VPD", "diagnosis"] == (
        "prior-data conflict"
    )
