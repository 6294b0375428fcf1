import networkx as nx
import pytest

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.presets import DEFAULT, PAPER, causal_graph, parse_graph
from uflux_stats.errors import DataFileError, GraphError


def test_parents_keep_their_order() -> None:
    graph = CausalGraph.from_edges([("B", "Y"), ("A", "Y"), ("A", "B")])
    assert graph.parents["Y"] == ("B", "A")
    assert graph.order.index("A") < graph.order.index("B") < graph.order.index("Y")


@pytest.mark.parametrize("edges", [[("A", "A")], [("A", "B"), ("B", "C"), ("C", "A")]])
def test_a_cycle_is_refused(edges: list[tuple[str, str]]) -> None:
    with pytest.raises(GraphError, match="without cycles"):
        CausalGraph.from_edges(edges)


def test_networkx_gives_the_same_graph() -> None:
    made = CausalGraph.from_networkx(nx.DiGraph([("A", "B"), ("A", "C"), ("B", "C")]))
    assert made == CausalGraph.from_edges([("A", "B"), ("A", "C"), ("B", "C")])
    with pytest.raises(GraphError, match="undirected"):
        CausalGraph.from_networkx(nx.Graph([("A", "B")]))


def test_yaml_gives_the_same_graph(tmp_path) -> None:
    text = "parents: {TA: [SWIN], GPP: [SWIN, TA], RECO: [TA], NEP: [SWIN, TA]}\n"
    text += "identities: {NEP: {GPP: 1, RECO: -1}}\nlags: {TA: 1}\n"
    path = tmp_path / "graph.yaml"
    path.write_text(text)
    graph = causal_graph(path)
    assert graph.nodes == ("SWIN", "TA", "GPP", "RECO", "NEP")
    assert graph.identities == {"NEP": {"GPP": 1, "RECO": -1}}
    assert graph.lags == {"TA": 1}


@pytest.mark.parametrize("text", ["parents: [A]", "edges: {}", "{", "parents: {A: B}", "1"])
def test_other_yaml_is_refused(text: str) -> None:
    with pytest.raises(GraphError, match=r"graph|parents"):
        parse_graph(text)


def test_missing_files_and_presets_are_named() -> None:
    with pytest.raises(DataFileError, match="YAML file"):
        causal_graph("nowhere.yaml")
    with pytest.raises(GraphError, match="expected one of"):
        causal_graph("papre")


def test_an_unknown_node_suggests_the_nearest() -> None:
    with pytest.raises(GraphError, match="nearest: GPP"):
        PAPER.require("GPPP")
    with pytest.raises(GraphError, match="got 'X'"):
        CausalGraph({"A": ("X",)})


def test_descendants_and_independencies() -> None:
    graph = CausalGraph.from_edges([("A", "B"), ("B", "C")])
    assert graph.descendants("A") == {"B", "C"}
    assert graph.independencies() == (("C", "A", ("B",)),)


def test_presets_are_what_the_literature_says() -> None:
    assert PAPER.parents["VPD"] == ("SWIN", "TA", "P")
    assert PAPER.parents["GPP"] == ("SWIN", "TA", "TS", "CO2", "VPD")
    assert PAPER.targets == DEFAULT.targets == ("GPP", "RECO", "NEP")
    assert DEFAULT.identities["NEP"] == {"GPP": 1.0, "RECO": -1.0}


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"lags": {"A": -1}}, "negative"),
        ({"identities": {"A": {"A": 1.0}}}, "identities of A"),
        ({"identities": {"A": {"B": 1.0}, "B": {"A": 1.0}}}, "no identities themselves"),
    ],
)
def test_lags_ahead_and_identities_of_themselves_are_refused(more, match) -> None:
    with pytest.raises(GraphError, match=match):
        CausalGraph({"A": (), "B": ()}, **more)
