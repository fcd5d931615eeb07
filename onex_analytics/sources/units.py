"""A source cut into units: whole lines, about 24 MB of them, known by a digest of their bytes.

A unit is what is stored at once, whole or not at all. The same file is always cut at the same places, so that an
append that was killed goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import xxhash
from numpy.typing import NDArray

from onex_analytics.sources.block import Block, Rejection
from onex_analytics.sources.buffers import Buffers
from onex_analytics.sources.elements import BEFORE_ARRAY, IN_ARRAY, Elements, cut_elements
from onex_analytics.sources.lines import PADDING, split_lines
from onex_analytics.sources.streams import Stream

UNIT_BYTES = 24 << 20
FIRST_UNIT_BYTES = 6 << 20
BLOCK_BYTES = 12 << 20
BLOCK_LINES = 1 << 16
LONGEST_LINE = 1 << 29
"""A line or element that is longer is cut here, and its parts are rejected."""

Bytes = NDArray[np.uint8]


@dataclass(slots=True)
class Unit:
    """Some whole lines of one source.

    Args:
        key: digest of the source's kind and of the bytes.
        blocks: the lines, in parts that fit the caches.
        size_bytes: of the decompressed bytes.
        rejected: what could not be given as lines: damage of a compressed stream, broken rows of a table.
    """

    key: str
    source: str
    blocks: list[Block]
    size_bytes: int
    rejected: list[Rejection] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(b) for b in self.blocks) + len(self.rejected)


def line_units(stream: Stream, *, unit_bytes: int = UNIT_BYTES) -> Iterator[Unit]:
    """Units of a stream of lines. A last line needs no newline; blank lines are no lines.

    The first units are smaller, so that all who work on them have something to do soon.
    """
    offset, line = stream.begin, 1
    buffers = Buffers()
    carried: Bytes = np.empty(0, np.uint8)
    usual = min(FIRST_UNIT_BYTES, unit_bytes)
    wanted, ended = usual, False
    while not ended:
        buffer, filled, ended = _filled(stream, carried, wanted, buffers)
        cut = filled if ended or filled >= LONGEST_LINE else _last_newline(buffer, filled) + 1
        if not cut and not ended:
            carried, wanted = buffer[:filled].copy(), wanted * 2
            continue
        usual = min(2 * usual, unit_bytes)
        carried, wanted = buffer[cut:filled].copy(), usual
        rejected = []
        size = cut
        if ended and stream.damage is not None:
            # the line that damage broke off is kept with it
            cut = _whole_lines(buffer, filled)
            at_line = line + int(np.count_nonzero(buffer[:cut] == 10))
            rejected.append(_damage(stream, buffer[cut:filled].tobytes(), offset + cut, at_line))
        buffer[cut : cut + PADDING] = 0
        blocks, lines = _blocks(buffer, cut, stream.name, offset, line, ended)
        if blocks or rejected:
            key = unit_key("lines", [buffer[:size]], stream.damage if ended else None)
            yield Unit(key, stream.name, blocks, size, rejected)
        offset, line = offset + size, line + lines


def element_units(stream: Stream, *, unit_bytes: int = UNIT_BYTES) -> Iterator[Unit]:
    """Units of a JSON array, or of objects that are not one a line; `line` is the number of the element.

    Elements are given without white space between tokens, as a line would be; a rejected one is kept as it came.
    """
    offset, number = stream.begin, 1
    buffers = Buffers()
    state = np.full(1, BEFORE_ARRAY, np.int64)
    carried: Bytes = np.empty(0, np.uint8)
    wanted, finished = unit_bytes, False
    while not finished:
        buffer, filled, ended = _filled(stream, carried, wanted, buffers)
        found = cut_elements(buffer, filled, state)
        if not len(found) and not ended and filled < LONGEST_LINE:
            carried, wanted, offset = buffer[found.done : filled].copy(), wanted * 2, offset + found.done
            continue
        rest = buffer[found.done : filled].tobytes().rstrip(b" \t\r\n")
        finished = ended and not found.full
        rejected = []
        open_end = False
        if finished and stream.damage is not None:
            rejected.append(_damage(stream, rest, offset + found.done, number + len(found)))
            found.done = filled
        elif rest and (finished or not len(found)):
            # an element that is never closed, or has no end in sight: it goes on as it is, for the scan to refuse
            found.append_as_it_is(rest)
            found.done, open_end = filled, finished
        elif finished and state[0] == IN_ARRAY:
            detail = "the array is never closed; its elements were read"
            rejected.append(Rejection("truncated", detail, b"", stream.name, offset + filled, number + len(found)))
        blocks = _element_blocks(buffer, found, stream.name, offset, number)
        if blocks and open_end:
            blocks[-1].ends_source = True
        if blocks or rejected:
            key = unit_key("elements", [buffer[: found.done]], stream.damage if finished else None)
            yield Unit(key, stream.name, blocks, found.done, rejected)
        offset, number = offset + found.done, number + len(found)
        carried, wanted = buffer[found.done : filled].copy(), unit_bytes


def unit_key(kind: str, parts: Iterable[Bytes], damage: str | None = None) -> str:
    """A unit's name in the log: xxHash3 of 128 bits of its bytes, its kind and its length."""
    digest, size = xxhash.xxh3_128(), 0
    for part in parts:
        digest.update(part.data)
        size += part.size
    digest.update(f"{kind} {size} {damage or ''}".encode())
    return f"unit-{digest.hexdigest()}"


