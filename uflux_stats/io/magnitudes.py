"""Units that are not what the label says, told from magnitudes that occur nowhere on land.

Most wrong labels bring values out of range (``plausible``). Those below stay within it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.errors import RangeError
from uflux_stats.io.humidity import saturation_pressure, tetens

MONTHS: Final = 12
LEAST_DEFICIT: Final = 0.05
"""Mean vapour pressure deficit over mean saturation pressure: 95 % humidity as a mean of months, by
day and night, is above that of cloud forests."""
MOST_DEFICIT: Final = 1.2
"""Above one the deficit exceeds saturation; the rest is for means over unequal days."""
LEAST_RAIN: Final = 0.01
"""Mean precipitation [mm d-1]; 4 mm a year fall in the driest deserts."""
MOST_RAIN: Final = 35.0
"""Mean precipitation [mm d-1]; the wettest places on Earth have 12 m a year."""
BRIGHTEST_MONTH: Final = 50.0
"""Incoming shortwave radiation [W m-2] that the brightest month of a year exceeds everywhere on
Earth, while 50 MJ m-2 d-1 is more than arrives above the air."""


@dataclass(frozen=True)
class Magnitudes:
    """What tells units apart; NaN where there is nothing to tell it.

    Attributes
    ----------
    VPD
        Mean deficit over mean saturation pressure at the air temperature [1].
    P
        Mean precipitation [mm d-1].
    SWIN
        Incoming shortwave radiation of the brightest month [W m-2].
    """

    VPD: float = np.nan
    P: float = np.nan
    SWIN: float = np.nan

    def faults(self) -> dict[str, str]:
        """Say by variable what is wrong, and which unit it looks like.

        Examples
        --------
        >>> Magnitudes(VPD=0.3, P=0.002).faults()
        {'P': 'a mean of 0.002 mm d-1; it looks like m d-1'}
        """
        found = {}
        if self.VPD < LEAST_DEFICIT:
            found["VPD"] = f"{self.VPD:.1%} of saturation on average; it looks like kPa"
        if self.VPD > MOST_DEFICIT:
            found["VPD"] = f"{self.VPD:.1f} times saturation on average; it looks like Pa"
        if self.P < LEAST_RAIN:
            unit = "kg m-2 s-1" if self.P < LEAST_RAIN / 100 else "m d-1"
            found["P"] = f"a mean of {self.P:.2g} mm d-1; it looks like {unit}"
        if self.P > MOST_RAIN:
            found["P"] = f"a mean of {self.P:.3g} mm d-1; it looks like mm a month"
        if self.SWIN < BRIGHTEST_MONTH:
            brightest = f"no month above {self.SWIN:.3g} W m-2 in a year"
            found["SWIN"] = f"{brightest}; it looks like MJ m-2 d-1"
        return found


def magnitudes_of_grid(data: xr.Dataset) -> Magnitudes:
    """Measure gridded drivers in units of the schema, those that have all months of the year.

    Parameters
    ----------
    data : xr.Dataset, (time or month, ...)
        After range checks. Dask arrays are read for their means.

    Returns
    -------
    Magnitudes
    """
    told = {name: data[name] for name in ("TA", "VPD", "P", "SWIN") if _has_year(data, name)}
    measured = {}
    if {"TA", "VPD"} <= told.keys() and told["TA"].dims == told["VPD"].dims:
        both = told["TA"].notnull() & told["VPD"].notnull()
        saturation = saturation_pressure(told["TA"]).where(both).mean()
        measured["VPD"] = told["VPD"].where(both).mean() / saturation
    if "P" in told:
        measured["P"] = told["P"].mean()
    if "SWIN" in told:
        measured["SWIN"] = told["SWIN"].max()
    return Magnitudes(**{name: float(value) for name, value in measured.items()})


def _has_year(data: xr.Dataset, name: str) -> bool:
    """Whether all months of the year are there."""
    if name not in data:
        return False
    if "month" in data[name].dims:
        return data.sizes["month"] == MONTHS
    return "time" in data[name].dims and np.unique(data["time"].dt.month).size == MONTHS


def magnitudes_of_tower(values: pd.DataFrame) -> Magnitudes:
    """Measure the drivers of one tower in units of the schema, as ``magnitudes_of_grid``.

    Parameters
    ----------
    values : pandas.DataFrame
        Columns TA, VPD, P and SWIN, indexed by months.

    Returns
    -------
    Magnitudes
    """
    months = pd.DatetimeIndex(values.index).month.to_numpy()
    whole = {
        name: np.unique(months[values[name].notna().to_numpy()]).size == MONTHS
        for name in ("VPD", "P", "SWIN")
    }
    both = values[["TA", "VPD"]].dropna()
    measured = {}
    if whole["VPD"] and len(both):
        measured["VPD"] = both["VPD"].mean() / tetens(both["TA"].to_numpy()).mean()
    if whole["P"]:
        measured["P"] = values["P"].mean()
    if whole["SWIN"]:
        measured["SWIN"] = values["SWIN"].max()
    return Magnitudes(**measured)


def require_magnitudes(data: xr.Dataset) -> None:
    """Raise ``RangeError`` if a variable can only be in another unit than its label says.

    Each year is judged by itself, since the unit may change within a record.
    """
    for when, part in _whole_years(data):
        for name, fault in magnitudes_of_grid(part).faults().items():
            raise RangeError(
                f"{name}: expected usual magnitudes in {data[name].attrs['units']}, got "
                f"{fault}{when}: correct the units attribute in the file"
            )


def _whole_years(data: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield the calendar years that are whole, or everything if that is one year or none."""
    years = data["time"].dt.year.values if "time" in data.dims else np.array([])
    found, months = np.unique(years, return_counts=True)
    whole = found[months >= MONTHS]
    if found.size < 2 or not whole.size:
        yield "", data
        return
    for year in whole:
        yield f" in {year}", data.isel(time=years == year)
