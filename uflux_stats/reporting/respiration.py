"""Figures of respiration posteriors: forest, response curves, ranks; and fields to map."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.baselines import ParameterTable
from uflux_stats.baselines.conditioned_fitting import temperature_covariate
from uflux_stats.baselines.conditions import multiplier
from uflux_stats.bayes.draws import Draws, summary_of
from uflux_stats.bayes.fitted import RespirationFit
from uflux_stats.bayes.rows import ModelRows
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.schema import CARBON_FLUX

_COLUMNS: Final = 4
_STEPS: Final = 60


def forest(fit: RespirationFit) -> Figure:
    """Draw median and 90 % interval of each class's rate and sensitivity, with numbers of sites.

    Parameters
    ----------
    fit : RespirationFit

    Returns
    -------
    Figure
        Two panels: the respiration at 10 degC and average conditions of a typical site, and its
        Q10 or E0; the vertical line is the median of all classes together.
    """
    table = fit.summary()
    figure = forest_of_table(table, f"class, {_told_form(fit)}")
    for ax, name in zip(figure.axes, ("Rref", _kind(table)), strict=True):
        ax.axvline(table[f"{name}_median"].iloc[-1], color=GREY, linestyle=":", linewidth=0.8)
    return figure


def forest_of_table(table: pd.DataFrame, what: str) -> Figure:
    """Draw median and 90 % interval of rate and sensitivity of each row of a table.

    Parameters
    ----------
    table : pd.DataFrame
        Of ``RespirationFit.summary`` or ``uflux_stats.bayes.tables.summary_by``.
    what : str
        What the rows are, for the title.

    Returns
    -------
    Figure
    """
    kind = _kind(table)
    names = [f"{name} ({int(n)})" for name, n in table["n_sites"].items()]
    place = np.arange(len(table))[::-1]
    units = (CARBON_FLUX, "1" if kind == "Q10" else "K")
    with style():
        figure = new_figure(6.8, 1.1 + 0.22 * len(table))
        axes = figure.subplots(1, 2, sharey=True)
        for ax, name, unit in zip(axes, ("Rref", kind), units, strict=True):
            middle = table[f"{name}_median"].to_numpy()
            low, high = (table[f"{name}_{end}"].to_numpy() for end in ("low", "high"))
            ax.errorbar(
                middle, place, xerr=[middle - low, high - middle], fmt="o", markersize=3,
                color=COLOURS["refined"], elinewidth=1.0,
            )  # fmt: skip
            ax.set_xlabel(axis_label(name, unit))
        axes[0].set_yticks(place, names)
        axes[0].set_ylim(-0.7, len(table) - 0.3)
        figure.suptitle(f"Respiration by {what} (number of sites): median, 90 % interval")
    return figure


def _kind(table: pd.DataFrame) -> str:
    return "Q10" if "Q10_median" in table else "E0"


def response_curves(fit: RespirationFit) -> Figure:
    """Draw respiration against temperature for each group, with the months it was fitted to.

    Parameters
    ----------
    fit : RespirationFit

    Returns
    -------
    Figure
        One panel per group: the median of the typical site at average conditions and its 90 %
        interval, over the range of temperatures that the group has; months, divided by what the
        driver effects (their posterior means) multiply them by, where the fit has any. The axis
        ends at the 99.5th percentile of the months, or where the interval does.
    """
    groups = fit.rows.groups
    lines = -(-len(groups) // _COLUMNS)
    brought = ", brought to average conditions" if fit.rows.effects else ""
    draws = fit.draws()
    with style():
        figure = new_figure(7.2, 1.7 * lines + 0.5)
        axes = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
        for number, ax in enumerate(axes):
            if number < len(groups):
                _response(ax, fit.rows, draws, number)
            else:
                ax.set_visible(False)
        figure.supxlabel(axis_label("temperature", "degC"))
        figure.supylabel(axis_label(f"RECO{brought}", CARBON_FLUX))
        figure.suptitle(f"Response to temperature: {_told_form(fit)}")
    return figure


def _told_form(fit: RespirationFit) -> str:
    """Name the form of a fit, and whether other drivers are in it."""
    name = "Q10" if fit.rows.options.form == "q10" else "Lloyd and Taylor"
    return f"{name} with drivers" if fit.rows.effects else name


def _response(ax: Axes, rows: ModelRows, draws: Draws, number: int) -> None:
    chosen = rows.group[rows.site] == number
    warm = rows.temperature[chosen]
    months = rows.observed[chosen] / np.exp(draws.along(rows.conditions[chosen]).mean(axis=0))
    ax.plot(warm, months, ".", markersize=1.5, color=GREY, alpha=0.3, rasterized=True)
    axis = np.linspace(warm.min(), warm.max(), _STEPS)
    rate, slope = (
        draws.of_group(name, len(rows.groups))[:, number] for name in ("log_rate", "slope")
    )
    covariate = temperature_covariate(axis, rows.options.form)
    curve = summary_of(np.exp(rate[:, None] + slope[:, None] * covariate))
    ax.fill_between(axis, curve["low"], curve["high"], color=COLOURS["refined"], alpha=0.3, lw=0)
    ax.plot(axis, curve["median"], color=COLOURS["refined"])
    low, high = np.quantile(months, (0.0, 0.995))
    ax.set_ylim(min(0.0, low), 1.1 * max(high, curve["high"].max()))
    sites = np.unique(rows.site[chosen]).size
    ax.set_title(f"{rows.groups[number]}, {sites} site{'s' if sites > 1 else ''}")


def predicted_fields(table: ParameterTable, drivers: xr.Dataset) -> xr.Dataset:
    """Lay a parameter table out on a grid, for ``flux_map``.

    Parameters
    ----------
    table : ParameterTable
    drivers : xr.Dataset, (time or month, lat, lon)
        IGBP (lat, lon), missing over the sea, and the drivers of the table's effects.

    Returns
    -------
    xr.Dataset, (lat, lon)
        ``Rref`` [gC m-2 d-1] at 10 degC, times the mean over the months of what the effects
        multiply it by, and ``Q10`` [1] or ``E0`` [K].
    """
    igbp = drivers["IGBP"].compute()
    known = igbp.notnull()
    rate = table.rate(igbp)
    if table.effects:
        factor = multiplier(drivers, table.effects)
        rate = rate * factor.mean([dim for dim in factor.dims if dim not in igbp.dims])
    fields = {
        "Rref": rate.assign_attrs(units=CARBON_FLUX),
        "Q10" if table.form == "q10" else "E0": table.sensitivity(igbp),
    }
    return xr.Dataset(
        {
            name: field.where(known).compute().assign_attrs(units=field.attrs["units"])
            for name, field in fields.items()
        }
    )


def rank_histograms(calibration: xr.Dataset) -> Figure:
    """Draw the ranks of simulation-based calibration, with the 99 % band of uniform ranks.

    Parameters
    ----------
    calibration : xr.Dataset
        Of ``uflux_stats.bayes.calibration.calibrate``.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If there are no ranks.
    """
    if "rank" not in calibration:
        raise MissingVariableError("calibration: expected ranks, got none; run calibrate")
    names = [str(name) for name in calibration["parameter"].values]
    lines = -(-len(names) // _COLUMNS)
    simulations, largest = calibration.sizes["simulation"], int(calibration.attrs["ranks"])
    bins = max(2, min(16, simulations // 10))
    expected = simulations / bins
    margin = 2.576 * np.sqrt(expected * (1.0 - 1.0 / bins))
    with style():
        figure = new_figure(7.2, 1.5 * lines + 0.4)
        axes = figure.subplots(lines, _COLUMNS, squeeze=False, sharey=True).ravel()
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        for ax, name in zip(axes, names, strict=False):
            ax.axhspan(max(0.0, expected - margin), expected + margin, color=GREY, alpha=0.3, lw=0)
            ranks = calibration["rank"].sel(parameter=name)
            ax.hist(ranks, bins=np.linspace(-0.5, largest + 0.5, bins + 1), color=COLOURS["tower"])
            ax.axhline(expected, color=BLACK, linewidth=0.5)
            ax.set_title(name)
    return figure
