"""The real towers: the paper's networks beside its printed values."""

import numpy as np
import pytest
import xarray as xr

from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.published import compare_published
from uflux_stats.attribution.query import query
from uflux_stats.attribution.store import attribution_dataset
from uflux_stats.grid import CONTINENTS
from uflux_stats.io.fluxnet import read_fluxnet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def towers(real_data) -> xr.Dataset:
    return read_fluxnet(real_data / "fluxnet2015")


def test_raw_months_reproduce_the_printed_network_of_europe(towers: xr.Dataset) -> None:
    networks = fit_network(
        towers, "paper", by="continent", transform="raw", regions="natural_earth", pool="mean",
        min_months=36,
    )  # fmt: skip
    assert {group.region for group in networks} >= set(CONTINENTS.values())
    table = compare_published(networks)
    europe = table[(table.region == "Europe") & table.published.notna()]
    assert len(europe) == 15
    assert np.abs(europe.difference).median() < 0.1
    drivers = europe[europe.effect.isin(["GPP", "RECO"])]
    assert np.abs(drivers.difference).max() < 0.2
    assert (table.n_places[table.region == "Europe"] > 60).all()


def test_anomalies_tell_another_story(towers: xr.Dataset) -> None:
    found = attribution_dataset(towers, replicates=100)
    choice = {"region": "Europe", "target": "GPP", "quantity": "association"}
    raw, anomaly = (
        query(found, transform=transform, **choice).set_index("driver").estimate
        for transform in ("raw", "anomaly")
    )
    assert raw["TA"] > 0.5 > 0.3 > anomaly["TA"]
    total = query(found, region="Europe", target="GPP", quantity="total").set_index("driver")
    assert total.loc["VPD", "high"] < 0.0 < raw["VPD"]
