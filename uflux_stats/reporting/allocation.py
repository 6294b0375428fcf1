"""Figures of the emulated allocation: skill, divergence of the sink, stocks, biomass."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.stats.metrics import score

PRODUCTS: Final = ("NPP", "Ra", "Rh", "cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")
MARKERS: Final = {"p25": "v", "mean": "o", "p75": "^"}
"""In the order in which the points of a product are joined."""
ROUTES: Final = {
    "dgvm": "vegetation models",
    "hybrid": "models' allocation of upscaled fluxes",
    "direct": "upscaled directly",
    "difference": "upscaled GPP minus RECO",
}
_ROUTE_COLOURS: Final = dict(
    zip(ROUTES, (BLACK, COLOURS["tower"], COLOURS["baseline"], COLOURS["refined"]), strict=True)
)


def emulation_skill(metrics: Mapping[str, xr.Dataset]) -> Figure:
    """Draw r2 against nRMSE of every product, one panel per split; mean, p25 and p75 joined.

    Parameters
    ----------
    metrics : mapping of str to xr.Dataset, (member, variable)
        By name of the split, of ``emulation_metrics``.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If there is no split or no product in it.
    """
    if not metrics:
        raise MissingVariableError("metrics: expected at least one split, got none")
    with style():
        figure = new_figure(3.4 * len(metrics), 3.4)
        panels = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
        for ax, (split, table) in zip(panels, metrics.items(), strict=True):
            _skill_panel(ax, table, split)
        panels[0].set_ylabel("r$^2$ (1 - SSE/SST)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _skill_panel(ax: Axes, metrics: xr.Dataset, split: str) -> None:
    names = [name for name in PRODUCTS if name in metrics["variable"].values]
    if not names:
        raise MissingVariableError(
            f"metrics[{split!r}]: expected some of {list(PRODUCTS)}, got none; add products"
        )
    there = metrics["member"].values.tolist()
    joined = [member for member in MARKERS if member in there] or there[:1]
    for name in names:
        rows = metrics.sel(variable=name, member=joined)
        ax.plot(rows["nrmse_mean"], rows["r2"], color=GREY, linewidth=0.6)
        ends = rows.isel(member=len(joined) // 2)
        ax.annotate(
            name, (float(ends["nrmse_mean"]), float(ends["r2"])), xytext=(3, 3),
            textcoords="offset points", fontsize=6,
        )  # fmt: skip
    for member in metrics["member"].values:
        rows = metrics.sel(member=member, variable=names)
        ax.plot(rows["nrmse_mean"], rows["r2"], MARKERS.get(str(member), "."), markersize=4,
                label=str(member))  # fmt: skip
    ax.set(xlabel="RMSE / mean", title=split)


def sink_divergence(numbers: Mapping[str, Mapping[str, object]]) -> Figure:
    """Draw the net flux by four routes per region, and what makes the gap between them.

    Parameters
    ----------
    numbers : mapping
        Of ``divergence``.

    Returns
    -------
    Figure
        Above NEP with 90 % of the members, below the parts of "difference" minus "dgvm".

    Raises
    ------
    MissingVariableError
        If there is no number of the divergence.
    """
    regions = list(dict.fromkeys(k.split(".")[1] for k in numbers if k.startswith("divergence.")))
    if not regions:
        raise MissingVariableError("numbers: expected keys 'divergence.REGION...', got none")
    place = np.arange(len(regions))
    colours = (COLOURS["tower"], COLOURS["baseline"], COLOURS["random"])
    with style():
        figure = new_figure(7.2, 5.2)
        above, below = figure.subplots(2, 1, sharex=True)
        for shift, (route, label) in enumerate(ROUTES.items()):
            _route_bars(above, numbers, regions, (route, label, 0.2 * shift - 0.3))
        for shift, part in enumerate(("GPP", "Ra", "Rh")):
            heights = [_value(numbers, f"divergence.{r}.gap.{part}") for r in regions]
            across = place + 0.25 * shift - 0.25
            below.bar(across, heights, 0.22, label=f"from {part}", color=colours[shift])
        above.set_ylabel(axis_label("NEP", "PgC yr-1"))
        below.set_ylabel(axis_label("gap", "PgC yr-1"))
        below.set_xticks(place, regions, rotation=20)
        for ax in (above, below):
            ax.axhline(0, color=BLACK, linewidth=0.4)
            ax.legend(fontsize=6)
    return figure


def _route_bars(
    ax: Axes,
    numbers: Mapping[str, Mapping[str, object]],
    regions: list[str],
    bar: tuple[str, str, float],
) -> None:
    route, label, shift = bar
    keys = [f"divergence.{region}.NEP.{route}" for region in regions]
    middle = np.array([_value(numbers, key) for key in keys])
    low = np.array([_value(numbers, key, "low") for key in keys])
    high = np.array([_value(numbers, key, "high") for key in keys])
    reach = np.abs(np.stack([middle - low, high - middle]))
    ax.bar(
        np.arange(len(regions)) + shift, middle, 0.18, yerr=reach, label=label,
        color=_ROUTE_COLOURS[route], error_kw={"linewidth": 0.6, "ecolor": GREY},
    )  # fmt: skip


def _value(numbers: Mapping[str, Mapping[str, object]], key: str, field: str = "value") -> float:
    found = numbers.get(key, {}).get(field)
    return float(found) if isinstance(found, int | float) else float("nan")


def stock_change_figure(changes: pd.DataFrame) -> Figure:
    """Draw the yearly change of all pools beside NEP, and both accumulated.

    Parameters
    ----------
    changes : pandas.DataFrame
        ``year``, ``stock_change`` and ``NEP`` [PgC yr-1], of whole land.

    Returns
    -------
    Figure
        The imbalance (mean of change minus NEP) stands in the title.

    Raises
    ------
    MissingVariableError
        If a column is missing.
    """
    lacking = [name for name in ("year", "stock_change", "NEP") if name not in changes]
    if lacking:
        raise MissingVariableError(f"changes: expected year, stock_change, NEP; got no {lacking}")
    imbalance = float((changes["stock_change"] - changes["NEP"]).mean())
    with style():
        figure = new_figure(6.8, 2.8)
        yearly, summed = figure.subplots(1, 2)
        for name, label, colour in (
            ("stock_change", "change of stocks", COLOURS["refined"]),
            ("NEP", "NEP", COLOURS["baseline"]),
        ):
            yearly.plot(changes["year"], changes[name], color=colour, label=label)
            summed.plot(changes["year"], changes[name].cumsum(), color=colour)
        yearly.set(ylabel=axis_label("flux", "PgC yr-1"), xlabel="year")
        summed.set(ylabel=axis_label("accumulated", "PgC"), xlabel="year")
        yearly.legend()
        figure.suptitle(f"Imbalance {imbalance:.3f} PgC yr$^{{-1}}$")
    return figure


def biomass_comparison(maps: xr.Dataset) -> Figure:
    """Draw above-ground carbon against a map of it: density of cells, and the difference.

    Parameters
    ----------
    maps : xr.Dataset, (lat, lon) [MgC ha-1]
        ``observed``, ``modelled`` and ``difference``, of ``compare_biomass``.

    Returns
    -------
    Figure
        With one-to-one and regression line and scores.

    Raises
    ------
    MissingVariableError
        If a map is missing or no cell has both.
    """
    lacking = [name for name in ("observed", "modelled", "difference") if name not in maps]
    if lacking:
        raise MissingVariableError(
            f"maps: expected observed, modelled, difference; got no {lacking}"
        )
    known = maps["difference"].notnull().values
    if not known.any():
        raise MissingVariableError("maps: expected cells with both values, got none")
    skill = score(maps["observed"], maps["modelled"])
    observed, modelled = (maps[name].values[known] for name in ("observed", "modelled"))
    ends = np.array([0.0, max(observed.max(), modelled.max())])
    units = "MgC ha-1"
    with style():
        figure = new_figure(8.4, 3.2)
        scatter, chart = figure.subplots(1, 2, width_ratios=(1, 1.8))
        scatter.hexbin(observed, modelled, gridsize=40, bins="log", mincnt=1, cmap="viridis")
        scatter.plot(ends, ends, color=GREY, linestyle=":")
        line = float(skill["intercept_model_on_obs"]) + float(skill["slope_model_on_obs"]) * ends
        scatter.plot(ends, line, color=COLOURS["koppen"])
        scatter.set(
            xlabel=axis_label("observed", units), ylabel=axis_label("emulated", units),
            title=f"r$^2$ {float(skill['r2']):.2f}, RMSE {float(skill['rmse']):.1f}, "
                  f"slope {float(skill['slope_model_on_obs']):.2f}",
        )  # fmt: skip
        reach = float(np.nanpercentile(np.abs(maps["difference"]), 99)) or 1.0
        field = maps["difference"].transpose("lat", "lon")
        mesh = chart.pcolormesh(
            field["lon"], field["lat"], field, shading="nearest", cmap="PuOr", vmin=-reach,
            vmax=reach, rasterized=True,
        )  # fmt: skip
        chart.set(
            xlabel=axis_label("longitude", "degrees"), ylabel=axis_label("latitude", "degrees")
        )
        figure.colorbar(mesh, ax=chart, label=axis_label("emulated minus observed", units))
    return figure
