"""The learner: an ensemble of gradient-boosted trees on a table of predictors."""

from collections.abc import Sequence

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from uflux_stats.refinement.options import RefineOptions

Table = NDArray[np.float32]
Ensemble = list[xgb.Booster]


def fit_ensemble(
    table: Table,
    target: NDArray[np.float64],
    options: RefineOptions,
    seed: Sequence[int],
    *,
    weight: NDArray[np.float64] | None = None,
) -> Ensemble:
    """Fit ``options.members`` models, each on its own draw of rows and features.

    Parameters
    ----------
    table : array, (row, feature)
        Predictors, missing values as NaN.
    target : array, (row,)
        What to learn; finite.
    options : RefineOptions
    seed : sequence of int
        With the number of the member it seeds all draws; one thread fits, so that the result does
        not depend on the machine.
    weight : array, (row,), optional [1]
        What a row counts; all alike by default.

    Returns
    -------
    list of xgboost.Booster
    """
    matrix = xgb.QuantileDMatrix(table, target, max_bin=options.bins, nthread=1)
    counts = np.ones(len(target), np.float32) if weight is None else weight.astype(np.float32)
    members = range(options.members)
    return [_fit_member(matrix, counts, options, [*seed, member]) for member in members]


def _fit_member(
    matrix: xgb.QuantileDMatrix,
    weight: NDArray[np.float32],
    options: RefineOptions,
    seed: Sequence[int],
) -> xgb.Booster:
    """Fit one model; rows and features that it must not see weigh nothing."""
    rng = np.random.default_rng(seed)
    matrix.set_weight(weight * _draw(rng, matrix.num_row(), options.row_fraction))
    features = _draw(rng, matrix.num_col(), options.feature_fraction)
    matrix.set_info(feature_weights=features)
    seen = features.sum() / len(features)
    parameters = {
        "max_depth": options.depth,
        "eta": options.learning_rate,
        "min_child_weight": options.min_weight,
        # features of weight zero are drawn only once all others are used up
        "colsample_bytree": options.tree_features * seen,
        "max_bin": options.bins,
        "tree_method": "hist",
        "nthread": 1,
        "seed": int(rng.integers(2**31)),
    }
    return xgb.train(parameters, matrix, num_boost_round=options.trees)


def _draw(rng: np.random.Generator, size: int, fraction: float) -> NDArray[np.float32]:
    """Weights of 1 for a random ``fraction`` of the items (at least one) and 0 for the others."""
    chosen = rng.permutation(size) < max(1, round(fraction * size))
    return chosen.astype(np.float32)


def importance(ensemble: Ensemble, width: int) -> NDArray[np.float64]:
    """Share of each predictor in what all splits of an ensemble gained, (feature,); zeros if none.

    Parameters
    ----------
    ensemble : list of xgboost.Booster
    width : int
        Number of predictors.
    """
    gained = np.zeros(width)
    for booster in ensemble:
        for name, gain in booster.get_score(importance_type="total_gain").items():
            gained[int(name.removeprefix("f"))] += gain
    whole = gained.sum()
    return gained / whole if whole else gained


def predict_ensemble(ensemble: Ensemble, table: Table, *, threads: int = 1) -> Table:
    """Predict with every member.

    Parameters
    ----------
    ensemble : list of xgboost.Booster
    table : array, (row, feature)
    threads : int

    Returns
    -------
    array, (member, row)
    """
    predicted = np.empty((len(ensemble), len(table)), np.float32)
    for row, booster in zip(predicted, ensemble, strict=True):
        booster.set_param({"nthread": threads})
        row[:] = booster.inplace_predict(table)
    return predicted
