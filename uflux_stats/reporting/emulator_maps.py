"""Figures of the skill of the emulation by product, and place by place."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.emulator_skill import ACROSS, PRODUCTS
from uflux_stats.reporting.map_panels import map_panels
from uflux_stats.reporting.maps import draw_globe
from uflux_stats.reporting.style import BLACK, GREY, axis_label, new_figure, style

MARKERS: Final = {"p25": "v", "mean": "o", "p75": "^"}
"""In the order in which the points of a product are joined."""
# Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/
HUES: Final = dict(
    zip(
        PRODUCTS,
        ("#009E73", "#E69F00", "#D55E00", "#0072B2", "#56B4E9", "#CC79A7", GREY, "#F0E442", BLACK),
        strict=True,
    )
)
"""Colour of each product."""
WORDS_ACROSS: Final = 36
MAPPED: Final = ("NPP", "cVeg", "cSoil")
PLACED: Final = ("NPP", "Rh", "cVeg", "cSoil")
"""Products with maps of their errors, and of their skill as far as they are there."""
LABELS: Final = {"r2": "r$^2$", "nrmse": "RMSE / mean"}
TITLES: Final = {"r2": "r$^2$ (below 0 drawn as 0)", "nrmse": "RMSE / mean"}


def emulation_skill(table: pd.DataFrame, words: Mapping[str, str]) -> Figure:
    """Draw r2 against nRMSE of every product, one panel per split; mean, p25 and p75 joined.

    Parameters
    ----------
    table : pandas.DataFrame
        ``split``, ``member``, ``variable``, ``r2``, ``nrmse``, ``n``, of all cells together.
    words : mapping of str to str
        What each split held out.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If the table has no row.
    """
    if table.empty:
        raise MissingVariableError("table: expected at least one product, got no row; add splits")
    splits = list(dict.fromkeys(table["split"]))
    with style():
        figure = new_figure(3.4 * min(len(splits), ACROSS), 3.3 * -(-len(splits) // ACROSS) + 0.3)
        panels = figure.subplots(-(-len(splits) // ACROSS), min(len(splits), ACROSS),
                                 squeeze=False, sharey=True).ravel()  # fmt: skip
        for ax, split in zip(panels, splits, strict=False):
            _skill_panel(ax, table[table["split"] == split])
            told = f"{words.get(split, split)}, n = {_cells(table[table['split'] == split])} cells"
            ax.set_title("\n".join(wrap(told, WORDS_ACROSS)), fontsize=7)
        for ax in panels[len(splits) :]:
            ax.set_visible(False)
        panels[0].set_ylabel("r$^2$ (1 - SSE/SST)")
        figure.legend(handles=_legend(table), loc="outside lower center", ncols=6)
    return figure


def _legend(table: pd.DataFrame) -> list[Line2D]:
    """Colours of the products that are there, and what the markers stand for."""
    there = set(table["variable"])
    lines = [Line2D([], [], color=hue, label=name) for name, hue in HUES.items() if name in there]
    words = {"p25": "25th percentile of models", "mean": "mean", "p75": "75th percentile"}
    known = [member for member in MARKERS if member in set(table["member"])]
    marks = [Line2D([], [], color=GREY, marker=MARKERS[member], linestyle="", label=words[member])
             for member in known]  # fmt: skip
    return [*lines, *marks]


def _cells(rows: pd.DataFrame) -> str:
    low, high = int(rows["n"].min()), int(rows["n"].max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _skill_panel(ax: Axes, rows: pd.DataFrame) -> None:
    """Points of one split; models left out are drawn as their median and spread."""
    statistics = bool(rows["member"].isin(list(MARKERS)).all())
    for name, hue in HUES.items():
        own = rows[rows["variable"] == name].set_index("member")[["nrmse", "r2"]]
        if own.empty:
            continue
        if not statistics:
            _spread(ax, own.to_numpy(dtype=float), hue)
            continue
        own = own.loc[[member for member in MARKERS if member in own.index]]
        ax.plot(own["nrmse"], own["r2"], color=hue, linewidth=0.8)
        for member, point in own.iterrows():
            ax.plot(point["nrmse"], point["r2"], MARKERS[str(member)], color=hue, markersize=4)
    ax.set_xlabel("RMSE / mean" if statistics else "RMSE / mean, median and\nquartiles of models")


def _spread(ax: Axes, points: NDArray[np.float64], hue: str) -> None:
    """Draw the median of points (model, 2) with their quartiles."""
    low, middle, high = np.quantile(points, [0.25, 0.5, 0.75], axis=0)
    reach = np.stack([middle - low, high - middle])
    ax.errorbar(middle[:1], middle[1:], xerr=reach[:, :1], yerr=reach[:, 1:], fmt="s",
                markersize=3, color=hue, elinewidth=0.6)  # fmt: skip


def skill_maps(places: xr.Dataset, over: str, held_out: str) -> Figure:
    """Draw r2 and relative error of every place, a row of maps for each product.

    Parameters
    ----------
    places : xr.Dataset, (metric, lat, lon) [1]
        Of ``skill_over_months`` or ``skill_over_blocks``.
    over : str
        What the metrics of a place are taken over.
    held_out : str
        How the emulator was kept from what it emulates.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If no product has a place with enough pairs.
    """
    names = [n for n in PLACED if n in places and bool(places[n].notnull().any())]
    if not names:
        raise MissingVariableError(f"places: expected some of {list(PLACED)}, got none; add them")
    with style():
        figure = new_figure(9.0, 2.3 * len(names) + 0.5)
        rows = figure.subplots(len(names), len(TITLES), squeeze=False)
        for name, row in zip(names, rows, strict=True):
            for (metric, title), ax in zip(TITLES.items(), row, strict=True):
                field = places[name].sel(metric=metric, drop=True)
                # an error over a mean below zero says nothing, least of all that it is small
                field = field.clip(min=0.0) if metric == "r2" else field.where(field >= 0.0)
                mesh = draw_globe(ax, field.transpose("lat", "lon"))
                figure.colorbar(mesh, ax=ax, label=axis_label(LABELS[metric], "1"))
                n = int(field.notnull().sum())
                ax.set_title(f"{name}: {title}, n = {n:,} cells")
        figure.suptitle(f"Skill of the emulation over the {over}; {held_out}")
    return figure


def error_maps(pairs: xr.Dataset, *, held_out: str) -> Figure:
    """Draw emulated minus observed of fluxes and stocks on maps.

    Parameters
    ----------
    pairs : xr.Dataset, (source, lat, lon)
        Of ``cross_emulate``, one member.
    held_out : str
        What was held out, for the title.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If no mapped product has a cell.
    """
    there = [n for n in MAPPED if n in pairs and bool(pairs[n].notnull().any())]
    errors = {
        f"error of {name}": (
            pairs[name].sel(source="emulated", drop=True)
            - pairs[name].sel(source="observed", drop=True)
        ).assign_attrs(units=pairs[name].attrs["units"])
        for name in there
    }
    figure = map_panels(xr.Dataset(errors))
    cells = max(int(field.notnull().sum()) for field in errors.values())
    figure.suptitle(f"Emulated minus models: {held_out}, n = {cells:,} cells", fontsize=9)
    return figure
