"""The trend of an ensemble: what each member says, and what they say together."""

from typing import Any, Final

import numpy as np
import xarray as xr
from scipy import special

from uflux_stats.checks import require_array, require_dims
from uflux_stats.errors import DimensionError
from uflux_stats.stats.cells import STATUS, status_attrs
from uflux_stats.stats.moments import mean, quantile, variance
from uflux_stats.stats.result import Result
from uflux_stats.stats.trend.api import trend

COVERAGE_OF_P: Final = 0.95
"""Of the members' intervals that ``p`` is taken from, so that it does not change with the interval
asked for."""


def ensemble_trend(
    values: xr.DataArray,
    *,
    member: str = "member",
    method: str = "ols_ar1",
    confidence: float = 0.95,
    **options: Any,
) -> Result:
    """Give the distribution of trends over the members of an ensemble.

    The interval holds both the spread between members and the uncertainty within each, by Rubin's
    rules; ``member_low`` and ``member_high`` hold the spread alone.

    Parameters
    ----------
    values : xr.DataArray, (member, year, ...) or (member, time, ...)
        Any unit; at least two members.
    member : str
        The dimension of the ensemble.
    method : str
        As in ``trend``.
    confidence : float
        Nominal coverage of the interval and of the quantiles over members.
    **options
        As in ``trend``.

    Returns
    -------
    Result, (...)
        ``slope`` (mean over members), ``low``, ``high``, ``p``, ``member_low``, ``member_high``,
        ``between`` and ``within`` (standard deviations), ``share_rising`` and
        ``share_significant`` of the members (p below 1 - ``confidence``), ``n`` (members that
        have a trend) and ``status``.
        Missing where fewer than two members have a trend. ``p`` is below 0.05 where the interval of
        95 % excludes zero, whatever ``confidence`` is.

    Raises
    ------
    DimensionError
        If ``member`` is missing or has one entry.

    References
    ----------
    Rubin, D. B. (1987), Multiple imputation for nonresponse in surveys, ch. 3,
    doi 10.1002/9780470316696.

    Examples
    --------
    >>> lines = [[1.0, 2.1, 2.9, 4.0, 5.0], [1.0, 3.1, 4.9, 7.0, 9.0]]
    >>> models = xr.DataArray(lines, {"year": range(2001, 2006)}, dims=("member", "year"))
    >>> round(ensemble_trend(models).slope.item(), 2)
    1.49
    """
    require_array(values, name="values")
    require_dims(values, [member], name="values")
    if values.sizes[member] < 2:
        raise DimensionError(
            f"values: expected at least two members in {member!r}, got {values.sizes[member]}; "
            "use trend for a single series"
        )
    single = trend(values, method=method, confidence=confidence, **options).data
    usual = single
    if confidence != COVERAGE_OF_P:
        usual = trend(values, method=method, confidence=COVERAGE_OF_P, **options).data
    data = _combine(single, member, confidence)
    data["p"] = _combine(usual, member, COVERAGE_OF_P)["p"]
    for name, variable in data.data_vars.items():
        shared = {"p", "share_rising", "share_significant", "n"}
        variable.attrs = {"units": "1" if name in shared else single["slope"].attrs["units"]}
    data = data.where(data["n"] >= 2).assign(n=data["n"], status=_status(single, member))
    return Result(data.assign_attrs(single.attrs), "Trend of an ensemble")


def trend_of_totals(values: xr.DataArray, *, member: str = "member", **how: Any) -> Result:
    """Give the trend of totals, with the spread of their members where there are several.

    What is called a trend rests on one rule: ``p`` below 0.05 here.

    Parameters
    ----------
    values : xr.DataArray, (year, ...), with ``member`` or without
        Any unit.
    member : str
        The dimension of the ensemble, if there is one.
    **how
        As in ``trend``: ``method``, ``confidence``, options of the method.

    Returns
    -------
    Result, (...)
        Of ``ensemble_trend`` where there are two members or more, otherwise of ``trend``.

    Examples
    --------
    >>> sink = xr.DataArray([[1.0, 2.1, 2.9, 4.0, 5.0]], {"year": range(2001, 2006)},
    ...                     dims=("member", "year"))
    >>> trend_of_totals(sink).slope.dims
    ()
    """
    if member not in values.dims:
        return trend(values, **how)
    if values.sizes[member] < 2:
        return trend(values.isel({member: 0}), **how)
    return ensemble_trend(values, member=member, **how)


def _status(single: xr.Dataset, member: str) -> xr.DataArray:
    """Why an ensemble has no trend: what all its members lack, or that too few have one."""
    codes = single["status"]
    with_trend = (codes == 0).sum(member)
    lacking = codes.max(member).where(with_trend == 0, STATUS.index("too_few_members"))
    status: xr.DataArray = lacking.where(with_trend < 2, STATUS.index("computed"))
    return status.astype(np.int8).assign_attrs(status_attrs(), units="1")


def _combine(single: xr.Dataset, member: str, confidence: float) -> xr.Dataset:
    slope, n = single["slope"], single["slope"].count(member)
    tail = (1 - confidence) / 2
    half = (single["high"] - single["low"]) / 2 / special.ndtri(1 - tail)
    centre = mean(slope, member)
    within, between = mean(half**2, member), variance(slope, member)
    extra = (1 + 1 / n) * between
    error = (within + extra) ** 0.5
    # members that agree wholly leave no doubt between them: the freedom is then without bound, and
    # on perfect lines there is no error at all
    freedom = (n - 1) * (1 + within / extra.where(extra > 0)) ** 2
    freedom = freedom.where(extra > 0, np.inf)
    reach = error * xr.apply_ufunc(special.stdtrit, freedom, 1 - tail, dask="allowed")
    score = (-abs(centre) / error.where(error > 0)).where(error > 0, -np.inf)
    p = 2 * xr.apply_ufunc(special.stdtr, freedom, score, dask="allowed")
    tested = single["p"].notnull()
    return xr.Dataset(
        {
            "slope": centre,
            "low": centre - reach,
            "high": centre + reach,
            "p": p,
            "member_low": quantile(slope, tail, member),
            "member_high": quantile(slope, 1 - tail, member),
            "between": np.sqrt(between),
            "within": np.sqrt(within),
            "share_rising": mean((slope > 0).where(tested), member),
            "share_significant": mean((single["p"] < 1 - confidence).where(tested), member),
            "n": n,
        }
    )
