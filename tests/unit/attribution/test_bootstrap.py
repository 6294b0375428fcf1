from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.bootstrap import (
    BootstrapOptions,
    degrees_of_freedom,
    draw_counts,
    missed_memory,
)
from uflux_stats.attribution.copula import fit_copula
from uflux_stats.attribution.effects import Effects
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.moments import MomentMaker
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.samples import Sample

GRAPH = CausalGraph({"A": (), "B": ("A",), "Y": ("A", "B")})
TRUE = {
    ("direct", "A"): 0.4,
    ("direct", "B"): -0.35,
    ("total", "A"): 0.225,
    ("association", "A"): 6 / np.pi * np.arcsin(0.225 / 2),
}


def sample_of(places: list[int], pixels: bool = False) -> Sample:
    """Rows of places with as many months each; the values are row numbers."""
    place = np.repeat(np.arange(len(places)), places)
    month = np.concatenate([np.arange(size) for size in places])
    values = np.random.default_rng(0).normal(size=(len(place), 2))
    return Sample(("A", "B"), ("1", "1"), values, place, month, place, pixels=pixels)


def test_blocks_stay_whole_and_within_a_tower() -> None:
    counts = draw_counts(sample_of([48, 60]), BootstrapOptions(replicates=50))
    np.testing.assert_array_equal(counts[:, :48].sum(axis=1), 48)
    np.testing.assert_array_equal(counts[:, 48:].sum(axis=1), 60)
    # a row is drawn with its neighbours: counts change only at ends of blocks
    changes = (np.diff(counts[:, :48], axis=1) != 0).sum(axis=1)
    assert (changes <= 8).all()


def test_many_towers_are_resampled_too() -> None:
    counts = draw_counts(sample_of([24] * 8), BootstrapOptions(replicates=200))
    of_tower = counts.reshape(200, 8, 24).sum(axis=2) / 24
    assert (of_tower == 0).any()
    np.testing.assert_allclose(of_tower.sum(axis=1), 8)
    assert degrees_of_freedom(sample_of([24] * 8), BootstrapOptions()) == 7


def test_cells_share_their_years() -> None:
    sample = sample_of([36] * 4, pixels=True)
    together = Sample(**{**vars(sample), "cluster": np.zeros(144, int)})
    counts = draw_counts(together, BootstrapOptions(replicates=30)).reshape(30, 4, 3, 12)
    assert (counts == counts[:, :1, :, :1]).all()
    np.testing.assert_array_equal(counts.sum(axis=(1, 2, 3)), 144)


def test_resampled_moments_are_those_of_repeated_rows() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(120, 3)).round(1), columns=list("ABY"))
    network = fit_network(frame, GRAPH, transform="raw").select()
    counts = draw_counts(network.sample, BootstrapOptions(replicates=20))
    stacked = MomentMaker(network.sample).moments(counts)
    rows = np.repeat(np.arange(120), counts[3].astype(int))
    again = fit_network(frame.iloc[rows], GRAPH, transform="raw").select()
    np.testing.assert_allclose(stacked.correlation[3], again.empirical, atol=1e-12)
    scale = MomentMaker(again.sample).moments().scale
    np.testing.assert_allclose(stacked.scale[3], scale, atol=1e-12)
    refitted = Effects(GRAPH, fit_copula(stacked.correlation, GRAPH), stacked).table()
    alone = Effects(GRAPH, again.copula, MomentMaker(again.sample).moments()).table()
    np.testing.assert_allclose(refitted[3, ..., :5], alone[..., :5], atol=1e-9)


def test_blocks_miss_little_of_a_short_memory() -> None:
    assert missed_memory(0.0, 12) == 1.0
    assert missed_memory(0.49, 12) < missed_memory(0.49, 6) < missed_memory(0.8, 6)


def coverage(series: Callable[..., np.ndarray], worlds: int, block: int) -> dict:
    """Share of worlds of lag-1 correlation .7 and 240 months whose 90 % interval has the truth."""
    hits = dict.fromkeys(TRUE, 0)
    for number in range(worlds):
        rng = np.random.default_rng(number)
        a = series(rng, 240, 0.7)
        b = 0.5 * a + np.sqrt(0.75) * series(rng, 240, 0.7)
        left = np.sqrt(1 - 0.4**2 - 0.35**2 + 2 * 0.4 * 0.35 * 0.5)
        frame = pd.DataFrame(
            {"A": a, "B": b, "Y": 0.4 * a - 0.35 * b + left * series(rng, 240, 0.7)}
        )
        found = attribute(
            fit_network(frame, GRAPH, transform="raw"), replicates=150, block=block, seed=number
        ).attribution[0, 0]
        for (quantity, driver), truth in TRUE.items():
            _, low, high = found.sel(target="Y", quantity=quantity, driver=driver).values
            hits[quantity, driver] += low <= truth <= high
    return {key: count / worlds for key, count in hits.items()}


def test_blocks_cover_more_than_independent_rows(series) -> None:
    blocks, rows = coverage(series, 40, 12), coverage(series, 40, 1)
    assert np.mean(list(blocks.values())) > np.mean(list(rows.values())) + 0.1
    assert np.mean(list(blocks.values())) >= 0.84


@pytest.mark.slow
def test_coverage_of_autocorrelated_series(series) -> None:
    # Monte Carlo error of each share below .006
    blocks, rows = coverage(series, 3000, 12), coverage(series, 300, 1)
    assert min(blocks.values()) >= 0.88
    assert max(blocks.values()) <= 0.92
    assert max(rows.values()) < 0.75
