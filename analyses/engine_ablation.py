"""What each idea does to the skill at towers that the fit has not seen.

    python analyses/engine_ablation.py FLUXNET_FOLDER IDEA --out FOLDER [--seeds 0 1]
                                       [--members 4] [--folds 20] [--places FILE]
    python analyses/engine_ablation.py FLUXNET_FOLDER table --out FOLDER [--seeds 0 1]
    python analyses/engine_ablation.py FLUXNET_FOLDER "distance: IDEA + IDEA" --out FOLDER
    python analyses/engine_ablation.py FLUXNET_FOLDER "towers: IDEA + IDEA" --out FOLDER
    python analyses/engine_ablation.py FLUXNET_FOLDER choose --out FOLDER

Groups of whole towers are held out; a seed deals the towers out and draws the members, so that the
spread over seeds holds both. IDEA is one of ``engine_ideas.py``. What it predicts for held-out
towers is kept in FOLDER, a row for each flux and seed is appended to ``ablation.csv``, and what is
there already is not computed again. The rest reads what is kept: "table" prints what all ideas and
some means of them did beside XGBoost; "distance" how a mean of ideas compares with XGBoost near
and far from towers; "towers" which towers cost a mean of ideas most; "choose" picks the best mean
of ideas on one half of the towers and scores it on the other. PLACES is a NetCDF file of maps on
(lat, lon), whose values at the towers are more predictors.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import engine_learners as learners
import numpy as np
import xarray as xr
from engine_ideas import IDEAS, Given, Idea
from engine_scores import (
    MEANS,
    Predictions,
    by_distance,
    by_tower,
    choose,
    file_of,
    scores,
    summary,
    told,
)

from uflux_stats.baselines import baseline
from uflux_stats.io.fluxnet import read_fluxnet
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate, split_folds
from uflux_stats.refinement import table as tables
from uflux_stats.refinement.fitting import fit_rows, predict_rows, with_process
from uflux_stats.refinement.learning import registry
from uflux_stats.refinement.learning.lesson import row_weights
from uflux_stats.refinement.table import TrainingTable, training_table
from uflux_stats.schema import FLUXES

FOLDS, INNER = 20, 5


def main() -> None:
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    table = training_table(read_fluxnet(given.towers))
    learners.NAMES[:] = table.spec.names
    if given.idea == "choose":
        print(told(choose(table, given.out, given.seeds)))
    elif given.idea == "table":
        print(summary(table, given.out, [*IDEAS, *MEANS], given.seeds))
    elif given.idea.startswith("distance: "):
        ideas = given.idea.removeprefix("distance: ")
        found = by_distance(table, given.out, ideas, given.seeds, given.folds)
        print(found.round(3).to_string(index=False))
    elif given.idea.startswith("towers: "):
        ideas = given.idea.removeprefix("towers: ")
        found = by_tower(table, given.out, ideas, given.seeds)
        print(found.round(3).to_string(index=False))
    else:
        files = Given(given.towers, None if given.places is None else xr.load_dataset(given.places))
        for seed in given.seeds:
            if not file_of(given.out, given.idea, seed).exists():
                chosen = {"seed": seed, "members": given.members}
                _try(table, given.idea, chosen, (given.folds, files), given.out)


def _try(
    table: TrainingTable, name: str, chosen: dict[str, int], given: tuple[int, Given], out: Path
) -> None:
    start = time.process_time()
    predicted = run(table, IDEAS[name], chosen, given)
    seconds = round(time.process_time() - start)
    np.savez(file_of(out, name, chosen["seed"]), **predicted)
    rows = scores(table, predicted).assign(idea=name, seed=chosen["seed"], seconds=seconds)
    path = out / "ablation.csv"
    rows.to_csv(path, mode="a", header=not path.exists(), index=False)
    print(rows.round(3).to_string(index=False), flush=True)


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
    table: TrainingTable, idea: Idea, chosen: dict[str, int], given: tuple[int, Given]
) -> Predictions:
    """Predict all rows out of fold, (row,) for each flux; folds and files are given."""
    folds, files = given
    options = replace(idea.options, **chosen)
    options = replace(options, members=idea.times * options.members)
    how = ValidationOptions(folds=folds, members=options.members, workers=1)
    if idea.more is not None:
        columns = idea.more(table, files).astype(np.float32)
        table = replace(table, predictors=np.column_stack([table.predictors, columns]))
    with _in_place(idea):
        if idea.with_predicted:
            return with_predicted_fluxes(table, options, idea.with_predicted, folds)
        if idea.together is not None:
            return by_fold(table, options, folds, partial(_together, learn=idea.together))
        if idea.taught is not None:
            return by_fold(table, options, folds, partial(_taught, taught=idea.taught(files)))
        held_out = cross_validate(table, "tower", options, how).sel(source="refined")
        return {name: table.take(held_out[name]) for name in FLUXES}


def by_fold(
    table: TrainingTable,
    options: RefineOptions,
    folds: int,
    predict: Callable[[TrainingTable, np.ndarray, RefineOptions], Predictions],
) -> Predictions:
    """Predict the rows of each fold by what has not seen them."""
    fold = split_folds(table.towers, table.site, split="tower", folds=folds, seed=options.seed)
    found = {name: np.full(len(fold), np.nan) for name in FLUXES}
    for number in range(folds):
        out = fold == number
        for name, values in predict(table, out, options).items():
            found[name][out] = values
    return found


def _together(
    table: TrainingTable, out: np.ndarray, options: RefineOptions, *, learn: learners.Together
) -> Predictions:
    """Learn all fluxes together from the months that have them all, each of variance one."""
    few = replace(options, members=1, trees=1, model="xgboost")
    process = table.baseline(fit_rows(table, ~out, few, [options.seed]).parameters)
    start = np.stack([process[n] if options.is_residual(n) else np.zeros(len(out)) for n in FLUXES])
    target = (np.stack([table.observed[name] for name in FLUXES]) - start).T
    seen = ~out & np.isfinite(target).all(axis=1)
    centre, spread = target[seen].mean(axis=0), target[seen].std(axis=0)
    rows = with_process(table.predictors, process, options)
    weight = row_weights(table.site[seen], options.weighting)
    learned = learn(rows[seen], (target[seen] - centre) / spread, weight, rows[out], options)
    return dict(zip(FLUXES, (learned * spread + centre).T + start[:, out], strict=True))


def _taught(
    table: TrainingTable, out: np.ndarray, options: RefineOptions, *, taught: TrainingTable
) -> Predictions:
    """Learn from another table, without the towers held out."""
    seen = ~np.isin(taught.sites, np.unique(table.sites[out]))
    fit = fit_rows(taught, seen, options, [options.seed])
    process = {name: values[out] for name, values in table.baseline(fit.parameters).items()}
    predicted = predict_rows(fit, process, table.predictors[out], options)
    return {name: predicted[name].mean(axis=0) for name in FLUXES}


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
    few = replace(options, members=1)

    def predict(table: TrainingTable, out: np.ndarray, options: RefineOptions) -> Predictions:
        shown = np.full((len(out), len(names)), np.nan)
        inner = np.where(out, -1, fold % INNER)
        for part in range(-1, INNER):
            rows = inner == part
            found = _predict(_fluxes(table, names), ~out & ~rows, rows, few)
            shown[rows] = np.column_stack([found[name] for name in names])
        more = np.column_stack([table.predictors, shown]).astype(np.float32)
        return _predict(replace(table, predictors=more), ~out, out, options)

    return by_fold(table, options, folds, predict)


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


if __name__ == "__main__":
    main()
