"""Variability between years: how large it is, and which regions make it."""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.checks import require_array, require_dims, require_same_grid
from uflux_stats.choices import require_choice
from uflux_stats.errors import GridError
from uflux_stats.grid.regions import REGION_KIND
from uflux_stats.stats.cells import ROUNDING, STATUS, Floats, apply_kernel
from uflux_stats.stats.moments import mean, ratio
from uflux_stats.stats.result import Result
from uflux_stats.stats.trend.line import fit_line
from uflux_stats.stats.yearly import FEWEST_YEARS, require_years, yearly_means

FIELDS: Final = ("mean", "sd", "relative", "sd_detrended", "relative_detrended")


def iav(values: xr.DataArray, *, dim: str | None = None) -> Result:
    """Measure the variability between years of every series.

    ``relative`` is the standard deviation of the yearly means over their mean, eq. 24 of [1]_.
    Where the mean is near zero, as for NEP, only the absolute numbers mean anything.
    ``sd_detrended`` is what is left around the straight line, with ``n - 2`` degrees of freedom.

    Parameters
    ----------
    values : xr.DataArray, (year, ...) or (time, ...)
        Any unit; yearly or monthly (then averaged to years), at least four years.
    dim : str, optional
        The dimension of time; otherwise ``year`` or ``time``.

    Returns
    -------
    Result, (...)
        ``mean``, ``sd``, ``sd_detrended`` [unit of ``values``], ``relative`` and
        ``relative_detrended`` [1], ``n`` and ``status``. The divisor is the size of the mean, so
        a relative variability is never negative; it is missing, with status ``zero_mean``, where
        the mean is zero but for rounding.

    Raises
    ------
    CalendarError
        If the axis has fewer than four years or is not monthly or yearly.

    References
    ----------
    .. [1] Zhu, S. et al. (2026), Agric. For. Meteorol., doi 10.1016/j.agrformet.2026.111197.

    Examples
    --------
    >>> sink = xr.DataArray([1.0, 3.0, 1.0, 3.0], {"year": range(2001, 2005)}, dims="year")
    >>> result = iav(sink)
    >>> round(result["sd"].item(), 3), round(result["relative"].item(), 3)
    (1.155, 0.577)
    """
    series = _long_enough(yearly_means(values, dim))
    time = series["year"].values.astype(np.float64)
    data = apply_kernel(
        lambda block: spread(block, time), series, "year", fields=FIELDS, at_least=FEWEST_YEARS
    )
    alone = data["mean"].notnull() & data["relative"].isnull()
    codes = data["status"].where(~alone, STATUS.index("zero_mean")).astype(np.int8)
    data["status"] = codes.assign_attrs(data["status"].attrs)
    unit = values.attrs.get("units", "unknown")
    for name, variable in data.data_vars.items():
        variable.attrs["units"] = unit if name in {"mean", "sd", "sd_detrended"} else "1"
    return Result(data.assign_attrs(method="sd over mean of yearly means"), "Variability of years")


def spread(series: Floats, time: Floats) -> Floats:
    """Spread of every series, (cells, 5): the columns ``FIELDS``."""
    line = fit_line(series, time)
    average = np.nanmean(series, axis=1)
    sd = np.nanstd(series, axis=1, ddof=1)
    detrended = np.sqrt(line.squares / (line.n - 2))
    size, largest = np.abs(average), np.nanmax(np.abs(series), axis=1)
    divisor = np.where(size > ROUNDING * largest, size, np.nan)
    return np.column_stack([average, sd, sd / divisor, detrended, detrended / divisor])


def detrend(values: xr.DataArray, *, dim: str | None = None) -> xr.DataArray:
    """Take the least-squares line out of yearly series; what is left has mean zero.

    Parameters
    ----------
    values : xr.DataArray, (year, ...) or (time, ...)
        Any unit; yearly or monthly (then averaged to years).
    dim : str, optional
        The dimension of time.

    Returns
    -------
    xr.DataArray, (..., year) [unit of ``values``]
    """
    series = yearly_means(values, dim)
    time = series["year"].values.astype(np.float64)
    present = series.notnull()
    centre = xr.DataArray(time - time.mean(), {"year": series["year"]}, dims="year")
    centred = (centre - mean(centre.where(present), "year")).where(present)
    departure = series - mean(series, "year")
    slope = ratio((centred * departure).sum("year"), (centred**2).sum("year"))
    residual = departure - slope * centred
    return residual.rename(values.name).assign_attrs(values.attrs)


