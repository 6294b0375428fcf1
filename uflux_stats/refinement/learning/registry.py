"""All learners by name, and how each kind of model is read from its files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from uflux_stats.refinement.learners import fit_ensemble
from uflux_stats.refinement.learning.cascade import Cascade, fit_cascade
from uflux_stats.refinement.learning.catboost_trees import fit_catboost
from uflux_stats.refinement.learning.folds import Learner
from uflux_stats.refinement.learning.forests import fit_extra_trees, fit_random_forest
from uflux_stats.refinement.learning.kernel import Kernel, fit_kernel
from uflux_stats.refinement.learning.lesson import Lesson
from uflux_stats.refinement.learning.lightgbm_trees import fit_lightgbm
from uflux_stats.refinement.learning.mixture import Mixture, fit_blend, fit_stack
from uflux_stats.refinement.learning.models import Head, Model, Trees
from uflux_stats.refinement.options import RefineOptions


def fit_xgboost(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Trees:
    """Boost trees; see ``fit_ensemble``."""
    return Trees(fit_ensemble(lesson.table, lesson.target, options, seed, weight=lesson.weight))


def _blend(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Model:
    return fit_blend(lesson, options, seed, [SINGLE[name] for name in options.stack.parts])


def _stack(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Model:
    return fit_stack(lesson, options, seed, [SINGLE[name] for name in options.stack.parts])


def _cascade(lesson: Lesson, options: RefineOptions, seed: Sequence[int]) -> Model:
    return fit_cascade(lesson, options, seed, fit_xgboost)


SINGLE: Final[dict[str, Learner]] = {
    "xgboost": fit_xgboost,
    "lightgbm": fit_lightgbm,
    "catboost": fit_catboost,
    "random_forest": fit_random_forest,
    "extra_trees": fit_extra_trees,
    "kernel": fit_kernel,
}
LEARNERS: Final[dict[str, Learner]] = SINGLE | {
    "cascade": _cascade,
    "blend": _blend,
    "stack": _stack,
}


def load_model(folder: Path, head: Head) -> Model:
    """Read what ``Model.save`` wrote; no library that grew the model is needed.

    Raises
    ------
    KeyError, TypeError, ValueError, OSError
        If something is missing or not as it should be.
    """
    return _READERS[head["kind"]](folder, head)


def _load_mixture(folder: Path, head: Head) -> Mixture:
    parts = tuple(load_model(folder, part) for part in head["parts"])
    return Mixture(parts, tuple(head["weights"]))


def _load_cascade(folder: Path, head: Head) -> Cascade:
    return Cascade(tuple(tuple(load_model(folder, m) for m in layer) for layer in head["layers"]))


_READERS: Final[dict[str, Callable[[Path, Head], Model]]] = {
    "trees": Trees.load,
    "kernel": Kernel.load,
    "mixture": _load_mixture,
    "cascade": _load_cascade,
}
