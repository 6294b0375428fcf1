import numpy as np
import pytest

from uflux_stats.baselines import respiration
from uflux_stats.errors import ConfigError


@pytest.mark.parametrize(("form", "sensitivity"), [("q10", 1.5), ("lloyd_taylor", 308.56)])
def test_the_rate_is_that_at_the_reference(form: respiration.Form, sensitivity: float) -> None:
    assert respiration.reco(10.0, 2.7, sensitivity, form) == pytest.approx(2.7, rel=1e-12)


def test_ten_kelvin_multiply_by_q10_anywhere() -> None:
    warmth = np.linspace(-40.0, 40.0, 9)
    ratio = respiration.q10_response(warmth + 10.0, 1.7) / respiration.q10_response(warmth, 1.7)
    assert ratio == pytest.approx(1.7)


def test_lloyd_taylor_by_hand() -> None:
    expected = np.exp(308.56 * (1.0 / 56.02 - 1.0 / (298.15 - 227.13)))
    assert respiration.lloyd_taylor_response(25.0) == pytest.approx(expected)


def test_lloyd_taylor_stops_at_its_zero() -> None:
    cold = np.array([-100.0, -46.02 - 1e-9, -46.02 + 1e-3])
    assert respiration.lloyd_taylor_response(cold).tolist() == [0.0, 0.0, 0.0]
    assert respiration.lloyd_taylor_response(-40.0) > 0.0


def test_lloyd_taylor_reference_below_zero_point() -> None:
    with pytest.raises(ConfigError, match=r"reference: expected above T0 = 227\.13 K, got -50"):
        respiration.lloyd_taylor_response(10.0, reference=-50.0)


@pytest.mark.parametrize(("q10", "e0"), [(1.5, 127.0), (2.0, 217.0)])
def test_equivalent_sensitivities_at_the_reference(q10: float, e0: float) -> None:
    step = 0.01
    slopes = [
        np.log(respiration.temperature_response(10.0 + step, sensitivity, form)) / step
        for form, sensitivity in (("q10", q10), ("lloyd_taylor", e0))
    ]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.01)


def test_lloyd_taylor_sensitivity_falls_with_warmth_and_that_of_q10_does_not() -> None:
    warmth = np.array([0.0, 10.0, 20.0])
    assert (np.diff(np.log(respiration.lloyd_taylor_response(warmth)), 2) < 0.0).all()
    assert np.diff(np.log(respiration.q10_response(warmth, 2.0)), 2) == pytest.approx(0.0)


def test_unknown_form() -> None:
    with pytest.raises(ConfigError, match=r"form: expected one of \['q10', 'lloyd_taylor'\], got"):
        respiration.temperature_response(10.0, 2.0, "arrhenius")
