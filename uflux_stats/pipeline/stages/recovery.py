"""Stage of the twin Earth alone: what the run recovered beside what is true."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.baselines import complete_drivers
from uflux_stats.bayes import RespirationFit
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.budget import ALLOCATION
from uflux_stats.pipeline.stages.data import TOWERS, TWIN, load
from uflux_stats.pipeline.stages.engine import VALIDATION
from uflux_stats.pipeline.stages.gridding import FLUXES, STATISTICS
from uflux_stats.pipeline.stages.posterior import fits
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.reporting.numbers import Number, key, number, towers_told
from uflux_stats.schema import FLUXES as FLUX_NAMES
from uflux_stats.schema import variable
from uflux_stats.stats.totals import total
from uflux_stats.stats.trend import trend_of_totals
from uflux_stats.stats.yearly import FEWEST_YEARS

Pair = tuple[Number, Number]
STAGE_PREFIX: Final = "twin"
CARBON: Final = ("GPP", "RECO", "NEP", "NEP_difference")
DIVIDED: Final = ("NPP", "Ra", "Rh", "cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
_FLUX_NOTE: Final = "interval: spread of the vegetation models"
_STOCK_NOTE: Final = f"{_FLUX_NOTE}, whose turnover sets the level"


def recovery(task: Task) -> Mapping[str, Number]:
    """Compare totals, trends and skill of the run with the truth that is stored beside the twin."""
    truth = load(task.input(f"{TWIN}/truth.nc"))
    manifest = json.loads(task.input(f"{TWIN}/TWIN.json").read_text(encoding="utf-8"))["truth"]
    fluxes = open_store(task.input(FLUXES))
    summed = load(task.input(STATISTICS)).sel(region="globe")
    pairs = {
        **dict(_totals(summed, manifest)),
        **dict(_trends(summed, manifest)),
        **dict(_skill(fluxes, truth, load(task.input(VALIDATION)))),
    }
    return dict(_named(pairs))


def allocation_recovery(task: Task) -> Mapping[str, Number]:
    """Compare totals of component fluxes and stocks with the truth of the twin."""
    truth = load(task.input(f"{TWIN}/truth.nc"))
    summed = load(task.input(ALLOCATION)).sel(region="globe")
    return dict(_named(dict(_divided(summed, truth))))


def respiration_recovery(task: Task) -> Mapping[str, Number]:
    """Compare posterior intervals with the respiration parameters that are true at the towers."""
    truth = load(task.input(f"{TWIN}/truth.nc"))
    observed = complete_drivers(load(task.input(TOWERS)))
    pairs: dict[tuple[str, str], Pair] = {}
    for form, fit in fits(task).items():
        pairs |= dict(_parameters(fit, form, true_parameters(truth, observed)))
    return dict(_named(pairs))


def true_parameters(truth: xr.Dataset, towers: xr.Dataset) -> xr.Dataset:
    """Return the true Q10 [1] and the log rate at 10 degC [gC m-2 d-1] of every tower, (site,).

    The rate is what respiration without noise comes to at 10 degC, mean of its logarithm over the
    months, so that moisture and substrate are at their averages as in the posterior.
    """
    sites = towers["site"].values
    q10 = truth["tower_Q10"].sel(site=sites)
    reco = truth["tower_RECO"].sel(site=sites)
    reco, warmth = xr.align(reco, (towers["TA"] - 10.0) / 10.0, join="inner")
    typical = (reco / q10**warmth).clip(min=1e-6)
    logarithm: xr.DataArray = xr.apply_ufunc(np.log, typical)
    return xr.Dataset({"Q10": q10, "log_rate": logarithm.mean("time")})


def _parameters(
    fit: RespirationFit, form: str, truth: xr.Dataset
) -> Iterator[tuple[tuple[str, str], Pair]]:
    """Yield Q10 of every class, and the share of towers whose truth the intervals hold."""
    true = truth.sel(site=list(fit.rows.sites))
    table, groups = fit.summary(), np.array(fit.rows.groups)[fit.rows.group]
    if "Q10_median" not in table:
        return
    for name in np.unique(groups):
        row = table.loc[name] if name in table.index else table.iloc[-1]
        found = number(row["Q10_median"], interval=(row["Q10_low"], row["Q10_high"]),
                       n=row["n_months"], note=towers_told(row["n_sites"]))  # fmt: skip
        yield ("respiration", f"{form}_Q10_{name}"), (
            found, number(np.exp(np.log(true["Q10"].values[groups == name]).mean())),
        )  # fmt: skip
    draws, level = fit.draws(), number(0.9, note="nominal coverage of the interval")
    known = {"Q10": np.log(true["Q10"].values), "Rref": true["log_rate"].values}
    sampled = {"Q10": draws.site_slope(fit.rows), "Rref": draws.site_log_rate(fit.rows)}
    for name, values in sampled.items():
        low, high = np.quantile(values, (0.05, 0.95), axis=0)
        inside = (low <= known[name]) & (known[name] <= high)
        found = number(inside.mean(), n=inside.size, note="towers whose truth is within 90 %")
        yield ("respiration", f"{form}_{name}_coverage"), (found, level)


def _named(pairs: Mapping[tuple[str, str], Pair]) -> Iterator[tuple[str, Number]]:
    for (stage, quantity), (recovered, true) in pairs.items():
        yield key(STAGE_PREFIX, stage, quantity), recovered
        yield key(STAGE_PREFIX, stage, quantity, "truth"), true


def _true(table: Mapping[str, Mapping[str, float]], name: str) -> float:
    """Look a flux up in the twin's own account, which has NEE and not NEP."""
    if name.startswith("NEP"):
        return -table["NEE"]["value"]
    return table[name]["value"]


