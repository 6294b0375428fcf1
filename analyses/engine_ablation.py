"""What each idea does to the skill at towers that the fit has not seen.

    python analyses/engine_ablation.py FLUXNET_FOLDER IDEA --out FOLDER [--seeds 0 1 2]
                                       [--members 4] [--folds 20] [--places FILE]
    python analyses/engine_ablation.py FLUXNET_FOLDER "mean: xgboost + kernel" --out FOLDER
    python analyses/engine_ablation.py FLUXNET_FOLDER choose --out FOLDER
    python analyses/engine_ablation.py FLUXNET_FOLDER table --out FOLDER

Groups of whole towers are held out; a seed deals the towers out and draws the members, so that the
spread over seeds holds both. Held-out predictions are kept in FOLDER and a row for each flux and
seed is appended to ``ablation.csv``; what is there already is not computed again. "mean: A + B" is
the mean of what ideas A and B predicted. "choose" picks the best mean of ideas on one half of the
towers and scores it on the other half. "table" prints what all ideas did beside XGBoost. PLACES is
a NetCDF file of maps on (lat, lon), whose values at the towers are more predictors.
"""

import argparse
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import xgboost as xgb

from uflux_stats.baselines import BaselineOptions, baseline
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate, split_folds
from uflux_stats.refinement import table as tables
from uflux_stats.refinement.fitting import NOT_NEGATIVE, fit_rows, predict_rows
from uflux_stats.refinement.learning import registry
from uflux_stats.refinement.learning.drawing import drawn
from uflux_stats.refinement.learning.folds import Learner
from uflux_stats.refinement.learning.models import Trees
from uflux_stats.refinement.options import StackOptions
from uflux_stats.refinement.table import TrainingTable, training_table
from uflux_stats.schema import FLUXES

FOLDS, INNER = 20, 5
CANDIDATES = ("xgboost", "extra trees, root weights", "lightgbm", "kernel, root weights")
HUBER_SLOPE = 2.0
XGBOOST = RefineOptions(model="xgboost")
Predictions = dict[str, np.ndarray]


@dataclass(frozen=True)
class Idea:
    """Options, more predictors, a learner in the place of XGBoost, or another baseline."""

    options: RefineOptions = XGBOOST
    more: Callable[[TrainingTable, xr.Dataset | None], np.ndarray] | None = None
    learner: Learner | None = None
    process: BaselineOptions | None = None
    with_predicted: tuple[str, ...] = ()


def at_places(table: TrainingTable, places: xr.Dataset | None) -> np.ndarray:
    """Values of maps at the towers."""
    if places is None:
        raise SystemExit("this idea needs --places: a NetCDF file of maps on (lat, lon)")
    where = {name: table.towers[name] for name in ("lat", "lon")}
    known = places.ffill("lon", limit=4).bfill("lon", limit=4)
    near = known.sel(where, method="nearest")
    return np.column_stack([near[name].values[table.site] for name in places.data_vars])


def productivity(table: TrainingTable, _: xr.Dataset | None) -> np.ndarray:
    """What the baseline makes of a place over the year and over the months before."""
    modelled = table.baseline_of(table.towers, fit_rows(
        table, np.ones(len(table.site), bool), RefineOptions(members=1, trees=1), [0]
    ).parameters)  # fmt: skip
    columns = []
    for name in ("GPP", "LE"):
        whole = xr.DataArray(table.put(modelled[name]), dims=("site", "time"))
        columns += [table.take(whole.rolling(time=months, min_periods=1).mean())
                    for months in (3, 12)]  # fmt: skip
        columns.append(whole.mean("time").values[table.site])
    return np.column_stack(columns)


def jpl(table: TrainingTable, _: xr.Dataset | None) -> np.ndarray:
    """LE by PT-JPL."""
    modelled = baseline(table.towers, options=BaselineOptions(latent_heat="pt_jpl"))
    return table.take(modelled["LE"])[:, np.newaxis]


def departures(table: TrainingTable, _: xr.Dataset | None) -> np.ndarray:
    """How far the drivers of a month are from their mean at the place; how dry the place is."""
    column = dict(zip(table.spec.names, table.predictors.T, strict=True))
    far = [column[name] - column[f"{name}_mean"] for name in ("TA", "SWIN", "VPD", "FAPAR", "RNET")]
    return np.column_stack([*far, column["P_mean"] / np.maximum(column["RNET_mean"], 10.0)])


