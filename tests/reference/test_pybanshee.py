"""Validity and inference against numbers of py-banshee; see ``make_pybanshee.py``."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.inference import condition
from uflux_stats.attribution.network import Network, fit_network
from uflux_stats.attribution.validity import copula_fit, d_calibration, d_score

NUMBERS = json.loads((Path(__file__).parent / "pybanshee.json").read_text())
GRAPH = CausalGraph({"A": (), "B": ("A",), "C": ("A", "B"), "D": ("B",)})


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.DataFrame(NUMBERS["data"])


@pytest.fixture(scope="module")
def network(data: pd.DataFrame) -> Network:
    return fit_network(data, GRAPH, transform="raw").select()


def test_rank_correlations(network: Network) -> None:
    np.testing.assert_allclose(network.rank_correlation, NUMBERS["rank"], atol=1e-10)


def test_cramer_von_mises(data: pd.DataFrame) -> None:
    table = copula_fit(data)
    expected = np.array([NUMBERS["cvm"][f"{a}-{b}"] for a, b in zip(table["first"], table.second,
                                                                    strict=True)])  # fmt: skip
    found = table[["clayton", "frank", "normal", "gumbel"]].to_numpy()
    # py-banshee integrates the normal copula by Monte Carlo lattice rules to about 1e-5
    np.testing.assert_allclose(found[:, 2], expected[:, 2], rtol=1e-3)
    np.testing.assert_allclose(found, expected, rtol=2e-2)


def test_d_calibration(network: Network) -> None:
    found = d_calibration(network, replicates=4000)
    assert found.normal == pytest.approx(NUMBERS["d_cal"]["empirical"], abs=1e-9)
    assert found.network == pytest.approx(NUMBERS["d_cal"]["network"], abs=1e-9)
    np.testing.assert_allclose(found.network_limits, NUMBERS["d_cal"]["network_limits"], atol=0.005)
    assert not found.graph_is_sufficient


def test_the_score_is_one_minus_their_distance() -> None:
    found = d_score(np.array(NUMBERS["rank"]), np.array(NUMBERS["other"]))
    assert float(found) == pytest.approx(1.0 - NUMBERS["distances"]["H"], abs=1e-12)


def test_conditional_means(network: Network, data: pd.DataFrame) -> None:
    exact = condition(network, data[["A", "B"]].iloc[:20])
    spread = (exact.quantiles[1] - exact.quantiles[0]).values / 3.3
    off = np.abs(exact["mean"].values - np.array(NUMBERS["means"])) / spread
    # 20,000 draws, and another rule beyond the ends of the margins
    assert np.median(off) < 0.02
    assert off.max() < 0.1
