import numpy as np
import pytest

from uflux_stats.baselines import thermodynamics as physics


@pytest.mark.parametrize(
    ("temperature", "expected"), [(0.0, 1.792e-3), (20.0, 1.0016e-3), (50.0, 0.5465e-3)]
)
def test_viscosity_of_water_is_that_of_the_tables(temperature: float, expected: float) -> None:
    assert physics.water_viscosity(temperature, 101325.0) == pytest.approx(expected, rel=2e-3)


def test_water_is_densest_near_four_degrees() -> None:
    temperature = np.linspace(0.0, 10.0, 1001)
    density = physics.water_density(temperature, np.full(1001, 101325.0))
    assert temperature[density.argmax()] == pytest.approx(3.98, abs=0.1)
    assert density.max() == pytest.approx(999.97, abs=0.03)


def test_pressure_falls_as_in_the_standard_atmosphere() -> None:
    assert physics.pressure_from_elevation(0.0) == 101325.0
    assert physics.pressure_from_elevation(3000.0) == pytest.approx(71012.04655601)


def test_arrhenius_is_one_at_the_reference_and_rises() -> None:
    factors = physics.arrhenius(np.array([-20.0, 25.0, 40.0]), 50000.0)
    assert factors[1] == 1.0
    assert (np.diff(factors) > 0.0).all()


def test_compensation_point_is_proportional_to_pressure() -> None:
    low, high = (physics.gamma_star(15.0, pressure) for pressure in (50000.0, 100000.0))
    assert high == pytest.approx(2.0 * low)


def test_oxygen_raises_the_michaelis_menten_coefficient_with_pressure() -> None:
    without, half, whole = (physics.michaelis_menten(25.0, p) for p in (0.0, 5e4, 1e5))
    assert without == pytest.approx(39.97)
    assert whole - half == pytest.approx(half - without)
