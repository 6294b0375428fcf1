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
    FIXED: "GPP minus RECO at fixed Q10",
    "q10": "GPP minus RECO, Q10",
    "lloyd_taylor": "GPP minus RECO, Lloyd-Taylor",
    "conditioned_q10": "GPP minus RECO, Q10 and drivers",
    "conditioned_lloyd_taylor": "GPP minus RECO, Lloyd-Taylor and drivers",
}


def sinks_explained(sinks: pd.DataFrame) -> Figure:
    """Draw the global sink of every route, and shares of the gap by region.

    Parameters
    ----------
    sinks : pd.DataFrame
        Of ``uflux_stats.bayes.sinks.sink_routes``.

    Returns
    -------
    Figure
        Left: mean and 90 % of the members of models, hybrid and upscaled, and median and 90 % of
        the draws of each form under each choice of site effects. Right: what the form and the draws
        of the first form explain of the gap between upscaled and modelled sink, region by region.

    Raises
    ------
    MissingVariableError
        If the table has no global sink.
    """
    world = sinks[sinks["region"] == "global"]
    if world.empty:
        raise MissingVariableError("sinks: expected rows of region 'global', got none")
    with style():
        figure = new_figure(8.6, 0.9 + 0.26 * max(len(world), 12))
        left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
        _routes(left, world)
        _shares(right, explained_gap(sinks))
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
    models = middle[(world["route"] == "dgvm").to_numpy()][0]
    ax.axvline(models, color=GREY, linestyle=":")
    ax.axvline(0.0, color=GREY, linewidth=0.4)
    names = {**ROUTES, **FORMS}
    labels = [
        names[route] + (f", site effects: {kind}" if kind else "")
        for route, kind in zip(world["route"], world["site_effect"], strict=True)
    ]
    ax.set_yticks(place, labels)
    ax.set_xlabel(axis_label("global NEP", "PgC yr-1"))


def _shares(ax: Axes, gaps: pd.DataFrame) -> None:
    """Draw the shares of the gap, of the first form and the site effects of its maps."""
    first = gaps[(gaps["form_of"] == gaps["form_of"].iloc[0]) & (gaps["site_effect"] == "spatial")]
    place = np.arange(len(first))[::-1]
    bars = {"form": ("form nearer than fixed Q10", COLOURS["tower"], 0.2),
            "draws": ("90 % width of the draws", COLOURS["refined"], -0.2)}  # fmt: skip
    for name, (label, colour, shift) in bars.items():
        ax.barh(place + shift, first[f"{name}_share"], 0.36, label=label, color=colour)
    ax.axvline(0.0, color=BLACK, linewidth=0.4)
    ax.axvline(1.0, color=GREY, linestyle=":")
    sizes = [f"{row.region} ({row.gap:.3g})" for row in first.itertuples()]
    ax.set_yticks(place, sizes)
    ax.set_xlabel("share of the gap, upscaled minus models")
    ax.set_title("gap in brackets, PgC yr$^{-1}$")
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), fontsize=6)