def boosted(**settings: object) -> Learner:
    """XGBoost with settings of its own that no option of the package has."""

    def learn(lesson, options, seed):  # type: ignore[no-untyped-def]
        members = []
        for number in range(options.members):
            rows = replace(options, feature_fraction=1.0)
            seen, _, rng = drawn(lesson, rows, [*seed, number])
            given = {
                "max_depth": options.depth, "eta": options.learning_rate,
                "min_child_weight": options.min_weight, "max_bin": options.bins,
                "colsample_bytree": options.tree_features * options.feature_fraction,
                "nthread": 1, "seed": int(rng.integers(2**31)),
            }  # fmt: skip
            matrix = xgb.QuantileDMatrix(
                seen.table, seen.target, weight=seen.weight, max_bin=options.bins, nthread=1
            )
            members.append(xgb.train(given | settings, matrix, num_boost_round=options.trees))
        return Trees(members)

    return learn


def rising(lesson, options, seed):  # type: ignore[no-untyped-def]
    """GPP and RECO that rise with light, absorbed light and temperature."""
    signs = [0] * lesson.table.shape[1]
    for name in ("SWIN", "APAR", "TA"):
        signs[_NAMES.index(name)] = 1
    chosen = signs if lesson.target.mean() > 0.0 else [0] * len(signs)
    return boosted(monotone_constraints=tuple(chosen))(lesson, options, seed)


_NAMES: list[str] = []
"""Names of the predictors, for ``rising``."""
IDEAS = {
    "xgboost": Idea(),
    "root weights": Idea(replace(XGBOOST, weighting="root")),
    "tower weights": Idea(replace(XGBOOST, weighting="towers")),
    "larger leaves": Idea(replace(XGBOOST, min_weight=40.0)),
    "shallow": Idea(replace(XGBOOST, depth=4, trees=120)),
    "slow": Idea(replace(XGBOOST, trees=200, learning_rate=0.04, tree_features=0.3)),
    "half rows per tree": Idea(learner=boosted(subsample=0.5, colsample_bynode=0.4)),
    "pseudo-Huber": Idea(
        learner=boosted(objective="reg:pseudohubererror", huber_slope=HUBER_SLOPE)
    ),
    "monotone": Idea(replace(XGBOOST, target="direct"), learner=rising),
    "all residual": Idea(replace(XGBOOST, direct=())),
    "all direct": Idea(replace(XGBOOST, target="direct")),
    "no baseline": Idea(replace(XGBOOST, target="direct", process_predictors=False)),
    "conditioned respiration": Idea(replace(XGBOOST, respiration="conditioned_q10")),
    "conditioned, RECO residual": Idea(
        replace(XGBOOST, respiration="conditioned_q10", direct=("NEE",))
    ),
    "soil and vegetation models": Idea(more=at_places),
    "productivity": Idea(more=productivity),
    "departures": Idea(more=departures),
    "PT-JPL as baseline": Idea(process=BaselineOptions(latent_heat="pt_jpl")),
    "PT-JPL as predictor": Idea(more=jpl),
    "GPP out of fold": Idea(with_predicted=("GPP",)),
    "GPP and LE out of fold": Idea(with_predicted=("GPP", "LE")),
    "cascade": Idea(replace(XGBOOST, model="cascade")),
    "random forest": Idea(replace(XGBOOST, model="random_forest")),
    "extra trees": Idea(replace(XGBOOST, model="extra_trees")),
    "extra trees, root weights": Idea(replace(XGBOOST, model="extra_trees", weighting="root")),
    "lightgbm": Idea(replace(XGBOOST, model="lightgbm")),
    "catboost": Idea(replace(XGBOOST, model="catboost", trees=200)),
    "kernel": Idea(replace(XGBOOST, model="kernel")),
    "kernel, root weights": Idea(replace(XGBOOST, model="kernel", weighting="root")),
    "kernel, places": Idea(replace(XGBOOST, model="kernel"), more=at_places),
    "blend": Idea(replace(XGBOOST, model="blend")),
    "stack": Idea(replace(XGBOOST, model="stack")),
    "stack, ridge": Idea(
        replace(XGBOOST, model="stack", stack=StackOptions(weights="ridge"))
    ),
    "network": Idea(replace(XGBOOST, model="neural")),
}  # fmt: skip


