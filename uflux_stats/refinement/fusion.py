"""The network as one of several learners: trees and a memory of the months before as one model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from uflux_stats.refinement.learning.folds import fold_of_towers
from uflux_stats.refinement.learning.lesson import Lesson, Values
from uflux_stats.refinement.learning.mixture import Mixture, fit_blend, out_of_fold, weights_of
from uflux_stats.refinement.learning.registry import SINGLE
from uflux_stats.refinement.neural.ensemble import Lessons, fit_networks
from uflux_stats.refinement.options import RefineOptions


@dataclass(frozen=True)
class Beside:
    """Learners of one flux that share it with the network.

    Attributes
    ----------
    mixture : Mixture
        Their weights and ``share`` are dealt out together.
    share : float
        Weight of the network.
    """

    mixture: Mixture
    share: float


def network_out_of_fold(
    lessons: Lessons, options: RefineOptions, seed: Sequence[int]
) -> dict[str, Values]:
    """Predict every flux at each row by one network that has not seen its tower, (row,).

    Of a blend, whose weights are not learned, nothing is asked.
    """
    if options.model == "blend":
        return {}
    few = replace(options, members=1)
    fold = fold_of_towers(lessons.site, options.stack.folds, seed)
    # the mean stays where a flux is known in one fold alone
    predicted = {name: np.full(len(fold), np.nanmean(v)) for name, v in lessons.observed.items()}
    for number in np.unique(fold):
        out = fold == number
        seen = lessons if out.all() else lessons.only(~out)
        networks = fit_networks(seen, few, [*seed, int(number)])
        there = lessons.only(out)
        for name, values in networks.predict(there.predictors, there.process).items():
            predicted[name][out] = values.mean(axis=0, dtype=float)
    return predicted


def fit_beside(
    lesson: Lesson, options: RefineOptions, seed: Sequence[int], network: Values | None
) -> Beside:
    """Fit the other learners; all weights come from what is predicted for unseen towers.

    Parameters
    ----------
    lesson : Lesson
        Of one flux.
    options : RefineOptions
    seed : sequence of int
    network : array, (row,), optional
        What the network predicts out of fold of the target; none for a blend: equal weights.
    """
    learners = [SINGLE[name] for name in options.stack.beside_network]
    mixture = fit_blend(lesson, options, seed, learners)
    size = len(learners) + 1
    weights: tuple[float, ...] = (1.0 / size,) * size
    if network is not None:
        others = out_of_fold(lesson, options, seed, learners)
        weights = weights_of(np.column_stack([others, network]), lesson, options)
    return Beside(replace(mixture, weights=weights[:-1]), weights[-1])
