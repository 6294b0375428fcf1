"""Hourly and daily gridded files as months: means, and accumulations since midnight as rates."""

from collections.abc import Mapping
from typing import Final

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.errors import CalendarError, DataFileError
from uflux_stats.io.driver_names import is_accumulated, to_schema
from uflux_stats.io.drops import Drop, Reason
from uflux_stats.io.humidity import vapour_pressure_deficit
from uflux_stats.io.months import named_time, stamps
from uflux_stats.units import canonical_unit

DAY: Final = 24.0
LONGEST_STEP: Final = 20 * DAY
"""Distance of two stamps [h] below which they are not months."""
LEAST_SHARE: Final = 0.9
"""Share of a month's hours that must be there for a mean of it."""
_RATES: Final = {"m": "m s-1", "J m-2": "W m-2"}
_RISING: Final = ("tp", "ssrd", "strd")
_FALLS: Final = 1e-2
_CHECKED: Final = 48
_REFERENCE: Final = "hours since 1900-01-01"

Floats = NDArray[np.float64]
Months = NDArray[np.int64]


def on_hours(data: xr.Dataset, *, source: str) -> xr.Dataset | None:
    """Give a file with steps shorter than months a time axis in hours; None for all others.

    Parameters
    ----------
    data : xr.Dataset
        Opened without decoding times.
    source : str
        Name of the file for messages.

    Returns
    -------
    xr.Dataset or None
        ``time`` [hours since 1900 in the calendar of the file] in order, with the coordinates
        ``month_number`` (years times 12 plus month from 0), ``day`` and ``hour`` (above 0, to 24).

    Raises
    ------
    CalendarError
        If stamps repeat, or are means of single hours of the day.
    """
    named = named_time(data)
    if named.sizes.get("time", 0) < 2 or "climatology" in named["time"].attrs:
        return None
    dates = stamps(named, source=source)
    if dates is None:
        return None
    hours = np.asarray(cftime.date2num(dates, _REFERENCE, calendar=dates[0].calendar), dtype=float)
    if np.median(np.abs(np.diff(np.sort(hours)))) >= LONGEST_STEP:
        return None
    _require_single(hours, dates, source=source)
    clock = np.array([d.hour + d.minute / 60 for d in dates])
    numbers = np.array([d.year * 12 + d.month - 1 for d in dates])
    stamped = named.assign_coords(
        time=("time", hours),
        month_number=("time", numbers),
        day=("time", np.array([d.day for d in dates])),
        hour=("time", np.where(clock == 0, DAY, clock)),
    )
    return stamped.sortby("time")


def _require_single(hours: Floats, dates: NDArray[np.object_], *, source: str) -> None:
    if np.unique(hours).size < hours.size:
        raise CalendarError(
            f"{source}: expected each step once, got {hours.size - np.unique(hours).size} twice; "
            "leave one of the overlapping files out"
        )
    months = {(d.year, d.month) for d in dates}
    if len(months) > 1 and all(d.day == 1 for d in dates):
        raise CalendarError(
            f"{source}: expected all days, got stamps on the first of each month alone; download "
            "monthly means, not monthly means by hour of day"
        )


def join_steps(parts: list[xr.Dataset], *, source: str) -> xr.Dataset:
    """Put files of the same variables end to end.

    Raises
    ------
    CalendarError
        If a step is in two files.
    """
    if len(parts) == 1:
        return parts[0]
    joined = xr.concat(parts, dim="time", join="override", coords="minimal", compat="override",
                       combine_attrs="override")  # fmt: skip
    hours = joined["time"].values
    if np.unique(hours).size < hours.size:
        raise CalendarError(
            f"{source}: expected each step once, got {hours.size - np.unique(hours).size} in two "
            "files; leave one of them out"
        )
    return joined.sortby("time")


