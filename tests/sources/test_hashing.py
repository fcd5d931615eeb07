"""Hashes that rest on the disk: the same as those of the reference, wherever a text stands in memory."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.sources.hashing import xxh64_texts

TEXTS = st.lists(st.none() | st.text(max_size=14) | st.text("abé\U0001f600", min_size=10, max_size=90), max_size=40)


@given(TEXTS, st.lists(st.integers(0, 39), max_size=4), st.booleans())
def test_a_text_has_its_xxh64_however_its_column_is_cut_and_put_together(texts, cuts, turned):
    wanted = [xxhash.xxh64((t or "").encode()).intdigest() for t in texts]
    column = pl.Series("text", texts, dtype=pl.String)
    places = sorted({0, len(texts), *(min(cut, len(texts)) for cut in cuts)})
    parts = [column[a:b] for a, b in pairwise(places)]
    if parts:
        column = pl.concat(parts, rechunk=False)
    if turned:
        column, wanted = column.reverse(), wanted[::-1]
    assert xxh64_texts(column).tolist() == wanted


def test_columns_without_text_have_the_hash_of_the_empty_one():
    empty = xxhash.xxh64(b"").intdigest()
    assert xxh64_texts(pl.Series([None, None])).tolist() == [empty, empty]
    assert xxh64_texts(pl.Series([], dtype=pl.String)).tolist() == []
