"""Which form of respiration towers support, and what drivers add to temperature.

python analyses/compare_respiration.py TOWERS.nc OUT_FOLDER [DRAWS] [CHAINS]

Left-out months (PSIS-LOO), stacking, calibration and the correlation of errors in time, for
temperature alone and for each set of drivers. GPP of the same month comes out of the same
partitioning of NEE as RECO does: what it gains is no evidence.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.baselines.conditions import PLACES, SATELLITE, transformed
from uflux_stats.bayes.comparison import compare
from uflux_stats.bayes.fitted import fit_respiration
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.sensitivity import power_scaling

MODELS = {
    "q10": RespirationOptions(),
    "lloyd_taylor": RespirationOptions(form="lloyd_taylor"),
    "q10, drivers": RespirationOptions(effects=SATELLITE),
    "q10, drivers and places": RespirationOptions(effects=PLACES),
    "lloyd_taylor, drivers and places": RespirationOptions(form="lloyd_taylor", effects=PLACES),
    "lloyd_taylor, GPP": RespirationOptions(form="lloyd_taylor", effects=("GPP",)),
}


def common_months(towers: xr.Dataset) -> xr.Dataset:
    """Keep RECO where the drivers of all models are known."""
    names = {name for options in MODELS.values() for name in options.effects}
    known = xr.ones_like(towers.RECO, dtype=bool)
    for name in sorted(names):
        known &= np.isfinite(transformed(towers, name))
    return towers.assign(RECO=towers.RECO.where(known).assign_attrs(towers.RECO.attrs))


def main(towers: str, out: str, draws: str = "800", chains: str = "4") -> None:
    """Fit all, print the tables and write them."""
    data = common_months(xr.load_dataset(towers))
    sampler = SamplerOptions(draws=int(draws), tune=500, chains=int(chains))
    fits = {}
    for name, options in MODELS.items():
        fits[name] = fit_respiration(data, options=options, sampler=sampler, on_failure="flag")
        print(name, fits[name].diagnosis, flush=True)
    table = compare(fits)
    moved = {name: power_scaling(fit) for name, fit in fits.items()}
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "comparison.csv")
    pd.concat(moved).to_csv(folder / "power_scaling.csv")
    print(table.round(2).to_string())
    print(pd.concat(moved).round(3).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
