"""How far gridded drivers are from what towers measured: a table by land cover and a figure."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.numbers import towers_told
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.schema import IGBP_CLASSES, SCHEMA
from uflux_stats.stats.metrics import score

COMPARED: Final = ("TA", "TS", "VPD", "SWIN", "LWIN", "RNET", "P", "PA", "FAPAR")
ALL: Final = "all"
FEWEST: Final = 12
"""Months that a land cover type needs to be compared."""
COLUMNS: Final = ("driver", "igbp", "towers", "n", "r", "bias", "rmse", "mean_measured", "units")
_PANELS_WIDE: Final = 3
_BEHIND: Final = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0}


def meteorology_table(measured: xr.Dataset, gridded: xr.Dataset) -> pd.DataFrame:
    """Compare gridded drivers at towers with the measured ones, by land cover type.

    Parameters
    ----------
    measured, gridded : xr.Dataset, (site, time)
        Towers with their own drivers and with those of a grid; IGBP (site,) from ``measured``.
        Common sites and months are compared.

    Returns
    -------
    pandas.DataFrame
        One row for each driver and class, and for ``all``: ``towers``, ``n`` (months), ``r``
        (correlation), ``bias`` (gridded minus measured), ``rmse``, ``mean_measured`` and
        ``units``. Classes with fewer than 12 common months are left out.

    Raises
    ------
    MissingVariableError
        If no driver is in both.

    Examples
    --------
    >>> axes = {"site": ["A"], "time": xr.date_range("2001-01", periods=12, freq="MS")}
    >>> warmth = xr.DataArray([[*range(12)]], axes, dims=list(axes), attrs={"units": "degC"})
    >>> towers = xr.Dataset({"TA": warmth.astype(float), "IGBP": ("site", [4])})
    >>> table = meteorology_table(towers, towers.assign(TA=towers.TA + 2))
    >>> table[["igbp", "n", "r", "bias"]].round(3).values.tolist()
    [['all', 12, 1.0, 2.0], ['DBF', 12, 1.0, 2.0]]
    """
    names = [name for name in COMPARED if name in measured and name in gridded]
    if not names:
        raise MissingVariableError(
            f"gridded: expected some of {', '.join(COMPARED)} in both, got none; add drivers"
        )
    first, second = xr.align(measured[[*names, "IGBP"]], gridded[names], join="inner")
    classes = first["IGBP"].values
    rows = [
        {"driver": name, **_row(first[name][chosen], second[name][chosen], igbp)}
        for name in names
        for igbp, chosen in _groups(classes)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table[table["n"] >= FEWEST].reset_index(drop=True)


def _groups(classes: np.ndarray) -> list[tuple[str, np.ndarray]]:
    present = [code for code in IGBP_CLASSES if (classes == code).any()]
    everywhere = np.ones(classes.size, dtype=bool)
    return [(ALL, everywhere), *((IGBP_CLASSES[code], classes == code) for code in present)]


def _row(measured: xr.DataArray, gridded: xr.DataArray, igbp: str) -> dict[str, object]:
    both = measured.notnull() & gridded.notnull()
    n = int(both.sum())
    units = SCHEMA[str(measured.name)].units
    counted = {"igbp": igbp, "towers": int(both.any("time").sum()), "n": n, "units": units}
    if n < FEWEST:
        return counted
    metrics = score(measured.where(both), gridded.where(both))
    r = np.sign(metrics["slope_model_on_obs"]) * np.sqrt(metrics["r2_pearson"])
    return counted | {
        "r": r.item(),
        "bias": metrics["bias"].item(),
        "rmse": metrics["rmse"].item(),
        "mean_measured": metrics["mean_observed"].item(),
    }


def meteorology_figure(measured: xr.Dataset, gridded: xr.Dataset, *, source: str = "") -> Figure:
    """Draw gridded against measured drivers, a panel for each.

    Parameters
    ----------
    measured, gridded : xr.Dataset, (site, time)
        As for ``meteorology_table``.
    source : str
        What the grid is, for the title.

    Returns
    -------
    Figure
        Months of all towers counted in hexagons, the one-to-one line, and n, correlation, bias
        and RMSE in each panel.

    Raises
    ------
    MissingVariableError
        If no driver is in both.
    """
    table = meteorology_table(measured, gridded)
    whole = table[table["igbp"] == ALL].set_index("driver")
    first, second = xr.align(measured, gridded, join="inner")
    names = whole.index.astype(str)
    rows = -(-len(names) // _PANELS_WIDE)
    with style():
        figure = new_figure(2.4 * _PANELS_WIDE, 2.3 * rows + 0.3)
        axes = figure.subplots(rows, _PANELS_WIDE, squeeze=False).ravel()
        for name, ax in zip(names, axes, strict=False):
            _panel(ax, first[name], second[name])
            found = whole.loc[name]
            told = f"n {found['n']:,}\nr {found['r']:.2f}\nbias {found['bias']:.2g}"
            told += f"\nRMSE {found['rmse']:.2g}"
            ax.text(0.04, 0.96, told, transform=ax.transAxes, va="top", fontsize=6, bbox=_BEHIND)
        for ax in axes[len(names) :]:
            ax.set_axis_off()
        figure.suptitle("Gridded drivers against those at the towers" + (source and f": {source}"))
    return figure


def meteorology_by_type(table: pd.DataFrame) -> Figure:
    """Draw by land cover type how far gridded drivers are from the towers', a panel for each.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``meteorology_table``.

    Returns
    -------
    Figure
        Dots: bias (gridded minus measured); bars: RMSE to both sides of it; at the right edge the
        correlation and n of each type.

    Raises
    ------
    MissingVariableError
        If there is no row.
    """
    if table.empty:
        raise MissingVariableError("table: expected at least one driver, got no row; add drivers")
    names = list(dict.fromkeys(table["driver"].astype(str)))
    towers = table.groupby("igbp", sort=False)["towers"].max()
    types = [ALL, *(code for code in IGBP_CLASSES.values() if code in towers.index)]
    rows = -(-len(names) // _PANELS_WIDE)
    with style():
        figure = new_figure(3.0 * _PANELS_WIDE, (0.17 * len(types) + 0.8) * rows + 0.5)
        axes = figure.subplots(rows, _PANELS_WIDE, squeeze=False, sharey=True).ravel()
        for name, ax in zip(names, axes, strict=False):
            _type_panel(ax, table[table["driver"] == name].set_index("igbp"), types)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        labels = [f"{code} ({towers_told(towers[code])})" for code in types]
        for ax in axes:
            ax.set_yticks(range(len(types)), labels, fontsize=6)
        axes[0].invert_yaxis()
        figure.suptitle("Gridded minus measured drivers by land cover type: bias, RMSE as bars")
    return figure


def _type_panel(ax: Axes, rows: pd.DataFrame, types: list[str]) -> None:
    for place, code in enumerate(types):
        if code in rows.index:
            own = rows.loc[[code]].iloc[0]
            hue = BLACK if code == ALL else COLOURS["refined"]
            ax.errorbar(own["bias"], place, xerr=own["rmse"], fmt="o", markersize=3, color=hue,
                        elinewidth=0.8)  # fmt: skip
            ax.text(1.01, place, f"r {own['r']:.2f}, n {own['n']:,}", fontsize=5, va="center",
                    transform=ax.get_yaxis_transform())  # fmt: skip
    ax.axvline(0.0, color=GREY, linewidth=0.6)
    ax.set_xlabel(
        axis_label(f"{rows['driver'].iloc[0]}, grid minus tower", str(rows["units"].iloc[0]))
    )


def _panel(ax: Axes, measured: xr.DataArray, gridded: xr.DataArray) -> None:
    both = (measured.notnull() & gridded.notnull()).values
    x, y = measured.values[both], gridded.values[both]
    ends = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    ax.hexbin(x, y, gridsize=40, extent=(*ends, *ends), mincnt=1, bins="log", cmap="viridis",
              linewidths=0)  # fmt: skip
    ax.plot(ends, ends, color=BLACK, linewidth=0.7)
    units = SCHEMA[str(measured.name)].units
    ax.set_xlabel(axis_label(f"{measured.name} at the tower", units), color=GREY)
    ax.set_ylabel(axis_label(f"{measured.name} of the grid", units), color=GREY)
