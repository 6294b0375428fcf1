"""Gross primary production by the P-model: light-use efficiency x fAPAR x light.

Prentice et al. 2014, doi 10.1111/ele.12211; Wang et al. 2017, doi 10.1038/s41477-017-0006-8;
Stocker et al. 2020, doi 10.5194/gmd-13-1545-2020. NumPy in, NumPy out, element by element.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from uflux_stats.baselines.constants import P_MODEL, PModelConstants
from uflux_stats.baselines.thermodynamics import (
    Values,
    gamma_star,
    michaelis_menten,
    relative_viscosity,
)
from uflux_stats.errors import ConfigError
from uflux_stats.units import MOLAR_MASS_CARBON, SECONDS_PER_DAY

JmaxLimitation = Literal["wang17", "none"]

UMOL_PER_JOULE: Final = 0.5 * 4.57
"""Photosynthetic photons per joule of shortwave radiation [umol J-1]: half of it is
photosynthetically active, at 4.57 umol J-1 for sunlight (McCree 1972, doi
10.1016/0002-1571(72)90045-3, in the rounding of Thimijan and Heins 1983). Stocker et al. 2020 use
2.04 and UFLUX (Zhu et al. 2026, doi 10.1016/j.agrformet.2026.111197) 2.3."""

PHI0_TEMPERATURE: Final = {
    "C3": (0.352, 0.022, -3.4e-4),
    "C4": (-0.064, 0.03, -4.64e-4),
}
"""Quadratic response of the quantum yield to the temperature in degC, rising powers: C3 by
Bernacchi et al. 2003, doi 10.1046/j.0016-8025.2003.01050.x; C4 by Cai and Prentice 2020."""

PASCAL_PER_HPA: Final = 100.0


@dataclass(frozen=True)
class Climate:
    """What the light-use efficiency depends on; arrays that broadcast.

    Attributes
    ----------
    temperature : [degC]
    vpd : [Pa], negative values count as zero
    co2 : [ppm]
    pressure : [Pa]
    """

    temperature: Values
    vpd: Values
    co2: Values
    pressure: Values


def quantum_yield_response(temperature: Values, pathway: Literal["C3", "C4"] = "C3") -> Any:
    """Response of the intrinsic quantum yield to temperature [degC], zero where negative [1].

    Examples
    --------
    >>> round(float(quantum_yield_response(20.0)), 3), float(quantum_yield_response(-20.0))
    (0.656, 0.0)
    """
    a, b, c = PHI0_TEMPERATURE[pathway]
    return np.maximum(a + b * temperature + c * temperature * temperature, 0.0)


def stomatal_sensitivity(
    climate: Climate, beta: float | None = None, constants: PModelConstants = P_MODEL
) -> Any:
    """Sensitivity xi of ci/ca to VPD [Pa^0.5]; ``beta`` is the cost ratio, by default that of C3.

    Prentice et al. 2014; Stocker et al. 2020.

    Examples
    --------
    >>> round(float(stomatal_sensitivity(Climate(20.0, 1000.0, 400.0, 101325.0))), 7)
    63.3145028
    """
    cost = constants.beta_c3 if beta is None else beta
    compensation = gamma_star(climate.temperature, climate.pressure, constants)
    affinity = michaelis_menten(climate.temperature, climate.pressure, constants)
    viscosity = relative_viscosity(climate.temperature, climate.pressure, constants)
    return np.sqrt(cost * (affinity + compensation) / (constants.diffusivity_ratio * viscosity))


def optimal_chi(
    climate: Climate, beta: float | None = None, constants: PModelConstants = P_MODEL
) -> Any:
    """Least-cost ratio of leaf-internal to ambient CO2 [1]; Prentice et al. 2014.

    Examples
    --------
    >>> round(float(optimal_chi(Climate(20.0, 1000.0, 400.0, 101325.0))), 7)
    0.694352
    """
    xi = stomatal_sensitivity(climate, beta, constants)
    ambient = climate.co2 * 1e-6 * climate.pressure
    floor = gamma_star(climate.temperature, climate.pressure, constants) / ambient
    return floor + (1.0 - floor) * xi / (xi + np.sqrt(np.maximum(climate.vpd, 0.0)))


def co2_limitation(climate: Climate, constants: PModelConstants = P_MODEL) -> Any:
    """CO2 limitation m_j of C3 assimilation at the least-cost ci [1]; Wang et al. 2017.

    Examples
    --------
    >>> round(float(co2_limitation(Climate(20.0, 1000.0, 400.0, 101325.0))), 7)
    0.7123038
    """
    compensation = gamma_star(climate.temperature, climate.pressure, constants)
    internal = optimal_chi(climate, None, constants) * climate.co2 * 1e-6 * climate.pressure
    return (internal - compensation) / (internal + 2.0 * compensation)


def jmax_factor(
    m_j: Values, limitation: JmaxLimitation = "wang17", constants: PModelConstants = P_MODEL
) -> Any:
    """Reduction f_v of assimilation by the cost of electron transport [1].

    ``wang17``: ``sqrt(1 - (c / m_j)^(2/3))``, zero where ``m_j <= c`` (no capacity is worth its
    cost); ``none``: one.

    Raises
    ------
    ConfigError
        If the limitation has another name.

    Examples
    --------
    >>> [round(float(jmax_factor(m_j)), 4) for m_j in (0.7123038, 1.0, 0.3)]
    [0.555, 0.6694, 0.0]
    """
    if limitation == "none":
        return np.ones_like(m_j)
    if limitation != "wang17":
        raise ConfigError(
            f"jmax_limitation: expected 'wang17' or 'none', got {limitation!r}; use one of them"
        )
    above = np.maximum(m_j, constants.cost_jmax)
    return np.sqrt(1.0 - np.cbrt(constants.cost_jmax / above) ** 2)


def lue_c3(
    climate: Climate,
    phi0: float = P_MODEL.phi0,
    limitation: JmaxLimitation = "wang17",
    constants: PModelConstants = P_MODEL,
) -> Any:
    """Light-use efficiency of C3 plants [gC mol-1].

    ``phi0`` [mol mol-1] is the quantum yield that the temperature response multiplies.

    Examples
    --------
    >>> mild = Climate(20.0, 1000.0, 400.0, 101325.0)
    >>> round(float(lue_c3(mild)), 7), round(float(lue_c3(mild, limitation="none")), 7)
    (0.2547515, 0.4589983)
    """
    m_j = np.maximum(co2_limitation(climate, constants), 0.0)
    response = quantum_yield_response(climate.temperature, "C3")
    return MOLAR_MASS_CARBON * phi0 * response * m_j * jmax_factor(m_j, limitation, constants)


def lue_c4(
    temperature: Values,
    phi0: float = P_MODEL.phi0,
    limitation: JmaxLimitation = "wang17",
    constants: PModelConstants = P_MODEL,
) -> Any:
    """Light-use efficiency of C4 plants [gC mol-1]: their CO2 pump makes m_j one.

    Examples
    --------
    >>> round(float(lue_c4(20.0)), 7), round(float(lue_c4(20.0, limitation="none")), 7)
    (0.2304073, 0.3441962)
    """
    response = quantum_yield_response(temperature, "C4")
    return MOLAR_MASS_CARBON * phi0 * response * jmax_factor(1.0, limitation, constants)


def photon_flux(shortwave: Values, umol_per_joule: float = UMOL_PER_JOULE) -> Any:
    """Photosynthetic photon flux [mol m-2 d-1] from shortwave radiation [W m-2].

    Negative radiation (an instrument's night offset) counts as zero.

    Examples
    --------
    >>> round(float(photon_flux(200.0)), 4)
    39.4848
    """
    return np.maximum(shortwave, 0.0) * (umol_per_joule * 1e-6 * SECONDS_PER_DAY)


def soil_moisture_stress(
    soil_water: Values, aridity: Values, slope: float = 0.733, threshold: float = 0.6
) -> Any:
    """Soil-moisture stress on light-use efficiency [1].

    ``beta = 1 - (1 - beta0) ((threshold - soil_water) / threshold)^2`` below the threshold, where
    ``beta0 = slope x aridity``; Stocker et al. 2020, setup FULL (whose
    ``phi0`` is 0.087182).

    Parameters
    ----------
    soil_water : any shape [1]
        Relative soil water, 0 at the wilting point to 1 at capacity.
    aridity : any shape [1]
        Long-term actual over potential evapotranspiration.
    slope, threshold : float
        Parameters of the setup FULL.

    Examples
    --------
    >>> float(soil_moisture_stress(0.8, 1.0)), round(float(soil_moisture_stress(0.0, 1.0)), 3)
    (1.0, 0.733)
    """
    deficit = np.clip((threshold - soil_water) / threshold, 0.0, 1.0)
    return 1.0 - (1.0 - np.clip(slope * aridity, 0.0, 1.0)) * deficit * deficit
