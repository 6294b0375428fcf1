"""Figure of how skill falls away from the towers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.reporting.figures import SPLIT_NAMES
from uflux_stats.reporting.style import COLOURS, GREY, new_figure, style
from uflux_stats.schema import FLUXES

_LOWEST = -1.0
"""Below this an r2 says no more than that the mean would have done better."""
_AREA = ("inside", "outside")
"""Groups by area of applicability: no line joins them to the fifths."""
_UNLIKE = "fifths of the months, from like to unlike other towers,\nand the area of applicability"
_HUES = ("tower", "koppen", "refined", "baseline")


def skill_gap(by_distance: pd.DataFrame, by_dissimilarity: pd.DataFrame, *, split: str) -> Figure:
    """Draw r2 of held-out months by distance to the towers learned from and by dissimilarity.

    Parameters
    ----------
    by_distance, by_dissimilarity : pd.DataFrame
        Columns flux, group, r2, months and towers; see ``skill_by``. Either may be empty.
    split : str
        How the towers were held out, a key of ``SPLIT_NAMES``.

    Returns
    -------
    Figure
        Two panels, a line for each flux; towers and months of each group below it.
    """
    with style():
        figure = new_figure(7.4, 3.3)
        axes = figure.subplots(1, 2, sharey=True)
        _panel(axes[0], by_distance, "nearest tower that was learned from")
        _panel(axes[1], by_dissimilarity, _UNLIKE)
        axes[0].set_ylabel("r$^2$ (1 - SSE/SST) [1]")
        low = min((float(one["r2"].min()) for one in (by_distance, by_dissimilarity) if len(one)),
                  default=0.0)  # fmt: skip
        axes[0].set_ylim(max(_LOWEST, min(low, 0.0) - 0.05), 1.0)
        figure.suptitle(f"Skill away from the towers: {SPLIT_NAMES[split]}")
        axes[0].legend(loc="lower left")
    return figure


def _panel(axes: Axes, scored: pd.DataFrame, label: str) -> None:
    """Draw the fluxes of one table over its groups, in their order."""
    names: Sequence[str] = [] if scored.empty else scored["group"].drop_duplicates().tolist()
    for flux, hue in zip(FLUXES, _HUES, strict=True):
        own = scored[scored["flux"] == flux] if names else scored
        if len(own):
            places = [names.index(group) for group in own["group"]]
            fifths = [place for place, group in enumerate(own["group"]) if group not in _AREA]
            values = own["r2"].to_numpy(float)
            axes.plot(places, values, "o", color=COLOURS[hue], markersize=4, label=flux)
            axes.plot([places[one] for one in fifths], values[fifths], color=COLOURS[hue])
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    labels = [f"{name}\n{_size(scored[scored['group'] == name])}" for name in names]
    axes.set_xticks(np.arange(len(names)), labels, rotation=40, ha="right", fontsize=6)
    axes.set_xlabel(label)


def _size(rows: pd.DataFrame) -> str:
    """Towers and months of a group, of the flux that has most."""
    return f"{rows['towers'].max()} towers, n = {rows['months'].max():,}"
