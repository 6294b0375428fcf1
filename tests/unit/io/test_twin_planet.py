"""The twin planet and its weather: real continents, deliberate trends, plausible climate."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from uflux_stats.checks import require_range
from uflux_stats.errors import ConfigError
from uflux_stats.io.twin import Trends, TwinOptions
from uflux_stats.io.twin.noise import red_noise
from uflux_stats.io.twin.planet import make_planet
from uflux_stats.io.twin.summary import slope, yearly_totals
from uflux_stats.io.twin.truth import (
    Properties,
    gross_production,
    respiration,
    settle,
    soil_water,
    true_fluxes,
)
from uflux_stats.io.twin.weather import DRIVERS, carbon_dioxide, make_weather, warming_pattern
from uflux_stats.schema import IGBP_CLASSES

OPTIONS = TwinOptions(resolution=5.0, years=(2003, 2012))


@pytest.fixture(scope="module")
def planet() -> xr.Dataset:
    return make_planet(OPTIONS)[1]


@pytest.fixture(scope="module")
def weather(planet: xr.Dataset) -> xr.Dataset:
    return make_weather(planet, OPTIONS)


@pytest.fixture(scope="module")
def properties(planet: xr.Dataset, weather: xr.Dataset) -> Properties:
    return settle(planet, weather, OPTIONS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resolution": 7.0}, "resolution: expected 0.5 to 30 degrees"),
        ({"resolution": 0.1}, "resolution: expected"),
        ({"resolution": float("nan")}, "resolution: expected"),
        ({"years": (2010, 2010)}, "years: expected first year before last"),
        ({"years": (1800, 2010)}, "years: expected"),
        ({"n_towers": 5}, "n_towers: expected 6 or more, got 5"),
        ({"n_dgvms": 17}, "n_dgvms: expected 1 to 16"),
        ({"seed": -1}, "seed: expected a whole number"),
    ],
)
def test_options_that_cannot_be_built_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TwinOptions(**changes)  # type: ignore[arg-type]


def test_continents_have_their_real_areas(planet: xr.Dataset) -> None:
    area = planet["land_area"].groupby(planet["continent"]).sum() / 1e12
    real = {"Africa": 30.1, "Asia": 44.6, "North America": 24.2, "South America": 17.8}
    for name, expected in real.items():
        assert area.sel(continent=name).item() == pytest.approx(expected, rel=0.06), name


def test_many_vegetation_classes_and_all_climates_exist(planet: xr.Dataset) -> None:
    found = {IGBP_CLASSES[int(code)] for code in planet["IGBP"].values}
    assert {"ENF", "EBF", "DNF", "DBF", "MF", "OSH", "WSA", "SAV", "GRA", "WET", "CRO"} <= found
    assert {"BSV", "SNO"} <= found
    assert set(planet["KOPPEN"].values) == {1, 2, 3, 4, 5}


def place(planet: xr.Dataset, lat: float, lon: float) -> xr.Dataset:
    distance = (planet["lat"] - lat) ** 2 + (planet["lon"] - lon) ** 2
    return planet.isel(cell=int(distance.argmin("cell")))


def test_known_places_have_their_climate(planet: xr.Dataset) -> None:
    amazon, sahara, siberia = (
        place(planet, lat, lon) for lat, lon in ((-4, -64), (23, 12), (64, 120))
    )
    assert IGBP_CLASSES[int(amazon["IGBP"])] in {"EBF", "WET"}
    assert IGBP_CLASSES[int(sahara["IGBP"])] == "BSV"
    assert amazon["P"].mean() > 4
    assert sahara["P"].mean() < 0.3
    assert siberia["TA"].max() - siberia["TA"].min() > 40
    assert float(amazon["TA"].max() - amazon["TA"].min()) < 6


def test_weather_is_physically_possible(weather: xr.Dataset) -> None:
    for name in DRIVERS:
        require_range(weather[name], name=name)
        assert weather[name].notnull().all()


def test_warming_alone_makes_the_deliberate_trend(planet: xr.Dataset, weather: xr.Dataset) -> None:
    still = replace(OPTIONS, trends=replace(OPTIONS.trends, warming=0.0))
    added = weather["TA"] - make_weather(planet, still)["TA"]
    expected = 0.03 * warming_pattern(planet["lat"].values) * OPTIONS.elapsed[:, None]
    np.testing.assert_allclose(added.values, expected, atol=1e-12)


def test_without_deliberate_trends_co2_stands_still(planet: xr.Dataset) -> None:
    still = replace(OPTIONS, trends=Trends(0.0, 0.0, (0.0, 0.0)))
    weather = make_weather(planet, still)
    assert weather["CO2"].std() == pytest.approx(0.0, abs=1e-9)
    assert abs(slope(weather["FAPAR"].mean("cell").groupby("time.year").mean())) < 4e-4


def test_carbon_dioxide_grows_about_as_observed() -> None:
    ppm = carbon_dioxide(TwinOptions())
    assert ppm[:12].mean() == pytest.approx(376, abs=1.5)
    assert ppm[-12:].mean() == pytest.approx(417, abs=1.5)
    assert (np.diff(ppm) > 0).all()


def test_noise_has_unit_variance_memory_and_reach() -> None:
    lat, lon = np.array([50.0, 51.0, -30.0]), np.array([10.0, 11.0, 140.0])
    noise = red_noise(np.random.default_rng(3), 4000, lat, lon, persistence=0.6)
    assert noise.std(axis=0) == pytest.approx(1.0, abs=0.25)
    together = np.corrcoef(noise.T)
    assert together[0, 1] > 0.9
    assert abs(together[0, 2]) < 0.1
    assert np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1] == pytest.approx(0.6, abs=0.05)


def test_noise_knows_no_date_line() -> None:
    lat, lon = np.array([12.0, 12.0]), np.array([-179.999, 179.999])
    noise = red_noise(np.random.default_rng(1), 5, lat, lon, persistence=0.5)
    np.testing.assert_allclose(noise[:, 0], noise[:, 1], atol=1e-3)


def test_truth_looks_like_the_earth(
    planet: xr.Dataset, weather: xr.Dataset, properties: Properties
) -> None:
    totals = yearly_totals(planet, true_fluxes(weather, properties)).mean()
    assert totals["GPP"] == pytest.approx(125, rel=1e-3)
    assert 2 < -totals["NEE"] < 6
    assert 0.4 < totals["NPP"] / totals["GPP"] < 0.55


def test_true_budgets_close_exactly(weather: xr.Dataset, properties: Properties) -> None:
    flux = true_fluxes(weather, properties)
    assert (flux["RECO"] - flux["GPP"] == flux["NEE"]).all()
    assert (flux["Ra"] + flux["Rh"] == flux["RECO"]).all()
    assert (flux["GPP"] - flux["Ra"] == flux["NPP"]).all()
    for name in ("GPP", "RECO", "Ra", "Rh"):
        assert (flux[name] >= 0).all()


def test_respiration_answers_to_temperature_with_its_q10(
    weather: xr.Dataset, properties: Properties
) -> None:
    """Ten kelvin more, with GPP and soil water as before, multiply RECO by Q10."""
    water = soil_water(weather)
    gpp = gross_production(weather, properties, water)
    before = respiration(weather, properties, water, gpp)
    warmer = weather.assign(TA=weather["TA"] + 10)
    after = respiration(warmer, properties, water, gpp)
    alive = properties.rref > 0
    np.testing.assert_allclose(
        after[:, alive] / before[:, alive], np.tile(properties.q10[alive], (120, 1)), rtol=1e-9
    )


def test_nothing_breathes_where_nothing_grows(properties: Properties) -> None:
    assert (properties.efficiency == 0).any()
    assert (properties.rref[properties.efficiency == 0] == 0).all()
