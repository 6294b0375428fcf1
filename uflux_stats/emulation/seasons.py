"""How well the seasons of allocation are emulated, where the models' output is monthly."""

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.emulation.ensemble import prepare
from uflux_stats.emulation.options import EmulateOptions
from uflux_stats.emulation.parameters import BY_NAME, PARAMETERS, from_scale, parameter_value
from uflux_stats.emulation.predictors import build_predictors, with_monthly_gpp
from uflux_stats.emulation.training import learn
from uflux_stats.emulation.validation import BLOCK, FOLDS
from uflux_stats.errors import CalendarError
from uflux_stats.refinement.learners import predict_ensemble
from uflux_stats.schema import SCHEMA
from uflux_stats.stats.metrics import score

MEAN: Final = "mean"
Months = NDArray[np.float64]
SEASONS: Final = ("DJF", "MAM", "JJA", "SON")
_DEFAULTS: Final = EmulateOptions()


def cross_emulate_months(
    dgvms: xr.Dataset,
    drivers: xr.Dataset,
    *,
    folds: int = FOLDS,
    options: EmulateOptions = _DEFAULTS,
) -> xr.Dataset:
    """Emulate the monthly allocation of the mean over models, blocks of 10 degrees held out.

    Parameters
    ----------
    dgvms : xr.Dataset, (model, time, lat, lon)
        With monthly fluxes.
    drivers : xr.Dataset, (time, lat, lon)
    folds : int
    options : EmulateOptions

    Returns
    -------
    xr.Dataset, (source, time, lat, lon)
        "observed" (the models) and "emulated" CUE and, if there, RH_SHARE [1], and what follows of
        them with GPP and RECO given: NPP, Ra, Rh [gC m-2 d-1]; months without a defined value are
        left out.

    Raises
    ------
    CalendarError
        If the models have no monthly fluxes in the years of the drivers.
    """
    ensemble = prepare(dgvms, drivers)
    member = ensemble.member(MEAN)
    if member.monthly is None:
        raise CalendarError(
            "dgvms: expected monthly fluxes in the years of the drivers, got none; "
            "seasons need files with months"
        )
    months = member.monthly.isel(model=0)
    predictors = build_predictors(ensemble.drivers(drivers), monthly=True)
    if predictors.monthly is None:
        raise AssertionError("monthly predictors were asked for")
    gpp = months["GPP"].transpose("site", "time").values
    table = with_monthly_gpp(predictors.monthly, gpp)
    blocks = ensemble.cells.blocks(BLOCK)
    order = np.random.default_rng(options.seed).permutation(blocks.max() + 1)
    fold = order[blocks] % folds
    wanted = [p for p in PARAMETERS if p.monthly and set(p.needs) <= set(months)]
    found = {p.name: np.full(gpp.shape, np.nan) for p in wanted}
    for number in range(folds):
        held_out = fold == number
        learnt = learn(member, predictors, options, parameters=wanted, seen=~held_out)
        for name, one in learnt.items():
            scaled = predict_ensemble(one.ensemble, table).mean(axis=0, dtype=np.float64)
            values = from_scale(scaled, BY_NAME[name]).reshape(gpp.shape)
            found[name][held_out] = values[held_out]
    data = {}
    for name, own in (found | _products(found, months)).items():
        truth = _truth(months, name)
        pair = np.where(np.isfinite(truth) & np.isfinite(own), np.stack([truth, own]), np.nan)
        grid = ensemble.cells.put(pair.transpose(0, 2, 1))
        units = BY_NAME[name].units if name in BY_NAME else SCHEMA[name].units
        data[name] = (("source", "time", "lat", "lon"), grid, {"units": units})
    coords = {"source": ["observed", "emulated"], "time": months["time"]}
    return xr.Dataset(data, {**coords, "lat": ensemble.cells.lat, "lon": ensemble.cells.lon})


def _months(months: xr.Dataset, name: str) -> Months:
    values: Months = months[name].transpose("site", "time").values.astype(np.float64)
    return values


def _truth(months: xr.Dataset, name: str) -> Months:
    if name not in BY_NAME:
        return _months(months, name)
    values = parameter_value(months, BY_NAME[name])
    truth: Months = values.transpose("site", "time").values.astype(np.float64)
    return truth


def _products(found: dict[str, Months], months: xr.Dataset) -> dict[str, Months]:
    """Fluxes that follow from the parameters, (site, time), with GPP and RECO of the models."""
    gpp = _months(months, "GPP")
    products = {}
    if "CUE" in found:
        products = {"NPP": found["CUE"] * gpp, "Ra": (1 - found["CUE"]) * gpp}
    if "RH_SHARE" in found:
        products["Rh"] = found["RH_SHARE"] * (_months(months, "Ra") + _months(months, "Rh"))
    return products


def seasonal_skill(predictions: xr.Dataset) -> xr.Dataset:
    """Score emulated monthly parameters in each season of the northern year.

    Parameters
    ----------
    predictions : xr.Dataset, (source, time, lat, lon)
        Of ``cross_emulate_months``.

    Returns
    -------
    xr.Dataset, (season, variable)
        Metrics of ``score``, every cell and month weighing the same.
    """
    season = predictions["time"].dt.season
    names = [str(name) for name in predictions.data_vars]
    tables = []
    for label in SEASONS:
        inside = predictions.isel(time=(season == label).values)
        scores = [
            score(inside[n].sel(source="observed", drop=True),
                  inside[n].sel(source="emulated", drop=True))
            for n in names
        ]  # fmt: skip
        tables.append(xr.concat(scores, xr.Variable("variable", names)))
    return xr.concat(tables, xr.Variable("season", list(SEASONS)))
