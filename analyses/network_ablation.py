"""What each constraint of the network does at towers that it has not seen, beside boosted trees.

    python analyses/network_ablation.py FLUXNET_FOLDER OUT [--only NAME ...] [--split tower]
        [--members 2] [--seed 0] [--minutes 14] [--drivers CLIMATOLOGY]
    python analyses/network_ablation.py --table OUT

Every variant is refitted in each of twenty groups of whole towers, and once without the towers of
the tropics, which it then predicts. One file of predictions is written to OUT for each variant,
split, size of the ensemble and seed; what is there is not made again, so that a run can be
stopped and go on. ``--table`` scores all of them, and the means of those in FUSED. Variants with
surroundings see what the gridded climate about a tower is like too, if it is given.

Fluxes are scored as learned, before negative GPP and RECO are cut to zero. A response is violated
where a flux falls as light (by 10 W m-2, up to 200) or temperature (by 1 K, up to 40 degC) of
the month rises.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.io.store import whole_file
from uflux_stats.refinement import RefineOptions, StackOptions, fit_surroundings, split_folds
from uflux_stats.refinement.fitting import NOT_NEGATIVE, Fit, fit_rows, learned_rows
from uflux_stats.refinement.intervals import coverage
from uflux_stats.refinement.neural.options import Memory, NetworkOptions
from uflux_stats.refinement.responses import LIGHT, WARMTH, direction
from uflux_stats.refinement.surroundings import Encoder
from uflux_stats.refinement.table import TrainingTable, table_for
from uflux_stats.schema import FLUXES, MISSING_CLASS

FOLDS = 20
TROPICS = 23.4
STEPS = {LIGHT: 10.0, WARMTH: 1.0}
ROUNDING = 1e-5
NORMAL_90 = 1.645

ALL = NetworkOptions()
NONE = replace(ALL, mass=0.0, built_in=(), light=0.0, temperature=0.0, positivity="none")
PENALTIES = replace(ALL, built_in=())
NETWORKS = {
    "all": ALL,
    "none": NONE,
    "all, tcn": replace(ALL, memory="tcn"),
    "all, penalties": PENALTIES,
    "mass": replace(NONE, mass=ALL.mass),
    "light built in": replace(NONE, built_in=("light",)),
    "temperature built in": replace(NONE, built_in=("temperature",)),
    "softplus": replace(NONE, positivity="softplus"),
    "light penalty": replace(NONE, light=ALL.light),
    "temperature penalty": replace(NONE, temperature=ALL.temperature),
    "all, penalties elsewhere": replace(PENALTIES, temperature=10.0, elsewhere=0.5),
    "all, learned weights": replace(PENALTIES, learned=True),
    "all, lstm": replace(ALL, memory="lstm"),
    "none, tcn": replace(NONE, memory="tcn"),
    "all, less mass": replace(ALL, mass=0.1),
    "positivity penalty": replace(NONE, positivity="penalty"),
    "relu": replace(NONE, positivity="relu"),
}


def fused(memory: Memory) -> RefineOptions:
    """Trees and network as one model, with weights from unseen towers."""
    network = replace(ALL, memory=memory)
    parts = StackOptions(parts=("xgboost", "neural"))
    return RefineOptions(model="stack", stack=parts, network=network)


AROUND: dict[str, Encoder] = {
    "trees, surroundings": "convolution",
    "trees, linear surroundings": "linear",
    "stack: trees and sequence, surroundings": "convolution",
}
TREES = RefineOptions(model="xgboost", direct=("RECO", "NEE"))
VARIANTS = {
    "trees, residual": TREES,
    "trees, direct": replace(TREES, target="direct"),
    "cascade, residual": replace(TREES, model="cascade"),
    **{f"network, {name}": RefineOptions(model="neural", network=network)
       for name, network in NETWORKS.items()},
    "network, all, direct": RefineOptions(model="neural", target="direct"),
    "stack: trees and network": fused("none"),
    "stack: trees and sequence": fused("tcn"),
    "trees, surroundings": TREES,
    "trees, linear surroundings": TREES,
    "stack: trees and sequence, surroundings": fused("tcn"),
}  # fmt: skip
FUSED = {
    "fused: trees and network": ("trees, residual", "network, all"),
    "fused: trees and sequence": ("trees, residual", "network, all, tcn"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("out", type=Path)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS))
    parser.add_argument("--split", nargs="*", default=["tower", "tropics"])
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=14.0)
    parser.add_argument("--drivers", type=Path)
    given = parser.parse_args()
    if given.table:
        found = pd.DataFrame(list(scores(given.out)))
        found.to_csv(given.out / "ablation.csv", index=False)
        print(found.round(4).to_string(index=False))
        return
    given.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60.0 * given.minutes
    towers = read_fluxnet(Path(given.folder))
    for name in given.only:
        options = replace(VARIANTS[name], members=given.members, seed=given.seed)
        around = None
        if name in AROUND:
            if given.drivers is None:
                continue
            around = fit_surroundings(read_drivers(given.drivers), encoder=AROUND[name])
        table = table_for(towers, options, around)
        for split in given.split:
            path = given.out / f"{name}; {split}; {given.members} members; seed {given.seed}.npz"
            if not path.exists() and time.monotonic() < end:
                keep(table, split, options, path)


def keep(table: TrainingTable, split: str, options: RefineOptions, path: Path) -> None:
    """Predict the held-out rows of a split, and write them with the time it took."""
    fold = folds_of(table, split)
    wall, processor = time.perf_counter(), time.process_time()
    parts = []
    for number in range(int(fold.max()) + 1):
        fit = fit_rows(table, fold != number, options, [options.seed, number])
        rows = at_rows(fit, table.only(fold == number), options)
        parts.append(rows.assign(fold=number))
    taken = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    found = pd.concat(parts)
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **{k: v.to_numpy() for k, v in found.items()}, **taken)


def folds_of(table: TrainingTable, split: str) -> np.ndarray:
    if split == "tower":
        return split_folds(table.towers, table.site, split="tower", folds=FOLDS)
    lat = table.take(table.towers["lat"].broadcast_like(table.towers["TA"]))
    return np.where(np.abs(lat) < TROPICS, 0, -1)


def at_rows(fit: Fit, table: TrainingTable, options: RefineOptions) -> pd.DataFrame:
    """Predict rows as they are and with more of each driver; mean and spread of the members."""
    process = table.baseline(fit.parameters)
    frame = pd.DataFrame({"site": table.site, "time": table.time, "IGBP": igbp(table)})
    learned = learned_rows(fit, process, table.predictors, options)
    for name, observed in table.observed.items():
        frame[name] = learned[name].mean(axis=0, dtype=float)
        frame[f"{name} spread"] = learned[name].std(axis=0, dtype=float, ddof=1)
        frame[f"{name} observed"] = observed
    for response, step in STEPS.items():
        along = direction(table, fit.parameters, response)
        moved = learned_rows(
            fit,
            {name: values + step * along.process[name] for name, values in process.items()},
            (table.predictors + step * along.predictors).astype(np.float32),
            options,
        )[response.flux].mean(axis=0, dtype=float)
        frame[f"{response.driver} moved"] = np.where(along.reach[:, 1] >= step, moved, np.nan)
    return frame


def igbp(table: TrainingTable) -> np.ndarray:
    return table.take(table.towers["IGBP"].broadcast_like(table.towers["TA"]))


def scores(folder: Path) -> Iterator[dict[str, object]]:
    """Score every file, and the means of those that are fused."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            name, split, *size = path.stem.split("; ")
            found[name, split, *size] = {key: stored[key] for key in stored.files}
    for fused, parts in FUSED.items():
        for _, *rest in [key for key in found if key[0] == parts[0]]:
            if all((part, *rest) in found for part in parts):
                both = [found[part, *rest] for part in parts]
                averaged = {key: mean(key, [one[key] for one in both]) for key in both[0]}
                found[fused, *rest] = averaged
    for (name, split, *size), rows in found.items():
        yield {"variant": name, "split": split, "size": ", ".join(size), **judge(rows)}


