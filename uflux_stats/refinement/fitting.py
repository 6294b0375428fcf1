"""Fit and predict on rows: respiration parameters, baseline, and an ensemble for each flux."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from uflux_stats.baselines import ParameterTable, fit_reference_respiration
from uflux_stats.refinement.learners import Ensemble, fit_ensemble, predict_ensemble
from uflux_stats.refinement.options import RefineOptions
from uflux_stats.refinement.table import Mask, Rows, TrainingTable
from uflux_stats.schema import variable

NOT_NEGATIVE: Final = ("GPP", "RECO")
DIFFERENCE: Final = "NEE_difference"


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
    """What is learned from one set of rows: respiration parameters and an ensemble per flux."""

    parameters: ParameterTable
    ensembles: dict[str, Ensemble]


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
    parameters = fit_reference_respiration(table.keep(rows))
    offsets = table.baseline(parameters) if options.target == "residual" else None
    ensembles = {}
    for number, (name, observed) in enumerate(table.observed.items()):
        target = observed - offsets[name] if offsets else observed
        seen = rows & np.isfinite(target)
        if seen.any():
            ensembles[name] = fit_ensemble(
                table.predictors[seen], target[seen], options, [*seed, number]
            )
    return Fit(parameters, ensembles)


def predict_rows(
    fit: Fit, offsets: dict[str, Rows] | None, predictors: NDArray[np.float32], *, threads: int = 1
) -> dict[str, NDArray[np.float32]]:
    """Predict every flux, each as an array (member, row), at rows of predictors.

    GPP and RECO are not negative; NEE as learned directly stays beside RECO - GPP of each member.
    """
    predicted = {}
    for name, ensemble in fit.ensembles.items():
        values = predict_ensemble(ensemble, predictors, threads=threads)
        if offsets is not None:
            values += offsets[name].astype(np.float32)
        predicted[name] = np.maximum(values, 0.0) if name in NOT_NEGATIVE else values
    if "GPP" in predicted and "RECO" in predicted:
        predicted[DIFFERENCE] = predicted["RECO"] - predicted["GPP"]
    return predicted
