"""Held-out predictions as rows of errors, tower by tower."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.refinement.validation import SPREAD
from uflux_stats.schema import MISSING_CLASS

Values = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ErrorRows:
    """Held-out months of one flux: tower, class, absolute error, spread of the members, flux."""

    tower: Codes
    igbp: Codes
    error: Values
    spread: Values
    predicted: Values

    @property
    def weight(self) -> Values:
        """Each tower weighs one."""
        return np.asarray(1.0 / np.bincount(self.tower)[self.tower])


def error_rows(held_out: xr.Dataset, name: str) -> ErrorRows:
    """List the held-out months of a flux that were observed.

    Raises
    ------
    MissingVariableError
        If the classes, the spread of the members or the folds are not there.
    ConfigError
        If months of one tower are in several folds.
    """
    require_there(held_out, ["IGBP", f"{name}_{SPREAD}", "fold"], name="held_out")
    fold_of_tower(held_out)
    flux = held_out[name].transpose("source", "site", "time")
    predicted = flux.sel(source="refined").values
    error = np.abs(flux.sel(source="observed").values - predicted)
    tower, month = np.nonzero(np.isfinite(error))
    codes = held_out["IGBP"].fillna(MISSING_CLASS).values.astype(np.intp)
    spread = held_out[f"{name}_{SPREAD}"].transpose("site", "time").values[tower, month]
    return ErrorRows(tower, codes[tower], error[tower, month], spread, predicted[tower, month])


def require_there(data: xr.Dataset, names: Iterable[str], *, name: str) -> None:
    """Raise ``MissingVariableError`` unless all names are there."""
    lacking = [wanted for wanted in names if wanted not in data]
    if lacking:
        raise MissingVariableError(
            f"{name}: expected {lacking}, got {sorted(map(str, data.data_vars))}; add the missing"
        )


def fold_of_tower(held_out: xr.Dataset) -> Values:
    """Fold of each tower, NaN where a tower has no month."""
    fold = held_out["fold"].transpose("site", "time").values
    known = np.isfinite(fold)
    low = np.where(known, fold, np.inf).min(axis=1)
    if (known & (fold != low[:, np.newaxis])).any():
        raise ConfigError(
            "held_out: expected towers held out whole, got months of one in several folds; "
            "validate with split='tower'"
        )
    return np.where(np.isfinite(low), low, np.nan)


def weighted_quantile(values: Values, weight: Values, level: float) -> float:
    """Smallest value with at least ``level`` of the weight up to it."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    place = np.searchsorted(reached, level * reached[-1])
    return float(values[order[min(place, len(order) - 1)]])
