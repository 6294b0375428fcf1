"""What each constraint of the network does at towers that it has not seen, beside boosted trees.

    python analyses/network_ablation.py FLUXNET_FOLDER [FOLDS] [MEMBERS] [OUT.csv]

Every variant is refitted in each of FOLDS (20) groups of whole towers, with MEMBERS (1) in the
ensemble, and once without the towers of the tropics. Fluxes are scored as learned, before negative
GPP and RECO are cut to zero. A response is violated where a flux falls as light (by 10 W m-2, up
to 200) or temperature (by 1 K, below 40 degC) of the month rises.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, split_folds
from uflux_stats.refinement.fitting import NOT_NEGATIVE, Fit, fit_rows, learned_rows
from uflux_stats.refinement.neural.options import NetworkOptions
from uflux_stats.refinement.responses import LIGHT, WARMTH, direction
from uflux_stats.refinement.table import TrainingTable, training_table

TROPICS = 23.4
STEPS = {LIGHT: 10.0, WARMTH: 1.0}
ROUNDING = 1e-5

NONE = NetworkOptions(mass=0.0, light=0.0, temperature=0.0, positivity="none")
ALL = NetworkOptions()
NETWORKS = {
    "no constraint": NONE,
    "mass": replace(NONE, mass=ALL.mass),
    "softplus": replace(NONE, positivity="softplus"),
    "relu": replace(NONE, positivity="relu"),
    "penalty": replace(NONE, positivity="penalty"),
    "light": replace(NONE, light=ALL.light),
    "temperature": replace(NONE, temperature=ALL.temperature),
    "all": ALL,
}
VARIANTS = {
    "trees, direct": RefineOptions(target="direct"),
    "trees, residual": RefineOptions(),
    **{f"network, {name}": RefineOptions(model="neural", network=network)
       for name, network in NETWORKS.items()},
    "network, all, direct": RefineOptions(model="neural", target="direct"),
}  # fmt: skip


def main(folder: str, folds: str = "20", members: str = "1", out: str = "") -> None:
    """Print a row for each variant and kind of split, and write them if asked to."""
    table = training_table(read_fluxnet(Path(folder)))
    groups = split_folds(table.towers, table.site, split="tower", folds=int(folds))
    tropics = np.abs(table.take(table.towers["lat"].broadcast_like(table.towers["TA"]))) < TROPICS
    splits = {"tower": groups, "no tropics": np.where(tropics, 0, -1)}
    rows = []
    for name, options in VARIANTS.items():
        chosen = replace(options, members=int(members))
        for split, fold in splits.items():
            rows.append({"variant": name, "split": split, **judge(table, fold, chosen)})
            print(pd.DataFrame(rows[-1:]).round(4).to_string(index=False), flush=True)
    if out:
        pd.DataFrame(rows).to_csv(out, index=False)


def judge(table: TrainingTable, fold: np.ndarray, options: RefineOptions) -> dict[str, float]:
    """Predict each fold by a fit without it, and tell skill, closure, signs and responses."""
    start = time.perf_counter()
    parts = []
    for number in range(int(fold.max()) + 1):
        fit = fit_rows(table, fold != number, options, [options.seed, number])
        parts.append(at_rows(fit, table.only(fold == number), options))
    seconds = time.perf_counter() - start
    found = pd.concat(parts)
    told = {}
    for name in table.observed:
        observed, error = found[f"{name} observed"], found[name] - found[f"{name} observed"]
        told[f"r2 {name}"] = 1.0 - (error**2).sum() / ((observed - observed.mean()) ** 2).sum()
        told[f"rmse {name}"] = np.sqrt((error**2).mean())
    told["imbalance"] = (found["NEE"] - found["RECO"] + found["GPP"]).abs().median()
    told["negative"] = (found[list(NOT_NEGATIVE)] < 0.0).to_numpy().mean()
    for response in STEPS:
        told[f"{response.driver} violated"] = found[f"{response.driver} violated"].mean()
    return {**told, "seconds": seconds}


def at_rows(fit: Fit, table: TrainingTable, options: RefineOptions) -> pd.DataFrame:
    """Predict rows as they are and with more of each driver; mean of the members."""
    process = table.baseline(fit.parameters)
    frame = mean_of_members(fit, process, table.predictors, options)
    for name, observed in table.observed.items():
        frame[f"{name} observed"] = observed
    for response, step in STEPS.items():
        along = direction(table, fit.parameters, response)
        moved = mean_of_members(
            fit,
            {name: values + step * along.process[name] for name, values in process.items()},
            table.predictors + np.float32(step) * along.predictors,
            options,
        )
        falls = moved[response.flux] < frame[response.flux] - ROUNDING
        frame[f"{response.driver} violated"] = falls.astype(float).where(along.inside)
    return frame


def mean_of_members(
    fit: Fit, process: dict[str, np.ndarray], predictors: np.ndarray, options: RefineOptions
) -> pd.DataFrame:
    learned = learned_rows(fit, process, predictors, options)
    return pd.DataFrame({name: v.mean(axis=0, dtype=float) for name, v in learned.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