def main() -> None:
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    table = training_table(read_fluxnet(given.towers))
    _NAMES[:] = table.spec.names
    if given.idea == "choose":
        print(choose(table, given.out, given.seeds).round(3).to_string())
        return
    if given.idea == "table":
        print(summary(pd.read_csv(given.out / "ablation.csv")))
        return
    places = None if given.places is None else xr.load_dataset(given.places)
    for seed in given.seeds:
        file = file_of(given.out, given.idea, seed)
        if file.exists():
            continue
        start = time.process_time()
        if given.idea.startswith("mean: "):
            predicted = mean_of(given.idea.removeprefix("mean: ").split(" + "), given.out, seed)
        else:
            options = {"seed": seed, "members": given.members}
            predicted = run(table, IDEAS[given.idea], options, (given.folds, places))
        np.savez(file, **predicted)
        _append(scores(table, predicted).assign(
            idea=given.idea, seed=seed, seconds=round(time.process_time() - start)
        ), given.out / "ablation.csv")  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towers", type=Path)
    parser.add_argument("idea")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--places", type=Path)
    return parser.parse_args()


def run(
    table: TrainingTable,
    idea: Idea,
    chosen: dict[str, int],
    given: tuple[int, xr.Dataset | None],
) -> Predictions:
    """Predict all rows out of fold, (row,) for each flux; folds and maps are given."""
    folds, places = given
    options = replace(idea.options, **chosen)
    how = ValidationOptions(folds=folds, members=options.members, workers=1)
    if idea.more is not None:
        columns = idea.more(table, places).astype(np.float32)
        table = replace(table, predictors=np.column_stack([table.predictors, columns]))
    with _in_place(idea):
        if idea.with_predicted:
            return with_predicted_fluxes(table, options, idea.with_predicted, folds)
        held_out = cross_validate(table, "tower", options, how).sel(source="refined")
        return {name: table.take(held_out[name]) for name in FLUXES}


@contextmanager
def _in_place(idea: Idea) -> Iterator[None]:
    """Put learner and baseline of an idea where the package has its own."""
    before = registry.LEARNERS["xgboost"], tables.baseline
    if idea.learner is not None:
        registry.LEARNERS["xgboost"] = idea.learner
    if idea.process is not None:
        tables.baseline = partial(baseline, options=idea.process)
    try:
        yield
    finally:
        registry.LEARNERS["xgboost"], tables.baseline = before


def with_predicted_fluxes(
    table: TrainingTable, options: RefineOptions, names: tuple[str, ...], folds: int
) -> Predictions:
    """Let other fluxes see what is predicted of some, in training for towers not seen either."""
    fold = split_folds(table.towers, table.site, split="tower", folds=folds, seed=options.seed)
    found = {name: np.full(len(fold), np.nan) for name in FLUXES}
    few = replace(options, members=1)
    for number in range(folds):
        out = fold == number
        shown = np.full((len(fold), len(names)), np.nan)
        inner = np.where(out, -1, fold % INNER)
        for part in range(-1, INNER):
            rows = inner == part
            for name, values in _predict(_fluxes(table, names), ~out & ~rows, rows, few).items():
                shown[rows, names.index(name)] = values
        more = np.column_stack([table.predictors, shown]).astype(np.float32)
        wider = replace(table, predictors=more)
        for name, values in _predict(wider, ~out, out, options).items():
            found[name][out] = values
    return found


def _fluxes(table: TrainingTable, names: tuple[str, ...]) -> TrainingTable:
    """RECO stays: the respiration of the baseline is fitted to it."""
    kept = {name: table.observed[name] for name in FLUXES if name in (*names, "RECO")}
    return replace(table, observed=kept)


def _predict(
    table: TrainingTable, seen: np.ndarray, rows: np.ndarray, options: RefineOptions
) -> Predictions:
    fit = fit_rows(table, seen, options, [options.seed])
    process = {name: values[rows] for name, values in table.baseline(fit.parameters).items()}
    predicted = predict_rows(fit, process, table.predictors[rows], options)
    wanted = [name for name in predicted if name in table.observed]
    return {name: predicted[name].mean(axis=0) for name in wanted}


def file_of(folder: Path, idea: str, seed: int) -> Path:
    """Where the predictions of an idea are kept."""
    return folder / f"{re.sub(r'[^A-Za-z]+', '_', idea)}-{seed}.npz"


