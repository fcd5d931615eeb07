"""Thresholds: what OpenTelemetry's own tables say, and what is kept at a share is kept at every greater one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import threshold_to_tracestate, tracestate_to_threshold
from onex_analytics.sampling.thresholds import (
    RANGE,
    adjusted_count_of,
    probability_of,
    threshold_of,
    tracestate_to_randomness,
)

SHARES = st.floats(2**-56, 1)


@pytest.mark.parametrize(
    ("probability", "tracestate"),
    [
        (1, "ot=th:0"), (0.5, "ot=th:8"), (0.25, "ot=th:c"), (1 / 16, "ot=th:f"), (0.1, "ot=th:e666"),
        (1 / 3, "ot=th:aaab"), (0.01, "ot=th:fd70a"), (2**-56, "ot=th:ffffffffffffff"),
    ],
)  # fmt: skip
def test_a_share_is_written_as_opentelemetry_writes_it(probability, tracestate):
    assert threshold_to_tracestate(threshold_of(probability)) == tracestate


@given(SHARES)
def test_a_threshold_comes_back_from_the_header(probability):
    threshold = threshold_of(probability)
    assert tracestate_to_threshold(threshold_to_tracestate(threshold)) == threshold


@given(SHARES, st.integers(1, 14))
@example(1 - 2**-40, 4)
@example(1 - 2**-53, 1)
@example(2**-56, 1)
@example(3 * 2**-56, 1)
def test_a_share_is_met_as_closely_as_its_digits_allow_near_0_and_near_1_alike(probability, precision):
    found = probability_of(threshold_of(probability, precision))
    assert abs(found - probability) <= max(16.0**-precision * min(probability, 1 - probability) * 16, 2**-56)


@given(SHARES, SHARES, st.integers(1, 14))
def test_a_greater_share_has_no_greater_threshold(one, other, precision):
    low, high = sorted((one, other))
    assert threshold_of(low, precision) >= threshold_of(high, precision)


@given(SHARES)
def test_the_adjusted_count_is_one_over_the_share_that_is_really_kept(probability):
    threshold = threshold_of(probability)
    assert adjusted_count_of(threshold) == pytest.approx(1 / probability_of(threshold), rel=1e-12)


def test_what_is_never_kept_stands_for_nothing():
    assert threshold_of(0) == RANGE
    assert adjusted_count_of(RANGE) is None
    with pytest.raises(InvalidOption, match="what is never kept has none"):
        threshold_to_tracestate(RANGE)


@pytest.mark.parametrize("share", [-0.1, 1.01, float("nan"), float("inf"), 2**-57])
def test_an_impossible_share_is_refused_with_what_is_possible(share):
    with pytest.raises(InvalidOption, match=r"2\^-56 to 1"):
        threshold_of(share)


@pytest.mark.parametrize("precision", [0, 15])
def test_an_impossible_precision_is_refused(precision):
    with pytest.raises(InvalidOption, match="from 1 to 14"):
        threshold_of(0.5, precision)


@pytest.mark.parametrize(
    ("header", "threshold", "randomness"),
    [
        ("", None, None), ("vendor=1", None, None), ("ot=", None, None), ("ot=p:8", None, None),
        (" vendor=th:1 , ot=rv:0123456789abcd;th:c ", 0xC0000000000000, 0x0123456789ABCD),
        ("another=ot,ot=th:0", 0, None), ("not=th:8", None, None),
    ],
)  # fmt: skip
def test_headers_are_read_member_by_member(header, threshold, randomness):
    assert (tracestate_to_threshold(header), tracestate_to_randomness(header)) == (threshold, randomness)


@pytest.mark.parametrize("told", ["C", "", "0x8", "123456789abcdef", "8 8"])
def test_a_threshold_that_is_none_is_named(told):
    with pytest.raises(InvalidOption, match="hex digits"):
        tracestate_to_threshold(f"ot=th:{told}")


def test_a_randomness_of_too_few_digits_is_named():
    with pytest.raises(InvalidOption, match="14 lower-case hex digits"):
        tracestate_to_randomness("ot=rv:abc")
