"""How our columns rest in a Delta table: in types that Delta has, with statistics that the log may show."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

STATISTICS = ("timestamp", "event_type", "node")
"""Columns whose smallest and largest value stand in the log. The log shows them in the clear, so no others do."""

LONGEST_STATISTIC = 64
"""Characters of a text in the log; a longer one is cut to a bound that still holds."""

ROW_GROUP_ROWS = 1 << 18
_BATCH_ROWS = 1 << 16
_VARIED = frozenset({
    "event_id", "correlation_id", "parent_correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id",
    "metadata", "extra", "error_message", "timestamp_original", "detail",
})  # fmt: skip
"""Texts that hardly ever repeat: a dictionary of them would be larger than they are."""
_GROWING = ("timestamp", "source_offset")
"""Numbers that differ little from row to row."""
_UNSIGNED: dict[pl.DataType, pl.DataType] = {pl.UInt64(): pl.Int64(), pl.UInt32(): pl.Int64()}
_LAST = "\U0010ffff"


def stored_schema(schema: Mapping[str, pl.DataType]) -> pl.Schema:
    """The types in which columns rest: Delta has no unsigned numbers."""
    return pl.Schema({name: _UNSIGNED.get(dtype, dtype) for name, dtype in schema.items()})


def to_stored(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame as it rests; a 64-bit unsigned number keeps its bits."""
    return frame.with_columns(
        [pl.col(n).reinterpret(signed=True) for n, t in frame.schema.items() if t == pl.UInt64]
        + [pl.col(n).cast(pl.Int64) for n, t in frame.schema.items() if t == pl.UInt32]
    )


def from_stored(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """What `to_stored` put away, in its own types again."""
    return frame.with_columns(
        [pl.col(n).reinterpret(signed=False) for n, t in schema.items() if t == pl.UInt64]
        + [pl.col(n).cast(pl.UInt32) for n, t in schema.items() if t == pl.UInt32]
    )


def parquet_bytes(frame: pl.DataFrame) -> pa.Buffer:
    """A frame as it rests, as the bytes of a Parquet file.

    PyArrow writes it, not Polars: it tries a dictionary only where told to, and so takes a quarter less time for rows
    whose largest columns (metadata, ids) repeat nothing. Statistics within the file tell its row groups apart; of a
    file with one of them the log says all there is to say.
    """
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    held = pa.BufferOutputStream()
    pq.write_table(
        table, held, compression="zstd", compression_level=1, row_group_size=ROW_GROUP_ROWS,
        write_batch_size=_BATCH_ROWS, write_statistics=frame.height > ROW_GROUP_ROWS, store_schema=False,
        data_page_version="2.0",  # which does not compress which rows are null: most columns of most rows are
        use_dictionary=[name for name, dtype in frame.schema.items() if dtype == pl.String and name not in _VARIED],
        column_encoding={name: "DELTA_BINARY_PACKED" for name in _GROWING if name in frame.columns},
    )  # fmt: skip
    return held.getvalue()


def write_file(data: pa.Buffer | memoryview, path: Path) -> None:
    """Write a new file; it is on the disk by then. (PyArrow and Polars would not say that a disk is full.)"""
    with open(path, "xb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())


def statistics(frame: pl.DataFrame) -> dict[str, Any]:
    """Delta's statistics of one file, for the columns whose values may stand in the log."""
    names = [n for n in STATISTICS if n in frame.columns]
    if frame.is_empty() or not names:
        return {"numRecords": frame.height}
    smallest = frame.select(pl.col(names).min()).row(0, named=True)
    largest = frame.select(pl.col(names).max()).row(0, named=True)
    lower = {n: _lower(v) for n, v in smallest.items() if v is not None}
    upper = {n: bound for n, v in largest.items() if v is not None and (bound := _upper(v)) is not None}
    return {
        "numRecords": frame.height, "minValues": lower, "maxValues": upper,
        "nullCount": frame.select(pl.col(names).null_count()).row(0, named=True),
    }  # fmt: skip


def _lower(value: Any) -> Any:
    return value[:LONGEST_STATISTIC] if isinstance(value, str) else _plain(value)


def _upper(value: Any) -> Any:
    """A bound that no value exceeds; None where a short one cannot be given."""
    if not isinstance(value, str):
        return _plain(value)
    if len(value) <= LONGEST_STATISTIC:
        return value
    return None if value[LONGEST_STATISTIC] == _LAST else value[:LONGEST_STATISTIC] + _LAST


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value
