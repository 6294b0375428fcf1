"""Posteriors of respiration parameters by class, continent and site, and what follows from them."""

from uflux_stats.bayes.comparison import compare
from uflux_stats.bayes.driver_sets import compare_driver_sets
from uflux_stats.bayes.fitted import RespirationFit, fit_respiration
from uflux_stats.bayes.gate import Gate
from uflux_stats.bayes.leave_out import leave_sites_out
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.propagation import PropagationOptions, propagate, propagate_to_store
from uflux_stats.bayes.results import load_fit, save_fit
from uflux_stats.bayes.sensitivity import power_scaling
from uflux_stats.bayes.unseen import predict_unseen_sites

__all__ = [
    "Gate",
    "PropagationOptions",
    "RespirationFit",
    "RespirationOptions",
    "SamplerOptions",
    "compare",
    "compare_driver_sets",
    "fit_respiration",
    "leave_sites_out",
    "load_fit",
    "power_scaling",
    "predict_unseen_sites",
    "propagate",
    "propagate_to_store",
    "save_fit",
]
