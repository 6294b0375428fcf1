"""Figures of attribution: causal graphs with values, forests, heat maps and shares."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from uflux_stats.attribution.graph import Edge
from uflux_stats.attribution.network import Network
from uflux_stats.attribution.query import query
from uflux_stats.attribution.samples import GLOBE
from uflux_stats.errors import MissingVariableError
from uflux_stats.reporting.style import BLACK, GREY, math_units, new_figure, style

POSITIVE: Final = "#0072B2"
NEGATIVE: Final = "#D55E00"
DRIVER_COLOURS: Final[dict[str, str]] = {
    "SWIN": "#E69F00", "TA": "#D55E00", "TS": "#CC79A7", "VPD": "#F0E442", "P": "#0072B2",
    "CO2": "#56B4E9", "FAPAR": "#009E73", "P_before": "#00304D", "GPP_before": "#7A4B1E",
    "remainder": "#BBBBBB",
}  # fmt: skip
"""Okabe and Ito's palette, one colour for each driver in all figures; memory in darker ones."""
TARGETS: Final = ("GPP", "RECO", "NEP")
_SCALED: Final = ("direct", "total", "backdoor", "lasting")
DIVERGING: Final = "RdBu"
"""Blue is positive, as in the graphs."""

_LEGEND: Final = 6
"""Drivers on a line of the legend."""


def graph_pair(raw: Network, effects: xr.Dataset, *, quantity: str = "direct") -> Figure:
    """Draw the network of raw months beside the effects in anomalies, edge by edge.

    Parameters
    ----------
    raw : Network
        Fitted to months as they are; its edges carry implied rank correlations.
    effects : xr.Dataset
        Of ``attribute``, of the same region and targets, fitted to anomalies; the graph may be
        another.
    quantity : {"direct", "total"}
        What the edges to the targets carry on the right.

    Returns
    -------
    Figure

    Raises
    ------
    MissingVariableError
        If the effects are of other targets.
    """
    lacking = [name for name in raw.graph.targets if name not in effects["target"].values]
    if lacking:
        raise MissingVariableError(f"effects: expected targets {lacking}, got none; attribute them")
    implied = raw.rank_correlation
    left = {edge: float(implied.sel(node=edge[1], other=edge[0])) for edge in raw.graph.edges}
    table = query(effects, region=raw.group.region, pft=raw.group.pft, quantity=quantity)
    named = table.dropna(subset=["estimate"])
    right: dict[Edge, tuple[float, bool]] = {
        (str(row["driver"]), str(row["target"])): (row["estimate"], row["low"] <= 0 <= row["high"])
        for row in named.to_dict("records")
    }
    n = int(table["n"].iloc[0])
    causes = list(dict.fromkeys(cause for cause, _ in right))
    targets = list(raw.graph.targets)
    with style():
        figure = new_figure(9.2, 4.4)
        one, two = figure.subplots(1, 2)
        ordered = [name for name in raw.graph.order if name not in targets]
        shown = {edge: (value, False) for edge, value in left.items()}
        _draw_graph(one, _layout(ordered, targets), shown)
        one.set_title(f"{raw.group}: rank correlation, {raw.sample.transform} months "
                      f"(n = {raw.sample.n:,})")  # fmt: skip
        _draw_graph(two, _layout(causes, targets), right)
        transform = effects.attrs.get("transform", "anomaly")
        two.set_title(f"{raw.group}: {quantity} effect, {transform} (n = {n:,})")
        figure.supxlabel("blue: positive; orange: negative; dotted, without a value: the 90 % "
                         "interval contains zero; no arrow: no edge in the graph",
                         fontsize=7)  # fmt: skip
    return figure


def _draw_graph(
    ax: Axes,
    places: Mapping[str, NDArray[np.float64]],
    values: Mapping[Edge, tuple[float, bool]],
) -> None:
    for edge, (value, doubtful) in values.items():
        start, end = places[edge[0]], places[edge[1]]
        colour = GREY if abs(value) < 1e-12 else POSITIVE if value > 0 else NEGATIVE
        ax.annotate(
            "", (end[0], end[1]), (start[0], start[1]),
            arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 11, "shrinkB": 11,
                        "linewidth": 0.4 + 2.2 * min(abs(value), 1.0),
                        "linestyle": ":" if doubtful else "-", "alpha": 0.6},
        )  # fmt: skip
        if not doubtful:
            x, y = start + _label_place(start, end) * (end - start)
            ax.text(
                x, y, f"{value:.2f}", fontsize=5.5, color=colour, zorder=5, ha="center",
                va="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
            )  # fmt: skip
    for name, place in places.items():
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": BLACK,
               "linewidth": 0.7}  # fmt: skip
        ax.text(place[0], place[1], name, ha="center", va="center", fontsize=6.5, bbox=box,
                zorder=6)  # fmt: skip
    ax.set(xlim=(-0.1, 1.12), ylim=(-0.08, 1.08))
    ax.set_axis_off()


