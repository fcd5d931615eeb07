"""Events written in their one canonical form, compiled: JSON texts in any form come in.

No white space, each string in the shortest escapes, known fields first and in order, unknown ones behind, sorted by
their keys. Nothing else is touched: numbers stay as they were written, inner members in their order.
"""

from __future__ import annotations

import json

import numpy as np
from numba import njit

from onex_analytics.machine import count_trailing_zeros, lean, load8, load64
from onex_analytics.sizing.events import FIELD_ORDER

OK, BROKEN = 0, 1
"""What became of a text; `BROKEN` is no JSON object."""

_KEYS = [json.dumps(name).encode() for name in FIELD_ORDER]
KEY_AT = np.cumsum([0, *(len(key) for key in _KEYS)]).astype(np.int64)
KEY_BYTES = np.frombuffer(b"".join(_KEYS), np.uint8)
METADATA, DATA = FIELD_ORDER.index("metadata"), FIELD_ORDER.index("data")
_ENVELOPE = np.frombuffer(b'"envelope"', np.uint8)
SHORT_ESCAPES = np.zeros(32, np.uint8)
for _control, _letter in zip(b"\b\t\n\f\r", b"btnfr", strict=True):
    SHORT_ESCAPES[_control] = _letter
_LEAST_MEMBER = 5
_ONES = np.uint64(0x0101010101010101)
_HIGH = _ONES * np.uint64(0x80)
_QUOTES, _SLASHES, _SPACES = _ONES * np.uint64(34), _ONES * np.uint64(92), _ONES * np.uint64(32)


@lean
def stops_of(word):  # type: ignore[no-untyped-def]
    """The high bits of those of eight bytes that end or disturb a JSON string; exact up to the first of them."""
    quote, slash = word ^ _QUOTES, word ^ _SLASHES
    return ((quote - _ONES) & ~quote | (slash - _ONES) & ~slash | (word - _SPACES) & ~word) & _HIGH


@lean
def _hex4(data, p):  # type: ignore[no-untyped-def]
    """The number of four hex digits; −1 where one is none."""
    value = np.int64(0)
    for k in range(4):
        c = np.int64(load8(data, p + k))
        if 48 <= c <= 57:
            value = value * 16 + c - 48
        elif 97 <= (c | 32) <= 102:
            value = value * 16 + (c | 32) - 87
        else:
            return np.int64(-1)
    return value


@lean
def _unicode(out, at, code):  # type: ignore[no-untyped-def]
    """Write one character as JSON has it: in UTF-8, or escaped where it must be (half of a pair must, too)."""
    if code == 34 or code == 92:
        out[at], out[at + 1] = 92, code
        return at + 2
    if code < 32 and SHORT_ESCAPES[code]:
        out[at], out[at + 1] = 92, SHORT_ESCAPES[code]
        return at + 2
    if code < 32 or 0xD800 <= code <= 0xDFFF:
        out[at], out[at + 1] = 92, 117
        for k in range(4):
            digit = (code >> (12 - 4 * k)) & 15
            out[at + 2 + k] = digit + (48 if digit < 10 else 87)
        return at + 6
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at], out[at + 1] = 0xC0 | (code >> 6), 0x80 | (code & 63)
        return at + 2
    if code < 0x10000:
        out[at], out[at + 1], out[at + 2] = 0xE0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)
        return at + 3
    out[at], out[at + 1] = 0xF0 | (code >> 18), 0x80 | ((code >> 12) & 63)
    out[at + 2], out[at + 3] = 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)
    return at + 4


