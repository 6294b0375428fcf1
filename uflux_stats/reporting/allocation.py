"""Figures of the emulated allocation: divergence of the sink and change of stocks."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import BLACK, COLOURS, GREY, axis_label, new_figure, style

ROUTES: Final = {
    "dgvm": "vegetation models",
    "hybrid": "models' allocation of upscaled fluxes",
    "direct": "upscaled directly",
    "difference": "upscaled GPP minus RECO",
}
_ROUTE_COLOURS: Final = dict(
    zip(ROUTES, (BLACK, COLOURS["tower"], COLOURS["baseline"], COLOURS["refined"]), strict=True)
)


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
