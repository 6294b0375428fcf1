from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.memory import months_before
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.presets import DEFAULT, parse_graph
from uflux_stats.errors import GraphError

BUCKET = CausalGraph(
    {"P": (), "P_before": (), "GPP": ("P", "P_before"), "GPP_before": (),
     "RECO": ("P", "GPP_before")},
    memory={"P_before": ("P", 3), "GPP_before": ("GPP", 12)},
)  # fmt: skip


def test_missing_months_count_with_their_season() -> None:
    season = np.tile(np.arange(12.0), 4)[np.newaxis]
    gap = season.copy()
    gap[0, 20:22] = np.nan
    np.testing.assert_allclose(
        months_before(gap, 6, 0)[0, 22:30], months_before(season, 6, 0)[0, 22:30]
    )
    gap[0, 18:22] = np.nan
    assert np.isnan(months_before(gap, 6, 0)[0, 22])
    assert np.isnan(months_before(season, 12, 0)[0, :12]).all()


def test_a_mean_of_a_whole_year_has_no_season() -> None:
    season = np.tile(np.sin(np.arange(12.0)), 4)[np.newaxis]
    np.testing.assert_allclose(months_before(season, 12, 5)[0, 12:], season.mean(), atol=1e-12)


def bucket_world(series: Callable[..., np.ndarray]) -> pd.DataFrame:
    """GPP of this month's rain (1) and that of three months (2); RECO of GPP of a year (.5)."""
    rng = np.random.default_rng(5)
    rain = series(rng, 4000)
    before = months_before(rain[np.newaxis], 3, 0)[0]
    gpp = rain + 2.0 * np.nan_to_num(before) + 0.3 * rng.normal(size=4000)
    year = months_before(gpp[np.newaxis], 12, 0)[0]
    reco = 0.5 * np.nan_to_num(year) + 0.1 * rng.normal(size=4000)
    return pd.DataFrame({"P": rain, "GPP": gpp, "RECO": reco})


def test_a_lasting_change_goes_through_memory(series: Callable[..., np.ndarray]) -> None:
    found = attribute(fit_network(bucket_world(series), BUCKET, transform="raw"), replicates=20)
    one = found["attribution"].sel(driver="P", bound="estimate").squeeze(drop=True)
    assert one.sel(target="GPP", quantity="sensitivity").item() == pytest.approx(1.0, abs=0.1)
    assert one.sel(target="GPP", quantity="lasting_sensitivity").item() == pytest.approx(3, abs=0.2)
    assert one.sel(target="RECO", quantity="sensitivity").item() == pytest.approx(0.0, abs=0.05)
    assert one.sel(target="RECO", quantity="lasting_sensitivity").item() == pytest.approx(
        1.5, abs=0.2
    )


def test_without_memory_lasting_is_total(chain: CausalGraph, linear_world: pd.DataFrame) -> None:
    found = attribute(fit_network(linear_world, chain, transform="raw"), replicates=20)
    values = found["attribution"]
    np.testing.assert_allclose(values.sel(quantity="lasting"), values.sel(quantity="total"))


def test_memory_is_checked_and_read_from_yaml() -> None:
    with pytest.raises(GraphError, match="memory of A: expected one month or more"):
        CausalGraph({"A": (), "B": ("A",)}, memory={"A": ("B", 0)})
    with pytest.raises(GraphError, match="nearest"):
        CausalGraph({"TA": (), "GPP": ("TA",)}, memory={"GPP": ("TAA", 2)})
    text = "parents: {GPP: [P, P_before]}\nmemory: {P_before: [P, 3]}"
    assert parse_graph(text).memory == {"P_before": ("P", 3)}


def test_the_default_graph_has_leaves_and_memory() -> None:
    assert {"FAPAR", "P_before"} <= set(DEFAULT.parents["GPP"])
    assert "GPP_before" in DEFAULT.parents["RECO"]
    assert DEFAULT.targets == ("GPP", "RECO", "NEP")
