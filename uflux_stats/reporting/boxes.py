"""Boxes of yearly totals per continent, coloured by the trend that is significant in them."""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from uflux_stats.checks import require_dims
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import BLACK, axis_label, new_figure, style
from uflux_stats.reporting.wording import flux_name
from uflux_stats.stats.trend import trend_of_totals

RISE: Final = "#0072B2"
FALL: Final = "#D55E00"
NO_TREND: Final = "#BBBBBB"
COLUMNS: Final = 3


def regional_boxes(yearly: xr.Dataset, *, method: str = "ols_ar1", level: float = 0.05) -> Figure:
    """Draw the distribution of yearly totals of each variable in each region.

    Parameters
    ----------
    yearly : xr.Dataset, (region, year), with ``member`` or without [PgC yr-1, PgC or W m-2]
        Totals, such as from ``total(flux, by="continent")``; one panel per variable. Of members,
        the boxes hold their mean, and the trend their spread.
    method : str
        Trend method, as in ``trend``.
    level : float
        A trend counts as significant below this p.

    Returns
    -------
    Figure
        Boxes are blue where the trend rises, red where it falls, and grey where it is not
        significant; its slope stands above them.

    Raises
    ------
    DimensionError
        If ``region`` or ``year`` is missing.
    MissingVariableError
        If there is no variable.
    CalendarError
        If there are fewer than four years.
    """
    names = [str(name) for name in yearly.data_vars]
    if not names:
        raise MissingVariableError("yearly: expected at least one variable, got none; add totals")
    for name in names:
        require_dims(yearly[name], ("region", "year"), name=f"yearly.{name}")
    rows = -(-len(names) // COLUMNS)
    with style():
        figure = new_figure(2.9 * min(len(names), COLUMNS), 2.6 * rows + 0.4)
        axes = figure.subplots(rows, min(len(names), COLUMNS), squeeze=False).ravel()
        for name, ax in zip(names, axes, strict=False):
            _panel(ax, yearly[name], method, level)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        figure.legend(
            [Patch(color=RISE), Patch(color=FALL), Patch(color=NO_TREND)],
            ["rising", "falling", f"no trend at p < {level:g}"],
            loc="outside lower center", ncols=3,
        )  # fmt: skip
    return figure


def trend_colour(slope: float, p: float, level: float) -> str:
    """Return the colour of a box.

    Examples
    --------
    >>> trend_colour(0.1, 0.01, 0.05) == RISE, trend_colour(0.1, 0.2, 0.05) == NO_TREND
    (True, True)
    """
    if not p < level:
        return NO_TREND
    return RISE if slope > 0 else FALL


def _panel(ax: Axes, yearly: xr.DataArray, method: str, level: float) -> None:
    found = trend_of_totals(yearly, method=method).data
    if "member" in yearly.dims:
        yearly = yearly.mean("member", keep_attrs=True)
    regions = [str(region) for region in yearly["region"].values]
    for place, region in enumerate(yearly["region"].values):
        values = yearly.sel(region=region).dropna("year").values
        slope, p = (float(found[name].sel(region=region)) for name in ("slope", "p"))
        if not values.size:
            continue
        # edges and whiskers as well: a box of a large flux is too flat to show its colour
        colour = trend_colour(slope, p, level)
        ax.boxplot(
            [values], positions=[place], widths=0.6, patch_artist=True,
            boxprops={"facecolor": colour, "edgecolor": colour},
            whiskerprops={"color": colour}, capprops={"color": colour},
            medianprops={"color": BLACK, "linewidth": 0.8},
            flierprops={"markersize": 2, "markeredgecolor": colour},
        )  # fmt: skip
        if p < level:
            ax.annotate(
                f"{slope:+.2g}", (place, float(np.max(values))), ha="center", va="bottom",
                fontsize=6, xytext=(0, 2), textcoords="offset points",
            )  # fmt: skip
    ax.set_xticks(range(len(regions)), regions, rotation=45, ha="right")
    ax.set_ylabel(axis_label(flux_name(str(yearly.name)), str(yearly.attrs.get("units", "1"))))
    ax.set_title(flux_name(str(yearly.name)))
    ax.margins(y=0.12)
