"""Rows as lines again: each event as it came, field by field."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit

from onex_analytics.model.shapes import WIRE_ABSENT, WIRE_COLUMN, WIRE_FIELDS, WIRE_NULL
from onex_analytics.sources.block import block_of_texts_of
from onex_analytics.sources.grammar import string_end
from onex_analytics.sources.layout import WIRE_DATA, WIRE_WRAPPED
from onex_analytics.sources.machine import load8
from onex_analytics.sources.scan import OBJECT
from onex_analytics.sources.spans import Spans
from onex_analytics.sources.texts import raw_json

_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in range(32)},
    "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_NEEDS_ESCAPE = r'["\\\x00-\x1f]'
_READ = (*WIRE_FIELDS, "timestamp_original", "event_type_raw", "clock_offset_ms", "extra", "wire_fields")


def event_texts(frame: pl.DataFrame) -> pl.Series:
    """One JSON text a row, equal to the event that came: absent fields left out, nulls null, spellings as they were.

    An event that came inside an envelope is written without it. A row without `wire_fields` gives every field whose
    column holds a value. Times are written naive, as they mostly come. Fields stand in the order of `WIRE_FIELDS`,
    unknown ones behind them.

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
    rows = frame.select(pl.col(name) for name in _READ)
    extra = _without_envelopes(rows["extra"], rows["wire_fields"])
    rows = rows.with_columns(_one_line(extra), _one_line(rows["metadata"]))
    values = {name: _value(rows, name) for name in WIRE_FIELDS}
    members = [_member(name, pl.lit(value)) for name, value in values.items()]
    inside = pl.col("extra").str.head(-1).str.slice(1)
    more = pl.when(inside.str.len_bytes() > 0).then(pl.concat_str(pl.lit(","), inside))
    body = pl.concat_str(*members, more, ignore_nulls=True)
    return rows.select(text=pl.concat_str(pl.lit("{"), body.str.slice(1), pl.lit("}")))["text"]


def _member(name: str, value: pl.Expr) -> pl.Expr:
    wire = pl.col("wire_fields")
    unsaid = pl.when(value.is_null()).then(pl.lit(WIRE_ABSENT)).otherwise(pl.lit(WIRE_COLUMN))
    state = pl.coalesce((wire // 4 ** WIRE_FIELDS.index(name)) % 4, unsaid)
    key = pl.lit(f',"{name}":')
    if name == "metadata":
        key = pl.when((wire // WIRE_DATA) % 2 == 1).then(pl.lit(',"data":')).otherwise(key)
    written = pl.concat_str(key, value.fill_null("null"))
    return pl.when(state == WIRE_NULL).then(pl.concat_str(key, pl.lit("null"))).when(state == WIRE_COLUMN).then(written)


def _value(rows: pl.DataFrame, name: str) -> pl.Series:
    """The JSON text of a column; null where it holds nothing."""
    column = rows[name]
    if name == "metadata":
        return column
    if name == "timestamp":
        offset = pl.duration(milliseconds=pl.col("clock_offset_ms").fill_null(0))
        naive = (pl.col("timestamp") + offset).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.strip_suffix(".000000")
        column = rows.select(pl.coalesce("timestamp_original", naive)).to_series()
    elif name == "event_type":
        column = rows.select(pl.coalesce("event_type_raw", "event_type")).to_series()
    elif column.dtype != pl.String:
        return column.cast(pl.String)
    return _quoted(column)


def _quoted(texts: pl.Series) -> pl.Series:
    if texts.str.contains(_NEEDS_ESCAPE).any():
        texts = texts.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return pl.select(pl.concat_str(pl.lit('"'), texts, pl.lit('"'))).to_series()


def _one_line(texts: pl.Series) -> pl.Series:
    """JSON text without line breaks: in valid JSON they only stand between tokens."""
    return texts.str.replace_all(r"[\r\n]", " ") if texts.str.contains(r"[\r\n]").any() else texts


def _without_envelopes(extra: pl.Series, wire: pl.Series) -> pl.Series:
    """`extra` without its first member where that is the envelope in which the event came."""
    enveloped = (wire // WIRE_WRAPPED == 1) & extra.str.starts_with('{"envelope":')
    rows = enveloped.fill_null(False).arg_true()
    if rows.is_empty():
        return extra
    # the first `envelope` is ours, an object or array; the event may have one of its own
    block = block_of_texts_of(extra.gather(rows))
    starts = np.empty(len(block), np.int32)
    _behind_first_members(block.buffer, block.starts, starts)
    kinds = np.full(len(block), OBJECT, np.uint8)
    rest = raw_json("extra", block.buffer, Spans(kinds, starts, block.ends - starts))
    return extra.clone().scatter(rows, pl.select(pl.concat_str(pl.lit("{"), rest)).to_series())


def envelope_texts(frame: pl.DataFrame) -> pl.Series:
    """What stood around each event as it came, from `extra`; null for one that came plain."""
    enveloped = (frame["wire_fields"] // WIRE_WRAPPED == 1) & frame["extra"].str.starts_with('{"envelope":')
    rows = enveloped.fill_null(False).arg_true()
    texts = pl.Series("envelope", [None], dtype=pl.String).new_from_index(0, frame.height)
    if rows.is_empty():
        return texts
    block = block_of_texts_of(frame["extra"].gather(rows))
    behind = np.empty(len(block), np.int32)
    _behind_first_members(block.buffer, block.starts, behind)
    begin = block.starts + len('{"envelope":')
    end = behind - (block.buffer[behind - 1] == ord(","))
    kinds = np.full(len(block), OBJECT, np.uint8)
    return texts.scatter(rows, raw_json("envelope", block.buffer, Spans(kinds, begin, end - begin)))


@njit(nogil=True, cache=True)
def _behind_first_members(buffer, starts, out):  # type: ignore[no-untyped-def]
    """The place behind `{"envelope":…` and its comma, for each text; the value is an object or an array."""
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
        out[i] = p + 1 if load8(buffer, p) == 44 else p
