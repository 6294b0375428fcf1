"""``trend``: one function over all methods, for single series, towers and cubes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError, RangeError
from uflux_stats.stats.cells import Floats, apply_kernel
from uflux_stats.stats.result import Result
from uflux_stats.stats.trend.bootstrap import Resampling, bootstrap
from uflux_stats.stats.trend.least_squares import EFFECTIVE_FIELDS, effective_n, newey_west, ols
from uflux_stats.stats.trend.line import LINE_FIELDS
from uflux_stats.stats.trend.memory import (
    MEMORIES,
    MEMORY_FIELDS,
    learn_memories,
    memory_likelihood,
    ols_ar1,
)
from uflux_stats.stats.trend.rank import RANK_FIELDS, theil_sen
from uflux_stats.stats.trend.seasonal import seasonal_mann_kendall
from uflux_stats.stats.yearly import FEWEST_YEARS, month_matrix, require_years, yearly_means


@dataclass(frozen=True)
class Method:
    """A trend method.

    Attributes
    ----------
    kernel : callable
        From series (cells, steps), missing values as NaN, the time (steps,) in years, the nominal
        coverage of the interval and the ``options`` to the ``fields`` (cells, fields). Only series
        that can be computed get there.
    fields : tuple of str
        Names of the numbers it gives.
    title : str
        The method in words.
    options : tuple of str
        Names of what else can be chosen.
    monthly : bool
        Whether it takes months, (cells, years * 12), instead of years.
    """

    kernel: Callable[..., Floats]
    fields: tuple[str, ...]
    title: str
    options: tuple[str, ...] = ()
    monthly: bool = False


def _bootstrap(series: Floats, time: Floats, confidence: float, **options: int) -> Floats:
    return bootstrap(series, time, confidence, Resampling(**options))


METHODS: Final[dict[str, Method]] = {
    "ols_ar1": Method(
        ols_ar1,
        MEMORY_FIELDS,
        "least squares, AR(1) errors mixed over the lag-1 correlations the series allows",
        ("shared_memory",),
    ),
    "effective_n": Method(effective_n, EFFECTIVE_FIELDS, "least squares, effective sample size"),
    "ols": Method(ols, LINE_FIELDS, "least squares, independent errors"),
    "newey_west": Method(newey_west, LINE_FIELDS, "least squares, Newey-West errors", ("maxlags",)),
    "theil_sen": Method(theil_sen, RANK_FIELDS, "Theil-Sen, Mann-Kendall", ("prewhiten",)),
    "seasonal_mann_kendall": Method(
        seasonal_mann_kendall, RANK_FIELDS, "seasonal Mann-Kendall", monthly=True
    ),
    "bootstrap": Method(
        _bootstrap, LINE_FIELDS, "least squares, block bootstrap", ("block", "draws", "seed")
    ),
}
"""The trend methods by name."""

SMALLEST: Final = {"maxlags": 0, "block": 1, "draws": 2, "seed": 0}
"""Whole numbers that are options, and the least each may be."""

SWITCHES: Final = ("shared_memory", "prewhiten")
"""Options that are True or False."""

LONG_NAMES: Final = {
    "slope": "trend",
    "low": "lower end of the interval of the trend",
    "high": "upper end of the interval of the trend",
    "p": "two-sided p value of no trend",
    "stderr": "standard error of the trend",
    "intercept": "value of the line at time 0",
    "lag1": "lag-1 correlation of the noise",
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
        One of ``METHODS``: ``ols_ar1`` (default), ``effective_n``, ``ols``, ``newey_west``,
        ``theil_sen``, ``seasonal_mann_kendall``, ``bootstrap``.
    dim : str, optional
        The dimension of time; otherwise ``year`` or ``time``.
    confidence : float
        Nominal coverage of the interval.
    **options
        Of the method: ``shared_memory`` (ols_ar1: learn how memory is distributed from all series
        together, for maps and groups of towers; loads them once), ``maxlags`` (newey_west),
        ``prewhiten`` (theil_sen), ``block``, ``draws``, ``seed`` (bootstrap).

    Returns
    -------
    Result, (...)
        ``slope``, ``low``, ``high`` [unit of ``values`` per year], ``p``, ``n``, and what else the
        method gives. A series without data, with fewer than four years or without any change has
        missing values, as has one with gaps that is too short for ``block`` or ``maxlags``;
        ``status`` says which, and ``note`` counts them.

    Raises
    ------
    CalendarError
        If the axis has fewer than four years or is not monthly or yearly.
    DimensionError
        If there is no dimension of time, or ``values`` is not one labelled array.
    ConfigError
        If the method or an option is unknown, an option that is True or False is something else, or
        the series are too short for ``block`` or ``maxlags``.
    RangeError
        If ``confidence`` is not between 0 and 1, or an option is out of its range.

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
    require_years(len(time))
    needed = _fewest_steps(options)
    _require_steps(len(time), needed)
    settings = dict(options)
    if settings.pop("shared_memory", False):
        settings["prior"] = _shared_memory(series, steps, time)
    kernel = partial(chosen.kernel, time=time, confidence=confidence, **settings)
    fewest = FEWEST_YEARS * (12 if chosen.monthly else 1)
    at_least = max(fewest, *needed.values())
    data = apply_kernel(kernel, series, steps, fields=chosen.fields, at_least=at_least)
    attrs = {"method": method, "description": chosen.title, "confidence": confidence}
    described = _describe(data, str(values.attrs.get("units", "")))
    return Result(described.assign_attrs(attrs | _stored(options)), _title(values))


def per_year(unit: str) -> str:
    """Give the unit of a trend from the unit of its series.

    Examples
    --------
    >>> per_year("PgC yr-1"), per_year("PgC"), per_year("gC m-2 d-1"), per_year("1"), per_year("")
    ('PgC yr-2', 'PgC yr-1', 'gC m-2 d-1 yr-1', 'yr-1', 'unknown yr-1')

    A unit written as a fraction stays as it is, in brackets:

    >>> per_year("PgC/yr")
    '(PgC/yr) yr-1'
    """
    if unit in {"1", ""}:
        return "yr-1" if unit else "unknown yr-1"
    if "/" in unit:
        return f"({unit}) yr-1"
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
    _require_values(options)
    return METHODS[name]


def _require_values(options: dict[str, Any]) -> None:
    for switch in SWITCHES:
        if not isinstance(options.get(switch, False), bool | np.bool_):
            raise ConfigError(
                f"{switch}: expected True or False, got {options[switch]!r}; choose one of them"
            )
    for option, least in SMALLEST.items():
        value = options.get(option)
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise RangeError(
                f"{option}: expected a whole number of at least {least}, got {value!r}; "
                "leave it out for the usual one"
            )


def _fewest_steps(options: dict[str, Any]) -> dict[str, int]:
    """Say how many values a series needs for each option that asks for some."""
    block, maxlags = options.get("block"), options.get("maxlags")
    # a block of more than half the series leaves next to nothing to draw from
    needed = {"block": 2 * (block or 0), "maxlags": 0 if maxlags is None else maxlags + 1}
    return {name: int(fewest) for name, fewest in needed.items()}


def _require_steps(steps: int, needed: dict[str, int]) -> None:
    for option, fewest in needed.items():
        if steps < fewest:
            most = steps // 2 if option == "block" else steps - 1
            raise ConfigError(
                f"{option}: expected at most {most} for a series of {steps} values, got one that "
                f"needs {fewest}; choose a smaller one, or leave it out for the usual one"
            )


def _stored(options: dict[str, Any]) -> dict[str, Any]:
    """Options as attributes that a NetCDF file takes: neither truth values nor None."""
    given = {name: value for name, value in options.items() if value is not None}
    return {n: int(v) if isinstance(v, bool | np.bool_) else v for n, v in given.items()}


def _shared_memory(series: xr.DataArray, dim: str, time: Floats) -> Floats | None:
    """Learn the distribution of memories from all series; None where there is no series."""
    names = tuple(map(str, range(MEMORIES)))
    kernel = partial(memory_likelihood, time=time)
    found = apply_kernel(kernel, series, dim, fields=names, at_least=FEWEST_YEARS).compute()
    likelihood = np.column_stack([found[name].values.ravel() for name in names])
    known = likelihood[np.isfinite(likelihood[:, 0])]
    return learn_memories(known) if len(known) else None


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
