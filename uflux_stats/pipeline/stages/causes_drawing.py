"""Stage that draws what drives the fluxes."""

from collections.abc import Iterator, Mapping
from typing import Final

import xarray as xr
from matplotlib.figure import Figure

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.query import query
from uflux_stats.attribution.samples import ALL
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.pipeline.stage import Task
from uflux_stats.pipeline.stages.causes import ATTRIBUTION
from uflux_stats.pipeline.stages.data import TOWERS, load
from uflux_stats.pipeline.stages.drawing import TWIN_NOTICE
from uflux_stats.reporting.attribution import forest, graph_pair, raw_against_anomaly, trend_shares
from uflux_stats.reporting.numbers import Number
from uflux_stats.reporting.style import save_figure

FIGURES: Final = "attribution_figures"


def figures(task: Task) -> Mapping[str, Number]:
    """Draw networks, effects and shares of trends at towers."""
    towers = load(task.input(TOWERS))
    folder = task.output(f"{FIGURES}/graph.png").parent
    notice = TWIN_NOTICE if task.settings["twin"] else ""
    found = load(task.input(ATTRIBUTION))
    if "attribution" in found:
        for name, figure in _attributed(found, towers, task.settings["regions"]):
            save_figure(figure, folder / f"{name}.png", notice=notice)
    return {}


def _attributed(
    found: xr.Dataset, towers: xr.Dataset, regions: RegionSet
) -> Iterator[tuple[str, Figure]]:
    """Draw the stored attribution, beside the published graph of months as they are."""
    raw = fit_network(towers, "paper", by="continent", transform="raw", regions=regions)
    for group, network in raw.items():
        place = {"region": group.region, "pft": ALL}
        if found["n"].sel(place).isel(transform=0).item():
            effects = found.isel(transform=0).assign_attrs(transform="anomaly")
            yield f"graph_{_file(group.region)}", graph_pair(network, effects)
    yield "raw_against_anomaly", raw_against_anomaly(found)
    total = query(found, region=None, quantity="total")
    yield "effects_by_continent", forest(total)
    by_type = query(found, pft="each", quantity="total")
    if (by_type["n"] > 0).any():
        yield "effects_by_pft", forest(by_type, by="pft")
    trends = query(found, region=None, quantity="trend")
    for target in ("GPP", "RECO", "NEP"):
        yield f"trend_{target}", trend_shares(trends, target=target)


def _file(region: str) -> str:
    return region.lower().replace(" ", "_")