def _label_place(start: NDArray[np.float64], end: NDArray[np.float64]) -> float:
    """Share of the way to the effect: near the cause, whose arrows part, and not side by side."""
    if end[1] > 0.0:
        return 0.4
    steep = float(abs(end[0] - start[0])) / max(float(start[1] - end[1]), 0.1)
    return 0.13 + 0.2 * min(steep, 1.5)


def _layout(drivers: list[str], targets: list[str]) -> dict[str, NDArray[np.float64]]:
    """Place targets at the bottom and drivers on an arc above, so that arrows do not pass nodes."""
    angle = np.linspace(0.0, np.pi, len(drivers))
    arc = np.stack([0.5 - 0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)], axis=-1)
    bottom = (np.arange(len(targets)) + 0.5) / len(targets)
    below = np.stack([bottom, np.zeros_like(bottom)], axis=-1)
    return dict(zip([*drivers, *targets], np.concatenate([arc, below]), strict=True))


def forest(answers: pd.DataFrame, *, by: str = "region") -> Figure:
    """Draw estimates with their intervals, a panel per target, a row per group and driver.

    Parameters
    ----------
    answers : pd.DataFrame
        Of ``query``, of one quantity.
    by : {"region", "pft"}

    Returns
    -------
    Figure
        Groups without an estimate are named above.

    Raises
    ------
    MissingVariableError
        If there is no estimate, or more than one quantity.
    """
    known = _known(answers)
    targets, drivers = _ordered(known["target"], TARGETS), _ordered(known["driver"], DRIVER_COLOURS)
    groups = _ordered(known[by], (GLOBE,))
    with style():
        figure = new_figure(2.3 * len(targets) + 1.0, 0.13 * len(groups) * (len(drivers) + 1) + 1.0)
        panels = figure.subplots(1, len(targets), squeeze=False, sharey=True)[0]
        for target, ax in zip(targets, panels, strict=True):
            _forest_panel(ax, known[known["target"] == target], (by, groups, drivers))
            ax.set_title(target)
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.set_xlabel(_quantity_label(known))
        sizes = known.drop_duplicates(by).set_index(by)["n"]
        middle = [_height(number, (len(drivers) - 1) / 2, len(drivers))
                  for number in range(len(groups))]  # fmt: skip
        labels = [f"{group}\n(n = {int(sizes[group]):,})" for group in groups]
        panels[0].set_yticks(middle, labels, fontsize=6)
        panels[0].set_ylim(_height(len(groups), -0.5, len(drivers)), -1.0)
        handles, names = panels[0].get_legend_handles_labels()
        rows = -(-len(drivers) // _LEGEND)
        figure.legend(handles, names, loc="outside lower center", ncols=-(-len(drivers) // rows))
        _name_lacking(figure, answers, by)
    return figure


def _name_lacking(figure: Figure, answers: pd.DataFrame, by: str) -> None:
    """Say which groups have too few tower months to be drawn."""
    known = set(answers.dropna(subset=["estimate"])[by])
    lacking = [str(group) for group in dict.fromkeys(answers[by]) if group not in known]
    if lacking:
        figure.suptitle(f"too few tower months: {', '.join(lacking)}", fontsize=7)


def _ordered(found: "pd.Series[str]", first: Iterable[str]) -> list[str]:
    """Distinct names, those of a given order first."""
    names = [str(name) for name in dict.fromkeys(found)]
    known = [name for name in first if name in names]
    return [*known, *(name for name in names if name not in known)]


def _quantity_label(known: pd.DataFrame) -> str:
    name = str(known["quantity"].iloc[0])
    if name in _SCALED:
        return f"{name} effect [sd per sd]"
    return f"{name} [{math_units(str(known['unit'].iloc[0]))}]"


def _height(group: int, driver: float, drivers: int) -> float:
    return group * (drivers + 1.0) + driver


def _forest_panel(
    ax: Axes, rows: pd.DataFrame, axes: tuple[str, Sequence[str], Sequence[str]]
) -> None:
    by, groups, drivers = axes
    for number, driver in enumerate(drivers):
        chosen = rows[rows["driver"] == driver]
        heights = np.array([_height(groups.index(group), number, len(drivers))
                            for group in chosen[by]])  # fmt: skip
        ax.hlines(heights, chosen["low"], chosen["high"], color=_colour(driver), linewidth=1.0)
        ax.plot(chosen["estimate"], heights, "o", markersize=2.5, color=_colour(driver),
                label=driver)  # fmt: skip
    ax.axvline(0.0, color=BLACK, linewidth=0.6)


def raw_against_anomaly(found: xr.Dataset, *, region: str = "globe") -> Figure:
    """Draw rank correlations of raw months beside those of anomalies, and total effects.

    Parameters
    ----------
    found : xr.Dataset
        Of ``attribution_dataset``, with the transforms raw and anomaly.
    region : str

    Returns
    -------
    Figure
    """
    panels = (("raw", "association"), ("anomaly", "association"), ("anomaly", "total"))
    tables = [query(found, region=region, transform=transform, quantity=quantity)
              for transform, quantity in panels]  # fmt: skip
    with style():
        columns = tables[0]["driver"].nunique()
        figure = new_figure(1.4 + 1.05 * columns, 2.9)
        axes = figure.subplots(1, 3, sharey=True)
        image = None
        for ax, table, (transform, quantity) in zip(axes, tables, panels, strict=True):
            known = _known(table)
            wide = known.pivot_table(index="target", columns="driver", values="estimate").reindex(
                index=_ordered(known["target"], TARGETS),
                columns=_ordered(known["driver"], DRIVER_COLOURS),
            )
            image = ax.imshow(wide, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
            ax.set_xticks(range(wide.shape[1]), wide.columns, rotation=60, ha="right",
                          rotation_mode="anchor")  # fmt: skip
            ax.set_yticks(range(wide.shape[0]), wide.index)
            for (row, column), value in np.ndenumerate(wide.to_numpy()):
                ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=5.5,
                        color="white" if abs(value) > 0.6 else BLACK)  # fmt: skip
            ax.set_title(f"{transform}: {quantity}\n(n = {int(table['n'].iloc[0]):,})")
        if image is not None:
            figure.colorbar(image, ax=axes, label="[1]", shrink=0.8)
        figure.suptitle(region)
        figure.supxlabel("association: rank correlation; total: standard deviations per standard "
                         "deviation", fontsize=7)  # fmt: skip
    return figure


def trend_shares(answers: pd.DataFrame, *, target: str) -> Figure:
    """Draw what each driver, and what nothing, contributes to the trend of a target by region.

    Parameters
    ----------
    answers : pd.DataFrame
        Of ``query`` with quantity="trend", all regions.
    target : str

    Returns
    -------
    Figure
        Stacked contributions with the interval of CO2, which is nearly collinear with time.

    Raises
    ------
    MissingVariableError
        If there is no estimate for the target.
    """
    known = _known(answers[answers["target"] == target])
    regions = _ordered(known["region"], (GLOBE,))
    drivers = _ordered(known["driver"], DRIVER_COLOURS)
    sizes = known.drop_duplicates("region").set_index("region")["n"]
    places = np.arange(len(regions))
    wide = known.pivot_table(index="region", columns="driver", values="estimate").loc[regions]
    with style():
        figure = new_figure(5.6, 0.42 * len(regions) + 1.5)
        ax = figure.subplots()
        above, below = np.zeros(len(regions)), np.zeros(len(regions))
        for driver in drivers:
            values = wide[driver].to_numpy()
            start = np.where(values >= 0, above, below)
            ax.barh(places, values, left=start, color=_colour(driver), label=driver, height=0.6)
            above += np.maximum(values, 0.0)
            below += np.minimum(values, 0.0)
        ax.plot(wide.sum(axis=1), places, "D", color=BLACK, markersize=3, label="trend")
        _co2_interval(ax, known, regions)
        ax.axvline(0.0, color=BLACK, linewidth=0.6)
        labels = [f"{region}\n(n = {int(sizes[region]):,})" for region in regions]
        ax.set_yticks(places, labels, fontsize=6)
        ax.invert_yaxis()
        ax.set_xlabel(f"trend of {target} [{math_units(str(known['unit'].iloc[0]))}]")
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
        _name_lacking(figure, answers[answers["target"] == target], "region")
    return figure


def _co2_interval(ax: Axes, known: pd.DataFrame, regions: Sequence[str]) -> None:
    chosen = known[known["driver"] == "CO2"]
    if len(chosen):
        heights = np.array([regions.index(region) for region in chosen["region"]]) + 0.38
        ax.hlines(heights, chosen["low"], chosen["high"], color=_colour("CO2"), linewidth=1.2,
                  label="90 % interval of CO2")  # fmt: skip


def _known(answers: pd.DataFrame) -> pd.DataFrame:
    known = answers.dropna(subset=["estimate"])
    if known.empty or known["quantity"].nunique() != 1:
        raise MissingVariableError(
            "answers: expected estimates of one quantity, got "
            f"{sorted(set(answers['quantity'].dropna()))} with {len(known)} estimates"
        )
    return known


def _colour(driver: str) -> str:
    return DRIVER_COLOURS.get(driver, GREY)
