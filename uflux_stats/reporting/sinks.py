"""Figure of the land sink by all routes, and what posterior draws and their form explain of it."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.bayes.sinks import FIXED, explained_gap
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.allocation import ROUTES
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style

FORMS: Final = {
    FIXED: "GPP - RECO at fixed Q10",
    "q10": "GPP - RECO of Q10",
    "lloyd_taylor": "GPP - RECO of Lloyd-Taylor",
    "conditioned_q10": "GPP - RECO of Q10, drivers",
    "conditioned_lloyd_taylor": "GPP - RECO of Lloyd-Taylor, drivers",
}


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
        "shared", an upper bound that is many times as wide. Right: the gap between upscaled
        and modelled sink, and what form and draws of the first form explain of it, by region.

    Raises
    ------
    MissingVariableError
        If the table has no global sink.
    """
    world = sinks[sinks["region"] == "global"]
    if world.empty:
        raise MissingVariableError("sinks: expected rows of region 'global', got none")
    with style():
        figure = new_figure(8.6, 1.4 + 0.24 * max(len(world), 12))
        left, right = figure.subplots(1, 2)
        _routes(left, world)
        _parts(right, explained_gap(sinks), site_effect)
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower left")
    return figure


def _routes(ax: Axes, world: pd.DataFrame) -> None:
    place = np.arange(len(world))[::-1]
    middle, low, high = (world[name].to_numpy() for name in ("value", "low", "high"))
    from_draws = (world["site_effect"] != "").to_numpy()
    for chosen, colour in ((from_draws, COLOURS["refined"]), (~from_draws, BLACK)):
        ax.errorbar(
            middle[chosen], place[chosen],
            xerr=np.abs([(middle - low)[chosen], (high - middle)[chosen]]), fmt="o",
            markersize=3.5, color=colour, elinewidth=1.2,
        )  # fmt: skip
    shown = (world["site_effect"] != "shared").to_numpy()
    ends = np.nanmin(low[shown]), np.nanmax(high[shown])
    ax.set_xlim(np.array(ends) + np.array([-0.05, 0.05]) * (ends[1] - ends[0]))
    models = middle[(world["route"] == "dgvm").to_numpy()][0]
    ax.axvline(models, color=GREY, linestyle=":")
    ax.axvline(0.0, color=GREY, linewidth=0.4)
    names = {**ROUTES, **FORMS}
    labels = [
        names[route] + (f"; sites: {kind}" if kind else "")
        for route, kind in zip(world["route"], world["site_effect"], strict=True)
    ]
    ax.set_yticks(place, labels)
    ax.set_xlabel(axis_label("global NEP", "PgC yr-1"))


def _parts(ax: Axes, gaps: pd.DataFrame, site_effect: str) -> None:
    """Draw the gap and what explains it, of the first form and one choice of site effects."""
    of_form = gaps["form_of"] == gaps["form_of"].iloc[0]
    first = gaps[of_form & (gaps["site_effect"] == site_effect)]
    place = np.arange(len(first))[::-1]
    bars = {"gap": ("gap: upscaled GPP - RECO minus models", GREY, 0.27),
            "form": ("form: nearer to the models than fixed Q10", COLOURS["tower"], 0.0),
            "draws": ("draws: width of the 90 % interval", COLOURS["refined"], -0.27)}  # fmt: skip
    for name, (label, colour, shift) in bars.items():
        ax.barh(place + shift, first[name], 0.25, label=label, color=colour)
    ax.axvline(0.0, color=BLACK, linewidth=0.4)
    ax.set_yticks(place, first["region"])
    ax.set_xlabel(axis_label("NEP", "PgC yr-1"))
