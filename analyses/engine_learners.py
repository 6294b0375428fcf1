"""Learners that the package does not have, for ``engine_ablation.py``: tried, and told in the docs.

Each is a ``Learner`` of one flux, or teaches all fluxes together (``Together``).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xgboost as xgb
from scipy.linalg import cho_factor, cho_solve
from sklearn.ensemble import ExtraTreesRegressor

from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.learners import Table
from uflux_stats.refinement.learning.drawing import drawn
from uflux_stats.refinement.learning.folds import Learner
from uflux_stats.refinement.learning.lesson import Lesson, Values
from uflux_stats.refinement.learning.models import Trees
from uflux_stats.refinement.learning.registry import fit_xgboost

NAMES: list[str] = []
"""Names of the predictors, without those of the baseline, which stand behind them."""
Together = Callable[[Table, Values, Values, Table, RefineOptions], Values]
"""Predictors, fluxes (row, flux) and weights; predicts fluxes of other rows, (row, flux)."""


def boosted(*, tower: float | None = None, **settings: object) -> Learner:
    """XGBoost with settings of its own that no option of the package has.

    With ``tower``, the variance of a tower's own error over that of its months, squared errors are
    weighed by the inverse of their covariance: errors of one tower go together, so that its mean
    counts little more than once however long the record (generalised least squares; Sigrist 2022,
    Gaussian process boosting; Hajjem et al. 2014, doi 10.1080/00949655.2012.741599).
    """

    def learn(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
        members = []
        for number in range(options.members):
            rows = replace(options, feature_fraction=1.0)
            seen, _, rng = drawn(lesson, rows, [*seed, number])
            given = {
                "max_depth": options.depth, "eta": options.learning_rate,
                "min_child_weight": options.min_weight, "max_bin": options.bins,
                "colsample_bytree": options.tree_features * options.feature_fraction,
                "base_score": float(np.average(seen.target, weights=seen.weight)),
                "nthread": 1, "seed": int(rng.integers(2**31)),
            }  # fmt: skip
            matrix = xgb.QuantileDMatrix(
                seen.table, seen.target, weight=seen.weight, max_bin=options.bins, nthread=1
            )
            loss = None if tower is None else _tower_loss(seen, tower)
            members.append(
                xgb.train(given | settings, matrix, num_boost_round=options.trees, obj=loss)
            )
        return Trees(members)

    return learn


def _tower_loss(lesson: Lesson, ratio: float):  # type: ignore[no-untyped-def]
    """Gradient of squared errors less the share of each tower's mean that is its own effect."""
    _, number, count = np.unique(lesson.tower, return_inverse=True, return_counts=True)
    share = count * ratio / (1.0 + count * ratio)

    def loss(predicted: Values, _: xgb.DMatrix) -> tuple[Values, Values]:
        left = lesson.target - predicted
        effect = share * np.bincount(number, left) / count
        return effect[number] - left, np.ones(len(left))

    return loss


