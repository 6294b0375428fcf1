"""What a learner predicts for towers that it has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.learning.lesson import Lesson, Values
from uflux_stats.refinement.learning.models import Model
from uflux_stats.refinement.options import RefineOptions

Learner = Callable[[Lesson, RefineOptions, Sequence[int]], Model]
"""Fits ``options.members`` members to a lesson; the same seed gives the same model."""


@dataclass(frozen=True)
class Folds:
    """A model fitted without each fold.

    Attributes
    ----------
    models : tuple of Model
    predicted : array, (row,)
        For each row by the model that has not seen its fold; mean of the members.
    """

    models: tuple[Model, ...]
    predicted: Values


def fold_of_towers(tower: NDArray[np.intp], folds: int, seed: Sequence[int]) -> NDArray[np.intp]:
    """Deal towers out to at most so many folds: a fold number for each row.

    Examples
    --------
    >>> fold = fold_of_towers(np.array([4, 4, 7, 9]), 2, [0])
    >>> bool(fold[0] == fold[1]), sorted(set(fold.tolist()))
    (True, [0, 1])
    """
    towers, number = np.unique(tower, return_inverse=True)
    dealt = np.arange(len(towers)) % min(folds, len(towers))
    return np.random.default_rng(seed).permutation(dealt)[number].astype(np.intp)


def fit_folds(
    lesson: Lesson,
    fold: NDArray[np.intp],
    options: RefineOptions,
    how: tuple[Sequence[int], Learner],
) -> Folds:
    """Fit a model without each fold, (row,), and predict that fold.

    ``how`` is the seed and the learner. Where there is one tower alone its model sees all.
    """
    seed, learn = how
    predicted = np.full(len(fold), np.nan)
    models = []
    for number in np.unique(fold):
        out = fold == number
        seen = lesson if out.all() else lesson.only(~out)
        models.append(learn(seen, options, [*seed, int(number)]))
        predicted[out] = models[-1].predict(lesson.table[out]).mean(axis=0, dtype=float)
    return Folds(tuple(models), predicted)
