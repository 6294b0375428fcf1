"""A cascade: each layer sees what the layers before it predict for towers they have not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from uflux_stats.refinement.learners import Ensemble, Table
from uflux_stats.refinement.learning.folds import Learner, fit_folds, fold_of_towers
from uflux_stats.refinement.learning.lesson import Lesson, Values
from uflux_stats.refinement.learning.models import Head, Model
from uflux_stats.refinement.options import RefineOptions

LAYERS: Final = 10
"""Most layers."""


@dataclass(frozen=True)
class Cascade:
    """Layers of models, each of which has been fitted without one fold of towers.

    Attributes
    ----------
    layers : tuple of tuple of Model
    """

    layers: tuple[tuple[Model, ...], ...]

    @property
    def width(self) -> int:
        """Number of predictors, those that layers hand on not counted."""
        return self.layers[0][0].width

    @property
    def trees(self) -> Ensemble:
        """The trees of a cascade of one layer; those of more see what is no predictor."""
        return self.layers[0][0].trees if len(self.layers) == 1 else []

    def predict(self, table: Table, *, threads: int = 1) -> Table:
        """Predict with every member of the last layer, (member, row)."""
        seen = table
        for layer in self.layers:
            predicted = np.mean([m.predict(seen, threads=threads) for m in layer], axis=0)
            seen = np.column_stack([seen, predicted.mean(axis=0)]).astype(np.float32)
        last: Table = predicted.astype(np.float32)
        return last

    def importance(self) -> Values:
        """Share of each predictor in the first layer, which alone sees only predictors."""
        shares: Values = np.mean([model.importance() for model in self.layers[0]], axis=0)
        return shares

    def save(self, folder: Path, stem: str) -> Head:
        """Write the files of all models."""
        layers = [
            [model.save(folder, f"{stem}-{depth}-{fold}") for fold, model in enumerate(layer)]
            for depth, layer in enumerate(self.layers)
        ]
        return {"kind": "cascade", "layers": layers}


def fit_cascade(
    lesson: Lesson, options: RefineOptions, seed: Sequence[int], learn: Learner
) -> Cascade:
    """Add layers as long as they predict unseen towers better, and keep the best depth.

    Folds are groups of towers. What a layer hands on to the next is out of fold in training and
    the mean of the models of all folds afterwards.

    References
    ----------
    Zhou and Feng (2017), Deep forest: towards an alternative to deep neural networks, IJCAI.
    """
    fold = fold_of_towers(lesson.tower, options.stack.folds, seed)
    layers: list[tuple[Model, ...]] = []
    best = np.inf
    seen = lesson
    for depth in range(LAYERS):
        layer = fit_folds(seen, fold, options, ([*seed, depth], learn))
        error = float(np.average((layer.predicted - lesson.target) ** 2, weights=lesson.weight))
        if error >= best:
            break
        best = error
        layers.append(layer.models)
        seen = seen.beside(layer.predicted.astype(np.float32))
    return Cascade(tuple(layers))
