"""How skill grows with months of the tower itself, and how well gaps are filled.

    python analyses/new_tower.py FLUXNET_FOLDER [--held-out validation.nc] [--flux GPP ...]

Twenty groups of towers are held out (or the held-out predictions of a run are read), and each
tower stands in for a new one. "adapted" is ``refiner.adapt``; "unchanged" the prediction for an
unseen tower; "own mean year" needs no model; "own line" is least squares of the tower's months
without what other towers tell; "boosted" continues the boosting with trees on those months.
Last, gaps of GPP, RECO and NEE together, each flux by itself and reconciled.
"""

import argparse
from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
import xgboost as xgb

from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate
from uflux_stats.refinement.adaptation import fit_adaptation, month_number
from uflux_stats.refinement.adaptation_skill import (
    FEWEST_LEFT,
    GAPS,
    PARTS,
    Way,
    adaptation_skill,
    gap_trials,
    new_tower_trials,
)
from uflux_stats.refinement.consistency import CONSISTENT
from uflux_stats.refinement.error_model import Months, Values
from uflux_stats.refinement.table import TrainingTable, training_table
from uflux_stats.schema import FLUXES

BOOSTING = {"max_depth": 2, "eta": 0.1, "min_child_weight": 3, "nthread": 1}
ROUNDS = 20
FOLDS = 20
DIGITS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towers")
    parser.add_argument("--held-out", help="validation.nc of a run with split tower")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--flux", nargs="+", default=list(FLUXES))
    given = parser.parse_args()
    table = training_table(read_fluxnet(given.towers))
    held_out = read_held_out(given.held_out, table)[[*given.flux, "fold"]]
    boosting = boosted(table)
    ways = {flux: {"boosted": boosting} for flux in given.flux}
    for trials in (new_tower_trials, gap_trials):
        skill = adaptation_skill(held_out, trials, ways=ways, draws=given.draws)
        print(trials.__name__)
        print(skill.round(DIGITS).to_string(index=False), flush=True)
    if set(CONSISTENT) <= set(given.flux):
        print("gaps of three fluxes")
        print(reconciled_skill(held_out, given.draws).round(DIGITS).to_string(), flush=True)


def read_held_out(path: str | None, table: TrainingTable) -> xr.Dataset:
    """Read the held-out predictions of a run, or make them."""
    if path is None:
        return cross_validate(table, "tower", RefineOptions(), ValidationOptions(folds=FOLDS))
    stored = xr.load_dataset(path, engine="netcdf4")
    return stored.sel(split="tower")


def reconciled_skill(held_out: xr.Dataset, draws: int, *, seed: int = 0) -> pd.DataFrame:
    """Score what was filled apart and what was reconciled, at towers of the other half."""
    rng = np.random.default_rng(seed)
    three = held_out[[*CONSISTENT, "fold"]]
    part = rng.permutation(np.arange(three.sizes["site"]) % PARTS)
    records = []
    for number in range(PARTS):
        learned = fit_adaptation(three.isel(site=part != number))
        shown = three.isel(site=part == number)[[*CONSISTENT]]
        predicted, observed = (shown.sel(source=one, drop=True) for one in ("refined", "observed"))
        for size in GAPS * draws:
            gap = _common_gap(observed, size, rng)
            filled = learned.fill(predicted, observed.where(~gap))
            for name in CONSISTENT:
                truth = observed[name].where(gap).values
                known = np.isfinite(truth)
                for way in ("", "_reconciled"):
                    left = filled[name + way].values[known] - truth[known]
                    records.append((name, size, way, left, truth[known]))
    table = pd.DataFrame(records, columns=["flux", "size", "way", "left", "truth"])
    together = table.groupby(["flux", "size", "way"]).agg(
        lambda parts: np.concatenate(parts.tolist())
    )
    sse = together["left"].map(lambda left: left @ left)
    return pd.DataFrame({
        "r2": 1.0 - sse / together["truth"].map(lambda truth: len(truth) * truth.var()),
        "rmse": np.sqrt(sse / together["left"].map(len)),
        "months": together["left"].map(len),
    })  # fmt: skip


def _common_gap(observed: xr.Dataset, size: int, rng: np.random.Generator) -> xr.DataArray:
    """Choose a stretch of each tower in which nothing is observed, (site, time)."""
    known = observed.notnull().to_dataarray().all("variable").transpose("site", "time")
    gap = np.zeros(known.shape, bool)
    for own, hidden in zip(known.values, gap, strict=True):
        there = np.flatnonzero(own)
        if len(there) >= size + FEWEST_LEFT:
            first = rng.choice(there)
            hidden[first : first + size] = own[first : first + size]
    return known.copy(data=gap)


def boosted(table: TrainingTable) -> Way:
    """Continue the boosting on the rows of a tower."""
    month = month_number(table.towers["time"])[table.time]
    rows = {key: row for row, key in enumerate(zip(table.site, month, strict=True))}
    return partial(_boost, table.predictors, rows)


def _boost(
    predictors: np.ndarray, rows: Mapping[tuple[int, float], int], given: Months, wanted: Months
) -> Values:
    if not len(given):
        return np.zeros(len(wanted))
    shown, asked = (
        xgb.DMatrix(predictors[[rows[part.site, month] for month in part.month]])
        for part in (given, wanted)
    )
    shown.set_label(given.error)
    return xgb.train({**BOOSTING, "base_score": 0.0}, shown, ROUNDS).predict(asked)


if __name__ == "__main__":
    main()
