"""Sites whose own deviation from their class is not known."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from uflux_stats.bayes.compat import group, tree_of
from uflux_stats.bayes.draws import Draws, mean_respiration
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.leave_out import predicted_sites, site_skill
from uflux_stats.bayes.unseen import as_unseen, predict_unseen_sites


def test_sites_of_no_spread_are_those_of_their_class(fit: RespirationFit) -> None:
    draws = fit.draws(50)
    zeros = {f"spread_{name}_site": np.zeros(50) for name in ("rate", "slope")}
    same = Draws({**draws.values, **zeros, "noise_spread": np.zeros(50)})
    found = as_unseen(same, fit.rows, np.random.default_rng(0))
    classes = draws.values["log_rate_class"][:, fit.rows.group]
    assert found.site_log_rate(fit.rows) == pytest.approx(classes)
    assert found.site_slope(fit.rows) == pytest.approx(
        draws.values["slope_class"][:, fit.rows.group]
    )
    assert np.exp(found.values["noise_site"][:, 0]) == pytest.approx(draws.values["sigma1"])


def test_deviations_have_the_spread_of_the_sites(fit: RespirationFit) -> None:
    draws = fit.draws(400)
    found = as_unseen(draws, fit.rows, np.random.default_rng(1))
    for values, label, name in (
        (found.site_log_rate(fit.rows), "log_rate_class", "spread_rate_site"),
        (found.site_slope(fit.rows), "slope_class", "spread_slope_site"),
    ):
        deviation = (values - draws.values[label][:, fit.rows.group]) / draws.values[name][:, None]
        # 12 sites in 400 draws: the standard error of the spread is .01
        assert deviation.std() == pytest.approx(1.0, abs=0.05)
        assert deviation.mean() == pytest.approx(0.0, abs=0.06)


def test_rate_and_slope_of_a_site_deviate_together(fit: RespirationFit) -> None:
    draws = fit.draws(400)
    together = Draws({**draws.values, "correlation_site": np.full(400, -0.8)})
    found = as_unseen(together, fit.rows, np.random.default_rng(2))
    rate = found.site_log_rate(fit.rows) - draws.values["log_rate_class"][:, fit.rows.group]
    slope = found.site_slope(fit.rows) - draws.values["slope_class"][:, fit.rows.group]
    rate = rate / draws.values["spread_rate_site"][:, None]
    slope = slope / draws.values["spread_slope_site"][:, None]
    assert (rate * slope).mean() == pytest.approx(-0.8, abs=0.06)


def test_a_model_without_sites_is_left_as_it_is(fit: RespirationFit) -> None:
    pooled = Draws({"log_rate": np.zeros(3), "slope": np.zeros(3)})
    assert as_unseen(pooled, fit.rows, np.random.default_rng(0)) is pooled


def test_what_the_site_told_of_itself_is_forgotten(fit: RespirationFit) -> None:
    draws, steps = (group(fit.posterior, name) for name in ("posterior", "sample_stats"))
    moved = draws.assign(level_site=draws.level_site + 2.0, slope_site=draws.slope_site + 1.0)
    other = replace(fit, posterior=tree_of({"posterior": moved, "sample_stats": steps}))
    xr.testing.assert_equal(predict_unseen_sites(fit), predict_unseen_sites(other))


def test_unseen_sites_are_known_worse_than_seen_ones(fit: RespirationFit) -> None:
    draws = fit.draws(300)
    known = predicted_sites(fit.rows, draws, np.random.default_rng(0))
    unseen = predict_unseen_sites(fit, draws=300)
    assert site_skill(unseen)["width"] > 3.0 * site_skill(known)["width"]
    assert site_skill(unseen)["elpd"] < site_skill(known)["elpd"]
    assert unseen.covered.mean() >= 0.7


def test_integral_is_the_share_of_draws_below(fit: RespirationFit) -> None:
    """A site observed far below or above all draws is at the ends, and is not covered."""
    draws = fit.draws(100)
    mean = mean_respiration(draws, fit.rows).mean(axis=0)
    for factor, expected in ((0.01, 0.0), (100.0, 1.0)):
        rows = replace(fit.rows, observed=factor * mean)
        found = predicted_sites(rows, draws, np.random.default_rng(0))
        assert (found.integral == expected).all()
        assert not found.covered.any()
