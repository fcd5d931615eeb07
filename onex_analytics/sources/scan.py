"""One strict pass over JSON lines (RFC 8259): where each value that we read begins and ends.

Nothing is copied and nothing is guessed: the scan checks the whole grammar of every line and notes, for
each slot of a `PathTable`, the kind of its value and its place in the buffer. Compiled by Numba, because no
library gives places together with strictness at the speed of the disk (docs/decisions/0002).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.machine import count_trailing_zeros, load8, load64
from onex_analytics.sources.paths import HASH_FACTOR, PathTable

ABSENT, NULL, FALSE, TRUE, NUMBER, STRING, ESCAPED, OBJECT, ARRAY = range(9)
"""Kinds of a value; ESCAPED is a string that holds a backslash."""

OK, INVALID, TRUNCATED, BAD_UTF8, TOO_DEEP, DUPLICATE_KEY, NOT_AN_OBJECT = range(7)
"""What became of a line."""

HAS_UNKNOWN, HAS_ESCAPED_KEY, HAS_SPACE, HAS_MANY_UNKNOWN = 1, 2, 4, 8
"""Flags of a line: top-level keys outside the table, an escaped key where keys are looked up,
white space between tokens, more unknown keys than are noted."""

MAX_DEPTH = 1000
MAX_UNKNOWN = 12
PADDING = 16
"""Bytes that must follow the last line in a buffer, so that eight can be loaded at once."""

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_QUOTES = np.uint64(0x2222222222222222)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_CONTROLS = np.uint64(0x2020202020202020)
_FACTOR = np.uint64(HASH_FACTOR)
_NODE_FACTOR = np.uint64(0x51ED2701)
_BYTE_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)


class Scan(NamedTuple):
    """What one pass found. The first axis of `kind`, `offset`, `length` and `depth` is the slot."""

    kind: NDArray[np.uint8]          # (slots, lines)
    offset: NDArray[np.int32]        # (slots, lines); strings without their quotes
    length: NDArray[np.int32]        # (slots, lines) bytes
    depth: NDArray[np.int16]         # (measured slots, lines); containers inside each other, 1 for a flat one
    status: NDArray[np.uint8]        # (lines)
    error_at: NDArray[np.int32]      # (lines) byte within the buffer
    flags: NDArray[np.uint8]         # (lines)
    unknown: NDArray[np.int32]       # (lines, MAX_UNKNOWN, 2) spans of `"key": value`
    n_unknown: NDArray[np.int32]     # (lines)


@njit(nogil=True, cache=True)
def split_lines(buffer: NDArray[np.uint8], begin: int, end: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Starts, ends and line numbers (from 0) of the lines in `buffer[begin:end]`; blank lines are left out."""
    count = 0
    for i in range(begin, end):
        count += load8(buffer, i) == 10
    starts, ends, numbers = np.empty(count + 1, np.int32), np.empty(count + 1, np.int32), np.empty(count + 1, np.int32)
    found, start, number = 0, begin, 0
    i = begin
    while i <= end:
        if i < end and load8(buffer, i) != 10:
            # eight bytes at a time to the next newline
            while i + 8 <= end:
                word = load64(buffer, i) ^ np.uint64(0x0A0A0A0A0A0A0A0A)
                mask = (word - _ONES) & ~word & _HIGH
                if mask != 0:
                    i += count_trailing_zeros(mask) >> 3
                    break
                i += 8
            while i < end and load8(buffer, i) != 10:
                i += 1
        a, b = start, i
        while b > a and (load8(buffer, b - 1) == 32 or load8(buffer, b - 1) == 9 or load8(buffer, b - 1) == 13):
            b -= 1
        while a < b and (load8(buffer, a) == 32 or load8(buffer, a) == 9 or load8(buffer, a) == 13):
            a += 1
        if b > a:
            starts[found], ends[found], numbers[found] = a, b, number
            found += 1
        number += 1
        i += 1
        start = i
    return starts[:found].copy(), ends[:found].copy(), numbers[:found].copy()


