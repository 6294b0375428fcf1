"""Which form of respiration towers support, what drivers add, and what leans on priors.

python analyses/compare_respiration.py RUN OUT_FOLDER [--months 24] [--draws 400] [--models ...]

RUN is the folder of a run with towers.nc, and validation.nc for GPP predicted by an engine that has
not seen the tower. For temperature alone and for each set of drivers: left-out months (PSIS-LOO),
unseen sites, stacking, calibration, correlation of errors in time, sensitivity to priors. GPP of
the same month comes out of the same partitioning of NEE as RECO does: what it gains is no evidence.
"""

import argparse
from pathlib import Path

import pandas as pd
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.baselines.conditions import PLACES, SATELLITE
from uflux_stats.bayes.as_baseline import thin_months
from uflux_stats.bayes.comparison import common_months, compare, rank
from uflux_stats.bayes.driver_sets import compare_driver_sets
from uflux_stats.bayes.fitted import RespirationFit, fit_respiration
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.sensitivity import power_scaling
from uflux_stats.bayes.unseen import predict_unseen_sites

MODELS = {
    "q10": RespirationOptions(),
    "lloyd_taylor": RespirationOptions(form="lloyd_taylor"),
    "q10, drivers": RespirationOptions(effects=SATELLITE),
    "q10, drivers and places": RespirationOptions(effects=PLACES),
    "lloyd_taylor, drivers and places": RespirationOptions(form="lloyd_taylor", effects=PLACES),
    "q10, GPP of the tower": RespirationOptions(effects=("GPP",)),
}


def unseen_sites(fits: dict[str, RespirationFit]) -> pd.DataFrame:
    """Order the models by what they say of sites whose own deviation they are not told."""
    predicted = {name: predict_unseen_sites(fit) for name, fit in fits.items()}
    table = rank({name: found["elpd"].values for name, found in predicted.items()})
    return table.assign(coverage90={k: float(v["covered"].mean()) for k, v in predicted.items()})


def main() -> None:
    """Fit all, print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--months", type=int, default=24, help="most months of a tower")
    parser.add_argument("--draws", type=int, default=400, help="of each of two chains")
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    chosen = parser.parse_args()
    towers = complete_drivers(xr.load_dataset(chosen.run / "towers.nc"))
    models = {name: MODELS[name] for name in chosen.models}
    names = [name for options in models.values() for name in options.effects]
    data = thin_months(common_months(towers, names), chosen.months)
    sampler = SamplerOptions(draws=chosen.draws, tune=chosen.draws, chains=2)
    fits = {}
    for name, options in models.items():
        fits[name] = fit_respiration(data, options=options, sampler=sampler, on_failure="flag")
        print(name, fits[name].diagnosis, flush=True)
    predicted = xr.load_dataset(chosen.run / "validation.nc")["GPP"]
    tables = {
        "parameters": pd.concat({name: fit.summary().tail(1) for name, fit in fits.items()}),
        "comparison": compare(fits),
        "unseen_sites": unseen_sites(fits),
        "power_scaling": pd.concat({name: power_scaling(fit) for name, fit in fits.items()}),
        "driver_sets": pd.concat(
            {
                form: compare_driver_sets(
                    towers, predicted.sel(split="tower", source="refined", drop=True), form=form
                )
                for form in ("q10", "lloyd_taylor")
            }
        ),
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(chosen.out / f"{name}.csv")
        print(f"{name}\n{table.round(3).to_string()}\n", flush=True)


if __name__ == "__main__":
    main()
