"""Figure of the land sink by all routes, and what posterior draws and their form explain of it."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.bayes.sinks import FIXED, explained_gap
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.reporting.wording import ROUTES

FORMS: Final = {
    FIXED: "GPP - RECO, fixed Q10",
    "q10": "GPP - RECO, Q10",
    "lloyd_taylor": "GPP - RECO, Lloyd-Taylor",
    "conditioned_q10": "GPP - RECO, Q10 and drivers",
    "conditioned_lloyd_taylor": "GPP - RECO, Lloyd-Taylor and drivers",
}
SITES: Final = {
    "": "",
    "none": "cells typical of their class",
    "independent": "cells deviate each by itself",
    "spatial": "cells deviate by region",
    "shared": "cells deviate all alike",
}
"""What a site effect means on the grid, in the order of the rows."""


def sinks_explained(sinks: pd.DataFrame, site_effect: str) -> Figure:
    """Draw the global sink of every route, and by region what explains their gap.

    Parameters
    ----------
    sinks : pd.DataFrame
        Of ``uflux_stats.bayes.sinks.sink_routes``.
    site_effect : str
        The one of the right panel, that of the maps of the run.

    Returns
    -------
    Figure
        Left: mean and 90 % of the members of models, hybrid and upscaled, and median and 90 % of
        the draws of each form under each choice of site effects; the axis leaves out the ends of
        "shared", an upper bound that is many times as wide: arrows stand for them. Right, by
        region: models, upscaled GPP - RECO, fixed Q10, and the first form with its draws; in
        numbers the gap between the first two, how much nearer to the models the form is than
        fixed Q10 (below zero: farther), and the width of the interval of the draws.

    Raises
    ------
    MissingVariableError
        If the table has no global sink.
    """
    world = sinks[sinks["region"] == "global"]
    if world.empty:
        raise MissingVariableError("sinks: expected rows of region 'global', got none")
    gaps = explained_gap(sinks)
    form = gaps["form_of"].iloc[0]
    first = gaps[(gaps["form_of"] == form) & (gaps["site_effect"] == site_effect)]
    with style():
        figure = new_figure(9.8, 1.9 + 0.26 * max(len(world), 1.4 * len(first)))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
        _routes(left, world)
        _regions(right, sinks, first.set_index("region"))
        right.set_title(f"{FORMS[form]}\n{SITES[site_effect]}")
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _routes(ax: Axes, world: pd.DataFrame) -> None:
    routes, kinds = world["route"].unique().tolist(), list(SITES)
    order = [
        (routes.index(route), kinds.index(kind))
        for route, kind in zip(world["route"], world["site_effect"], strict=True)
    ]
    ranked = world.iloc[sorted(range(len(world)), key=order.__getitem__)]
    place = np.arange(len(ranked))[::-1]
    middle, low, high = (ranked[name].to_numpy() for name in ("value", "low", "high"))
    from_draws = (ranked["site_effect"] != "").to_numpy()
    for chosen, colour in ((from_draws, COLOURS["refined"]), (~from_draws, BLACK)):
        ax.errorbar(
            middle[chosen], place[chosen],
            xerr=np.abs([(middle - low)[chosen], (high - middle)[chosen]]), fmt="o",
            markersize=3.5, color=colour, elinewidth=1.2,
        )  # fmt: skip
    shown = (ranked["site_effect"] != "shared").to_numpy()
    start, end = np.nanmin(low[shown]), np.nanmax(high[shown])
    start, end = start - 0.05 * (end - start), end + 0.05 * (end - start)
    for beyond, edge, marker in ((low < start, start, "<"), (high > end, end, ">")):
        ax.plot(np.full(beyond.sum(), edge), place[beyond], marker, markersize=5,
                color=COLOURS["refined"], clip_on=False)  # fmt: skip
    ax.set_xlim(start, end)
    ax.axvline(middle[(ranked["route"] == "dgvm").to_numpy()][0], color=GREY, linestyle=":")
    ax.axvline(0.0, color=GREY, linewidth=0.4)
    names = {**ROUTES, **FORMS}
    labels = [
        names[route] + (f"; {SITES[kind]}" if kind else "")
        for route, kind in zip(ranked["route"], ranked["site_effect"], strict=True)
    ]
    ax.set_yticks(place, labels)
    ax.set_xlabel(axis_label("NEP", "PgC yr-1"))
    ax.set_title("Global; dotted: vegetation models")


def _regions(ax: Axes, sinks: pd.DataFrame, first: pd.DataFrame) -> None:
    """Draw models, upscaling, fixed Q10 and one form, and write gap and shares beside."""
    place = np.arange(len(first))[::-1]
    wide = sinks[sinks["site_effect"] == ""].pivot(index="region", columns="route", values="value")
    known = wide.loc[first.index]
    drawn = sinks[
        (sinks["route"] == first["form_of"].iloc[0])
        & (sinks["site_effect"] == first["site_effect"].iloc[0])
    ].set_index("region").loc[first.index]  # fmt: skip
    ax.hlines(place, drawn["low"], drawn["high"], color=COLOURS["refined"], alpha=0.35,
              linewidth=6, label="90 % of the draws")  # fmt: skip
    ax.hlines(place, known["dgvm"], known["difference"], color=BLACK, linewidth=0.8, label="gap")
    for values, marker, colour, label in (
        (known["dgvm"], "D", BLACK, "vegetation models"),
        (known["difference"], "s", COLOURS["tower"], ROUTES["difference"]),
        (known[FIXED], "o", COLOURS["baseline"], "fixed Q10"),
        (drawn["value"], "o", COLOURS["refined"], "form, median of the draws"),
    ):
        ax.plot(values, place, marker, color=colour, markersize=4, label=label)
    ax.axvline(0.0, color=GREY, linewidth=0.4)
    labels = [
        f"{region}\ngap {row['gap']:.1f}, form {row['form']:+.1f}, draws {row['draws']:.1f}"
        for region, row in first.iterrows()
    ]
    ax.set_yticks(place, labels)
    ax.set_xlabel(axis_label("NEP", "PgC yr-1"))
