"""A source cut into units: whole lines, about 64 MB of them, known by a digest of their bytes.

A unit is what is stored at once, whole or not at all. The same file is always cut at the same places, so that an
append that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import xxhash
from numpy.typing import NDArray

from onex_analytics.sources.block import Block, Rejection
from onex_analytics.sources.elements import cut_elements
from onex_analytics.sources.scan import PADDING, split_lines
from onex_analytics.sources.streams import Stream

UNIT_BYTES = 64 << 20
BLOCK_BYTES = 16 << 20
BLOCK_LINES = 1 << 16
LONGEST_LINE = 1 << 29
"""A line that is longer is cut here, and its parts are rejected."""


@dataclass(slots=True)
class Unit:
    """Some whole lines of one source.

    Args:
        key: digest of the source's kind and of the bytes.
        blocks: the lines, in parts that fit the caches.
        size_bytes: of the decompressed bytes.
        rejected: what could not be given as lines (damage of a compressed stream).
    """

    key: str
    source: str
    blocks: list[Block]
    size_bytes: int
    rejected: list[Rejection] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(b) for b in self.blocks) + len(self.rejected)


def line_units(stream: Stream, *, unit_bytes: int = UNIT_BYTES) -> Iterator[Unit]:
    """Units of a stream of lines. A last line needs no newline; blank lines are no lines."""
    offset, line = 0, 1
    carried = np.empty(0, np.uint8)
    ended = False
    while not ended:
        wanted = unit_bytes
        while True:
            buffer = np.empty(max(wanted, carried.size) + PADDING, np.uint8)
            buffer[: carried.size] = carried
            filled = carried.size + stream.read_into(buffer[carried.size : -PADDING])
            ended = filled < buffer.size - PADDING
            cut = filled if ended else _last_newline(buffer, filled) + 1
            if cut > 0 or ended:
                break
            carried = buffer[:filled].copy()
            if wanted >= LONGEST_LINE:
                cut = filled
                break
            wanted *= 2
        carried = buffer[cut:filled].copy()
        buffer[cut : cut + PADDING] = 0
        open_end = bool(ended and cut and buffer[cut - 1] != 10)
        blocks, lines = _blocks(buffer, cut, stream.name, offset, line, open_end)
        rejected = []
        if ended and stream.damage is not None:
            rejected.append(_damage(stream, offset + cut, line + lines))
        if cut or rejected:
            yield Unit(_key("lines", buffer[:cut], stream.damage if ended else None), stream.name, blocks, cut, rejected)
        offset, line = offset + cut, line + lines


def element_units(stream: Stream, *, unit_bytes: int = UNIT_BYTES) -> Iterator[Unit]:
    """Units of a JSON array, or of objects that are not one a line; `line` is the number of the element."""
    offset, number = 0, 1
    state = np.zeros(1, np.int64)
    carried = np.empty(0, np.uint8)
    wanted = unit_bytes
    while True:
        buffer = np.empty(max(wanted, carried.size) + PADDING, np.uint8)
        buffer[: carried.size] = carried
        filled = carried.size + stream.read_into(buffer[carried.size : -PADDING])
        ended = filled < buffer.size - PADDING
        buffer[filled:] = 0
        room = max(1024, filled // 16)
        spans, texts, compact, done = cut_elements(buffer, filled, state, room)
        if not spans.size and not ended and wanted < LONGEST_LINE:
            carried, wanted = buffer[:filled].copy(), wanted * 2
            continue
        open_end = False
        if ended and done < filled and spans.shape[0] < room:
            # the last element is never closed: it goes on as it is, for the scan to refuse
            rest = buffer[done:filled].tobytes().replace(b"\n", b" ").replace(b"\r", b" ")
            spans = np.concatenate([spans, [[done, filled]]])
            written = int(texts[-1, 1]) + 1 if texts.size else 0
            compact = np.concatenate([compact[:written], np.frombuffer(rest + b"\n", np.uint8), np.zeros(PADDING, np.uint8)])
            texts = np.concatenate([texts, [[written, written + len(rest)]]])
            done, open_end = filled, True
        numbers = np.arange(number, number + spans.shape[0], dtype=np.int64)
        blocks = []
        for a in range(0, spans.shape[0], BLOCK_LINES):
            part = slice(a, a + BLOCK_LINES)
            begin = int(texts[part][0, 0])
            end = int(texts[part][-1, 1])
            piece = np.zeros(end - begin + PADDING, np.uint8)
            piece[: end - begin] = compact[begin:end]
            places = (texts[part] - begin).astype(np.int32)
            blocks.append(Block(
                piece, places[:, 0].copy(), places[:, 1].copy(), numbers[part], stream.name,
                offsets=offset + spans[part][:, 0], sizes=(spans[part][:, 1] - spans[part][:, 0]).astype(np.int64),
                ends_source=open_end and a + BLOCK_LINES >= spans.shape[0],
            ))
        finished = ended and done >= filled or (ended and not spans.size)
        rejected = [_damage(stream, offset + filled, number + spans.shape[0])] if finished and stream.damage is not None else []
        if blocks or rejected:
            yield Unit(_key("elements", buffer[:done], stream.damage if finished else None), stream.name, blocks, done, rejected)
        offset, number = offset + done, number + spans.shape[0]
        carried = buffer[done:filled].copy()
        wanted = unit_bytes
        if finished:
            return


def _last_newline(buffer: NDArray[np.uint8], end: int) -> int:
    """The place of the last newline before `end`, or -1; looks back in growing steps."""
    step = 1 << 16
    begin = end
    while begin > 0:
        begin = max(0, end - step)
        found = np.flatnonzero(buffer[begin:end] == 10)
        if found.size:
            return begin + int(found[-1])
        step *= 8
    return -1


def _blocks(buffer: NDArray[np.uint8], end: int, source: str, offset: int, line: int, open_end: bool) -> tuple[list[Block], int]:
    """Blocks of whole lines, and the number of newlines in all."""
    starts, ends, numbers = split_lines(buffer, 0, end)
    newlines = int(np.count_nonzero(buffer[:end] == 10)) if end else 0
    blocks = []
    first = 0
    while first < starts.size:
        by_bytes = int(np.searchsorted(starts, int(starts[first]) + BLOCK_BYTES))
        last = max(first + 1, min(by_bytes, first + BLOCK_LINES))
        part = slice(first, last)
        blocks.append(Block(
            buffer, starts[part], ends[part], numbers[part].astype(np.int64) + line, source, offset,
            ends_source=open_end and last >= starts.size,
        ))
        first = last
    return blocks, newlines


def _damage(stream: Stream, offset: int, line: int) -> Rejection:
    return Rejection(
        "corrupt_compression", f"the stream breaks off here ({stream.damage}); what came before was read", b"",
        stream.name, offset, line,
    )


def _key(kind: str, data: NDArray[np.uint8], damage: str | None = None) -> str:
    """A unit's name in the log: xxHash3 of 128 bits of its bytes, its kind and its length."""
    digest = xxhash.xxh3_128(data)
    digest.update(f"{kind} {data.size} {damage or ''}".encode())
    return f"unit-{digest.hexdigest()}"
