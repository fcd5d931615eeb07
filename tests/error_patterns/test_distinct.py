"""Messages by their masked lines: each line once, with how many messages it has."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.error_patterns import distinct
from onex_analytics.error_patterns.distinct import distinct_lines, numbered

TEXTS = st.lists(st.none() | st.sampled_from(["", "a", "a 1", "b  c", "b c", "a text that is too long for a view"]))


@settings(deadline=None)
@given(texts=TEXTS)
def test_equal_texts_have_one_number_and_others_another(texts):
    numbers, found = numbered(pl.Series(texts, dtype=pl.String))
    assert [None if number < 0 else found[int(number)] for number in numbers] == texts
    assert found.n_unique() == len(found)


def test_texts_with_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(pl.Series, "hash", lambda self: pl.Series([7] * len(self), dtype=pl.UInt64))
    numbers, found = numbered(pl.Series(["a", "b", None, "a"]))
    assert [found[int(number)] for number in numbers[[0, 1, 3]]] == ["a", "b", "a"] and numbers[2] == -1


@pytest.mark.parametrize("repeated", [False, True])
def test_lines_come_by_text_with_their_messages_and_the_first_of_them(monkeypatch, repeated):
    monkeypatch.setattr(distinct, "_LOOKED_AT", 4 if repeated else 1 << 16)
    found = distinct_lines(pl.Series(["b 2", "a", "b 10", None, "b 2", "a", "c"] * (2 if repeated else 1)))
    times = 2 if repeated else 1
    assert found.counted().rows() == [("a", 2 * times, "a"), ("b \x1a", 3 * times, "b 10"), ("c", times, "c")]
    assert found.counted(found.lines == "c").rows() == [("c", times, "c")]
