"""Posteriors of respiration parameters by class, continent and site, and what follows from them."""

from uflux_stats.bayes.fitted import RespirationFit, fit_respiration
from uflux_stats.bayes.gate import Gate
from uflux_stats.bayes.leave_out import leave_sites_out
from uflux_stats.bayes.options import RespirationOptions, SamplerOptions
from uflux_stats.bayes.propagation import PropagationOptions, propagate, propagate_to_store
from uflux_stats.bayes.results import load_fit, save_fit

__all__ = [
    "Gate",
    "PropagationOptions",
    "RespirationFit",
    "RespirationOptions",
    "SamplerOptions",
    "fit_respiration",
    "leave_sites_out",
    "load_fit",
    "propagate",
    "propagate_to_store",
    "save_fit",
]
