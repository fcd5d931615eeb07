"""Which traces go on from batch to batch, against a plain search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.profiling.trace_numbers import first_places


@given(st.lists(st.integers(0, 20) | st.integers(0, 2**64 - 1), max_size=200))
def test_the_first_place_of_a_word_is_where_it_stands_first_and_nothing_is_alone(numbers):
    words = np.array(numbers, np.uint64)
    expected = [i if word == 0 else numbers.index(word) for i, word in enumerate(numbers)]
    assert first_places(words).tolist() == expected


@pytest.mark.parametrize("distinct", [3, 150_000], ids=["few", "many"])
def test_in_many_heaps_words_are_found_again_too(distinct):
    rng = np.random.default_rng(distinct)
    words = rng.integers(1, 2**64, distinct, dtype=np.uint64)[rng.integers(0, distinct, 200_000)]
    _, firsts, numbers = np.unique(words, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(first_places(words), firsts[numbers])
