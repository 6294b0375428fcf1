"""Pettitt's test of whether the level of a series changed at an unknown year."""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.stats.cells import Floats, apply_kernel
from uflux_stats.stats.result import Result
from uflux_stats.stats.yearly import FEWEST_YEARS, require_years, yearly_means

FIELDS: Final = ("year", "statistic", "p", "before", "after")
CELLS_AT_ONCE: Final = 1024


def change_point(values: xr.DataArray, *, dim: str | None = None) -> Result:
    """Find the year in which the level of every series most likely changed.

    A trend also changes the level: a low p does not tell a step from a trend.

    Parameters
    ----------
    values : xr.DataArray, (year, ...) or (time, ...)
        Any unit; yearly or monthly (then averaged to years), at least four years.
    dim : str, optional
        The dimension of time; otherwise ``year`` or ``time``.

    Returns
    -------
    Result, (...)
        ``year`` (first year of the new level), ``statistic`` (Pettitt's K), its approximate ``p``,
        the means ``before`` and ``after`` [unit of ``values``], ``n`` and ``status``.

    Raises
    ------
    CalendarError
        If the axis has fewer than four years or is not monthly or yearly.

    References
    ----------
    Pettitt, A. N. (1979), Appl. Stat. 28, 126-135, doi 10.2307/2346729.

    Examples
    --------
    >>> level = xr.DataArray([1.0, 1.2, 0.9, 1.1, 3.0, 3.2, 2.9, 3.1],
    ...                      {"year": range(2001, 2009)}, dims="year")
    >>> int(change_point(level)["year"])
    2005
    """
    series = yearly_means(values, dim)
    time = series["year"].values.astype(np.float64)
    require_years(len(time))
    data = apply_kernel(
        lambda block: pettitt(block, time), series, "year", fields=FIELDS, at_least=FEWEST_YEARS
    )
    unit = values.attrs.get("units", "unknown")
    units = {"year": "year", "before": unit, "after": unit}
    for name, variable in data.data_vars.items():
        variable.attrs["units"] = units.get(str(name), "1")
    return Result(data.assign_attrs(method="pettitt"), "Change point")


def pettitt(series: Floats, time: Floats) -> Floats:
    """Pettitt's test of every series.

    Parameters
    ----------
    series : array, (cells, steps)
        Missing values as NaN.
    time : array, (steps,)
        In years.

    Returns
    -------
    array, (cells, 5)
        First year of the new level, K, p, and the means before and after.
    """
    out = np.empty((len(series), len(FIELDS)))
    for start in range(0, len(series), CELLS_AT_ONCE):
        block = series[start : start + CELLS_AT_ONCE]
        valid = np.isfinite(block)
        larger = np.sign(np.nan_to_num(block[:, :, None] - block[:, None, :]))
        scores = np.cumsum(larger.sum(axis=2), axis=1)
        last = np.abs(scores).argmax(axis=1)
        k = np.abs(scores).max(axis=1)
        n = valid.sum(axis=1)
        p = np.minimum(2 * np.exp(-6 * k**2 / (n**3 + n**2)), 1.0)
        early = valid & (np.arange(len(time)) <= last[:, None])
        late = valid & ~early
        means = [_mean(block, early), _mean(block, late)]
        first_new = np.where(late, time, np.inf).min(axis=1)
        columns = [first_new, k, p, *means]
        out[start : start + CELLS_AT_ONCE] = np.column_stack(columns)
    return out


def _mean(block: Floats, chosen: np.typing.NDArray[np.bool_]) -> Floats:
    total: Floats = np.where(chosen, block, 0.0).sum(axis=1)
    mean: Floats = total / np.maximum(chosen.sum(axis=1), 1)
    return mean
