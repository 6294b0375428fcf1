"""What the respiration of the baseline changes: skill at held-out towers, and global totals.

python analyses/respiration_feedback.py TOWERS DRIVERS TABLE.csv [--baselines ...] [--folds 20]

TOWERS is a folder of FLUXNET files, DRIVERS a gridded file. Each of the baselines is one of
``RefineOptions.respiration``. Parameters are refitted without the towers of each fold. Rows are
added to TABLE.csv, so that a baseline may be done at a time: a posterior takes a minute a fold.
"""

import argparse
import time
from pathlib import Path
from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.baselines.fluxes import respiration_by_table
from uflux_stats.grid import cell_coordinates
from uflux_stats.io.drivers import date_climatology, read_drivers
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate, refine
from uflux_stats.refinement.table import training_table
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.stats.totals import total

BASELINES: Final = (
    "fixed_q10", "conditioned_q10", "conditioned_lloyd_taylor", "posterior_lloyd_taylor",
)  # fmt: skip


def skill(towers: xr.Dataset, options: RefineOptions, folds: int, members: int) -> dict[str, float]:
    """Score RECO of baseline and refinement, and NEE, at towers that were not seen."""
    how = ValidationOptions(folds=folds, members=members)
    held_out = cross_validate(training_table(towers), "tower", options, how)
    r2 = validation_metrics(held_out)["r2"]
    return {
        "baseline RECO r2": float(r2.sel(source="baseline", variable="RECO")),
        "refined RECO r2": float(r2.sel(source="refined", variable="RECO")),
        "refined NEE r2": float(r2.sel(source="refined", variable="NEE")),
    }


def totals(towers: xr.Dataset, grid: xr.Dataset, options: RefineOptions) -> dict[str, float]:
    """Global RECO of the baseline, and RECO and GPP - RECO of the refinement [PgC yr-1]."""
    refiner = refine(towers, options=options)
    process = respiration_by_table(grid, refiner.fit.parameters)
    refined = refiner.predict(grid)
    places = cell_coordinates(grid)

    def globe(flux: xr.DataArray) -> float:
        labelled = flux.assign_coords(places).assign_attrs(units="gC m-2 d-1")
        return float(total(labelled).mean())

    return {
        "baseline RECO": globe(process),
        "refined RECO": globe(refined["RECO"]),
        "refined NEP, direct": -globe(refined["NEE"]),
        "refined NEP, difference": -globe(refined["NEE_difference"]),
    }


def main() -> None:
    """Add one row for each baseline, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towers")
    parser.add_argument("drivers")
    parser.add_argument("table", type=Path)
    parser.add_argument("--baselines", nargs="*", default=BASELINES)
    parser.add_argument("--folds", type=int, default=20, help="groups of towers held out")
    parser.add_argument("--members", type=int, default=4, help="of each ensemble")
    chosen = parser.parse_args()
    towers = complete_drivers(read_fluxnet(chosen.towers))
    grid = complete_drivers(date_climatology(read_drivers(chosen.drivers).load(), year=2006))
    known = pd.read_csv(chosen.table, index_col=0) if chosen.table.exists() else pd.DataFrame()
    rows = known.T.to_dict()
    for name in chosen.baselines:
        begun = time.perf_counter()
        options = RefineOptions(
            model="xgboost", direct=("RECO", "NEE"), respiration=name, members=chosen.members
        )
        found = skill(towers, options, chosen.folds, chosen.members) | totals(towers, grid, options)
        rows[name] = found | {"folds": chosen.folds, "seconds": time.perf_counter() - begun}
        table = pd.DataFrame(rows).T.rename_axis("respiration")
        table.to_csv(chosen.table, float_format="%.4g")
        print(table.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
