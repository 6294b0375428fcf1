"""Exact SHAP values of ensembles of boosted trees.

TreeSHAP (Lundberg et al. 2020, doi 10.1038/s42256-019-0138-9) by XGBoost's own implementation,
which is the one that the package shap calls too. SHAP values are linear in the model, so those of
the mean of an ensemble are the mean of the members'.
"""

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
import xgboost as xgb
from numpy.typing import NDArray

from uflux_stats.choices import require_choice
from uflux_stats.errors import MissingExtraError, MissingVariableError, SampleError
from uflux_stats.refinement.learners import Ensemble

if TYPE_CHECKING:
    import shap

Table = NDArray[np.float32]

CHUNK: Final = 20_000
"""Rows whose interactions are in memory at once, divided by the number of features."""


def explain_rows(ensemble: Ensemble, table: Table, *, threads: int = 1) -> tuple[Table, float]:
    """SHAP values of the mean of an ensemble.

    Parameters
    ----------
    ensemble : list of xgboost.Booster
    table : array, (row, feature)
        Missing values as NaN.
    threads : int

    Returns
    -------
    array, (row, feature)
        In the unit of the prediction; with the base they sum to the prediction of each row.
    float
        The base: the mean prediction over the training rows.

    Raises
    ------
    SampleError
        If there is no row or the columns are not those of the model.
    """
    _require_rows(ensemble, table)
    matrix = xgb.DMatrix(table, nthread=threads)
    total = np.zeros((len(table), table.shape[1] + 1), np.float32)
    for booster in ensemble:
        booster.set_param({"nthread": threads})
        total += booster.predict(matrix, pred_contribs=True)
    total /= len(ensemble)
    return np.ascontiguousarray(total[:, :-1]), float(total[0, -1])


def interactions(ensemble: Ensemble, table: Table, *, threads: int = 1) -> NDArray[np.float64]:
    """Mean absolute SHAP interactions of the mean of an ensemble.

    Parameters
    ----------
    ensemble : list of xgboost.Booster
    table : array, (row, feature)
        Some hundred rows do: cost grows with the square of the features.
    threads : int

    Returns
    -------
    array, (feature, feature)
        Symmetric; main effects on the diagonal, in the unit of the prediction.
    """
    _require_rows(ensemble, table)
    size = table.shape[1]
    step = max(1, CHUNK // size)
    total = np.zeros((size, size))
    for start in range(0, len(table), step):
        matrix = xgb.DMatrix(table[start : start + step], nthread=threads)
        summed = np.zeros((matrix.num_row(), size + 1, size + 1), np.float32)
        for booster in ensemble:
            booster.set_param({"nthread": threads})
            summed += booster.predict(matrix, pred_interactions=True)
        total += np.abs(summed[:, :-1, :-1] / len(ensemble)).sum(axis=0)
    return total / len(table)


def to_explanation(values: xr.Dataset, flux: str) -> "shap.Explanation":
    """Hand SHAP values over to the package shap, whose plots take this.

    Parameters
    ----------
    values : xr.Dataset, (row, feature)
        Of ``shap_values``.
    flux : str

    Raises
    ------
    MissingVariableError
        If the flux was not explained.
    MissingExtraError
        If shap is not installed.
    """
    require_choice(flux, list(values.data_vars), name="flux", error=MissingVariableError)
    module = _shap()
    return module.Explanation(
        values=values[flux].values,
        base_values=values[f"{flux}_base"].values,
        data=values["predictor"].values,
        feature_names=[str(name) for name in values["feature"].values],
    )


def _shap() -> Any:
    with warnings.catch_warnings():
        # its own colours, when it is imported first
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        try:
            import shap
        except ImportError as error:
            raise MissingExtraError("shap", "all") from error
    return shap


def _require_rows(ensemble: Ensemble, table: Table) -> None:
    wanted = ensemble[0].num_features()
    if table.ndim != 2 or len(table) == 0 or table.shape[1] != wanted:
        raise SampleError(
            f"table: expected at least one row of {wanted} features, got shape {table.shape}"
        )
