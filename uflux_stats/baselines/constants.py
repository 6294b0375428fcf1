"""Constants of the process baselines: one frozen record per model, each value with unit and source.

``describe`` lists them, so that a report can print what a run was computed with.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Final

_STOCKER = "Stocker et al. 2020, doi 10.5194/gmd-13-1545-2020"
_BERNACCHI = "Bernacchi et al. 2001, doi 10.1111/j.1365-3040.2001.00668.x"
_ATMOSPHERE = "Allen 1973, Astrophysical Quantities: standard atmosphere"


def _constant(value: float, unit: str, source: str) -> Any:
    """Declare one constant as a dataclass field that knows its unit and source."""
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class PModelConstants:
    """Constants of the P-model light-use efficiency and of the physics below it."""

    phi0: float = _constant(0.081785, "mol mol-1", f"{_STOCKER}, setup BRC")
    beta_c3: float = _constant(146.0, "1", f"{_STOCKER}")
    beta_c4: float = _constant(
        146.0 / 9.0, "1", "Lin et al. 2015, doi 10.1038/nclimate2550: one third of xi"
    )
    cost_jmax: float = _constant(0.41, "1", "Wang et al. 2017, doi 10.1038/s41477-017-0006-8")
    diffusivity_ratio: float = _constant(1.6, "1", "Prentice et al. 2014, doi 10.1111/ele.12211")
    gamma_star_25: float = _constant(4.332, "Pa", f"{_BERNACCHI}, at standard pressure")
    gamma_star_activation: float = _constant(37830.0, "J mol-1", _BERNACCHI)
    kc_25: float = _constant(39.97, "Pa", _BERNACCHI)
    kc_activation: float = _constant(79430.0, "J mol-1", _BERNACCHI)
    ko_25: float = _constant(27480.0, "Pa", _BERNACCHI)
    ko_activation: float = _constant(36380.0, "J mol-1", _BERNACCHI)
    oxygen: float = _constant(209476.0, "ppm", "standard atmosphere; Stocker et al. 2020")
    reference_temperature: float = _constant(298.15, "K", _BERNACCHI)
    gas_constant: float = _constant(8.3145, "J mol-1 K-1", "Allen 1973, Astrophysical Quantities")
    standard_pressure: float = _constant(101325.0, "Pa", _ATMOSPHERE)
    lapse_rate: float = _constant(0.0065, "K m-1", _ATMOSPHERE)
    surface_temperature: float = _constant(
        298.15, "K", "value of the P-model, Stocker et al. 2020; FAO-56 has 293 K"
    )
    gravity: float = _constant(9.80665, "m s-2", "standard gravity, CGPM 1901")
    molar_mass_air: float = _constant(
        0.028963, "kg mol-1", "Tsilingiris 2008, doi 10.1016/j.enconman.2007.09.015"
    )


@dataclass(frozen=True)
class RespirationConstants:
    """Constants of the two temperature responses of respiration."""

    q10_reference: float = _constant(
        10.0, "degC", "Lloyd and Taylor 1994, doi 10.2307/2389824: reference at 10 degC"
    )
    lloyd_taylor_reference: float = _constant(
        283.15, "K", "Lloyd and Taylor 1994, doi 10.2307/2389824"
    )
    lloyd_taylor_zero: float = _constant(
        227.13, "K", "Lloyd and Taylor 1994, doi 10.2307/2389824, eq. 11"
    )
    lloyd_taylor_e0: float = _constant(
        308.56, "K", "Lloyd and Taylor 1994, doi 10.2307/2389824, eq. 11"
    )


@dataclass(frozen=True)
class EvaporationConstants:
    """Constants of Priestley-Taylor evaporation scaled by greenness."""

    alpha: float = _constant(1.26, "1", "Priestley and Taylor 1972, Mon. Weather Rev. 100, 81-92")
    ndvi_bare: float = _constant(
        0.2, "1", "Sobrino et al. 2004, doi 10.1016/j.rse.2004.02.003: NDVI of bare soil"
    )
    ndvi_range: float = _constant(0.8, "1", "from bare soil to NDVI 1")
    psychrometric: float = _constant(
        0.000665, "K-1", "Allen et al. 1998, FAO-56, eq. 8; times pressure"
    )
    tetens_pressure: float = _constant(0.6108, "kPa", "Allen et al. 1998, FAO-56, eq. 11")
    tetens_slope: float = _constant(17.27, "1", "Allen et al. 1998, FAO-56, eq. 11")
    tetens_offset: float = _constant(237.3, "degC", "Allen et al. 1998, FAO-56, eq. 11")


_FISHER: Final = "Fisher et al. 2008, doi 10.1016/j.rse.2007.06.025"


@dataclass(frozen=True)
class JetPropulsionConstants:
    """Constants of the PT-JPL model of evaporation."""

    wetness_power: float = _constant(4.0, "1", f"{_FISHER}: wet surface as a power of humidity")
    soil_vpd: float = _constant(1.0, "kPa", f"{_FISHER}: of the soil moisture constraint")
    radiation_extinction: float = _constant(0.6, "1", f"{_FISHER}: of net radiation by leaves")
    light_extinction: float = _constant(0.5, "1", f"{_FISHER}: of light by leaves")
    intercepted_offset: float = _constant(0.05, "1", f"{_FISHER}: NDVI without interception")
    intercepted_most: float = _constant(0.95, "1", "NDVI 1; keeps the leaf area finite")


P_MODEL: Final = PModelConstants()
RESPIRATION: Final = RespirationConstants()
EVAPORATION: Final = EvaporationConstants()
PT_JPL: Final = JetPropulsionConstants()


def describe(
    constants: PModelConstants
    | RespirationConstants
    | EvaporationConstants
    | JetPropulsionConstants,
) -> dict[str, dict[str, float | str]]:
    """List constants with value, unit and source.

    Examples
    --------
    >>> describe(EVAPORATION)["alpha"]["value"], describe(P_MODEL)["kc_25"]["unit"]
    (1.26, 'Pa')
    """
    return {
        row.name: {"value": getattr(constants, row.name), **row.metadata}
        for row in fields(constants)
    }
