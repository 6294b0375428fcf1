"""The package's own closed forms against py-banshee, where that is installed."""

import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution import banshee
from uflux_stats.attribution.inference import condition
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.presets import PAPER, WEATHER
from uflux_stats.errors import ConfigError, MissingExtraError

pytest.importorskip("py_banshee", reason="needs the extra 'banshee'")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(17)
    mixed = rng.normal(size=(600, 9)) @ rng.normal(size=(9, 9))
    return pd.DataFrame(np.exp(mixed / 6), columns=PAPER.nodes)


@pytest.mark.parametrize("graph", [PAPER, WEATHER], ids=["paper", "weather"])
def test_rank_correlations_agree(data: pd.DataFrame, graph) -> None:
    ours = fit_network(data, graph, transform="raw").select()
    theirs = banshee.rank_correlation(ours.sample, graph)
    np.testing.assert_allclose(ours.rank_correlation, theirs, atol=1e-10)
    fitted = fit_network(data, graph, transform="raw", engine="pybanshee").select()
    np.testing.assert_allclose(ours.rank_correlation, fitted.rank_correlation, atol=1e-10)


def test_means_agree_within_monte_carlo_error(data: pd.DataFrame) -> None:
    ours, theirs = (
        fit_network(data, "paper", transform="raw", engine=engine).select()
        for engine in ("uflux", "pybanshee")
    )
    evidence = data[["SWIN", "TA", "VPD", "P"]].iloc[:60]
    exact, drawn = condition(ours, evidence), condition(theirs, evidence, seed=1)
    assert exact.node.values.tolist() == drawn.node.values.tolist()
    spread = (exact.quantiles[1] - exact.quantiles[0]) / (2 * 1.645)
    off = (drawn["mean"] - exact["mean"]) / (spread / np.sqrt(1000))
    assert float(np.abs(off.mean())) < 0.3
    assert float(off.std()) < 1.3


def test_the_global_generator_is_put_back(data: pd.DataFrame) -> None:
    network = fit_network(data, "paper", transform="raw", engine="pybanshee").select()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    condition(network, data[["TA"]].iloc[:2])
    after = np.random.get_state()[1]  # noqa: NPY002
    np.testing.assert_array_equal(before, after)


def test_weights_are_refused(data: pd.DataFrame) -> None:
    network = fit_network(data, "paper", transform="raw").select()
    weighted = type(network.sample)(
        **{**vars(network.sample), "weight": np.linspace(1, 2, network.sample.n)}
    )
    with pytest.raises(ConfigError, match="no weights"):
        banshee.empirical_copula(weighted, PAPER)


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(banshee, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"uflux-stats\[banshee\]"):
        banshee.require_engine("pybanshee")


def test_it_writes_the_graph_in_dot(data: pd.DataFrame, tmp_path, monkeypatch) -> None:
    import graphviz

    seen = []

    def read(_: str, __: str, path: str) -> None:
        seen.append((tmp_path / path).read_text())

    monkeypatch.setattr(graphviz, "render", read)
    network = fit_network(data, "paper", transform="raw").select()
    banshee.draw_graph(PAPER, network.rank_correlation.values, tmp_path, "test")
    assert seen[0].count("->") == len(PAPER.edges)
