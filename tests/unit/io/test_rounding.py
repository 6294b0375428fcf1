"""Rounding of the mantissa: nearest, even at ties, missing kept, idempotent."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from uflux_stats.io.rounding import KEPT, round_mantissa

NORMAL = st.floats(2.0**-100, 2.0**100, width=32)


@given(NORMAL, st.booleans(), st.integers(1, 22))
def test_the_error_is_at_most_half_of_the_last_bit(size: float, down: bool, kept: int) -> None:
    value = np.float32(-size if down else size)
    rounded = round_mantissa(np.array([value]), kept=kept)
    assert abs(rounded[0] - value) <= abs(value) * 2.0 ** -(kept + 1)
    np.testing.assert_array_equal(round_mantissa(rounded, kept=kept), rounded)


def test_ties_go_to_the_even_and_bits_are_gone() -> None:
    last = 2.0**-KEPT
    ties = np.float32([1.0 + 0.5 * last, 1.0 + 1.5 * last])
    assert round_mantissa(ties).tolist() == [1.0, 1.0 + 2.0 * last]
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert not (round_mantissa(values).view(np.uint32) & 0x3FF).any()


def test_what_is_not_a_number_stays() -> None:
    values = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0])
    np.testing.assert_array_equal(round_mantissa(values), values)
