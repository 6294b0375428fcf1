"""Boosted trees grown leaf by leaf, with random splits, by LightGBM."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.errors import MissingExtraError
from uflux_stats.refinement.learning.drawing import drawn
from uflux_stats.refinement.learning.lesson import Lesson
from uflux_stats.refinement.learning.models import Trees
from uflux_stats.refinement.learning.trees import (
    LEAF,
    Tree,
    below_or_at,
    booster_of,
    constant_tree,
)
from uflux_stats.refinement.options import RefineOptions

LEAVES: Final = 31
LEAST_ROWS: Final = 40
"""In a leaf: months of a tower are alike, so that a few of them are no evidence."""


def fit_lightgbm(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    """Boost trees whose splits are the best of random ones.

    Raises
    ------
    MissingExtraError
        If LightGBM is not installed.

    References
    ----------
    Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree, NIPS 30.
    """
    try:
        library = import_module("lightgbm")
    except ImportError as error:
        raise MissingExtraError("lightgbm", "learners") from error
    width = lesson.table.shape[1]
    members = []
    for number in range(options.members):
        seen, columns, rng = drawn(lesson, options, [*seed, number])
        settings = _settings(options, int(rng.integers(2**31)))
        rows = library.Dataset(seen.table, seen.target, weight=seen.weight, params=settings)
        grown = library.train(settings, rows, options.trees).dump_model()["tree_info"]
        members.append(booster_of([_tree(one["tree_structure"], columns) for one in grown], width))
    return Trees(members)


def _settings(options: RefineOptions, seed: int) -> dict[str, Any]:
    return {
        "num_leaves": min(LEAVES, 2**options.depth),
        "max_depth": options.depth + 2,
        "learning_rate": options.learning_rate,
        "min_data_in_leaf": LEAST_ROWS,
        "feature_fraction": options.tree_features,
        "max_bin": options.bins,
        "extra_trees": True,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbose": -1,
    }


def _tree(root: dict[str, Any], columns: NDArray[np.intp]) -> Tree:
    """Lay a nested tree out in arrays, parents before children."""
    if "left_child" not in root:
        return constant_tree(root["leaf_value"], root.get("leaf_count", 1.0))
    nodes = [root]
    left, right = [], []
    for node in nodes:  # grows as children are met
        inner = "left_child" in node
        left.append(len(nodes) if inner else LEAF)
        right.append(len(nodes) + 1 if inner else LEAF)
        if inner:
            nodes += [node["left_child"], node["right_child"]]
    return Tree(
        left=np.array(left),
        right=np.array(right),
        feature=columns[[node.get("split_feature", 0) for node in nodes]],
        threshold=below_or_at(np.array([node.get("threshold", 0.0) for node in nodes])),
        missing_left=np.array([_missing_left(node) for node in nodes]),
        value=np.array([node.get("leaf_value", 0.0) for node in nodes]),
        gain=np.array([max(node.get("split_gain", 0.0), 0.0) for node in nodes]),
        cover=np.array(
            [node.get("internal_count", node.get("leaf_count")) for node in nodes], float
        ),
    )


def _missing_left(node: dict[str, Any]) -> bool:
    """Where a missing value goes; where training had none it is taken for zero."""
    if node.get("missing_type") == "NaN":
        return bool(node["default_left"])
    return bool(node.get("threshold", 0.0) >= 0.0)
