import numpy as np
import pytest

from uflux_stats.baselines import latent_heat as model


def test_slope_is_the_derivative_of_the_pressure() -> None:
    warmth, step = np.linspace(-20.0, 40.0, 13), 1e-4
    rise = model.saturation_pressure(warmth + step) - model.saturation_pressure(warmth - step)
    assert model.saturation_slope(warmth) == pytest.approx(rise / (2.0 * step), rel=1e-7)


def test_slope_of_the_tables() -> None:
    # FAO-56, annex 2, table 2.4
    expected = {1.0: 0.047, 10.0: 0.082, 25.0: 0.189, 40.0: 0.393}
    for warmth, slope in expected.items():
        assert model.saturation_slope(warmth) == pytest.approx(slope, abs=6e-4)


def test_coefficient_by_hand() -> None:
    ndvi = np.array([-0.3, 0.2, 0.6, 1.0, 1.2])
    assert model.greenness_coefficient(ndvi) == pytest.approx([0.0, 0.0, 0.63, 1.26, 1.26])


def test_flux_by_hand() -> None:
    gamma = 0.000665 * 90.0
    slope = 4098.0 * 0.6108 * np.exp(17.27 * 15.0 / 252.3) / 252.3**2
    expected = 1.26 * 0.5 / 0.8 * slope / (slope + gamma) * 120.0
    found = model.latent_heat(120.0, 15.0, 0.7, model.psychrometric_constant(90.0))
    assert found == pytest.approx(expected, rel=2e-4)


def test_no_energy_no_evaporation() -> None:
    assert model.latent_heat(np.array([-80.0, 0.0]), 10.0, 0.8, 0.066).tolist() == [0.0, 0.0]


def test_thin_air_evaporates_more() -> None:
    low, high = (
        model.latent_heat(100.0, 15.0, 0.8, model.psychrometric_constant(pressure))
        for pressure in (101.3, 70.0)
    )
    assert high > low
