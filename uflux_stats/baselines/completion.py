"""Fill drivers that some towers and grids lack, by stated physics, before anything is computed."""

from typing import Final

import xarray as xr

from uflux_stats.baselines.fluxes import air_pressure
from uflux_stats.checks import require_units, require_variables
from uflux_stats.schema import variable
from uflux_stats.units import ZERO_CELSIUS

STEFAN_BOLTZMANN: Final = 5.670374419e-8
"""[W m-2 K-4]; CODATA 2018."""
ALBEDO: Final = 0.15
"""Shortwave albedo of snow-free vegetation [1]; middle of the values for forest (0.10-0.15) and
crops and grass (0.16-0.26) in Oke (1987), Boundary Layer Climates, table 1.1."""
EMISSIVITY: Final = 0.97
"""Longwave emissivity of vegetation [1]; Oke (1987), table 1.1 (0.90-0.99)."""


def complete_drivers(drivers: xr.Dataset) -> xr.Dataset:
    """Return the drivers with gaps filled that physics or common sense can fill.

    RNET: from SWIN, LWIN and TA, see ``radiation_balance``. PA: from the elevation. C4: none where
    unknown, since most plants are C3. Nothing is filled from fluxes.

    Parameters
    ----------
    drivers : xr.Dataset, any dims
        Variables in units of the schema; those not there are left out, and not an error here.

    Returns
    -------
    xr.Dataset
        A new dataset; measured values are never replaced. ``attrs["filled"]`` names the rules.

    Raises
    ------
    MissingVariableError
        If there is PA or DEM without TA, whose dimensions the pressure takes.
    UnitsError
        If a variable that is used is in another unit.
    """
    filled = {}
    if "C4" in drivers:
        filled["C4"] = drivers["C4"].fillna(0.0).assign_attrs(drivers["C4"].attrs)
    if "PA" in drivers or "DEM" in drivers:
        filled["PA"] = _on_time(air_pressure(drivers), drivers)
    if {"SWIN", "LWIN", "TA"} <= set(drivers.data_vars):
        estimate = radiation_balance(drivers)
        measured = drivers.get("RNET", estimate)
        filled["RNET"] = measured.fillna(estimate).assign_attrs(variable("RNET").attrs)
    rules = "RNET by radiation balance, PA by elevation, C4 by none"
    return drivers.assign(filled).assign_attrs(filled=rules)


def radiation_balance(drivers: xr.Dataset) -> xr.DataArray:
    """Estimate net radiation from what comes in and from the air temperature.

    (1 - albedo) SWIN + emissivity (LWIN - sigma TA^4), the surface taken to be as warm as the air
    over a month. On snow it is too high.

    Parameters
    ----------
    drivers : xr.Dataset, any dims
        SWIN, LWIN [W m-2], TA [degC].

    Returns
    -------
    xr.DataArray
        RNET [W m-2].

    Raises
    ------
    UnitsError
        If a driver is in another unit.

    Examples
    --------
    >>> values = {"SWIN": (200.0, "W m-2"), "LWIN": (330.0, "W m-2"), "TA": (15.0, "degC")}
    >>> drivers = xr.Dataset({k: ((), v, {"units": u}) for k, (v, u) in values.items()})
    >>> round(radiation_balance(drivers).item(), 1)
    110.9
    """
    for name in ("SWIN", "LWIN", "TA"):
        require_units(drivers[name], variable(name).units, name=name)
    emitted = STEFAN_BOLTZMANN * (drivers["TA"] + ZERO_CELSIUS) ** 4
    balance = (1.0 - ALBEDO) * drivers["SWIN"] + EMISSIVITY * (drivers["LWIN"] - emitted)
    return balance.assign_attrs(variable("RNET").attrs)


def _on_time(pressure: xr.DataArray, drivers: xr.Dataset) -> xr.DataArray:
    """Pressure that the elevation alone gives has no time; every month shares it."""
    require_variables(drivers, ["TA"], name="drivers")
    return pressure.broadcast_like(drivers["TA"]).assign_attrs(pressure.attrs)
