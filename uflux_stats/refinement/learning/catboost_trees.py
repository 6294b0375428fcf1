"""Boosted symmetric trees, all nodes of a level sharing one split, grown by CatBoost."""

import json
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uflux_stats.errors import MissingExtraError
from uflux_stats.refinement.learning.drawing import drawn
from uflux_stats.refinement.learning.lesson import Lesson
from uflux_stats.refinement.learning.models import Trees
from uflux_stats.refinement.learning.trees import LEAF, Tree, booster_of, constant_tree
from uflux_stats.refinement.options import RefineOptions


def fit_catboost(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    """Boost symmetric trees.

    Raises
    ------
    MissingExtraError
        If CatBoost is not installed.

    References
    ----------
    Prokhorenkova et al. (2018), CatBoost: unbiased boosting with categorical features,
    NeurIPS 31.
    """
    try:
        library = import_module("catboost")
    except ImportError as error:
        raise MissingExtraError("catboost", "learners") from error
    members = []
    for number in range(options.members):
        seen, columns, rng = drawn(lesson, options, [*seed, number])
        grown = library.CatBoostRegressor(
            iterations=options.trees,
            depth=options.depth,
            learning_rate=options.learning_rate,
            rsm=options.tree_features,
            border_count=options.bins,
            random_seed=int(rng.integers(2**31)),
            thread_count=1,
            verbose=False,
            allow_writing_files=False,
        ).fit(seen.table, seen.target, sample_weight=seen.weight)
        members.append(booster_of(_trees(_exported(grown), columns), lesson.table.shape[1]))
    return Trees(members)


def _exported(grown: Any) -> dict[str, Any]:
    """Take a model out of the library, which hands it over as a file only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        grown.save_model(str(path), format="json")
        model: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return model


def _trees(model: dict[str, Any], columns: NDArray[np.intp]) -> list[Tree]:
    scale, (bias,) = model["scale_and_bias"]
    treatment = {
        feature["feature_index"]: feature["nan_value_treatment"]
        for feature in model["features_info"]["float_features"]
    }
    grown = [_tree(one, columns, treatment, scale) for one in model["oblivious_trees"]]
    rows = float(np.sum(model["oblivious_trees"][0]["leaf_weights"]))
    return [constant_tree(bias, rows), *grown]


def _tree(
    stored: dict[str, Any], columns: NDArray[np.intp], treatment: dict[int, str], scale: float
) -> Tree:
    """Lay a symmetric tree out as a full one: the first split is the lowest bit of the leaf."""
    splits = (stored["splits"] or [])[::-1]
    inner = 2 ** len(splits) - 1
    size = 2 * inner + 1
    level = np.floor(np.log2(np.arange(1, inner + 1))).astype(int)
    feature = np.array([split["float_feature_index"] for split in splits], int)
    border = np.array([split["border"] for split in splits], np.float32)
    low = np.array([treatment[number] != "AsTrue" for number in feature], bool)
    first = np.arange(inner)
    cover = np.concatenate([np.zeros(inner), stored["leaf_weights"]])
    for node in first[::-1]:
        cover[node] = cover[2 * node + 1] + cover[2 * node + 2]
    value = np.concatenate([np.zeros(inner), scale * np.array(stored["leaf_values"])])
    return Tree(
        left=np.concatenate([2 * first + 1, np.full(inner + 1, LEAF)]),
        right=np.concatenate([2 * first + 2, np.full(inner + 1, LEAF)]),
        feature=_padded(columns[feature[level]], size),
        # a value goes right if it is above the border, not at it
        threshold=_padded(np.nextafter(border, np.float32(np.inf))[level], size),
        missing_left=_padded(low[level], size),
        value=value,
        gain=_gain(value, cover, inner),
        cover=cover,
    )


def _padded(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Append zeros for the leaves."""
    return np.concatenate([values, np.zeros(size - len(values), values.dtype)])


def _gain(
    value: NDArray[np.float64], cover: NDArray[np.float64], inner: int
) -> NDArray[np.float64]:
    """Tell what each split takes from the weighted variance of the leaves below it."""
    total, square = cover * value, np.zeros(len(value))
    np.divide(total**2, cover, out=square, where=cover > 0.0)
    gain = np.zeros(len(value))
    for node in range(inner - 1, -1, -1):
        children = [2 * node + 1, 2 * node + 2]
        total[node] = total[children].sum()
        square[node] = total[node] ** 2 / cover[node] if cover[node] > 0.0 else 0.0
        gain[node] = max(square[children].sum() - square[node], 0.0)
    return gain