def iav_contribution(
    parts: xr.DataArray,
    *,
    part: str = "region",
    method: str = "ahlstrom",
    whole: xr.DataArray | None = None,
) -> xr.DataArray:
    """Share of each part in the variability of their sum; the shares sum to one.

    A part without data in any year has no share; ``attrs["absent_parts"]`` counts them. Parts may
    be continents, plant functional types, latitude bands or fluxes, but must not
    overlap. A share is negative where a part works against the whole.

    Parameters
    ----------
    parts : xr.DataArray, (part, year) and other dims [one unit, a total]
        Yearly totals, such as from ``total(flux, by="continent")``; detrended here.
    part : str
        The dimension of the parts.
    method : {"ahlstrom", "covariance"}
        Anomalies weighed by the size of the anomaly of the whole [1]_, or the covariance of the
        part with the whole over the variance of the whole.
    whole : xr.DataArray, (year) and other dims [the unit of ``parts``], optional
        Total of all that the parts stand for, to make sure that they neither overlap nor leave
        something out.

    Returns
    -------
    xr.DataArray, (part, ...) [1]

    Raises
    ------
    DimensionError
        If ``part`` or time is missing.
    CalendarError
        If there are fewer than four years.
    ConfigError
        If the method is unknown.
    GridError
        If the parts are regions of several kinds, or do not add up to ``whole``.

    References
    ----------
    .. [1] Ahlstrom, A. et al. (2015), Science 348, 895-899, doi 10.1126/science.aaa1668.

    Examples
    --------
    >>> totals = xr.DataArray([[0.0, 3.0, 0.0, 3.0, 0.0], [0.0, 1.0, 0.0, 1.0, 0.0]],
    ...                       {"year": range(2001, 2006)}, dims=("region", "year"))
    >>> iav_contribution(totals).round(3).values.tolist()
    [0.75, 0.25]
    """
    require_array(parts, name="parts")
    require_dims(parts, [part], name="parts")
    _require_one_kind(parts)
    yearly = _long_enough(yearly_means(parts))
    # a part without data in any year, such as a class that does not occur, adds nothing
    absent = yearly.isnull().all([dim for dim in yearly.dims if dim != part])
    yearly = yearly.isel({part: ~absent.values})
    if whole is not None:
        _require_sum(yearly.sum(part, skipna=False), yearly_means(whole))
    anomaly = detrend(yearly)
    summed = anomaly.sum(part, skipna=False)
    sign = (summed > 0).astype(np.float64) - (summed < 0).astype(np.float64)
    weights = {"ahlstrom": sign, "covariance": summed}
    require_choice(method, weights, name="method")
    weight = weights[method]
    varying = _varies(summed, abs(yearly).max(part))
    shares = ratio((anomaly * weight).sum("year"), (summed * weight).sum("year").where(varying))
    shares = shares.reindex({part: parts[part]}) if part in parts.coords else shares
    named = {"units": "1", "method": method, "absent_parts": int(absent.sum())}
    return shares.rename("contribution").assign_attrs(named)


