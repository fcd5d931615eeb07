"""One strict pass over JSON lines (RFC 8259): where each value that we read begins and ends.

Nothing is copied and nothing is guessed: the scan checks the whole grammar of every line and notes, for
each slot of a `PathTable`, the kind of its value and its place in the buffer. Compiled by Numba, because no
library gives places together with strictness at the speed of the disk (docs/decisions/0002).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean, load8, load64
from onex_analytics.sources.escapes import unescape
from onex_analytics.sources.grammar import (
    BAD_UTF8,
    DUPLICATE_KEY,
    INVALID,
    NOT_AN_OBJECT,
    OK,
    TOO_DEEP,
    TRUNCATED,
    number_end,
    quick_end,
    skip_space,
    string_end,
    utf8_error,
    word_size,
)  # fmt: skip
from onex_analytics.sources.lines import PADDING as PADDING
from onex_analytics.sources.lines import split_lines as split_lines
from onex_analytics.sources.paths import HASH_FACTOR, PathTable

ABSENT, NULL, FALSE, TRUE, NUMBER, STRING, ESCAPED, OBJECT, ARRAY = range(9)
"""Kinds of a value; ESCAPED is a string that holds a backslash."""

HAS_UNKNOWN, HAS_SPACE = 1, 2
"""Flags of a line: top-level keys outside the table, white space between tokens."""

MAX_DEPTH = 1000
_FEW_UNKNOWN = 256

_FACTOR = np.uint64(HASH_FACTOR)
_NODE_FACTOR = np.uint64(0x51ED2701)
_BYTE_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)


class Scan(NamedTuple):
    """What one pass found. The first axis of `kind`, `offset`, `length` and `depth` is the slot.

    A line whose status is not OK has no objects and arrays; one that is not UTF-8 has nothing.
    """

    kind: NDArray[np.uint8]          # (slots, lines)
    offset: NDArray[np.int32]        # (slots, lines); strings without their quotes
    length: NDArray[np.int32]        # (slots, lines) bytes
    depth: NDArray[np.int16]         # (measured slots, lines); containers inside each other, 1 for a flat one
    status: NDArray[np.uint8]        # (lines)
    error_at: NDArray[np.int32]      # (lines) byte within the buffer
    flags: NDArray[np.uint8]         # (lines)
    used: NDArray[np.bool_]          # (slots) whether the key stands in any line
    unknown_end: NDArray[np.int32]   # (lines) end of the line's part of `unknown`, which begins where the last ended
    unknown: NDArray[np.int32]       # (unknown keys, 2) spans of `"key": value` at the top level


class Room:
    """Memory for one scan after the other: what a scan found in it holds until the next."""

    def __init__(self) -> None:
        self._held: dict[int, NDArray[np.uint8]] = {}

    def array(self, number: int, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """The array of this number, which holds anything."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        held = self._held.get(number)
        if held is None or held.size < size:
            held = self._held[number] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)


@lean
def _child(buffer, begin, length, node, table_node, table_offset, table_length, table_child, key_bytes):  # type: ignore[no-untyped-def]
    """The slot of the key `buffer[begin:begin+length]` below `node`, or -1."""
    head = load64(buffer, begin) & _BYTE_MASKS[min(length, 8)]
    value = head ^ (np.uint64(length) << np.uint64(56)) ^ (np.uint64(node) * _NODE_FACTOR)
    value = (value * _FACTOR) >> np.uint64(32)
    size = table_node.size
    at = np.intp(value) & (size - 1)
    while table_node[at] >= 0:
        if table_node[at] == node and table_length[at] == length:
            offset = np.intp(table_offset[at])
            k = 0
            while k + 8 <= length and load64(key_bytes, offset + k) == load64(buffer, begin + k):
                k += 8
            if k + 8 > length:
                rest = (load64(key_bytes, offset + k) ^ load64(buffer, begin + k)) & _BYTE_MASKS[length - k]
                if rest == 0:
                    return table_child[at]
        at = (at + 1) & (size - 1)
    return -1


