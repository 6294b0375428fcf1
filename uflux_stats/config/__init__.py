"""What a run is told: frozen sections, read from TOML and the command line."""

from uflux_stats.config.learning import RefineConfig
from uflux_stats.config.reading import build_config, parse_override, read_config
from uflux_stats.config.sections import (
    BenchmarksConfig,
    EmulateConfig,
    InputConfig,
    OutputConfig,
    RunConfig,
    RunSection,
    TwinConfig,
    ValidationConfig,
)
from uflux_stats.config.verify import check

__all__ = [
    "BenchmarksConfig",
    "EmulateConfig",
    "InputConfig",
    "OutputConfig",
    "RefineConfig",
    "RunConfig",
    "RunSection",
    "TwinConfig",
    "ValidationConfig",
    "build_config",
    "check",
    "parse_override",
    "read_config",
]
