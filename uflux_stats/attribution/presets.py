"""The graphs that come with the package, and graphs from YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.errors import DataFileError, GraphError

NEP_IDENTITY: Final = {"NEP": {"GPP": 1.0, "RECO": -1.0}}

_PAPER_DRIVERS: Final = ("SWIN", "TA", "TS", "CO2", "VPD")
PAPER: Final = CausalGraph(
    {
        "SWIN": (),
        "P": (),
        "CO2": (),
        "TA": ("SWIN",),
        "TS": ("SWIN", "TA"),
        "VPD": ("SWIN", "TA", "P"),
        "GPP": _PAPER_DRIVERS,
        "RECO": _PAPER_DRIVERS,
        "NEP": _PAPER_DRIVERS,
    },
    lags={"P": 1},
)
"""Graph of Zhu et al. (2026), doi 10.1016/j.agrformet.2026.111197, Fig. 9; NEP is -NEE."""

_WEATHER: Final = ("P", "SWIN", "CO2", "TA", "TS", "VPD")
WEATHER: Final = CausalGraph(
    {
        "P": (),
        "SWIN": ("P",),
        "CO2": (),
        "TA": ("P", "SWIN", "CO2"),
        "TS": ("P", "SWIN", "TA"),
        "VPD": ("P", "SWIN", "TA"),
        "GPP": _WEATHER,
        "RECO": _WEATHER,
        "NEP": _WEATHER,
    },
    identities=NEP_IDENTITY,
)
"""Weather of the month as it comes about, and fluxes that all of it drives.

Clouds bring rain and shade (P before SWIN); radiation, evaporative cooling and the greenhouse
effect make air temperature; soil temperature and vapour pressure deficit follow the air. RECO is
not given GPP as a parent: leaving out a mediator whose causes are all parents does not change total
effects, and keeps errors of flux partitioning, which the two share, out of them.
"""

_PLANTS: Final = ("P_before", *_WEATHER, "FAPAR")
_ALL: Final = ("GPP_before", *_PLANTS)
DEFAULT: Final = CausalGraph(
    {
        "P": (),
        "P_before": (),
        "CO2": (),
        "GPP_before": ("P_before", "CO2"),
        "SWIN": ("P",),
        "TA": ("P_before", "P", "SWIN", "CO2"),
        "TS": ("P_before", "P", "SWIN", "TA"),
        "VPD": ("P_before", "P", "SWIN", "TA"),
        "FAPAR": _ALL[:-1],
        "GPP": _PLANTS,
        "RECO": _ALL,
        "NEP": _ALL,
    },
    identities=NEP_IDENTITY,
    memory={"P_before": ("P", 3), "GPP_before": ("GPP", 12)},
)
"""The graph of weather, with leaves and with what earlier months have left behind.

Water in the soil comes from the rain of about a season (P_before); it feeds leaves and GPP and
cools the air by evaporation. Leaves (FAPAR) follow weather, water and the growth of the year
before, and take up light. Respiration burns what was assimilated: GPP of a year, which has no
season (GPP_before). GPP itself is given leaves instead of its own past.
"""

PRESETS: Final[Mapping[str, CausalGraph]] = {
    "paper": PAPER, "default": DEFAULT, "weather": WEATHER,
}  # fmt: skip


def causal_graph(graph: str | Path | CausalGraph) -> CausalGraph:
    """Return a graph: as given, by the name of a preset, or from a YAML file.

    Raises
    ------
    GraphError
        If the name is unknown.
    DataFileError
        If the file cannot be read.

    Examples
    --------
    >>> causal_graph("paper").parents["VPD"]
    ('SWIN', 'TA', 'P')
    """
    if isinstance(graph, CausalGraph):
        return graph
    if str(graph) in PRESETS:
        return PRESETS[str(graph)]
    if Path(graph).suffix in {".yaml", ".yml"}:
        return read_graph(graph)
    raise GraphError(
        f"graph: expected one of {list(PRESETS)}, a .yaml file or a CausalGraph, got {graph!r}"
    )


def read_graph(path: str | Path) -> CausalGraph:
    """Read a graph from a YAML file, see ``parse_graph``.

    Raises
    ------
    DataFileError
        If the file is missing.
    GraphError
        If it holds no graph.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataFileError(f"path: expected a YAML file, got {path} ({error})") from error
    return parse_graph(text)


def parse_graph(text: str) -> CausalGraph:
    """Make a graph of YAML: ``parents``; ``identities``, ``lags``, ``memory`` where there are some.

    Parameters
    ----------
    text : str
        A node that is named only as a parent has none of its own.

    Raises
    ------
    GraphError
        If the text is not of this form.

    Examples
    --------
    >>> graph = parse_graph("parents: {TA: [SWIN], GPP: [SWIN, TA]}")
    >>> graph.order
    ('SWIN', 'TA', 'GPP')
    """
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise GraphError(f"graph: expected YAML, got something else ({error})") from error
    known = {"parents", "identities", "lags", "memory"}
    if not isinstance(tree, dict) or not isinstance(tree.get("parents"), dict) or set(tree) - known:
        raise GraphError(
            f"graph: expected keys {sorted(known)} with lists of parents by node, got "
            f"{list(tree) if isinstance(tree, dict) else tree!r}"
        )
    memory = {str(node): tuple(rule) for node, rule in (tree.get("memory") or {}).items()}
    return CausalGraph(
        _parents(tree["parents"]), tree.get("identities") or {}, tree.get("lags") or {}, memory
    )


def _parents(tree: Mapping[Any, Any]) -> dict[str, tuple[str, ...]]:
    named: dict[str, tuple[str, ...]] = {}
    for node, found in tree.items():
        if found is not None and not isinstance(found, list):
            raise GraphError(f"parents of {node}: expected a list of nodes, got {found!r}")
        named[str(node)] = tuple(str(cause) for cause in found or ())
    roots = [cause for found in named.values() for cause in found if cause not in named]
    return dict.fromkeys(roots, ()) | named
