"""Coverage of intervals at towers that neither the model, nor any that calibrates, has seen.

    python analyses/nested_coverage.py FLUXNET_FOLDER [--folds 10] [--members 2]

The table of a run calibrates a fold on errors at the towers of other folds, predicted by models
that had learned from the fold. Here the towers of a fold are left out of both.
"""

import argparse

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate
from uflux_stats.refinement.fitting import DIFFERENCE, fit_rows, predict_rows
from uflux_stats.refinement.intervals import calibrate, covered, summarise
from uflux_stats.refinement.splits import split_folds
from uflux_stats.refinement.table import TrainingTable, training_table
from uflux_stats.refinement.validation import SPREAD

SEED = 7
"""Of the outer folds, so that they are not the inner ones."""
DIGITS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towers")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--members", type=int, default=2)
    given = parser.parse_args()
    table = training_table(read_fluxnet(given.towers))
    options = RefineOptions(members=given.members)
    how = ValidationOptions(folds=given.folds, members=given.members, workers=1)
    fold = split_folds(table.towers, table.site, folds=given.folds, seed=SEED)
    parts = []
    for number in range(given.folds):
        inner = cross_validate(table.only(fold != number), "tower", options, how)
        intervals = calibrate(inner.drop_vars(DIFFERENCE))
        parts.append(covered(held_out(table, fold == number, options), intervals))
        print(f"fold {number}", flush=True)
    print(summarise(pd.concat(parts)).round(DIGITS).to_string(index=False))


def held_out(table: TrainingTable, left_out: np.ndarray, options: RefineOptions) -> xr.Dataset:
    """Predict some towers by a fit to all others."""
    fit = fit_rows(table, ~left_out, options, [options.seed])
    own = table.only(left_out)
    process = own.baseline(fit.parameters)
    members = predict_rows(fit, process, own.predictors, options)
    labelled = {}
    for name, observed in own.observed.items():
        rows = [own.put(values) for values in (observed, members[name].mean(axis=0))]
        labelled[name] = (("source", "site", "time"), np.stack(rows))
        spread = own.put(members[name].std(axis=0, ddof=1))
        labelled[f"{name}_{SPREAD}"] = (("site", "time"), spread)
    zero = own.put(np.zeros(len(own.site)))
    return xr.Dataset(
        {**labelled, "fold": (("site", "time"), zero), "IGBP": table.towers["IGBP"]},
        coords={"source": ["observed", "refined"]},
    )


if __name__ == "__main__":
    main()
