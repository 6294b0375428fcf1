from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.effects import IN_UNITS
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.scenarios import what_if
from uflux_stats.errors import ConfigError, GraphError, RangeError, SampleError

MONTHS = pd.date_range("1995-01", periods=240, freq="MS")


def estimates(attribution: xr.Dataset, target: str, driver: str) -> dict[str, float]:
    chosen = attribution.attribution.sel(region="globe", pft="all", target=target, driver=driver)
    return chosen.sel(bound="estimate").to_series().to_dict()


@pytest.fixture(scope="module")
def linear(linear_world: pd.DataFrame, chain: CausalGraph) -> xr.Dataset:
    return attribute(fit_network(linear_world, chain, transform="raw"), replicates=40)


def test_linear_gaussian_effects_are_recovered(linear: xr.Dataset) -> None:
    swin, ta = estimates(linear, "GPP", "SWIN"), estimates(linear, "GPP", "TA")
    assert swin["direct"] == pytest.approx(0.4, abs=0.02)
    assert swin["total"] == pytest.approx(0.225, abs=0.02)
    assert ta["direct"] == ta["total"] == pytest.approx(-0.35, abs=0.02)
    assert swin["association"] == pytest.approx(6 / np.pi * np.arcsin(0.225 / 2), abs=0.02)
    assert ta["sensitivity"] == pytest.approx(-0.35, abs=0.02)


def test_the_sum_over_paths_is_the_back_door_regression(linear: xr.Dataset) -> None:
    for driver in ("SWIN", "TA"):
        # all edges among SWIN, TA and GPP are there: the two are the same algebra
        gpp, reco = estimates(linear, "GPP", driver), estimates(linear, "RECO", driver)
        assert gpp["backdoor"] == pytest.approx(gpp["total"], abs=1e-8)
        assert reco["backdoor"] == pytest.approx(reco["total"], abs=0.02)


def test_nep_is_exactly_gpp_minus_reco(linear: xr.Dataset) -> None:
    chosen = linear.attribution.sel(quantity=["sensitivity", "trend"], bound="estimate")
    parts = chosen.sel(target="GPP") - chosen.sel(target="RECO")
    xr.testing.assert_allclose(chosen.sel(target="NEP", drop=True), parts)


def test_units_do_not_matter(linear_world: pd.DataFrame, chain: CausalGraph) -> None:
    changed = linear_world.assign(SWIN=linear_world.SWIN * 1000 + 5)
    few = {"transform": "raw"}
    first = attribute(fit_network(linear_world[:2000], chain, **few), replicates=20)
    second = attribute(fit_network(changed[:2000], chain, **few), replicates=20)
    without = [name for name in first.quantity.values if name not in (*IN_UNITS, "trend")]
    xr.testing.assert_allclose(
        first.attribution.sel(quantity=without), second.attribution.sel(quantity=without)
    )
    ratio = first.attribution.sel(quantity="sensitivity", driver="SWIN") / second.attribution.sel(
        quantity="sensitivity", driver="SWIN"
    )
    np.testing.assert_allclose(ratio.values, 1000.0)


def test_monotone_transforms_do_not_matter(linear_world: pd.DataFrame, chain: CausalGraph) -> None:
    graph = CausalGraph({k: v for k, v in chain.parents.items() if k != "NEP"})
    bent = linear_world.assign(SWIN=np.exp(linear_world.SWIN), GPP=linear_world.GPP**3)
    first, second = (
        attribute(fit_network(data[:2000], graph, transform="raw"), replicates=20)
        for data in (linear_world, bent)
    )
    same = ["association", "direct", "total", "backdoor"]
    xr.testing.assert_allclose(
        first.attribution.sel(quantity=same), second.attribution.sel(quantity=same)
    )