@lean
def _scan(  # type: ignore[no-untyped-def]
    buffer, starts, ends, has_children, table_node, table_offset, table_length, table_child, key_bytes, measured,
    kind, offset, length, depth, status, error_at, flags, used, unknown_end,
    stack_node, stack_object, stack_slot, plain_key, unknown,
):
    """Fills the arrays from `kind` on, and returns how many unknown keys there are: perhaps more than found room.

    The stacks hold, by level: the slot of the open container, -1 where it has none; whether it is an object; the slot
    that ends with it. `plain_key` is room for a key without its escapes.
    """
    n_unknown = 0
    for line in range(starts.size):
        start, end = np.intp(starts[line]), np.intp(ends[line])
        p = start
        level, state = 0, OK
        slot, deepest = 0, 0
        high, spaced = False, False
        flag = 0
        first_unknown = n_unknown
        key_start = p
        unknown_open = False
        if load8(buffer, p) != 123:
            slot = -1
        while True:
            # ---- a value begins at p
            if p >= end:
                state = TRUNCATED
                break
            c = load8(buffer, p)
            opened = False
            if c == 34:
                close, escaped = quick_end(buffer, p + 1), False
                if close >= end or load8(buffer, close) != 34:
                    close, escaped, is_high, state = string_end(buffer, p + 1, end)
                    high |= is_high
                    if state != OK:
                        p = close
                        break
                if slot >= 0:
                    kind[slot, line] = ESCAPED if escaped else STRING
                    offset[slot, line] = p + 1
                    length[slot, line] = close - p - 1
                p = close + 1
            elif c == 123 or c == 91:
                if level >= MAX_DEPTH:
                    state = TOO_DEEP
                    break
                level += 1
                deepest = max(deepest, level)
                is_object = c == 123
                stack_object[level] = is_object
                stack_slot[level] = slot
                stack_node[level] = slot if is_object and slot >= 0 and has_children[slot] else -1
                if slot >= 0:
                    kind[slot, line] = OBJECT if is_object else ARRAY
                    offset[slot, line] = p
                    if measured[slot] >= 0:
                        deepest = level
                p += 1
                if not is_object:
                    slot = -1
                    q = skip_space(buffer, p, end)
                    spaced |= q > p
                    p = q
                    if p >= end or load8(buffer, p) != 93:
                        continue
                opened = True
            elif c == 45 or 48 <= c <= 57:
                close, state = number_end(buffer, p, end)
                if state != OK:
                    p = close
                    break
                if slot >= 0:
                    kind[slot, line] = NUMBER
                    offset[slot, line] = p
                    length[slot, line] = close - p
                p = close
            else:
                size = word_size(buffer, p, end)
                if size <= 0:
                    state = TRUNCATED if size < 0 else INVALID
                    break
                if slot >= 0:
                    kind[slot, line] = NULL if c == 110 else TRUE if c == 116 else FALSE
                    offset[slot, line] = p
                    length[slot, line] = size
                p += size
            # ---- behind a value, or just inside an open container
            wants_value = False
            while True:
                if not opened:
                    if unknown_open and level == 1:
                        unknown_open = False
                        if n_unknown < unknown.shape[0]:
                            unknown[n_unknown, 0], unknown[n_unknown, 1] = key_start, p
                        n_unknown += 1
                    if level == 0:
                        break
                if load8(buffer, p) <= 32:
                    q = skip_space(buffer, p, end)
                    spaced |= q > p
                    p = q
                if p >= end:
                    state = TRUNCATED
                    break
                c = load8(buffer, p)
                if c == (125 if stack_object[level] else 93):
                    p += 1
                    closing = stack_slot[level]
                    if closing >= 0:
                        length[closing, line] = p - offset[closing, line]
                        if measured[closing] >= 0:
                            depth[measured[closing], line] = deepest - level + 1
                    level -= 1
                    opened = False
                    continue
                if not opened:
                    if c != 44:
                        state = INVALID
                        break
                    p += 1
                    if load8(buffer, p) <= 32:
                        q = skip_space(buffer, p, end)
                        spaced |= q > p
                        p = q
                    if p >= end:
                        state = TRUNCATED
                        break
                if not stack_object[level]:
                    slot = -1
                    wants_value = True
                    break
                # a key
                if load8(buffer, p) != 34:
                    state = INVALID
                    break
                close, escaped = quick_end(buffer, p + 1), False
                if close >= end or load8(buffer, close) != 34:
                    close, escaped, is_high, state = string_end(buffer, p + 1, end)
                    high |= is_high
                    if state != OK:
                        p = close
                        break
                slot = -1
                node = stack_node[level]
                if node >= 0:
                    # two calls, because one name for either buffer would count references, key by key
                    begin, size = p + 1, close - p - 1
                    if escaped and size <= plain_key.size - PADDING:
                        size = unescape(buffer, begin, size, plain_key, np.intp(0))
                        slot = _child(
                            plain_key, np.intp(0), size, node,
                            table_node, table_offset, table_length, table_child, key_bytes,
                        )
                    else:
                        slot = _child(
                            buffer, begin, size, node, table_node, table_offset, table_length, table_child, key_bytes
                        )
                    if slot >= 0 and kind[slot, line] != ABSENT:
                        state = DUPLICATE_KEY
                        break
                    if slot >= 0:
                        used[slot] = True
                    elif level == 1:
                        flag |= HAS_UNKNOWN
                        unknown_open = True
                        key_start = p
                p = close + 1
                if load8(buffer, p) <= 32:
                    q = skip_space(buffer, p, end)
                    spaced |= q > p
                    p = q
                if p >= end:
                    state = TRUNCATED
                    break
                if load8(buffer, p) != 58:
                    state = INVALID
                    break
                p += 1
                if load8(buffer, p) <= 32:
                    q = skip_space(buffer, p, end)
                    spaced |= q > p
                    p = q
                wants_value = True
                break
            if not wants_value:
                break
        if state == OK and p < end:
            state = INVALID
        if high or state != OK:
            bad, cut = utf8_error(buffer, start, end)
            if bad >= 0 and not (cut and state == TRUNCATED):
                p, state = bad, BAD_UTF8
        if state == OK and load8(buffer, start) != 123:
            state = NOT_AN_OBJECT
        if state != OK:
            n_unknown = first_unknown
            for s in range(kind.shape[0]):
                if state == BAD_UTF8 or kind[s, line] >= OBJECT:
                    kind[s, line] = ABSENT
        status[line] = state
        error_at[line] = p
        flags[line] = flag | (HAS_SPACE if spaced else 0)
        unknown_end[line] = n_unknown
    return n_unknown


