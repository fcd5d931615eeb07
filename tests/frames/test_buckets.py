import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.buckets import COARSEST, FINEST, bucket_of, known_scale, relative_error

SCALES = st.integers(COARSEST, FINEST)
NUMBERS = st.floats(min_value=5e-324, allow_infinity=False)


def holds(number: float, index: int, scale: int) -> bool:
    """b^index < number ≤ b^(index + 1), as whole numbers say it: both sides raised until the bound is a power of 2."""
    fine, wide = 2 ** max(scale, 0), 2 ** max(-scale, 0)
    raised = Fraction(number) ** fine
    return Fraction(2) ** (index * wide) < raised <= Fraction(2) ** ((index + 1) * wide)


@given(NUMBERS, st.integers(-3, FINEST))
@example(1.0, 6)
@example(5e-324, 6)
@example(2.2250738585072014e-308, 6)
@example(1.7976931348623157e308, 10)
def test_a_number_lies_above_the_lower_bound_and_at_most_at_the_upper_one(number, scale):
    assert holds(number, int(bucket_of(np.array([number]), scale)[0]), scale)


@given(st.integers(0, 63), st.integers(-1021, 1022), st.integers(-2, 2))
def test_the_floats_beside_a_bound_fall_on_the_right_side_of_it(k, exponent, steps):
    beside = math.ldexp(2 ** (k / 64), exponent)
    for _ in range(abs(steps)):
        beside = math.nextafter(beside, math.inf if steps > 0 else 0)
    assert holds(beside, int(bucket_of(np.array([beside]))[0]), 6)


@pytest.mark.parametrize("scale", range(COARSEST, FINEST + 1))
def test_a_power_of_two_is_the_last_of_its_bucket(scale):
    powers = np.array([2.0**e for e in range(-1074, 1024)])
    wanted = [((e << max(scale, 0)) - 1) >> max(-scale, 0) for e in range(-1074, 1024)]
    assert bucket_of(powers, scale).tolist() == wanted


@given(st.lists(NUMBERS), SCALES, SCALES)
def test_a_bucket_of_a_coarser_scale_is_that_of_the_finer_one_halved(numbers, one, other):
    fine, coarse = max(one, other), min(one, other)
    halved = bucket_of(np.array(numbers), fine) >> (fine - coarse)
    assert bucket_of(np.array(numbers), coarse).tolist() == halved.tolist()


@given(st.lists(NUMBERS), SCALES)
def test_greater_numbers_have_no_lower_bucket_and_the_sign_does_not_count(numbers, scale):
    ordered = np.sort(np.array(numbers, np.float64))
    found = bucket_of(ordered, scale)
    assert (np.diff(found) >= 0).all()
    assert (bucket_of(-ordered, scale) == found).all()


def test_what_has_no_bucket_says_so():
    assert set(bucket_of(np.array([0.0, -0.0, np.nan, np.inf, -np.inf])).tolist()) == {np.iinfo(np.int32).min}


def test_scale_six_is_within_half_a_percent():
    assert relative_error(6) == pytest.approx(0.00541, abs=1e-5)
    assert relative_error(-10) == 1.0


@pytest.mark.parametrize("scale", [11, -11, 6.5, "6", None])
def test_a_scale_out_of_reach_is_refused_with_what_is_wanted(scale):
    with pytest.raises(InvalidOption, match="a whole number from -10 to 10"):
        known_scale(scale)
