"""Causal graphs: who drives whom, in which order the drivers are conditioned, what is exact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from uflux_stats.choices import unknown_name
from uflux_stats.errors import GraphError
from uflux_stats.stats.views import html_view

Edge = tuple[str, str]


class DirectedGraph(Protocol):
    """What is used of a graph of networkx."""

    @property
    def nodes(self) -> Iterable[Any]:
        """Names of the nodes."""

    @property
    def edges(self) -> Iterable[Any]:
        """Pairs (cause, effect)."""

    def is_directed(self) -> bool:
        """Whether edges have a direction."""


@dataclass(frozen=True)
class CausalGraph:
    """A directed graph without cycles whose nodes have ordered parents.

    Attributes
    ----------
    parents : mapping of str to tuple of str
        Every node with its parents. The order of parents is that of the conditional correlations:
        the second parent's is given the first, and so on.
    identities : mapping of str to mapping of str to float
        Nodes that are exact sums of others, such as ``{"NEP": {"GPP": 1.0, "RECO": -1.0}}``. Such
        a node has parents too: they carry its association, while its means and effects follow from
        the terms.
    lags : mapping of str to int
        Months by which a node runs behind its variable.
    memory : mapping of str to (str, int)
        Nodes that are the mean of another node over so many months before: ``{"P_before": ("P",
        3)}``. Within a month they are causes; a change that lasts reaches them in time.

    Raises
    ------
    GraphError
        If a parent, term or source of memory is no node, a parent stands twice, there is a cycle,
        a memory has no month, a lag is negative, or a term is itself an identity.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("SWIN", "TA"), ("SWIN", "GPP"), ("TA", "GPP")])
    >>> graph.order, graph.targets, graph.parents["GPP"]
    (('SWIN', 'TA', 'GPP'), ('GPP',), ('SWIN', 'TA'))
    """

    parents: Mapping[str, tuple[str, ...]]
    identities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)
    memory: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is not a graph."""
        if not self.parents:
            raise GraphError("parents: expected at least one node, got none; name the edges")
        for node, found in self.parents.items():
            if len(set(found)) != len(found):
                raise GraphError(f"parents of {node}: expected each once, got {list(found)}")
            self.require(*found)
        for node, terms in self.identities.items():
            self.require(node, *terms)
            if nested := [name for name in terms if name in self.identities]:
                raise GraphError(
                    f"identities of {node}: expected terms that are no identities themselves, got "
                    f"{nested}; write out their terms"
                )
        self.require(*self.lags)
        for node, months in self.lags.items():
            if months < 0:
                raise GraphError(f"lags of {node}: expected no negative months, got {months}")
        for node, (source, months) in self.memory.items():
            self.require(node, source)
            if months < 1 or source in self.memory:
                raise GraphError(
                    f"memory of {node}: expected one month or more of a node without memory, got "
                    f"{months} of {source!r}"
                )
        _ = self.order

    def _repr_html_(self) -> str:
        """Show the parents of every node."""
        rows = [(node, ", ".join(found) or "none") for node, found in self.parents.items()]
        table = pd.DataFrame(rows, columns=["node", "parents"])
        return html_view("Causal graph", table)

    @classmethod
    def from_edges(cls, edges: Iterable[Edge], **more: Any) -> "CausalGraph":
        """Make a graph of (cause, effect) pairs; parents are in the order of the pairs.

        Parameters
        ----------
        edges : iterable of (str, str)
        **more
            identities, lags, memory.

        Raises
        ------
        GraphError
            If there is a cycle, or an edge is no pair.
        """
        parents: dict[str, tuple[str, ...]] = {}
        for edge in edges:
            if len(edge) != 2:
                raise GraphError(f"edges: expected pairs (cause, effect), got {edge!r}")
            cause, effect = edge
            parents.setdefault(cause, ())
            parents[effect] = (*parents.get(effect, ()), cause)
        return cls(parents, **more)

    @classmethod
    def from_networkx(cls, graph: DirectedGraph, **more: Any) -> "CausalGraph":
        """Make a graph of a directed graph of networkx (or alike); node names become text.

        Raises
        ------
        GraphError
            If it is not directed or has a cycle.
        """
        if not graph.is_directed():
            raise GraphError("graph: expected a directed graph, got an undirected one; orient it")
        parents: dict[str, tuple[str, ...]] = {str(node): () for node in graph.nodes}
        for cause, effect, *_ in graph.edges:
            parents[str(effect)] = (*parents[str(effect)], str(cause))
        return cls(parents, **more)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """All nodes in the order in which they were named."""
        return tuple(self.parents)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All nodes, causes before effects."""
        done: dict[str, None] = {}
        while len(done) < len(self.parents):
            ready = [node for node, found in self.parents.items()
                     if node not in done and all(cause in done for cause in found)]  # fmt: skip
            if not ready:
                stuck = [node for node in self.parents if node not in done]
                raise GraphError(
                    f"parents: expected a graph without cycles, got one among {stuck}; "
                    "turn or remove an edge"
                )
            done |= dict.fromkeys(ready)
        return tuple(done)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All (cause, effect) pairs, by effect and then in the order of its parents."""
        return tuple((cause, node) for node, found in self.parents.items() for cause in found)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Nodes that drive nothing."""
        causes = {cause for cause, _ in self.edges}
        return tuple(node for node in self.parents if node not in causes)

    @cached_property
    def drivers(self) -> tuple[str, ...]:
        """Nodes that drive something."""
        return tuple(node for node in self.parents if node not in self.targets)

    @cached_property
    def indices(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Position of each node, causes first, with those of its parents."""
        place = {node: number for number, node in enumerate(self.parents)}
        return tuple(
            (place[node], tuple(place[cause] for cause in self.parents[node]))
            for node in self.order
        )

    def has_edge(self, cause: str, effect: str) -> bool:
        """Whether ``cause`` drives ``effect`` directly; an exact sum through one of its terms."""
        terms = self.identities.get(effect, (effect,))
        return any(cause in self.parents[name] for name in terms)

    def descendants(self, node: str) -> frozenset[str]:
        """All nodes that ``node`` drives, at once or through others."""
        self.require(node)
        found: set[str] = set()
        for name in self.order:
            if node in self.parents[name] or found.intersection(self.parents[name]):
                found.add(name)
        return frozenset(found)

    def independencies(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Triples (a, b, given): what the graph says is independent.

        Each node is independent of earlier nodes that are not its parents, given its parents (the
        ordered Markov property, Lauritzen 1996, section 3.2). Nodes under identities are left out.
        """
        exact = set(self.identities)
        names = [node for node in self.order if node not in exact]
        return tuple(
            (node, earlier, self.parents[node])
            for place, node in enumerate(names)
            for earlier in names[:place]
            if earlier not in self.parents[node]
        )

    def require(self, *names: str) -> None:
        """Raise ``GraphError`` unless all names are nodes; the nearest nodes are suggested."""
        for name in names:
            if name not in self.parents:
                raise unknown_name("node", name, self.parents, GraphError)

    def replace_parents(self, **parents: tuple[str, ...]) -> "CausalGraph":
        """Return the graph with other parents of some nodes; new nodes come last."""
        return replace(self, parents={**self.parents, **parents})