def test_shares_and_remainder_are_whole(series: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(8)
    years = np.arange(240) / 12
    ta = 0.05 * years + series(rng, 240, 0.5)
    world = pd.DataFrame({"TA": ta, "P": series(rng, 240, 0.5)}, index=MONTHS)
    world["GPP"] = 2.0 * world.TA + 0.5 * world.P + 0.03 * years + 0.3 * series(rng, 240, 0.5)
    graph = CausalGraph.from_edges([("TA", "GPP"), ("P", "GPP")])
    found = attribute(fit_network(world, graph), replicates=40)
    chosen = found.attribution.sel(region="globe", pft="all", target="GPP", bound="estimate")
    for share in ("trend_share", "iav_share"):
        assert float(chosen.sel(quantity=share).sum()) == pytest.approx(1.0, abs=1e-12)
    sensitivity = chosen.sel(quantity="sensitivity", driver="TA")
    assert float(sensitivity) == pytest.approx(2.0, abs=0.15)
    remainder = found.attribution.sel(
        region="globe", pft="all", target="GPP", driver="remainder", quantity="trend"
    )
    assert remainder.sel(bound="low") < 0.03 < remainder.sel(bound="high")
    assert float(chosen.sel(quantity="iav_share", driver="TA")) > 0.7


def seasonal_world(series: Callable[..., np.ndarray]) -> pd.DataFrame:
    """Season drives everything; anomalies of TA have a direct effect of -.35 on those of GPP."""
    rng = np.random.default_rng(21)
    size = 12 * 200
    season = np.tile(-np.cos(2 * np.pi * np.arange(12) / 12), size // 12)
    swin, ta = series(rng, size), series(rng, size)
    ta_anomaly = 0.5 * swin + np.sqrt(0.75) * ta
    left = np.sqrt(1 - 0.4**2 - 0.35**2 + 2 * 0.4 * 0.35 * 0.5)
    gpp = 0.4 * swin - 0.35 * ta_anomaly + left * series(rng, size)
    index = pd.date_range("1800-01", periods=size, freq="MS")
    return pd.DataFrame(
        {"SWIN": 4 * season + swin, "TA": 4 * season + ta_anomaly, "GPP": 4 * season + gpp}, index
    )


def test_anomalies_recover_what_raw_months_hide(series: Callable[..., np.ndarray]) -> None:
    world = seasonal_world(series)
    graph = CausalGraph.from_edges([("SWIN", "TA"), ("SWIN", "GPP"), ("TA", "GPP")])
    direct = {
        transform: estimates(
            attribute(fit_network(world, graph, transform=transform), replicates=20), "GPP", "TA"
        )["direct"]
        for transform in ("raw", "anomaly")
    }
    assert direct["anomaly"] == pytest.approx(-0.35, abs=0.05)
    assert direct["raw"] > 0.0


def test_temperature_is_not_blamed_for_the_season(series: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(22)
    season = np.tile(-np.cos(2 * np.pi * np.arange(12) / 12), 20)
    co2 = 380 + np.arange(240) / 6 + rng.normal(size=240)
    world = pd.DataFrame(
        {
            "CO2": co2,
            "TA": 10 + 10 * season + series(rng, 240, 0.3),
            "GPP": 5 + 4 * season + 0.05 * (co2 - 400) + 0.5 * series(rng, 240, 0.3),
        },
        index=MONTHS,
    )
    graph = CausalGraph.from_edges([("TA", "GPP"), ("CO2", "GPP")])
    raw = attribute(fit_network(world, graph, transform="raw"), replicates=40)
    anomaly = attribute(fit_network(world, graph), replicates=100)
    assert estimates(raw, "GPP", "TA")["association"] > 0.8
    assert estimates(raw, "GPP", "CO2")["association"] < 0.3
    ta = anomaly.attribution.sel(region="globe", pft="all", target="GPP", driver="TA")
    total = ta.sel(quantity="total")
    assert total.sel(bound="low") < 0.0 < total.sel(bound="high")
    assert estimates(anomaly, "GPP", "CO2")["total"] > 0.5


def test_what_if_moves_linear_targets_linearly(linear_world, chain: CausalGraph) -> None:
    networks = fit_network(linear_world, chain, transform="raw")
    warmer = what_if(networks, {"TA": 0.5}, replicates=20)
    assert float(warmer.change.sel(target="GPP")) == pytest.approx(-0.175, abs=0.02)
    assert float(warmer.change.sel(target="RECO")) == pytest.approx(0.3, abs=0.02)
    nep = warmer.change.sel(target="GPP") - warmer.change.sel(target="RECO")
    assert float(warmer.change.sel(target="NEP")) == pytest.approx(float(nep), abs=1e-12)
    brighter = what_if(networks, {"SWIN": 0.5}, replicates=20)
    assert float(brighter.change.sel(target="GPP")) == pytest.approx(0.1125, abs=0.02)
    held = what_if(networks, {"SWIN": 0.5, "TA": 0.0}, replicates=20)
    assert float(held.change.sel(target="GPP")) == pytest.approx(0.2, abs=0.02)
    assert float(held.change.sel(target="RECO")) == pytest.approx(0.0, abs=1e-12)
    assert (warmer.low < warmer.change).all()
    assert warmer.attrs["n"] == 20_000


def test_what_if_beyond_the_data_is_flagged(linear_world, chain: CausalGraph) -> None:
    networks = fit_network(linear_world[:500], chain, transform="raw")
    assert what_if(networks, {"TA": 0.1}, replicates=20).attrs["outside_share"] < 0.01
    far = what_if(networks, {"TA": 50.0}, replicates=20)
    assert far.attrs["outside_share"] == 1.0
    assert np.isfinite(far.change).all()


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"TAA": 1.0}, GraphError, "nearest: TA"),
        ({"GPP": 1.0}, GraphError, "drive nothing"),
        ({}, RangeError, "finite changes"),
        ({"TA": np.nan}, RangeError, "finite changes"),
    ],
)
def test_wrong_changes_are_refused(linear_world, chain, changes, error, match) -> None:
    networks = fit_network(linear_world[:500], chain, transform="raw")
    with pytest.raises(error, match=match):
        what_if(networks, changes)
    with pytest.raises(SampleError, match="region or pft"):
        what_if(networks, {"TA": 1.0}, region="Atlantis")
    with pytest.raises(SampleError, match="pass the networks"):
        what_if(networks.select(), {"TA": 1.0}, region="Europe")


def test_seeds_reproduce(linear_world: pd.DataFrame, chain: CausalGraph) -> None:
    networks = fit_network(linear_world[:600], chain, transform="raw")
    one, two, other = (attribute(networks, replicates=30, seed=seed) for seed in (1, 1, 2))
    xr.testing.assert_identical(one, two)
    assert not one.equals(other)


def test_wrong_options_and_targets_are_refused(linear_world, chain: CausalGraph) -> None:
    networks = fit_network(linear_world[:600], chain, transform="raw")
    with pytest.raises(ConfigError, match="replicates"):
        attribute(networks, replicates=3)
    with pytest.raises(GraphError, match="nearest"):
        attribute(networks, "GP", replicates=20)
    only = attribute(networks, "GPP", replicates=20)
    assert only.target.values.tolist() == ["GPP"]
