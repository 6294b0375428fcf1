"""Figures of validation: towers against models, skill by group, and the price of an easy split."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

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
from uflux_stats.schema import FLUXES, variable
from uflux_stats.stats.metrics import score

STEPS: Final = ("baseline", "refined")
SPLIT_NAMES: Final[dict[str, str]] = {
    "random": "random site-months held out",
    "tower": "whole towers held out",
    "igbp": "whole land cover classes held out",
    "koppen": "whole climate classes held out",
    "blocks": "whole regions held out",
}
"""What each split holds out, in words."""
_METRICS: Final = {"r2": "r$^2$ (1 - SSE/SST) [1]"}
_BEHIND: Final = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0}


def validation_scatter(pairs: pd.DataFrame, *, split: str) -> Figure:
    """Draw modelled against observed fluxes, one panel each, with their statistics inside.

    Parameters
    ----------
    pairs : pd.DataFrame
        One row per flux, tower and month: ``flux`` (name), ``site``, and ``observed``,
        ``baseline``, ``refined`` in the flux's unit; rows with a missing value are left out.
    split : str
        How the refined values were held out, a key of ``SPLIT_NAMES``.

    Returns
    -------
    Figure
        Panels GPP, RECO, NEE, LE, as far as they are in ``pairs``.

    Raises
    ------
    MissingVariableError
        If a column is missing or no row is whole.
    """
    whole = _whole_rows(pairs, ("flux", "site", "observed", *STEPS), name="pairs")
    names = [flux for flux in FLUXES if flux in set(whole["flux"])]
    with style():
        figure = new_figure(6.8, 3.3 * ((len(names) + 1) // 2) + 0.4)
        axes = figure.subplots((len(names) + 1) // 2, 2, squeeze=False).ravel()
        for flux, ax in zip(names, axes, strict=False):
            _scatter_panel(ax, whole[whole["flux"] == flux], flux)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        figure.suptitle(f"Validation: {SPLIT_NAMES[split]}")
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, markerscale=4
        )
    return figure


def _scatter_panel(ax: Axes, rows: pd.DataFrame, flux: str) -> None:
    units = variable(flux).units
    values = rows[["observed", *STEPS]].to_numpy()
    low, high = float(values.min()), float(values.max())
    ends = np.array([low, high])
    ax.plot(ends, ends, color=GREY, linestyle=":", label="one to one")
    # above and below the cloud, which follows the line of one to one
    for step, corner in zip(STEPS, ("left", "right"), strict=True):
        ax.plot(
            rows["observed"], rows[step], ".", markersize=1.2, alpha=0.35,
            color=COLOURS[step], label=step, rasterized=True,
        )  # fmt: skip
        skill = _skill(rows, step, units)
        ax.plot(ends, skill["intercept_model_on_obs"] + skill["slope_model_on_obs"] * ends,
                color=COLOURS[step])  # fmt: skip
        text = _skill_text(step, skill, units)
        first = corner == "left"
        ax.text(0.02 if first else 0.98, 0.98 if first else 0.02, text, transform=ax.transAxes,
                ha=corner, va="top" if first else "bottom", color=COLOURS[step],
                bbox=_BEHIND)  # fmt: skip
    ax.set(
        xlim=(low, high), ylim=(low, high), aspect="equal", xlabel=axis_label("observed", units),
        ylabel=axis_label("modelled", units),
        title=f"{flux} (n = {len(rows):,} months, {rows['site'].nunique()} towers)",
    )  # fmt: skip


def _skill(rows: pd.DataFrame, step: str, units: str) -> dict[str, float]:
    observed, modelled = (
        xr.DataArray(rows[column].to_numpy(float), dims="pair", attrs={"units": units})
        for column in ("observed", step)
    )
    return {str(name): float(value) for name, value in score(observed, modelled).items()}


def _skill_text(step: str, skill: dict[str, float], units: str) -> str:
    rmse = f"RMSE {skill['rmse']:.2f} {math_units(units)}"
    return (
        f"{step}: r$^2$ {skill['r2']:.2f} (Pearson {skill['r2_pearson']:.2f})\n{rmse}\n"
        f"slope of model on obs. {skill['slope_model_on_obs']:.2f}"
    )


def skill_bars(skill: pd.DataFrame, *, split: str, metric: str = "r2") -> Figure:
    """Draw the skill of baseline and refined fluxes by group (land cover, climate, season, size).

    Parameters
    ----------
    skill : pd.DataFrame
        One row per flux, grouping, group and step: ``flux``, ``grouping`` (such as ``IGBP``),
        ``group`` (such as ``ENF``), ``step`` (baseline or refined), ``n`` and a column ``metric``.
        Groups are drawn in the order of their first row.
    split : str
        How the refined values were held out, a key of ``SPLIT_NAMES``.
    metric : str
        Column to draw; it has no unit.

    Returns
    -------
    Figure
        Columns are fluxes, rows groupings; n in brackets. Bars end at -1, their labels do not.

    Raises
    ------
    MissingVariableError
        If a column is missing or no row is whole.
    """
    whole = _whole_rows(skill, ("flux", "grouping", "group", "step", "n", metric), name="skill")
    fluxes = [flux for flux in FLUXES if flux in set(whole["flux"])]
    groupings = list(whole["grouping"].unique())
    with style():
        heights = [
            whole.loc[whole["grouping"] == name, "group"].nunique() + 1 for name in groupings
        ]
        figure = new_figure(2.0 * len(fluxes) + 0.2, 0.26 * sum(heights) + 1.2)
        panels = figure.subplots(
            len(groupings), len(fluxes), squeeze=False, sharex=True, height_ratios=heights
        )
        for grouping, row in zip(groupings, panels, strict=True):
            for flux, ax in zip(fluxes, row, strict=True):
                chosen = whole[(whole["flux"] == flux) & (whole["grouping"] == grouping)]
                _lying_bars(ax, chosen.assign(group=_with_n(chosen)), metric)
                ax.set_title(f"{flux} by {grouping}")
        for ax in panels[-1]:
            ax.set_xlabel(_METRICS.get(metric, metric), fontsize=7)
            ax.set_xlim(right=1.7)
        figure.suptitle(
            f"Validation: {SPLIT_NAMES[split]}; in brackets months, towers; bars end at -1"
        )
        _legend_below(figure, panels[0, 0], columns=2)
    return figure


def split_gap(skill: pd.DataFrame, *, metric: str = "r2") -> Figure:
    """Draw the refined skill under each split beside the other: what an easy split flatters.

    Parameters
    ----------
    skill : pd.DataFrame
        One row per flux, split and step: ``flux``, ``split``, ``step``, ``n`` and a column
        ``metric``; rows of the baseline give the line that refinement must beat.
    metric : str
        Column to draw; it has no unit.

    Returns
    -------
    Figure
        One group of bars per flux, one bar per split.

    Raises
    ------
    MissingVariableError
        If a column is missing or no row is whole.
    """
    whole = _whole_rows(skill, ("flux", "split", "step", "n", metric), name="skill")
    whole = whole.assign(group=whole["flux"] + " (" + _range_of_n(whole) + ")")
    refined = whole[whole["step"] == "refined"]
    splits = [split for split in SPLIT_NAMES if split in set(refined["split"])]
    with style():
        figure = new_figure(5.6, 3.4)
        ax = figure.subplots()
        groups = _bars(ax, refined, "split", splits, metric)
        _baseline_marks(ax, whole[whole["step"] == "baseline"], groups, splits, metric)
        ax.margins(y=0.1)
        ax.set_ylabel(_METRICS.get(metric, metric))
        ax.set_title("Refined skill by what was held out")
        _legend_below(figure, ax, columns=2, names=SPLIT_NAMES)
    return figure


def _lying_bars(ax: Axes, rows: pd.DataFrame, metric: str) -> None:
    """Draw a bar per group and step, with its value at its end, the first group on top."""
    groups = [str(group) for group in rows["group"].unique()]
    for index, step in enumerate(STEPS):
        chosen = rows[rows["step"] == step].drop_duplicates("group").set_index("group")[metric]
        values = chosen.reindex(groups).to_numpy(float)
        places = _places(len(groups), index, len(STEPS))
        ax.barh(places, values.clip(-1), 0.8 / len(STEPS), color=COLOURS[step], label=step)
        for place, value in zip(places, values, strict=True):
            # to the right of zero, where names of groups are not in the way
            ax.text(float(np.fmax(value, 0.0)), place, f" {_value(value)}", va="center", fontsize=6)
    ax.axvline(0, color=BLACK, linewidth=0.6)
    ax.set_yticks(range(len(groups)), groups, fontsize=6)
    ax.invert_yaxis()


def _bars(
    ax: Axes, rows: pd.DataFrame, column: str, series: Sequence[str], metric: str
) -> list[str]:
    """Draw one bar per group and series, with its value on it; return the groups."""
    groups = [str(group) for group in rows["group"].unique()]
    for index, name in enumerate(series):
        chosen = rows[rows[column] == name].drop_duplicates("group").set_index("group")[metric]
        heights = chosen.reindex(groups).to_numpy(float)
        places = _places(len(groups), index, len(series))
        bars = ax.bar(places, heights.clip(-1), 0.8 / len(series), color=COLOURS[name], label=name)
        ax.bar_label(bars, [_value(height) for height in heights], fontsize=5, padding=1)
    ax.axhline(0, color=BLACK, linewidth=0.6)
    ax.set_xticks(range(len(groups)), groups, fontsize=6)
    return groups


def _baseline_marks(
    ax: Axes, rows: pd.DataFrame, groups: list[str], splits: Sequence[str], metric: str
) -> None:
    for index, split in enumerate(splits):
        chosen = rows[rows["split"] == split].drop_duplicates("group").set_index("group")[metric]
        heights = chosen.reindex(groups).to_numpy(float).clip(-1)
        ax.plot(
            _places(len(groups), index, len(splits)), heights, "_", color=BLACK, markersize=14,
            label="baseline" if index == 0 else None,
        )  # fmt: skip


def _places(groups: int, index: int, series: int) -> NDArray[np.floating]:
    return np.arange(groups) + 0.8 * ((index + 0.5) / series - 0.5)


def _value(height: float) -> str:
    return "" if np.isnan(height) else f"{height:.2f}"


def _with_n(rows: pd.DataFrame) -> "pd.Series[str]":
    counts = [rows[name].astype(int).astype(str) for name in ("n", "n_towers") if name in rows]
    inside = counts[0] if len(counts) == 1 else counts[0] + ", " + counts[1]
    return rows["group"].astype(str) + " (" + inside + ")"


def _range_of_n(rows: pd.DataFrame) -> "pd.Series[str]":
    """Sample size of each flux as text, or its range where splits differ."""
    sizes = rows["n"].astype(int).groupby(rows["flux"]).agg(["min", "max"])
    texts = {
        flux: f"n = {low:,}" if low == high else f"n = {low:,} to {high:,}"
        for flux, low, high in sizes.itertuples()
    }
    return rows["flux"].map(texts)


def _legend_below(
    figure: Figure, ax: Axes, *, columns: int, names: dict[str, str] | None = None
) -> None:
    handles, labels = ax.get_legend_handles_labels()
    written = [(names or {}).get(label, label) for label in labels]
    figure.legend(handles, written, loc="outside lower center", ncols=columns)


def _whole_rows(table: pd.DataFrame, columns: Sequence[str], *, name: str) -> pd.DataFrame:
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise MissingVariableError(
            f"{name}: expected columns {lacking}, got {list(map(str, table.columns))}; add them"
        )
    whole = table.dropna(subset=list(columns))
    if whole.empty:
        raise MissingVariableError(f"{name}: expected a row without missing values, got none")
    return whole
