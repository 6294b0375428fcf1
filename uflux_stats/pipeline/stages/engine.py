"""Stages of the engine at the towers: respiration parameters, refinement, validation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.baselines import ParameterTable, fit_reference_respiration
from uflux_stats.io.store import whole_file, write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate, refine
from uflux_stats.refinement.splits import Split
from uflux_stats.refinement.table import TrainingTable, table_for
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.reporting.numbers import Number, key, number, towers_told
from uflux_stats.reporting.skill_numbers import gap_numbers, skill_numbers
from uflux_stats.schema import CARBON_FLUX

PARAMETERS: Final = "respiration.json"
REFINER: Final = "refiner"
VALIDATION: Final = "validation.nc"
QUICK_FOLDS: Final = 20
"""Groups of towers that stand in for single towers in the quick validation."""


def parameters(task: Task) -> Mapping[str, Number]:
    """Fit the base rate of respiration of each land cover class to all towers."""
    table = fit_reference_respiration(load(task.input(TOWERS)))
    with whole_file(task.output(PARAMETERS)) as partial:
        partial.write_text(table.to_json(), encoding="utf-8")
    return _rates(table)


def fit(task: Task) -> Mapping[str, Number]:
    """Learn what the baseline misses, from all towers."""
    options = RefineOptions.from_dict(task.settings)
    refiner = refine(load(task.input(TOWERS)), options=options)
    refiner.save(task.output(REFINER))
    return {}


def validate(task: Task) -> Mapping[str, Number]:
    """Refit without held-out towers, under each split, and score what is predicted for them."""
    settings = task.settings
    options = RefineOptions.from_dict(settings["refine"])
    table = table_for(load(task.input(TOWERS)), options)
    numbers: dict[str, Number] = {}
    held_out = []
    skills: dict[str, xr.Dataset] = {}
    found = held_out_splits(
        table, options, settings["splits"], mode=settings["mode"], workers=task.workers
    )
    for split, predicted in found:
        held_out.append(predicted)
        skills[split] = validation_metrics(predicted)
        numbers |= dict(skill_numbers(held_out[-1], skills[split]))
    numbers |= dict(gap_numbers(skills))
    splits = xr.Variable("split", list(settings["splits"]))
    together = xr.concat(held_out, splits, data_vars="all", combine_attrs="drop_conflicts")
    write_netcdf(together, task.output(VALIDATION), title="Held-out predictions at towers")
    return numbers


def held_out_splits(
    table: TrainingTable,
    options: RefineOptions,
    splits: Iterable[Split],
    *,
    mode: str,
    workers: int,
) -> Iterator[tuple[Split, xr.Dataset]]:
    """Predict the held-out rows under each split; "quick" holds out groups of towers."""
    for split in splits:
        folds = _folds(split, mode, towers=np.unique(table.site).size)
        how = ValidationOptions(folds=folds, workers=workers)
        yield split, cross_validate(table, split, options, how)


def _folds(split: str, mode: str, *, towers: int) -> int | None:
    """Leave one tower out is literal in full; None leaves it to the split."""
    return min(QUICK_FOLDS, towers) if split == "tower" and mode == "quick" else None


def _rates(table: ParameterTable) -> dict[str, Number]:
    return {
        key("respiration", "Rref", name): number(
            row.rate,
            CARBON_FLUX,
            n=row.n_months,
            note=f"rate at 10 degC with Q10 {row.sensitivity:g}; {towers_told(row.n_sites)}"
            + ("" if row.n_sites else ", stands in from another class"),
        )
        for name, row in sorted(table.classes.items())
    }
