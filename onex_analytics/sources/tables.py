"""Exports as a source: Parquet, Arrow IPC and CSV files and frames, one row an event.

Each row becomes a line (see `rows`), so that all forms, traps and rejections are those of JSON lines. Files are read
in batches; nothing larger than a batch and the unit being made is in memory.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from onex_analytics.exceptions import MissingColumns, SourceError
from onex_analytics.sources.block import Block, Rejection
from onex_analytics.sources.delimited import Rows, csv_rows
from onex_analytics.sources.rows import Places, numbered, require_events, row_blocks
from onex_analytics.sources.streams import Stream
from onex_analytics.sources.units import UNIT_BYTES, Unit, unit_key

BATCH_BYTES, BATCH_ROWS = 16 << 20, 1 << 16
FRAME = "frame"
"""What `source` says of the rows of a frame that do not say it themselves."""

Part = tuple[list[Block], list[Rejection]]


def table_units(stream: Stream, path: str | Path, format: str, *, unit_bytes: int = UNIT_BYTES) -> Iterator[Unit]:
    """Units of an export: "parquet", "arrow" (IPC, file or stream) or "csv".

    Args:
        stream: the opened file; it stays open.
        path: the file. What is compressed as a whole, or a pipe, is read through `stream` instead.
        format: which of the three it is.
        unit_bytes: JSON text of a unit, about.

    Raises:
        MissingColumns: the table can hold no events.
        SourceError: the file is damaged.
    """
    if format == "csv":
        parts = _csv_parts(stream)
    else:
        batches = _parquet_batches if format == "parquet" else _arrow_batches
        parts = _batch_parts(stream, path, batches)
    return units_of_parts(parts, stream.name, unit_bytes)


def units_of_frame(frame: pl.DataFrame | pl.LazyFrame, *, unit_bytes: int = UNIT_BYTES) -> Iterator[Unit]:
    """Units of a frame with the columns of `model.EVENTS`, or of raw events (`event_id`, `timestamp`, …).

    Raises:
        MissingColumns: the frame can hold no events.
    """
    require_events(frame.collect_schema().names())
    return units_of_parts(_frame_parts(frame), FRAME, unit_bytes)


def units_of_parts(parts: Iterator[Part], source: str, unit_bytes: int) -> Iterator[Unit]:
    """Units of blocks of rows as they come, each of at least `unit_bytes` but the last."""
    blocks: list[Block] = []
    rejected: list[Rejection] = []
    size = 0
    for more, refused in parts:
        for block in more:
            blocks.append(block)
            size += int(block.ends[-1])
            if size >= unit_bytes:
                yield _unit(source, blocks, rejected, size)
                blocks, rejected, size = [], [], 0
        rejected += refused
    if blocks or rejected:
        yield _unit(source, blocks, rejected, size)


def _unit(source: str, blocks: list[Block], rejected: list[Rejection], size: int) -> Unit:
    texts = [part for b in blocks for part in (b.buffer, b.source_offsets().view(np.uint8))]
    refused = [np.frombuffer(f"{r.source_offset} ".encode() + r.raw, np.uint8) for r in rejected]
    return Unit(unit_key("rows", [*texts, *refused]), source, blocks, size, rejected)


def _csv_parts(stream: Stream) -> Iterator[Part]:
    """Blocks of the rows of a CSV file; what is wrong with its first row is raised here, before any is read."""
    names, parts = csv_rows(stream)
    if names:
        try:
            require_events(names)
        except MissingColumns as problem:
            mend = f"Mend: rename them in the first row of {stream.name}, or leave the file out."
            raise MissingColumns(problem.missing, problem.found, mend) from None
    return _csv_blocks(stream, parts)


def _csv_blocks(stream: Stream, parts: Iterator[Rows]) -> Iterator[Part]:
    for rows in parts:
        blocks, refused = row_blocks(rows.frame, stream.name, Places(rows.lines, rows.offsets, rows.sizes))
        yield blocks, [*rows.rejected, *refused]


def _frame_parts(frame: pl.DataFrame | pl.LazyFrame) -> Iterator[Part]:
    first = 1
    pieces: Iterator[pl.DataFrame] = iter([frame]) if isinstance(frame, pl.DataFrame) else _collected(frame)
    for piece in pieces:
        rows = min(BATCH_ROWS, max(1, int(BATCH_BYTES * piece.height / max(piece.estimated_size(), 1))))
        for part in piece.iter_slices(rows):
            yield row_blocks(part, FRAME, numbered(first, part.height))
            first += part.height


def _collected(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    yield from frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)


def _batch_parts(
    stream: Stream, path: str | Path, batches: Callable[[Any, int | None], Iterator[pa.RecordBatch]]
) -> Iterator[Part]:
    """Blocks of Arrow's batches; what Arrow says of a damaged file is said with the mend."""
    first = 1
    try:
        if stream.compressed or stream.size_bytes is None:
            with tempfile.TemporaryFile() as copy:
                _copy(stream, copy)
                copy.seek(0)
                found = batches(copy, None)
                for batch in found:
                    yield _batch_blocks(batch, stream.name, first)
                    first += batch.num_rows
        else:
            for batch in batches(str(path), stream.size_bytes):
                yield _batch_blocks(batch, stream.name, first)
                first += batch.num_rows
    except SourceError:
        raise
    except (pa.ArrowException, OSError, EOFError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".") if str(problem) else type(problem).__name__
        where = f"row {first:,} on" if first > 1 else "the beginning"
        raise SourceError(
            stream.name, f"cannot be read from {where} ({reason})",
            "copy or export it again: it is cut short or damaged; what was read before stays",
        ) from problem


def _batch_blocks(batch: pa.RecordBatch, source: str, first: int) -> Part:
    frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([_stored(batch)])))
    return row_blocks(frame, source, numbered(first, batch.num_rows))


def _stored(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch without extension types (UUIDs, JSON), and with text that is not UTF-8 as the bytes that it is."""
    columns = []
    for column in batch.columns:
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                raise
            column = column.cast(pa.large_binary())
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _parquet_batches(file: str | BinaryIO, size: int | None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file, memory_map=False, pre_buffer=False) as parquet:
        require_events(parquet.schema_arrow.names)
        told = parquet.metadata
        groups = [told.row_group(i).total_byte_size for i in range(told.num_row_groups)]
        rows = min(BATCH_ROWS, max(1, int(BATCH_BYTES * told.num_rows / max(sum(groups), 1))))
        yield from parquet.iter_batches(batch_size=rows)


def _arrow_batches(file: str | BinaryIO, size: int | None) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(file) if isinstance(file, str) else pa.PythonFile(file, "r") as source:
        head = source.read(6)
        source.seek(0)
        if head == b"ARROW1":
            reader = pa.ipc.open_file(source)
            found = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            reader = pa.ipc.open_stream(source)
            found = iter(reader)
        require_events(reader.schema.names)
        for batch in found:
            rows = min(BATCH_ROWS, max(1, int(BATCH_BYTES * batch.num_rows / max(batch.nbytes, 1))))
            for first in range(0, batch.num_rows, rows):
                yield batch.slice(first, rows)


def _copy(stream: Stream, target: io.IOBase | BinaryIO) -> None:
    """The whole decompressed stream in a file that can be read in any order."""
    buffer = np.empty(1 << 20, np.uint8)
    while count := stream.read_into(buffer):
        target.write(buffer[:count].tobytes())
    if stream.damage is not None:
        raise SourceError(stream.name, f"cannot be decompressed ({stream.damage})", "copy or export it again")
