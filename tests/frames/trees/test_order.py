import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames.trees.order import sort_falling, sort_places


@pytest.mark.parametrize("least", [0, 60])
@given(data=st.data())
def test_places_are_sorted_by_two_falling_keys_and_ties_keep_their_order(least, data):
    key = st.integers(0, 9) | st.integers(-(2**62), 2**62)
    keys = data.draw(st.lists(st.tuples(key, key), min_size=least, max_size=least + 20))
    first, then = (np.array([key[i] for key in keys], np.int64) for i in (0, 1))
    places = np.arange(len(keys), dtype=np.int32)
    low, high = sorted(data.draw(st.tuples(st.integers(0, len(keys)), st.integers(0, len(keys)))))
    expected = [*range(low), *sorted(range(low, high), key=lambda p: (-first[p], -then[p])), *range(high, len(keys))]
    sort_places(places, low, high, first, then)
    assert places.tolist() == expected


@pytest.mark.parametrize("n", [0, 1, 100, 5_000])
@pytest.mark.parametrize("bits", [0, 3, 20, 62])
def test_many_are_sorted_digit_by_digit(n, bits):
    rng = np.random.default_rng(n + bits)
    key = rng.integers(-(2**bits), 2**bits, n)
    places = rng.permutation(n).astype(np.int32)
    expected = sorted(places.tolist(), key=lambda place: -key[place])
    sort_falling(places, key)
    assert places.tolist() == expected