@njit(nogil=True, cache=True)
def _utf8_error(buffer: NDArray[np.uint8], begin: int, end: int) -> int:
    """The first byte that is not UTF-8, or -1. Source: the Unicode Standard, table 3-7."""
    i = begin
    while i < end:
        c = load8(buffer, i)
        if c < 0x80:
            i += 1
            continue
        low, high = 0x80, 0xBF
        if 0xC2 <= c <= 0xDF:
            more = 1
        elif 0xE0 <= c <= 0xEF:
            more = 2
            if c == 0xE0:
                low = 0xA0
            elif c == 0xED:
                high = 0x9F
        elif 0xF0 <= c <= 0xF4:
            more = 3
            if c == 0xF0:
                low = 0x90
            elif c == 0xF4:
                high = 0x8F
        else:
            return i
        if i + more >= end:
            return i
        if load8(buffer, i + 1) < low or load8(buffer, i + 1) > high:
            return i
        for k in range(2, more + 1):
            if load8(buffer, i + k) < 0x80 or load8(buffer, i + k) > 0xBF:
                return i
        i += more + 1
    return -1


@njit(nogil=True, cache=True)
def _string_end(buffer: NDArray[np.uint8], p: int, end: int) -> tuple[int, bool, bool, int]:
    """From behind the opening quote: (place of the closing quote or of the error, escaped, non-ASCII, status)."""
    escaped, high = False, False
    while True:
        if p + 8 <= end:
            word = load64(buffer, p)
            quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
            if word & _HIGH:
                high = True
            mask = ((quotes - _ONES) & ~quotes) | ((slashes - _ONES) & ~slashes) | ((word - _CONTROLS) & ~word)
            mask &= _HIGH
            if mask == 0:
                p += 8
                continue
            p += count_trailing_zeros(mask) >> 3
        elif p >= end:
            return end, escaped, high, TRUNCATED
        c = load8(buffer, p)
        if c == 34:
            return p, escaped, high, OK
        if c == 92:
            escaped = True
            if p + 1 >= end:
                return end, escaped, high, TRUNCATED
            e = load8(buffer, p + 1)
            if e == 117:  # \uXXXX
                if p + 6 > end:
                    return end, escaped, high, TRUNCATED
                for k in range(2, 6):
                    h = load8(buffer, p + k)
                    if not (48 <= h <= 57 or 65 <= h <= 70 or 97 <= h <= 102):
                        return p + k, escaped, high, INVALID
                p += 6
            elif e == 34 or e == 92 or e == 47 or e == 98 or e == 102 or e == 110 or e == 114 or e == 116:
                p += 2
            else:
                return p, escaped, high, INVALID
            continue
        if c < 32:
            return p, escaped, high, INVALID
        if c >= 128:
            high = True
        p += 1


@njit(nogil=True, cache=True)
def _number_end(buffer: NDArray[np.uint8], p: int, end: int) -> tuple[int, int]:
    """The end of the number that begins at `p`, and its status."""
    if load8(buffer, p) == 45:
        p += 1
    if p >= end:
        return p, TRUNCATED
    if load8(buffer, p) == 48:
        p += 1
    elif 49 <= load8(buffer, p) <= 57:
        while p < end and 48 <= load8(buffer, p) <= 57:
            p += 1
    else:
        return p, INVALID
    if p < end and load8(buffer, p) == 46:
        p += 1
        if p >= end:
            return p, TRUNCATED
        if not 48 <= load8(buffer, p) <= 57:
            return p, INVALID
        while p < end and 48 <= load8(buffer, p) <= 57:
            p += 1
    if p < end and (load8(buffer, p) == 101 or load8(buffer, p) == 69):
        p += 1
        if p < end and (load8(buffer, p) == 43 or load8(buffer, p) == 45):
            p += 1
        if p >= end:
            return p, TRUNCATED
        if not 48 <= load8(buffer, p) <= 57:
            return p, INVALID
        while p < end and 48 <= load8(buffer, p) <= 57:
            p += 1
    return p, OK


@njit(nogil=True, cache=True)
def _literal_status(buffer: NDArray[np.uint8], p: int, end: int, word: NDArray[np.uint8]) -> int:
    for k in range(word.size):
        if p + k >= end:
            return TRUNCATED
        if load8(buffer, p + k) != word[k]:
            return INVALID
    return OK


