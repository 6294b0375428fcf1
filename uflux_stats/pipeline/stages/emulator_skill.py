"""Stage that emulates what was held out: how well the allocation is learned, and its figures."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.emulation.options import EmulateOptions
from uflux_stats.emulation.seasons import cross_emulate_months, seasonal_skill
from uflux_stats.emulation.skill import (
    MEAN,
    TRIALS,
    Trial,
    gap_fault,
    season_table,
    skill_numbers,
    skill_table,
)
from uflux_stats.emulation.skill_maps import OVER, skill_over_blocks, skill_over_months
from uflux_stats.emulation.validation import cross_emulate
from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.io.store import write_netcdf
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import DGVM, at_hand, emulate_options, write_table
from uflux_stats.pipeline.stages.data import gridded, load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.reporting.emulator_maps import PLACED, emulation_skill, error_maps, skill_maps
from uflux_stats.reporting.emulator_skill import emulation_gap, emulation_scatter
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.reporting.style import save_figure

PREDICTIONS: Final = "emulator_validation.nc"
TABLE: Final = "tables/emulator_skill.csv"
PLACES: Final = "emulator_places.nc"
FIGURES: Final = "emulator_figures"
SEASON_FOLDS: Final = {"quick": 2, "full": 5}
SEASONS: Final = "blocks, by month"
BLOCKS: Final = "blocks"
BLOCKS_HELD_OUT: Final = "blocks of 10 degrees held out"
SPLIT: Final = "split"
"""Attribute: how the places were held out."""
GAP: Final = ("random", "blocks")
FAULT: Final = "gap_fault"
"""Attribute: why the two splits of the gap cannot be compared; empty if they can."""


def validate_emulator(task: Task) -> Mapping[str, Number]:
    """Emulate cells, models and years that were held out, and score them."""
    drivers, models = at_hand(gridded(task)), load(task.input(DGVM))
    options = emulate_options(task)
    tables, kept, skipped = [], {}, {}
    trials = TRIALS[task.settings["mode"]]
    for trial in trials:
        try:
            found = cross_emulate(
                models, drivers, split=trial.split, folds=trial.folds, options=options
            )
        except (ConfigError, MissingVariableError) as error:
            skipped[trial.name] = str(error)
            continue
        tables.append(skill_table(found, trial.name))
        if MEAN in found["member"].values:
            kept[trial.name] = found.sel(member=MEAN, drop=True)
    months = _months(models, drivers, options, task)
    tables += _seasons(months)
    table = pd.concat(tables, ignore_index=True)
    write_table(table, task, TABLE)
    together = xr.concat(list(kept.values()), xr.Variable("split", list(kept)), join="exact",
                         combine_attrs="drop_conflicts")  # fmt: skip
    fault = gap_fault(drivers)
    write_netcdf(together.assign_attrs({FAULT: fault}), task.output(PREDICTIONS),
                 title="Held-out emulation, mean over models")  # fmt: skip
    _write_places(months, together, task)
    return {**dict(_numbers(table, trials, fault)), **dict(_skips(skipped))}


def _months(
    models: xr.Dataset, drivers: xr.Dataset, options: EmulateOptions, task: Task
) -> xr.Dataset | None:
    """Emulate held-out months, where fluxes are monthly; ten-year means have none."""
    if "time" not in models["GPP"].dims:
        return None
    folds = SEASON_FOLDS[task.settings["mode"]]
    return cross_emulate_months(models, drivers, folds=folds, options=options)


def _write_places(months: xr.Dataset | None, together: xr.Dataset, task: Task) -> None:
    """Write the skill of every place: over its months, or of its block where there are none."""
    known = together["split"].values.tolist()
    split = BLOCKS if BLOCKS in known or months is not None else known[0]
    if months is None:
        places = skill_over_blocks(together.sel(split=split, drop=True))
    else:
        places = skill_over_months(months)
    places = places.assign_attrs({SPLIT: split})
    write_netcdf(places, task.output(PLACES), title="Skill of the emulation, place by place")


def _seasons(months: xr.Dataset | None) -> list[pd.DataFrame]:
    """Skill by season."""
    if months is None:
        return []
    units = {str(name): str(months[name].attrs["units"]) for name in months.data_vars}
    return [season_table(seasonal_skill(months), units, SEASONS)]


def _numbers(
    table: pd.DataFrame, trials: tuple[Trial, ...], fault: str
) -> Iterator[tuple[str, Number]]:
    for skill in skill_numbers(table, trials, fault=fault):
        yield (
            key(*skill.key),
            number(skill.value, skill.units, interval=skill.interval, n=skill.n, note=skill.note),
        )
    if not (table["by"] == "season").any():
        note = "skipped: the vegetation models come without months"
        yield key("emulator", "seasons"), number(None, note=note)


def _skips(skipped: Mapping[str, str]) -> Iterator[tuple[str, Number]]:
    for name, why in skipped.items():
        yield key("emulator", name), number(None, note=f"skipped: {why}")


def figures(task: Task) -> Mapping[str, Number]:
    """Draw the skill: scatter of both splits, all splits, their gap, and maps of the error."""
    predictions = load(task.input(PREDICTIONS))
    table = pd.read_csv(task.input(TABLE))
    words = {trial.name: trial.words for trial in TRIALS[task.settings["mode"]]}
    places = load(task.input(PLACES))
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    drawn = chain(_drawn(predictions, table, words), _placed(places, words))
    for name, figure in drawn:
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)
    return {}


def _drawn(
    predictions: xr.Dataset, table: pd.DataFrame, words: Mapping[str, str]
) -> Iterator[tuple[str, Figure]]:
    for split in GAP:
        if split in predictions["split"].values:
            pairs = predictions.sel(split=split)
            yield f"scatter_{split}", emulation_scatter(pairs, held_out=words[split])
    whole = table[table["by"] == "all"]
    yield "skill", emulation_skill(whole[whole["kind"] == "product"], words)
    of_mean = whole[whole["member"] == MEAN]
    if not predictions.attrs[FAULT] and set(GAP) <= set(of_mean["split"]):
        yield "gap", emulation_gap(of_mean)
    if "blocks" in predictions["split"].values:
        pairs = predictions.sel(split="blocks")
        yield "error_maps", error_maps(pairs, held_out=words["blocks"])


def _placed(places: xr.Dataset, words: Mapping[str, str]) -> Iterator[tuple[str, Figure]]:
    """Draw the skill place by place; nothing where no place has enough pairs for its own."""
    if any(bool(places[name].notnull().any()) for name in PLACED if name in places):
        split = places.attrs[SPLIT]
        held_out = BLOCKS_HELD_OUT if split == BLOCKS else words[split]
        yield "skill_maps", skill_maps(places, places.attrs[OVER], held_out)
