"""Memory that is lent again, and only when nothing holds it."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.sources.buffers import Buffers
from onex_analytics.sources.scan import STRING
from onex_analytics.sources.spans import Spans
from onex_analytics.sources.texts import text


def test_what_a_column_still_shows_is_not_lent_to_another():
    buffers = Buffers()
    first = buffers.take(64)
    first[:] = ord("a")
    spans = Spans(np.full(2, STRING, np.uint8), np.array([0, 20], np.int32), np.array([20, 20], np.int32))
    column: pl.Series | None = text("letters", first, spans).slice(1)
    place = first.ctypes.data
    del first
    second = buffers.take(64)
    second[:] = ord("b")
    assert second.ctypes.data != place
    assert column is not None and column.to_list() == ["a" * 20]
    column = None
    assert buffers.take(64).ctypes.data == place

def test_a_part_of_a_part_holds_the_whole():
    buffers = Buffers()
    part = buffers.take(100)[10:50][5:]
    place = part.ctypes.data - 15
    assert buffers.take(100).ctypes.data != place
    del part
    assert buffers.take(90).ctypes.data == place

def test_one_that_is_too_small_is_given_up():
    buffers = Buffers()
    buffers.take(10)
    large = buffers.take(1000)
    assert large.size == 1000
    assert buffers._free == []
