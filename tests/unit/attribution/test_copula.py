import numpy as np
import pytest
from scipy import stats

from uflux_stats.attribution.copula import fit_copula, specify_copula
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.ranks import (
    Ranking,
    correlation,
    normal_scores,
    to_pearson,
    to_rank,
)
from uflux_stats.errors import GraphError, SampleError


def test_one_parent_gives_its_correlation() -> None:
    graph = CausalGraph.from_edges([("A", "B")])
    implied = to_rank(specify_copula(graph, {"B": [0.1]}).correlation)
    assert implied[0, 1] == pytest.approx(0.1, abs=1e-14)


def test_three_parents_give_the_textbook_recursion() -> None:
    """C of A, B with A -> B: r_CB = p_CB|A sqrt((1-r_CA^2)(1-r_AB^2)) + r_CA r_AB."""
    graph = CausalGraph.from_edges([("A", "B"), ("A", "C"), ("B", "C")])
    implied = specify_copula(graph, {"B": [0.1], "C": [0.41, -0.25]}).correlation
    ab, ca, cb_given_a = to_pearson(0.1), to_pearson(0.41), to_pearson(-0.25)
    expected = cb_given_a * np.sqrt((1 - ca**2) * (1 - ab**2)) + ca * ab
    assert implied[2, 0] == pytest.approx(ca, abs=1e-14)
    assert implied[2, 1] == pytest.approx(expected, abs=1e-14)


def test_nodes_without_a_common_cause_are_independent() -> None:
    graph = CausalGraph({"A": (), "B": (), "C": ("A", "B")})
    implied = specify_copula(graph, {"C": [0.41, -0.25]}).correlation
    assert implied[0, 1] == 0.0
    assert implied[0, 2] == pytest.approx(to_pearson(0.41))
    assert implied[1, 2] == pytest.approx(to_pearson(-0.25) * np.sqrt(1 - to_pearson(0.41) ** 2))


def test_a_fit_returns_what_was_specified() -> None:
    rng = np.random.default_rng(3)
    names = [f"n{i}" for i in range(20)]
    graph = CausalGraph.from_edges([(a, b) for i, b in enumerate(names) for a in names[:i]])
    stated = {name: rng.uniform(-0.6, 0.6, len(found)) for name, found in graph.parents.items()}
    specified = specify_copula(graph, stated)
    fitted = fit_copula(specified.correlation, graph)
    assert np.linalg.eigvalsh(specified.correlation).min() > 0
    np.testing.assert_allclose(fitted.correlation, specified.correlation, atol=1e-10)
    np.testing.assert_allclose(fitted.partial, specified.partial, atol=1e-6)


def test_a_complete_graph_implies_the_empirical_matrix() -> None:
    rng = np.random.default_rng(5)
    empirical = np.corrcoef(rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6)), rowvar=False)
    names = "ABCDEF"
    graph = CausalGraph.from_edges([(a, b) for i, b in enumerate(names) for a in names[:i]])
    np.testing.assert_allclose(fit_copula(empirical, graph).correlation, empirical, atol=1e-12)


def test_a_stack_equals_its_parts() -> None:
    rng = np.random.default_rng(6)
    graph = CausalGraph.from_edges([("A", "B"), ("A", "C"), ("B", "D"), ("C", "D")])
    stack = np.stack([np.corrcoef(rng.normal(size=(40, 4)), rowvar=False) for _ in range(5)])
    together = fit_copula(stack, graph)
    for number in range(5):
        alone = fit_copula(stack[number], graph)
        np.testing.assert_allclose(together.correlation[number], alone.correlation, atol=1e-14)


@pytest.mark.parametrize("values", [[0.3], [0.3, 1.0], [0.3, 0.2, 0.1]])
def test_wrong_statements_are_refused(values: list[float]) -> None:
    graph = CausalGraph({"A": (), "B": (), "C": ("A", "B")})
    with pytest.raises(GraphError, match=r"conditional\['C'\]: expected 2 numbers"):
        specify_copula(graph, {"C": values})


def test_collinear_variables_are_named() -> None:
    graph = CausalGraph({"A": (), "B": (), "C": ("A", "B")})
    empirical = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 1.0]])
    with pytest.raises(SampleError, match="linearly independent"):
        fit_copula(empirical, graph)


def test_normal_scores_are_van_der_waerden() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(50, 2)).round(1)
    expected = stats.norm.ppf(stats.rankdata(values, axis=0) / 51)
    np.testing.assert_allclose(normal_scores(values), expected, atol=1e-12)


def test_counting_a_row_twice_equals_repeating_it() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=30).round(1)
    counts = rng.integers(0, 4, 30).astype(float)
    ranking = Ranking.of(values)
    weighted = ranking.spread(ranking.levels(counts[None], draws=counts.sum(keepdims=True)[None]))
    repeated = np.repeat(values, counts.astype(int))
    expected = stats.rankdata(repeated) / (len(repeated) + 1)
    np.testing.assert_allclose(np.repeat(weighted[0], counts.astype(int)), expected, atol=1e-12)


def test_equal_weights_change_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(40, 3))
    plain, weighted = normal_scores(values), normal_scores(values, np.full(40, 2.5))
    np.testing.assert_allclose(plain, weighted, atol=1e-12)
    np.testing.assert_allclose(
        correlation(plain), correlation(weighted, np.full(40, 2.5)), atol=1e-12
    )
