"""Scores of what ``engine_ablation.py`` predicted: by idea, by distance, and of a nested choice."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from uflux_stats.grid.distance import great_circle
from uflux_stats.refinement import split_folds
from uflux_stats.refinement.fitting import NOT_NEGATIVE
from uflux_stats.refinement.remoteness import km_classes
from uflux_stats.refinement.table import TrainingTable
from uflux_stats.schema import FLUXES

PLAIN = "xgboost"
CANDIDATES = (
    PLAIN,
    "extra trees, root weights",
    "extra trees, root weights, lean",
    "kernel, tower effect of 0.02",
    "LE directly",
    "kernel, tower effect, trend",
)
MEANS = (
    "xgboost + much randomised",
    "xgboost + extra trees, root weights",
    "xgboost + extra trees, root weights, lean",
    "xgboost + kernel, root weights",
    "xgboost + kernel, tower effect of 0.02",
    "xgboost + extra trees, root weights + kernel, tower effect of 0.02",
    "LE directly + kernel, tower effect, trend",
    "LE directly + extra trees, root weights + kernel, tower effect, trend",
    "LE directly + monotone + extra trees, root weights + kernel, tower effect, trend",
    "xgboost + much randomised + extra trees, root weights + kernel, tower effect of 0.02",
)
HALVES, DRAWS = 20, 500
Predictions = dict[str, np.ndarray]


def file_of(folder: Path, idea: str, seed: int) -> Path:
    """Where the predictions of an idea are kept."""
    return folder / f"{re.sub(r'[^A-Za-z0-9.]+', '_', idea)}-{seed}.npz"


def predictions(ideas: str, folder: Path, seed: int) -> Predictions:
    """Read what an idea predicted; of "A + B" the mean; "NEE" is learned directly by each."""
    parts = [np.load(file_of(folder, idea, seed)) for idea in ideas.split(" + ")]
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


def summary(table: TrainingTable, folder: Path, ideas: Sequence[str], seeds: Sequence[int]) -> str:
    """r2 of each idea, mean of its seeds; what each seed gains over XGBoost; tower means.

    Behind the gains stands their standard error over towers, mean of the seeds.
    """
    lines = ["| idea | GPP | RECO | NEE | LE | of tower means |", "| --- |" + " --- |" * 5]
    everything = np.ones(len(table.site), bool)
    for idea in ideas:
        files = {
            seed: [file_of(folder, part, seed) for part in idea.split(" + ")] for seed in seeds
        }
        found = [seed for seed, parts in files.items() if all(path.exists() for path in parts)]
        if not found:
            continue
        pairs = [[predictions(name, folder, seed) for name in (idea, PLAIN)] for seed in found]
        skill = [scores(table, own).set_index("flux") for own, _ in pairs]
        gained = [gains(table, (own, plain), everything).set_index("flux") for own, plain in pairs]
        cells = []
        for name in FLUXES:
            told = [f"{each.r2[name]:.3f}" for each in skill]
            if idea != PLAIN:
                each = ", ".join(f"{one.gain[name]:+.3f}" for one in gained)
                error = np.mean([one.error_gain[name] for one in gained])
                mean = np.mean([each.r2[name] for each in skill])
                told = [f"{mean:.3f} ({each}; ± {error:.3f})"]
            cells.append(", ".join(told))
        means = [np.mean([each.r2_of_tower_means[name] for each in skill]) for name in FLUXES]
        places = " ".join(f"{mean:.2f}" for mean in means)
        lines.append(f"| {idea} | " + " | ".join([*cells, places]) + " |")
    return "\n".join(lines)


def gains(
    table: TrainingTable, pair: tuple[Predictions, Predictions], rows: np.ndarray
) -> pd.DataFrame:
    """r2 of a pair of predictions in some rows, their difference, its standard error over towers.

    The error comes from resampling whole towers, the same for both.
    """
    rng = np.random.default_rng(0)
    found = []
    for name in FLUXES:
        observed = table.observed[name]
        known = rows & np.isfinite(observed) & np.isfinite(pair[0][name] + pair[1][name])
        sums = _sums(table.site[known], observed[known], [each[name][known] for each in pair])
        drawn = rng.integers(len(sums), size=(DRAWS, len(sums)))
        skill = _r2_of_sums(sums.sum(axis=0))
        resampled = np.array([_r2_of_sums(sums[draw].sum(axis=0)) for draw in drawn])
        error_gain = (resampled[:, 0] - resampled[:, 1]).std()
        found.append((name, *skill, skill[0] - skill[1], *resampled.std(axis=0), error_gain,
                      len(sums), int(known.sum())))  # fmt: skip
    columns = ["flux", "r2", "plain", "gain", "error", "error_plain", "error_gain", "towers",
               "months"]  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def _sums(site: np.ndarray, observed: np.ndarray, pair: list[np.ndarray]) -> np.ndarray:
    """Of each tower: months, sum and sum of squares of what was observed, squared errors."""
    _, number = np.unique(site, return_inverse=True)
    terms = [np.ones(len(site)), observed, observed**2, *((observed - p) ** 2 for p in pair)]
    return np.stack([np.bincount(number, term) for term in terms], axis=1)


def _r2_of_sums(sums: np.ndarray) -> np.ndarray:
    count, total, square, *errors = sums
    return 1.0 - np.array(errors) / (square - total**2 / count)


def by_distance(
    table: TrainingTable, folder: Path, ideas: str, seeds: Sequence[int], folds: int
) -> pd.DataFrame:
    """Compare with XGBoost in classes of the distance to the nearest tower learned from."""
    lat, lon = (np.deg2rad(table.towers[name].values.astype(float)) for name in ("lat", "lon"))
    apart = great_circle(lat[:, np.newaxis], lon[:, np.newaxis], lat, lon)
    found = []
    for seed in seeds:
        fold = split_folds(table.towers, table.site, split="tower", folds=folds, seed=seed)
        of_tower = np.full(len(lat), -1)
        of_tower[table.site] = fold
        others = (of_tower[:, np.newaxis] != of_tower) & (of_tower >= 0)
        far = np.where(others, apart, np.inf).min(axis=1)[table.site]
        pair = predictions(ideas, folder, seed), predictions(PLAIN, folder, seed)
        for name, rows in km_classes(far).items():
            found.append(gains(table, pair, rows).assign(distance=name, seed=seed))
    return pd.concat(found)


def by_tower(
    table: TrainingTable, folder: Path, ideas: str, seeds: Sequence[int], most: int = 5
) -> pd.DataFrame:
    """What the worst towers take from the r2 of a mean of ideas, and their means, mean of seeds."""
    found = []
    for name in FLUXES:
        observed = table.observed[name]
        predicted = np.mean([predictions(ideas, folder, seed)[name] for seed in seeds], axis=0)
        error = np.mean(
            [(observed - predictions(ideas, folder, seed)[name]) ** 2 for seed in seeds], axis=0
        )
        known = np.isfinite(observed)
        whole = ((observed[known] - observed[known].mean()) ** 2).sum()
        rows = pd.DataFrame({"tower": table.sites, "flux": name, "observed": observed,
                             "predicted": predicted, "of_r2": error / whole})[known]  # fmt: skip
        of_tower = rows.groupby(["flux", "tower"]).agg(
            months=("of_r2", "size"), observed=("observed", "mean"),
            predicted=("predicted", "mean"), of_r2=("of_r2", "sum"),
        )  # fmt: skip
        found.append(of_tower.nlargest(most, "of_r2").reset_index())
    return pd.concat(found)


def choose(table: TrainingTable, folder: Path, seeds: Sequence[int]) -> pd.DataFrame:
    """Choose a mean of ideas for all fluxes on half of the towers, score it on the other half.

    The halves are drawn anew many times; a gain of the chosen is what a choice is worth at towers
    that it has not seen.
    """
    candidates = [" + ".join(chosen) for number in range(1, len(CANDIDATES) + 1)
                  for chosen in itertools.combinations(CANDIDATES, number)]  # fmt: skip
    rows = []
    for seed in seeds:
        sums = {name: _all_sums(table, predictions(name, folder, seed)) for name in candidates}
        rng = np.random.default_rng(seed)
        for _ in range(HALVES):
            chosen_on = rng.permutation(table.towers.sizes["site"]) % 2 == 0
            skill = {name: _skill(found, chosen_on).mean() for name, found in sums.items()}
            best = max(skill, key=lambda name: skill[name])
            other, plain = (_skill(sums[name], ~chosen_on) for name in (best, PLAIN))
            gain = dict(zip(FLUXES, other - plain, strict=True))
            rows.append({"seed": seed, "chosen": best, "promised": skill[best] - skill[PLAIN],
                         **gain})  # fmt: skip
    return pd.DataFrame(rows)


def _all_sums(table: TrainingTable, predicted: Predictions) -> np.ndarray:
    """Sums of ``_sums`` for each flux and tower, (flux, tower, term)."""
    whole = np.zeros((len(FLUXES), table.towers.sizes["site"], 4))
    for flux, name in enumerate(FLUXES):
        values = np.maximum(predicted[name], 0.0) if name in NOT_NEGATIVE else predicted[name]
        known = np.isfinite(table.observed[name]) & np.isfinite(values)
        site = table.site[known]
        sums = _sums(site, table.observed[name][known], [values[known]])
        whole[flux, np.unique(site)] = sums
    return whole


def _skill(sums: np.ndarray, towers: np.ndarray) -> np.ndarray:
    return np.array([_r2_of_sums(of_flux[towers].sum(axis=0))[0] for of_flux in sums])


def told(choices: pd.DataFrame) -> str:
    """What a choice gained where it was not made, and what was chosen how often."""
    fluxes = choices[list(FLUXES)]
    found = pd.DataFrame({"gain": fluxes.mean(), "spread": fluxes.std(),
                          "share above 0": (fluxes > 0.0).mean()})  # fmt: skip
    promised = choices.promised.mean(), fluxes.mean(axis=1).mean()
    return (f"{found.round(3).to_string()}\nmean gain promised {promised[0]:.3f}, "
            f"kept {promised[1]:.3f}\n{choices.chosen.value_counts().to_string()}")  # fmt: skip
