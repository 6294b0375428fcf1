"""Figures of how well the allocation is emulated: scatter, the gap between splits, errors."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import (
    BLACK,
    COLOURS,
    GREY,
    axis_label,
    math_units,
    new_figure,
    style,
)
from uflux_stats.stats.metrics import score

PRODUCTS: Final = ("NPP", "Ra", "Rh", "cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
ACROSS: Final = 3
CELLS: Final = 50
"""Hexagons along an axis of a scatter panel."""


def emulation_scatter(pairs: xr.Dataset, *, held_out: str) -> Figure:
    """Draw emulated against observed products, one panel each, with their statistics inside.

    Parameters
    ----------
    pairs : xr.Dataset, (source, lat, lon)
        Of ``cross_emulate``, one member: "observed" and "emulated".
    held_out : str
        What was held out, for the title.

    Returns
    -------
    Figure
        Density of cells, one-to-one and regression line; axes end at the 99.8th percentile.

    Raises
    ------
    MissingVariableError
        If no product has a cell.
    """
    names = [n for n in PRODUCTS if n in pairs and bool(pairs[n].notnull().any())]
    if not names:
        raise MissingVariableError(f"pairs: expected some of {list(PRODUCTS)}, got none; add them")
    rows = -(-len(names) // ACROSS)
    with style():
        figure = new_figure(7.2, 2.5 * rows + 0.6)
        panels = figure.subplots(rows, ACROSS, squeeze=False).ravel()
        for ax, name in zip(panels, names, strict=False):
            _density(ax, pairs[name])
        for ax in panels[len(names) :]:
            ax.set_visible(False)
        figure.suptitle(
            f"Emulated against the mean of the vegetation models: {held_out}\n"
            "GPP of the models is given (for Rh also RECO); pools follow from emulated NPP",
            fontsize=8,
        )
    return figure


def _density(ax: Axes, pair: xr.DataArray) -> None:
    observed, emulated = (pair.sel(source=s, drop=True) for s in ("observed", "emulated"))
    units = str(pair.attrs["units"])
    draw_density(ax, observed, emulated, units)
    ax.set(
        xlabel=axis_label("models", units), ylabel=axis_label("emulated", units),
        title=f"{pair.name} (n = {int(score(observed, emulated)['n']):,} cells)",
    )  # fmt: skip


def draw_density(ax: Axes, observed: xr.DataArray, modelled: xr.DataArray, units: str) -> None:
    """Draw the density of pairs, the one-to-one and the regression line, and the scores.

    Parameters
    ----------
    ax : Axes
    observed, modelled : xr.DataArray, same dims [units]
    units : str
    """
    skill = score(observed, modelled)
    known = (observed.notnull() & modelled.notnull()).values
    x, y = observed.values[known], modelled.values[known]
    low = min(0.0, *(float(np.quantile(v, 0.002)) for v in (x, y)))
    high = max(float(np.quantile(v, 0.998)) for v in (x, y))
    high = high if high > low else low + 1.0
    ends = np.array([low, high])
    ax.hexbin(x, y, gridsize=CELLS, extent=(low, high, low, high), bins="log", mincnt=1,
              cmap="viridis", linewidths=0.1)  # fmt: skip
    ax.plot(ends, ends, color=GREY, linestyle=":")
    slope, intercept = (float(skill[f"{part}_model_on_obs"]) for part in ("slope", "intercept"))
    ax.plot(ends, intercept + slope * ends, color=COLOURS["koppen"])
    text = (
        f"r$^2$ {float(skill['r2']):.3f}\nRMSE {_short(float(skill['rmse']))} {math_units(units)}\n"
        f"slope {slope:.2f}\nintercept {_short(intercept)}\n"
        f"RMSE / mean {float(skill['nrmse_mean']):.2f}"
    )
    ax.text(0.98, 0.02, text, transform=ax.transAxes, ha="right", va="bottom", fontsize=6,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1})  # fmt: skip
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))


def _short(value: float) -> str:
    """Round for a figure, without powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def emulation_gap(table: pd.DataFrame) -> Figure:
    """Draw r2 of parameters and products under the random and the spatial split.

    Parameters
    ----------
    table : pandas.DataFrame
        ``split``, ``variable``, ``kind``, ``r2``, ``n``, of the mean over models and all cells.

    Returns
    -------
    Figure
        Their difference is what validating on neighbours of the teaching cells adds.

    Raises
    ------
    MissingVariableError
        If one of the two splits is missing.
    """
    wide = table.pivot_table(index="variable", columns="split", values="r2", sort=False)
    lacking = [split for split in ("random", "blocks") if split not in wide]
    if lacking:
        raise MissingVariableError(f"table: expected random and blocks, got no {lacking}; add them")
    place = np.arange(len(wide))
    with style():
        figure = new_figure(7.0, 3.0)
        ax = figure.subplots()
        for shift, (split, label) in enumerate(
            {"random": "random cells held out", "blocks": "blocks of 10 degrees held out"}.items()
        ):
            ax.bar(place + 0.4 * shift - 0.2, wide[split].clip(lower=-0.05), 0.38, label=label,
                   color=COLOURS[split])  # fmt: skip
        for at, (random, blocks) in enumerate(wide[["random", "blocks"]].to_numpy()):
            ax.annotate(f"{blocks - random:+.3f}", (at, max(random, blocks, 0)),
                        ha="center", va="bottom", fontsize=6)  # fmt: skip
        first = int((table.drop_duplicates("variable")["kind"] == "parameter").sum())
        ax.axvline(first - 0.5, color=GREY, linewidth=0.6)
        sizes = table.groupby("variable")["n"].max()
        labels = [f"{_plain(str(name))}\nn = {int(sizes[name]):,}" for name in wide.index]
        ax.set_xticks(place, labels, rotation=40, ha="right", fontsize=6)
        ax.set(ylabel="r$^2$ (1 - SSE/SST)", ylim=(min(0.0, float(wide.min().min())), 1.12))
        ax.axhline(0, color=BLACK, linewidth=0.4)
        ax.set_title("Parameters (left) and products given GPP (right); above: blocks minus random")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _plain(name: str) -> str:
    """Return a name as a reader writes it, such as leaf share of LEAF_SHARE."""
    return name.lower().replace("_", " ") if "_" in name else name
