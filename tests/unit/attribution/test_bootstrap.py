from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution.attribute import attribute, group_effects
from uflux_stats.attribution.bootstrap import (
    BootstrapOptions,
    degrees_of_freedom,
    draw_counts,
    freedom_of_variance,
    missed_memory,
    schemes,
)
from uflux_stats.attribution.copula import fit_copula
from uflux_stats.attribution.effects import QUANTITIES, Effects
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.moments import MomentMaker
from uflux_stats.attribution.network import Network, fit_network
from uflux_stats.attribution.ranks import correlation, normal_scores
from uflux_stats.attribution.samples import Group, Sample

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
    counts = draw_counts(sample_of([48, 60]), BootstrapOptions(replicates=50), "blocks")
    np.testing.assert_array_equal(counts[:, :48].sum(axis=1), 48)
    np.testing.assert_array_equal(counts[:, 48:].sum(axis=1), 60)
    # a row is drawn with its neighbours: counts change only at ends of blocks
    changes = (np.diff(counts[:, :48], axis=1) != 0).sum(axis=1)
    assert (changes <= 8).all()


def test_many_towers_are_resampled_whole() -> None:
    counts = draw_counts(sample_of([24] * 8), BootstrapOptions(replicates=200), "places")
    of_tower = counts.reshape(200, 8, 24).sum(axis=2) / 24
    assert (of_tower == 0).any()
    np.testing.assert_allclose(of_tower.sum(axis=1), 8)
    assert degrees_of_freedom(sample_of([24] * 8), BootstrapOptions(), "places") == 7


def test_places_share_their_years() -> None:
    sample = sample_of([36] * 4, pixels=True)
    counts = draw_counts(sample, BootstrapOptions(replicates=30), "years").reshape(30, 4, 3, 12)
    assert (counts == counts[:, :1, :, :1]).all()
    np.testing.assert_array_equal(counts.sum(axis=(1, 2, 3)), 144)
    assert degrees_of_freedom(sample, BootstrapOptions(), "years") == 1


def test_what_is_resampled_depends_on_what_there_is() -> None:
    assert schemes(sample_of([60])) == ("blocks",)
    assert schemes(sample_of([60] * 2)) == ("blocks", "years")
    assert schemes(sample_of([60] * 5)) == ("places", "years")
    assert schemes(sample_of([24] * 5)) == ("places",)
    assert schemes(sample_of([60] * 5, pixels=True)) == ("years",)
    assert schemes(sample_of([24] * 5, pixels=True)) == ("places",)


def share_covered(
    pixels: bool, shared: bool, worlds: int = 200, *, months: int = 2, memory: float = 0.0
) -> float:
    """Share of worlds of 8 places and 12 years of months whose 90 % interval has the truth.

    Where the weather is shared, 90 % of the variance is the same everywhere.
    """
    graph, truth, hits = CausalGraph({"A": (), "Y": ("A",)}), 0.6, 0
    rows = 12 * months
    sample = sample_of([rows] * 8, pixels)
    sample = replace(sample, names=("A", "Y"), month=12 // months * sample.month)
    for number in range(worlds):
        rng = np.random.default_rng(number)
        common = np.repeat(rng.normal(size=(1, rows, 2)), 8, axis=0)
        own = rng.normal(size=(8, rows, 2))
        noise = np.sqrt(0.9) * common + np.sqrt(0.1) * own if shared else own
        for row in range(1, rows):
            noise[:, row] = memory * noise[:, row - 1] + np.sqrt(1 - memory**2) * noise[:, row]
        a, e = noise.reshape(-1, 2).T
        values = np.column_stack([a, truth * a + 0.8 * e])
        one = replace(sample, values=values)
        empirical = correlation(normal_scores(values))
        network = Network(graph, Group(), one, empirical, fit_copula(empirical, graph))
        found = group_effects(network, BootstrapOptions(replicates=40, seed=number))
        _, low, high = found[0, 0, list(QUANTITIES).index("direct")]
        hits += low <= truth <= high
    return hits / worlds


@pytest.mark.parametrize("pixels", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_intervals_hold_whether_weather_is_shared_or_not(pixels: bool, shared: bool) -> None:
    # nominal .90, Monte Carlo error .02; of towers that share nothing the wider of two is too wide
    assert 0.87 <= share_covered(pixels, shared) <= (0.96 if pixels or shared else 0.99)


def test_few_products_tell_little_of_their_variance() -> None:
    # 6 / 12 of excess kurtosis: a variance of 2 / 10 + .5 / 10
    assert freedom_of_variance(10, 12, 0.0) == pytest.approx(8.0)
    assert freedom_of_variance(10, 12, 0.5) < 8.0
    assert freedom_of_variance(10, 1, 0.0) == 3.0
    assert freedom_of_variance(2, 1, 0.0) == 2.0
    assert freedom_of_variance(1e6, 1e9, 0.0) == pytest.approx(1e6)


@pytest.mark.slow
@pytest.mark.parametrize("pixels", [True, False])
def test_intervals_hold_where_shared_weather_remembers(pixels: bool) -> None:
    # nominal .90, Monte Carlo error .008; .84 without tails and memory in the width
    assert 0.88 <= share_covered(pixels, shared=True, worlds=1500, months=12, memory=0.8) <= 0.94


def test_resampled_moments_are_those_of_repeated_rows() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(120, 3)).round(1), columns=list("ABY"))
    network = fit_network(frame, GRAPH, transform="raw").select()
    counts = draw_counts(network.sample, BootstrapOptions(replicates=20), "blocks")
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
