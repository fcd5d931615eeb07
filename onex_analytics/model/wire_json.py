"""Rows as JSON again, from their columns alone: each field as it came, and what no column can express behind them."""

from __future__ import annotations

from typing import Final

import polars as pl

from onex_analytics.model.shapes import WIRE_ABSENT, WIRE_COLUMN, WIRE_FIELDS, WIRE_NULL

WIRE_DATA: Final = 1 << 30
"""The metadata came as `data` (the form of omnibase_core)."""
WIRE_WRAPPED: Final = 1 << 31
"""The event came inside an envelope, or is one; `extra.envelope` holds it without its payload."""

WIRE_READ: Final = (
    *WIRE_FIELDS, "timestamp_original", "event_type_raw", "clock_offset_ms", "extra", "wire_fields",
)  # fmt: skip
"""Columns of `EVENTS` from which an event can be written."""

_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in range(32)},
    "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_NEEDS_ESCAPE = r'["\\\x00-\x1f]'


def wire_texts(rows: pl.DataFrame) -> pl.Series:
    """One JSON text a row: absent fields left out, nulls null, spellings as they were, times without a zone.

    Fields stand in the order of `WIRE_FIELDS`; the members of `extra` follow as they stand there, an envelope among
    them. A row without `wire_fields` gives every field whose column holds a value.

    Args:
        rows: reads the columns of `WIRE_READ`.

    >>> from onex_analytics.model.shapes import EVENTS
    >>> row = {"event_id": "e1", "node_id": "n", "metadata": '{"a": 1}', "extra": '{"tenant":["a"]}'}
    >>> wire_texts(pl.DataFrame([row], schema=EVENTS)).to_list()
    ['{"event_id":"e1","node_id":"n","metadata":{"a": 1},"tenant":["a"]}']
    """
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