@njit(nogil=True, cache=True)
def _child(
    buffer: NDArray[np.uint8], begin: int, length: int, node: int,
    table_node: NDArray[np.int32], table_offset: NDArray[np.int32], table_length: NDArray[np.int32],
    table_child: NDArray[np.int32], key_bytes: NDArray[np.uint8],
) -> int:
    """The slot of the key `buffer[begin:begin+length]` below `node`, or -1."""
    head = load64(buffer, begin) & _BYTE_MASKS[min(length, 8)]
    value = head ^ (np.uint64(length) << np.uint64(56)) ^ (np.uint64(node) * _NODE_FACTOR)
    value = (value * _FACTOR) >> np.uint64(32)
    size = table_node.size
    at = np.intp(value) & (size - 1)
    while table_node[at] >= 0:
        if table_node[at] == node and table_length[at] == length:
            offset = table_offset[at]
            same = True
            for k in range(length):
                if key_bytes[offset + k] != load8(buffer, begin + k):
                    same = False
                    break
            if same:
                return table_child[at]
        at = (at + 1) & (size - 1)
    return -1


_NULL_WORD = np.frombuffer(b"null", np.uint8)
_TRUE_WORD = np.frombuffer(b"true", np.uint8)
_FALSE_WORD = np.frombuffer(b"false", np.uint8)


