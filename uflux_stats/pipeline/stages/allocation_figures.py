"""Stage that draws the allocation: divergence of the sinks, stocks, series and boxes."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.grid import CONTINENTS
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import DGVM, STOCKS, UNCLOSED
from uflux_stats.pipeline.stages.budget import ALLOCATION, BALANCE, DIVERGENCE, GLOBE, SUFFIX
from uflux_stats.pipeline.stages.data import load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.reporting.allocation import sink_divergence, stock_change_figure
from uflux_stats.reporting.boxes import regional_boxes
from uflux_stats.reporting.budget_series import (
    POOLS,
    budget_series,
    globe_totals,
    mass_balance,
    stock_series,
)
from uflux_stats.reporting.map_panels import flux_map
from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.style import save_figure
from uflux_stats.stats.yearly import FEWEST_YEARS

FIGURES: Final = "allocation_figures"
MAPPED: Final = ("NPP", "Rh", "NEP", "cVeg", "cLitter", "cSoil")
FLUXES: Final = ("GPP", "NPP", "Ra", "Rh", "RECO", "NEP")
BOXES: Final = ("NEP" + SUFFIX, "NPP", "Ra", "Rh", "cVeg", "cWood", "cLitter", "cSoil")


def figures(task: Task) -> Mapping[str, Number]:
    """Draw what the budget stage found."""
    numbers = json.loads(task.input(DIVERGENCE).read_text(encoding="utf-8"))
    drawn = dict(_maps(task)) | _series(load(task.input(ALLOCATION)), task)
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
            title = f"{name}, mean of members and time"
            projection = task.settings["projection"]
            yield f"map_{name}", flux_map(field, title=title, projection=projection)


def _series(summed: xr.Dataset, task: Task) -> dict[str, Figure]:
    """Draw years of fluxes and stocks, and their spread by continent; none of a single year."""
    if summed.sizes["year"] < FEWEST_YEARS:
        return {}
    globe = summed.sel(region=GLOBE, drop=True)
    closed = globe[["NPP", *(name for name in globe if str(name).endswith(SUFFIX))]]
    labels = {name: str(name).removesuffix(SUFFIX) for name in closed}
    carbon, models = open_store(task.input(UNCLOSED)), load(task.input(DGVM))
    apart = globe_totals(carbon, FLUXES)
    land = {"land_area": carbon["land_area"].load()}
    known = models.assign_coords(land).rename(model="member")
    yearly = known if "time" in known.dims and "year" in known.dims else None
    chosen = summed[[name for name in BOXES if name in summed]]
    own = None if yearly is None else _own(yearly)
    return {
        "budget_series": budget_series(closed.rename(labels), apart, own),
        "stock_series": stock_series(globe, own),
        "stock_continents": regional_boxes(chosen.sel(region=list(CONTINENTS.values()))),
    }


def _own(models: xr.Dataset) -> xr.Dataset:
    """Yearly totals of the vegetation models, with the sums that they do not write."""
    summed = globe_totals(models, (*FLUXES, *POOLS))
    return summed.assign({name: one for name, one in mass_balance(summed).items()
                          if name not in summed})  # fmt: skip


def _mean(field: xr.DataArray) -> xr.DataArray:
    step = "year" if "year" in field.dims else "time"
    return field.mean(("member", step)).compute().assign_attrs(units=field.attrs["units"])
