import numpy as np
import pytest

from uflux_stats.baselines import gpp
from uflux_stats.baselines.gpp import Climate
from uflux_stats.errors import ConfigError

MILD = Climate(20.0, 1000.0, 400.0, 101325.0)


def test_chi_by_hand() -> None:
    ambient = 400e-6 * 101325.0
    floor = 3.3392509 / ambient
    xi = np.sqrt(146.0 * (46.0992779 + 3.3392509) / (1.6 * 1.1253614))
    expected = floor + (1.0 - floor) * xi / (xi + np.sqrt(1000.0))
    assert gpp.optimal_chi(MILD) == pytest.approx(expected, rel=1e-7)


def test_dry_air_closes_and_saturated_air_opens_the_stomata() -> None:
    vpd = np.array([-5.0, 0.0, 500.0, 2000.0, 8000.0])
    chi = gpp.optimal_chi(Climate(20.0, vpd, 400.0, 101325.0))
    assert chi[0] == chi[1] == 1.0
    assert (np.diff(chi[1:]) < 0.0).all()


def test_c4_plants_need_a_smaller_opening() -> None:
    assert gpp.optimal_chi(MILD, beta=146.0 / 9.0) < gpp.optimal_chi(MILD)
    assert gpp.stomatal_sensitivity(MILD, 146.0 / 9.0) == pytest.approx(63.3145028 / 3.0)


def test_jmax_factor_by_hand() -> None:
    assert gpp.jmax_factor(0.82) == pytest.approx(np.sqrt(1.0 - 0.5 ** (2.0 / 3.0)))
    assert gpp.jmax_factor(np.array([0.41, 0.4, 0.0, -1.0])).tolist() == [0.0] * 4
    assert gpp.jmax_factor(np.array([0.2, 0.9]), "none").tolist() == [1.0, 1.0]


def test_unknown_jmax_limitation() -> None:
    with pytest.raises(ConfigError, match="jmax_limitation: expected 'wang17' or 'none', got 'sm"):
        gpp.jmax_factor(0.7, "smith19")


def test_no_efficiency_where_co2_is_too_scarce() -> None:
    scarce = Climate(30.0, 3000.0, 80.0, 101325.0)
    assert gpp.co2_limitation(scarce) < 0.41
    assert gpp.lue_c3(scarce) == 0.0
    assert gpp.lue_c3(scarce, limitation="none") > 0.0
    starved = Climate(45.0, 3000.0, 40.0, 101325.0)
    assert gpp.lue_c3(starved, limitation="none") >= 0.0


def test_quantum_yield_response_by_hand_and_clipped() -> None:
    assert gpp.quantum_yield_response(10.0) == pytest.approx(0.352 + 0.22 - 0.034)
    assert gpp.quantum_yield_response(10.0, "C4") == pytest.approx(-0.064 + 0.3 - 0.0464)
    cold = np.array([-60.0, -25.0, -13.3])
    assert (gpp.quantum_yield_response(cold) == 0.0).all()
    assert gpp.quantum_yield_response(-13.1) > 0.0
    assert gpp.quantum_yield_response(2.0, "C4") == 0.0


def test_listed_efficiencies() -> None:
    for temperature, expected in ((5.0, 0.2170278), (35.0, 0.1690218)):
        climate = Climate(temperature, 1000.0, 400.0, 101325.0)
        assert gpp.lue_c3(climate) == pytest.approx(expected, abs=5e-8)
    high = Climate(20.0, 1000.0, 400.0, 70000.0)
    assert gpp.lue_c3(high) == pytest.approx(0.2507714, abs=5e-8)


def test_photon_flux_by_hand() -> None:
    assert gpp.photon_flux(100.0, 2.04) == pytest.approx(100.0 * 2.04 * 0.0864)
    assert gpp.photon_flux(-3.0) == 0.0


def test_soil_moisture_stress() -> None:
    assert gpp.soil_moisture_stress(0.6, 0.3) == 1.0
    assert gpp.soil_moisture_stress(0.0, 0.5) == pytest.approx(0.733 * 0.5)
    assert gpp.soil_moisture_stress(0.3, 0.5) == pytest.approx(1.0 - (1.0 - 0.3665) * 0.25)
    # below the wilting point nothing more is lost
    assert gpp.soil_moisture_stress(-0.2, 0.5) == gpp.soil_moisture_stress(0.0, 0.5)
