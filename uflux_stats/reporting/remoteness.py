"""Figure of how skill falls away from the towers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.reporting.style import COLOURS, GREY, new_figure, style
from uflux_stats.schema import FLUXES

_HUES = ("tower", "koppen", "refined", "baseline")


def skill_gap(by_distance: pd.DataFrame, by_dissimilarity: pd.DataFrame) -> Figure:
    """Draw r2 of held-out months by distance to the towers learned from and by dissimilarity.

    Parameters
    ----------
    by_distance, by_dissimilarity : pd.DataFrame
        Columns flux, group, r2 and months; see ``skill_by``. Either may be empty.

    Returns
    -------
    Figure
        Two panels, a line for each flux.
    """
    with style():
        figure = new_figure(7.0, 2.8)
        axes = figure.subplots(1, 2, sharey=True)
        _panel(axes[0], by_distance, "nearest tower that was learned from")
        _panel(axes[1], by_dissimilarity, "dissimilarity to the other towers")
        axes[0].set_ylabel("$r^2$ at held-out towers [1]")
        axes[0].legend(loc="lower left")
    return figure


def _panel(axes: Axes, scored: pd.DataFrame, label: str) -> None:
    """Draw the fluxes of one table over its groups, in their order."""
    names: Sequence[str] = [] if scored.empty else scored["group"].drop_duplicates().tolist()
    for flux, hue in zip(FLUXES, _HUES, strict=True):
        own = scored[scored["flux"] == flux] if names else scored
        if len(own):
            places = [names.index(group) for group in own["group"]]
            axes.plot(places, own["r2"], "o-", color=COLOURS[hue], label=flux)
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.set_xticks(np.arange(len(names)), names, rotation=30, ha="right")
    axes.set_ylim(top=1.0)
    axes.set_xlabel(label)
