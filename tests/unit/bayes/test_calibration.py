"""Prior simulation, simulation-based calibration and leaving sites out."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from tests.unit.bayes.conftest import make_towers
from uflux_stats.bayes.as_baseline import respiration_without_sites
from uflux_stats.bayes.calibration import (
    CalibrationOptions,
    calibrate,
    calibration_of,
    draw_from_prior,
    effective_sizes,
    prior_predictive,
    simulations,
)
from uflux_stats.bayes.compat import tree_of
from uflux_stats.bayes.leave_out import coverage_table, leave_sites_out
from uflux_stats.bayes.options import Level, RespirationOptions, SamplerOptions
from uflux_stats.bayes.parameters import common_parameters
from uflux_stats.bayes.priors import Prior
from uflux_stats.bayes.rows import model_rows
from uflux_stats.errors import ConfigError
from uflux_stats.stats.metrics import score

SIMULATIONS = 60


def test_prior_predicts_what_ecosystems_can_do(towers: xr.Dataset) -> None:
    rows = model_rows(towers, RespirationOptions(season=True, effects=("VPD",)))
    drawn = prior_predictive(rows, 200)
    assert drawn.shape == (200, len(rows.observed))
    assert 0.5 < np.median(drawn) < 6.0
    assert np.mean(drawn > 60.0) < 0.05


@pytest.mark.parametrize("level", ["pooled", "pft", "site"])
@pytest.mark.parametrize("likelihood", ["student_t", "normal", "laplace"])
def test_every_model_can_be_simulated(towers: xr.Dataset, level: str, likelihood: str) -> None:
    options = RespirationOptions(level=level, likelihood=likelihood)  # type: ignore[arg-type]
    rows = model_rows(towers, options)
    drawn = draw_from_prior(rows, np.random.default_rng(0))
    assert len(drawn) == 1
    assert ("nu" in drawn.values) == (likelihood == "student_t")


SHORT_CHAIN = SamplerOptions(draws=372, tune=300, chains=1, cores=1, target_accept=0.95)


@pytest.mark.parametrize("level", ["pooled", pytest.param("site", marks=pytest.mark.slow)])
def test_ranks_are_uniform(level: Level) -> None:
    """60 simulations on a small design: fails once in a hundred designs, were all well."""
    rows = model_rows(make_towers(sites=6, months=6), RespirationOptions(level=level))
    options = CalibrationOptions(simulations=SIMULATIONS, ranks=31, sampler=SHORT_CHAIN, ess=40.0)
    found = calibrate(rows, options, seed=11)
    assert float(found.p_value_adjusted.min()) > 0.01
    covered = found.covered.sum("simulation")
    # each parameter by itself, so that one in a hundred designs has one outside
    share = 0.01 / (2 * found.sizes["parameter"])
    fewest, most = stats.binom.ppf([share, 1.0 - share], SIMULATIONS, 0.9)
    assert fewest <= int(covered.min())
    assert int(covered.max()) <= most


def test_a_calibration_can_be_run_in_slices(towers: xr.Dataset) -> None:
    """A number decides all of a simulation; a short sample is drawn again, and longer."""
    rows = model_rows(towers, RespirationOptions(level="pooled"))
    options = CalibrationOptions(simulations=3, ranks=15, sampler=SHORT_CHAIN, ess=30.0)
    whole = calibrate(rows, options, seed=4)
    slices = [*simulations(rows, [1], options, seed=4), *simulations(rows, [2, 0], options, seed=4)]
    joined = calibration_of(slices).sortby("simulation")
    xr.testing.assert_identical(joined, whole)
    demanding = replace(options, ess=600.0)
    longer = next(simulations(rows, [0], demanding, seed=4))
    assert (longer.ess > whole.ess.sel(simulation=0)).all()


def test_a_chain_that_never_moved_has_no_draws(towers: xr.Dataset) -> None:
    """ArviZ counts each of them: such a chain passed, with ranks at the ends alone."""
    rows = model_rows(towers, RespirationOptions(level="pooled"))
    rng = np.random.default_rng(0)
    names = common_parameters(rows)
    drawn = xr.Dataset({name: (("chain", "draw"), rng.normal(size=(2, 200))) for name in names})
    assert min(effective_sizes(tree_of({"posterior": drawn}), rows)) > 100.0
    drawn["slope"][1] = 0.5
    found = dict(zip(names, effective_sizes(tree_of({"posterior": drawn}), rows), strict=True))
    assert [name for name in names if found[name] == 0.0] == ["slope"]


def test_simulations_are_not_held_at_what_ecosystems_respire(towers: xr.Dataset) -> None:
    """The model that is fitted knows of no largest flux, and its prior has no edge there."""
    high = {"log_rate": Prior("normal", 8.0, 0.01), "sigma1": Prior("halfnormal", 1e-6)}
    options = RespirationOptions(level="pooled", changed_priors=high)
    assert np.median(prior_predictive(model_rows(towers, options), 20)) > 1000.0


def test_ranks_need_draws() -> None:
    with pytest.raises(ConfigError, match="simulations, ranks"):
        CalibrationOptions(ranks=10_000)


def fewest_covered(sites: int) -> int:
    """Sites that 90 % intervals cover in all but one of a thousand tests, were they true."""
    return int(stats.binom.ppf(0.001, sites, 0.9))


def test_new_sites_are_predicted(towers: xr.Dataset) -> None:
    sampler = SamplerOptions(draws=200, tune=200, chains=1)
    found = leave_sites_out(towers, RespirationOptions(), folds=3, sampler=sampler)
    assert found.sizes["site"] == towers.sizes["site"]
    assert found.covered.sum() >= fewest_covered(found.sizes["site"])
    assert list(found.site.values) == list(towers.site.values)
    assert found.observed.values == pytest.approx(towers.RECO.mean("time").values)
    with pytest.raises(ConfigError, match="folds: expected 2 to 12"):
        leave_sites_out(towers, RespirationOptions(), folds=13, sampler=replace(sampler, seed=2))


def test_new_sites_are_covered_by_the_site_model_alone() -> None:
    towers = make_towers(sites=30, months=12, seed=5)
    sampler = SamplerOptions(draws=200, tune=200, chains=1)
    found = coverage_table(towers, levels=("pft", "site"), folds=2, sampler=sampler)
    enough = fewest_covered(30) / 30
    assert found.loc["pft", "coverage90"] < enough <= found.loc["site", "coverage90"]
    assert found.loc["pft", "width"] < found.loc["site", "width"]
    assert (found.sites == 30).all()


def test_a_tower_does_not_tell_of_itself(towers: xr.Dataset) -> None:
    """Its respiration thrice as large changes the baseline of others, not its own."""
    options = RespirationOptions(level="pooled")
    sampler = SamplerOptions(draws=50, tune=100, chains=1)
    scale = xr.where(towers.site == "S00", 3.0, 1.0)
    changed = towers.assign(RECO=(towers.RECO * scale).assign_attrs(towers.RECO.attrs))
    before, after = (
        respiration_without_sites(data, options, folds=2, sampler=sampler).transpose("site", "time")
        for data in (towers, changed)
    )
    same = (before == after).all("time")
    assert bool(same.sel(site="S00"))
    assert int(same.sum()) == towers.sizes["site"] // 2
    assert float(score(towers.RECO, before).r2) > 0.0
