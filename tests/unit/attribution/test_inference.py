import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.inference import condition, sample_network
from uflux_stats.attribution.margins import Margin
from uflux_stats.attribution.network import Network, fit_network
from uflux_stats.attribution.presets import PAPER
from uflux_stats.attribution.ranks import correlation, normal_scores, to_rank
from uflux_stats.errors import GraphError, RangeError, SampleError


@pytest.fixture(scope="module")
def network(linear_world: pd.DataFrame, chain: CausalGraph) -> Network:
    return fit_network(linear_world, chain, transform="raw").select()


def test_means_are_those_of_the_linear_model(network: Network) -> None:
    found = condition(network, {"SWIN": [0.5, -1.0], "TA": [0.2, 0.4]})
    assert found.node.values.tolist() == ["GPP", "RECO", "NEP"]
    expected = 0.4 * np.array([0.5, -1.0]) - 0.35 * np.array([0.2, 0.4])
    np.testing.assert_allclose(found["mean"].sel(node="GPP"), expected, atol=0.03)
    np.testing.assert_allclose(found["median"].sel(node="GPP"), expected, atol=0.04)
    left = np.sqrt(1 - 0.4**2 - 0.35**2 + 2 * 0.4 * 0.35 * 0.5)
    width = np.diff(found.quantiles.sel(node="GPP"), axis=0)
    np.testing.assert_allclose(width, 2 * 1.645 * left, rtol=0.03)


def test_identities_hold_in_means_and_samples(network: Network) -> None:
    found = condition(network, {"SWIN": np.linspace(-1, 1, 5)})["mean"]
    difference = found.sel(node="GPP") - found.sel(node="RECO") - found.sel(node="NEP")
    np.testing.assert_allclose(difference, 0.0, atol=1e-12)
    drawn = sample_network(network, 100, seed=3)
    np.testing.assert_allclose(drawn.NEP, drawn.GPP - drawn.RECO, atol=1e-12)
    pd.testing.assert_frame_equal(drawn, sample_network(network, 100, seed=3))


def test_samples_have_the_correlations_of_the_network(network: Network) -> None:
    drawn = sample_network(network, 40_000)[["SWIN", "TA", "GPP", "RECO"]]
    implied = network.rank_correlation.values[:4, :4]
    np.testing.assert_allclose(drawn.corr("spearman"), implied, atol=0.02)


def test_the_mean_is_integrated_exactly() -> None:
    values = np.exp(np.random.default_rng(2).normal(size=3000))
    margin = Margin.of(values)
    scores = np.random.default_rng(3).standard_normal(400_000)
    for centre, spread in ((0.0, 0.5), (1.3, 0.9), (-2.0, 0.2)):
        drawn = margin.to_values(centre + spread * scores)
        error = drawn.std() / np.sqrt(len(drawn))
        assert abs(margin.mean(np.array([centre]), spread)[0] - drawn.mean()) < 4 * error
    np.testing.assert_allclose(margin.mean(np.array([0.3]), 0.0), margin.to_values([0.3]))


def test_nine_nodes_come_back_named_and_in_order() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(300, 9)) @ rng.normal(size=(9, 9)), columns=PAPER.nodes)
    network = fit_network(data, "paper", transform="raw").select()
    found = condition(network, data[["TA", "P"]])
    expected = [name for name in PAPER.nodes if name not in ("TA", "P")]
    assert found.node.values.tolist() == expected
    assert network.rank_correlation.node.values.tolist() == list(PAPER.nodes)
    table = network.conditional_correlation
    assert list(zip(table.cause, table.effect, strict=True)) == list(PAPER.edges)


def test_twenty_dense_nodes() -> None:
    rng = np.random.default_rng(9)
    names = [f"n{i:02d}" for i in range(20)]
    graph = CausalGraph({name: tuple(names[:i]) for i, name in enumerate(names)})
    data = pd.DataFrame(rng.normal(size=(500, 20)) @ rng.normal(size=(20, 20)), columns=names)
    network = fit_network(data, graph, transform="raw").select()
    expected = to_rank(correlation(normal_scores(data.to_numpy())))
    np.testing.assert_allclose(network.rank_correlation, expected, atol=1e-10)
    found = condition(network, data[names[:19]])
    assert np.corrcoef(found["mean"].values[:, 0], data["n19"])[0, 1] > 0.9


def test_evidence_beyond_the_data_is_flagged(network: Network) -> None:
    found = condition(network, {"TA": [0.0, 99.0]})
    assert found.outside.values.tolist() == [False, True]
    assert found.attrs["outside_share"] == 0.5
    assert found.attrs["n"] == 20_000
    assert np.isfinite(found["mean"]).all()


@pytest.mark.parametrize(
    ("evidence", "error", "match"),
    [
        ({"TAIR": [1.0]}, GraphError, "nearest: TA"),
        ({"TA": [np.nan]}, SampleError, "finite values"),
        ({}, SampleError, "some but not all"),
        ({name: [0.0] for name in ("SWIN", "TA", "GPP", "RECO", "NEP")}, SampleError, "not all"),
    ],
)
def test_wrong_evidence_is_refused(network: Network, evidence, error, match) -> None:
    with pytest.raises(error, match=match):
        condition(network, evidence)


def test_wrong_quantiles_are_refused(network: Network) -> None:
    with pytest.raises(RangeError, match="between 0 and 1"):
        condition(network, {"TA": 0.0}, quantiles=(0.0, 0.5))
