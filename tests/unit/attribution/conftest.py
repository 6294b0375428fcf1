"""Worlds whose causes are known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution.graph import CausalGraph


def autoregressive(rng: np.random.Generator, size: int, memory: float = 0.0) -> np.ndarray:
    """Series of unit variance with a lag-1 correlation."""
    steps = rng.normal(size=size + 100) * np.sqrt(1.0 - memory**2)
    values = np.zeros(size + 100)
    for place in range(1, size + 100):
        values[place] = memory * values[place - 1] + steps[place]
    return values[100:]


@pytest.fixture(scope="session")
def series() -> Callable[..., np.ndarray]:
    return autoregressive


@pytest.fixture(scope="session")
def chain() -> CausalGraph:
    """SWIN -> TA -> GPP with SWIN -> GPP; RECO of TA; NEP their difference."""
    edges = [("SWIN", "TA"), ("SWIN", "GPP"), ("TA", "GPP"), ("TA", "RECO"), ("SWIN", "NEP"),
             ("TA", "NEP")]  # fmt: skip
    return CausalGraph.from_edges(edges, identities={"NEP": {"GPP": 1.0, "RECO": -1.0}})


@pytest.fixture(scope="session")
def linear_world() -> pd.DataFrame:
    """A linear world: direct effects on GPP .4 (SWIN) and -.35 (TA), total of SWIN .225."""
    rng = np.random.default_rng(11)
    size = 20_000
    swin = rng.normal(size=size)
    ta = 0.5 * swin + np.sqrt(0.75) * rng.normal(size=size)
    left = np.sqrt(1 - 0.4**2 - 0.35**2 + 2 * 0.4 * 0.35 * 0.5)
    gpp = 0.4 * swin - 0.35 * ta + left * rng.normal(size=size)
    reco = 0.6 * ta + 0.8 * rng.normal(size=size)
    return pd.DataFrame({"SWIN": swin, "TA": ta, "GPP": gpp, "RECO": reco})
