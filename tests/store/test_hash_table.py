from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.store.hash_table import find, insert, places_of, repeated

CROWDED = st.integers(0, 2**64 - 1) | st.integers(0, 3).map(lambda n: n << 40) | st.sampled_from([0, 2**64 - 1])


@given(st.lists(CROWDED, max_size=40))
def test_a_row_is_repeated_just_if_another_holds_the_same_hash(hashes):
    counts = Counter(hashes)
    assert repeated(np.array(hashes, np.uint64)).tolist() == [counts[h] > 1 for h in hashes]


@given(st.lists(CROWDED, max_size=40), st.lists(CROWDED, max_size=40))
def test_what_was_put_in_is_found_however_its_places_collide(taken, asked):
    table = np.zeros(64, np.uint64)
    new = insert(table, np.array(taken, np.uint64))
    assert new == len({*taken} - {0}) == np.count_nonzero(table)
    found = np.zeros(len(asked), np.bool_)
    find(table, np.array(asked, np.uint64), found)
    assert found.tolist() == [h in taken and h != 0 for h in asked]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_what_was_found_elsewhere_stays_found(n):
    found = np.ones(n, np.bool_)
    find(np.zeros(16, np.uint64), np.arange(1, n + 1, dtype=np.uint64), found)
    assert found.all()


@given(st.lists(CROWDED, max_size=40), st.lists(CROWDED, max_size=40), st.integers(1, 16), st.integers(0, 9))
def test_hashes_of_a_table_are_found_at_their_places(taken, asked, bits, begin):
    table, shift = np.zeros(128, np.uint64), np.uint64(64 - bits)
    insert(table, np.array(taken, np.uint64))
    first_bits = np.zeros(1 << bits, np.bool_)
    first_bits[np.array(taken, np.uint64) >> shift] = True
    out = np.empty(len(asked), np.int64)
    count = places_of(table, first_bits, shift, np.array(asked, np.uint64), begin, out)
    assert out[:count].tolist() == [begin + i for i, h in enumerate(asked) if h in taken and h != 0]
