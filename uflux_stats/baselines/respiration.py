"""Ecosystem respiration from temperature: the Q10 form and the form of Lloyd and Taylor.

The two are different functions and go by their own names. NumPy in, NumPy out, element by element.
"""

from typing import Any, Final, Literal

import numpy as np

from uflux_stats.baselines.constants import RESPIRATION
from uflux_stats.baselines.thermodynamics import Values
from uflux_stats.choices import unknown_name
from uflux_stats.errors import ConfigError
from uflux_stats.units import ZERO_CELSIUS

Form = Literal["q10", "lloyd_taylor"]
FORMS: Final[tuple[Form, ...]] = ("q10", "lloyd_taylor")


def q10_response(
    temperature: Values, q10: Values, reference: float = RESPIRATION.q10_reference
) -> Any:
    """Respiration relative to that at the reference [1]: ``q10^((T - reference) / 10)``.

    Temperatures in degC. van 't Hoff 1898; the exponential written with ``B = ln(q10) / 10`` is
    the same function.

    Examples
    --------
    >>> float(q10_response(10.0, 1.5)), float(q10_response(20.0, 1.5))
    (1.0, 1.5)
    """
    return np.power(q10, (np.asarray(temperature) - reference) / 10.0)


def lloyd_taylor_response(
    temperature: Values,
    e0: Values = RESPIRATION.lloyd_taylor_e0,
    reference: float = RESPIRATION.lloyd_taylor_reference - ZERO_CELSIUS,
    zero: float = RESPIRATION.lloyd_taylor_zero,
) -> Any:
    """Respiration relative to that at the reference [1] by Lloyd and Taylor 1994, eq. 11.

    ``exp(e0 (1 / (Tref - T0) - 1 / (T - T0)))``, and zero at or below ``T0``.

    Parameters
    ----------
    temperature : any shape [degC]
    e0 : any shape [K]
        Temperature sensitivity; fits of single towers lie between 50 and 400 K.
    reference : float [degC]
    zero : float [K]
        ``T0``, the temperature at which respiration stops.

    Raises
    ------
    ConfigError
        If the reference is not above ``zero``.

    Examples
    --------
    >>> float(lloyd_taylor_response(10.0)), float(lloyd_taylor_response(-60.0))
    (1.0, 0.0)
    """
    from_reference = reference + ZERO_CELSIUS - zero
    if from_reference <= 0.0:
        raise ConfigError(
            f"reference: expected above T0 = {zero} K, got {reference} degC; raise it"
        )
    distance = np.asarray(temperature) + ZERO_CELSIUS - zero
    frozen = distance <= 0.0
    inverse = 1.0 / np.where(frozen, 1.0, distance)
    return np.where(frozen, 0.0, np.exp(e0 * (1.0 / from_reference - inverse)))


def temperature_response(temperature: Values, sensitivity: Values, form: Form) -> Any:
    """Respiration relative to that at 10 degC [1], by the form of this name.

    ``sensitivity`` is the Q10 [1] or the E0 [K].

    Raises
    ------
    ConfigError
        If there is no form of this name.

    Examples
    --------
    >>> float(temperature_response(20.0, 2.0, "q10"))
    2.0
    """
    if form == "q10":
        return q10_response(temperature, sensitivity)
    if form == "lloyd_taylor":
        return lloyd_taylor_response(temperature, sensitivity)
    raise unknown_name("form", form, FORMS)


def reco(temperature: Values, rate: Values, sensitivity: Values, form: Form = "q10") -> Any:
    """Ecosystem respiration [gC m-2 d-1] at a temperature [degC]; ``rate`` is that at 10 degC.

    Examples
    --------
    >>> float(reco(20.0, 2.0, 1.5))
    3.0
    """
    return rate * temperature_response(temperature, sensitivity, form)
