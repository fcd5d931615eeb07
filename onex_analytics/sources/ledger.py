"""The upstream event ledger: raw bytes of events as a bus delivered them, with what the bus knew beside them.

Its rule is that a malformed event is never dropped, so that a row is a line just as it is; the columns around it
speak only where the event is silent.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.event_types import event_type_of_topic
from onex_analytics.sources.block import CONTEXT, Block, Rejection
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.units import block_parts

LEDGER_COLUMNS = frozenset({"topic", "partition", "kafka_offset", "event_value"})
"""Columns by which a table is known as a ledger."""

_SPACE = b" \t\r\n"


def ledger_blocks(frame: pl.DataFrame, lines: NDArray[np.int64]) -> tuple[list[Block], list[Rejection]]:
    """Blocks of a ledger's rows, a source for each topic and partition; rows without any bytes are rejected."""
    known = _context(frame)
    values = _values(frame["event_value"])
    empty = [i for i, value in enumerate(values) if not value]
    rejected = []
    for row in empty:
        source, offset, event_id = known["source"][row], known["source_offset"][row], known["event_id"][row]
        detail = "the event value is empty (a tombstone of the bus)"
        raw = frame["event_value"][row]
        raw = raw.encode() if isinstance(raw, str) else raw or b""
        rejected.append(Rejection("not_an_object", detail, raw, source, offset or 0, int(lines[row]), event_id))
    if empty:
        keep = np.array([bool(v) for v in values], np.bool_)
        known, lines, values = known.filter(pl.Series(keep)), lines[keep], [v for v in values if v]
    sizes = np.fromiter((len(v) for v in values), np.int64, len(values))
    ends = np.cumsum(sizes)
    starts = ends - sizes
    joined = np.frombuffer(b"".join(values), np.uint8)
    blocks = []
    for part in block_parts(starts):
        begin, end = int(starts[part.start]), int(ends[part.stop - 1])
        piece = np.zeros(end - begin + PADDING, np.uint8)
        piece[: end - begin] = joined[begin:end]
        context = known[part]
        blocks.append(Block(
            piece, (starts[part] - begin).astype(np.int32), (ends[part] - begin).astype(np.int32), lines[part],
            context["source"][0], offsets=context["source_offset"].fill_null(0).to_numpy(), context=context,
        ))  # fmt: skip
    return blocks, rejected


def _values(column: pl.Series) -> list[bytes]:
    """The bytes of each row without white space around them; the text form of bytea (`\\x7b…`) is undone."""
    if column.dtype == pl.String:
        return [_of_text(value).strip(_SPACE) if value else b"" for value in column]
    return [bytes(value).strip(_SPACE) if value else b"" for value in column]


def _of_text(value: str) -> bytes:
    if value.startswith("\\x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    return value.encode()


def _context(frame: pl.DataFrame) -> pl.DataFrame:
    """What a ledger's columns say, as rows of `CONTEXT`."""
    topics = frame["topic"].cast(pl.String).unique().drop_nulls().to_list()
    types = {topic: event_type_of_topic(topic) for topic in topics}
    text = {name: pl.col(name).cast(pl.String) for name in frame.columns if name != "event_value"}
    nothing = pl.lit(None, dtype=pl.String)
    of_topic = text["topic"].replace_strict(types, default=None, return_dtype=pl.String)
    stated = text.get("event_type", nothing)
    return frame.select(
        event_id=text.get("envelope_id", nothing), timestamp=_micros(frame, "event_timestamp"),
        node_id=text.get("source", nothing),
        event_type=pl.when(stated.str.strip_chars() != "").then(stated).otherwise(of_topic),
        correlation_id=text.get("correlation_id", nothing), trace_id=nothing, span_id=nothing, parent_span_id=nothing,
        causation_id=nothing, arrived_at=_micros(frame, "ledger_written_at"),
        source=pl.concat_str("topic", pl.col("partition").cast(pl.String), separator="/", ignore_nulls=True),
        source_offset=pl.col("kafka_offset").cast(pl.Int64), envelope=nothing,
        size_bytes=pl.lit(None, dtype=pl.Int64), wire=pl.lit(0, dtype=pl.UInt32),
    ).select(pl.col(name).cast(dtype) for name, dtype in CONTEXT.items())  # fmt: skip


def _micros(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column of times as microseconds since 1970; times without a zone are UTC."""
    dtype = frame.schema.get(name)
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.timestamp("us")
    if dtype == pl.String:
        whole = pl.col(name).str.replace(" ", "T", literal=True).str.replace(r"([+-]\d\d)$", "${1}:00")
        zoned = whole.str.replace(r"(\d)$", "${1}Z").str.replace(r"([+-]\d\d:\d\d)Z$", "${1}")
        return zoned.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.timestamp("us")
    return pl.lit(None, dtype=pl.Int64)
