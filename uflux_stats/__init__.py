"""Land carbon fluxes and stocks: baselines, refinement, closed budgets, statistics, attribution.

The names below are the whole public face; the sub-packages hold the rest. They are loaded on first
use, so that importing the package is quick and has no side effects.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    pass

__version__ = "0.1.0"

_HOMES: Final[dict[str, str]] = {}
"""Where each public name lives."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


import_module("uflux_stats.stats.accessor")  # makes array.uflux known to xarray
