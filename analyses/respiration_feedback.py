"""What the respiration of the baseline changes: skill at held-out towers, and global totals.

python analyses/respiration_feedback.py TOWERS DRIVERS [FOLDS] [MEMBERS] [BASELINE ...]

TOWERS is a folder of FLUXNET files, DRIVERS a gridded file. Each BASELINE is one of
``RefineOptions.respiration``; by default fixed Q10, the penalised fit and the posterior of Q10 with
drivers. Parameters are refitted without the towers of each fold.
"""

import sys
import time
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

BASELINES: Final = ("fixed_q10", "conditioned_q10", "posterior_q10")


def skill(towers: xr.Dataset, options: RefineOptions, folds: int) -> dict[str, float]:
    """Score RECO of baseline and refinement, and NEE, at towers that were not seen."""
    held_out = cross_validate(
        training_table(towers), "tower", options, ValidationOptions(folds=folds)
    )
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


def main(sources: list[str], folds: int, members: int, baselines: list[str]) -> None:
    """Print one row for each baseline."""
    towers = complete_drivers(read_fluxnet(sources[0]))
    grid = complete_drivers(date_climatology(read_drivers(sources[1]).load(), year=2006))
    rows = {}
    for name in baselines:
        begun = time.perf_counter()
        options = RefineOptions(respiration=name, members=members)
        rows[name] = skill(towers, options, folds) | totals(towers, grid, options)
        rows[name]["seconds"] = time.perf_counter() - begun
        print(pd.DataFrame(rows).T.round(3).to_string(), flush=True)


if __name__ == "__main__":
    _, where, grid_file, *rest = sys.argv
    main(
        [where, grid_file],
        folds=int(rest[0]) if rest else 20,
        members=int(rest[1]) if len(rest) > 1 else 4,
        baselines=rest[2:] or list(BASELINES),
    )
