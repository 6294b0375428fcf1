"""Non-parametric Bayesian networks: a normal copula on a causal graph, with empirical margins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.attribution.banshee import Engine, empirical_copula, require_engine
from uflux_stats.attribution.copula import Copula, fit_copula
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.margins import Margin
from uflux_stats.attribution.options import SampleOptions, Transform
from uflux_stats.attribution.presets import causal_graph
from uflux_stats.attribution.ranks import correlation, normal_scores, to_rank
from uflux_stats.attribution.samples import Group, GroupBy, Sample, samples
from uflux_stats.choices import require_options, unknown_name
from uflux_stats.errors import GraphError, SampleError
from uflux_stats.stats.views import html_view

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Network:
    """A fitted network of one region and plant functional type.

    Attributes
    ----------
    graph : CausalGraph
    group : Group
    sample : Sample
        The rows it was fitted to.
    empirical : array, (node, node)
        Correlations of the normal scores of the rows.
    copula : Copula
        What the graph makes of them.
    engine : {"uflux", "pybanshee"}
        What fits and conditions.
    """

    graph: CausalGraph
    group: Group
    sample: Sample
    empirical: Array
    copula: Copula
    engine: Engine = "uflux"

    def __repr__(self) -> str:
        """Say in a line of what it is, fitted to how much."""
        places = "cells" if self.sample.pixels else "towers"
        return (
            f"<Network {self.group}: {len(self.graph.nodes)} nodes, {self.sample.transform} of "
            f"{self.sample.n:,} months of {self.sample.n_places} {places}>"
        )

    def _repr_html_(self) -> str:
        """Show the conditional rank correlation of the edges."""
        return html_view(repr(self)[1:-1], self.conditional_correlation)

    @cached_property
    def margins(self) -> tuple[Margin, ...]:
        """Margin of each node."""
        columns = self.sample.values.T
        return tuple(Margin.of(column, self.sample.weight) for column in columns)

    @property
    def rank_correlation(self) -> xr.DataArray:
        """Rank correlations that the network implies, (node, other) [1]."""
        return self._matrix(to_rank(self.copula.correlation), "implied rank correlation")

    @property
    def conditional_correlation(self) -> pd.DataFrame:
        """Conditional rank correlation of each edge: cause, effect, given, value."""
        ranks = to_rank(self.copula.partial)
        place = {name: number for number, name in enumerate(self.graph.nodes)}
        rows = [
            (cause, effect, parents[:number], float(ranks[place[effect], place[cause]]))
            for effect, parents in self.graph.parents.items()
            for number, cause in enumerate(parents)
        ]
        return pd.DataFrame(rows, columns=["cause", "effect", "given", "rank_correlation"])

    def _matrix(self, values: Array, long_name: str) -> xr.DataArray:
        names = list(self.graph.nodes)
        return xr.DataArray(
            values,
            {"node": names, "other": names},
            ("node", "other"),
            attrs={"units": "1", "long_name": long_name, "n": self.sample.n},
        )


@dataclass(frozen=True, repr=False)
class Networks(Mapping[Group, Network]):
    """Fitted networks by region and plant functional type.

    Attributes
    ----------
    fitted : dict of Group to Network
    skipped : dict of Group to str
        Groups with places but no network, and why.
    """

    fitted: dict[Group, Network]
    skipped: dict[Group, str]

    def __getitem__(self, group: Group) -> Network:
        return self.fitted[group]

    def __iter__(self) -> Iterator[Group]:
        return iter(self.fitted)

    def __len__(self) -> int:
        return len(self.fitted)

    def __repr__(self) -> str:
        """Say in a line how many there are."""
        return f"<Networks: {len(self.fitted)} fitted, {len(self.skipped)} skipped>"

    def _repr_html_(self) -> str:
        """Show the rows and places of each, or why there is none."""
        rows: list[tuple[str, str, int, int, str]] = [
            (group.region, group.pft, one.sample.n, one.sample.n_places, "")
            for group, one in self.fitted.items()
        ]
        rows += [(group.region, group.pft, 0, 0, why) for group, why in self.skipped.items()]
        columns = ["region", "pft", "months", "places", "skipped because"]
        return html_view(repr(self)[1:-1], pd.DataFrame(rows, columns=columns))

    def select(self, region: str | None = None, pft: str | None = None) -> Network:
        """Return the network of a region and type; the globe and all types by default.

        Raises
        ------
        SampleError
            If there is none: of a group without enough months, or of an unknown name.
        """
        wanted = Group(region or Group().region, pft or Group().pft)
        if wanted in self.fitted:
            return self.fitted[wanted]
        if wanted in self.skipped:
            raise SampleError(f"{wanted}: {self.skipped[wanted]}")
        everything = [*self.fitted, *self.skipped]
        raise unknown_name(
            "region or pft", str(wanted), [str(group) for group in everything], SampleError
        )


def fit_network(
    data: pd.DataFrame | xr.Dataset,
    graph: str | Path | CausalGraph = "default",
    *,
    by: GroupBy | Sequence[GroupBy] | None = None,
    transform: Transform = "anomaly",
    **options: Any,
) -> Networks:
    """Fit a network to the rows of each region or plant functional type.

    Parameters
    ----------
    data : xr.Dataset (site, time) or (time, lat, lon), or pd.DataFrame
        Towers, cubes, or a table with a column per node and a row per month.
    graph : str, path or CausalGraph
        "default", "paper", a YAML file, or a graph.
    by : {"continent", "pft", "koppen", "tropics", "latitude"} or several, optional
        Kinds of groups; the globe and all types are always there too.
    transform : {"anomaly", "raw", "detrended", "annual"}
        raw shows mainly the seasonal cycle; see ``SampleOptions``.
    **options
        season, regions, pool, min_months, min_years: see ``SampleOptions``;
        engine="pybanshee" fits and conditions with that package.

    Returns
    -------
    Networks

    Raises
    ------
    ConfigError
        If an option is unknown or out of its range.
    GraphError
        If the graph is unknown or has a cycle.
    MissingVariableError, UnitsError, CalendarError
        If the data lack a node, or have it in another unit, or are not monthly.
    SampleError
        If a variable is constant, follows from the others, or has too few months.
    MissingExtraError
        If py-banshee is asked for and missing.

    References
    ----------
    Hanea, A., Morales-Napoles, O. and Ababei, D. (2015), Non-parametric Bayesian networks,
    Reliab. Eng. Syst. Saf. 144, 265-284, doi 10.1016/j.ress.2015.07.027.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> warm = rng.normal(size=240)
    >>> table = pd.DataFrame({"TA": warm, "GPP": warm + rng.normal(size=240)})
    >>> graph = CausalGraph.from_edges([("TA", "GPP")])
    >>> fitted = fit_network(table, graph, transform="raw").select()
    >>> round(float(fitted.rank_correlation.sel(node="GPP", other="TA")), 2)
    0.71
    """
    engine = require_engine(options.pop("engine", "uflux"))
    structure = causal_graph(graph)
    require_options(options, [one.name for one in fields(SampleOptions)])
    how = replace(SampleOptions(transform=transform), **options)
    made, skipped = samples(data, structure, by, how)
    fitted: dict[Group, Network] = {}
    for group, sample in made.items():
        try:
            fitted[group] = _fit(structure, group, sample, engine)
        except SampleError as error:
            if len(made) == 1:
                raise
            skipped[group] = str(error)
    return Networks(fitted, skipped)


def _fit(graph: CausalGraph, group: Group, sample: Sample, engine: Engine) -> Network:
    empirical = correlation(normal_scores(sample.values, sample.weight), sample.weight)
    if engine == "pybanshee":
        return Network(graph, group, sample, empirical, empirical_copula(sample, graph), engine)
    return Network(graph, group, sample, empirical, fit_copula(empirical, graph))


def one_network(
    network: Network | Networks, region: str | None = None, pft: str | None = None
) -> Network:
    """Return the one network that is meant.

    Raises
    ------
    SampleError
        If there is none of that region and type.
    """
    if isinstance(network, Networks):
        return network.select(region, pft)
    asked = Group(region or network.group.region, pft or network.group.pft)
    if asked != network.group:
        raise SampleError(
            f"region: expected {network.group}, which this network is of, got {asked}; "
            "pass the networks of all regions"
        )
    return network


def require_drivers(graph: CausalGraph, names: Sequence[str]) -> None:
    """Raise ``GraphError`` unless all names are nodes that drive something."""
    graph.require(*names)
    if idle := [name for name in names if name not in graph.drivers]:
        raise GraphError(
            f"driver: expected one of {list(graph.drivers)}, got {idle}, which drive nothing"
        )