def months_of_steps(
    data: xr.Dataset, names: Mapping[str, str], *, source: str
) -> tuple[xr.Dataset, list[Drop]]:
    """Average steps to months, in names and units of the package.

    Accumulations of ERA5-Land run from midnight to the stamp, the stamp of midnight holding the
    whole day before; their differences over the hours between two stamps are rates. Vapour pressure
    deficit is taken at each step. A month with less than 0.9 of its hours is left out and counted.

    Parameters
    ----------
    data : xr.Dataset, (time, lat, lon)
        Of ``on_hours``, in the layout of the package.
    names : mapping
        {name in the file: driver}.
    source : str
        Name of the file for messages.

    Returns
    -------
    xr.Dataset, (time, lat, lon)
        Month starts.
    drops : list of Drop

    Raises
    ------
    CalendarError
        If no month is whole.
    DataFileError
        If accumulations fall within a day, as those of ERA5 do.

    References
    ----------
    Munoz-Sabater et al. (2021), doi 10.5194/essd-13-4349-2021; ECMWF, ERA5-Land data
    documentation, section on accumulations.
    """
    step = float(np.median(np.diff(data["time"].values)))
    means, drops, steps = {}, [], {}
    for name, driver in names.items():
        values = data[name]
        if is_accumulated(values) and step < DAY:
            rates, lost = _rates(values, source=source)
            means[driver] = to_schema(rates, driver)
        else:
            steps[driver] = to_schema(values, driver)
            means[driver], lost = _means(steps[driver], step)
        drops.append(Drop("", driver, Reason.PARTIAL_MONTH, lost))
    if {"TA", "TDEW"} <= steps.keys() and "VPD" not in means:
        deficit = vapour_pressure_deficit(steps["TA"], steps["TDEW"])
        means["VPD"], _ = _means(deficit, step)
    if not all(values.sizes["time"] for values in means.values()):
        raise CalendarError(
            f"{source}: expected {LEAST_SHARE:.0%} of the hours of a month, got no month with "
            "them; give the files of whole months"
        )
    return xr.Dataset(means), drops


def _means(values: xr.DataArray, step: float) -> tuple[xr.DataArray, int]:
    counts = np.full(values.sizes["time"], step)
    return _grouped(values, values["month_number"].values, counts, weighted=False)


def _rates(values: xr.DataArray, *, source: str) -> tuple[xr.DataArray, int]:
    """Mean rate of an accumulation since midnight over each month [its unit per second]."""
    hours, clock = values["time"].values, values["hour"].values
    since = np.diff(hours, prepend=-np.inf)
    runs_on = since < clock
    elapsed = np.where(runs_on, since, clock)
    before = values.shift(time=1).where(xr.DataArray(runs_on, dims="time"), 0.0)
    increments = values - before
    if str(values.name) in _RISING:
        _require_rising(increments.isel(time=slice(1, _CHECKED)), source=source)
    ends_month = (clock == DAY) & (values["day"].values == 1)
    months = values["month_number"].values - ends_month
    rates, lost = _grouped(increments, months, elapsed, weighted=True)
    unit = _RATES[canonical_unit(str(values.attrs["units"]))]
    return (rates / 3600.0).rename(values.name).assign_attrs(units=unit), lost


def _require_rising(increments: xr.DataArray, *, source: str) -> None:
    falls = increments < -_FALLS * abs(increments).max()
    if float(falls.mean()) > _FALLS:
        raise DataFileError(
            f"{source}: expected {increments.name} to rise from midnight on as in ERA5-Land, got "
            "falls within a day; if it is per hour as in ERA5, make it a mean in W m-2 or mm d-1"
        )


def _grouped(
    values: xr.DataArray, months: Months, hours: Floats, *, weighted: bool
) -> tuple[xr.DataArray, int]:
    """Mean over each whole month: of the values, or of sums over the hours they stand for."""
    key = xr.DataArray(months, dims="time", name="month_number")
    clean = values.drop_vars([n for n in values.coords if n not in {"lat", "lon"}])
    weights = xr.DataArray(hours, dims="time")
    covered = weights.groupby(key).sum()
    starts = _month_starts(covered["month_number"].values)
    lengths = DAY * ((starts + 1).astype("datetime64[D]") - starts.astype("datetime64[D]"))
    whole = covered.values >= LEAST_SHARE * lengths.astype(float)
    if weighted:
        known = weights.where(clean.notnull())
        mean = clean.groupby(key).sum(min_count=1) / known.groupby(key).sum(min_count=1)
    else:
        mean = clean.groupby(key).mean()
    named = mean.rename(month_number="time").assign_coords(time=starts.astype("datetime64[ns]"))
    kept = named.isel(time=whole).assign_attrs(values.attrs).rename(values.name)
    return kept, int((~whole).sum())


def _month_starts(numbers: Months) -> NDArray[np.datetime64]:
    return (numbers - 1970 * 12).astype("datetime64[M]")