def mean(key: str, values: list[np.ndarray]) -> np.ndarray:
    """Average what is predicted; two models take the time of both."""
    return sum(values) / (1 if key in ("wall", "processor") else len(values))


def judge(rows: dict[str, np.ndarray]) -> dict[str, float]:
    """Tell skill, closure, signs, responses, calibration and time."""
    told: dict[str, float] = {}
    for name in FLUXES:
        known = np.isfinite(rows[f"{name} observed"])
        told[f"r2 {name}"] = r2(rows, name)
        told[f"spread {name}"] = float(np.sqrt(np.nanmean(rows[f"{name} spread"][known] ** 2)))
    difference = {"NEE": rows["RECO"] - rows["GPP"], "NEE observed": rows["NEE observed"]}
    told["r2 RECO - GPP"] = r2(difference, "NEE")
    told["imbalance"] = float(np.median(np.abs(rows["NEE"] - rows["RECO"] + rows["GPP"])))
    told["negative"] = float(np.mean([rows[name] < 0.0 for name in NOT_NEGATIVE]))
    for response in STEPS:
        change = rows[f"{response.driver} moved"] - rows[response.flux]
        told[f"{response.driver} violated"] = np.mean(change[np.isfinite(change)] < -ROUNDING)
    if rows["fold"].max() > 0:
        told |= dict(calibration(rows))
    return {**told, "processor": float(rows["processor"]), "wall": float(rows["wall"])}


