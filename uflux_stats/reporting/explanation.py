"""Figures of SHAP values: what moves each prediction, and how much each predictor matters."""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from uflux_stats.errors import MissingVariableError
from uflux_stats.explain import shap_importance
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style
from uflux_stats.schema import SCHEMA

TOP: Final = 15
MOST_POINTS: Final = 2500
_BINS: Final = 60
_UNITS: Final = {
    "APAR": SCHEMA["SWIN"].units, "season": "1", "wetness": "1", "IGBP": "1", "KOPPEN": "1",
    "warm": "months", "dry": "months", "lat": "degrees", "lon": "degrees",
}  # fmt: skip
"""Of predictors that are not drivers, by the first part of their name."""


def bee_swarm(values: xr.Dataset, flux: str, *, top: int = TOP) -> Figure:
    """Draw SHAP values of the most important predictors, one point per row.

    Parameters
    ----------
    values : xr.Dataset, (row, feature)
        Of ``shap_values``.
    flux : str
    top : int
        How many predictors.

    Returns
    -------
    Figure
        Colour is the predictor from low to high; of more than 2,500 rows an even choice is drawn.

    Raises
    ------
    MissingVariableError
        If the flux was not explained.
    """
    table = shap_importance(values, flux).head(top)
    known = np.flatnonzero(np.isfinite(values[flux].values).all(axis=1))
    chosen = known[np.linspace(0, len(known) - 1, min(len(known), MOST_POINTS)).astype(int)]
    names = [str(name) for name in values["feature"].values]
    with style():
        figure = new_figure(5.6, 0.24 * len(table) + 1.1)
        ax = figure.subplots()
        points = None
        for height, feature in enumerate(table["feature"]):
            place = names.index(feature)
            effect = values[flux].values[chosen, place]
            level = _levels(values["predictor"].values[chosen, place])
            points = ax.scatter(effect, height + _spread(effect), c=level, s=1.5, cmap="viridis",
                                vmin=0, vmax=1, rasterized=True)  # fmt: skip
        ax.axvline(0.0, color=BLACK, linewidth=0.6)
        ax.set_yticks(range(len(table)), table["feature"])
        ax.invert_yaxis()
        ax.set_xlabel(axis_label(f"SHAP value of {flux}", values[flux].attrs.get("units", "1")))
        alone = ", trees alone" if values.attrs.get("beside_trees") else ""
        explains = values[flux].attrs.get("explains", "")
        ax.set_title(f"{flux} {explains}{alone} (n = {len(known):,})")
        if points is not None:
            bar = figure.colorbar(points, ax=ax, ticks=[0, 1], label="predictor")
            bar.ax.set_yticklabels(["low", "high"])
    return figure


def _levels(predictor: NDArray[np.float32]) -> NDArray[np.float64]:
    """Ranks between 0 and 1; missing values in the middle."""
    known = np.isfinite(predictor)
    level = np.full(len(predictor), 0.5)
    level[known] = pd.Series(predictor[known]).rank(pct=True).to_numpy()
    return level


def _spread(effect: NDArray[np.float32]) -> NDArray[np.float64]:
    """Heights that keep points apart where there are many of one value."""
    span = float(np.ptp(effect)) or 1.0
    number = np.minimum(((effect - effect.min()) / span * _BINS).astype(int), _BINS - 1)
    count = np.bincount(number, minlength=_BINS)
    order = np.zeros(len(effect))
    for one in np.unique(number):
        rows = np.flatnonzero(number == one)
        order[rows] = np.arange(len(rows)) - (len(rows) - 1) / 2.0
    height: NDArray[np.float64] = 0.8 * order / max(int(count.max()), 8)
    return height


def importance_bars(
    importance: pd.DataFrame, gains: "pd.Series[float] | None" = None, *, top: int = TOP
) -> Figure:
    """Draw shares of mean absolute SHAP values, a panel per group, gain beside where given.

    Parameters
    ----------
    importance : pd.DataFrame
        Of ``shap_importance``.
    gains : pd.Series, optional
        Of ``gain``, by predictor.
    top : int

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If there is no row.
    """
    if importance.empty:
        raise MissingVariableError("importance: expected at least one group, got none")
    groups = list(dict.fromkeys(importance["group"]))
    weighed = importance.assign(share=importance["share"] * importance["n"])
    mean = weighed.groupby("feature")["share"].sum().sort_values(ascending=False)
    order = [str(name) for name in mean.index[:top]]
    with style():
        figure = new_figure(1.2 + 1.5 * len(groups), 0.2 * len(order) + 1.2)
        panels = figure.subplots(1, len(groups), squeeze=False, sharey=True, sharex=True)[0]
        for group, ax in zip(groups, panels, strict=True):
            _bars(ax, importance[importance["group"] == group], order, gains)
        panels[0].set_yticks(range(len(order)), order)
        panels[0].invert_yaxis()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _bars(ax: Axes, rows: pd.DataFrame, order: list[str], gains: "pd.Series[float] | None") -> None:
    shares = rows.set_index("feature")["share"].reindex(order).to_numpy(float)
    places = np.arange(len(order))
    half = 0.8 if gains is None else 0.4
    ax.barh(places - (0.8 - half) / 2, shares, half, color=COLOURS["refined"], label="SHAP")
    if gains is not None:
        ax.barh(
            places + 0.2,
            gains.reindex(order).to_numpy(float),
            half,
            color=GREY,
            label="gain of all rows",
        )
    ax.set_title(f"{rows['group'].iloc[0]}\n(n = {int(rows['n'].iloc[0]):,})", fontsize=7)
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.set_xlabel("share [1]")


def predictor_units(feature: str) -> str:
    """Return the unit of a predictor of the refinement or the emulation, "" if it is not known.

    Examples
    --------
    >>> predictor_units("SWIN_mean"), predictor_units("APAR_run3"), predictor_units("baseline_LE")
    ('W m-2', 'W m-2', 'W m-2')
    >>> predictor_units("KOPPEN_Arid"), predictor_units("warm_months"), predictor_units("GPP_year")
    ('1', 'months', 'gC m-2 d-1')
    """
    source = feature.removeprefix("baseline_").split("_")[0]
    if source in _UNITS:
        return _UNITS[source]
    return SCHEMA[source].units if source in SCHEMA else ""


def response_curve(curve: pd.DataFrame, *, feature: str, name: str, units: str = "1") -> Figure:
    """Draw an accumulated local effect with the range of the members.

    Parameters
    ----------
    curve : pd.DataFrame
        Of ``local_effects``.
    feature, name : str
        Of the predictor, and of what is predicted.
    units : str
        Of what is predicted.

    Returns
    -------
    Figure
    """
    with style():
        figure = new_figure(3.4, 2.6)
        ax = figure.subplots()
        ax.fill_between(curve["value"], curve["low"], curve["high"], color=COLOURS["refined"],
                        alpha=0.25, label="members, 90 %")  # fmt: skip
        ax.plot(curve["value"], curve["effect"], color=COLOURS["refined"], label="mean")
        ax.plot(curve["value"], np.full(len(curve), curve["low"].min()), "|", color=GREY,
                label="edges of bins")  # fmt: skip
        ax.axhline(0.0, color=BLACK, linewidth=0.6)
        unit = predictor_units(feature)
        ax.set_xlabel(axis_label(feature, unit) if unit else feature)
        ax.set_ylabel(axis_label(f"effect on {name}", units))
        ax.set_title(f"n = {int(curve['n'].sum()):,}")
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
