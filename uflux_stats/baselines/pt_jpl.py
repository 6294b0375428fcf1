"""Latent heat flux by PT-JPL: canopy, soil and interception, each with its own constraints.

Fisher, Tu and Baldocchi (2008), doi 10.1016/j.rse.2007.06.025. NumPy in, NumPy out, element by
element, but for what a place is like over the whole record, which ``phenology`` finds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from uflux_stats.baselines.constants import EVAPORATION, PT_JPL, JetPropulsionConstants
from uflux_stats.baselines.latent_heat import saturation_pressure, saturation_slope
from uflux_stats.baselines.thermodynamics import Values


@dataclass(frozen=True)
class Phenology:
    """What a place is like over the record.

    Attributes
    ----------
    optimum : xr.DataArray, without time [degC]
        Temperature of the month in which plants do best.
    greenest : xr.DataArray, without time [1]
        Largest fAPAR.
    """

    optimum: xr.DataArray
    greenest: xr.DataArray


@dataclass(frozen=True)
class Moist:
    """State of the air and of the plants; arrays of one shape.

    Attributes
    ----------
    humidity : array [1]
        Relative humidity.
    vpd : array [kPa]
    green, intercepted : array [1]
        Photosynthetically active radiation absorbed by green leaves, and intercepted by all.
    """

    humidity: Values
    vpd: Values
    green: Values
    intercepted: Values


def phenology(drivers: xr.Dataset) -> Phenology:
    """Find the greenest month and the temperature of the best, that of most light, warmth and calm.

    The best month has the largest SWIN FAPAR TA / VPD; here with the mean temperature of the month,
    for its mean daily maximum in the paper. Towers and grids alike, lazily with Dask.

    Parameters
    ----------
    drivers : xr.Dataset, with time or month
        TA [degC], VPD [hPa], SWIN [W m-2], FAPAR [1].
    """
    step = "month" if "month" in drivers["TA"].dims else "time"
    warmth, fapar = drivers["TA"], drivers["FAPAR"]
    # air at saturation would be infinitely good: a tenth of a hPa is the least that is told apart
    good = drivers["SWIN"] * fapar * warmth / drivers["VPD"].clip(min=0.1)
    best = good == good.max(step)
    return Phenology(warmth.where(best).max(step), fapar.max(step))


def relative_humidity(temperature: Values, vpd: Values) -> Any:
    """Relative humidity [1] from temperature [degC] and vapour pressure deficit [kPa].

    Examples
    --------
    >>> round(float(relative_humidity(20.0, 1.0)), 3)
    0.572
    """
    return np.clip(1.0 - vpd / saturation_pressure(temperature), 0.0, 1.0)


def intercepted_light(ndvi: Values, constants: JetPropulsionConstants = PT_JPL) -> Any:
    """Share of light that leaves intercept, green or not [1]; Fisher et al. 2008, table 1.

    Examples
    --------
    >>> round(float(intercepted_light(0.65)), 3)
    0.6
    """
    return np.clip(ndvi - constants.intercepted_offset, 0.0, constants.intercepted_most)


def leaf_area(intercepted: Values, constants: JetPropulsionConstants = PT_JPL) -> Any:
    """Leaf area index [m2 m-2] that intercepts a share of light.

    Examples
    --------
    >>> round(float(leaf_area(0.6)), 3)
    1.833
    """
    return -np.log(1.0 - intercepted) / constants.light_extinction


def warmth_limit(temperature: Values, optimum: Values) -> Any:
    """How far plants are from their optimum of temperature [1]; nil where it freezes at best.

    Examples
    --------
    >>> warmth_limit(np.array([20.0, 10.0]), np.array([20.0, 20.0])).round(3).tolist()
    [1.0, 0.779]
    """
    warm = np.maximum(optimum, 1e-6)
    limit = np.exp(-(((temperature - warm) / warm) ** 2))
    return np.where(np.asarray(optimum) > 0.0, limit, 0.0)


def latent_heat_jpl(
    net_radiation: Values,
    temperature: Values,
    moist: Moist,
    place: tuple[Values, Values],
    psychrometric: Values,
) -> Any:
    """Latent heat flux [W m-2] of canopy, soil and wet leaves; zero without available energy.

    Parameters
    ----------
    net_radiation : any shape [W m-2]
        The heat flux into the soil is nil over a month.
    temperature : any shape [degC]
    moist : Moist
    place : tuple of two arrays
        ``Phenology.optimum`` [degC] and ``Phenology.greenest`` [1].
    psychrometric : any shape [kPa K-1]

    Examples
    --------
    In air that is saturated all of the equilibrium evaporates, whatever the plants do:

    >>> wet = Moist(humidity=1.0, vpd=0.0, green=0.5, intercepted=0.6)
    >>> round(float(latent_heat_jpl(100.0, 20.0, wet, (20.0, 0.5), 0.0674)), 2)
    85.97
    """
    optimum, greenest = place
    slope = saturation_slope(temperature)
    potential = EVAPORATION.alpha * slope / (slope + psychrometric)
    radiation = np.maximum(net_radiation, 0.0)
    below = radiation * np.exp(-PT_JPL.radiation_extinction * leaf_area(moist.intercepted))
    canopy = radiation - below
    wet = moist.humidity**PT_JPL.wetness_power
    transpired = (1.0 - wet) * _active(moist, greenest) * warmth_limit(temperature, optimum)
    soil = wet + (1.0 - wet) * moist.humidity ** (moist.vpd / PT_JPL.soil_vpd)
    return potential * (canopy * (transpired + wet) + below * soil)


def _active(moist: Moist, greenest: Values) -> Any:
    """Share of the leaves that is green, times how green they are against their best [1]."""
    green = np.clip(moist.green / np.maximum(moist.intercepted, 1e-6), 0.0, 1.0)
    return green * np.clip(moist.green / np.maximum(greenest, 1e-6), 0.0, 1.0)
