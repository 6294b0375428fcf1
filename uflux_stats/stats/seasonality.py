"""The mean year: its size, its timing, and what departs from it."""

import numpy as np
import xarray as xr

from uflux_stats.errors import CalendarError
from uflux_stats.stats.cells import ROUNDING, status_of
from uflux_stats.stats.moments import mean
from uflux_stats.stats.result import Result
from uflux_stats.stats.yearly import MONTHS, month_matrix, require_dates, time_dim


def mean_year(values: xr.DataArray, *, dim: str | None = None) -> xr.DataArray:
    """Average each calendar month over the years.

    Parameters
    ----------
    values : xr.DataArray, (time, ...) or (month, ...)
        Monthly, any unit. A climatology is returned as it is, in the order of its months.
    dim : str, optional
        The dimension of time.

    Returns
    -------
    xr.DataArray, (month, ...) [unit of ``values``]
        Months 1 to 12; missing years are left out of a month's mean.

    Raises
    ------
    CalendarError
        If ``month`` does not hold 1 to 12, each once, or ``time`` is not monthly.
    """
    if "month" in values.dims and "time" not in values.dims:
        _require_months(values["month"])
        return values.sortby("month")
    return mean(month_matrix(values, dim), "year").assign_attrs(values.attrs)


def seasonal_cycle(values: xr.DataArray, *, dim: str | None = None) -> Result:
    """Measure size and timing of the mean seasonal cycle.

    Parameters
    ----------
    values : xr.DataArray, (time, ...) or (month, ...)
        Monthly, any unit.
    dim : str, optional
        The dimension of time.

    Returns
    -------
    Result, (...)
        ``amplitude`` (largest minus smallest month) and ``harmonic_amplitude`` (of the yearly
        wave) [unit of ``values``], ``month_of_maximum`` (1 to 12), and ``phase``, the month at
        which the yearly wave peaks (1.0 is the middle of January, below 13). Missing where a month
        has no data; a year that is constant has an amplitude but no timing, and one without a
        yearly wave, such as with two equal seasons, has none of the wave. ``status`` says which,
        and ``note`` counts them.

    Raises
    ------
    CalendarError
        If ``month`` does not hold 1 to 12, each once, or ``time`` is not monthly.

    Examples
    --------
    >>> months = np.arange(1, 13)
    >>> wave = xr.DataArray(3 + 2 * np.cos(2 * np.pi * (months - 7) / 12),
    ...                     {"month": months}, dims="month")
    >>> cycle = seasonal_cycle(wave)
    >>> cycle.amplitude.item(), round(cycle.phase.item(), 3), int(cycle.month_of_maximum)
    (4.0, 7.0, 7)
    """
    year = mean_year(values, dim=dim)
    if year.chunks is not None:
        year = year.chunk({"month": -1})
    known = year.count("month")
    whole, largest = known == MONTHS, abs(year).max("month")
    angle = 2 * np.pi * (year["month"] - 1) / MONTHS
    cosine = (year * np.cos(angle)).sum("month") * 2 / MONTHS
    sine = (year * np.sin(angle)).sum("month") * 2 / MONTHS
    turn = xr.apply_ufunc(np.arctan2, sine, cosine, dask="allowed") / (2 * np.pi)
    phase = (turn * MONTHS) % MONTHS + 1
    peak = year.fillna(-np.inf).argmax("month") + 1
    wave = (cosine**2 + sine**2) ** 0.5
    waves = wave > ROUNDING * largest
    unit = values.attrs.get("units", "unknown")
    data = xr.Dataset(
        {
            "amplitude": (year.max("month") - year.min("month")).assign_attrs(units=unit),
            "harmonic_amplitude": wave.where(waves, 0.0).assign_attrs(units=unit),
            "month_of_maximum": peak.assign_attrs(units="month"),
            "phase": phase.assign_attrs(units="month"),
        }
    )
    varies = data["amplitude"] > ROUNDING * largest
    peaks = data["month_of_maximum"].where(varies)
    data = data.assign(month_of_maximum=peaks, phase=data["phase"].where(varies & waves))
    status = status_of(
        ("no_data", known == 0), ("too_short", ~whole), ("constant", ~varies),
        ("no_yearly_wave", ~waves),
    )  # fmt: skip
    return Result(data.where(whole).assign(status=status), "Seasonal cycle")


def anomalies(values: xr.DataArray, *, dim: str = "time") -> xr.DataArray:
    """Take the mean year out of monthly values.

    Parameters
    ----------
    values : xr.DataArray, (time, ...)
        Monthly, any unit; years need not be whole.
    dim : str
        The dimension of time.

    Returns
    -------
    xr.DataArray, same dims [unit of ``values``]

    Raises
    ------
    CalendarError
        If dates mix calendars, or are not dates.
    DimensionError
        If there is no dimension ``dim``.

    Examples
    --------
    >>> time = xr.date_range("2001-01", periods=24, freq="MS")
    >>> flux = xr.DataArray([1.0] * 12 + [3.0] * 12, {"time": time}, dims="time")
    >>> anomalies(flux).values[[0, -1]].tolist()
    [-1.0, 1.0]
    """
    require_dates(values[time_dim(values, dim)], name="values")
    month = values[dim].dt.month
    grouped = values.groupby(month)
    count = grouped.count()
    means = grouped.sum() / count.where(count > 0)
    departure = values - means.sel(month=month).drop_vars("month")
    return departure.assign_attrs(values.attrs)


def _require_months(axis: xr.DataArray) -> None:
    if not np.array_equal(np.sort(axis.values), np.arange(1, MONTHS + 1)):
        raise CalendarError(
            f"values.month: expected the months 1 to {MONTHS}, each once, got "
            f"{axis.values.tolist()}; name them: values.assign_coords(month=range(1, 13))"
        )
