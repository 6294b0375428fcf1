"""Prior simulation, simulation-based calibration and leaving sites out."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from tests.unit.bayes.conftest import make_towers
from uflux_stats.bayes.calibration import (
    CalibrationOptions,
    calibrate,
    draw_from_prior,
    prior_predictive,
)
from uflux_stats.bayes.leave_out import leave_sites_out
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import model_rows
from uflux_stats.errors import ConfigError

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


@pytest.mark.slow
def test_ranks_are_uniform() -> None:
    """About 60 simulations of the site model on a small design."""
    towers = make_towers(sites=6, months=6)
    rows = model_rows(towers, RespirationOptions())
    sampler = SamplerOptions(draws=186, tune=200, chains=1, cores=1)
    options = CalibrationOptions(simulations=SIMULATIONS, ranks=31, sampler=sampler)
    found = calibrate(rows, options, seed=11)
    assert float(found.p_value.min()) > 0.001
    pooled = found.covered.mean()
    assert 0.85 <= float(pooled) <= 0.95


def test_ranks_need_draws() -> None:
    with pytest.raises(ConfigError, match="simulations, ranks"):
        CalibrationOptions(ranks=10_000)


def test_new_sites_are_covered_by_the_site_model_alone(towers: xr.Dataset) -> None:
    sampler = SamplerOptions(draws=200, tune=200, chains=1)
    found = leave_sites_out(towers, RespirationOptions(), folds=3, sampler=sampler)
    assert found.sizes["site"] == towers.sizes["site"]
    assert found.attrs["coverage90"] > 0.6
    assert list(found.site.values) == list(towers.site.values)
    assert found.observed.values == pytest.approx(towers.RECO.mean("time").values)
    with pytest.raises(ConfigError, match="folds: expected 2 to 12"):
        leave_sites_out(towers, RespirationOptions(), folds=13, sampler=replace(sampler, seed=2))
