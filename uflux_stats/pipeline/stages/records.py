"""Stage of the long records: how fluxes changed at towers with ten years or more."""

from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd

from uflux_stats.errors import MissingVariableError
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.stats.result import Result
from uflux_stats.stats.towers import CARBON_FLUXES, LONG_RECORD, tower_trends, trends_by_type

BY_TOWER: Final = "tables/tower_trends.csv"
BY_TYPE: Final = "tables/tower_trends_by_type.csv"


def records(task: Task) -> Mapping[str, Number]:
    """Estimate the trends of GPP, RECO and NEE at long towers, and count them by land cover."""
    towers = load(task.input(TOWERS))
    try:
        found = tower_trends(towers, variables=[v for v in CARBON_FLUXES if v in towers])
    except MissingVariableError:
        for name in (BY_TOWER, BY_TYPE):
            pd.DataFrame().to_csv(task.output(name))
        note = f"skipped: no tower with {LONG_RECORD} years"
        return {key("trend", "towers", name): number(None, note=note) for name in CARBON_FLUXES}
    by_type = trends_by_type(found)
    unit = found["slope"].attrs["units"]
    _write(found.to_frame().assign(slope_units=unit), task, BY_TOWER)
    _write(by_type.assign(slope_units=unit), task, BY_TYPE)
    return dict(_numbers(found, by_type))


def _write(table: pd.DataFrame, task: Task, name: str) -> None:
    table.to_csv(task.output(name), index=False, float_format="%.6g")


def _numbers(found: Result, by_type: pd.DataFrame) -> Iterator[tuple[str, Number]]:
    counted = by_type.drop(columns=["IGBP", "median_slope"]).groupby("variable").sum()
    for name, row in counted.iterrows():
        slopes = found["slope"].sel(variable=name)
        where = f"towers with {LONG_RECORD} years or more"
        yield (
            key("trend", "towers", str(name)),
            number(
                slopes.median().item(),
                found["slope"].attrs["units"],
                interval=(slopes.quantile(0.05).item(), slopes.quantile(0.95).item()),
                n=row["towers"],
                note=f"median over {where}; interval: spread of the towers",
            ),
        )
        for direction in ("rising", "falling"):
            yield (
                key("trend", "towers", str(name), direction),
                number(
                    row[f"{direction}_significant"],
                    n=row["towers"],
                    note=f"{where} with a significant trend, false discovery rate 5 %",
                ),
            )
