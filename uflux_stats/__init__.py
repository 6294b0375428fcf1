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
    from uflux_stats.refinement import fit_surroundings as fit_surroundings
    from uflux_stats.refinement import refine as refine
    from uflux_stats.refinement import upscale as upscale
    from uflux_stats.reporting.reports import report as report
    from uflux_stats.stats.conservation import conservation as conservation
    from uflux_stats.stats.conservation import stock_change as stock_change
    from uflux_stats.stats.conservation import stock_residual as stock_residual
    from uflux_stats.stats.iav import anomaly_correlation as anomaly_correlation
    from uflux_stats.stats.iav import detrend as detrend
    from uflux_stats.stats.iav import extremes as extremes
    from uflux_stats.stats.iav import iav as iav
    from uflux_stats.stats.iav import iav_contribution as iav_contribution
    from uflux_stats.stats.metrics import score as score
    from uflux_stats.stats.reconcile import reconcile as reconcile
    from uflux_stats.stats.scores import ilamb_scores as ilamb_scores
    from uflux_stats.stats.scores import score_maps as score_maps
    from uflux_stats.stats.seasonality import anomalies as anomalies
    from uflux_stats.stats.seasonality import mean_year as mean_year
    from uflux_stats.stats.seasonality import seasonal_cycle as seasonal_cycle
    from uflux_stats.stats.spread import ensemble_spread as ensemble_spread
    from uflux_stats.stats.taylor import taylor as taylor
    from uflux_stats.stats.taylor import triple_collocation as triple_collocation
    from uflux_stats.stats.totals import area_mean as area_mean
    from uflux_stats.stats.totals import total as total
    from uflux_stats.stats.towers import tower_trends as tower_trends
    from uflux_stats.stats.towers import tower_years as tower_years
    from uflux_stats.stats.towers import trends_by_type as trends_by_type
    from uflux_stats.stats.trend import change_point as change_point
    from uflux_stats.stats.trend import ensemble_trend as ensemble_trend
    from uflux_stats.stats.trend import field_significance as field_significance
    from uflux_stats.stats.trend import trend as trend
    from uflux_stats.stats.trend import trend_model as trend_model
    from uflux_stats.stats.trend import trend_of_totals as trend_of_totals
    from uflux_stats.stats.yearly import yearly_means as yearly_means

__version__ = "0.1.0"

_HOMES: Final[dict[str, str]] = {
    "BaselineOptions": "uflux_stats.baselines",
    "CausalGraph": "uflux_stats.attribution.graph",
    "ParameterTable": "uflux_stats.baselines",
    "RefineOptions": "uflux_stats.refinement",
    "Refiner": "uflux_stats.refinement",
    "TwinOptions": "uflux_stats.io.twin",
    "anomalies": "uflux_stats.stats.seasonality",
    "anomaly_correlation": "uflux_stats.stats.iav",
    "area_mean": "uflux_stats.stats.totals",
    "attribute": "uflux_stats.attribution.attribute",
    "baseline": "uflux_stats.baselines",
    "change_point": "uflux_stats.stats.trend",
    "complete_drivers": "uflux_stats.baselines",
    "conservation": "uflux_stats.stats.conservation",
    "date_climatology": "uflux_stats.io.drivers",
    "describe": "uflux_stats.io.recognition",
    "detrend": "uflux_stats.stats.iav",
    "drivers_at_sites": "uflux_stats.io.at_sites",
    "dropped_report": "uflux_stats.io.drops",
    "emulate": "uflux_stats.emulation",
    "ensemble_spread": "uflux_stats.stats.spread",
    "ensemble_trend": "uflux_stats.stats.trend",
    "extremes": "uflux_stats.stats.iav",
    "field_significance": "uflux_stats.stats.trend",
    "fit_local": "uflux_stats.attribution.local",
    "fit_network": "uflux_stats.attribution.network",
    "fit_reference_respiration": "uflux_stats.baselines",
    "fit_respiration": "uflux_stats.bayes",
    "fit_surroundings": "uflux_stats.refinement",
    "iav": "uflux_stats.stats.iav",
    "iav_contribution": "uflux_stats.stats.iav",
    "ilamb_scores": "uflux_stats.stats.scores",
    "load_fit": "uflux_stats.bayes",
    "make_twin": "uflux_stats.io.twin",
    "mean_year": "uflux_stats.stats.seasonality",
    "open_store": "uflux_stats.io.zarr_store",
    "propagate": "uflux_stats.bayes",
    "query": "uflux_stats.attribution.query",
    "read_dgvm": "uflux_stats.io.dgvm",
    "read_drivers": "uflux_stats.io.drivers",
    "read_fluxnet": "uflux_stats.io.fluxnet",
    "reconcile": "uflux_stats.stats.reconcile",
    "refine": "uflux_stats.refinement",
    "report": "uflux_stats.reporting.reports",
    "run": "uflux_stats.pipeline.run",
    "score": "uflux_stats.stats.metrics",
    "score_maps": "uflux_stats.stats.scores",
    "seasonal_cycle": "uflux_stats.stats.seasonality",
    "shap_values": "uflux_stats.explain.towers",
    "stock_change": "uflux_stats.stats.conservation",
    "stock_residual": "uflux_stats.stats.conservation",
    "taylor": "uflux_stats.stats.taylor",
    "total": "uflux_stats.stats.totals",
    "tower_trends": "uflux_stats.stats.towers",
    "tower_years": "uflux_stats.stats.towers",
    "trend": "uflux_stats.stats.trend",
    "trend_model": "uflux_stats.stats.trend",
    "trend_of_totals": "uflux_stats.stats.trend",
    "trends_by_type": "uflux_stats.stats.towers",
    "triple_collocation": "uflux_stats.stats.taylor",
    "upscale": "uflux_stats.refinement",
    "what_if": "uflux_stats.attribution.scenarios",
    "yearly_means": "uflux_stats.stats.yearly",
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
