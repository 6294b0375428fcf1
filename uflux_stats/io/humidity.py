"""Vapour pressure at saturation, and the deficit of it from the dew point."""

from typing import Any

import numpy as np
import xarray as xr

from uflux_stats.checks import require_units
from uflux_stats.schema import variable


def tetens(temperature: Any) -> Any:
    """Vapour pressure at saturation over water [hPa] at temperatures [degC], as plain arrays.

    Examples
    --------
    >>> float(tetens(0.0))
    6.108
    """
    return 6.108 * np.exp(17.27 * temperature / (temperature + 237.3))


def saturation_pressure(temperature: xr.DataArray) -> xr.DataArray:
    """Vapour pressure at saturation over water [hPa] at an air temperature [degC], any dims.

    Raises
    ------
    UnitsError
        If ``temperature`` is not in degC.

    References
    ----------
    Allen et al. (1998), Crop evapotranspiration, FAO Irrigation and Drainage Paper 56, eq. 11.

    Examples
    --------
    >>> saturation_pressure(xr.DataArray(20.0, attrs={"units": "degC"})).round(2).item()
    23.38
    """
    require_units(temperature, "degC", name="temperature")
    pressure: xr.DataArray = xr.apply_ufunc(tetens, temperature, dask="allowed")
    return pressure.assign_attrs(units="hPa")


def vapour_pressure_deficit(temperature: xr.DataArray, dew_point: xr.DataArray) -> xr.DataArray:
    """Vapour pressure deficit [hPa] from air temperature and dew point [degC], same dims.

    From means over a month it is lower than the mean of hourly deficits, because saturation rises
    more than linearly with temperature.

    Raises
    ------
    UnitsError
        If an argument is not in degC.

    Examples
    --------
    >>> warm, dew = (xr.DataArray(t, attrs={"units": "degC"}) for t in (20.0, 10.0))
    >>> vapour_pressure_deficit(warm, dew).round(2).item()
    11.1
    """
    deficit = saturation_pressure(temperature) - saturation_pressure(dew_point)
    attrs = variable("VPD").attrs | {"original_name": "air temperature and dew point"}
    return deficit.clip(min=0).rename("VPD").assign_attrs(attrs)
