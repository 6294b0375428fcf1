"""Land carbon fluxes and stocks: baselines, refinement, closed budgets, statistics, attribution.

The names below are the whole public face; the sub-packages hold the rest. They are loaded on first
use, so that importing the package is quick and has no side effects but one: arrays of xarray get
the accessor ``uflux``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from uflux_stats.attribution.attribute import attribute as attribute
    from uflux_stats.attribution.graph import CausalGraph as CausalGraph
    from uflux_stats.attribution.local import fit_local as fit_local
    from uflux_stats.attribution.network import fit_network as fit_network
    from uflux_stats.attribution.query import query as query
    from uflux_stats.attribution.scenarios import what_if as what_if
    from uflux_stats.baselines import BaselineOptions as BaselineOptions
    from uflux_stats.baselines import ParameterTable as ParameterTable
    from uflux_stats.baselines import baseline as baseline
    from uflux_stats.baselines import complete_drivers as complete_drivers
    from uflux_stats.baselines import fit_reference_respiration as fit_reference_respiration
    from uflux_stats.bayes import fit_respiration as fit_respiration
    from uflux_stats.bayes import load_fit as load_fit
    from uflux_stats.bayes import propagate as propagate
    from uflux_stats.emulation import emulate as emulate
    from uflux_stats.explain.towers import shap_values as shap_values
    from uflux_stats.io.at_sites import drivers_at_sites as drivers_at_sites
    from uflux_stats.io.dgvm import read_dgvm as read_dgvm
    from uflux_stats.io.drivers import date_climatology as date_climatology
    from uflux_stats.io.drivers import read_drivers as read_drivers
    from uflux_stats.io.drops import dropped_report as dropped_report
    from uflux_stats.io.fluxnet import read_fluxnet as read_fluxnet
    from uflux_stats.io.recognition import describe as describe
    from uflux_stats.io.twin import TwinOptions as TwinOptions
    from uflux_stats.io.twin import make_twin as make_twin
    from uflux_stats.io.zarr_store import open_store as open_store
    from uflux_stats.pipeline.run import run as run
    from uflux_stats.refinement import RefineOptions as RefineOptions
    from uflux_stats.refinement import Refiner as Refiner
    from uflux_stats.refinement import refine as refine
    from uflux_stats.refinement import upscale as upscale
    from uflux_stats.reporting.reports import report as report
    from uflux_stats.stats.conservation import conservation as conservation
    from uflux_stats.stats.iav import iav as iav
    from uflux_stats.stats.metrics import score as score
    from uflux_stats.stats.totals import area_mean as area_mean
    from uflux_stats.stats.totals import total as total
    from uflux_stats.stats.trend import trend as trend

__version__ = "0.1.0"

_HOMES: Final[dict[str, str]] = {
    "BaselineOptions": "uflux_stats.baselines",
    "CausalGraph": "uflux_stats.attribution.graph",
    "ParameterTable": "uflux_stats.baselines",
    "RefineOptions": "uflux_stats.refinement",
    "Refiner": "uflux_stats.refinement",
    "TwinOptions": "uflux_stats.io.twin",
    "area_mean": "uflux_stats.stats.totals",
    "attribute": "uflux_stats.attribution.attribute",
    "baseline": "uflux_stats.baselines",
    "complete_drivers": "uflux_stats.baselines",
    "conservation": "uflux_stats.stats.conservation",
    "date_climatology": "uflux_stats.io.drivers",
    "drivers_at_sites": "uflux_stats.io.at_sites",
    "describe": "uflux_stats.io.recognition",
    "dropped_report": "uflux_stats.io.drops",
    "emulate": "uflux_stats.emulation",
    "fit_local": "uflux_stats.attribution.local",
    "fit_network": "uflux_stats.attribution.network",
    "fit_reference_respiration": "uflux_stats.baselines",
    "fit_respiration": "uflux_stats.bayes",
    "iav": "uflux_stats.stats.iav",
    "load_fit": "uflux_stats.bayes",
    "make_twin": "uflux_stats.io.twin",
    "open_store": "uflux_stats.io.zarr_store",
    "propagate": "uflux_stats.bayes",
    "query": "uflux_stats.attribution.query",
    "read_dgvm": "uflux_stats.io.dgvm",
    "read_drivers": "uflux_stats.io.drivers",
    "read_fluxnet": "uflux_stats.io.fluxnet",
    "refine": "uflux_stats.refinement",
    "report": "uflux_stats.reporting.reports",
    "run": "uflux_stats.pipeline.run",
    "score": "uflux_stats.stats.metrics",
    "shap_values": "uflux_stats.explain.towers",
    "total": "uflux_stats.stats.totals",
    "trend": "uflux_stats.stats.trend",
    "upscale": "uflux_stats.refinement",
    "what_if": "uflux_stats.attribution.scenarios",
}
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
