"""Response curves: accumulated local effects, which correlated predictors do not mislead."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uflux_stats.choices import require_choice
from uflux_stats.errors import MissingVariableError, SampleError
from uflux_stats.refinement.learners import Ensemble, predict_ensemble

Table = NDArray[np.float32]
BINS: Final = 30


def local_effects(
    ensemble: Ensemble,
    table: Table,
    names: Sequence[str],
    feature: str,
    *,
    bins: int = BINS,
) -> pd.DataFrame:
    """Accumulated local effect of one predictor (Apley and Zhu 2020, doi 10.1111/rssb.12377).

    Within bins of equal numbers of rows the predictor is moved from one edge to the other, all
    else as it is; the mean differences add up to the curve, which is centred on zero.

    Parameters
    ----------
    ensemble : list of xgboost.Booster
    table : array, (row, feature)
        Rows where the predictor is missing are left out.
    names : sequence of str
        Predictors in the order of the columns.
    feature : str
    bins : int

    Returns
    -------
    pd.DataFrame
        value (edge of a bin), effect, low, high (over the members, 5 and 95 %) in the unit of the
        prediction, n (rows in the bin below).

    Raises
    ------
    MissingVariableError
        If there is no such predictor.
    SampleError
        If the predictor does not vary.
    """
    require_choice(feature, names, name="feature", error=MissingVariableError)
    place = list(names).index(feature)
    rows = table[np.isfinite(table[:, place])]
    column = rows[:, place]
    edges = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1))) if len(rows) else column
    if len(edges) < 2:
        raise SampleError(f"table: expected values of {feature} that vary, got {edges.tolist()}")
    number = np.clip(np.searchsorted(edges, column, side="left") - 1, 0, len(edges) - 2)
    lower, upper = rows.copy(), rows.copy()
    lower[:, place], upper[:, place] = edges[number], edges[number + 1]
    change = predict_ensemble(ensemble, upper) - predict_ensemble(ensemble, lower)
    count = np.bincount(number, minlength=len(edges) - 1)
    steps = np.stack([np.bincount(number, row, minlength=len(count)) for row in change])
    curve = np.zeros((len(change), len(edges)))
    curve[:, 1:] = np.cumsum(steps / np.maximum(count, 1), axis=1)
    middle = (curve[:, 1:] + curve[:, :-1]) / 2.0
    curve -= (middle @ count / count.sum())[:, np.newaxis]
    low, high = np.quantile(curve, (0.05, 0.95), axis=0)
    return pd.DataFrame({"value": edges, "effect": curve.mean(axis=0), "low": low, "high": high,
                         "n": np.append(0, count)})  # fmt: skip
