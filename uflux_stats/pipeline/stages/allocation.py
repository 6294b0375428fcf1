"""Stages of the allocation: vegetation models, the cubes learned from them, and their budget."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.emulation import EmulateOptions, emulate_to_stores, train_emulator
from uflux_stats.emulation.audit import adjustment_table, audit, stock_balance
from uflux_stats.emulation.divergence import divergence, divergence_table
from uflux_stats.emulation.options import LEARNER, Closure
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.io.dgvm import DgvmOptions, check_dgvms, read_dgvm
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.io.store import write_json, write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import gridded, load, source
from uflux_stats.pipeline.stages.gridding import BY, FLUXES
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.stats.totals import total

DGVM: Final = "dgvm.nc"
STOCKS: Final = "stocks.zarr"
UNCLOSED: Final = "unclosed.zarr"
ALLOCATION: Final = "allocation.nc"
DIVERGENCE: Final = "divergence.json"
DGVM_CHECK: Final = "tables/dgvm_check.csv"
DGVM_FAULTS: Final = "tables/dgvm_faults.csv"
LEARNED: Final = "tables/emulator.csv"
BUDGET: Final = "tables/budget.csv"
BALANCE: Final = "tables/stock_balance.csv"
MOVED: Final = "tables/closure_moved.csv"
DIVERGENCES: Final = "tables/divergence.csv"

PARTS: Final = ("NPP", "Ra", "Rh", "cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
GIVEN: Final = ("GPP", "RECO", "NEP")
"""Fluxes that came in and that closing the budget has moved."""
SUFFIX: Final = "_closed"
SMALL: Final = 1_000_000_000
"""Data of at most this size [bytes] are held in memory."""
_INTERVAL: Final = (0.05, 0.95)
_NOTE: Final = "mean of the years; interval: spread of the vegetation models"


def dgvm(task: Task) -> Mapping[str, Number]:
    """Read the vegetation models onto the grid of the drivers, and check them."""
    drivers = gridded(task)
    options = DgvmOptions(
        scenario=task.settings["scenario"],
        years=task.settings["years"],
        models=task.settings["models"] or None,
    )
    models = read_dgvm(source(task, "dgvm"), like=drivers, options=options)
    table = check_dgvms(models, drivers["LANDFRAC"].load())
    write_table(table, task, DGVM_CHECK)
    write_table(fault_table(models), task, DGVM_FAULTS)
    write_netcdf(models, task.output(DGVM), title="Vegetation models on the grid of the drivers")
    flagged = int((table["flags"] != "").sum())
    return {key("dgvm", "models"): number(len(table), "1", note=f"{flagged} of them flagged")}


def emulate(task: Task) -> Mapping[str, Number]:
    """Learn the allocation of each model and apply it to the upscaled fluxes.

    Component fluxes are kept with the stocks, in a store beside that of the fluxes they divide, so
    that each store is written whole by one stage. A second store holds what comes out when no
    budget is closed, of which the divergence of the sinks is made.
    """
    settings = task.settings
    drivers, models = at_hand(gridded(task)), load(task.input(DGVM))
    fluxes = open_store(task.input(FLUXES))
    options = emulate_options(task)
    emulator = train_emulator(models, drivers, closure=settings["closure"], options=options)
    write_table(emulator.coverage(), task, LEARNED)
    paths: dict[Closure, Path] = {"none": task.output(UNCLOSED)}
    paths[settings["closure"]] = task.output(STOCKS)
    emulate_to_stores(emulator, drivers, fluxes, paths)
    return dict(_counted(open_store(task.output(STOCKS))))


def emulate_options(task: Task) -> EmulateOptions:
    """Options of the emulation from the settings of a stage."""
    settings = task.settings
    learner = replace(LEARNER, trees=settings["trees"], depth=settings["depth"])
    return EmulateOptions(
        learner=learner, rows=settings["rows"], workers=task.workers, seed=settings["seed"]
    )


def at_hand(data: xr.Dataset) -> xr.Dataset:
    """Load what is small: it is read several times, and piece by piece slowly."""
    return data.load() if data.nbytes <= SMALL else data


def _counted(carbon: xr.Dataset) -> Iterator[tuple[str, Number]]:
    lacking = str(carbon.attrs["not_available"])
    note = f"no vegetation model tells of {lacking}" if lacking else ""
    yield key("emulate", "members"), number(carbon.sizes["member"], note=note)
    counted = {
        "negative_npp": "cells and years, all members",
        "raised_soil": "cells whose first soil had to be raised, all members",
    }
    for name, what in counted.items():
        yield key("emulate", name), number(carbon.attrs[f"{name}_count"], note=what)


def budget(task: Task) -> Mapping[str, Number]:
    """Audit the budgets, sum fluxes and stocks by region, and compare the sinks."""
    models = load(task.input(DGVM))
    carbon, unclosed = (at_hand(open_store(task.input(name))) for name in (STOCKS, UNCLOSED))
    modes = {str(store.attrs["closure"]): store for store in (unclosed, carbon)}
    table = audit(modes, models)
    write_table(table, task, BUDGET)
    moved = adjustment_table(carbon) if carbon.attrs["closure"] == "exact" else pd.DataFrame()
    write_table(moved, task, MOVED)
    sinks = divergence(unclosed, models, gridded(task))
    write_json(sinks, task.output(DIVERGENCE))
    write_table(divergence_table(sinks), task, DIVERGENCES)
    summed = regional_carbon(carbon, task.settings["regions"])
    write_netcdf(
        summed,
        task.output(ALLOCATION),
        title="Yearly totals of fluxes and stocks by region",
        precision="float64",
    )
    return {
        **dict(_residuals(table)),
        **{name: Number(**entry) for name, entry in sinks.items()},
        **dict(_totals(summed)),
        **dict(_balance(carbon, task)),
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
        NPP Ra Rh and, as closed, GPP RECO NEP [PgC yr-1]; pools [PgC].
    """
    names = {name: name for name in PARTS} | {name: name + SUFFIX for name in GIVEN}
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


