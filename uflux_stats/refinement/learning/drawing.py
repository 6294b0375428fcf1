"""What one member of an ensemble sees: its own draw of rows and of predictors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from uflux_stats.refinement.learning.lesson import Lesson
from uflux_stats.refinement.options import RefineOptions


def drawn(
    lesson: Lesson, options: RefineOptions, seed: Sequence[int]
) -> tuple[Lesson, NDArray[np.intp], np.random.Generator]:
    """Draw rows and predictors, at least one of each, in their order.

    Returns
    -------
    Lesson
        Of the rows and predictors that the member sees.
    array of int, (kept,)
        Places of these predictors in the whole table.
    numpy.random.Generator
        For what else is random about the member.
    """
    rng = np.random.default_rng(seed)
    rows = _draw(rng, len(lesson.target), options.row_fraction)
    columns = _draw(rng, lesson.table.shape[1], options.feature_fraction)
    seen = lesson.only(rows)
    trend = np.flatnonzero(np.isin(columns, lesson.trend))
    table = np.ascontiguousarray(seen.table[:, columns])
    return replace(seen, table=table, trend=trend), columns, rng


def _draw(rng: np.random.Generator, size: int, fraction: float) -> NDArray[np.intp]:
    return np.sort(rng.permutation(size)[: max(1, round(fraction * size))])
