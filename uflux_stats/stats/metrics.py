"""Agreement of a model with observations, each metric under its own name."""

from collections.abc import Hashable, Iterable
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.checks import require_array, require_dims, require_same_grid
from uflux_stats.errors import UnitsError

LONG_NAMES: Final[dict[str, str]] = {
    "r2": "coefficient of determination, 1 - SSE/SST",
    "r2_pearson": "squared Pearson correlation",
    "rmse": "root mean square error",
    "nrmse_mean": "root mean square error over mean of observations",
    "nrmse_sd": "root mean square error over standard deviation of observations",
    "slope_model_on_obs": "slope of the regression of model on observation",
    "intercept_model_on_obs": "intercept of the regression of model on observation",
    "slope_obs_on_model": "slope of the regression of observation on model",
    "intercept_obs_on_model": "intercept of the regression of observation on model",
    "mae": "mean absolute error",
    "bias": "mean error, model minus observation",
    "mean_observed": "mean of observations",
    "n": "number of pairs",
}
"""Every metric, in the order of the result."""
_IN_UNITS_OF_DATA: Final = frozenset(
    {"rmse", "intercept_model_on_obs", "intercept_obs_on_model", "mae", "bias", "mean_observed"}
)

Array = Any
"""A NumPy or Dask array: what works on the one works on the other."""


def score(
    observed: xr.DataArray,
    modelled: xr.DataArray,
    *,
    dim: Hashable | Iterable[Hashable] | None = None,
) -> xr.Dataset:
    """Compare a model with observations, over pairs in which both are there.

    Parameters
    ----------
    observed : xr.DataArray, any dims
        Observations.
    modelled : xr.DataArray, dims of ``observed``, perhaps more (e.g. member)
        Model values, in the unit and on exactly the coordinates of ``observed``.
    dim : name or names, optional
        Dimensions to score over; all of them by default.

    Returns
    -------
    xr.Dataset, remaining dims
        The metrics of ``LONG_NAMES``: r2 = 1 - SSE/SST is not r2_pearson, and each regression
        names the variable that is regressed first. The standard deviation is that of the
        population, so nrmse_sd^2 = 1 - r2. All but ``n`` are NaN below two pairs; a metric that
        divides by a variance or mean is NaN where that is zero. Dask arrays stay lazy.

    Raises
    ------
    UnitsError
        If both have units and these differ.
    GridError
        If shared dimensions have other coordinates.
    DimensionError
        If a dimension of ``dim`` is in neither, or an input is not one labelled array.

    Examples
    --------
    >>> observed = xr.DataArray([1.0, 2.0, 3.0, np.nan], dims="time")
    >>> modelled = xr.DataArray([1.0, 2.0, 4.0, 9.0], dims="time")
    >>> found = score(observed, modelled)
    >>> found.n.item(), found.r2.item(), round(found.slope_model_on_obs.item(), 3)
    (3, 0.5, 1.5)
    """
    require_array(observed, name="observed")
    require_array(modelled, name="modelled")
    _require_same_units(observed, modelled)
    require_same_grid(observed, modelled, names="observed, modelled")
    first, second = xr.broadcast(observed, modelled)
    dims = _dims_to_score(first, dim)
    axes = tuple(first.dims.index(name) for name in dims)
    scores = score_arrays(first.data, second.data, axis=axes)

    # The remaining coordinates, taken from no data at all, so that even empty input has them.
    template = first.isel(dict.fromkeys(dims, slice(0))).sum(dims)
    unit = observed.attrs.get("units") or modelled.attrs.get("units")
    return xr.Dataset(
        {
            name: xr.DataArray(values, template.coords, template.dims, attrs=_attrs(name, unit))
            for name, values in scores.items()
        }
    )


def score_arrays(observed: Array, modelled: Array, axis: tuple[int, ...]) -> dict[str, Array]:
    """Compute all metrics of plain arrays.

    Parameters
    ----------
    observed, modelled : array, same shape
        NumPy or Dask arrays; a pair with a missing value is left out.
    axis : tuple of int
        Axes to score over.

    Returns
    -------
    dict of array
        Metric by name, see `score`.
    """
    paired = np.isfinite(observed) & np.isfinite(modelled)
    n = paired.sum(axis=axis, dtype=np.int64)
    count = paired.sum(axis=axis, keepdims=True)
    # Zero outside pairs, so that plain sums are sums over pairs.
    obs = np.where(paired, observed, 0.0).astype(np.float64)
    mod = np.where(paired, modelled, 0.0).astype(np.float64)

    def mean(values: Array) -> Array:
        return _ratio(values.sum(axis=axis), n)

    def anomaly(values: Array) -> Array:
        centre = _ratio(values.sum(axis=axis, keepdims=True), count)
        return np.where(paired, values - centre, 0.0)

    mean_obs, mean_mod = mean(obs), mean(mod)
    obs_off, mod_off = anomaly(obs), anomaly(mod)
    error = mod - obs
    var_obs = _variance(mean(obs_off**2), mean(obs**2))
    var_mod = _variance(mean(mod_off**2), mean(mod**2))
    covariance, mse = mean(obs_off * mod_off), mean(error**2)
    on_obs, on_mod = _ratio(covariance, var_obs), _ratio(covariance, var_mod)
    metrics = {
        "r2": 1.0 - _ratio(mse, var_obs),
        "r2_pearson": on_obs * on_mod,
        "rmse": np.sqrt(mse),
        "nrmse_mean": _ratio(np.sqrt(mse), mean_obs),
        "nrmse_sd": _ratio(np.sqrt(mse), np.sqrt(var_obs)),
        "slope_model_on_obs": on_obs,
        "intercept_model_on_obs": mean_mod - on_obs * mean_obs,
        "slope_obs_on_model": on_mod,
        "intercept_obs_on_model": mean_obs - on_mod * mean_mod,
        "mae": mean(np.abs(error)),
        "bias": mean_mod - mean_obs,
        "mean_observed": mean_obs,
    }
    return {name: np.where(n >= 2, values, np.nan) for name, values in metrics.items()} | {"n": n}


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Divide, with NaN instead of a warning where the denominator is zero."""
    zero = denominator == 0
    return np.where(zero, np.nan, numerator / np.where(zero, 1.0, denominator))


def _variance(variance: Array, mean_square: Array) -> Array:
    """Call a variance zero that is no more than the rounding of the mean it was taken about."""
    rounding = (16 * np.finfo(np.float64).eps) ** 2
    return np.where(variance > rounding * mean_square, variance, 0.0 * variance)


def _require_same_units(observed: xr.DataArray, modelled: xr.DataArray) -> None:
    found = observed.attrs.get("units"), modelled.attrs.get("units")
    if None not in found and found[0] != found[1]:
        raise UnitsError(
            f"modelled: expected the units of observed, {found[0]!r}, got {found[1]!r}; "
            "convert one of them (uflux_stats.units.convert)"
        )


def _dims_to_score(
    values: xr.DataArray, dim: Hashable | Iterable[Hashable] | None
) -> list[Hashable]:
    if dim is None:
        return list(values.dims)
    dims = [dim] if isinstance(dim, str) or not isinstance(dim, Iterable) else list(dim)
    require_dims(values, [str(name) for name in dims], name="observed, modelled")
    return dims


def _attrs(name: str, unit: str | None) -> dict[str, str]:
    units = unit if name in _IN_UNITS_OF_DATA else "1"
    return ({"units": units} if units else {}) | {"long_name": LONG_NAMES[name]}