def extremes(values: xr.DataArray, *, threshold: float = 1.5, dim: str | None = None) -> Result:
    """Find the years whose detrended value lies beyond so many standard deviations.

    Parameters
    ----------
    values : xr.DataArray, (year, ...) or (time, ...)
        Any unit; yearly or monthly (then averaged to years), at least four years.
    threshold : float
        In detrended standard deviations.
    dim : str, optional
        The dimension of time.

    Returns
    -------
    Result, (..., year)
        ``anomaly`` [unit of ``values``], ``standardised`` [1], ``extreme``: -1, 0 or 1, and of each
        series ``n`` and ``status``. A constant series, or one without any departure from a line,
        has no extremes.

    Raises
    ------
    CalendarError
        If there are fewer than four years.

    Examples
    --------
    >>> flux = xr.DataArray([1.0, 1.1, 0.9, 3.0, 1.0, 1.1],
    ...                     {"year": range(2001, 2007)}, dims="year")
    >>> extremes(flux).extreme.values.tolist()
    [0, 0, 0, 1, 0, 0]
    """
    series = _long_enough(yearly_means(values, dim))
    anomaly = detrend(series)
    found = _status(series)
    enough = (found["status"] == STATUS.index("computed")) & _varies(anomaly, series)
    sd = ((anomaly**2).sum("year") / (found["n"] - 2).where(enough)) ** 0.5
    standardised = anomaly / sd
    high, low = standardised > threshold, standardised < -threshold
    beyond = high.astype(np.int8) - low.astype(np.int8)
    data = xr.Dataset(
        {
            "anomaly": anomaly,
            "standardised": standardised.assign_attrs(units="1"),
            "extreme": beyond.assign_attrs(units="1"),
            **found.data_vars,
        },
        attrs={"method": f"beyond {threshold} detrended standard deviations"},
    )
    return Result(data, "Extreme years")


def anomaly_correlation(
    observed: xr.DataArray, modelled: xr.DataArray, *, dim: str | None = None
) -> xr.DataArray:
    """Correlate the detrended yearly anomalies of two series.

    Parameters
    ----------
    observed, modelled : xr.DataArray, (year, ...) or (time, ...)
        Any unit; a year counts where both have it.
    dim : str, optional
        The dimension of time.

    Returns
    -------
    xr.DataArray, (...) [1]
        Missing with fewer than four common years, or where one series does not vary.

    Raises
    ------
    GridError
        If the coordinates differ.
    """
    first, second = yearly_means(observed, dim), yearly_means(modelled, dim)
    require_same_grid(first, second, names="observed, modelled")
    both = first.notnull() & second.notnull()
    one, two = detrend(first.where(both)), detrend(second.where(both))
    r = ratio((one * two).sum("year"), ((one**2).sum("year") * (two**2).sum("year")) ** 0.5)
    enough = both.sum("year") >= FEWEST_YEARS
    for anomaly, series in ((one, first), (two, second)):
        enough = enough & _varies(anomaly, series)
    return r.where(enough).rename("correlation").assign_attrs(units="1")


def _long_enough(series: xr.DataArray) -> xr.DataArray:
    require_years(series.sizes["year"])
    return series


def _varies(anomaly: xr.DataArray, series: xr.DataArray) -> xr.DataArray:
    """Tell where anomalies are more than the rounding of the series they come from."""
    return abs(anomaly).max("year") > ROUNDING * abs(series).max("year")


def _status(series: xr.DataArray) -> xr.Dataset:
    """Count the years of each series, and say whether they suffice."""
    return apply_kernel(_nothing, series, "year", fields=(), at_least=FEWEST_YEARS)


def _require_one_kind(parts: xr.DataArray) -> None:
    if REGION_KIND not in parts.coords:
        return
    kinds = np.unique(parts[REGION_KIND].values.astype(str)).tolist()
    if len(kinds) > 1:
        raise GridError(
            f"parts: expected regions of one kind, got {kinds}, which overlap; choose one: "
            f"parts.where(parts.{REGION_KIND} == {kinds[0]!r}, drop=True)"
        )


def _require_sum(summed: xr.DataArray, whole: xr.DataArray) -> None:
    require_same_grid(summed, whole, names="parts, whole")
    miss = float(abs(summed - whole).max())
    if miss > 1e-6 * float(abs(whole).max()):
        raise GridError(
            f"parts: expected parts that add up to the whole, got a difference of {miss:.4g}; "
            "regions must not overlap, nor leave land out"
        )


def _nothing(block: Floats) -> Floats:
    return block[:, :0]
