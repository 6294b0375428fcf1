"""Stage that draws the figures from what earlier stages wrote."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.engine import VALIDATION
from uflux_stats.pipeline.stages.gridding import FLUXES, STATISTICS
from uflux_stats.reporting.changes import change_figures, net_flux_twice
from uflux_stats.reporting.figures import skill_bars, split_gap, validation_scatter
from uflux_stats.reporting.map_panels import flux_map
from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.projections import Projection
from uflux_stats.reporting.run_files import TABLES
from uflux_stats.reporting.skill import group_skill, pairs_table, split_skill, tower_skill
from uflux_stats.reporting.style import save_figure

FIGURES: Final = "figures"
TABLE_FILES: Final = tuple(
    f"{TABLES}/validation_{name}.csv" for name in ("groups", "towers", "splits")
)
"""Named one by one: other stages write tables as well."""
TWIN_NOTICE: Final = "generated twin Earth, not data"
MAPPED: Final = ("GPP", "RECO", "NEE", "NEE_difference", "LE")
HONEST_FIRST: Final = ("tower", "blocks", "koppen", "igbp", "random")
"""Which split the figures of one split show, if there are several."""


def figures(task: Task) -> Mapping[str, Number]:
    """Draw the validation: scatter and groups under the most honest split, and all splits."""
    predictions = load(task.input(VALIDATION))
    present = set(predictions["split"].values.tolist())
    split = next(name for name in HONEST_FIRST if name in present)
    pairs = pairs_table(predictions.sel(split=split))
    drawn = {
        "validation_scatter": validation_scatter(pairs, split=split),
        "validation_groups": skill_bars(group_skill(pairs), split=split),
        "validation_splits": split_gap(split_skill(predictions)),
    }
    if task.settings["grid"]:
        fluxes = open_store(task.input(FLUXES))
        projection = task.settings["projection"]
        drawn |= dict(_maps(fluxes, projection)) | change_figures(
            load(task.input(STATISTICS)), fluxes
        )
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    for name, figure in drawn.items():
        save_figure(figure, task.output(f"{FIGURES}/{name}.png"), notice=notice)
    return {}


def tables(task: Task) -> Mapping[str, Number]:
    """Write the skill under every split, by group and by tower, as tables."""
    predictions = load(task.input(VALIDATION))
    makers = {"groups": group_skill, "towers": tower_skill}
    for name, make in makers.items():
        parts = [
            make(pairs_table(predictions.sel(split=split))).assign(split=split)
            for split in predictions["split"].values
        ]
        table = pd.concat(parts).set_index("split")
        table.to_csv(task.output(f"{TABLES}/validation_{name}.csv"), float_format="%.6g")
    split_skill(predictions).to_csv(
        task.output(f"{TABLES}/validation_splits.csv"), index=False, float_format="%.6g"
    )
    return {}


def _maps(fluxes: xr.Dataset, projection: Projection) -> Iterator[tuple[str, Figure]]:
    """Draw the mean of each flux over all months and members, and the net flux told twice."""
    years = fluxes["time"].dt.year.values
    period = "a climatological year" if "climatology_year" in fluxes.attrs else _period(years)
    means = {}
    for name in MAPPED:
        if name in fluxes:
            units = fluxes[name].attrs["units"]
            field = fluxes[name].mean(("member", "time")).compute().assign_attrs(units=units)
            means[name] = field
            title = f"{name}, mean of {period}"
            yield f"map_{name}", flux_map(field, title=title, projection=projection)

    if {"NEE", "NEE_difference"} <= means.keys():
        yield "net_flux_twice", net_flux_twice(means["NEE"], means["NEE_difference"])


def _period(years: NDArray[np.int64]) -> str:
    return f"{years[0]}" if years[0] == years[-1] else f"{years[0]}-{years[-1]}"
