import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.lasting import lasting_changes
from uflux_stats.attribution.local import LocalNetworks, fit_local
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.samples import Group
from uflux_stats.attribution.scenarios import what_if
from uflux_stats.errors import ConfigError, GraphError, RangeError, SampleError

GRAPH = CausalGraph(
    {"SWIN": (), "TA": ("SWIN",), "GPP": ("SWIN", "TA"), "GPP_before": (),
     "RECO": ("TA", "GPP_before"), "NEP": ("SWIN", "TA", "GPP_before")},
    identities={"NEP": {"GPP": 1.0, "RECO": -1.0}},
    memory={"GPP_before": ("GPP", 12)},
)  # fmt: skip
SLOPES = np.array([0.1, 0.5, 1.2, 0.2])
"""Of GPP on TA, which differs from place to place as does the variation of TA."""


def world(years: int = 24) -> xr.Dataset:
    """Four cells; TA varies most where GPP hardly answers; RECO follows GPP of the year before."""
    rng = np.random.default_rng(3)
    time = pd.date_range("2000-01", periods=12 * years, freq="MS", unit="ns")
    swin = 100 + 10 * rng.normal(size=(time.size, 2, 2))
    spread = np.array([[4.0, 1.0], [0.5, 2.0]])
    ta = 10 + 0.05 * (swin - 100) + spread * rng.normal(size=swin.shape)
    gpp = 0.02 * swin + SLOPES.reshape(2, 2) * ta + 0.02 * rng.normal(size=swin.shape)
    year = np.stack([gpp[max(0, t - 12) : max(t, 1)].mean(axis=0) for t in range(time.size)])
    reco = 0.3 * ta + 0.5 * year + 0.02 * rng.normal(size=swin.shape)
    units = {"SWIN": "W m-2", "TA": "degC", "GPP": "gC m-2 d-1", "RECO": "gC m-2 d-1"}
    data = {"SWIN": swin, "TA": ta, "GPP": gpp, "RECO": reco}
    place = {"lat": [45.0, 55.0], "lon": [5.0, 15.0]}
    return xr.Dataset(
        {name: (("time", "lat", "lon"), values, {"units": units[name]})
         for name, values in data.items()},
        coords={"time": time, **place,
                "land_area": (("lat", "lon"), np.full((2, 2), 1e10), {"units": "m2"})},
    )  # fmt: skip


@pytest.fixture(scope="module")
def networks() -> LocalNetworks:
    return fit_local(world(), GRAPH, by="continent", curved=())


def test_a_notebook_shows_the_places_of_each_group(networks: LocalNetworks) -> None:
    shown = networks._repr_html_()
    assert f"records of up to {networks.years} years" in shown
    for group, places in networks.members.items():
        assert group.region in shown
        assert f"<td>{int(places.sum())}</td>" in shown


def test_effects_that_differ_are_averaged_over_land(networks: LocalNetworks) -> None:
    held = lasting_changes(networks, {"TA": 1.0}, hold=True)[Group()]
    mean = SLOPES.mean()
    assert held["change"].sel(target="GPP").item() == pytest.approx(mean, abs=0.02)
    assert held["change"].sel(target="RECO").item() == pytest.approx(0.3 + 0.5 * mean, abs=0.05)
    pooled = fit_network(world(), GRAPH).select()
    weighed = what_if(pooled, {"TA": 1.0}, replicates=20)["change"].sel(target="GPP").item()
    assert abs(weighed - mean) > 0.2


def test_drivers_follow_unless_held(networks: LocalNetworks) -> None:
    followed = what_if(networks, {"SWIN": 10.0})["change"]
    held = what_if(networks, {"SWIN": 10.0}, hold=True)["change"]
    assert held.sel(target="GPP").item() == pytest.approx(0.2, abs=0.03)
    assert followed.sel(target="GPP").item() == pytest.approx(0.2 + 0.5 * SLOPES.mean(), abs=0.06)
    difference = followed.sel(target="GPP") - followed.sel(target="RECO")
    assert followed.sel(target="NEP").item() == pytest.approx(difference.item())


