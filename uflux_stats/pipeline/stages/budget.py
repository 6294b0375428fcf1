"""Stage of the budgets: do they close, what did closing move, where do the sinks diverge."""

from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd
import xarray as xr

from uflux_stats.emulation.applying import RATIO
from uflux_stats.emulation.audit import audit, member_quantiles
from uflux_stats.emulation.balance import balance_by_lag, stock_balance, stock_ways
from uflux_stats.emulation.divergence import divergence, divergence_table
from uflux_stats.emulation.ensemble import RH_RAISED
from uflux_stats.emulation.models import mean_models, model_totals
from uflux_stats.emulation.moved import YEAR, adjustment_table
from uflux_stats.grid.polygons import CONTINENTS, RegionSet
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.io.store import write_json, write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import (
    DGVM,
    PAPER,
    SMALL,
    STOCKS,
    UNCLOSED,
    at_hand,
    over_members,
    write_table,
)
from uflux_stats.pipeline.stages.data import gridded, load
from uflux_stats.pipeline.stages.gridding import BY
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.stats.conservation import POOLS
from uflux_stats.stats.totals import area_mean, total

ALLOCATION: Final = "allocation.nc"
DIVERGENCE: Final = "divergence.json"
AUDIT: Final = "tables/budget.csv"
MOVED: Final = "tables/closure_moved.csv"
DIVERGENCES: Final = "tables/divergence.csv"
BALANCE: Final = "tables/stock_balance.csv"
LAGS: Final = "tables/stock_balance_by_lag.csv"
WAYS: Final = "tables/stock_ways.csv"

