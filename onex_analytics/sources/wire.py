"""Rows as lines again: each event as it came, field by field."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit

from onex_analytics.machine import load8
from onex_analytics.model.shapes import EVENTS
from onex_analytics.model.wire_json import WIRE_READ, WIRE_WRAPPED, wire_texts
from onex_analytics.sources.block import CONTEXT, block_of_texts_of
from onex_analytics.sources.grammar import string_end
from onex_analytics.sources.scan import OBJECT
from onex_analytics.sources.spans import Spans
from onex_analytics.sources.texts import raw_json


def event_texts(frame: pl.DataFrame) -> pl.Series:
    """One JSON text a row, equal to the event that came: absent fields left out, nulls null, spellings as they were.

    An event that came inside an envelope is written without it (see `event_contexts`). A row without
    `wire_fields` gives every field whose column holds a value. Times are written naive, as they mostly come. Fields
    stand in the order of `WIRE_FIELDS`, unknown ones behind them.

    Args:
        frame: rows of `model.EVENTS`; more columns do no harm.

    >>> from datetime import UTC, datetime
    >>> from onex_analytics.sources.block import block_of_bytes
    >>> from onex_analytics.sources.canonical import Gate
    >>> line = b'{"event_id":"e1","timestamp":1e9,"node_id":"n","event_type":"node_start","tenant":["a"]}'
    >>> event_texts(Gate(datetime(2026, 11, 23, tzinfo=UTC)).read(block_of_bytes(line, "log")).events).to_list()
    ['{"event_id":"e1","node_id":"n","event_type":"node_start","tenant":["a"],"timestamp":1e9}']
    """
    if frame.is_empty():
        return pl.Series("text", [], dtype=pl.String)
    rows = frame.select(pl.col(name) for name in WIRE_READ)
    extra = _parted(rows["extra"], rows["wire_fields"])[1]
    rows = rows.with_columns(_one_line(extra), _one_line(rows["metadata"]))
    return wire_texts(rows)


def _one_line(texts: pl.Series) -> pl.Series:
    """JSON text without line breaks: in valid JSON they only stand between tokens."""
    return texts.str.replace_all(r"[\r\n]", " ") if texts.str.contains(r"[\r\n]").any() else texts


def event_contexts(frame: pl.DataFrame) -> pl.DataFrame:
    """What `event_texts` leaves out, one row of `CONTEXT` a row: with both, the gate gives the same events again.

    Args:
        frame: rows of `model.EVENTS`; more columns do no harm.
    """
    wrapped = (pl.col("wire_fields") // WIRE_WRAPPED == 1).fill_null(False)
    spoken = {name: pl.col(name) for name in CONTEXT if name in EVENTS}
    spoken["event_type"] = pl.coalesce("event_type_raw", "event_type")
    spoken["timestamp"] = pl.col("timestamp").dt.timestamp("us")
    spoken["wire"] = pl.lit(WIRE_WRAPPED, dtype=CONTEXT["wire"])
    spoken["envelope"] = pl.lit(_parted(frame["extra"], frame["wire_fields"])[0])
    given: dict[str, pl.Expr] = {name: pl.when(wrapped).then(value) for name, value in spoken.items()}
    for name in ("source", "source_offset", "size_bytes"):
        given[name] = pl.col(name)
    given["arrived_at"] = pl.col("arrived_at").dt.timestamp("us")
    return frame.select(given[name].cast(dtype).alias(name) for name, dtype in CONTEXT.items())


def _parted(extra: pl.Series, wire: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The envelopes in which events came, null for all others, and `extra` without them."""
    enveloped = (wire // WIRE_WRAPPED == 1) & extra.str.starts_with('{"envelope":')
    rows = enveloped.fill_null(False).arg_true()
    none = pl.Series("envelope", [None], dtype=pl.String).new_from_index(0, len(extra))
    if rows.is_empty():
        return none, extra
    # the first `envelope` is ours, an object or array; the event may have one of its own
    block = block_of_texts_of(extra.gather(rows))
    ends, starts = np.empty(len(block), np.int32), np.empty(len(block), np.int32)
    _first_members(block.buffer, block.starts, ends, starts)
    kinds = np.full(len(block), OBJECT, np.uint8)
    first = block.starts + np.int32(len('{"envelope":'))
    envelopes = raw_json("envelope", block.buffer, Spans(kinds, first, ends - first))
    rest = raw_json("extra", block.buffer, Spans(kinds, starts, block.ends - starts))
    rest = pl.select(pl.when(rest != "}").then(pl.concat_str(pl.lit("{"), rest))).to_series()
    return none.scatter(rows, envelopes), extra.clone().scatter(rows, rest)


@njit(nogil=True, cache=True)
def _first_members(buffer, starts, ends, nexts):  # type: ignore[no-untyped-def]
    """Where the value of `{"envelope":…` ends, and where what follows begins; it is an object or an array."""
    for i in range(starts.size):
        p, level = np.intp(starts[i]) + 12, 0
        while True:
            c = load8(buffer, p)
            if c == 34:
                p = string_end(buffer, p + 1, buffer.size)[0]
            elif c == 123 or c == 91:
                level += 1
            elif c == 125 or c == 93:
                level -= 1
            p += 1
            if level == 0:
                break
        ends[i] = p
        nexts[i] = p + 1 if load8(buffer, p) == 44 else p
