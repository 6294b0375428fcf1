"""What earlier months leave behind: running means up to the month before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_YEAR: Final = 12
MOST_MISSING: Final = 0.5
"""Share of the months before that may be missing; they count with their mean season."""


def months_before(values: Array, months: int, first_month: int) -> Array:
    """Mean over the months before each month.

    Parameters
    ----------
    values : array, (place, month)
        NaN where missing.
    months : int
        How many.
    first_month : int
        Of the values, counted from a January.

    Returns
    -------
    array, (place, month)
        NaN where more than ``MOST_MISSING`` of the months are missing.

    Examples
    --------
    >>> months_before(np.array([[1.0, 2.0, 6.0, 9.0]]), 2, 0).tolist()
    [[nan, nan, 1.5, 4.0]]
    """
    known = np.isfinite(values)
    filled = np.where(known, values, _season(values, known, first_month))
    found = np.full_like(filled, np.nan)
    size = values.shape[1]
    if size > months:
        found[:, months:] = _running(np.nan_to_num(filled), months)[:, : size - months]
        there = _running((known & np.isfinite(filled)).astype(np.float64), months)
        found[:, months:][there[:, : size - months] < 1.0 - MOST_MISSING] = np.nan
    return found


def _running(values: Array, months: int) -> Array:
    """Mean of so many months from each on."""
    total = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    mean: Array = (total[:, months:] - total[:, :-months]) / months
    return mean


def _season(values: Array, known: NDArray[np.bool_], first_month: int) -> Array:
    """Mean of the same calendar month at the same place, at every month."""
    calendar = (first_month + np.arange(values.shape[1])) % _YEAR
    season = np.full_like(values, np.nan)
    for month in np.unique(calendar):
        chosen = calendar == month
        count = known[:, chosen].sum(axis=1, keepdims=True)
        total = np.where(known[:, chosen], values[:, chosen], 0.0).sum(axis=1, keepdims=True)
        season[:, chosen] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return season