def scan(
    buffer: NDArray[np.uint8], starts: NDArray[np.int32], ends: NDArray[np.int32], paths: PathTable,
    measured: tuple[int, ...] = (), room: Room | None = None,
) -> Scan:
    """Scan the lines `buffer[starts[i]:ends[i]]`.

    Args:
        buffer: bytes, at least `lines.PADDING` longer than the last end.
        starts, ends: one span a line, none empty, without surrounding white space.
        paths: what to look for.
        measured: slots whose depth of nesting is measured.
        room: memory to use again; what was found in it before is lost.
    """
    room = room or Room()
    slots, lines = len(paths), starts.size
    measure = np.full(slots, -1, np.int8)
    for i, slot in enumerate(measured):
        measure[slot] = i
    found = (
        room.array(0, (slots, lines), np.uint8), room.array(1, (slots, lines), np.int32),
        room.array(2, (slots, lines), np.int32), np.zeros((max(len(measured), 1), lines), np.int16),
        np.empty(lines, np.uint8), np.empty(lines, np.int32), np.empty(lines, np.uint8), np.zeros(slots, np.bool_),
        np.empty(lines, np.int32),
    )  # fmt: skip
    found[0][:] = 0
    stacks = np.empty(MAX_DEPTH + 2, np.int32), np.empty(MAX_DEPTH + 2, np.uint8), np.empty(MAX_DEPTH + 2, np.int32)
    plain_key = np.zeros(6 * int(paths.table_length.max(initial=0)) + PADDING, np.uint8)
    size, needed = 0, lines + _FEW_UNKNOWN
    while needed > size:
        size = needed
        unknown = np.empty((size, 2), np.int32)
        needed = _scan(
            buffer, starts, ends, paths.has_children, paths.table_node, paths.table_offset, paths.table_length,
            paths.table_child, paths.key_bytes, measure, *found, *stacks, plain_key, unknown,
        )  # fmt: skip
        if needed > size:  # once more, from the beginning
            for array in (found[0], found[3], found[7]):
                array[:] = 0
    return Scan(*found, unknown[:needed])


def is_compiled() -> bool:
    """Whether an earlier process has compiled the scan and kept it; the first on a machine takes some 20 seconds."""
    folder = _scan.stats.cache_path
    return bool(folder) and any(Path(folder).glob("scan._scan-*.nbi"))
