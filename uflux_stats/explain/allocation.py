"""SHAP values of the emulation of carbon allocation, in cells that the models have not seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.baselines import complete_drivers
from uflux_stats.emulation.ensemble import Ensemble, prepare
from uflux_stats.emulation.options import EmulateOptions
from uflux_stats.emulation.parameters import BY_NAME, LEAST_GPP
from uflux_stats.emulation.predictors import (
    Predictors,
    build_predictors,
    with_gpp,
    with_monthly_gpp,
)
from uflux_stats.emulation.training import Learnt, is_monthly, learn, without_deep_soil
from uflux_stats.emulation.validation import cell_folds
from uflux_stats.errors import ConfigError, SampleError
from uflux_stats.explain.trees import explain_rows
from uflux_stats.refinement.learners import Ensemble as Learned

MEAN: Final = "mean"
ROWS: Final = 1500
_GPP: Final = "GPP"
_GPP_YEAR: Final = "GPP_year"
Table = NDArray[np.float32]


@dataclass(frozen=True)
class AllocationShapOptions:
    """What of the emulation is explained, and how.

    Attributes
    ----------
    parameters : tuple of str
        Names of ``uflux_stats.emulation.parameters``.
    folds : int
        Folds of blocks of cells; each is explained by models that have learned from the others.
    rows : int
        Rows to explain, evenly chosen.
    learning : EmulateOptions

    Raises
    ------
    ConfigError
        If a parameter is unknown or a number too small.
    """

    parameters: tuple[str, ...] = ("CUE", "RH_SHARE")
    folds: int = 2
    rows: int = ROWS
    learning: EmulateOptions = field(default_factory=EmulateOptions)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if unknown := sorted(set(self.parameters) - set(BY_NAME)):
            raise ConfigError(f"parameters: expected some of {sorted(BY_NAME)}, got {unknown}")
        if self.folds < 2 or self.rows < 1:
            raise ConfigError(
                f"folds, rows: expected at least 2 and 1, got {self.folds} and {self.rows}"
            )


@dataclass(frozen=True)
class Explained:
    """One explained parameter.

    Attributes
    ----------
    values : xr.Dataset, (row, feature)
        SHAP values under the name of the parameter, on the scale that is learned (``units``), mean
        over the vegetation models; ``{parameter}_base`` (row,); ``predictor`` (row, feature);
        coordinates site, time, lat, lon, and IGBP and KOPPEN where known (row,).
    trees : list
        Trees of all vegetation models of the last fold, for gain and response curves.
    """

    values: xr.Dataset
    trees: Learned


def allocation_shap(dgvms: xr.Dataset, drivers: xr.Dataset, **options: Any) -> dict[str, Explained]:
    """Explain the learned parameters of allocation, averaged over the vegetation models.

    Each vegetation model's trees are refitted without the blocks of cells that they explain. All
    of them are explained at the same rows, those of the models' mean GPP, so that the mean of
    their SHAP values explains the mean of their predictions.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon)
    drivers : xr.Dataset, (time, lat, lon)
    **options
        parameters, folds, rows, learning: see ``AllocationShapOptions``.

    Returns
    -------
    dict of str to Explained
        By parameter; those that no model can teach are not there.

    Raises
    ------
    ConfigError
        If an option is out of its range.
    SampleError
        If nothing could be learned.
    """
    how = AllocationShapOptions(**options)
    ensemble = without_deep_soil(prepare(dgvms, drivers))
    taken = complete_drivers(ensemble.drivers(drivers))
    predictors = build_predictors(taken, monthly=ensemble.monthly is not None)
    mean = ensemble.member(MEAN)
    fold = cell_folds(ensemble, "blocks", how.folds, how.learning.seed)
    found = dict(_parameters(ensemble, mean, predictors, (fold, taken, how)))
    if not found:
        raise SampleError(
            f"dgvms: expected models that teach one of {list(how.parameters)}, got none; "
            "are models and drivers on the same land?"
        )
    return found


def _parameters(
    ensemble: Ensemble,
    mean: Ensemble,
    predictors: Predictors,
    setting: tuple[NDArray[np.intp], xr.Dataset, AllocationShapOptions],
) -> Iterator[tuple[str, Explained]]:
    fold, taken, how = setting
    for name in how.parameters:
        monthly = is_monthly(mean, BY_NAME[name])
        names, table, place = _rows(mean, predictors, monthly, how.rows)
        shap, base = np.zeros_like(table), np.zeros(len(table))
        trees: Learned = []
        for number in range(how.folds):
            chosen = fold[place[0]] == number
            trees = _trees(ensemble, predictors, name, fold != number, how.learning)
            if trees and chosen.any():
                threads = how.learning.workers
                shap[chosen], base[chosen] = explain_rows(trees, table[chosen], threads=threads)
        if trees:
            yield name, Explained(_labelled(name, (shap, base, table), names, taken, place), trees)


def _rows(
    mean: Ensemble, predictors: Predictors, monthly: bool, most: int
) -> tuple[list[str], Table, tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Names of the predictors, an even choice of rows, and the cell and month of each."""
    if monthly and mean.monthly is not None and predictors.monthly is not None:
        gpp = mean.monthly[_GPP].isel(model=0).transpose("site", "time").values
        table = with_monthly_gpp(predictors.monthly, gpp)
        names = [*map(str, predictors.monthly["feature"].values), _GPP, _GPP_YEAR]
    else:
        gpp = mean.yearly[_GPP].isel(model=0, epoch=[-1]).transpose("site", "epoch").values
        last = predictors.of_epoch(mean.yearly["epoch"].values[-1])
        table, names = with_gpp(last, gpp[:, 0]), [*predictors.names, _GPP_YEAR]
    productive = np.flatnonzero(np.repeat(gpp.mean(axis=1) >= LEAST_GPP, gpp.shape[1]))
    even = np.linspace(0, len(productive) - 1, min(most, len(productive))).astype(int)
    chosen = productive[even]
    cell, month = np.divmod(chosen, gpp.shape[1])
    return names, np.ascontiguousarray(table[chosen]), (cell, month)


def _trees(
    ensemble: Ensemble,
    predictors: Predictors,
    name: str,
    seen: NDArray[np.bool_],
    options: EmulateOptions,
) -> Learned:
    """All trees of all vegetation models for one parameter."""
    learnt: list[Learnt] = []
    for model in ensemble.models:
        found = learn(ensemble.member(model), predictors, options, parameters=[BY_NAME[name]],
                      seen=seen)  # fmt: skip
        learnt += found.values()
    return [booster for one in learnt for booster in one.ensemble]


def _labelled(
    name: str,
    found: tuple[Table, NDArray[np.float64], Table],
    names: list[str],
    taken: xr.Dataset,
    place: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> xr.Dataset:
    shap, base, table = found
    cell, month = place
    scale = BY_NAME[name].scale
    units = "1" if scale == "raw" else scale
    attrs = {"units": units, "explains": "" if scale == "raw" else f"on the {scale} scale"}
    of_cell = {key: ("row", np.broadcast_to(taken[key], taken.sizes["site"])[cell])
               for key in ("lat", "lon", "IGBP", "KOPPEN") if key in taken}  # fmt: skip
    time = taken["time"].values[month]
    data = {
        name: (("row", "feature"), shap, attrs),
        f"{name}_base": ("row", base, attrs),
        "predictor": (("row", "feature"), table),
    }
    coords = {"feature": names, "site": ("row", cell), "time": ("row", time), **of_cell}
    return xr.Dataset(data, coords=coords)
