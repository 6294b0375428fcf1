"""Stages that learn from held-out towers how the fluxes err: intervals, budgets, new towers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd
import xarray as xr

from uflux_stats.errors import ConfigError, MissingVariableError
from uflux_stats.io.store import whole_file
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.engine import VALIDATION
from uflux_stats.refinement.adaptation import Adaptation, fit_adaptation
from uflux_stats.refinement.consistency import (
    CONSISTENT,
    Consistency,
    fit_consistency,
    reconcile_held_out,
)
from uflux_stats.refinement.fitting import flux_attrs
from uflux_stats.refinement.intervals import LEVEL, Intervals, calibrate, coverage
from uflux_stats.refinement.validation import validation_metrics
from uflux_stats.reporting.numbers import Number, key, number, towers_told
from uflux_stats.schema import CARBON_FLUX, IGBP_CLASSES, MISSING_CLASS

INTERVALS: Final = "intervals.json"
COVERAGE: Final = "tables/interval_coverage.csv"
CONSISTENCY: Final = "consistency.json"
ADAPTATION: Final = "adaptation.json"
NORMAL_90: Final = 1.645
"""Standard errors on each side of a mean that hold 90 % of a normal distribution."""
_NOTHING: Final = "null\n"


def calibrated(task: Task) -> dict[str, Any]:
    """Read what the stages below wrote, as options of ``upscale``."""
    intervals, consistency = (
        task.input(name).read_text(encoding="utf-8") for name in (INTERVALS, CONSISTENCY)
    )
    told: dict[str, Any] = {"intervals": Intervals.from_json(intervals)}
    if consistency != _NOTHING:
        told["consistency"] = Consistency.from_json(consistency)
    return told


def intervals(task: Task) -> Mapping[str, Number]:
    """Calibrate intervals on the held-out towers, and count what they hold on other towers."""
    held_out = load(task.input(VALIDATION)).sel(split=task.settings["split"])
    normalised = task.settings["normalised"]
    _write(calibrate(held_out, normalised=normalised).to_json(), task, INTERVALS)
    table = coverage(held_out, normalised=normalised)
    table = table.assign(IGBP=table["IGBP"].map({**IGBP_CLASSES, MISSING_CLASS: "all"}))
    table.to_csv(task.output(COVERAGE), index=False, float_format="%.5g")
    return dict(_coverage_numbers(table))


def _coverage_numbers(table: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    how = f"nominal {LEVEL:g}, calibrated on the other folds of towers"
    for row in table.to_dict("records"):
        stem = ("intervals", str(row["flux"]), str(row["IGBP"]))
        towers = f"{how}; {towers_told(row['towers'])}"
        ends = [row["by_tower"] + side * NORMAL_90 * row["error"] for side in (-1.0, 1.0)]
        known = (ends[0], ends[1]) if row["towers"] > 1 else None
        for way, what, interval in (
            ("by_tower", "mean of the towers, with its sampling error", known),
            ("by_month", "of all months", None),
        ):
            note = f"share covered, {what}; {towers}"
            yield (
                key(*stem, "coverage", way),
                number(row[way], interval=interval, n=row["months"], note=note),
            )
        units = flux_attrs(str(row["flux"]))["units"]
        yield key(*stem, "width"), number(row["width"], units, n=row["months"], note=towers)


def adaptation(task: Task) -> Mapping[str, Number]:
    """Learn from the held-out towers how to calibrate the predictions for a new one."""
    held_out = load(task.input(VALIDATION)).sel(split=task.settings["split"])
    fitted = fit_adaptation(held_out)
    _write(fitted.to_json(), task, ADAPTATION)
    return dict(_error_numbers(fitted))


def _error_numbers(fitted: Adaptation) -> Iterator[tuple[str, Number]]:
    note = "error at an unseen tower, standard deviation of the part"
    for flux, model in fitted.models.items():
        units = flux_attrs(flux)["units"]
        parts = {"offset": units, "share": "1", "season": units, "fading": units, "noise": units}
        for part, unit in parts.items():
            yield key("adaptation", flux, part), number(getattr(model, part), unit, note=note)


def consistency(task: Task) -> Mapping[str, Number]:
    """Measure how GPP, RECO and NEE err together, and what making them consistent does."""
    held_out = load(task.input(VALIDATION)).sel(split=task.settings["split"])
    try:
        fitted, closed = fit_consistency(held_out), reconcile_held_out(held_out)
    except (MissingVariableError, ConfigError) as error:
        _write(_NOTHING, task, CONSISTENCY)
        return {key("consistency", "NEE", "r2"): number(None, note=f"skipped: {error}")}
    _write(fitted.to_json(), task, CONSISTENCY)
    return dict(_skill_numbers(held_out, closed))


def _skill_numbers(held_out: xr.Dataset, closed: xr.Dataset) -> Iterator[tuple[str, Number]]:
    known = closed[CONSISTENT[0]].notnull().all("source")
    apart = held_out[list(CONSISTENT)].sel(site=closed["site"]).where(known)
    for suffix, predicted, what in (
        ("", closed, "reconciled by the errors at the other folds of towers"),
        ("_apart", apart, "the same months before they are reconciled"),
    ):
        skill = validation_metrics(predicted).sel(source="refined")
        for flux in CONSISTENT:
            for metric, units in (("r2", "1"), ("rmse", CARBON_FLUX)):
                found = skill[metric].sel(variable=flux).item()
                months = skill["n"].sel(variable=flux).item()
                yield (
                    key("consistency", flux, f"{metric}{suffix}"),
                    number(found, units, n=months, note=f"held-out towers, {what}"),
                )


def _write(text: str, task: Task, name: str) -> None:
    with whole_file(task.output(name)) as partial:
        partial.write_text(text, encoding="utf-8")
