"""Drivers that a file does not hold, from those that it does."""

import xarray as xr

from uflux_stats.io.driver_names import HELPERS
from uflux_stats.io.humidity import vapour_pressure_deficit
from uflux_stats.schema import variable


def with_derived(data: xr.Dataset) -> xr.Dataset:
    """Add VPD from the dew point and RNET from net radiation where they lack; drop the helpers.

    Parameters
    ----------
    data : xr.Dataset, any dims
        Drivers and helpers in their units.

    Returns
    -------
    xr.Dataset
        Drivers alone.

    Examples
    --------
    >>> net = {"SWNET": ((), 120.0), "LWNET": ((), -50.0)}
    >>> with_derived(xr.Dataset(net)).RNET.item()
    70.0
    """
    derived = {}
    if {"TA", "TDEW"} <= set(data) and "VPD" not in data:
        derived["VPD"] = vapour_pressure_deficit(data["TA"], data["TDEW"])
        derived["VPD"].attrs["comment"] = "from monthly means: lower than the mean of hours"
    if {"SWNET", "LWNET"} <= set(data) and "RNET" not in data:
        attrs = variable("RNET").attrs | {"original_name": "net shortwave and net longwave"}
        derived["RNET"] = (data["SWNET"] + data["LWNET"]).assign_attrs(attrs)
    return data.assign(derived).drop_vars(HELPERS, errors="ignore")