def test_answers_carry_their_interval_n_and_support(networks: LocalNetworks) -> None:
    near, far = (what_if(networks, {"TA": step}, region="Europe") for step in (0.1, 100.0))
    assert (near["low"] < near["change"]).all()
    assert (near["change"] < near["high"]).all()
    assert near.attrs["n"] == 4 * 12 * 23
    assert near.attrs["n_places"] == 4
    assert near.attrs["area"] == 4e10
    assert near.attrs["outside_share"] < 0.05 < far.attrs["outside_share"] == 1.0


def test_a_bend_is_found() -> None:
    bent = world()
    gpp = 0.5 * bent["TA"] - 0.1 * (bent["TA"] - bent["TA"].mean("time")) ** 2
    data = bent.assign(GPP=gpp.assign_attrs(bent["GPP"].attrs))
    found = what_if(fit_local(data, GRAPH, curved=("TA",)), {"TA": 2.0}, hold=True)
    assert found["change"].sel(target="GPP").item() == pytest.approx(1.0 - 0.4, abs=0.1)


def test_trends_are_those_of_each_month(networks: LocalNetworks) -> None:
    data = world()
    years = xr.DataArray(np.arange(data.sizes["time"]) // 12, dims="time")
    grown = (data["TA"] + 0.3 * years).assign_attrs(data["TA"].attrs)
    steady = networks.trend("TA")
    trend = fit_local(data.assign(TA=grown), GRAPH, curved=()).trend("TA")
    np.testing.assert_allclose(trend - steady, 0.3, atol=1e-9)


def test_what_cannot_be_answered_is_said(networks: LocalNetworks) -> None:
    with pytest.raises(SampleError, match="nearest: Europe"):
        what_if(networks, {"TA": 1.0}, region="Europ")
    with pytest.raises(SampleError, match="expected one of"):
        what_if(networks, {"TA": 1.0}, region="Africa")
    with pytest.raises(GraphError, match="which drive nothing"):
        what_if(networks, {"GPP": 1.0})
    with pytest.raises(RangeError, match="finite changes"):
        what_if(networks, {"TA": np.nan})
    with pytest.raises(SampleError, match="place with at least"):
        fit_local(world(years=6), GRAPH)
    with pytest.raises(ConfigError, match="cells: expected at least 1"):
        fit_local(world(), GRAPH, cells=0)


def test_a_driver_that_does_not_vary_has_no_effect() -> None:
    data = world()
    flat = data["SWIN"].where(data["lat"] > 50, 100.0).assign_attrs(data["SWIN"].attrs)
    found = lasting_changes(fit_local(data.assign(SWIN=flat), GRAPH, curved=()), {"SWIN": 1.0},
                            hold=True)[Group()]  # fmt: skip
    assert np.isfinite(found["change"]).all()


@pytest.mark.parametrize("rain", [0.1, 0.3, 0.7, 1.3])
def test_rain_of_a_single_year_tells_nothing_once_that_year_is_left_out(rain: float) -> None:
    """Its sum of squares without that year is zero but for rounding, on either side of it."""
    wet = world()
    swin = wet["SWIN"].values
    swin[:, 0, 0] = 0.0
    year = 5
    swin[12 * year : 12 * year + 12, 0, 0] = rain * np.arange(1.0, 13.0) / 7.0
    networks = fit_local(wet, GRAPH, by=None, curved=())
    without = networks._products(year + 1)[0, :, 0, 0]
    whole = networks._products(0)[0, :, 0, 0]
    assert np.all(np.abs(without) <= 1e-12 * whole)
    slopes = networks.equation("GPP").slopes
    assert np.isfinite(slopes).all()
    assert (slopes[year + 1, 0, :, 0] == 0.0).all()
    assert (slopes[year + 1, 1:, :, 0] != 0.0).all(), "other places keep their slopes"
