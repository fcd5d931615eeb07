"""Sums that do not depend on the order."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.cells.fixed_point import joined, parted

NUMBERS = st.floats(-(2.0**40), 2.0**40)


@given(numbers=st.lists(NUMBERS, min_size=1), seed=st.integers(0, 2**32))
def test_a_sum_is_the_same_in_any_order_and_exact(numbers: list[float], seed: int) -> None:
    def total(values: list[float]) -> float:
        whole, rest = parted(np.array(values))
        return float(joined(whole.sum(keepdims=True), rest.sum(keepdims=True))[0])

    shuffled = random.Random(seed).sample(numbers, len(numbers))
    assert total(numbers) == total(shuffled)
    exact = sum(Fraction(round(Fraction(number) * 2**32), 2**32) for number in numbers)
    assert total(numbers) == float(exact)


@given(numbers=st.lists(NUMBERS, min_size=2))
def test_what_was_added_can_be_taken_away_again(numbers: list[float]) -> None:
    whole, rest = parted(np.array(numbers))
    left = joined(whole.sum(keepdims=True) - whole[1:].sum(), rest.sum(keepdims=True) - rest[1:].sum())
    assert left.tolist() == joined(whole[:1], rest[:1]).tolist()
