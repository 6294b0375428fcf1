"""Stages of the allocation: vegetation models, and the cubes learned from them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.emulation import (
    EmulateOptions,
    emulate_to_store,
    emulate_to_stores,
    train_emulator,
)
from uflux_stats.emulation.applying import RAISED
from uflux_stats.emulation.emulator import train_statistics
from uflux_stats.emulation.ensemble import land_overlap
from uflux_stats.emulation.options import LEARNER, Closure
from uflux_stats.io.dgvm import DgvmOptions, check_dgvms, read_dgvm
from uflux_stats.io.dgvm.faults import fault_table
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import gridded, load, source
from uflux_stats.pipeline.stages.gridding import FLUXES
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.stats.totals import total

DGVM: Final = "dgvm.nc"
STOCKS: Final = "stocks.zarr"
UNCLOSED: Final = "unclosed.zarr"
PAPER: Final = "paper.zarr"
DGVM_CHECK: Final = "tables/dgvm_check.csv"
DGVM_FAULTS: Final = "tables/dgvm_faults.csv"
LEARNED: Final = "tables/emulator.csv"
SMALL: Final = 1_000_000_000
"""Data of at most this size [bytes] are held in memory."""
INTERVAL: Final = (0.05, 0.95)


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
    budget is closed, of which the divergence of the sinks is made; a third the method paper's way,
    unbounded ratios of the mean and the quartiles over models, for its imbalance.
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
    as_paper = train_statistics(models, drivers, options=options)
    emulate_to_store(as_paper, drivers, fluxes, task.output(PAPER), closure="paper")
    overlap = land_overlap(models, drivers)
    return {**dict(_counted(open_store(task.output(STOCKS)))), **dict(_overlap(overlap))}


def _overlap(counts: Mapping[str, int]) -> Iterator[tuple[str, Number]]:
    notes = {
        "cells_without_models": "cells that no vegetation model covers: emulated from elsewhere",
        "cells_without_drivers": "cells of vegetation models that lack drivers: not emulated",
    }
    for name, note in notes.items():
        yield key("emulate", name), number(counts[name], note=note)


def emulate_options(task: Task) -> EmulateOptions:
    """Options of the emulation from the settings of a stage."""
    settings = task.settings
    learner = replace(LEARNER, trees=settings["trees"], depth=settings["depth"])
    return EmulateOptions(
        learner=learner, rows=settings["rows"], workers=task.workers, seed=settings["seed"]
    )


def _counted(carbon: xr.Dataset) -> Iterator[tuple[str, Number]]:
    lacking = str(carbon.attrs["not_available"])
    note = f"no vegetation model tells of {lacking}" if lacking else ""
    yield key("emulate", "members"), number(carbon.sizes["member"], note=note)
    counted = {
        "negative_npp": "cells and years, all members",
        "negative_gpp": "values of the given GPP, which count as zero",
        "negative_reco": "values of the given RECO, which count as zero",
        "cells_left_out": "cells with drivers where no month has GPP and RECO",
        "cells_with_gaps": "cells where some months have no GPP or RECO: these months, and stocks "
        "that take them, are missing",
    }
    for name, what in counted.items():
        yield key("emulate", name), number(carbon.attrs[f"{name}_count"], note=what)
    raised = carbon.attrs["raised_soil_count"]
    known = int(carbon[RAISED].count()) if RAISED in carbon else 0
    note = "cells whose first soil had to be raised, all members"
    yield key("emulate", "raised_soil"), number(raised, n=known or None, note=note)
    if RAISED in carbon:
        note = (
            "of cells and members, first soil raised: there the level of the soil is a lower bound"
        )
        yield (
            key("emulate", "raised_soil_share"),
            number(raised / max(known, 1), n=known, note=note),
        )
        added = total(carbon[RAISED])
        note = "what those soils were raised by; interval: spread of the vegetation models"
        yield key("emulate", "raised_soil_total"), over_members(added, "PgC", note)


def over_members(values: xr.DataArray, units: str, note: str = "") -> Number:
    """Mean and 90 % interval over the members that have a value, or over models."""
    known = values.values[np.isfinite(values.values)]
    if not known.size:
        return number(None, units, note=note)
    low, high = np.quantile(known, INTERVAL)
    return number(known.mean(), units, interval=(low, high), n=known.size, note=note)


def at_hand(data: xr.Dataset) -> xr.Dataset:
    """Load what is small: it is read several times, and piece by piece slowly."""
    return data.load() if data.nbytes <= SMALL else data


def write_table(table: pd.DataFrame, task: Task, name: str) -> None:
    """Write one table of a stage."""
    table.to_csv(task.output(name), index=False, float_format="%.5g")
