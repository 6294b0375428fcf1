"""Figures of the emulated allocation: divergence of the sink and change of stocks."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from uflux_stats.reporting.wording import ROUTES

_ROUTE_BARS: Final = tuple(
    (f"NEP.{route}", label, colour)
    for (route, label), colour in zip(
        ROUTES.items(),
        (BLACK, COLOURS["tower"], COLOURS["baseline"], COLOURS["refined"]),
        strict=True,
    )
)
_PART_COLOURS: Final = (COLOURS["tower"], COLOURS["baseline"], COLOURS["random"])
_GAP_BARS: Final = tuple(
    (f"gap.{part}", f"from {part}", colour)
    for part, colour in zip(("GPP", "Ra", "Rh"), _PART_COLOURS, strict=True)
)
_TREND_BARS: Final = tuple(
    (f"trend.{flux}", flux, colour)
    for flux, colour in zip(("GPP", "RECO"), _PART_COLOURS, strict=False)
)
_FIRST: Final = ("global", "tropics")
"""Regions that stand before the continents."""
WAYS: Final = {"integrated": "pools integrated from fluxes", "ratio": "pools by the paper's ratio"}
_PER_YEAR: Final = math_units("PgC yr-1")
_WAY_COLOURS: Final = (COLOURS["refined"], COLOURS["baseline"])


def sink_divergence(numbers: Mapping[str, Mapping[str, object]]) -> Figure:
    """Draw the net flux by four routes per region, and what makes the gap between them.

    Parameters
    ----------
    numbers : mapping
        Of ``divergence``.

    Returns
    -------
    Figure
        Above NEP with 90 % of the members, then the parts of "difference" minus "dgvm", below the
        trends of upscaled GPP and RECO with their 90 % intervals, if there are years enough.

    Raises
    ------
    MissingVariableError
        If there is no number of the divergence.
    """
    there = dict.fromkeys(k.split(".")[1] for k in numbers if k.startswith("divergence."))
    regions = [*(r for r in _FIRST if r in there), *(r for r in there if r not in _FIRST)]
    if not regions:
        raise MissingVariableError("numbers: expected keys 'divergence.REGION...', got none")
    panels = [(_ROUTE_BARS, "NEP", "PgC yr-1"), (_GAP_BARS, "gap", "PgC yr-1")]
    if any(np.isfinite(_value(numbers, f"divergence.{r}.trend.GPP")) for r in regions):
        panels.append((_TREND_BARS, "trend", "PgC yr-2"))
    with style():
        figure = new_figure(7.2, 2.5 * len(panels))
        axes = figure.subplots(len(panels), 1, sharex=True)
        for ax, (bars, what, units) in zip(axes, panels, strict=True):
            for place, bar in enumerate(bars):
                middle = 0.8 * ((place + 0.5) / len(bars) - 0.5)
                _draw_bars(ax, numbers, regions, bar, (middle, 0.72 / len(bars)))
            ax.set_ylabel(axis_label(what, units))
            ax.axhline(0, color=BLACK, linewidth=0.4)
            ax.legend(fontsize=6)
        axes[-1].set_xticks(np.arange(len(regions)), regions, rotation=20)
    return figure


def _draw_bars(
    ax: Axes,
    numbers: Mapping[str, Mapping[str, object]],
    regions: list[str],
    bar: tuple[str, str, str],
    across: tuple[float, float],
) -> None:
    """Draw one number of every region with its interval, at a shift and of a width."""
    suffix, label, colour = bar
    shift, width = across
    keys = [f"divergence.{region}.{suffix}" for region in regions]
    middle = np.array([_value(numbers, key) for key in keys])
    low = np.array([_value(numbers, key, "low") for key in keys])
    high = np.array([_value(numbers, key, "high") for key in keys])
    # the mean of a skewed ensemble can lie beyond its interval
    reach = np.maximum(np.stack([middle - low, high - middle]), 0.0)
    ax.bar(
        np.arange(len(regions)) + shift, middle, width, yerr=reach, label=label, color=colour,
        error_kw={"linewidth": 0.6, "ecolor": GREY},
    )  # fmt: skip


def _value(numbers: Mapping[str, Mapping[str, object]], key: str, field: str = "value") -> float:
    found = numbers.get(key, {}).get(field)
    return float(found) if isinstance(found, int | float) else float("nan")


def stock_change_figure(changes: pd.DataFrame) -> Figure:
    """Draw the yearly change of all pools beside NEP, and both accumulated.

    Parameters
    ----------
    changes : pandas.DataFrame
        ``way`` (how the pools were made), ``year``, ``stock_change`` and ``NEP`` [PgC yr-1], of
        whole land.

    Returns
    -------
    Figure
        The imbalance of each way (mean of change minus NEP) stands beside its name.

    Raises
    ------
    MissingVariableError
        If a column is missing.
    """
    lacking = [name for name in ("way", "year", "stock_change", "NEP") if name not in changes]
    if lacking:
        raise MissingVariableError(
            f"changes: expected way, year, stock_change, NEP; got no {lacking}"
        )
    with style():
        figure = new_figure(6.8, 3.5)
        yearly, summed = figure.subplots(1, 2)
        for (way, rows), colour in zip(
            changes.groupby("way", sort=False), _WAY_COLOURS, strict=False
        ):
            imbalance = float((rows["stock_change"] - rows["NEP"]).mean())
            words = WAYS.get(str(way), str(way))
            label = f"change of stocks, {words}: mean less NEP {imbalance:.2f} {_PER_YEAR}"
            _series(yearly, summed, rows["year"], rows["stock_change"], (label, colour, "-"))
        first = changes[changes["way"] == changes["way"].iloc[0]]
        _series(yearly, summed, first["year"], first["NEP"], ("NEP", BLACK, ":"))
        yearly.set(ylabel=axis_label("flux", "PgC yr-1"), xlabel="year")
        summed.set(ylabel=axis_label("accumulated", "PgC"), xlabel="year")
        figure.legend(*yearly.get_legend_handles_labels(), loc="outside lower center", ncols=1)
    return figure


def _series(
    yearly: Axes, summed: Axes, years: pd.Series, values: pd.Series, line: tuple[str, str, str]
) -> None:
    """Draw a series and its sum."""
    label, colour, stroke = line
    yearly.plot(years, values, color=colour, linestyle=stroke, label=label)
    summed.plot(years, values.cumsum(), color=colour, linestyle=stroke)
