"""Stage of the regions: mean maps for the index of the reports, and figures of each region."""

from collections.abc import Iterator, Mapping
from typing import Final

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from uflux_stats.grid.regions import By, region_masks
from uflux_stats.io.store import write_netcdf
from uflux_stats.io.zarr_store import open_store
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.allocation import STOCKS
from uflux_stats.pipeline.stages.budget import ALLOCATION
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.pipeline.stages.gridding import FLUXES, STATISTICS
from uflux_stats.reporting.changes import DRAWN
from uflux_stats.reporting.numbers import Number, key, number
from uflux_stats.reporting.reading import file_name
from uflux_stats.reporting.regional import region_map
from uflux_stats.reporting.run_files import MAPS
from uflux_stats.reporting.style import save_figure
from uflux_stats.reporting.yearly_series import yearly_series
from uflux_stats.stats.yearly import FEWEST_YEARS

FIGURES: Final = "regional_figures"
BY: Final[tuple[By, ...]] = ("continent", "pft")
STOCK_NAMES: Final = ("NPP", "Rh", "cVeg", "cSoil")


def towers_by_region(task: Task) -> Mapping[str, Number]:
    """Count the towers of every continent and land cover type, those without any too."""
    towers = load(task.input(TOWERS))
    counts = {}
    for by in BY:
        masks = region_masks(towers, by, regions=task.settings["regions"])
        for region in masks["region"].values:
            n = int(masks.sel(region=region).sum())
            counts[key("places", str(region), "towers")] = number(n, "towers")
    return counts


def maps(task: Task) -> Mapping[str, Number]:
    """Write the mean of every flux, and of stocks where there are any, over members and time."""
    fields = mean_fields(open_store(task.input(FLUXES)))
    if task.settings["stocks"]:
        carbon = mean_fields(_stocks(open_store(task.input(STOCKS))))
        fields = fields.merge(carbon.reset_coords(drop=True), join="exact", compat="equals")
    write_netcdf(fields, task.output(MAPS), title="Means over members and time")
    return {}


def mean_fields(cubes: xr.Dataset) -> xr.Dataset:
    """Mean over members and time of every variable that has both.

    Parameters
    ----------
    cubes : xr.Dataset, (member, time or year, lat, lon)

    Returns
    -------
    xr.Dataset, (lat, lon) [unit of each variable]
        With the class maps and areas that the cubes carry.
    """
    means = {}
    for name, values in cubes.data_vars.items():
        steps = [dim for dim in ("time", "year") if dim in values.dims]
        if "member" in values.dims and steps:
            mean = values.mean(("member", *steps), dtype="float64").compute().astype("float32")
            means[name] = mean.assign_attrs(values.attrs)
    return xr.Dataset(means).compute()


def figures(task: Task) -> Mapping[str, Number]:
    """Draw each region's map and, where there are years enough, its series."""
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    folder = task.output(f"{FIGURES}/map.png").parent
    for name, figure in _drawn(task):
        save_figure(figure, folder / f"{name}.png", notice=notice)
    return {}


def _drawn(task: Task) -> Iterator[tuple[str, Figure]]:
    fields = load(task.input(MAPS))
    summed = load(task.input(STATISTICS))
    series = {"fluxes": summed[[name for name in DRAWN if name in summed]]}
    if task.settings["stocks"]:
        series["stocks"] = _stocks(load(task.input(ALLOCATION)))
    for by in BY:
        masks = region_masks(fields, by, regions=task.settings["regions"]).load()
        for region in masks["region"].values[masks.any(("lat", "lon")).values]:
            mask = masks.sel(region=region)
            if not bool((mask & fields["GPP"].notnull()).any()):
                continue
            yield f"map_{file_name(region)}", region_map(fields, mask)
            for kind, summed in series.items():
                if summed.sizes["year"] >= FEWEST_YEARS:
                    whole = summed.sel(region=region, drop=True)
                    drawn = yearly_series({"this run": whole})
                    yield f"{kind}_{file_name(region)}", _placed(drawn)


def _placed(figure: Figure) -> Figure:
    """Give the panels fixed places: finding them anew for sixty figures takes half the time."""
    figure.set_layout_engine(
        PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=False)
    )
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.09, top=0.95, hspace=0.5, wspace=0.3)
    return figure


def _stocks(carbon: xr.Dataset) -> xr.Dataset:
    return carbon[[name for name in STOCK_NAMES if name in carbon]]
