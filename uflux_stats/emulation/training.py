"""Learn each parameter of each member."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.emulation.ensemble import Ensemble
from uflux_stats.emulation.options import EmulateOptions
from uflux_stats.emulation.parameters import (
    LEAST_GPP,
    PARAMETERS,
    SOIL,
    Parameter,
    parameter_value,
    to_scale,
)
from uflux_stats.emulation.predictors import Predictors, Table, with_gpp, with_monthly_gpp
from uflux_stats.io.dgvm.registry import model_entry
from uflux_stats.refinement.learners import Ensemble as Learned
from uflux_stats.refinement.learners import fit_ensemble

LEAST_ROWS: Final = 50
"""Fewer rows than this teach nothing."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Teaching material of one parameter.

    Attributes
    ----------
    table : array of float32, (row, feature)
    target : array, (row,)
        Parameter on its scale.
    monthly : bool
        Whether a row is a month.
    masked : int
        Rows with a value beyond the ends of the parameter.
    """

    table: Table
    target: NDArray[np.float64]
    monthly: bool
    masked: int


def is_monthly(member: Ensemble, parameter: Parameter) -> bool:
    """Tell whether the parameter is learned month by month."""
    months = member.monthly
    return parameter.monthly and months is not None and set(parameter.needs) <= set(months)


def gather_rows(
    member: Ensemble,
    parameter: Parameter,
    predictors: Predictors,
    options: EmulateOptions,
    seen: Mask | None = None,
) -> Rows | None:
    """Collect the rows of one parameter of one member.

    Parameters
    ----------
    member : Ensemble
        Of one model.
    parameter : Parameter
    predictors : Predictors
    options : EmulateOptions
    seen : array of bool, (site,), optional
        Cells that may be used.

    Returns
    -------
    Rows or None
        None if the member lacks a variable, or has too few usable rows.
    """
    monthly = is_monthly(member, parameter)
    data = member.monthly if monthly else _epochs(member.yearly, options)
    if data is None or not set(parameter.needs) <= set(data):
        return None
    data = data.isel(model=0)
    value = _in_order(parameter_value(data, parameter), monthly)
    gpp = _in_order(data["GPP"], monthly)
    yearly_gpp = member.yearly["GPP"].isel(model=0).fillna(0.0).mean("epoch").values
    productive = (yearly_gpp >= LEAST_GPP)[:, None] & np.isfinite(gpp)
    allowed = productive if seen is None else productive & seen[:, None]
    usable = allowed & np.isfinite(value)
    given = np.logical_and.reduce(
        [np.isfinite(_in_order(data[name], monthly)) for name in parameter.needs]
    )
    masked = int((allowed & given & ~usable).sum())
    if usable.sum() < LEAST_ROWS:
        return None
    chosen = _thinned(usable, options)
    table = (
        _monthly_table(predictors, gpp, chosen)
        if monthly
        else _yearly_table(predictors, gpp, chosen, data["epoch"].values)
    )
    return Rows(table, _target(value[chosen], parameter), monthly, masked)


def _target(values: NDArray[np.float32], parameter: Parameter) -> NDArray[np.float64]:
    return to_scale(values.astype(np.float64), parameter).astype(np.float64)


def _epochs(yearly: xr.Dataset, options: EmulateOptions) -> xr.Dataset:
    """Of ten-year means, the wanted one."""
    epochs = yearly["epoch"].values
    return yearly.sel(epoch=[options.period]) if options.period in epochs else yearly


def _in_order(values: xr.DataArray, monthly: bool) -> NDArray[np.float32]:
    step = "time" if monthly else "epoch"
    ordered: NDArray[np.float32] = values.transpose("site", step).values
    return ordered


def _thinned(usable: Mask, options: EmulateOptions) -> Mask:
    """Draw at most the wanted number of rows."""
    count = int(usable.sum())
    if count <= options.rows:
        return usable
    rng = np.random.default_rng(options.seed)
    picked = rng.choice(np.flatnonzero(usable), options.rows, replace=False)
    kept = np.zeros(usable.size, bool)
    kept[picked] = True
    return kept.reshape(usable.shape)


def _yearly_table(
    predictors: Predictors, gpp: NDArray[np.float32], chosen: Mask, epochs: NDArray[np.object_]
) -> Table:
    # rows of `chosen` run over sites first, then epochs
    whole = np.stack([predictors.of_epoch(_plain(epoch)) for epoch in epochs], axis=1)
    return with_gpp(whole[chosen], gpp[chosen])


def _plain(epoch: object) -> object:
    return int(epoch) if isinstance(epoch, np.integer) else epoch


def _monthly_table(predictors: Predictors, gpp: NDArray[np.float32], chosen: Mask) -> Table:
    if predictors.monthly is None:
        raise AssertionError("monthly predictors were not built")
    return with_monthly_gpp(predictors.monthly, gpp)[chosen.ravel()]


def fit_parameter(rows: Rows, options: EmulateOptions, seed: Sequence[int]) -> Learned:
    """Fit the learner to one parameter."""
    return fit_ensemble(rows.table, rows.target, options.learner, [options.seed, *seed])


@dataclass(frozen=True)
class Learnt:
    """One learned parameter of one member.

    Attributes
    ----------
    ensemble : list
        The learner's models.
    monthly : bool
        Whether it takes monthly predictors.
    rows, masked : int
        Rows learned from, and left out for being beyond the ends.
    """

    ensemble: Learned
    monthly: bool
    rows: int
    masked: int


def learn(
    member: Ensemble,
    predictors: Predictors,
    options: EmulateOptions,
    *,
    parameters: Iterable[Parameter] = PARAMETERS,
    seen: Mask | None = None,
) -> dict[str, Learnt]:
    """Learn all parameters that a member has the variables for.

    Parameters
    ----------
    member : Ensemble
        Of one model or of a statistic over models.
    predictors : Predictors
    options : EmulateOptions
    parameters : iterable of Parameter
    seen : array of bool, (site,), optional
        Cells that may be used.

    Returns
    -------
    dict of Learnt
        By the name of the parameter.
    """
    wanted = [p for p in parameters if options.deep_soil or not _deep(member, p)]
    with ThreadPoolExecutor(options.workers) as pool:
        tasks = {
            p.name: pool.submit(_learn_one, member, p, predictors, options, seen) for p in wanted
        }
        found = {name: task.result() for name, task in tasks.items()}
    return {name: learnt for name, learnt in found.items() if learnt is not None}


def _learn_one(
    member: Ensemble,
    parameter: Parameter,
    predictors: Predictors,
    options: EmulateOptions,
    seen: Mask | None,
) -> Learnt | None:
    rows = gather_rows(member, parameter, predictors, options, seen)
    if rows is None:
        return None
    ensemble = fit_parameter(rows, options, [*parameter.name.encode()])
    return Learnt(ensemble, rows.monthly, len(rows.target), rows.masked)


def _deep(member: Ensemble, parameter: Parameter) -> bool:
    if parameter.name not in SOIL or len(member.models) != 1:
        return False
    entry = model_entry(member.models[0])
    return entry is not None and entry.deep_soil


def without_deep_soil(ensemble: Ensemble) -> Ensemble:
    """Remove the soil carbon of models with deep soil carbon, for statistics over models."""
    deep = [bool((e := model_entry(name)) and e.deep_soil) for name in ensemble.models]
    if "cSoil" not in ensemble.yearly or not any(deep):
        return ensemble
    keep = xr.DataArray(~np.array(deep), {"model": ensemble.models}, ("model",))
    soil = ensemble.yearly["cSoil"].where(keep).assign_attrs(ensemble.yearly["cSoil"].attrs)
    return replace(ensemble, yearly=ensemble.yearly.assign(cSoil=soil))
