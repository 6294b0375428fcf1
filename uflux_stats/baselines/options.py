"""Choices of the baseline that science leaves open, each with its default and source."""

from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

from uflux_stats.baselines.constants import P_MODEL
from uflux_stats.baselines.gpp import UMOL_PER_JOULE, JmaxLimitation
from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError

LatentHeat = Literal["priestley_taylor", "pt_jpl"]
_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "jmax_limitation": ("wang17", "none"),
    "jmax_limitation_c4": ("wang17", "none"),
    "respiration_temperature": ("TA", "TS"),
    "soil_moisture": ("none", "stocker20"),
    "latent_heat": get_args(LatentHeat),
}


@dataclass(frozen=True)
class BaselineOptions:
    """Options of ``baseline``.

    Attributes
    ----------
    jmax_limitation, jmax_limitation_c4 : {"wang17", "none"}
        Cost of electron transport in C3 and in C4 plants (Wang et al. 2017).
    phi0 : float [mol mol-1]
        Quantum yield that the temperature response multiplies.
    umol_per_joule : float [umol J-1]
        Photosynthetic photons per joule of shortwave radiation.
    respiration_temperature : {"TA", "TS"}
        Temperature that drives respiration, where the parameter table does not name its own.
    soil_moisture : {"none", "stocker20"}
        Stress on GPP; "stocker20" needs ``SOILWATER`` and ``ARIDITY`` [1] among the drivers, and
        its own ``phi0``, 0.087182 (Stocker et al. 2020, setup FULL).
    latent_heat : {"priestley_taylor", "pt_jpl"}
        Priestley-Taylor scaled by NDVI; or PT-JPL (Fisher et al. 2008,
        doi 10.1016/j.rse.2007.06.025), which needs whole years.
    psychrometric : float [kPa K-1], optional
        Fixed psychrometric constant; by default it follows the pressure.

    Raises
    ------
    ConfigError
        If a choice is unknown or a number not positive.

    Examples
    --------
    >>> BaselineOptions().jmax_limitation_c4, BaselineOptions.preset("paper").jmax_limitation_c4
    ('wang17', 'none')
    """

    jmax_limitation: JmaxLimitation = "wang17"
    jmax_limitation_c4: JmaxLimitation = "wang17"
    phi0: float = P_MODEL.phi0
    umol_per_joule: float = UMOL_PER_JOULE
    respiration_temperature: Literal["TA", "TS"] = "TA"
    soil_moisture: Literal["none", "stocker20"] = "none"
    latent_heat: LatentHeat = "priestley_taylor"
    psychrometric: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, allowed in _ALLOWED.items():
            require_choice(getattr(self, name), allowed, name=name)
        for name in ("phi0", "umol_per_joule", "psychrometric"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise ConfigError(f"{name}: expected a positive number, got {value}; correct it")

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return a named set of options.

        "default": those above. "paper": what the public code of UFLUX computes (Zhu et al. 2026,
        doi 10.1016/j.agrformet.2026.111197): no electron-transport limit in C4 plants, 2.3 umol
        J-1 and a psychrometric constant of 0.066 kPa K-1.

        Raises
        ------
        ConfigError
            If there is no preset of this name.
        """
        if name == "default":
            return cls()
        if name == "paper":
            return cls(jmax_limitation_c4="none", umol_per_joule=2.3, psychrometric=0.066)
        raise ConfigError(f"preset: expected 'default' or 'paper', got {name!r}; use one of them")
