"""Lines in memory, on their way to becoming events: what every origin hands to the gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.shapes import REJECTED
from onex_analytics.sources.lines import PADDING, split_lines

CONTEXT = pl.Schema({
    "event_id": pl.String(), "timestamp": pl.Int64(), "node_id": pl.String(), "event_type": pl.String(),
    "correlation_id": pl.String(), "trace_id": pl.String(), "span_id": pl.String(), "parent_span_id": pl.String(),
    "causation_id": pl.String(), "arrived_at": pl.Int64(), "source": pl.String(), "source_offset": pl.Int64(),
    "envelope": pl.String(), "size_bytes": pl.Int64(), "wire": pl.UInt32(),
})
"""What stood around an event: an envelope's or a table's word for it, used where the event itself is silent.
Times are microseconds since 1970."""


@dataclass(slots=True)
class Block:
    """Some lines of one source.

    Args:
        buffer: the bytes, with at least `PADDING` behind the last line.
        starts, ends: one span a line.
        lines: the 1-based number of each line (or element, or row) in its source.
        source: the file, topic or table.
        offset: place of `buffer[0]` in the source; None where `offsets` says it for each line.
        offsets: place of each line in the source.
        sizes: bytes of each line as it came, where the buffer holds it rewritten.
        ends_source: the last line is the last of its source and has no newline behind it.
        context: one row a line of `CONTEXT`, or None.
        unwrapped_from: where the lines are rewritten ones, the block that holds them as they came.
        unwrapped_rows: and the row of each in it.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    lines: NDArray[np.int64]
    source: str
    offset: int = 0
    offsets: NDArray[np.int64] | None = None
    sizes: NDArray[np.int64] | None = None
    ends_source: bool = False
    context: pl.DataFrame | None = None
    unwrapped_from: Block | None = None
    unwrapped_rows: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return int(self.starts.size)

    def origin(self, row: int) -> tuple[Block, int]:
        """The block and row in which a line came: that of the outermost envelope."""
        if self.unwrapped_from is None or self.unwrapped_rows is None:
            return self, row
        return self.unwrapped_from.origin(int(self.unwrapped_rows[row]))

    def raw(self, row: int) -> bytes:
        """The bytes of one line."""
        return self.buffer[self.starts[row] : self.ends[row]].tobytes()

    def rejection(self, row: int, reason: str, detail: str, event_id: str | None = None) -> Rejection:
        """A line that gave no event: its bytes and its place as they came, with all that it was wrapped in."""
        block, at = self.origin(row)
        source = block.source
        offset = int(block.offsets[at]) if block.offsets is not None else int(block.starts[at]) + block.offset
        if block.context is not None:
            said, place = block.context["source"][at], block.context["source_offset"][at]
            source, offset = source if said is None else said, offset if place is None else place
        return Rejection(reason, detail, block.raw(at), source, offset, int(block.lines[at]), event_id)

    def source_offsets(self) -> NDArray[np.int64]:
        return self.offsets if self.offsets is not None else self.starts.astype(np.int64) + self.offset


class Rejection(NamedTuple):
    """One line that gave no event."""

    reason: str
    detail: str
    raw: bytes
    source: str
    source_offset: int
    line: int
    event_id: str | None = None


@dataclass(slots=True)
class Rejections:
    """Lines that gave no event, collected row by row: they are few."""

    rows: list[Rejection] = field(default_factory=list)

    def frame(self, rejected_at: object) -> pl.DataFrame:
        """One row of `model.REJECTED` a line."""
        if not self.rows:
            return pl.DataFrame(schema=REJECTED)
        columns = list(zip(*self.rows, strict=True))
        names = ["reason", "detail", "raw", "source", "source_offset", "line", "event_id"]
        frame = pl.DataFrame({n: pl.Series(n, list(c), dtype=REJECTED[n]) for n, c in zip(names, columns, strict=True)})
        return frame.with_columns(rejected_at=pl.lit(rejected_at, dtype=REJECTED["rejected_at"])).select(list(REJECTED))


def block_of_bytes(
    data: bytes | bytearray | NDArray[np.uint8], source: str, *, offset: int = 0, first_line: int = 1,
    ends_source: bool = True,
) -> Block:  # fmt: skip
    """Cut bytes at their newlines into a block; blank lines are left out, a last line needs no newline."""
    raw = np.frombuffer(data, np.uint8) if not isinstance(data, np.ndarray) else data
    buffer = np.zeros(raw.size + PADDING, np.uint8)
    buffer[: raw.size] = raw
    starts, ends, numbers = split_lines(buffer, 0, raw.size)
    open_end = bool(ends_source and raw.size and raw[-1] != 10)
    return Block(buffer, starts, ends, numbers.astype(np.int64) + first_line, source, offset, ends_source=open_end)


def block_of_rewritten(texts: pl.Series, like: Block, rows: NDArray[np.intp], context: pl.DataFrame) -> Block:
    """A block of rewritten lines that stand for `rows` of another block and keep their places."""
    block = block_of_texts_of(texts, like.source)
    block.lines, block.offsets = like.lines[rows], like.source_offsets()[rows]
    block.context, block.unwrapped_from, block.unwrapped_rows = context, like, rows
    return block


def block_of_texts(texts: list[bytes], like: Block, rows: NDArray[np.intp], context: pl.DataFrame | None) -> Block:
    """A block of rewritten lines that stand for `rows` of another block and keep their places."""
    lengths = np.fromiter((len(t) for t in texts), np.int64, len(texts))
    ends = np.cumsum(lengths + 1) - 1
    joined = b"\n".join(texts)
    buffer = np.zeros(len(joined) + PADDING, np.uint8)
    buffer[: len(joined)] = np.frombuffer(joined, np.uint8)
    return Block(
        buffer, (ends - lengths).astype(np.int32), ends.astype(np.int32), like.lines[rows], like.source,
        offsets=like.source_offsets()[rows], context=context,
    )


def block_of_texts_of(texts: pl.Series, source: str = "") -> Block:
    """A block of one line a text; a text may hold newlines."""
    column = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    buffer = np.zeros(PADDING, np.uint8)
    offsets = np.zeros(1, np.int64)
    if len(texts):
        _, raw_offsets, data = column.buffers()
        offsets = np.frombuffer(raw_offsets, np.int64)[column.offset : column.offset + len(texts) + 1]
        bytes_held = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
        first, last = int(offsets[0]), int(offsets[-1])
        buffer = np.zeros(last - first + PADDING, np.uint8)
        buffer[: last - first] = bytes_held[first:last]
        offsets = offsets - first
    lines = np.arange(1, len(texts) + 1, dtype=np.int64)
    return Block(buffer, offsets[:-1].astype(np.int32), offsets[1:].astype(np.int32), lines, source)
