"""``trend``: one function over all methods, for single series, towers and cubes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.choices import require_choice
from uflux_stats.errors import CalendarError, ConfigError, RangeError
from uflux_stats.stats.cells import Floats, apply_kernel
from uflux_stats.stats.result import Result
from uflux_stats.stats.trend.bootstrap import BOOTSTRAP_FIELDS, Resampling, bootstrap
from uflux_stats.stats.trend.least_squares import (
    AR1_FIELDS,
    LINE_FIELDS,
    newey_west,
    ols,
    ols_ar1,
)
from uflux_stats.stats.trend.rank import RANK_FIELDS, theil_sen
from uflux_stats.stats.trend.seasonal import seasonal_mann_kendall
from uflux_stats.stats.yearly import month_matrix, yearly_means

FEWEST_YEARS: Final = 4


@dataclass(frozen=True)
class Method:
    """A trend method: its kernel, the numbers it gives, and its name in words."""

    kernel: Callable[..., Floats]
    fields: tuple[str, ...]
    title: str
    options: tuple[str, ...] = ()
    monthly: bool = False


def _bootstrap(series: Floats, time: Floats, confidence: float, **options: int) -> Floats:
    return bootstrap(series, time, confidence, Resampling(**options))


METHODS: Final[dict[str, Method]] = {
    "ols_ar1": Method(ols_ar1, AR1_FIELDS, "least squares, bias-corrected AR(1) errors"),
    "ols": Method(ols, LINE_FIELDS, "least squares, independent errors"),
    "newey_west": Method(newey_west, LINE_FIELDS, "least squares, Newey-West errors", ("maxlags",)),
    "theil_sen": Method(theil_sen, RANK_FIELDS, "Theil-Sen, Mann-Kendall", ("prewhiten",)),
    "seasonal_mann_kendall": Method(
        seasonal_mann_kendall, RANK_FIELDS, "seasonal Mann-Kendall", monthly=True
    ),
    "bootstrap": Method(
        _bootstrap, BOOTSTRAP_FIELDS, "least squares, block bootstrap", ("block", "draws", "seed")
    ),
}
"""The trend methods by name."""

LONG_NAMES: Final = {
    "slope": "trend",
    "low": "lower end of the interval of the trend",
    "high": "upper end of the interval of the trend",
    "p": "two-sided p value of no trend",
    "stderr": "standard error of the trend",
    "intercept": "value of the line at time 0",
    "lag1": "lag-1 correlation of the noise, bias-corrected",
    "n_effective": "effective number of independent values",
    "z": "standard normal statistic",
    "tau": "Kendall's tau",
    "n": "number of values",
    "status": "why a trend is missing",
}


def trend(
    values: xr.DataArray,
    *,
    method: str = "ols_ar1",
    dim: str | None = None,
    confidence: float = 0.95,
    **options: Any,
) -> Result:
    """Estimate the linear trend of every series, with its interval and significance.

    Monthly data are averaged to calendar years first (a year with a missing month is missing),
    except for ``seasonal_mann_kendall``, which uses the months.

    Parameters
    ----------
    values : xr.DataArray, (year, ...) or (time, ...)
        Any unit; yearly or monthly, at least four years. Dask arrays stay lazy.
    method : str
        One of ``METHODS``: ``ols_ar1`` (default), ``ols``, ``newey_west``, ``theil_sen``,
        ``seasonal_mann_kendall``, ``bootstrap``.
    dim : str, optional
        The dimension of time; otherwise ``year`` or ``time``.
    confidence : float
        Nominal coverage of the interval.
    **options
        Of the method: ``maxlags`` (newey_west), ``prewhiten`` (theil_sen), ``block``, ``draws``,
        ``seed`` (bootstrap).

    Returns
    -------
    Result, (...)
        ``slope``, ``low``, ``high`` [unit of ``values`` per year], ``p``, ``n``, and what else the
        method gives. A series without data, with fewer than four years or without any change has
        missing values; ``status`` says which, and ``note`` counts them.

    Raises
    ------
    CalendarError
        If the axis has fewer than four years or is not monthly or yearly.
    DimensionError
        If there is no dimension of time.
    ConfigError
        If the method or an option is unknown.
    RangeError
        If ``confidence`` is not between 0 and 1.

    Examples
    --------
    >>> sink = xr.DataArray([1.0, 2.2, 2.9, 4.1, 4.9], {"year": range(2001, 2006)}, dims="year",
    ...                     attrs={"units": "PgC yr-1"})
    >>> result = trend(sink, method="ols")
    >>> round(result.slope.item(), 3), result.slope.attrs["units"]
    (0.97, 'PgC yr-2')
    """
    chosen = _method(method, options)
    if not 0 < confidence < 1:
        raise RangeError(
            f"confidence: expected a number between 0 and 1, got {confidence}; try 0.95"
        )
    series, steps, time = _series(values, dim, monthly=chosen.monthly)
    if len(time) < FEWEST_YEARS:
        raise CalendarError(
            f"values: expected at least {FEWEST_YEARS} years, got {len(time)}; "
            "a shorter series has no trend worth a number"
        )
    kernel = partial(chosen.kernel, time=time, confidence=confidence, **options)
    fewest = FEWEST_YEARS * (12 if chosen.monthly else 1)
    data = apply_kernel(kernel, series, steps, fields=chosen.fields, at_least=fewest)
    attrs = {"method": method, "description": chosen.title, "confidence": confidence, **options}
    described = _describe(data, str(values.attrs.get("units", "")))
    return Result(described.assign_attrs(attrs), _title(values))


def per_year(unit: str) -> str:
    """Give the unit of a trend from the unit of its series.

    Examples
    --------
    >>> per_year("PgC yr-1"), per_year("PgC"), per_year("gC m-2 d-1"), per_year("1"), per_year("")
    ('PgC yr-2', 'PgC yr-1', 'gC m-2 d-1 yr-1', 'yr-1', 'unknown yr-1')
    """
    if unit in {"1", ""}:
        return "yr-1" if unit else "unknown yr-1"
    if unit.split()[-1] == "yr-1":
        return unit.removesuffix("yr-1") + "yr-2"
    return f"{unit} yr-1"


def _method(name: str, options: dict[str, Any]) -> Method:
    require_choice(name, METHODS, name="method")
    unknown = sorted(set(options) - set(METHODS[name].options))
    if unknown:
        raise ConfigError(
            f"options: expected {list(METHODS[name].options)} for method {name!r}, got {unknown}; "
            "remove them or choose another method"
        )
    return METHODS[name]


def _series(
    values: xr.DataArray, dim: str | None, *, monthly: bool
) -> tuple[xr.DataArray, str, Floats]:
    """Give the series, the dimension to run along, and the years."""
    folded = month_matrix(values, dim) if monthly else yearly_means(values, dim)
    years = folded["year"].values.astype(np.float64)
    if not monthly:
        return folded, "year", years
    flat = folded.stack(step=("year", "month"), create_index=False).drop_vars(["year", "month"])
    return flat, "step", years


def _describe(data: xr.Dataset, unit: str) -> xr.Dataset:
    slope_unit = per_year(unit)
    units = dict.fromkeys(("slope", "low", "high", "stderr"), slope_unit)
    units["intercept"] = unit or "unknown"
    for name, variable in data.data_vars.items():
        variable.attrs["units"] = units.get(str(name), "1")
        variable.attrs["long_name"] = LONG_NAMES[str(name)]
    return data


def _title(values: xr.DataArray) -> str:
    return f"Trend of {values.name}" if values.name is not None else "Trend"
