"""Temperature and pressure physics below the P-model: NumPy in, NumPy out, element by element."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from uflux_stats.baselines.constants import P_MODEL, PModelConstants
from uflux_stats.units import ZERO_CELSIUS

Values: TypeAlias = NDArray[np.float64] | float
"""Numbers in, numbers of the same shape out."""

# Fisher and Dial 1975, coefficients of rising powers of the temperature in degC.
_LAMBDA: Final = (1788.316, 21.55053, -0.4695911, 3.096363e-3, -7.341182e-6)
_P_ZERO: Final = (5918.499, 58.05267, -1.1253317, 6.6123869e-3, -1.4661625e-5)
_V_INFINITY: Final = (
    0.6980547, -7.435626e-4, 3.704258e-5, -6.315724e-7, 9.829576e-9, -1.197269e-10,
    1.005461e-12, -5.437898e-15, 1.69946e-17, -2.295063e-20,
)  # fmt: skip
_BAR_PER_PASCAL: Final = 1e-5

# Huber et al. 2009, tables 2 and 3; rows are powers of (1/T - 1), columns of (rho - 1).
_CRITICAL_TEMPERATURE: Final = 647.096
_CRITICAL_DENSITY: Final = 322.0
_DILUTE: Final = (1.67752, 2.20462, 0.6366564, -0.241605)
_FINITE_DENSITY: Final = (
    (0.520094, 0.222531, -0.281378, 0.161913, -0.0325372, 0.0, 0.0),
    (0.0850895, 0.999115, -0.906851, 0.257399, 0.0, 0.0, 0.0),
    (-1.08374, 1.88797, -0.772479, 0.0, 0.0, 0.0, 0.0),
    (-0.289555, 1.26613, -0.489837, 0.0, 0.0698452, 0.0, -0.00435673),
    (0.0, 0.0, -0.257040, 0.0, 0.0, 0.00872102, 0.0),
    (0.0, 0.120573, 0.0, 0.0, 0.0, 0.0, -0.000593264),
)


def _polynomial(x: Values, coefficients: tuple[Any, ...]) -> Any:
    """Evaluate a polynomial with ``coefficients`` of rising powers (Horner's scheme)."""
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def pressure_from_elevation(elevation: Values, constants: PModelConstants = P_MODEL) -> Any:
    """Air pressure [Pa] at an elevation [m] by the barometric formula with constant lapse rate.

    Berberan-Santos et al. 1997, doi 10.1119/1.18555; constants as in the P-model.

    Examples
    --------
    >>> float(pressure_from_elevation(0.0))
    101325.0
    >>> round(float(pressure_from_elevation(1000.0)), 1)
    90241.5
    """
    ratio = 1.0 - constants.lapse_rate * elevation / constants.surface_temperature
    exponent = (
        constants.gravity * constants.molar_mass_air
        / (constants.gas_constant * constants.lapse_rate)
    )  # fmt: skip
    return constants.standard_pressure * ratio**exponent


def water_density(temperature: Values, pressure: Values) -> Any:
    """Density of liquid water [kg m-3] at a temperature [degC] and pressure [Pa].

    Fisher and Dial 1975, "Equation of state of pure water and sea water".

    Examples
    --------
    >>> round(float(water_density(20.0, 101325.0)), 3)
    998.206
    """
    infinite_pressure = _polynomial(temperature, _V_INFINITY)
    specific_volume = infinite_pressure + _polynomial(temperature, _LAMBDA) / (
        _polynomial(temperature, _P_ZERO) + _BAR_PER_PASCAL * pressure
    )
    return 1e3 / specific_volume


def water_viscosity(temperature: Values, pressure: Values) -> Any:
    """Dynamic viscosity of liquid water [Pa s] at a temperature [degC] and pressure [Pa].

    Huber et al. 2009, doi 10.1063/1.3088050, without the critical enhancement; the density is
    that of ``water_density``.

    Examples
    --------
    >>> round(float(water_viscosity(25.0, 101325.0)), 8)
    0.00089002
    """
    reduced = (temperature + ZERO_CELSIUS) / _CRITICAL_TEMPERATURE
    density = water_density(temperature, pressure) / _CRITICAL_DENSITY
    inverse = 1.0 / reduced
    dilute = 1e2 * np.sqrt(reduced) / _polynomial(inverse, _DILUTE)
    rows = tuple(_polynomial(density - 1.0, row) for row in _FINITE_DENSITY)
    return 1e-6 * dilute * np.exp(density * _polynomial(inverse - 1.0, rows))


def relative_viscosity(
    temperature: Values, pressure: Values, constants: PModelConstants = P_MODEL
) -> Any:
    """Viscosity of water relative to that at 25 degC and standard pressure [1].

    Examples
    --------
    >>> round(float(relative_viscosity(20.0, 101325.0)), 7)
    1.1253614
    """
    reference = water_viscosity(
        constants.reference_temperature - ZERO_CELSIUS, constants.standard_pressure
    )
    return water_viscosity(temperature, pressure) / reference


def arrhenius(temperature: Values, activation: float, constants: PModelConstants = P_MODEL) -> Any:
    """Arrhenius factor [1] of a temperature [degC], one at 25 degC; activation energy in J mol-1.

    Examples
    --------
    >>> float(arrhenius(25.0, 37830.0))
    1.0
    """
    kelvin = temperature + ZERO_CELSIUS
    reference = constants.reference_temperature
    return np.exp(activation * (kelvin - reference) / (reference * constants.gas_constant * kelvin))


def gamma_star(temperature: Values, pressure: Values, constants: PModelConstants = P_MODEL) -> Any:
    """Photorespiratory compensation point [Pa] at a temperature [degC] and pressure [Pa].

    Bernacchi et al. 2001, doi 10.1111/j.1365-3040.2001.00668.x, scaled by pressure.

    Examples
    --------
    >>> round(float(gamma_star(20.0, 101325.0)), 7)
    3.3392509
    """
    scaled = constants.gamma_star_25 * pressure / constants.standard_pressure
    return scaled * arrhenius(temperature, constants.gamma_star_activation, constants)


def michaelis_menten(
    temperature: Values, pressure: Values, constants: PModelConstants = P_MODEL
) -> Any:
    """Michaelis-Menten coefficient of Rubisco [Pa] at a temperature [degC] and pressure [Pa].

    ``K = Kc (1 + pO2 / Ko)``; Bernacchi et al. 2001, doi 10.1111/j.1365-3040.2001.00668.x.

    Examples
    --------
    >>> round(float(michaelis_menten(20.0, 101325.0)), 7)
    46.0992779
    """
    kc = constants.kc_25 * arrhenius(temperature, constants.kc_activation, constants)
    ko = constants.ko_25 * arrhenius(temperature, constants.ko_activation, constants)
    return kc * (1.0 + constants.oxygen * 1e-6 * pressure / ko)