def _totals(summed: xr.Dataset, manifest: Mapping[str, Mapping[str, Mapping[str, float]]]
            ) -> Iterator[tuple[tuple[str, str], Pair]]:  # fmt: skip
    for name in CARBON:
        members = summed[name].mean("year")
        interval = tuple(np.quantile(members, (0.05, 0.95)))
        found = number(members.mean().item(), "PgC yr-1", interval=(interval[0], interval[1]))
        yield ("upscale", f"{name}_total"), (found, number(_true(manifest["totals"], name),
                                                           "PgC yr-1"))  # fmt: skip


def _divided(summed: xr.Dataset, truth: xr.Dataset) -> Iterator[tuple[tuple[str, str], Pair]]:
    for name in DIVIDED:
        if name not in summed:
            continue
        members = summed[name].mean("year")
        true = total(truth[name], area=truth["land_area"]).mean("year")
        low, high = np.quantile(members, (0.05, 0.95))
        units = summed[name].attrs["units"]
        found = number(
            members.mean().item(),
            units,
            interval=(low, high),
            n=members.size,
            note=_STOCK_NOTE if units == "PgC" else _FLUX_NOTE,
        )
        yield ("emulate", f"{name}_total"), (found, number(true.item(), units))


def _trends(summed: xr.Dataset, manifest: Mapping[str, Mapping[str, Mapping[str, float]]]
            ) -> Iterator[tuple[tuple[str, str], Pair]]:  # fmt: skip
    if summed.sizes["year"] < FEWEST_YEARS:
        return
    for name in CARBON:
        line = trend_of_totals(summed[name], confidence=0.9)
        ends = (line["low"].item(), line["high"].item())
        found = number(line["slope"].item(), "PgC yr-2", interval=ends)
        yield ("upscale", f"{name}_trend"), (found, number(_true(manifest["trends"], name),
                                                           "PgC yr-2"))  # fmt: skip


def _skill(
    fluxes: xr.Dataset, truth: xr.Dataset, held_out: xr.Dataset
) -> Iterator[tuple[tuple[str, str], Pair]]:
    """Set the RMSE at towers, held out by each split, beside that of the cubes over the planet.

    The first is against measurements with their noise, the second against the truth itself.
    """
    for split in held_out["split"].values:
        promised = validation_metrics(held_out.sel(split=split)).sel(source="refined")
        for name in FLUX_NAMES:
            units = variable(name).units
            note = f"RMSE at towers, held out by the {split} split, against noisy measurements"
            found = number(promised["rmse"].sel(variable=name).item(), units,
                           n=promised["n"].sel(variable=name).item(), note=note)  # fmt: skip
            true = number(_planet_rmse(fluxes[name], truth[name]), units,
                          note="RMSE of cubes against the truth, all land and months")  # fmt: skip
            yield ("validate", f"{name}_rmse_{split}"), (found, true)


def _planet_rmse(flux: xr.DataArray, true: xr.DataArray) -> float:
    """RMSE over all land and months, each cell by its area."""
    modelled = flux.mean("member").reset_coords(drop=True)
    both = modelled.notnull() & true.notnull()
    area = flux.coords["land_area"].reset_coords(drop=True).fillna(0.0)
    weight = (area * both).transpose(*true.dims)
    return float((((modelled - true) ** 2 * weight).sum() / weight.sum()) ** 0.5)
