import numpy as np
import pandas as pd
import pytest
import xarray as xr

from uflux_stats.attribution.attribute import attribute
from uflux_stats.attribution.graph import CausalGraph
from uflux_stats.attribution.network import fit_network
from uflux_stats.attribution.samples import Group
from uflux_stats.errors import (
    CalendarError,
    ConfigError,
    MissingVariableError,
    SampleError,
    UnitsError,
)
from uflux_stats.schema import SCHEMA

GRAPH = CausalGraph({"TA": (), "GPP": ("TA",)})
NEP_GRAPH = CausalGraph({"TA": (), "NEP": ("TA",)})


def table(months: int = 120, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.date_range("2001-01", periods=months, freq="MS")
    ta = rng.normal(size=months)
    return pd.DataFrame({"TA": ta, "GPP": ta + rng.normal(size=months)}, index)


def towers(places: dict[str, tuple[float, float, int]], months: int = 96) -> xr.Dataset:
    """Towers at (lat, lon) of an IGBP class, each with its own level and slope."""
    rng = np.random.default_rng(1)
    time = pd.date_range("2001-01", periods=months, freq="MS")
    shape = (len(places), months)
    level = 10.0 * np.arange(len(places))[:, np.newaxis]
    ta = rng.normal(size=shape) + level
    gpp = ta + rng.normal(size=shape)
    lat, lon, igbp = zip(*places.values(), strict=True)
    axes = {"site": list(places), "time": time}
    return xr.Dataset(
        {
            "TA": (("site", "time"), ta, {"units": "degC"}),
            "GPP": (("site", "time"), gpp, SCHEMA["GPP"].attrs),
            "NEE": (("site", "time"), -gpp, SCHEMA["NEE"].attrs),
            "IGBP": ("site", list(igbp), {"units": "class"}),
        },
        coords={**axes, "lat": ("site", list(lat)), "lon": ("site", list(lon))},
    )


PLACES = {"DE-A": (50.0, 10.0, 1), "DE-B": (51.0, 11.0, 10), "FR-C": (47.0, 3.0, 1),
          "US-D": (40.0, -100.0, 10)}  # fmt: skip


def test_towers_are_grouped_by_continent_and_type() -> None:
    fitted = fit_network(towers(PLACES), GRAPH, by=("continent", "pft"))
    assert fitted[Group("Europe", "ENF")].sample.n_places == 2
    assert fitted[Group("globe", "GRA")].sample.n_places == 2
    assert fitted[Group()].sample.n == 4 * 96
    assert Group("Asia", "all") not in fitted
    assert fitted.select("Europe").group == Group("Europe")
    assert len(fitted) == len(list(fitted)) == 8


def test_anomalies_remove_differences_between_towers() -> None:
    data = towers(PLACES)
    raw = fit_network(data, GRAPH, transform="raw").select()
    anomaly = fit_network(data, GRAPH).select()
    assert float(raw.rank_correlation[0, 1]) > 0.95
    assert float(anomaly.rank_correlation[0, 1]) == pytest.approx(0.69, abs=0.1)
    means = pd.DataFrame(anomaly.sample.values).groupby(
        [anomaly.sample.place, anomaly.sample.month % 12]
    ).mean()  # fmt: skip
    np.testing.assert_allclose(means, 0.0, atol=1e-12)


def test_detrended_and_annual_rows() -> None:
    data = table()
    data["GPP"] += np.arange(120) * 0.5
    detrended = fit_network(data, GRAPH, transform="detrended").select().sample
    slope = np.polyfit(detrended.month, detrended.values, 1)[0]
    np.testing.assert_allclose(slope, 0.0, atol=1e-10)
    annual = fit_network(data, GRAPH, transform="annual").select().sample
    expected = data.groupby(data.index.year).mean()
    np.testing.assert_allclose(annual.values, expected - expected.mean(), atol=1e-12)


def test_seasons_keep_their_months() -> None:
    sample = fit_network(table(300), GRAPH, season="JJA").select().sample
    assert set(sample.month % 12 + 1) == {6, 7, 8}


def test_lags_look_back() -> None:
    lagged = CausalGraph(GRAPH.parents, lags={"TA": 1})
    data = table()
    sample = fit_network(data, lagged, transform="raw").select().sample
    np.testing.assert_array_equal(sample.column("TA"), data.TA.values[:-1])
    np.testing.assert_array_equal(sample.column("GPP"), data.GPP.values[1:])


def test_nep_is_minus_nee_without_an_identity() -> None:
    data = towers(PLACES)
    sample = fit_network(data, NEP_GRAPH, transform="raw").select().sample
    np.testing.assert_allclose(sample.column("NEP"), -data.NEE.values.ravel())


def test_cubes_are_weighted_by_area_and_pooled() -> None:
    rng = np.random.default_rng(4)
    axes = {"time": pd.date_range("2001-01", periods=72, freq="MS"), "lat": [10.0, 50.0],
            "lon": [5.0, 15.0, 25.0]}  # fmt: skip
    shape = (72, 2, 3)
    ta = rng.normal(size=shape)
    cube = xr.Dataset(
        {
            "TA": (tuple(axes), ta, {"units": "degC"}),
            "GPP": (tuple(axes), ta + rng.normal(size=shape), SCHEMA["GPP"].attrs),
        },
        coords={**axes, "land_area": (("lat", "lon"), [[1.0, 2.0, 3.0], [1.0, 1.0, 0.5]])},
    )
    cells = fit_network(cube, GRAPH, by="continent")
    assert cells[Group("Africa")].sample.pixels
    np.testing.assert_allclose(
        np.unique(cells[Group("Africa")].sample.weight), np.array([1, 2, 3]) / 2
    )
    mean = fit_network(cube, GRAPH, by="continent", pool="mean", transform="raw")
    expected = (ta[:, 0] * [1.0, 2.0, 3.0]).sum(axis=1) / 6.0
    np.testing.assert_allclose(mean[Group("Africa")].sample.column("TA"), expected)
    assert mean[Group("Africa")].sample.n_places == 3
    found = attribute(cells, replicates=40).attribution
    assert np.isfinite(found.sel(quantity="total", driver="TA")).all()


def test_regions_with_too_little_are_told_not_dropped() -> None:
    data = towers(PLACES)
    data["GPP"].loc[{"site": "US-D"}] = np.nan
    data["GPP"].loc[{"site": "US-D", "time": slice("2001-01", "2003-12")}] = 1.0
    fitted = fit_network(data, GRAPH, by="continent")
    assert "at least 60 complete months, got 36" in fitted.skipped[Group("North America")]
    with pytest.raises(SampleError, match="got 36"):
        fitted.select("North America")
    with pytest.raises(SampleError, match="nearest: Europe"):
        fitted.select("Eurpe")
    with pytest.raises(SampleError, match="'Antarctica'"):
        fitted.select("Antarctica")


@pytest.mark.parametrize(
    ("data", "options", "error", "match"),
    [
        (table(59), {"transform": "raw"}, SampleError, "at least 60 complete months, got 59"),
        (table(20), {}, SampleError, "at least 3 years"),
        (table().assign(TA=4.0), {}, SampleError, r"constant \['TA'\]"),
        (table().assign(TA=4.1), {"transform": "raw"}, SampleError, r"constant \['TA'\]"),
        (table().assign(GPP=np.nan), {"transform": "raw"}, SampleError, "at least 3 years|60"),
        (table().drop(columns="TA"), {}, MissingVariableError, r"columns \['TA'\]"),
        (table().iloc[::2], {}, CalendarError, "without gap"),
        (table(), {"transform": "rw"}, ConfigError, "transform"),
        (table(), {"season": "summer"}, ConfigError, "season"),
        (table(), {"min_months": 2}, ConfigError, "min_months"),
        (table(), {"by": "continent"}, ConfigError, "no places"),
        (table(), {"engine": "magic"}, ConfigError, "engine"),
    ],
)
def test_bad_input_is_named(data, options, error, match) -> None:
    with pytest.raises(error, match=match):
        fit_network(data, GRAPH, **options)


def test_bad_datasets_are_named() -> None:
    data = towers(PLACES)
    with pytest.raises(UnitsError, match="TA"):
        fit_network(data.assign(TA=data.TA.assign_attrs(units="K")), GRAPH)
    with pytest.raises(MissingVariableError, match="VPD"):
        fit_network(data, "default")
    with pytest.raises(ConfigError, match="by"):
        fit_network(data, GRAPH, by="country")
    with pytest.raises(MissingVariableError, match="lat"):
        fit_network(data.drop_vars("lat"), GRAPH, by="continent")


def test_missing_months_are_left_out() -> None:
    data = table()
    data.iloc[5:15, 0] = np.nan
    assert fit_network(data, GRAPH, transform="raw").select().sample.n == 110


def test_a_copied_variable_is_named() -> None:
    graph = CausalGraph({"TA": (), "TS": (), "GPP": ("TA", "TS")})
    with pytest.raises(SampleError, match="linearly independent"):
        fit_network(table().assign(TS=lambda data: 2 * data.TA + 1), graph, transform="raw")


def test_a_given_nep_is_kept() -> None:
    parents = {"TA": (), "GPP": ("TA",), "RECO": ("TA",), "NEP": ("TA",)}
    graph = CausalGraph(parents, {"NEP": {"GPP": 1.0, "RECO": -1.0}})
    rng = np.random.default_rng(4)
    frame = table().assign(RECO=rng.normal(size=120), NEP=rng.normal(size=120))
    kept = fit_network(frame, graph, transform="raw").select().sample
    np.testing.assert_array_equal(kept.column("NEP"), frame.NEP)
    made = fit_network(frame.drop(columns="NEP"), graph, transform="raw").select().sample
    np.testing.assert_allclose(made.column("NEP"), frame.GPP - frame.RECO)
    data = towers(PLACES)
    fluxes = {"RECO": data.NEE + data.TA, "NEP": -data.NEE}
    whole = data.assign({name: flux.assign_attrs(data.GPP.attrs) for name, flux in fluxes.items()})
    kept = fit_network(whole, graph, transform="raw").select().sample
    np.testing.assert_array_equal(kept.column("NEP"), -data.NEE.values.ravel())
