"""Trees of any library as boosters of XGBoost: one file format, one prediction, exact SHAP values.

A tree is a tree: a split sends a row left or right, a leaf has a value, and the prediction is a sum
of leaves. What another library grew is written in XGBoost's own model format, so that a fitted
refiner is loaded, applied and explained without that library.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from uflux_stats.refinement.learners import Ensemble

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
_NO_PARENT: Final = 2**31 - 1
LEAF: Final = -1
"""As the child of a node: there is none."""


@dataclass(frozen=True)
class Tree:
    """One tree; node 0 is its root.

    Attributes
    ----------
    left, right : array of int, (node,)
        Children; ``LEAF`` for both at a leaf.
    feature : array of int, (node,)
    threshold : array, (node,)
        A row with a value below it goes left; in float32 as the predictors are.
    missing_left : array of bool, (node,)
        Whether a row without the value goes left.
    value : array, (node,)
        Of a leaf, in the unit of the prediction; of no meaning elsewhere.
    gain : array, (node,)
        What a split gained, in any unit common to all trees; zero at leaves.
    cover : array, (node,)
        Weight of the training rows that reach a node.
    """

    left: Numbers
    right: Numbers
    feature: Numbers
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    value: Floats
    gain: Floats
    cover: Floats


def constant_tree(value: float, cover: float) -> Tree:
    """Return the tree of one leaf."""
    one = np.zeros(1)
    return Tree(
        left=np.full(1, LEAF), right=np.full(1, LEAF), feature=np.zeros(1, np.int64),
        threshold=one.astype(np.float32), missing_left=np.zeros(1, bool),
        value=one + value, gain=one, cover=one + cover,
    )  # fmt: skip


def below_or_at(threshold: Floats) -> NDArray[np.float32]:
    """Turn "up to and with" into "below", exactly, for values in float32.

    Examples
    --------
    The float32 that is called 0.1 is more than 0.1; the one before is less:

    >>> values = np.nextafter(np.float32(0.1), np.float32([0.0, 0.1]))
    >>> (values < below_or_at(np.array([0.1]))).tolist()
    [True, False]
    """
    nearest = threshold.astype(np.float32)
    beyond = nearest.astype(np.float64) > threshold
    # the largest float32 that is not above the threshold, and the next one after it
    last = np.where(beyond, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return np.nextafter(last.astype(np.float32), np.float32(np.inf))


def booster_of(trees: Sequence[Tree], width: int) -> xgb.Booster:
    """Make a booster that predicts the sum of trees.

    Parameters
    ----------
    trees : sequence of Tree
    width : int
        Number of predictors.

    Returns
    -------
    xgboost.Booster
    """
    document = json.loads(_empty(width))
    ordered = [_siblings_together(tree) for tree in trees]
    return _filled(document, [_document(tree, width) for tree in ordered])


def weighted_sum(boosters: Sequence[xgb.Booster], weights: Sequence[float]) -> xgb.Booster:
    """Make the booster that predicts the weighted sum of boosters of the same predictors.

    Examples
    --------
    >>> twice = weighted_sum([booster_of([constant_tree(3.0, 1.0)], 1)], [2.0])
    >>> twice.inplace_predict(np.zeros((1, 1), np.float32)).tolist()
    [6.0]
    """
    width = boosters[0].num_features()
    stored = []
    for booster, weight in zip(boosters, weights, strict=True):
        learner = json.loads(booster.save_raw("json").decode())["learner"]
        start = _base_score(learner["learner_model_param"]["base_score"])
        grown = learner["gradient_booster"]["model"]["trees"]
        first = _document(constant_tree(start, grown[0]["sum_hessian"][0]), width)
        stored += [_scaled(tree, weight) for tree in (first, *grown)]
    return _filled(json.loads(_empty(width)), stored)


def weighted_sums(parts: Iterable[Ensemble], weights: Sequence[float]) -> Ensemble:
    """Sum ensembles member by member; see ``weighted_sum``."""
    return [weighted_sum(members, weights) for members in zip(*parts, strict=True)]


def _siblings_together(tree: Tree) -> Tree:
    """Order nodes by layers, since XGBoost takes the right child to follow the left one."""
    layers = [np.zeros(1, np.int64)]
    while layers[-1].size:
        inner = layers[-1][tree.left[layers[-1]] != LEAF]
        layers.append(np.stack([tree.left[inner], tree.right[inner]], axis=1).ravel())
    order = np.concatenate(layers)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    ordered = {field.name: getattr(tree, field.name)[order] for field in fields(tree)}
    for name in ("left", "right"):
        child = ordered[name]
        ordered[name] = np.where(child == LEAF, LEAF, place[child])
    return Tree(**ordered)


@cache
def _empty(width: int) -> str:
    """Model of a booster, whose trees are to be replaced, in the format of the XGBoost at hand."""
    rows = np.zeros((1, width), np.float32)
    parameters = {"base_score": 0.0, "nthread": 1, "max_depth": 1}
    booster = xgb.train(parameters, xgb.DMatrix(rows, [0.0], nthread=1), num_boost_round=1)
    return str(booster.save_raw("json").decode())


def _base_score(stored: str) -> float:
    """Read the constant that a booster starts from; newer versions write a list of one."""
    return float(stored.strip("[]"))


def _scaled(tree: dict[str, Any], weight: float) -> dict[str, Any]:
    """Multiply the leaves of a stored tree, and its gains as they follow: by the square."""
    leaf = np.array(tree["left_children"]) == LEAF
    kept = np.array(tree["split_conditions"], np.float32)
    changed = {
        "split_conditions": np.where(leaf, weight * kept, kept).tolist(),
        "base_weights": (weight * np.array(tree["base_weights"])).tolist(),
        "loss_changes": (weight * weight * np.array(tree["loss_changes"])).tolist(),
    }
    return tree | changed


def _filled(document: dict[str, Any], trees: list[dict[str, Any]]) -> xgb.Booster:
    model = document["learner"]["gradient_booster"]["model"]
    model["trees"] = [tree | {"id": number} for number, tree in enumerate(trees)]
    model["tree_info"] = [0] * len(trees)
    model["iteration_indptr"] = list(range(len(trees) + 1))
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    booster = xgb.Booster()
    booster.load_model(bytearray(json.dumps(document).encode()))
    return booster


def _document(tree: Tree, width: int) -> dict[str, Any]:
    """Write a tree as XGBoost does."""
    size = len(tree.left)
    leaf = tree.left == LEAF
    parents = np.full(size, _NO_PARENT)
    for children in (tree.left, tree.right):
        parents[children[~leaf]] = np.flatnonzero(~leaf)
    return {
        "left_children": tree.left.tolist(),
        "right_children": tree.right.tolist(),
        "parents": parents.tolist(),
        "split_indices": np.where(leaf, 0, tree.feature).tolist(),
        "split_conditions": np.where(leaf, tree.value, tree.threshold).tolist(),
        "default_left": tree.missing_left.astype(int).tolist(),
        "split_type": [0] * size,
        "base_weights": np.where(leaf, tree.value, 0.0).tolist(),
        "loss_changes": tree.gain.tolist(),
        "sum_hessian": tree.cover.tolist(),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(width),
            "num_nodes": str(size),
            "size_leaf_vector": "1",
        },
    }
