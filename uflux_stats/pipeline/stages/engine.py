"""Stages of the engine at the towers: respiration parameters, refinement, validation."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import xarray as xr

from uflux_stats.baselines import ParameterTable, fit_reference_respiration
from uflux_stats.io.store import whole_file, write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.refinement import RefineOptions, ValidationOptions, cross_validate, refine
from uflux_stats.refinement.table import training_table
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.schema import CARBON_FLUX, variable

PARAMETERS: Final = "respiration.json"
REFINER: Final = "refiner"
VALIDATION: Final = "validation.nc"
QUICK_FOLDS: Final = 20
"""Groups of towers that stand in for single towers in the quick validation."""
METRICS: Final = (
    "r2", "r2_pearson", "rmse", "slope_model_on_obs", "slope_obs_on_model", "mae", "bias",
    "n_towers",
)  # fmt: skip
_WITH_UNITS: Final = ("rmse", "mae", "bias")


def parameters(task: Task) -> Mapping[str, Number]:
    """Fit the base rate of respiration of each land cover class to all towers."""
    table = fit_reference_respiration(load(task.input(TOWERS)))
    with whole_file(task.output(PARAMETERS)) as partial:
        partial.write_text(table.to_json(), encoding="utf-8")
    return _rates(table)


def fit(task: Task) -> Mapping[str, Number]:
    """Learn what the baseline misses, from all towers."""
    refiner = refine(load(task.input(TOWERS)), **task.settings)
    refiner.save(task.output(REFINER))
    return {}


def validate(task: Task) -> Mapping[str, Number]:
    """Refit without held-out towers, under each split, and score what is predicted for them."""
    settings = task.settings
    options = RefineOptions(**settings["refine"])
    table = training_table(load(task.input(TOWERS)))
    numbers: dict[str, Number] = {}
    held_out = []
    skills: dict[str, xr.Dataset] = {}
    for split in settings["splits"]:
        folds = _folds(split, settings["mode"], towers=np.unique(table.site).size)
        how = ValidationOptions(folds=folds, workers=task.workers)
        held_out.append(cross_validate(table, split, options, how))
        skills[split] = validation_metrics(held_out[-1])
        numbers |= dict(_skill_numbers(skills[split], split))
    numbers |= dict(_gap_numbers(skills))
    splits = xr.Variable("split", list(settings["splits"]))
    together = xr.concat(held_out, splits, data_vars="all", combine_attrs="drop_conflicts")
    write_netcdf(together, task.output(VALIDATION), title="Held-out predictions at towers")
    return numbers


def _folds(split: str, mode: str, *, towers: int) -> int | None:
    """Leave one tower out is literal in full; None leaves it to the split."""
    return min(QUICK_FOLDS, towers) if split == "tower" and mode == "quick" else None


def _rates(table: ParameterTable) -> dict[str, Number]:
    return {
        key("respiration", "Rref", name): number(row.rate, CARBON_FLUX)
        for name, row in sorted(table.classes.items())
    }


def _skill_numbers(skill: xr.Dataset, split: str) -> Iterator[tuple[str, Number]]:
    """Yield the metrics (source, variable) of one split under their keys."""
    for step in skill["source"].values:
        for flux in skill["variable"].values:
            chosen = skill.sel(source=step, variable=flux)
            units = variable(str(flux).removesuffix("_difference")).units
            for metric in METRICS:
                yield (
                    key("validation", str(step), split, str(flux), metric),
                    number(
                        chosen[metric].item(),
                        units if metric in _WITH_UNITS else "1",
                        n=chosen["n"].item(),
                    ),
                )


def _gap_numbers(skills: Mapping[str, xr.Dataset]) -> Iterator[tuple[str, Number]]:
    """Yield how much better random rows look than whole towers: skill that is not there."""
    if not {"random", "tower"} <= skills.keys():
        return
    easy, honest = (skills[split].sel(source="refined") for split in ("random", "tower"))
    for flux in honest["variable"].values:
        gap = (easy["r2"] - honest["r2"]).sel(variable=flux).item()
        n = honest["n"].sel(variable=flux).item()
        note = "r2 of random rows minus that of whole towers"
        yield key("validation", "gap", str(flux), "r2"), number(gap, n=n, note=note)
