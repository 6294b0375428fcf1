"""Latent heat flux by Priestley-Taylor with a coefficient that follows the greenness.

This is not PT-JPL, which splits the surface into canopy, soil and interception. NumPy in, NumPy
out, element by element.
"""

from typing import Any

import numpy as np

from uflux_stats.baselines.constants import EVAPORATION, EvaporationConstants
from uflux_stats.baselines.thermodynamics import Values


def saturation_pressure(temperature: Values, constants: EvaporationConstants = EVAPORATION) -> Any:
    """Saturation vapour pressure over water [kPa] at a temperature [degC]; FAO-56, eq. 11.

    Examples
    --------
    >>> round(float(saturation_pressure(20.0)), 3)
    2.338
    """
    exponent = constants.tetens_slope * temperature / (temperature + constants.tetens_offset)
    return constants.tetens_pressure * np.exp(exponent)


def saturation_slope(temperature: Values, constants: EvaporationConstants = EVAPORATION) -> Any:
    """Slope of the saturation vapour pressure [kPa K-1] at a temperature [degC]; FAO-56, eq. 13.

    Examples
    --------
    >>> round(float(saturation_slope(20.0)), 4)
    0.1447
    """
    distance = temperature + constants.tetens_offset
    steepness = constants.tetens_slope * constants.tetens_offset / (distance * distance)
    return saturation_pressure(temperature, constants) * steepness


def psychrometric_constant(pressure: Values, constants: EvaporationConstants = EVAPORATION) -> Any:
    """Psychrometric constant [kPa K-1] at an air pressure [kPa]; FAO-56, eq. 8.

    Examples
    --------
    >>> round(float(psychrometric_constant(80.0)), 4)
    0.0532
    """
    return constants.psychrometric * pressure


def greenness_coefficient(ndvi: Values, constants: EvaporationConstants = EVAPORATION) -> Any:
    """Priestley-Taylor coefficient [1]: none on bare soil, 1.26 at NDVI 1.

    Examples
    --------
    >>> float(greenness_coefficient(0.1)), round(float(greenness_coefficient(0.6)), 3)
    (0.0, 0.63)
    """
    cover = np.clip((ndvi - constants.ndvi_bare) / constants.ndvi_range, 0.0, 1.0)
    return constants.alpha * cover


def latent_heat(
    available_energy: Values, temperature: Values, ndvi: Values, psychrometric: Values
) -> Any:
    """Latent heat flux [W m-2]; zero where no energy is available (dew is not modelled).

    ``alpha(NDVI) Delta / (Delta + gamma) (Rn - G)``; Priestley and Taylor 1972.

    Parameters
    ----------
    available_energy : any shape [W m-2]
        Net all-wave radiation less the heat flux into the soil.
    temperature : any shape [degC]
    ndvi : any shape [1]
    psychrometric : any shape [kPa K-1]

    Examples
    --------
    >>> round(float(latent_heat(100.0, 20.0, 1.0, psychrometric_constant(101.325))), 2)
    85.98
    """
    slope = saturation_slope(temperature)
    equilibrium = slope / (slope + psychrometric)
    return greenness_coefficient(ndvi) * equilibrium * np.maximum(available_energy, 0.0)