@njit(nogil=True, cache=True)
def _scan(
    buffer, starts, ends, has_children, table_node, table_offset, table_length, table_child, key_bytes, measured,
    kind, offset, length, depth, status, error_at, flags, unknown, n_unknown,
):  # type: ignore[no-untyped-def]
    stack_node = np.empty(MAX_DEPTH + 2, np.int32)      # slot of the open container, -1 where none
    stack_object = np.empty(MAX_DEPTH + 2, np.uint8)
    stack_slot = np.empty(MAX_DEPTH + 2, np.int32)      # slot that ends with the container
    for line in range(starts.size):
        p, end = np.intp(starts[line]), np.intp(ends[line])
        level, state = 0, OK
        slot, deepest = 0, 0
        high, spaced = False, False
        flag = 0
        key_start = p
        unknown_open = False
        n_unknown[line] = 0
        if load8(buffer, p) != 123:
            slot = -1
        while True:
            # ---- a value begins at p
            if p >= end:
                state = TRUNCATED
                break
            c = load8(buffer, p)
            done = True          # the value is whole when this stays true
            if c == 34:
                close, escaped, is_high, state = _string_end(buffer, p + 1, end)
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
                stack_object[level] = 1 if is_object else 0
                stack_slot[level] = slot
                stack_node[level] = slot if is_object and slot >= 0 and has_children[slot] else -1
                if slot >= 0:
                    kind[slot, line] = OBJECT if is_object else ARRAY
                    offset[slot, line] = p
                    if measured[slot] >= 0:
                        deepest = level
                p += 1
                while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9 or load8(buffer, p) == 10 or load8(buffer, p) == 13):
                    p += 1
                    spaced = True
                if p >= end:
                    state = TRUNCATED
                    break
                if is_object:
                    done = load8(buffer, p) == 125
                else:
                    done = load8(buffer, p) == 93
                    slot = -1
                if not done and not is_object:
                    continue
                if done:
                    done = False     # closed below, by the bracket itself
            elif c == 45 or 48 <= c <= 57:
                close, state = _number_end(buffer, p, end)
                if state != OK:
                    p = close
                    break
                if slot >= 0:
                    kind[slot, line] = NUMBER
                    offset[slot, line] = p
                    length[slot, line] = close - p
                p = close
            else:
                if c == 110:
                    state = _literal_status(buffer, p, end, _NULL_WORD)
                    word_kind, size = NULL, 4
                elif c == 116:
                    state = _literal_status(buffer, p, end, _TRUE_WORD)
                    word_kind, size = TRUE, 4
                elif c == 102:
                    state = _literal_status(buffer, p, end, _FALSE_WORD)
                    word_kind, size = FALSE, 5
                else:
                    state, word_kind, size = INVALID, NULL, 0
                if state != OK:
                    break
                if slot >= 0:
                    kind[slot, line] = word_kind
                    offset[slot, line] = p
                    length[slot, line] = size
                p += size
            # ---- behind a value, or just inside an open object
            wants_value = False
            opened = not done
            while True:
                if not opened:
                    if unknown_open and level == 1:
                        unknown_open = False
                        count = n_unknown[line]
                        if count < MAX_UNKNOWN:
                            unknown[line, count, 0] = key_start
                            unknown[line, count, 1] = p
                            n_unknown[line] = count + 1
                        else:
                            flag |= HAS_MANY_UNKNOWN
                    if level == 0:
                        break
                while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9 or load8(buffer, p) == 10 or load8(buffer, p) == 13):
                    p += 1
                    spaced = True
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
                    while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9 or load8(buffer, p) == 10 or load8(buffer, p) == 13):
                        p += 1
                        spaced = True
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
                close, escaped, is_high, state = _string_end(buffer, p + 1, end)
                high |= is_high
                if state != OK:
                    p = close
                    break
                slot = -1
                node = stack_node[level]
                if node >= 0:
                    if escaped:
                        flag |= HAS_ESCAPED_KEY
                    slot = _child(buffer, p + 1, close - p - 1, node, table_node, table_offset, table_length, table_child, key_bytes)
                    if slot >= 0 and kind[slot, line] != ABSENT:
                        state = DUPLICATE_KEY
                        break
                    if slot < 0 and level == 1:
                        flag |= HAS_UNKNOWN
                        unknown_open = True
                        key_start = p
                p = close + 1
                while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9 or load8(buffer, p) == 10 or load8(buffer, p) == 13):
                    p += 1
                    spaced = True
                if p >= end:
                    state = TRUNCATED
                    break
                if load8(buffer, p) != 58:
                    state = INVALID
                    break
                p += 1
                while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9 or load8(buffer, p) == 10 or load8(buffer, p) == 13):
                    p += 1
                    spaced = True
                wants_value = True
                break
            if not wants_value:
                break
        if state == OK and p < end:
            while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9 or load8(buffer, p) == 10 or load8(buffer, p) == 13):
                p += 1
            if p < end:
                state = INVALID
        if high or state != OK:
            bad = _utf8_error(buffer, starts[line], end)
            if bad >= 0:
                p, state = bad, BAD_UTF8
        if state == OK and load8(buffer, np.intp(starts[line])) != 123:
            state = NOT_AN_OBJECT
        if state != OK:
            # what was noted before the error may lack its end: nothing of such a line is read
            for any_slot in range(kind.shape[0]):
                kind[any_slot, line] = ABSENT
            n_unknown[line] = 0
        status[line] = state
        error_at[line] = p
        flags[line] = flag | (HAS_SPACE if spaced else 0)


def scan(buffer: NDArray[np.uint8], starts: NDArray[np.int32], ends: NDArray[np.int32], paths: PathTable, measured: tuple[int, ...] = ()) -> Scan:
    """Scan the lines `buffer[starts[i]:ends[i]]`.

    Args:
        buffer: bytes, at least `PADDING` longer than the last end.
        starts, ends: one span a line, none empty, without surrounding white space.
        paths: what to look for.
        measured: slots whose depth of nesting is measured.
    """
    slots, lines = len(paths), starts.size
    measure = np.full(slots, -1, np.int8)
    for i, slot in enumerate(measured):
        measure[slot] = i
    found = Scan(
        kind=np.zeros((slots, lines), np.uint8), offset=np.empty((slots, lines), np.int32),
        length=np.empty((slots, lines), np.int32), depth=np.zeros((max(len(measured), 1), lines), np.int16),
        status=np.empty(lines, np.uint8), error_at=np.empty(lines, np.int32), flags=np.empty(lines, np.uint8),
        unknown=np.empty((lines, MAX_UNKNOWN, 2), np.int32), n_unknown=np.empty(lines, np.int32),
    )
    _scan(
        buffer, starts, ends, paths.has_children, paths.table_node, paths.table_offset, paths.table_length,
        paths.table_child, paths.key_bytes, measure, *found,
    )
    return found
