"""Figures of the comparison with observations: respiration, maps of stocks, the land sink."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.emulator_skill import draw_density
from uflux_stats.reporting.map_panels import map_panels
from uflux_stats.reporting.maps import draw_cells
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style

COUNTERPART: Final = {"Rh": "emulated Rh", "Rs": "emulated RECO (upper bound of Rs)"}
RESPIRATION: Final = "gC m-2 yr-1"
MAPS: Final = ("observed", "modelled", "difference")
LEAST_BIOMASS: Final = 1.0
"""Observed carbon [MgC ha-1] below which a relative difference says nothing."""


def respiration_scatter(pairs: pd.DataFrame) -> Figure:
    """Draw emulated against measured annual soil respiration, one panel per kind.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Of ``soil_respiration_pairs``.

    Returns
    -------
    Figure
        Density of cells, with n and scores.

    Raises
    ------
    MissingVariableError
        If there is no pair.
    """
    kinds = [kind for kind in COUNTERPART if kind in set(pairs["kind"])]
    if not kinds:
        raise MissingVariableError("pairs: expected Rh or Rs, got no row; are they on the grid?")
    with style():
        figure = new_figure(3.5 * len(kinds), 3.6)
        panels = figure.subplots(1, len(kinds), squeeze=False)[0]
        for ax, kind in zip(panels, kinds, strict=True):
            rows = pairs[pairs["kind"] == kind]
            observed, modelled = (
                xr.DataArray(rows[name].to_numpy(float), dims="cell", attrs={"units": RESPIRATION})
                for name in ("observed", "modelled")
            )
            draw_density(ax, observed, modelled, RESPIRATION)
            ax.set(xlabel=axis_label(f"measured {kind}", RESPIRATION),
                   ylabel=axis_label(COUNTERPART[kind], RESPIRATION),
                   title=f"{kind}: n = {len(rows):,} cells, {rows['n'].sum():,} rows")  # fmt: skip
    return figure


def map_comparison(
    maps: xr.Dataset, *, title: str, names: tuple[str, str] = ("observed", "emulated")
) -> Figure:
    """Draw a map against observations: density of cells, and the difference on a map.

    Parameters
    ----------
    maps : xr.Dataset, (lat, lon) [any unit]
        ``observed``, ``modelled`` and ``difference``.
    title : str
    names : (str, str)
        What the two are called on the axes.

    Returns
    -------
    Figure
        With one-to-one and regression line and scores.

    Raises
    ------
    MissingVariableError
        If a map is missing or no cell has both.
    """
    lacking = [name for name in MAPS if name not in maps]
    if lacking:
        raise MissingVariableError(f"maps: expected {', '.join(MAPS)}; got no {lacking}")
    if not bool(maps["difference"].notnull().any()):
        raise MissingVariableError("maps: expected cells with both values, got none")
    units = str(maps["observed"].attrs["units"])
    cells = int(maps["difference"].notnull().sum())
    with style():
        figure = new_figure(9.0, 3.4)
        scatter, chart = figure.subplots(1, 2, width_ratios=(1, 1.9))
        draw_density(scatter, maps["observed"], maps["modelled"], units)
        scatter.set(xlabel=axis_label(names[0], units), ylabel=axis_label(names[1], units),
                    title=f"n = {cells:,} cells")  # fmt: skip
        label = axis_label(f"{names[1]} - {names[0]}", units)
        _difference(figure, chart, maps["difference"], label)
        figure.suptitle(title)
    return figure


def relative_maps(maps: Mapping[str, xr.Dataset]) -> Figure:
    """Draw how far several maps are from observations, in percent of what was observed.

    Parameters
    ----------
    maps : mapping of str to xr.Dataset, (lat, lon) [MgC ha-1]
        ``observed`` and ``difference`` of each, by what it is, such as quartiles of an ensemble.

    Returns
    -------
    Figure
        A row of panels for each, where more than 1 MgC ha-1 was observed.

    Raises
    ------
    MissingVariableError
        If there is no map, or none has a cell with so much.
    """
    relative = {
        name: (100 * one["difference"] / one["observed"].where(one["observed"] > LEAST_BIOMASS))
        .assign_attrs(units="%")
        for name, one in maps.items()
    }  # fmt: skip
    return map_panels(xr.Dataset(relative))


def _difference(figure: Figure, ax: Axes, field: xr.DataArray, label: str) -> None:
    mesh = draw_cells(ax, field.transpose("lat", "lon"))
    known = field.notnull()
    ends = [field[axis].values[known.any(other).values]
            for axis, other in (("lon", "lat"), ("lat", "lon"))]  # fmt: skip
    ax.set(
        xlim=(ends[0].min() - 2, ends[0].max() + 2), ylim=(ends[1].min() - 2, ends[1].max() + 2),
        xlabel=axis_label("longitude", "degrees"), ylabel=axis_label("latitude", "degrees"),
    )  # fmt: skip
    figure.colorbar(mesh, ax=ax, label=label, extend="both")


def sink_series(budget: xr.Dataset, years: pd.DataFrame, *, period: str = "") -> Figure:
    """Draw the yearly net flux beside the land sink of the Global Carbon Budget.

    Parameters
    ----------
    budget : xr.Dataset
        ``S_LAND`` (model, year) [PgC yr-1].
    years : pandas.DataFrame
        Of ``compare_land_sink``.
    period : str
        What a reader must know of the years of NEP.

    Returns
    -------
    Figure
        Mean and 5th to 95th percentile of the models, and emulated NEP.
    """
    sink = budget["S_LAND"]
    low, high = (sink.quantile(q, "model") for q in (0.05, 0.95))
    with style():
        figure = new_figure(6.8, 3.0)
        ax = figure.subplots()
        ax.fill_between(sink["year"], low, high, color=GREY, alpha=0.3, linewidth=0)
        ax.plot(sink["year"], sink.mean("model"), color=BLACK,
                label=f"S_LAND, mean and 90 % of {sink.sizes['model']} models")  # fmt: skip
        ax.plot(years["year"], years["NEP"], "o-", markersize=3, color=COLOURS["refined"],
                label=", ".join(filter(None, ("emulated NEP, closed", period))))  # fmt: skip
        ax.axhline(0, color=BLACK, linewidth=0.4)
        ax.set(xlabel="year", ylabel=axis_label("land sink", "PgC yr-1"),
               title="NEP holds no fire, harvest or lateral flux: not the land sink")  # fmt: skip
        ax.legend(loc="upper left")
    return figure
