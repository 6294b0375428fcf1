"""Process baselines: P-model GPP, RECO from temperature, Priestley-Taylor LE, and NEE."""

from uflux_stats.baselines.completion import complete_drivers
from uflux_stats.baselines.conditioned_fitting import fit_conditioned_respiration
from uflux_stats.baselines.conditions import DriverEffect
from uflux_stats.baselines.fitting import fit_reference_respiration
from uflux_stats.baselines.fluxes import air_pressure, baseline
from uflux_stats.baselines.options import BaselineOptions
from uflux_stats.baselines.parameters import (
    ClassParameters,
    ParameterTable,
    default_parameters,
)

__all__ = [
    "BaselineOptions",
    "ClassParameters",
    "DriverEffect",
    "ParameterTable",
    "air_pressure",
    "baseline",
    "complete_drivers",
    "default_parameters",
    "fit_conditioned_respiration",
    "fit_reference_respiration",
]