def _residuals(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    names = zip(table["mode"], table["budget"], strict=True)
    residuals = zip(table["max_relative"], table["total"], strict=True)
    for (mode, name), (largest, summed) in zip(names, residuals, strict=True):
        yield (
            key("conservation", mode, name, "max_relative"),
            number(largest, note="largest of all cells, steps and members"),
        )
        yield (
            key("conservation", mode, name, "total"),
            number(summed, "PgC yr-1", note="residual, mean of years and members"),
        )


def _totals(summed: xr.Dataset) -> Iterator[tuple[str, Number]]:
    for name, values in summed.data_vars.items():
        mean = values.mean("year")
        for region in values["region"].values[mean.notnull().any("member").values]:
            members = mean.sel(region=region)
            known = members.values[np.isfinite(members.values)]
            low, high = np.quantile(known, _INTERVAL)
            label = "global" if region == "globe" else str(region)
            yield (
                key("totals", label, str(name)),
                number(known.mean(), values.attrs["units"], interval=(low, high), n=known.size,
                       note=_NOTE),
            )  # fmt: skip


def _balance(carbon: xr.Dataset, task: Task) -> Iterator[tuple[str, Number]]:
    """Compare the yearly change of the stocks with NEP, where there are two years."""
    name = key("conservation", "stocks", "imbalance")
    if carbon.sizes["year"] < 2:
        write_table(pd.DataFrame(), task, BALANCE)
        yield name, number(None, note="skipped: one year")
        return
    changes = stock_balance(carbon)
    write_table(changes, task, BALANCE)
    same_year = changes[changes["lag"] == 0]
    gap = float((same_year["stock_change"] - same_year["NEP"]).mean())
    yield (
        name,
        number(gap, "PgC yr-1", n=len(same_year), note="yearly change of all pools minus NEP"),
    )


def write_table(table: pd.DataFrame, task: Task, name: str) -> None:
    """Write a table among the outputs of a stage."""
    table.to_csv(task.output(name), index=False, float_format="%.5g")
