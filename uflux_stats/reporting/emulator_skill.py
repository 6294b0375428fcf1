"""Figures of how well the allocation is emulated: scatter, skill by split, their gap, errors."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.map_panels import map_panels
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
MAPPED: Final = ("NPP", "cVeg", "cSoil")
MARKERS: Final = {"p25": "v", "mean": "o", "p75": "^"}
"""In the order in which the points of a product are joined."""
LABEL_AT: Final = {"NPP": (5, 3), "Ra": (5, -7), "Rh": (-9, -9)}
"""Where the names of products stand that lie close together [points]."""
ACROSS: Final = 3
WORDS_ACROSS: Final = 36
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


def _short(value: float) -> str:
    """Round for a figure, without powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def emulation_skill(table: pd.DataFrame, words: Mapping[str, str]) -> Figure:
    """Draw r2 against nRMSE of every product, one panel per split; mean, p25 and p75 joined.

    Parameters
    ----------
    table : pandas.DataFrame
        ``split``, ``member``, ``variable``, ``r2``, ``nrmse``, of all cells together.
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
            ax.set_title("\n".join(wrap(words.get(split, split), WORDS_ACROSS)), fontsize=7)
        for ax in panels[len(splits) :]:
            ax.set_visible(False)
        panels[0].set_ylabel("r$^2$ (1 - SSE/SST)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _skill_panel(ax: Axes, rows: pd.DataFrame) -> None:
    """Points of one split; models left out are drawn as their median and spread."""
    statistics = bool(rows["member"].isin(list(MARKERS)).all())
    for name in (n for n in PRODUCTS if n in set(rows["variable"])):
        own = rows[rows["variable"] == name].set_index("member")[["nrmse", "r2"]]
        if statistics:
            own = own.loc[[member for member in MARKERS if member in own.index]]
            ax.plot(own["nrmse"], own["r2"], color=GREY, linewidth=0.6)
            at = own.loc["mean" if "mean" in own.index else own.index[0]].to_numpy(dtype=float)
        else:
            at = _spread(ax, own.to_numpy(dtype=float))
        ax.annotate(name, (at[0], at[1]), xytext=LABEL_AT.get(name, (3, 3)),
                    textcoords="offset points", fontsize=6)  # fmt: skip
    for member, marker in MARKERS.items():
        own = rows[rows["member"] == member]
        if statistics and len(own):
            ax.plot(own["nrmse"], own["r2"], marker, markersize=4, label=member)
    ax.set_xlabel("RMSE / mean" if statistics else "RMSE / mean, median and\nquartiles of models")


def _spread(ax: Axes, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw the median of points (model, 2) with their quartiles, and return it."""
    low, middle, high = np.quantile(points, [0.25, 0.5, 0.75], axis=0)
    reach = np.stack([middle - low, high - middle])
    ax.errorbar(middle[:1], middle[1:], xerr=reach[:, :1], yerr=reach[:, 1:], fmt="s",
                markersize=3, color=BLACK, elinewidth=0.4)  # fmt: skip
    found: NDArray[np.float64] = middle
    return found


def emulation_gap(table: pd.DataFrame) -> Figure:
    """Draw r2 of parameters and products under the random and the spatial split.

    Parameters
    ----------
    table : pandas.DataFrame
        ``split``, ``variable``, ``kind``, ``r2``, of the mean over models and all cells.

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
        ax.set_xticks(place, wide.index, rotation=40, ha="right")
        ax.set(ylabel="r$^2$ (1 - SSE/SST)", ylim=(min(0.0, float(wide.min().min())), 1.12))
        ax.axhline(0, color=BLACK, linewidth=0.4)
        ax.set_title("Parameters (left) and products given GPP (right); above: blocks minus random")
        figure.legend(loc="outside lower center", ncols=2)
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
    figure.suptitle(f"Emulated minus models: {held_out}")
    return figure