def mean_of(ideas: list[str], folder: Path, seed: int) -> Predictions:
    """Average what several ideas predicted; "NEE" is learned directly by each."""
    parts = [np.load(file_of(folder, idea, seed)) for idea in ideas]
    return {name: np.mean([part[name] for part in parts], axis=0) for name in FLUXES}


def scores(table: TrainingTable, predicted: Predictions) -> pd.DataFrame:
    """r2 and RMSE of each flux over all rows, and r2 of the means of towers."""
    shown = dict(predicted)
    difference = predicted["RECO"] - predicted["GPP"]
    shown |= {
        "NEE as RECO - GPP": difference,
        "NEE, mean of both": (difference + predicted["NEE"]) / 2,
    }
    rows = []
    for name, values in shown.items():
        observed = table.observed[name[:3] if name.startswith("NEE") else name]
        known = np.isfinite(observed) & np.isfinite(values)
        by_tower = pd.DataFrame({"o": observed[known], "p": values[known]}).groupby(
            table.site[known]).mean()  # fmt: skip
        rows.append((name, r2(observed[known], values[known]), r2(by_tower.o, by_tower.p),
                     np.sqrt(np.mean((observed - values)[known] ** 2))))  # fmt: skip
    return pd.DataFrame(rows, columns=["flux", "r2", "r2_of_tower_means", "rmse"])


def r2(observed: np.ndarray, modelled: np.ndarray) -> float:
    return float(
        1.0 - ((observed - modelled) ** 2).sum() / ((observed - observed.mean()) ** 2).sum()
    )


def summary(rows: pd.DataFrame) -> str:
    """Mean r2 of each idea over its seeds, and what it gains over XGBoost on the same seeds."""
    lines = ["| idea | seeds | GPP | RECO | NEE | LE |", "| --- | --- | --- | --- | --- | --- |"]
    wide = rows.pivot_table(index=["idea", "seed"], columns="flux", values="r2")[list(FLUXES)]
    plain = wide.xs("xgboost")
    spread = plain.std()
    for idea, found in wide.groupby("idea", sort=False):
        own = found.droplevel("idea")
        gain = (own - plain.loc[plain.index.intersection(own.index)]).mean()
        cells = [f"{own[name].mean():.3f} ({gain[name]:+.3f})" for name in FLUXES]
        lines.append(f"| {idea} | {len(own)} | " + " | ".join(cells) + " |")
    lines.append("| *spread of XGBoost over seeds* | " + f"{len(plain)} | "
                 + " | ".join(f"{spread[name]:.3f}" for name in FLUXES) + " |")  # fmt: skip
    return "\n".join(lines)


def choose(table: TrainingTable, folder: Path, seeds: list[int]) -> pd.DataFrame:
    """Choose a mean of ideas for all fluxes on one half of the towers, score it on the other."""
    sums = [list(c) for n in range(1, len(CANDIDATES) + 1)
            for c in itertools.combinations(CANDIDATES, n)]  # fmt: skip
    rows = []
    for seed in seeds:
        half = np.random.default_rng(seed).permutation(table.towers.sizes["site"])[table.site] % 2
        for chosen_on in (0, 1):
            skill = {tuple(each): _skill(table, mean_of(each, folder, seed), half == chosen_on)
                     for each in sums}  # fmt: skip
            best = max(skill, key=lambda each: np.mean(list(skill[each].values())))
            for label, each in (("chosen", best), ("plain", ("xgboost",))):
                other = _skill(table, mean_of(list(each), folder, seed), half != chosen_on)
                rows.append({"seed": seed, "half": chosen_on, "what": label,
                             "parts": " + ".join(each), **other})  # fmt: skip
    return pd.DataFrame(rows)


def _skill(table: TrainingTable, predicted: Predictions, rows: np.ndarray) -> dict[str, float]:
    found = {}
    for name in FLUXES:
        known = rows & np.isfinite(table.observed[name]) & np.isfinite(predicted[name])
        values = np.maximum(predicted[name], 0.0) if name in NOT_NEGATIVE else predicted[name]
        found[name] = r2(table.observed[name][known], values[known])
    return found


def _append(rows: pd.DataFrame, path: Path) -> None:
    rows.to_csv(path, mode="a", header=not path.exists(), index=False)
    print(rows.round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
