"""Stage that draws the allocation: divergence of the sinks, stocks, series and boxes."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import STOCKS
from uflux_stats.pipeline.stages.budget import ALLOCATION, BALANCE, DIVERGENCE, GLOBE
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.reporting.allocation import sink_divergence, stock_change_figure
from uflux_stats.reporting.changes import total_figures
from uflux_stats.reporting.maps import flux_map
from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.style import save_figure

FIGURES: Final = "allocation_figures"
MAPPED: Final = ("NPP", "Rh", "cVeg", "cSoil")


def figures(task: Task) -> Mapping[str, Number]:
    """Draw what the budget stage found."""
    numbers = json.loads(task.input(DIVERGENCE).read_text(encoding="utf-8"))
    drawn = dict(_maps(task)) | total_figures(load(task.input(ALLOCATION)), "allocated")
    if numbers:
        drawn["sink_divergence"] = sink_divergence(numbers)
    changes = _changes(task)
    if not changes.empty:
        drawn["stock_change"] = stock_change_figure(changes)
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    for name, figure in drawn.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)
    return {}


def _changes(task: Task) -> pd.DataFrame:
    """Yearly changes of the globe beside NEP of the same year; nothing of a single year."""
    try:
        table = pd.read_csv(task.input(BALANCE))
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    return table[(table["lag"] == 0) & (table["region"] == GLOBE)]


def _maps(task: Task) -> Iterator[tuple[str, Figure]]:
    """Draw the mean over members and steps."""
    carbon = open_store(task.input(STOCKS))
    for name in MAPPED:
        if name in carbon:
            field = _mean(carbon[name])
            yield f"map_{name}", flux_map(field, title=f"{name}, mean of members and time")


def _mean(field: xr.DataArray) -> xr.DataArray:
    step = "year" if "year" in field.dims else "time"
    return field.mean(("member", step)).compute().assign_attrs(units=field.attrs["units"])
