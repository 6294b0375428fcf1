"""Mean, spread and quantiles that pass over missing values, silently where all are missing."""

from collections.abc import Collection, Hashable
from typing import TypeAlias

import numpy as np
import xarray as xr

from uflux_stats.stats.cells import Floats

Dims: TypeAlias = str | Collection[Hashable]


def ratio(numerator: xr.DataArray, denominator: xr.DataArray) -> xr.DataArray:
    """Divide; missing, without a warning, where the denominator is zero.

    Examples
    --------
    >>> ratio(xr.DataArray([1.0, 1.0]), xr.DataArray([2.0, 0.0])).values.tolist()
    [0.5, nan]
    """
    return numerator / denominator.where(denominator != 0)


def mean(values: xr.DataArray, dim: Dims) -> xr.DataArray:
    """Mean over dimensions, missing values left out; missing where all are.

    Examples
    --------
    >>> mean(xr.DataArray([3.0, np.nan, 1.0], dims="member"), "member").item()
    2.0
    """
    return ratio(values.sum(dim), values.count(dim))


def variance(values: xr.DataArray, dim: str) -> xr.DataArray:
    """Variance over one dimension (n - 1), missing values left out; missing below two values.

    Examples
    --------
    >>> variance(xr.DataArray([3.0, np.nan, 1.0], dims="member"), "member").item()
    2.0
    """
    n = values.count(dim)
    return ((values - mean(values, dim)) ** 2).sum(dim) / (n - 1).where(n > 1)


def quantile(values: xr.DataArray, share: float, dim: str) -> xr.DataArray:
    """Quantile over one dimension, linear between values, missing values left out.

    Parameters
    ----------
    values : xr.DataArray, (dim, ...)
        Any unit.
    share : float
        Between 0 and 1.
    dim : str
        The dimension that disappears.

    Returns
    -------
    xr.DataArray, (...) [unit of ``values``]
        Missing where all values are. Dask arrays stay lazy.

    Examples
    --------
    >>> quantile(xr.DataArray([3.0, np.nan, 1.0], dims="member"), 0.5, "member").item()
    2.0
    """
    if values.chunks is not None:
        values = values.chunk({dim: -1})
    result: xr.DataArray = xr.apply_ufunc(
        lambda array: _last_axis(array, share),
        values,
        input_core_dims=[[dim]],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return result


def _last_axis(array: Floats, share: float) -> Floats:
    ordered = np.sort(np.asarray(array, dtype=np.float64), axis=-1)
    last = np.maximum(np.isfinite(ordered).sum(axis=-1, keepdims=True) - 1, 0)
    place = share * last
    below = np.floor(place).astype(np.int64)
    low = np.take_along_axis(ordered, below, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(below + 1, last), axis=-1)
    between: Floats = low + (place - below) * (high - low)
    return between[..., 0]
