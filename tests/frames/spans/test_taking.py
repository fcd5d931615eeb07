"""Rows are taken from columns in many chunks as they would be from one."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from onex_analytics.frames.spans import taking
from onex_analytics.frames.spans.taking import NOBODY, taken, worded

TEXTS = st.sampled_from(["", "a", "twelve bytes", "thirteen byte", "ein längerer Text, der nirgends hineinpasst"])
VALUES = {
    pl.String: TEXTS, pl.Float64: st.floats(allow_nan=False), pl.Int64: st.integers(-(2**63), 2**63 - 1),
    pl.UInt64: st.integers(0, 2**64 - 1), pl.Boolean: st.booleans(),
}  # fmt: skip


@pytest.fixture(params=[0, 1 << 17], ids=["of chunks", "made one"])
def few(request, monkeypatch):
    """Whether so few rows are taken chunk by chunk, as many are."""
    monkeypatch.setattr(taking, "_MANY", request.param)


def in_chunks(dtype: pl.DataType, chunks: list[list[object]]) -> pl.Series:
    parts = [pl.Series("column", [None, *chunk], dtype=dtype)[1:] for chunk in chunks]  # a slice of a larger one
    return pl.concat(parts, rechunk=False) if parts else pl.Series("column", [], dtype=dtype)


def places(*values: int) -> NDArray[np.uint32]:
    return np.array([NOBODY if value < 0 else value for value in values], np.uint32)


@pytest.mark.parametrize("dtype", VALUES, ids=str)
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("columns", [1, 3])
@given(data=st.data())
def test_what_is_taken_is_what_stands_there(dtype, columns, data):
    n = data.draw(st.integers(0, 12))
    held = [
        in_chunks(dtype, [[data.draw(VALUES[dtype]) for _ in range(size)] for size in _sizes(data, n)])
        for _ in range(columns)
    ]
    chosen = data.draw(st.lists(st.integers(-1, columns * n - 1), max_size=30))
    every = [value for column in held for value in column.to_list()]
    assert taken(held, places(*chosen)).to_list() == [None if at < 0 else every[at] for at in chosen]


def _sizes(data, n: int) -> list[int]:
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=3)))
    return np.diff([0, *cuts, n]).tolist()


@pytest.mark.usefixtures("few")
def test_what_was_taken_lives_on_when_the_column_is_gone():
    column = pl.concat([pl.Series([f"a text that is long enough, {i}"]) for i in range(50)], rechunk=False)
    found = taken([column], places(*range(49, -1, -1)))
    del column
    assert pl.concat([found, found]).sort().unique(maintain_order=True).to_list() == sorted(
        f"a text that is long enough, {i}" for i in range(50)
    )


def test_codes_become_words_and_negative_ones_null():
    codes = np.array([2, -1, 0, 1], np.int16)
    assert worded(("a", "b", "a word of many letters"), codes).to_list() == ["a word of many letters", None, "a", "b"]
    assert worded(("a",), np.array([], np.uint8)).to_list() == []