@lean
def _string(data, p, end, out, at):  # type: ignore[no-untyped-def]
    """Write the string that begins at `p`, quotes included: (behind it in `data`, behind it in `out`); −1 where it is
    none."""
    out[at] = 34
    at += 1
    p += 1
    while p < end:
        while p + 8 <= end:
            word = load64(data, p)
            stops = stops_of(word)
            plain = count_trailing_zeros(stops) >> 3 if stops else 8
            for k in range(8):  # those behind the first stop are written over
                out[at + k] = np.uint8(word >> np.uint64(8 * k))
            p += plain
            at += plain
            if stops:
                break
        if p >= end:
            break
        c = load8(data, p)
        if c == 34:
            out[at] = 34
            return p + 1, at + 1
        if c < 32:
            return np.int64(-1), at
        if c != 92:
            out[at] = c
            at += 1
            p += 1
            continue
        if p + 1 >= end:
            return np.int64(-1), at
        e = np.int64(load8(data, p + 1))
        p += 2
        if e == 117:
            code = _hex4(data, p) if p + 4 <= end else np.int64(-1)
            if code < 0:
                return np.int64(-1), at
            p += 4
            if 0xD800 <= code <= 0xDBFF and p + 6 <= end and load8(data, p) == 92 and load8(data, p + 1) == 117:
                low = _hex4(data, p + 2)
                if 0xDC00 <= low <= 0xDFFF:
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    p += 6
        elif e == 34 or e == 92 or e == 47:
            code = e
        elif e == 98:
            code = np.int64(8)
        elif e == 102:
            code = np.int64(12)
        elif e == 110:
            code = np.int64(10)
        elif e == 114:
            code = np.int64(13)
        elif e == 116:
            code = np.int64(9)
        else:
            return np.int64(-1), at
        at = _unicode(out, at, code)
    return np.int64(-1), at


@lean
def _space(data, p, end):  # type: ignore[no-untyped-def]
    while p < end:
        c = load8(data, p)
        if c != 32 and c != 9 and c != 10 and c != 13:
            break
        p += 1
    return p


@lean
def _value(data, p, end, out, at):  # type: ignore[no-untyped-def]
    """Write the value that begins at `p`, like `_string`. Brackets are counted, not matched."""
    depth, begin = 0, at
    while p < end:
        c = load8(data, p)
        if c == 32 or c == 9 or c == 10 or c == 13:
            if depth == 0:
                break
            p += 1
        elif c == 34:
            p, at = _string(data, p, end, out, at)
            if p < 0 or depth == 0:
                return p, at
        else:
            if depth == 0 and (c == 44 or c == 125 or c == 93):
                break
            out[at] = c
            at += 1
            p += 1
            if c == 123 or c == 91:
                depth += 1
            elif c == 125 or c == 93:
                depth -= 1
                if depth == 0:
                    return p, at
    if depth != 0 or at == begin:
        return np.int64(-1), at
    return p, at


@lean
def same(one, begin, size, other, from_, length):  # type: ignore[no-untyped-def]
    """Whether two stretches of bytes are the same."""
    k = np.int64(0)
    while k < size and size == length and load8(one, begin + k) == load8(other, from_ + k):
        k += 1
    return k == size == length


@lean
def _rank(out, begin, size, expected):  # type: ignore[no-untyped-def]
    """The place of a key among known fields; behind them all where it is unknown. `expected` is looked at first."""
    fields = KEY_AT.size - 1
    for step in range(fields):
        place = (expected + step) % fields
        if same(out, begin, size, KEY_BYTES, KEY_AT[place], KEY_AT[place + 1] - KEY_AT[place]):
            return place
    return fields


@lean
def _before(out, members, one, other):  # type: ignore[no-untyped-def]
    """Below zero where a member comes before another, 0 where they have one key."""
    if members[one, 0] != members[other, 0]:
        return members[one, 0] - members[other, 0]
    first, second = members[one, 1], members[other, 1]
    size, length = members[one, 2], members[other, 2]
    for k in range(min(size, length)):
        if out[first + k] != out[second + k]:
            return np.int64(out[first + k]) - np.int64(out[second + k])
    return size - length


