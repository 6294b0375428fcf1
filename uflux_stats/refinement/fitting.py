"""Fit and predict on rows: respiration parameters, baseline, and an ensemble for each flux."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
from uflux_stats.refinement.fusion import fit_beside, network_out_of_fold
from uflux_stats.refinement.learners import Ensemble
from uflux_stats.refinement.learning.lesson import Lesson, row_weights
from uflux_stats.refinement.learning.models import Model
from uflux_stats.refinement.learning.registry import LEARNERS
from uflux_stats.refinement.neural.encoding import present_columns
from uflux_stats.refinement.neural.ensemble import Lessons, Networks, fit_networks
from uflux_stats.refinement.options import NEURAL, RefineOptions, Respiration
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
    shares : dict of float
        Weight of the network in each flux that it shares with a model.
    """

    parameters: ParameterTable
    models: dict[str, Model]
    networks: Networks | None = None
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def fluxes(self) -> tuple[str, ...]:
        """The fluxes that were learned."""
        return self.networks.design.fluxes if self.networks else tuple(self.models)

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
    if options.model == NEURAL:
        lessons = _lessons(table, rows, parameters, options)
        return Fit(parameters, {}, fit_networks(lessons, options, seed))
    if options.fused:
        return _fit_fused(table, rows, parameters, options, seed)
    models = {
        name: LEARNERS[options.model](lesson, options, [*seed, number])
        for number, name, _, lesson in _lessons_by_flux(table, rows, process, options)
    }
    return Fit(parameters, models)


def _fit_fused(
    table: TrainingTable,
    rows: Mask,
    parameters: ParameterTable,
    options: RefineOptions,
    seed: list[int],
) -> Fit:
    """Fit the network to all fluxes, and what shares each flux with it."""
    lessons = _lessons(table, rows, parameters, options)
    networks = fit_networks(lessons, options, seed)
    unseen = network_out_of_fold(lessons, options, seed)
    process = table.baseline(parameters)
    models: dict[str, Model] = {}
    shares = {}
    for number, name, seen, lesson in _lessons_by_flux(table, rows, process, options):
        network = None
        if name in unseen:
            base = process[name][seen] if options.is_residual(name) else 0.0
            network = unseen[name][seen[rows]] - base
        beside = fit_beside(lesson, options, [*seed, number], network)
        models[name], shares[name] = beside.mixture, beside.share
    return Fit(parameters, models, networks, shares)


def _lessons_by_flux(
    table: TrainingTable, rows: Mask, process: dict[str, Rows], options: RefineOptions
) -> Iterator[tuple[int, str, Mask, Lesson]]:
    """Yield number, name, the rows where it is known and what is learned from of each flux."""
    predictors = with_process(table.predictors, process, options)
    if options.history:
        predictors = predictors[:, present_columns(_names(table, options))]
    width = predictors.shape[1]
    trend = np.arange(width - len(process_names(options)), width)
    for number, (name, observed) in enumerate(table.observed.items()):
        target = observed - process[name] if options.is_residual(name) else observed
        seen = rows & np.isfinite(target)
        if seen.any():
            weight = row_weights(table.site[seen], options.weighting)
            yield (
                number,
                name,
                seen,
                Lesson(predictors[seen], target[seen], weight, table.site[seen], trend),
            )


def _names(table: TrainingTable, options: RefineOptions) -> tuple[str, ...]:
    return (*table.spec.names, *process_names(options))


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
        names=_names(table, options),
        predictors=with_process(table.predictors, process, options),
        site=table.site,
        observed={k: v for k, v in table.observed.items() if np.isfinite(v).any()},
        process={k: v for k, v in process.items() if options.is_residual(k)},
        weight=row_weights(table.site, options.weighting),
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
    present = present_columns(_names(table, options))
    shares = [model.importance() for model in fit.models.values()]
    weight = np.zeros(predictors.shape[1])
    weight[present] = np.mean(shares, axis=0) if shares else 1.0 / len(present)
    return fit_domain(predictors, weight, table.site)


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
    network: dict[str, NDArray[np.float32]] = {}
    if fit.networks is not None:
        network = fit.networks.predict(table, process)
        table = table[:, present_columns(fit.networks.encoding.names)]
    if not fit.models:
        return network
    predicted = {}
    for name, model in fit.models.items():
        base = process[name].astype(np.float32) if options.is_residual(name) else np.float32(0.0)
        predicted[name] = model.predict(table, threads=threads) + base
        if name in fit.shares:
            predicted[name] += np.float32(fit.shares[name]) * (network[name] - base)
    return predicted
