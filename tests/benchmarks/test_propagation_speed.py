"""Speed and memory of carrying posterior draws to the global half-degree climatology.

Run with ``pytest tests/benchmarks/test_propagation_speed.py -s``.
"""

import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr

from uflux_stats.baselines import DriverEffect
from uflux_stats.baselines.conditions import PLACES
from uflux_stats.bayes import PropagationOptions, RespirationFit, propagate
from uflux_stats.bayes.compat import tree_of
from uflux_stats.bayes.gate import Diagnosis
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.rows import ModelRows
from uflux_stats.io.drivers import read_drivers
from uflux_stats.pipeline.resources import measured
from uflux_stats.schema import IGBP_CLASSES

DRAWS = 200
MEMBERS = 10
LONGEST_SECONDS = 60.0
MOST_MIB = 2048.0


def made_up_fit() -> RespirationFit:
    """Return a fit with site effects and five drivers whose draws are made up: only time counts."""
    rng = np.random.default_rng(0)
    groups, none = tuple(sorted(IGBP_CLASSES.values())), np.zeros(0, np.intp)
    effects = tuple(DriverEffect(name, 0.1, 5.0, 10.0) for name in PLACES)
    rows = ModelRows(
        options=RespirationOptions(effects=PLACES), observed=np.zeros(0), temperature=np.zeros(0),
        warmth=np.zeros(0), conditions=np.zeros((0, len(effects))), site=none, season=none,
        month=none, group=none, sites=(), groups=groups, effects=effects,
    )  # fmt: skip
    dims, means = ("chain", "draw"), {"log_rate": 0.4, "slope": 0.8}
    shape = (2, DRAWS // 2)
    draws = {name: (dims, mean + 0.1 * rng.normal(size=shape)) for name, mean in means.items()}
    for name, mean in means.items():
        of_class = mean + 0.1 * rng.normal(size=(*shape, len(groups)))
        draws[f"{name}_class"] = ((*dims, "group"), of_class)
        spread = np.full(shape, 0.3)
        draws |= {f"spread_{name.removeprefix('log_')}_{level}": (dims, spread)
                  for level in ("class", "site")}  # fmt: skip
    coefficient = 0.1 * rng.normal(size=(*shape, len(effects)))
    draws["coefficient"] = ((*dims, "effect"), coefficient)
    found = Diagnosis(1.0, 500, 500, 0, 1.0, "slope", passed=True)
    return RespirationFit(rows, tree_of({"posterior": xr.Dataset(draws)}), found, SamplerOptions())


def test_the_globe_in_a_minute_and_two_gigabytes(real_data: Path) -> None:
    drivers = read_drivers(real_data / "climatology_0p5.nc").load()
    air = drivers["TA"].astype(np.float32)
    gpp = air.where(air.isnull(), 3.0).expand_dims(member=MEMBERS).assign_attrs(units="gC m-2 d-1")
    begun = time.process_time()
    with measured() as usage:
        found = propagate(
            made_up_fit(), drivers, gpp=gpp, options=PropagationOptions(draws=DRAWS, by="continent")
        )
    seconds = time.process_time() - begun  # of the processor: others may be using it as well
    cells = int(found["RECO_mean"].notnull().any("month").sum())
    sys.stdout.write(f"{cells} cells, {DRAWS} draws: {seconds:.1f} s of the processor, {usage}\n")
    assert seconds < LONGEST_SECONDS
    assert usage.peak_memory_mib < MOST_MIB