@lean
def _members(data, begin, end, wrapped, out, at, members):  # type: ignore[no-untyped-def]
    """Write the members of the object in `data[begin:end]` one behind the other, as they come: rank, place, size of the
    key and of the whole. Returns how many there are, or −1 where that is no object."""
    p = _space(data, begin, end)
    if p >= end or load8(data, p) != 123:
        return np.int64(-1)
    p = _space(data, p + 1, end)
    count, expected = np.int64(0), np.int64(0)
    if p < end and load8(data, p) == 125:
        return np.int64(-1) if _space(data, p + 1, end) < end else count
    while p < end and load8(data, p) == 34:
        first = at
        p, at = _string(data, p, end, out, at)
        if p < 0:
            return np.int64(-1)
        size = at - first
        p = _space(data, p, end)
        if p >= end or load8(data, p) != 58:
            return np.int64(-1)
        out[at] = 58
        p, at = _value(data, _space(data, p + 1, end), end, out, at + 1)
        if p < 0:
            return np.int64(-1)
        if wrapped and same(out, first, size, _ENVELOPE, 0, _ENVELOPE.size):
            wrapped, at = False, first
        else:
            rank = _rank(out, first, size, expected)
            expected = rank + 1
            members[count, 0], members[count, 1], members[count, 2], members[count, 3] = rank, first, size, at - first
            count += 1
        p = _space(data, p, end)
        if p < end and load8(data, p) == 125:
            return np.int64(-1) if _space(data, p + 1, end) < end else count
        if p >= end or load8(data, p) != 44:
            return np.int64(-1)
        p = _space(data, p + 1, end)
    return np.int64(-1)


@lean
def _ordered(out, members, count, order):  # type: ignore[no-untyped-def]
    """The members in their order, of several with one key the last alone; returns how many there are."""
    kept = np.int64(0)
    for one in range(count):
        at = kept
        while at > 0 and _before(out, members, one, order[at - 1]) < 0:
            at -= 1
        if at > 0 and _before(out, members, one, order[at - 1]) == 0:
            order[at - 1] = one
            continue
        for k in range(kept, at, -1):
            order[k] = order[k - 1]
        order[at] = one
        kept += 1
    return kept


@njit(nogil=True, cache=True)
def write_events(data, offsets, wrapped, out, ends, told):  # type: ignore[no-untyped-def]
    """Write each text to `out`, and where each ends to `ends[1:]`.

    Where `told` holds anything, it is given of each member its place in `out`, its rank, the bytes of its key and its
    own.

    Returns:
        (the text that is no JSON object, or −1; how many members there are).
    """
    longest = np.int64(0)
    for i in range(ends.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    most = longest // _LEAST_MEMBER + 2
    members, order, room = np.empty((most, 4), np.int64), np.empty(most, np.int64), np.empty(longest + 16, np.uint8)
    at, n = np.int64(0), np.int64(0)
    for i in range(ends.size - 1):
        count = _members(data, offsets[i], offsets[i + 1], wrapped[i], room, np.int64(0), members)
        if count < 0:
            return np.int64(i), n
        kept = _ordered(room, members, count, order)
        out[at] = 123
        at += 1
        for k in range(kept):
            if k:
                out[at] = 44
                at += 1
            first, size = members[order[k], 1], members[order[k], 3]
            if told.size:
                told[n, 0], told[n, 1], told[n, 2], told[n, 3] = at, members[order[k], 0], members[order[k], 2], size
                n += 1
            for b in range(size):
                out[at + b] = room[first + b]
            at += size
        out[at] = 125
        at += 1
        ends[i + 1] = at
    return np.int64(-1), n


@lean
def write_values(data, offsets, out, ends):  # type: ignore[no-untyped-def]
    """Write JSON values of any kind to `out`, and where each ends to `ends[1:]`; an empty text is no value.

    Returns:
        The text that is no value, or −1.
    """
    at = np.int64(0)
    for i in range(ends.size - 1):
        p, end = _space(data, offsets[i], offsets[i + 1]), offsets[i + 1]
        if offsets[i] < end:
            p, at = _value(data, p, end, out, at)
            if p < 0 or _space(data, p, end) < end:
                return np.int64(i)
        ends[i + 1] = at
    return np.int64(-1)
