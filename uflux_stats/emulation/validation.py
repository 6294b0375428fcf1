"""How well parameters and their products are emulated where the emulator has not looked."""

from dataclasses import replace
from typing import Final, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.choices import require_choice
from uflux_stats.emulation.ensemble import STATISTICS, Ensemble, prepare, statistic
from uflux_stats.emulation.options import EmulateOptions
from uflux_stats.emulation.parameters import (
    BY_NAME,
    DAYS_PER_YEAR,
    LEAST_GPP,
    from_scale,
    parameter_value,
)
from uflux_stats.emulation.predictors import Predictors, build_predictors, with_gpp
from uflux_stats.emulation.training import Learnt, learn, without_deep_soil
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.grid.regions import By, region_masks
from uflux_stats.refinement.learners import predict_ensemble
from uflux_stats.schema import SCHEMA
from uflux_stats.stats.metrics import score

Split = Literal["random", "blocks", "model", "time"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
FOLDS: Final = 5
HELD_OUT: Final = 0.3
"""Share of cells held out when there is one fold."""
BLOCK: Final = 10.0
"""Size of spatial blocks [degree]."""
Row = NDArray[np.float64]
_DEFAULTS: Final = EmulateOptions()


def cross_emulate(
    dgvms: xr.Dataset,
    drivers: xr.Dataset,
    *,
    split: Split = "blocks",
    folds: int = FOLDS,
    options: EmulateOptions = _DEFAULTS,
) -> xr.Dataset:
    """Emulate every cell by a fit that has not seen it.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, ..., lat, lon)
    drivers : xr.Dataset, (time, lat, lon)
    split : {"random", "blocks", "model", "time"}
        "random" deals out cells; with ``folds=1`` it holds 30 % out once, as the method paper.
        "blocks" deals out blocks of 10 degrees. "model" learns the mean over all other models and
        emulates the one left out from its own GPP. "time" learns from the first period or half of
        the years and emulates the last.
    folds : int
        Of "random" and "blocks".
    options : EmulateOptions
        Models with deep soil carbon do not count for the soil unless it says so.

    Returns
    -------
    xr.Dataset, (source, member, lat, lon)
        "observed" (the models) and "emulated" parameters and products of the last period or year;
        ``member`` is mean, p25, p75, or with "model" the model left out. Cells with hardly any GPP
        are left out. ``uflux_stats.emulation.skill.given`` says what the emulator was given.

    Raises
    ------
    ConfigError
        If the split is unknown, or there are too few models or periods for it.
    MissingVariableError
        If too few cells are left to learn from.
    """
    require_choice(split, SPLITS, name="split")
    whole = prepare(dgvms, drivers)
    yearly = replace(whole, monthly=None)
    ensemble = yearly if options.deep_soil else without_deep_soil(yearly)
    predictors = build_predictors(whole.cells.take(drivers), monthly=False)
    _require_enough(ensemble, split)
    if split == "model":
        found = {n: _left_out(ensemble, n, predictors, options) for n in ensemble.models}
    elif split == "time":
        found = {n: _later(ensemble.member(n), predictors, options) for n in STATISTICS}
    else:
        fold = cell_folds(ensemble, split, folds, options.seed)
        found = {n: _folded(ensemble.member(n), predictors, options, fold) for n in STATISTICS}
    return _labelled(found, ensemble, drivers).assign_attrs(split=split)


def _require_enough(ensemble: Ensemble, split: Split) -> None:
    if split == "model" and len(ensemble.models) < 3:
        raise ConfigError(
            f"split: expected three or more models to leave one out, got {ensemble.models}"
        )
    if split == "time" and ensemble.yearly.sizes["epoch"] < 2:
        raise ConfigError("split: expected two or more periods or years, got one")


def cell_folds(ensemble: Ensemble, split: Split, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal out the fold in which each cell is held out; -1 for never."""
    rng = np.random.default_rng(seed)
    cells = ensemble.cells
    groups = np.arange(len(cells)) if split == "random" else cells.blocks(BLOCK)
    _, group = np.unique(groups, return_inverse=True)
    order = rng.permutation(group.max() + 1)
    if folds == 1:
        return np.where(order < HELD_OUT * len(order), 0, -1)[group]
    fold: NDArray[np.intp] = (order % folds)[group]
    return fold


def _test(member: Ensemble) -> xr.Dataset:
    """Last period or year, (site,)."""
    return member.yearly.isel(model=0, epoch=-1)


def _folded(
    member: Ensemble, predictors: Predictors, options: EmulateOptions, fold: NDArray[np.intp]
) -> tuple[xr.Dataset, dict[str, Row]]:
    test = _test(member)
    found: dict[str, Row] = {}
    for number in range(int(fold.max()) + 1):
        held_out = fold == number
        learnt = learn(member, predictors, options, seen=~held_out)
        for name, values in emulated(learnt, test, predictors).items():
            found.setdefault(name, np.full(len(fold), np.nan))[held_out] = values[held_out]
    return test, found


def _left_out(
    ensemble: Ensemble, name: str, predictors: Predictors, options: EmulateOptions
) -> tuple[xr.Dataset, dict[str, Row]]:
    others = [model for model in ensemble.models if model != name]
    mean = statistic(ensemble.yearly.sel(model=others), "mean")
    learnt = learn(replace(ensemble, yearly=mean), predictors, options)
    test = _test(ensemble.member(name))
    return test, emulated(learnt, test, predictors)


def _later(
    member: Ensemble, predictors: Predictors, options: EmulateOptions
) -> tuple[xr.Dataset, dict[str, Row]]:
    epochs = member.yearly["epoch"].values
    early = epochs[: max(1, len(epochs) // 2)]
    first = replace(member, yearly=member.yearly.sel(epoch=early))
    learnt = learn(first, predictors, replace(options, period="INIT"))
    test = _test(member)
    return test, emulated(learnt, test, predictors)


def emulated(learnt: dict[str, Learnt], data: xr.Dataset, predictors: Predictors) -> dict[str, Row]:
    """Emulate parameters and their products for one period or year.

    Parameters
    ----------
    learnt : dict of Learnt
        Yearly parameters.
    data : xr.Dataset, (site,)
        GPP and, for Rh, Ra and Rh [gC m-2 d-1], coordinate ``epoch``.
    predictors : Predictors

    Returns
    -------
    dict of array, (site,)
        Parameters, NPP, Ra, Rh [gC m-2 d-1] and pools [gC m-2].
    """
    gpp = data["GPP"].values.astype(np.float64)
    epoch = data["epoch"].item() if "epoch" in data.coords else None
    table = with_gpp(predictors.of_epoch(epoch), gpp)
    found: dict[str, Row] = {}
    for name, one in learnt.items():
        scaled = predict_ensemble(one.ensemble, table).mean(axis=0, dtype=np.float64)
        found[name] = from_scale(scaled, BY_NAME[name]).astype(np.float64)
    return found | _products(found, gpp, data)


def _products(found: dict[str, Row], gpp: Row, data: xr.Dataset) -> dict[str, Row]:
    if "CUE" not in found:
        return {}
    npp = found["CUE"] * gpp
    products = {"NPP": npp, "Ra": gpp - npp}
    if "RH_SHARE" in found:
        products["Rh"] = found["RH_SHARE"] * (data["Ra"] + data["Rh"]).values
    for pool, parameter in (("cVeg", "VEG"), ("cLitter", "LITTER"), ("cSoil", "SOIL")):
        if f"{parameter}_TURNOVER" in found:
            products[pool] = npp * DAYS_PER_YEAR / found[f"{parameter}_TURNOVER"]
    if {"LEAF_SHARE", "WOOD_SHARE"} <= set(found) and "cVeg" in products:
        leaf = found["LEAF_SHARE"] * products["cVeg"]
        wood = found["WOOD_SHARE"] * (products["cVeg"] - leaf)
        products |= {"cLeaf": leaf, "cWood": wood, "cRoot": products["cVeg"] - leaf - wood}
    return products


def _labelled(
    found: dict[str, tuple[xr.Dataset, dict[str, Row]]], ensemble: Ensemble, drivers: xr.Dataset
) -> xr.Dataset:
    """Lay observed and emulated values out on the grid, where both are known."""
    cells = ensemble.cells
    names = list(dict.fromkeys(name for _, values in found.values() for name in values))
    if not names:
        raise MissingVariableError(
            "dgvms: expected cells with GPP, NPP and drivers, got too few to learn from without "
            "those held out; use a finer grid or more models"
        )
    data = {}
    for name in names:
        pairs = np.full((2, len(found), len(cells)), np.nan)
        for position, (test, values) in enumerate(found.values()):
            truth = _observed(test, name)
            if truth is None or name not in values:
                continue
            known = np.isfinite(truth) & np.isfinite(values[name])
            known &= test["GPP"].values >= LEAST_GPP
            pairs[:, position] = np.where(known, np.stack([truth, values[name]]), np.nan)
        units = BY_NAME[name].units if name in BY_NAME else SCHEMA[name].units
        data[name] = (("source", "member", "lat", "lon"), cells.put(pairs), {"units": units})
    coords = {
        "source": ["observed", "emulated"],
        "member": list(found),
        "lat": cells.lat,
        "lon": cells.lon,
    }
    maps = {n: drivers[n].reset_coords(drop=True) for n in ("IGBP", "KOPPEN") if n in drivers}
    return xr.Dataset(data, coords).assign_coords(maps)


def _observed(test: xr.Dataset, name: str) -> Row | None:
    if name in BY_NAME:
        parameter = BY_NAME[name]
        if not set(parameter.needs) <= set(test):
            return None
        values: Row = parameter_value(test, parameter).values.astype(np.float64)
        return values
    return test[name].values.astype(np.float64) if name in test else None


def emulation_metrics(predictions: xr.Dataset, *, by: By | None = None) -> xr.Dataset:
    """Score emulated against observed values, cell by cell.

    Parameters
    ----------
    predictions : xr.Dataset, (source, member, lat, lon)
        Of ``cross_emulate``.
    by : {"pft", "koppen", "continent", "latitude", "tropics"}, optional
        Score each region on its own.

    Returns
    -------
    xr.Dataset, ([region,] member, variable)
        Metrics of ``score``, every cell weighing the same.
    """
    names = [str(name) for name in predictions.data_vars]
    if by is None:
        tables = [_score(predictions[name]) for name in names]
        return xr.concat(tables, xr.Variable("variable", names))
    masks = region_masks(predictions, by)
    regions = []
    for region in masks["region"].values:
        inside = predictions.where(masks.sel(region=region, drop=True))
        tables = [_score(inside[name]) for name in names]
        regions.append(xr.concat(tables, xr.Variable("variable", names)))
    return xr.concat(regions, xr.Variable("region", masks["region"].values))


def _score(pairs: xr.DataArray) -> xr.Dataset:
    observed, modelled = (pairs.sel(source=s, drop=True) for s in ("observed", "emulated"))
    return score(observed, modelled, dim=("lat", "lon"))