def r2(rows: dict[str, np.ndarray], name: str) -> float:
    """Compute 1 - SSE/SST over the rows where a flux was observed."""
    observed = rows[f"{name} observed"]
    known = np.isfinite(observed)
    square = np.nansum((rows[name] - observed) ** 2)
    return float(1.0 - square / (known.sum() * np.var(observed[known])))


def calibration(rows: dict[str, np.ndarray]) -> Iterator[tuple[str, float]]:
    """Yield coverage of the 90 % interval of the members as they are, and calibrated."""
    table = coverage(held_out(rows))
    whole = table[table["IGBP"] == MISSING_CLASS].set_index("flux")
    for name in FLUXES:
        error = np.abs(rows[name] - rows[f"{name} observed"])
        known = np.isfinite(error)
        inside = error[known] <= NORMAL_90 * rows[f"{name} spread"][known]
        yield f"raw coverage {name}", float(inside.mean())
        yield f"coverage {name}", float(whole.loc[name, "by_month"])
        yield f"width {name}", float(whole.loc[name, "width"])


def held_out(rows: dict[str, np.ndarray]) -> xr.Dataset:
    """Lay the rows out as ``cross_validate`` does."""
    site, time = rows["site"].astype(int), rows["time"].astype(int)

    def put(values: np.ndarray) -> np.ndarray:
        whole = np.full((site.max() + 1, time.max() + 1), np.nan)
        whole[site, time] = values
        return whole

    fluxes = {}
    for name in FLUXES:
        sources = [put(rows[key]) for key in (f"{name} observed", name)]
        fluxes[name] = (("source", "site", "time"), np.stack(sources))
        fluxes[f"{name}_spread"] = (("site", "time"), put(rows[f"{name} spread"]))
    classes = np.full(site.max() + 1, np.nan)
    classes[site] = rows["IGBP"]
    return xr.Dataset(
        {**fluxes, "fold": (("site", "time"), put(rows["fold"])), "IGBP": ("site", classes)},
        coords={"source": ["observed", "refined"]},
    )


if __name__ == "__main__":
    main()
