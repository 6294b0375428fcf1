"""Yearly series of several sources, with the band of their members and their trends."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from uflux_stats.checks import require_dims
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import axis_label, math_units, new_figure, style
from uflux_stats.reporting.wording import flux_name, interval_decimals
from uflux_stats.stats.trend import trend_of_totals

# Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/
LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
COLUMNS: Final = 2
_TICKS: Final = 5
"""Most steps between the years that are written."""
_LINE: Final = 0.12
"""Height of a line of the legend, as a share of the panel."""


def yearly_series(
    sources: Mapping[str, xr.Dataset],
    *,
    member: str = "member",
    confidence: float = 0.9,
    level: float = 0.05,
) -> Figure:
    """Draw yearly totals, one panel per variable and one line per source.

    Parameters
    ----------
    sources : mapping of name to xr.Dataset, (year) or (member, year) [PgC yr-1, PgC or W m-2]
        Totals by source, such as the hybrid product and the vegetation models. A variable need not
        be in all.
    member : str
        The dimension of an ensemble: the line is its mean, the band holds ``confidence`` of it.
    confidence : float
        Share of the members within the band.
    level : float
        A trend with p below this is marked by a star; its interval holds ``confidence``.

    Returns
    -------
    Figure
        The legend of each panel gives the trend of each source.

    Raises
    ------
    MissingVariableError
        If no source has a variable.
    DimensionError
        If ``year`` is missing.
    """
    names = list(dict.fromkeys(str(name) for data in sources.values() for name in data.data_vars))
    if not names:
        raise MissingVariableError("sources: expected at least one variable, got none; add totals")
    rows, columns = -(-len(names) // COLUMNS), min(len(names), COLUMNS)
    with style():
        figure = new_figure(3.6 * columns, 2.5 * rows)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for name, ax in zip(names, axes, strict=False):
            for colour, (source, data) in zip(LINES, sources.items(), strict=False):
                if name in data:
                    text = f"{source} {_trend_text(data[name], member, confidence, level)}"
                    look = {"color": colour, "label": text}
                    _line(ax, data[name], member, confidence, look)
            ax.set_title(flux_name(name))
            _legend(ax, sum(name in data for data in sources.values()))
            ax.set_xlabel("year")
            ax.xaxis.set_major_locator(MaxNLocator(_TICKS, integer=True))
        for ax in axes[len(names) :]:
            ax.set_visible(False)
    return figure


def _legend(ax: Axes, lines: int) -> None:
    """Put the legend above the lines, with room of its own."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + _LINE * lines * (high - low))
    ax.legend(fontsize=6, loc="upper left")


def _line(
    ax: Axes, values: xr.DataArray, member: str, confidence: float, look: dict[str, str]
) -> None:
    require_dims(values, ["year"], name=str(values.name))
    years = values["year"].values
    if member in values.dims:
        tails = ((1 - confidence) / 2, (1 + confidence) / 2)
        low, high = (values.quantile(tail, member).values for tail in tails)
        ax.fill_between(years, low, high, color=look["color"], alpha=0.2, linewidth=0)
        values = values.mean(member, keep_attrs=True)
    ax.plot(years, values.values, color=look["color"], label=look["label"])
    ax.set_ylabel(axis_label(flux_name(str(values.name)), str(values.attrs.get("units", "1"))))


def _trend_text(values: xr.DataArray, member: str, confidence: float, level: float) -> str:
    """Slope with its interval as text, or why there is none."""
    if values.sizes["year"] < 4:
        return "(fewer than four years)"
    found = trend_of_totals(values, member=member, confidence=confidence)
    slope, low, high, p = (float(found[name]) for name in ("slope", "low", "high", "p"))
    if np.isnan(slope):
        return "(no trend)"
    star = "*" if p < level else ""
    unit = math_units(found["slope"].attrs["units"])
    decimals = interval_decimals(low, high)
    digits = 2 if decimals is None else decimals
    return f"{slope:+.{digits}f}{star} ({low:+.{digits}f} to {high:+.{digits}f}) {unit}"
