"""Units that are not what the label says, told from magnitudes that occur nowhere on land.

Most wrong labels bring values out of range (``plausible``). Those below stay within it.
"""

from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.errors import RangeError
from uflux_stats.io.humidity import saturation_pressure

MONTHS: Final = 12
LEAST_DEFICIT: Final = 0.05
"""Mean vapour pressure deficit over mean saturation pressure: 95 % humidity as a mean of months, by
day and night, is above that of cloud forests."""
MOST_DEFICIT: Final = 1.2
"""Above one the deficit exceeds saturation; the rest is for means over unequal days."""
LEAST_RAIN: Final = 0.01
"""Mean precipitation [mm d-1]; 4 mm a year fall in the driest deserts."""
BRIGHTEST_MONTH: Final = 50.0
"""Incoming shortwave radiation [W m-2] that the brightest month of a year exceeds everywhere on
Earth, while 50 MJ m-2 d-1 is more than arrives above the air."""


def wrong_magnitudes(data: xr.Dataset) -> dict[str, str]:
    """Find variables whose magnitude fits another unit only.

    Parameters
    ----------
    data : xr.Dataset, (time or month, ...)
        Variables of the schema in its units, after range checks. Dask arrays are read for their
        means.

    Returns
    -------
    dict of str
        By variable, what is wrong and what it looks like. Empty where fewer than twelve months
        can tell.

    Examples
    --------
    >>> axes = {"month": range(1, 13)}
    >>> rain = xr.DataArray([0.002] * 12, axes, dims="month", attrs={"units": "mm d-1"})
    >>> wrong_magnitudes(xr.Dataset({"P": rain}))["P"]
    'a mean of 0.002 mm d-1; it looks like m d-1'
    """
    tests = {"VPD": _deficit, "P": _rain, "SWIN": _light}
    found = {name: test(data) for name, test in tests.items() if _tells(data, name)}
    return {name: fault for name, fault in found.items() if fault}


def require_magnitudes(data: xr.Dataset) -> None:
    """Raise ``RangeError`` if a variable can only be in another unit than its label says."""
    for name, fault in wrong_magnitudes(data).items():
        raise RangeError(
            f"{name}: expected usual magnitudes in {data[name].attrs['units']}, got {fault}: "
            "correct the units attribute in the file"
        )


def _tells(data: xr.Dataset, name: str) -> bool:
    """Whether all months of the year are there."""
    if name not in data:
        return False
    if "month" in data[name].dims:
        return data.sizes["month"] == MONTHS
    return "time" in data[name].dims and np.unique(data["time"].dt.month).size == MONTHS


def _deficit(data: xr.Dataset) -> str:
    if "TA" not in data or data["TA"].dims != data["VPD"].dims:
        return ""
    both = data["TA"].notnull() & data["VPD"].notnull()
    saturation = saturation_pressure(data["TA"]).where(both).mean()
    share = float(data["VPD"].where(both).mean() / saturation)
    if share < LEAST_DEFICIT:
        return f"{100 * share:.1f} % of saturation on average; it looks like kPa"
    if share > MOST_DEFICIT:
        return f"{share:.1f} times saturation on average; it looks like Pa"
    return ""


def _rain(data: xr.Dataset) -> str:
    mean = float(data["P"].mean())
    if not mean < LEAST_RAIN:
        return ""
    unit = "kg m-2 s-1" if mean < LEAST_RAIN / 100 else "m d-1"
    return f"a mean of {mean:.2g} mm d-1; it looks like {unit}"


def _light(data: xr.Dataset) -> str:
    brightest = float(data["SWIN"].max())
    if not brightest < BRIGHTEST_MONTH:
        return ""
    return f"no month above {brightest:.3g} W m-2 in a year; it looks like MJ m-2 d-1"
