"""What respiration can do on the real towers: skill of the baseline, speed and coverage of the fit.

Run with ``pytest tests/benchmarks/test_respiration.py -s``; it takes half an hour.
"""

import sys
import time
from pathlib import Path

import pytest
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.bayes.compat import group
from uflux_stats.bayes.fitted import fit_respiration
from uflux_stats.bayes.leave_out import leave_sites_out
from uflux_stats.bayes.options import RespirationOptions
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate
from uflux_stats.refinement.table import training_table
from uflux_stats.refinement.validation import validation_metrics


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


def test_geometry_and_sampler(towers: xr.Dataset) -> None:
    """Effective draws per 1000 gradients, and per second, of geometries and samplers."""
    found = {}
    for geometry, sampler in (("centred", "nutpie"), ("noncentred", "nutpie"), ("centred", "pymc")):
        start = time.perf_counter()
        fit = fit_respiration(
            towers, geometry=geometry, sampler=sampler, draws=400, tune=500, on_failure="flag"
        )
        seconds = time.perf_counter() - start
        stats = group(fit.posterior, "sample_stats")
        gradients = int(stats["n_steps"].sum())
        ess = fit.diagnosis.ess_bulk
        found[geometry, sampler] = (1000 * ess / gradients, ess / seconds)
        report(geometry, sampler, *found[geometry, sampler], fit.diagnosis)
    assert found["centred", "nutpie"][0] > 5 * found["noncentred", "nutpie"][0]
    assert found["centred", "nutpie"][1] > 1.5 * found["centred", "pymc"][1]


@pytest.mark.parametrize("level", ["pooled", "pft", "site"])
def test_coverage_of_unseen_sites(towers: xr.Dataset, level: str) -> None:
    options = RespirationOptions(level=level)  # type: ignore[arg-type]
    found = leave_sites_out(towers, options)
    report(level, found.attrs)
    if level == "site":
        assert 0.85 <= found.attrs["coverage90"] <= 0.95
