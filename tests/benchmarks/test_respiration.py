"""What respiration can do on the real towers: skill of the baseline, speed and coverage of the fit.

Run with ``pytest tests/benchmarks/test_respiration.py -s``; it takes half an hour.
"""

import sys
import time
from pathlib import Path

import pytest
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.baselines.conditions import PLACES
from uflux_stats.bayes.as_baseline import respiration_without_sites
from uflux_stats.bayes.compat import group
from uflux_stats.bayes.fitted import SITE_STATISTICS, fit_respiration
from uflux_stats.bayes.leave_out import coverage_table
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
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


def test_full_fit_passes_the_gate_in_time(towers: xr.Dataset) -> None:
    start = time.perf_counter()
    fit = fit_respiration(towers)
    seconds = time.perf_counter() - start
    report(f"{seconds:.0f} s", fit.diagnosis, fit.summary().round(2).to_string(), sep="\n")
    assert fit.diagnosis.passed
    assert seconds < 180


def efficiency(towers: xr.Dataset, geometry: str, sampler: str) -> tuple[float, float]:
    """Smallest effective sample size (bulk) per 1000 gradients, and per second of processor time.

    Tuning and compiling are not counted: gradients are those of the draws, as samplers tell them.
    """
    start = time.process_time()
    fit = fit_respiration(
        towers, geometry=geometry, sampler=sampler, draws=500, tune=500, chains=2, on_failure="flag"
    )
    seconds = time.process_time() - start
    gradients = int(group(fit.posterior, "sample_stats")["n_steps"].sum())
    ess = fit.diagnosis.ess_bulk
    found = 1000.0 * ess / gradients, ess / seconds
    report(geometry, sampler, *(round(value, 2) for value in found), fit.diagnosis)
    return found


def test_geometry_and_sampler(towers: xr.Dataset) -> None:
    """On every fifth tower, since the plain non-centred model takes an hour on all."""
    some = towers.isel(site=slice(None, None, 5))
    centred = efficiency(some, "centred", "nutpie")
    assert centred[0] >= 5.0 * efficiency(some, "noncentred", "nutpie")[0]
    assert centred[1] >= 1.5 * efficiency(some, "centred", "pymc")[1]


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
