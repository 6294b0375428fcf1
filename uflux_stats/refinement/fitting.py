"""Fit and predict on rows: respiration parameters, baseline, and an ensemble for each flux."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import (
    ParameterTable,
    fit_conditioned_respiration,
    fit_reference_respiration,
)
from uflux_stats.baselines.respiration import Form
from uflux_stats.bayes.as_baseline import posterior_table
from uflux_stats.refinement.dissimilarity import Domain, fit_domain
from uflux_stats.refinement.features import BACK
from uflux_stats.refinement.learners import Ensemble
from uflux_stats.refinement.learning.lesson import Lesson, row_weights
from uflux_stats.refinement.learning.models import Model
from uflux_stats.refinement.learning.registry import LEARNERS
from uflux_stats.refinement.neural.ensemble import Lessons, Networks, fit_networks
from uflux_stats.refinement.options import RefineOptions, Respiration
from uflux_stats.refinement.responses import RESPONSES, direction
from uflux_stats.refinement.table import Mask, Rows, TrainingTable
from uflux_stats.schema import variable

NOT_NEGATIVE: Final = ("GPP", "RECO")
DIFFERENCE: Final = "NEE_difference"
PROCESS_PREDICTORS: Final = ("GPP", "RECO", "LE")


def flux_attrs(name: str) -> dict[str, str]:
    """Attributes of a predicted flux.

    Examples
    --------
    >>> flux_attrs("NEE_difference")["units"]
    'gC m-2 d-1'
    """
    if name != DIFFERENCE:
        return variable(name).attrs
    named = {"long_name": "net ecosystem exchange as RECO - GPP, positive to the atmosphere"}
    return variable("NEE").attrs | named


@dataclass(frozen=True)
class Fit:
    """What is learned from one set of rows: respiration parameters and an ensemble.

    Attributes
    ----------
    parameters : ParameterTable
    models : dict of Model
        One for each flux; none if the model is the network.
    networks : Networks, optional
        One for all fluxes.
    """

    parameters: ParameterTable
    models: dict[str, Model]
    networks: Networks | None = None

    @property
    def fluxes(self) -> tuple[str, ...]:
        """The fluxes that were learned."""
        return tuple(self.models) if self.networks is None else self.networks.design.fluxes

    @property
    def ensembles(self) -> dict[str, Ensemble]:
        """What is trees of the model of each flux; fluxes whose models have none are left out."""
        found = {flux: model.trees for flux, model in self.models.items()}
        return {flux: ensemble for flux, ensemble in found.items() if ensemble}


def fit_rows(table: TrainingTable, rows: Mask, options: RefineOptions, seed: list[int]) -> Fit:
    """Fit parameters and ensembles to the chosen rows alone.

    Parameters
    ----------
    table : TrainingTable
    rows : array of bool, (row,)
        Which rows may be seen.
    options : RefineOptions
    seed : list of int

    Returns
    -------
    Fit
    """
    parameters = fit_respiration_table(table.keep(rows), options.respiration)
    process = table.baseline(parameters)
    if options.model == "neural":
        lessons = _lessons(table, rows, parameters, options)
        return Fit(parameters, {}, fit_networks(lessons, options, seed))
    predictors = with_process(table.predictors, process, options)
    models = {}
    for number, (name, observed) in enumerate(table.observed.items()):
        target = observed - process[name] if options.is_residual(name) else observed
        seen = rows & np.isfinite(target)
        if seen.any():
            weight = row_weights(table.site[seen], options.weighting)
            lesson = Lesson(predictors[seen], target[seen], weight, table.site[seen])
            models[name] = LEARNERS[options.model](lesson, options, [*seed, number])
    return Fit(parameters, models)


def _lessons(
    table: TrainingTable, rows: Mask, parameters: ParameterTable, options: RefineOptions
) -> Lessons:
    """Gather what networks learn from: the chosen rows, and how they respond to a driver."""
    table = table.only(rows)
    process = table.baseline(parameters)
    directions = []
    for name in options.network.penalised:
        found = direction(table, parameters, RESPONSES[name])
        followed = with_process(found.predictors, found.process, options)
        directions.append(replace(found, predictors=followed))
    return Lessons(
        names=(*table.spec.names, *process_names(options)),
        predictors=with_process(table.predictors, process, options),
        site=table.site,
        observed={k: v for k, v in table.observed.items() if np.isfinite(v).any()},
        process={k: v for k, v in process.items() if options.is_residual(k)},
        directions=tuple(directions),
    )


def process_names(options: RefineOptions) -> tuple[str, ...]:
    """Names of the predictors that ``with_process`` appends."""
    chosen = PROCESS_PREDICTORS if options.process_predictors else ()
    return tuple(f"baseline_{name}" for name in chosen)


def domain_of(table: TrainingTable, fit: Fit, options: RefineOptions) -> Domain | None:
    """Measure the dissimilarity of the training rows; a predictor counts as much as to all fluxes.

    To networks, whose importances are not known, all predictors count alike, but what a memory
    reads, which would outweigh the others by its mere number, not at all. None where it cannot be
    measured; see ``fit_domain``.
    """
    predictors = with_process(table.predictors, table.baseline(fit.parameters), options)
    shares = [model.importance() for model in fit.models.values()]
    if not shares:
        names = (*table.spec.names, *process_names(options))
        present = np.array([BACK not in name for name in names])
        shares = [present / present.sum()]
    return fit_domain(predictors, np.mean(shares, axis=0), table.site)


def with_process(
    predictors: NDArray[np.float32], process: dict[str, Rows], options: RefineOptions
) -> NDArray[np.float32]:
    """Append what the process baseline says to the predictors (row, feature), if so chosen."""
    if not options.process_predictors:
        return predictors
    columns = [process[name].astype(np.float32) for name in PROCESS_PREDICTORS]
    return np.column_stack([predictors, *columns])


def fit_respiration_table(towers: xr.Dataset, respiration: Respiration) -> ParameterTable:
    """Fit the respiration of the baseline to the towers, in the way that the option names."""
    if respiration == "fixed_q10":
        return fit_reference_respiration(towers)
    form: Form = "q10" if respiration.endswith("q10") else "lloyd_taylor"
    if respiration.startswith("posterior"):
        return posterior_table(towers, form)
    return fit_conditioned_respiration(towers, form=form)


def predict_rows(
    fit: Fit,
    process: dict[str, Rows],
    predictors: NDArray[np.float32],
    options: RefineOptions,
    *,
    threads: int = 1,
) -> dict[str, NDArray[np.float32]]:
    """Predict every flux, each as an array (member, row), at rows of predictors.

    GPP and RECO are not negative; NEE as learned directly stays beside RECO - GPP of each member.
    """
    predicted = learned_rows(fit, process, predictors, options, threads=threads)
    for name in NOT_NEGATIVE:
        if name in predicted:
            predicted[name] = np.maximum(predicted[name], 0.0)
    if "GPP" in predicted and "RECO" in predicted:
        predicted[DIFFERENCE] = predicted["RECO"] - predicted["GPP"]
    return predicted


def learned_rows(
    fit: Fit,
    process: dict[str, Rows],
    predictors: NDArray[np.float32],
    options: RefineOptions,
    *,
    threads: int = 1,
) -> dict[str, NDArray[np.float32]]:
    """Predict as ``predict_rows`` does, and leave what is below zero as it was learned."""
    table = with_process(predictors, process, options)
    if fit.networks is not None:
        return fit.networks.predict(table, process)
    predicted = {}
    for name, model in fit.models.items():
        predicted[name] = model.predict(table, threads=threads)
        if options.is_residual(name):
            predicted[name] += process[name].astype(np.float32)
    return predicted
