"""Machine-learned refinement of the baselines' residuals, and its honest validation."""

from uflux_stats.refinement.adaptation import Adaptation, fit_adaptation
from uflux_stats.refinement.options import (
    ForestOptions,
    KernelOptions,
    RefineOptions,
    StackOptions,
)
from uflux_stats.refinement.refiner import Refiner, refine
from uflux_stats.refinement.splits import SPLITS, Split, split_folds
from uflux_stats.refinement.surroundings import (
    Surroundings,
    SurroundingsOptions,
    fit_surroundings,
)
from uflux_stats.refinement.upscaling import UpscaleOptions, upscale
from uflux_stats.refinement.validation import ValidationOptions, cross_validate

__all__ = [
    "SPLITS",
    "Adaptation",
    "ForestOptions",
    "KernelOptions",
    "RefineOptions",
    "Refiner",
    "Split",
    "StackOptions",
    "Surroundings",
    "SurroundingsOptions",
    "UpscaleOptions",
    "ValidationOptions",
    "cross_validate",
    "fit_adaptation",
    "fit_surroundings",
    "refine",
    "split_folds",
    "upscale",
]