def _filled(stream: Stream, carried: Bytes, wanted: int, buffers: Buffers) -> tuple[Bytes, int, bool]:
    """A buffer of what was carried and what comes next, how much of it is filled, and whether the source ended."""
    buffer = buffers.take(max(wanted, carried.size) + PADDING)
    buffer[: carried.size] = carried
    filled = carried.size + stream.read_into(buffer[carried.size : -PADDING])
    buffer[filled : filled + PADDING] = 0
    return buffer, filled, filled < buffer.size - PADDING


def _last_newline(buffer: Bytes, end: int) -> int:
    """The place of the last newline before `end`, or -1; looks back in growing steps."""
    step = 1 << 16
    while end > 0:
        begin = max(0, end - step)
        found = np.flatnonzero(buffer[begin:end] == 10)
        if found.size:
            return begin + int(found[-1])
        end, step = begin, step * 8
    return -1


def _whole_lines(buffer: Bytes, end: int) -> int:
    """Where whole lines end: behind the last newline, or at the end where what follows is whole by itself."""
    cut = _last_newline(buffer, end) + 1
    try:
        json.loads(buffer[cut:end].tobytes())
    except (ValueError, RecursionError):
        return cut
    return end


def _blocks(buffer: Bytes, end: int, source: str, offset: int, line: int, ended: bool) -> tuple[list[Block], int]:
    """Blocks of whole lines, and the number of newlines in all."""
    starts, ends, numbers = split_lines(buffer, 0, end)
    open_end = ended and starts.size > 0 and not (buffer[ends[-1] : end] == 10).any()
    behind = int(ends[-1]) if ends.size else 0
    newlines = (int(numbers[-1]) if numbers.size else 0) + int(np.count_nonzero(buffer[behind:end] == 10))
    blocks = [
        Block(
            buffer, starts[part], ends[part], numbers[part].astype(np.int64) + line, source, offset,
            ends_source=bool(open_end and part.stop >= starts.size),
        )
        for part in block_parts(starts)
    ]  # fmt: skip
    return blocks, newlines


def _element_blocks(buffer: Bytes, found: Elements, source: str, offset: int, number: int) -> list[Block]:
    """Blocks of elements, each with its own piece of their compact texts, and with the bytes as they came behind it."""
    blocks = []
    for part in block_parts(found.texts[:, 0]):
        begin, end = int(found.texts[part.start, 0]), int(found.texts[part.stop - 1, 1])
        piece = np.zeros(end - begin + PADDING, np.uint8)
        piece[: end - begin] = found.compact[begin:end]
        places = (found.texts[part] - begin).astype(np.int32)
        starts, ends = found.spans[part].astype(np.int32).T.copy()
        numbers = np.arange(number + part.start, number + part.stop, dtype=np.int64)
        came = Block(buffer, starts, ends, numbers, source, offset)
        blocks.append(Block(
            piece, places[:, 0].copy(), places[:, 1].copy(), numbers, source, offsets=came.source_offsets(),
            sizes=(ends - starts).astype(np.int64), unwrapped_from=came, unwrapped_rows=np.arange(starts.size),
        ))  # fmt: skip
    return blocks


def block_parts(starts: NDArray[np.signedinteger]) -> Iterator[slice]:
    """Runs of lines that are one block each."""
    first = 0
    while first < starts.size:
        by_bytes = int(np.searchsorted(starts, int(starts[first]) + BLOCK_BYTES))
        last = min(max(first + 1, min(by_bytes, first + BLOCK_LINES)), starts.size)
        yield slice(first, last)
        first = last


def _damage(stream: Stream, raw: bytes, offset: int, line: int) -> Rejection:
    detail = f"the stream breaks off here ({stream.damage}); what came before was read"
    return Rejection("corrupt_compression", detail, raw, stream.name, offset, line)
