"""Random forests and extremely randomised trees, grown by scikit-learn."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import xgboost as xgb

from uflux_stats.refinement.learning.drawing import drawn
from uflux_stats.refinement.learning.lesson import Lesson
from uflux_stats.refinement.learning.models import Trees
from uflux_stats.refinement.learning.trees import LEAF, Tree, below_or_at, booster_of
from uflux_stats.refinement.options import RefineOptions


def fit_random_forest(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    """Grow trees on resampled rows, each split the best of some predictors.

    References
    ----------
    Breiman (2001), doi 10.1023/A:1010933404324.
    """
    return _fit("RandomForestRegressor", lesson, options, seed)


def fit_extra_trees(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    """Grow trees whose splits are the best of random ones, one for each of some predictors.

    References
    ----------
    Geurts, Ernst and Wehenkel (2006), doi 10.1007/s10994-006-6226-1.
    """
    return _fit("ExtraTreesRegressor", lesson, options, seed)


def _fit(kind: str, lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    # scikit-learn takes a second to import
    grower = getattr(import_module("sklearn.ensemble"), kind)
    members = []
    for number in range(options.members):
        seen, columns, rng = drawn(lesson, options, [*seed, number])
        forest = grower(
            n_estimators=options.forest.trees,
            min_samples_leaf=options.forest.least_rows,
            max_features=options.forest.features,
            random_state=int(rng.integers(2**31)),
            n_jobs=1,
        ).fit(seen.table, seen.target, sample_weight=seen.weight)
        members.append(_booster(forest, columns, lesson.table.shape[1]))
    return Trees(members)


def _booster(forest: Any, columns: np.ndarray[Any, np.dtype[np.intp]], width: int) -> xgb.Booster:
    """Write a forest as a booster: the mean of its trees is the sum of their shares."""
    share = 1.0 / len(forest.estimators_)
    return booster_of([_tree(one.tree_, columns, share) for one in forest.estimators_], width)


def _tree(grown: Any, columns: np.ndarray[Any, np.dtype[np.intp]], share: float) -> Tree:
    left, right = grown.children_left, grown.children_right
    leaf = left == LEAF
    spread = grown.impurity * grown.weighted_n_node_samples
    gain = np.where(leaf, 0.0, spread - spread[left] - spread[right])
    return Tree(
        left=left,
        right=right,
        feature=columns[np.where(leaf, 0, grown.feature)],
        threshold=below_or_at(grown.threshold),
        missing_left=grown.missing_go_to_left.astype(bool),
        value=share * grown.value.ravel(),
        gain=share * share * gain,
        cover=grown.weighted_n_node_samples,
    )
