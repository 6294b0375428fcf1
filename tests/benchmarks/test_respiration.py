"""What respiration can do on the real towers: skill of the baseline, speed and coverage of the fit.

Run with ``pytest tests/benchmarks/test_respiration.py -s``; it takes half an hour.
"""

import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import optimize

from uflux_stats.baselines import complete_drivers
from uflux_stats.baselines.conditions import PLACES
from uflux_stats.bayes.as_baseline import respiration_without_sites, thin_months
from uflux_stats.bayes.calibration import effective_sizes
from uflux_stats.bayes.compat import group, load_library, quiet_libraries
from uflux_stats.bayes.fitted import SITE_STATISTICS, fit_respiration
from uflux_stats.bayes.leave_out import coverage_table
from uflux_stats.bayes.model import build_model
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import ModelRows, Values, model_rows
from uflux_stats.bayes.sampling import Compiled
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate
from uflux_stats.refinement.table import training_table
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.stats.metrics import score


def report(*found: object, sep: str = " ") -> None:
    """Show a measurement when run with ``-s``."""
    sys.stdout.write(sep.join(str(part) for part in found) + "\n")


@pytest.fixture(scope="module")
def towers(real_data: Path) -> xr.Dataset:
    return complete_drivers(read_fluxnet(real_data / "fluxnet2015", qc=0.7))


@pytest.mark.parametrize(
    ("respiration", "least"),
    [("fixed_q10", 0.2), ("conditioned_q10", 0.58), ("conditioned_lloyd_taylor", 0.6)],
)
def test_baseline_without_the_tower(towers: xr.Dataset, respiration: str, least: float) -> None:
    options = RefineOptions(respiration=respiration)  # type: ignore[arg-type]
    table = training_table(towers)
    held_out = cross_validate(table, "tower", options, ValidationOptions(folds=20))
    skill = validation_metrics(held_out).r2.to_pandas()
    report(respiration, skill.round(3).to_string(), sep="\n")
    assert skill.loc["baseline", "RECO"] >= least


@pytest.mark.parametrize("effects", [PLACES, ()])
def test_full_fit_passes_the_gate_in_time(towers: xr.Dataset, effects: tuple[str, ...]) -> None:
    """Both default forms of a run, with its default sampler; compiling counts."""
    start = time.perf_counter()
    fit = fit_respiration(towers, effects=effects, on_failure="flag")
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    report(f"{seconds:.0f} s, {memory:.2f} GB", fit.diagnosis)
    report(fit.summary().round(2).to_string())
    assert fit.diagnosis.passed
    assert seconds < 180.0
    assert memory < 2.0


@dataclass(frozen=True)
class Efficiency:
    """Smallest effective sample size (bulk) per 1000 gradients, and per second.

    Gradients are the leapfrog steps of the draws, of which each takes one gradient, without those
    of tuning; seconds are of tuning and drawing, one chain at a time, without compiling.
    """

    per_gradients: float
    per_second: float


EFFORT = SamplerOptions(draws=400, tune=500, chains=2, cores=1)


def efficiency(rows: ModelRows, sampler: str) -> Efficiency:
    if sampler == "nutpie":
        compiled = Compiled.of(rows)
        start = time.perf_counter()
        drawn = compiled.sample(EFFORT)
        seconds = time.perf_counter() - start
    else:
        pm = load_library("pymc")
        with quiet_libraries(), build_model(rows):
            drawn = pm.sample(
                draws=EFFORT.draws, tune=EFFORT.tune, chains=EFFORT.chains, cores=EFFORT.cores,
                random_seed=EFFORT.seed, target_accept=EFFORT.target_accept, progressbar=False,
                compute_convergence_checks=False,
            )  # fmt: skip
        seconds = float(group(drawn, "posterior").attrs["sampling_time"])
    smallest = min(effective_sizes(drawn, rows))
    gradients = int(group(drawn, "sample_stats")["n_steps"].sum())
    found = Efficiency(1000.0 * smallest / gradients, smallest / seconds)
    report(rows.options.geometry, sampler, f"{gradients} gradients, {seconds:.0f} s", found)
    return found


def test_geometry_and_sampler(towers: xr.Dataset) -> None:
    """On every eighth tower, since the plain non-centred model takes an hour on all."""
    some = towers.isel(site=slice(None, None, 8))
    rows = model_rows(some, RespirationOptions())
    ours = efficiency(rows, "nutpie")
    plain = efficiency(model_rows(some, RespirationOptions(geometry="noncentred")), "nutpie")
    others = efficiency(rows, "pymc")
    report(
        f"ratios: {ours.per_gradients / plain.per_gradients:.1f} per gradient, "
        f"{ours.per_second / others.per_second:.1f} per second"
    )
    assert ours.per_gradients >= 5.0 * plain.per_gradients
    assert ours.per_second >= 1.5 * others.per_second


def least_squares(warmth: Values, observed: Values, at: Values) -> Values:
    """Fit rate and slope of one site to its months by least squares, and predict others."""

    def error(parameters: Values) -> Values:
        return np.exp(np.clip(parameters[0] + parameters[1] * warmth, -20.0, 20.0)) - observed

    found = optimize.least_squares(error, [np.log(max(observed.mean(), 0.1)), np.log(2.0)]).x
    return np.asarray(np.exp(np.clip(found[0] + found[1] * at, -20.0, 20.0)))


def test_few_months_gain_from_other_towers(towers: xr.Dataset) -> None:
    """Six months of each tower predict its other months: RMSE at most .8 of site by site."""
    six = thin_months(towers, 6)
    fit = fit_respiration(six, chains=2, draws=500, tune=500, on_failure="flag")
    known = towers.sel(site=list(fit.rows.sites))
    others = model_rows(known.assign(RECO=known.RECO.where(six.RECO.isnull())), fit.rows.options)
    numbers = [fit.rows.sites.index(name) for name in others.sites]
    draws = fit.draws(500)
    rate, slope = (
        part(fit.rows)[:, numbers][:, others.site]
        for part in (draws.site_log_rate, draws.site_slope)
    )
    pooled = np.exp(rate + slope * others.warmth).mean(axis=0)
    alone = np.empty_like(pooled)
    for position, number in enumerate(numbers):
        seen, here = fit.rows.site == number, others.site == position
        alone[here] = least_squares(
            fit.rows.warmth[seen], fit.rows.observed[seen], others.warmth[here]
        )
    rmse = [float(np.sqrt(np.mean((m - others.observed) ** 2))) for m in (pooled, alone)]
    report(f"RMSE {rmse[0]:.3f} together, {rmse[1]:.3f} site by site: {rmse[0] / rmse[1]:.2f}")
    assert rmse[0] <= 0.8 * rmse[1]


def test_coverage_of_unseen_sites(towers: xr.Dataset) -> None:
    found = coverage_table(towers)
    report(found.round(2).to_string())
    assert 0.85 <= found.loc["site", "coverage90"] <= 0.95


@pytest.mark.parametrize("of", SITE_STATISTICS)
def test_posterior_as_baseline_without_the_tower(towers: xr.Dataset, of: str) -> None:
    """The table of the site level, refitted in 20 folds of towers by short chains."""
    options = RespirationOptions(form="lloyd_taylor", effects=PLACES)
    short = SamplerOptions(draws=120, tune=200, chains=2)
    modelled = respiration_without_sites(towers, options, sampler=short, of=of)
    observed = towers.RECO.sel(site=modelled.site)
    skill = score(observed, modelled.transpose(*observed.dims))
    report(of, {name: round(float(value), 3) for name, value in skill.data_vars.items()})
    assert float(skill.r2) >= 0.58