def rising(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    """GPP and RECO that rise with light, absorbed light and temperature."""
    signs = [0] * lesson.table.shape[1]
    for name in ("SWIN", "APAR", "TA"):
        signs[NAMES.index(name)] = 1
    chosen = signs if lesson.target.mean() > 0.0 else [0] * len(signs)
    return boosted(monotone_constraints=tuple(chosen))(lesson, options, seed)


class Apart:
    """The mean of a tower by a kernel on what belongs to its place, and departures by trees."""

    trees: list[xgb.Booster] = []  # noqa: RUF012

    def __init__(self, place: "Place", departures: Trees) -> None:
        self.place, self.departures, self.width = place, departures, departures.width

    def predict(self, table: Table, *, threads: int = 1) -> Table:
        """Predict with every member, (member, row)."""
        mean = self.place.predict(table)
        return np.asarray(mean + self.departures.predict(table, threads=threads), np.float32)

    def importance(self) -> Values:
        """Share of each predictor in the departures."""
        return self.departures.importance()


class Place:
    """Kernel ridge regression of the means of towers on the means of their predictors."""

    RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0)
    LENGTHS = (0.5, 1.0, 2.0)

    def __init__(self, lesson: Lesson) -> None:
        _, number, count = np.unique(lesson.tower, return_inverse=True, return_counts=True)
        self.columns = np.array([place_like(name) for name in NAMES]
                                + [False] * (lesson.table.shape[1] - len(NAMES)))  # fmt: skip
        rows = np.nan_to_num(lesson.table[:, self.columns])
        means = np.stack([np.bincount(number, column) / count for column in rows.T], axis=1)
        self.centre, self.spread = means.mean(axis=0), means.std(axis=0) + 1e-9
        self.points = (means - self.centre) / self.spread
        target = np.bincount(number, lesson.target) / count
        self.mean = target.mean()
        self._solve(target - self.mean, 1.0 + 12.0 / count)

    def _solve(self, target: Values, noise: Values) -> None:
        """Take length and ridge that predict each tower best from the others, in closed form."""
        best = np.inf
        for length in self.LENGTHS:
            kernel = self._kernel(self.points, length)
            for ridge in self.RIDGES:
                inverse = cho_solve(
                    cho_factor(kernel + ridge * np.diag(noise)), np.eye(len(target))
                )
                height = inverse @ target
                error = np.mean((height / np.diag(inverse)) ** 2)
                if error < best:
                    best, self.height, self.length = error, height, length

    def _kernel(self, rows: Values, length: float) -> Values:
        apart = ((rows[:, np.newaxis] - self.points) ** 2).mean(axis=2)
        return np.exp(-0.5 * apart / length**2)

    def predict(self, table: Table) -> Values:
        """Predict the mean of the tower of each row, (row,)."""
        rows = (np.nan_to_num(table[:, self.columns]) - self.centre) / self.spread
        places, where = np.unique(np.clip(rows, -4.0, 4.0), axis=0, return_inverse=True)
        return np.asarray((self.mean + self._kernel(places, self.length) @ self.height)[where])


def place_like(name: str) -> bool:
    """Tell whether a predictor belongs to the place and not to the month."""
    return name.endswith(("_mean", "_range", "_max")) or name.startswith(("C4", "IGBP", "KOPPEN"))


def apart(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Apart:
    """Learn means of towers and the departures from them, each by what suits it."""
    _, number, count = np.unique(lesson.tower, return_inverse=True, return_counts=True)
    mean = np.bincount(number, lesson.target) / count
    departures = replace(lesson, target=lesson.target - mean[number])
    return Apart(Place(lesson), fit_xgboost(departures, options, seed))


def extra_trees_together(
    rows: Table, fluxes: Values, weight: Values, others: Table, options: RefineOptions
) -> Values:
    """Extremely randomised trees whose leaves hold all fluxes."""
    forest = ExtraTreesRegressor(
        n_estimators=options.members * options.forest.trees,
        min_samples_leaf=options.forest.least_rows,
        max_features=options.feature_fraction * options.forest.features,
        random_state=options.seed,
    )
    predicted: Values = forest.fit(rows, fluxes, sample_weight=weight).predict(others)
    return predicted


def boosted_together(
    rows: Table, fluxes: Values, weight: Values, others: Table, options: RefineOptions
) -> Values:
    """XGBoost whose leaves hold all fluxes."""
    rng = np.random.default_rng(options.seed)
    total = np.zeros((len(others), fluxes.shape[1]))
    for _ in range(options.members):
        own = rng.permutation(len(rows))[: round(options.row_fraction * len(rows))]
        matrix = xgb.QuantileDMatrix(
            rows[own], fluxes[own], weight=weight[own], max_bin=options.bins, nthread=1
        )
        given = {
            "max_depth": options.depth, "eta": options.learning_rate, "max_bin": options.bins,
            "min_child_weight": options.min_weight, "multi_strategy": "multi_output_tree",
            "colsample_bytree": options.tree_features * options.feature_fraction,
            "tree_method": "hist", "nthread": 1, "seed": int(rng.integers(2**31)),
        }  # fmt: skip
        total += xgb.train(given, matrix, num_boost_round=options.trees).inplace_predict(others)
    return total / options.members
