"""Structural equations of every place and calendar month, for cubes with many years.

One equation for a whole region weighs places and months by how much their drivers vary, and where
effects differ that is not their mean. Here each place has its own equation in every calendar
month, from its own years, and effects are averaged over land (mean-group estimation, Pesaran and
Smith 1995, doi 10.1016/0304-4076(94)01644-F).
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.options import SampleOptions
from uflux_stats.attribution.panel import Panel, panel_of_dataset
from uflux_stats.attribution.presets import causal_graph
from uflux_stats.attribution.samples import Group, GroupBy, groups_in
from uflux_stats.choices import unknown_name
from uflux_stats.errors import ConfigError, SampleError
from uflux_stats.grid.polygons import RegionSet
from uflux_stats.stats.views import html_view

Array = NDArray[np.float64]
CURVED: Final = ("TA",)
"""Drivers whose square enters too: photosynthesis has an optimum of temperature."""
SPARE: Final = 4
"""Years that an equation must have beyond its terms."""
_RIDGE: Final = 1e-7
_CONSTANT: Final = 1e-3
"""A driver that varies by less than this share of its usual variation tells nothing there."""
_YEAR: Final = 12


@dataclass(frozen=True)
class LocalOptions:
    """How equations of places are made.

    Attributes
    ----------
    regions : {"geographic", "natural_earth"}
    curved : tuple of str
        Parents whose square is a term too.
    cells : int
        Of more places, an even choice of so many is taken.

    Raises
    ------
    ConfigError
        If no cell is to be taken.
    """

    regions: RegionSet = "geographic"
    curved: tuple[str, ...] = CURVED
    cells: int = 1500

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.cells < 1:
            raise ConfigError(f"cells: expected at least 1, got {self.cells}; take some")


@dataclass(frozen=True)
class Equation:
    """How one node follows its parents.

    Attributes
    ----------
    parents : tuple of str
    slopes : array, (fold, place, month, parent)
        Per unit of each parent; fold 0 is of all years, the others leave one year out.
    bends : array, (fold, place, month, parent)
        Per square of the parent's anomaly; 0 for those that are straight.
    """

    parents: tuple[str, ...]
    slopes: Array
    bends: Array


@dataclass(frozen=True)
class LocalNetworks:
    """Equations of all places of a grid, or of towers with long records.

    Attributes
    ----------
    graph : CausalGraph
    units : dict of str to str
        By node.
    area : array, (place,) [m2]
    members : dict of Group to array of bool (place,)
        Where the equations of each group stand.
    values : array, (node, place, year, month)
        In the order of the graph's nodes; NaN where missing.
    land : dict of Group to float
        Area [m2] for which the places of each group stand.
    curved : tuple of str
        Parents whose square is a term too.
    """

    graph: CausalGraph
    units: dict[str, str]
    area: Array
    members: dict[Group, NDArray[np.bool_]]
    values: Array
    land: dict[Group, float]
    curved: tuple[str, ...] = CURVED
    _fitted: dict[str, Equation] = field(default_factory=dict, repr=False)

    def _repr_html_(self) -> str:
        """Show how many places each group has, and the land they stand for."""
        rows = [
            (group.region, group.pft, int(places.sum()), self.land[group] * 1e-12)
            for group, places in self.members.items()
        ]
        table = pd.DataFrame(rows, columns=["region", "pft", "places", "land [1e12 m2]"])
        return html_view("Equations of places", table, f"records of up to {self.years} years")

    @property
    def years(self) -> int:
        """Years of the longest record."""
        return int(self.values.shape[2])

    def column(self, name: str) -> Array:
        """Values (place, year, month) of one node."""
        column: Array = self.values[self.graph.nodes.index(name)]
        return column

    def trend(self, name: str) -> Array:
        """Slope (place, month) of a node over the years of each calendar month [unit yr-1]."""
        values = self.column(name)
        known = np.isfinite(values)
        time = np.broadcast_to(np.arange(self.years, dtype=float)[:, np.newaxis], values.shape)
        passed, anomaly = _centred(np.stack([time, values]), known)
        slope: Array = (passed * anomaly).sum(axis=1) / (passed**2).sum(axis=1)
        return slope

    def select(self, region: str | None = None, pft: str | None = None) -> Group:
        """Return the group of a region and type that has places.

        Raises
        ------
        SampleError
            If there is no place with enough years; the nearest names are suggested.
        """
        wanted = Group(region or Group().region, pft or Group().pft)
        if wanted not in self.members:
            known = [str(group) for group in self.members]
            raise unknown_name("region or pft", str(wanted), known, SampleError)
        return wanted

    def equation(self, name: str) -> Equation:
        """Fit the equation of a node with parents; only what is asked for is fitted."""
        if name not in self._fitted:
            self._fitted[name] = self._solved(name)
        return self._fitted[name]

    def _solved(self, name: str) -> Equation:
        parents = self.graph.parents[name]
        bent = [number for number, parent in enumerate(parents) if parent in self.curved]
        terms = [self.graph.nodes.index(parent) for parent in parents]
        terms += [len(self.graph.nodes) + self.curved.index(parents[number]) for number in bent]
        node = self.graph.nodes.index(name)
        found = np.stack([_solve(self._products(fold), terms, node)
                          for fold in range(self.years + 1)])  # fmt: skip
        bends = np.zeros_like(found[..., : len(parents)])
        bends[..., bent] = found[..., len(parents) :]
        return Equation(parents, found[..., : len(parents)], bends)

    @cached_property
    def _rows(self) -> Array:
        """Anomalies and centred squares (place, year, month, term); 0 where unknown."""
        known = np.isfinite(self.values[0])
        anomalies = _centred(self.values, known)
        squared = [self.graph.nodes.index(name) for name in self.curved]
        squares = _centred(anomalies[squared] ** 2, known)
        return np.moveaxis(np.concatenate([anomalies, squares]), 0, -1)

    @cached_property
    def _whole(self) -> Array:
        """Sums of products (place, month, term, term) over all years."""
        rows = np.swapaxes(self._rows, 1, 2)
        products: Array = np.swapaxes(rows, -1, -2) @ rows
        return products

    def _products(self, fold: int) -> Array:
        """Give sums of products of all years (fold 0), or without one of them."""
        if fold == 0:
            return self._whole
        known = np.isfinite(self.values[0])
        count = known.sum(axis=1)
        left = self._rows[:, fold - 1]
        factor = np.where(known[:, fold - 1], count / np.maximum(count - 1.0, 1.0), 0.0)
        outer = left[..., :, np.newaxis] * left[..., np.newaxis, :]
        without: Array = self._whole - factor[..., np.newaxis, np.newaxis] * outer
        return without


def fit_local(
    data: xr.Dataset,
    graph: str | Path | CausalGraph = "default",
    *,
    by: GroupBy | tuple[GroupBy, ...] | None = "continent",
    **options: Any,
) -> LocalNetworks:
    """Prepare the equations of a graph at every place and calendar month.

    Parameters
    ----------
    data : xr.Dataset, (time, lat, lon) or (site, time)
        Drivers and fluxes, with ``land_area`` where places weigh differently.
    graph : str, path or CausalGraph
    by : str or several, optional
        Groups that can be asked for, beside the globe.
    **options
        regions, curved, cells: see ``LocalOptions``.

    Returns
    -------
    LocalNetworks

    Raises
    ------
    GraphError
        If the graph is unknown, or a curved driver is none of its nodes.
    SampleError
        If no place has enough years.
    """
    structure, how = causal_graph(graph), LocalOptions(**options)
    curved = how.curved
    structure.require(*curved)
    panel = panel_of_dataset(data, structure)
    needed = (
        1
        + SPARE
        + max(len(found) + len(set(found) & set(curved)) for found in structure.parents.values())
    )
    usable = _usable(panel, needed)
    if not len(usable):
        raise SampleError(
            f"data: expected a place with at least {needed} years of complete months, got none; "
            "use fit_network, which pools places, or a graph with fewer parents"
        )
    kept = usable[np.linspace(0, len(usable) - 1, min(len(usable), how.cells)).astype(int)]
    groups = groups_in(data, by, SampleOptions(regions=how.regions))
    chosen = replace(panel, values=panel.values[:, kept], area=panel.area[kept])
    members = {group: mask[kept] for group, mask in groups.items() if mask[kept].any()}
    units = dict(zip(panel.names, panel.units, strict=True))
    land = {group: float(panel.area[usable][groups[group][usable]].sum()) for group in members}
    return LocalNetworks(structure, units, chosen.area, members, _by_year(chosen), land, curved)


def _usable(panel: Panel, years: int) -> NDArray[np.intp]:
    """Places that have land and so many of every calendar month."""
    known = np.isfinite(panel.values[0])
    counts = [known[:, panel.calendar == month].sum(axis=1) for month in range(_YEAR)]
    return np.flatnonzero((np.min(counts, axis=0) >= years) & (panel.area > 0))


def _by_year(panel: Panel) -> Array:
    """Lay values out as (node, place, year, month), from January to December."""
    before = panel.first_month % _YEAR
    after = -(before + panel.values.shape[2]) % _YEAR
    whole = np.pad(panel.values, ((0, 0), (0, 0), (before, after)), constant_values=np.nan)
    stacked: Array = whole.reshape(*whole.shape[:2], -1, _YEAR)
    return stacked


def _solve(products: Array, terms: list[int], node: int) -> Array:
    """Least squares (place, month, term) of a node on its terms; 0 for one that is constant."""
    chosen = products[..., np.array(terms)[:, np.newaxis], terms]
    # a sum that a fold takes all of, such as rain of one year alone, can round to below zero
    scale = np.sqrt(np.maximum(np.diagonal(chosen, axis1=-2, axis2=-1), 0.0))
    usual = np.sqrt((scale**2).mean(axis=(0, 1)))
    safe = np.where(scale > _CONSTANT * usual, scale, np.inf)
    standard = chosen / safe[..., :, np.newaxis] / safe[..., np.newaxis, :]
    right = products[..., terms, node] / safe
    stable = standard + _RIDGE * np.eye(len(terms))
    found: Array = np.linalg.solve(stable, right[..., np.newaxis])[..., 0] / safe
    return found


def _centred(columns: Array, known: NDArray[np.bool_]) -> Array:
    """Subtract the mean over years from (column, place, year, month); 0 where unknown."""
    values = np.where(known, columns, 0.0)
    count = np.maximum(known.sum(axis=1), 1)[:, np.newaxis]
    return np.where(known, values - values.sum(axis=2, keepdims=True) / count, 0.0)
