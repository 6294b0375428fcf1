"""Stages that compare measured with gridded drivers at towers, and the skill that each gives."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from uflux_stats.io.drivers import read_drivers
from uflux_stats.io.store import write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import (
    MEASURED,
    TOWERS,
    driver_paths,
    load,
    with_grid_drivers,
)
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.pipeline.stages.engine import QUICK_FOLDS, VALIDATION
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate
from uflux_stats.refinement.table import TrainingTable, table_for
from uflux_stats.reporting.meteorology import (
    ALL,
    meteorology_by_type,
    meteorology_figure,
    meteorology_table,
)
from uflux_stats.reporting.numbers import Number, key, number, towers_told
from uflux_stats.reporting.run_files import TABLES
from uflux_stats.reporting.skill_numbers import tower_intervals
from uflux_stats.reporting.style import save_figure
from uflux_stats.schema import FLUXES, variable
from uflux_stats.stats.metrics import score

TABLE: Final = f"{TABLES}/meteorology.csv"
FIGURES: Final = "meteorology_figures"
COMPARED_SKILL: Final = "validation_drivers.nc"
KINDS: Final = ("measured", "grid", "transfer")

NOTES: Final = {
    "measured": "learned and applied with measured drivers",
    "grid": "learned and applied with gridded drivers",
    "transfer": "learned with measured, applied with gridded drivers, as maps are by default",
}


def meteorology(task: Task) -> Mapping[str, Number]:
    """Tabulate and draw gridded drivers against those at the towers."""
    measured, used = _both(task)
    gridded = used[used.attrs["from_grid"].split()]
    table = meteorology_table(measured, gridded)
    table.to_csv(task.output(TABLE), index=False, float_format="%.6g")
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    drawn = {
        "meteorology": meteorology_figure(measured, gridded),
        "meteorology_by_type": meteorology_by_type(table),
    }
    for name, figure in drawn.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)
    return dict(_driver_numbers(table))


def skill(task: Task) -> Mapping[str, Number]:
    """Hold out towers with measured and with gridded drivers; score the months that both have."""
    options = RefineOptions.from_dict(task.settings["refine"])
    known = _known_predictions(task)
    both = skill_by_drivers(*_both(task), options, known=known, workers=task.workers)
    write_netcdf(both, task.output(COMPARED_SKILL), title="Held-out predictions by kind of drivers")
    return dict(skill_numbers(both))


def _known_predictions(task: Task) -> dict[str, xr.Dataset]:
    """Take from the validation what it holds under the same folds."""
    if not task.settings["validated"]:
        return {}
    kind = "grid" if task.settings["tower_drivers"] == "grid" else "measured"
    return {kind: load(task.input(VALIDATION)).sel(split="tower", drop=True)}


def skill_by_drivers(
    measured: xr.Dataset,
    gridded: xr.Dataset,
    options: RefineOptions,
    *,
    known: Mapping[str, xr.Dataset] = MappingProxyType({}),
    workers: int = 1,
) -> xr.Dataset:
    """Predict held-out towers from measured and from gridded drivers, in groups of towers.

    Parameters
    ----------
    measured, gridded : xr.Dataset, (site, time)
        Towers with their own drivers and with those of a grid.
    options : RefineOptions
    known : mapping of xr.Dataset, optional
        Predictions by kind that need not be made again.
    workers : int
        Folds at a time; it does not change the result.

    Returns
    -------
    xr.Dataset, (drivers, source, site, time)
        Each flux where all kinds have it: ``measured`` and ``grid`` are learned and applied with
        the same kind of drivers; ``transfer`` is learned from the measured ones and applied to
        the gridded ones, as a map is.
    """
    towers = {"measured": measured, "grid": gridded}
    tables = {kind: table_for(data, options) for kind, data in towers.items()}
    folds = min(QUICK_FOLDS, *(np.unique(table.site).size for table in tables.values()))
    how = ValidationOptions(folds=folds, workers=workers)
    made = {
        kind: cross_validate(table, "tower", options, how)
        for kind, table in tables.items()
        if kind not in known
    }
    learned, applied = common_rows(*tables.values())
    transfer = cross_validate(learned, "tower", options, how, applied)
    predictions = {**known, **made, "transfer": transfer}
    return on_common_rows({kind: predictions[kind] for kind in KINDS})


def common_rows(first: TrainingTable, second: TrainingTable) -> tuple[TrainingTable, TrainingTable]:
    """Reduce two tables of towers to the site-months that both have, in the same order."""
    keys = [pd.MultiIndex.from_arrays([table.sites, table.times]) for table in (first, second)]
    return first.only(keys[0].isin(keys[1])), second.only(keys[1].isin(keys[0]))


def on_common_rows(predictions: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Put predictions with several kinds of drivers together, where all of them have the flux.

    Parameters
    ----------
    predictions : mapping of xr.Dataset, (source, site, time)
        Of ``cross_validate``, by kind.

    Returns
    -------
    xr.Dataset, (drivers, source, site, time)
    """
    kinds = xr.Variable("drivers", list(predictions))
    fluxes = [predictions[kind][list(FLUXES)] for kind in predictions]
    aligned = xr.align(*fluxes, join="inner")
    stacked = xr.concat(aligned, kinds, combine_attrs="drop_conflicts")
    return stacked.where(stacked.notnull().all(("drivers", "source")))


def _both(task: Task) -> tuple[xr.Dataset, xr.Dataset]:
    """Towers with measured drivers, and the same with gridded ones."""
    used = load(task.input(TOWERS))
    if task.settings["tower_drivers"] == "grid":
        return load(task.input(MEASURED)), used
    return used, with_grid_drivers(used, read_drivers(*driver_paths(task)))


def _driver_numbers(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    for row in table[table["igbp"] == ALL].to_dict("records"):
        note = f"gridded against tower drivers, {towers_told(row['towers'])}"
        for metric, units in (("r", "1"), ("bias", row["units"]), ("rmse", row["units"])):
            entry = number(row[metric], units, n=row["n"], note=note)
            yield key("meteorology", str(row["driver"]), metric), entry


def skill_numbers(both: xr.Dataset) -> Iterator[tuple[str, Number]]:
    """Yield r2 and RMSE of each flux with each kind of drivers, from ``skill_by_drivers``."""
    for kind in both["drivers"].values:
        note = f"{NOTES[str(kind)]}; towers held out, months that all kinds have"
        for flux in FLUXES:
            values = both[flux].sel(drivers=kind, source=["observed", "refined"])
            found = score(values.isel(source=0, drop=True), values.isel(source=1, drop=True))
            ends = tower_intervals(values)
            for metric, units in (("r2", "1"), ("rmse", variable(flux).units)):
                entry = number(
                    found[metric].item(), units,
                    interval=ends.get(metric), n=found["n"].item(), note=note,
                )  # fmt: skip
                yield key("validation", "drivers", str(kind), flux, metric), entry