PARTS: Final = ("NPP", "Ra", "Rh", "cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
GIVEN: Final = ("GPP", "RECO", "NEP")
"""Fluxes that came in and that closing the budget has moved."""
SUFFIX: Final = "_closed"
GLOBE: Final = "globe"
PAPER_MODE: Final = "paper statistics"
"""Unbounded ratios of the mean and the quartiles over models, as the method paper has them."""
MONTHS_OF_QUANTILES: Final = 24
YEARS_OF_QUANTILES: Final = 2
"""Quantiles over members are audited over the last two years: they hold all members at once."""
_NOTE: Final = "mean of the years; interval: spread of the vegetation models"
_CHI_SQUARE_NOTE: Final = (
    "mean over land, months and members; 2 if Ra of GPP and of RECO, and NEP told twice, disagree "
    "as much as their errors say"
)
_MODELS_NOTE: Final = "vegetation models themselves; interval: their spread"


def budget(task: Task) -> Mapping[str, Number]:
    """Audit the budgets, sum fluxes and stocks by region, and compare the sinks."""
    regions = task.settings["regions"]
    models, drivers = load(task.input(DGVM)), gridded(task)
    carbon, unclosed = (at_hand(open_store(task.input(name))) for name in (STOCKS, UNCLOSED))
    means = mean_models(models, drivers, carbon)
    summed = regional_carbon(carbon, regions)
    write_netcdf(
        summed,
        task.output(ALLOCATION),
        title="Yearly totals of fluxes and stocks by region",
        precision="float64",
    )
    return {
        **dict(_audited({"none": unclosed, str(carbon.attrs["closure"]): carbon}, models, task)),
        **dict(_moved(carbon, task)),
        **dict(_diverged(unclosed, means, task)),
        **dict(_totals(summed)),
        **dict(_model_totals(means, regions)),
        **dict(_balance(summed, task)),
    }


def regional_carbon(carbon: xr.Dataset, regions: RegionSet) -> xr.Dataset:
    """Sum component fluxes and stocks over every region, member by member if they are large.

    Parameters
    ----------
    carbon : xr.Dataset, (member, time or year, lat, lon)
        Of ``emulate``.
    regions : {"geographic", "natural_earth"}

    Returns
    -------
    xr.Dataset, (member, year, region)
        NPP Ra Rh and, as closed, GPP RECO NEP [PgC yr-1]; pools, and beside integrated ones the
        ratios [PgC].
    """
    names = {name: name for name in (*PARTS, *(pool + RATIO for pool in POOLS))}
    names |= {name: name + SUFFIX for name in GIVEN}
    there = {name: label for name, label in names.items() if name in carbon}
    summed = []
    members = carbon.sizes["member"]
    at_once = members if carbon.nbytes <= SMALL else 1
    for first in range(0, members, at_once):
        member = carbon[list(there)].isel(member=slice(first, first + at_once))
        summed.append(
            xr.Dataset(
                {
                    label: total(member[name].load(), by=BY, regions=regions)
                    for name, label in there.items()
                }
            )
        )
    return xr.concat(summed, "member", combine_attrs="override")


def _audited(
    modes: Mapping[str, xr.Dataset], models: xr.Dataset, task: Task
) -> Iterator[tuple[str, Number]]:
    """Residuals of every mode, of quantiles over closed members, and of the models."""
    last = {"time": slice(-MONTHS_OF_QUANTILES, None), "year": slice(-YEARS_OF_QUANTILES, None)}
    quantiles = {
        f"{mode} {label}": part
        for mode, data in modes.items()
        if mode == "exact"
        for label, part in member_quantiles(data.isel(last)).items()
    }
    paper = {PAPER_MODE: at_hand(open_store(task.input(PAPER)))}
    table = audit({**modes, **quantiles, **paper}, models)
    write_table(table, task, AUDIT)
    for row in table[table["region"] == GLOBE].to_dict("records"):
        stem = ("closure", row["mode"], row["budget"])
        note = "of all cells, steps and members"
        for column in ("max_relative", "mean_relative", "open_share"):
            yield key(*stem, column), number(row[column], note=note)
        note = "residual, mean of years and members"
        yield key(*stem, "total"), number(row["total"], "PgC yr-1", note=note)


def _moved(carbon: xr.Dataset, task: Task) -> Iterator[tuple[str, Number]]:
    """How far closing moved each flux; the table also has seasons and land cover types."""
    if carbon.attrs["closure"] != "exact":
        write_table(pd.DataFrame(), task, MOVED)
        return
    table = adjustment_table(carbon)
    write_table(table, task, MOVED)
    disagreement = area_mean(carbon["chi_square"]).mean()
    yield key("closure", "chi_square"), number(disagreement, note=_CHI_SQUARE_NOTE)
    places = [GLOBE, *CONTINENTS.values()]
    chosen = table[(table["season"] == YEAR) & table["region"].isin(places)]
    for row in chosen.to_dict("records"):
        region = "global" if row["region"] == GLOBE else row["region"]
        stem = ("closure", "moved", region, row["flux"])
        yield (
            key(*stem, "size"),
            number(row["size"], "gC m-2 d-1", note="mean size of the move, land and months"),
        )
        yield (
            key(*stem, "often"),
            number(row["moved"], note="share of land and months moved by over 0.05 gC m-2 d-1"),
        )
        yield key(*stem, "total"), number(row["total"], "PgC yr-1", note="move of the total")


def _diverged(unclosed: xr.Dataset, means: xr.Dataset, task: Task) -> Iterator[tuple[str, Number]]:
    """Compare the sinks, unless no model tells of Rh."""
    known = "NEP" in means and "Rh" in unclosed
    sinks = divergence(unclosed, means, regions=task.settings["regions"]) if known else {}
    write_json(sinks, task.output(DIVERGENCE))
    write_table(divergence_table(sinks), task, DIVERGENCES)
    for name, entry in sinks.items():
        yield name, Number(**entry)


def _totals(summed: xr.Dataset) -> Iterator[tuple[str, Number]]:
    for name, values in summed.data_vars.items():
        mean = values.mean("year")
        for region in values["region"].values[mean.notnull().any("member").values]:
            label = "global" if region == GLOBE else str(region)
            members = mean.sel(region=region)
            yield key("totals", label, str(name)), over_members(members, values.units, _NOTE)


def _model_totals(means: xr.Dataset, regions: RegionSet) -> Iterator[tuple[str, Number]]:
    for name, values in model_totals(means, (GLOBE, "continent"), regions).data_vars.items():
        for region in values["region"].values[values.notnull().any("model").values]:
            label = "global" if region == GLOBE else str(region)
            models = values.sel(region=region)
            yield key("dgvm", label, str(name)), over_members(models, values.units, _MODELS_NOTE)
    faults = fault_table(means)
    if RH_RAISED in means:
        note = ", ".join(f"{row['model']} {row['n']}" for row in faults.to_dict("records"))
        note = f"cells, derived Rh below 0 set to 0: {note or 'none'}"
        yield key("dgvm", RH_RAISED), number(int(faults["n"].sum()), note=note)


def _balance(summed: xr.Dataset, task: Task) -> Iterator[tuple[str, Number]]:
    """Compare the yearly change of the stocks with NEP, where there are two years."""
    stem: tuple[str, ...] = ("closure", "stocks")
    if summed.sizes["year"] < 2:
        for file in (BALANCE, LAGS, WAYS):
            write_table(pd.DataFrame(), task, file)
        yield key(*stem, "imbalance"), number(None, "PgC yr-1", note="skipped: one year")
        return
    changes = stock_balance(summed, nep="NEP" + SUFFIX)
    by_lag = balance_by_lag(changes)
    write_table(changes, task, BALANCE)
    write_table(by_lag, task, LAGS)
    write_table(stock_ways(summed), task, WAYS)
    globe = by_lag[by_lag["region"] == GLOBE].to_dict("records")
    for way in dict.fromkeys(str(row["way"]) for row in globe):
        rows = [row for row in globe if row["way"] == way]
        name = stem if way == "integrated" else (*stem, way)
        now, best = rows[0], min(rows, key=lambda row: float(row["rms"]))
        note = "yearly change of all pools minus NEP"
        if way == "integrated":
            note += "; holds by construction, as the pools are integrated from the fluxes"
        yield key(*name, "imbalance"), number(now["imbalance"], "PgC yr-1", n=now["n"], note=note)
        note = "years between NEP and the change of the pools that differs least from it"
        yield key(*name, "lag"), number(best["lag"], "yr", n=best["n"], note=note)
