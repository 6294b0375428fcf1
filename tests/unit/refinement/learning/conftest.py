"""A small lesson: forty towers, a predictor that is sometimes missing, one of no use."""

import numpy as np
import pytest

from uflux_stats.refinement import RefineOptions
from uflux_stats.refinement.learning.lesson import Lesson, row_weights
from uflux_stats.refinement.options import ForestOptions, KernelOptions

FEATURES = 5


def make_lesson(rows: int = 600, seed: int = 3) -> Lesson:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    target = table[:, 0] + np.sin(2.0 * table[:, 1]) + 0.1 * rng.normal(size=rows)
    table[::7, 2] = np.nan
    tower = rng.integers(0, 40, rows)
    return Lesson(table, target.astype(float), row_weights(tower, "root"), tower)


@pytest.fixture(scope="session")
def lesson() -> Lesson:
    return make_lesson()


@pytest.fixture(scope="session")
def small() -> RefineOptions:
    """Small enough to be quick; all predictors are seen, so that predictions can be compared."""
    return RefineOptions(
        members=2, feature_fraction=1.0, trees=15, depth=4, learning_rate=0.3, min_weight=2.0,
        forest=ForestOptions(trees=20, least_rows=3, features=1.0), kernel=KernelOptions(points=80),
    )  # fmt: skip
