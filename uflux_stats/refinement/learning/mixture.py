"""Several learners as one: their mean, or a combination learned out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from uflux_stats.refinement.learners import Ensemble, Table
from uflux_stats.refinement.learning.folds import Learner, fit_folds, fold_of_towers
from uflux_stats.refinement.learning.lesson import Lesson, Values
from uflux_stats.refinement.learning.models import Head, Model
from uflux_stats.refinement.learning.trees import weighted_sums
from uflux_stats.refinement.options import RefineOptions


@dataclass(frozen=True)
class Mixture:
    """A weighted sum of models, member by member.

    Attributes
    ----------
    parts : tuple of Model
        Of equally many members.
    weights : tuple of float
    """

    parts: tuple[Model, ...]
    weights: tuple[float, ...]

    @property
    def width(self) -> int:
        """Number of predictors."""
        return self.parts[0].width

    @cached_property
    def trees(self) -> Ensemble:
        """The parts that are trees, as one ensemble of trees, their weights made to sum to one."""
        chosen = [(part.trees, weight)
                  for part, weight in zip(self.parts, self.weights, strict=True)
                  if part.trees and weight > 0.0]  # fmt: skip
        if not chosen:
            return []
        ensembles, weights = zip(*chosen, strict=True)
        return weighted_sums(ensembles, (np.array(weights) / np.sum(weights)).tolist())

    def predict(self, table: Table, *, threads: int = 1) -> Table:
        """Predict with every member, (member, row)."""
        total = None
        for part, weight in zip(self.parts, self.weights, strict=True):
            share = np.float32(weight) * part.predict(table, threads=threads)
            total = share if total is None else total + share
        return np.asarray(total, np.float32)

    def importance(self) -> Values:
        """Share of each predictor: that of the trees, else of all parts."""
        known = [part.importance() for part in self.parts if part.trees]
        shares: Values = np.mean(known or [part.importance() for part in self.parts], axis=0)
        return shares

    def save(self, folder: Path, stem: str) -> Head:
        """Write the files of all parts."""
        parts = [part.save(folder, f"{stem}-{n}") for n, part in enumerate(self.parts)]
        return {"kind": "mixture", "parts": parts, "weights": list(self.weights)}


def fit_blend(
    lesson: Lesson, options: RefineOptions, seed: Sequence[int], learners: Sequence[Learner]
) -> Mixture:
    """Fit all parts; each counts the same."""
    parts = tuple(learn(lesson, options, [*seed, n]) for n, learn in enumerate(learners))
    return Mixture(parts, (1.0 / len(parts),) * len(parts))


def fit_stack(
    lesson: Lesson, options: RefineOptions, seed: Sequence[int], learners: Sequence[Learner]
) -> Mixture:
    """Fit all parts; their weights fit what each predicts for towers that it has not seen.

    References
    ----------
    Breiman (1996), doi 10.1023/A:1018046112532: stacked regressions with weights that are not
    negative.
    """
    blend = fit_blend(lesson, options, seed, learners)
    columns = out_of_fold(lesson, options, seed, learners)
    return replace(blend, weights=weights_of(columns, lesson, options))


def out_of_fold(
    lesson: Lesson, options: RefineOptions, seed: Sequence[int], learners: Sequence[Learner]
) -> Values:
    """Predict each row by learners that have not seen its tower, (row, learner)."""
    few = replace(options, members=1)
    fold = fold_of_towers(lesson.tower, options.stack.folds, seed)
    columns = [fit_folds(lesson, fold, few, ([*seed, n], learn)).predicted
               for n, learn in enumerate(learners)]  # fmt: skip
    return np.stack(columns, axis=1)


def weights_of(columns: Values, lesson: Lesson, options: RefineOptions) -> tuple[float, ...]:
    """Weights of the parts, which sum to one; equal ones if none is of use."""
    root = np.sqrt(lesson.weight)[:, np.newaxis]
    left, right = columns * root, lesson.target * root[:, 0]
    if options.stack.weights == "ridge":
        # shrunk towards equal shares by as much as one row in a hundred counts
        equal = np.full(left.shape[1], 1.0 / left.shape[1])
        normal = left.T @ left
        penalty = options.stack.penalty * np.trace(normal) / len(normal) * np.eye(len(normal))
        found = equal + np.linalg.solve(normal + penalty, left.T @ (right - left @ equal))
    else:
        found = nnls(left, right)[0]
        found = found / found.sum() if found.sum() > 0.0 else np.full(len(found), 1 / len(found))
    weights: list[Any] = found.tolist()
    return tuple(weights)
