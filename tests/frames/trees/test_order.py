import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames.trees.order import sort_places


@pytest.mark.parametrize("most", [24, 200])
@given(data=st.data())
def test_places_are_sorted_by_two_falling_keys_and_ties_keep_their_order(most, data):
    keys = data.draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=most))
    first, then = (np.array([key[i] for key in keys], np.int64) for i in (0, 1))
    places = np.arange(len(keys), dtype=np.int32)
    low, high = sorted(data.draw(st.tuples(st.integers(0, len(keys)), st.integers(0, len(keys)))))
    expected = [*range(low), *sorted(range(low, high), key=lambda p: (-first[p], -then[p])), *range(high, len(keys))]
    sort_places(places, low, high, first, then)
    assert places.tolist() == expected
