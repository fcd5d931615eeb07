"""From places in a buffer to columns: text without a copy, numbers, times, hashes.

Each function takes the buffer and three arrays that say what stands where (`kind`, `offset`, `length`, one
entry a line, as `scan` gives for a slot) and makes one column of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.hashing import xxh64_bytes
from onex_analytics.sources.machine import load8, load64
from onex_analytics.sources.scan import ABSENT, ESCAPED, NULL, NUMBER, OBJECT, STRING, Scan

Bytes = NDArray[np.uint8]


class Spans(NamedTuple):
    """One value a line: its kind and its place."""

    kind: NDArray[np.uint8]
    offset: NDArray[np.int32]
    length: NDArray[np.int32]

    def take(self, rows: NDArray[np.intp]) -> Spans:
        return Spans(self.kind[rows], self.offset[rows], self.length[rows])


def slot_spans(found: Scan, slot: int) -> Spans:
    """The values of one slot."""
    return Spans(found.kind[slot], found.offset[slot], found.length[slot])


@njit(nogil=True, cache=True)
def _first_present(kind, offset, length, slots, out_kind, out_offset, out_length):  # type: ignore[no-untyped-def]
    for line in range(kind.shape[1]):
        out_kind[line] = ABSENT
        for slot in slots:
            k = kind[slot, line]
            if k > NULL:
                out_kind[line], out_offset[line], out_length[line] = k, offset[slot, line], length[slot, line]
                break
            if k == NULL:
                out_kind[line] = NULL


def first_present(found: Scan, *slots: int) -> Spans:
    """The first of several slots that holds a value; null where all that are there are null."""
    if len(slots) == 1:
        return slot_spans(found, slots[0])
    lines = found.kind.shape[1]
    out = Spans(np.empty(lines, np.uint8), np.zeros(lines, np.int32), np.zeros(lines, np.int32))
    _first_present(found.kind, found.offset, found.length, np.array(slots, np.int32), *out)
    return out


# ---------------------------------------------------------------------------------------------- text


@njit(nogil=True, cache=True)
def _hex4(buffer: Bytes, p: int) -> int:
    value = 0
    for k in range(4):
        c = np.int64(load8(buffer, p + k))
        value = value * 16 + (c - 48 if c <= 57 else (c | 32) - 87)
    return value


@njit(nogil=True, cache=True)
def _unescape(buffer: Bytes, begin: int, length: int, out: Bytes, at: int) -> int:
    """Write the text of an escaped string to `out[at:]`; returns its end. A lone surrogate becomes U+FFFD."""
    p, end = begin, begin + length
    while p < end:
        c = load8(buffer, p)
        if c != 92:
            out[at] = c
            at += 1
            p += 1
            continue
        e = load8(buffer, p + 1)
        p += 2
        if e != 117:
            if e == 98:
                e = np.uint8(8)
            elif e == 102:
                e = np.uint8(12)
            elif e == 110:
                e = np.uint8(10)
            elif e == 114:
                e = np.uint8(13)
            elif e == 116:
                e = np.uint8(9)
            out[at] = e
            at += 1
            continue
        code = _hex4(buffer, p)
        p += 4
        if 0xD800 <= code <= 0xDBFF and p + 6 <= end and load8(buffer, p) == 92 and load8(buffer, p + 1) == 117:
            low = _hex4(buffer, p + 2)
            if 0xDC00 <= low <= 0xDFFF:
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                p += 6
        if 0xD800 <= code <= 0xDFFF:
            code = 0xFFFD
        if code < 0x80:
            out[at] = code
            at += 1
        elif code < 0x800:
            out[at], out[at + 1] = 0xC0 | (code >> 6), 0x80 | (code & 63)
            at += 2
        elif code < 0x10000:
            out[at], out[at + 1], out[at + 2] = 0xE0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)
            at += 3
        else:
            out[at], out[at + 1] = 0xF0 | (code >> 18), 0x80 | ((code >> 12) & 63)
            out[at + 2], out[at + 3] = 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)
            at += 4
    return at


@njit(nogil=True, cache=True)
def _views(buffer, kind, offset, length, lowest, highest, views, valid):  # type: ignore[no-untyped-def]
    room = 0
    for i in range(kind.size):
        if kind[i] == ESCAPED and lowest <= ESCAPED <= highest:
            room += length[i]
    arena = np.empty(room + 16, np.uint8)
    used = 0
    some = False
    low32 = np.uint64(0xFFFFFFFF)
    for i in range(kind.size):
        k = kind[i]
        views[i, 0] = 0
        views[i, 1] = 0
        valid[i] = lowest <= k <= highest
        if not valid[i]:
            continue
        some = True
        source, begin, size, which = buffer, np.intp(offset[i]), np.intp(length[i]), 0
        if k == ESCAPED:
            begin = used
            used = _unescape(buffer, np.intp(offset[i]), size, arena, used)
            source, size, which = arena, used - begin, 1
        if size <= 12:
            first, second = np.uint64(0), np.uint64(0)
            if begin + 16 <= source.size:
                first = load64(source, begin)
                second = load64(source, begin + 8)
                if size < 8:
                    first &= (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
                    second = np.uint64(0)
                else:
                    second &= (np.uint64(1) << np.uint64(8 * (size - 8))) - np.uint64(1)
            else:
                for b in range(size):
                    if b < 8:
                        first |= np.uint64(load8(source, begin + b)) << np.uint64(8 * b)
                    else:
                        second |= np.uint64(load8(source, begin + b)) << np.uint64(8 * (b - 8))
            views[i, 0] = np.uint64(size) | ((first & low32) << np.uint64(32))
            views[i, 1] = (first >> np.uint64(32)) | (second << np.uint64(32))
        else:
            views[i, 0] = np.uint64(size) | ((load64(source, begin) & low32) << np.uint64(32))
            views[i, 1] = np.uint64(which) | (np.uint64(begin) << np.uint64(32))
    return arena[:used], some


def _string_series(name: str, buffer: Bytes, spans: Spans, lowest: int, highest: int) -> pl.Series:
    lines = spans.kind.size
    views, valid = np.empty((lines, 2), np.uint64), np.empty(lines, np.bool_)
    arena, some = _views(buffer, *spans, lowest, highest, views, valid)
    if not some:
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, lines) if lines else pl.Series(name, [], dtype=pl.String)
    buffers = [pa.py_buffer(np.packbits(valid, bitorder="little")), pa.py_buffer(views), pa.py_buffer(buffer)]
    if arena.size:
        buffers.append(pa.py_buffer(arena))
    column = pa.Array.from_buffers(pa.string_view(), lines, buffers)
    return pl.Series(name, column)


def text(name: str, buffer: Bytes, spans: Spans) -> pl.Series:
    """The text of strings, unescaped; null for any other kind."""
    return _string_series(name, buffer, spans, STRING, ESCAPED)


def raw_json(name: str, buffer: Bytes, spans: Spans) -> pl.Series:
    """The JSON text of any value but null, exactly as it came. A string comes back with its quotes."""
    quoted = (spans.kind == STRING) | (spans.kind == ESCAPED)
    kind = np.where(spans.kind > NULL, np.uint8(OBJECT), spans.kind)
    if quoted.any():
        spans = Spans(kind, spans.offset - quoted.astype(np.int32), spans.length + 2 * quoted.astype(np.int32))
    else:
        spans = Spans(kind, spans.offset, spans.length)
    return _string_series(name, buffer, spans, OBJECT, OBJECT)


@njit(nogil=True, cache=True)
def _quick_hash(buffer: Bytes, begin: int, size: int) -> np.uint64:
    """A hash for one table in memory, from both ends and the length of a text; never persisted."""
    if size >= 8:
        head, tail = load64(buffer, begin), load64(buffer, begin + size - 8)
    else:
        head, tail = load64(buffer, begin) & ((np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)), np.uint64(0)
    h = (head ^ (tail * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(size)) * np.uint64(0xC2B2AE3D27D4EB4F)
    return h ^ (h >> np.uint64(29))


@njit(nogil=True, cache=True)
def _same_text(buffer: Bytes, a: int, b: int, size: int) -> bool:
    k = 0
    while k + 8 <= size:
        if load64(buffer, a + k) != load64(buffer, b + k):
            return False
        k += 8
    while k < size:
        if load8(buffer, a + k) != load8(buffer, b + k):
            return False
        k += 1
    return True


@njit(nogil=True, cache=True)
def _intern(buffer, kind, offset, length, codes, first):  # type: ignore[no-untyped-def]
    size = 256
    table = np.full(size, -1, np.int32)
    distinct = 0
    for i in range(kind.size):
        if kind[i] != STRING and kind[i] != ESCAPED:
            codes[i] = -1
            continue
        begin, long = np.intp(offset[i]), np.intp(length[i])
        at = np.intp(_quick_hash(buffer, begin, long) & np.uint64(size - 1))
        while True:
            code = table[at]
            if code < 0:
                table[at] = distinct
                first[distinct] = i
                codes[i] = distinct
                distinct += 1
                if 2 * distinct > size:
                    size *= 2
                    table = np.full(size, -1, np.int32)
                    for c in range(distinct):
                        j = first[c]
                        a = np.intp(_quick_hash(buffer, np.intp(offset[j]), np.intp(length[j])) & np.uint64(size - 1))
                        while table[a] >= 0:
                            a = (a + 1) & (size - 1)
                        table[a] = c
                break
            j = first[code]
            if length[j] == long and kind[j] == kind[i] and _same_text(buffer, np.intp(offset[j]), begin, long):
                codes[i] = code
                break
            at = (at + 1) & (size - 1)
    return distinct


def intern(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.int32], pl.Series]:
    """A code a line (-1 where no string stands) and the distinct texts by code. For columns of few values."""
    lines = spans.kind.size
    codes, first = np.empty(lines, np.int32), np.empty(lines, np.int32)
    distinct = _intern(buffer, *spans, codes, first)
    return codes, text("value", buffer, spans.take(first[:distinct].astype(np.intp)))


# ---------------------------------------------------------------------------------------------- numbers

NO_NUMBER, IS_NUMBER, IS_TEXT, IS_WRONG, IS_HARD = range(5)
"""How a number stood there: not at all, as a number, as text that holds one, as something else, and (inside
this module only) as one whose nearest float takes more than one multiplication to find."""

_POWERS = np.array([10.0**n for n in range(23)])


@njit(nogil=True, cache=True)
def _floats(buffer, kind, offset, length, values, states):  # type: ignore[no-untyped-def]
    hard = 0
    for i in range(kind.size):
        k = kind[i]
        values[i] = np.nan
        if k <= NULL:
            states[i] = NO_NUMBER
            continue
        if k != NUMBER and k != STRING:
            states[i] = IS_WRONG
            continue
        p, end = np.intp(offset[i]), np.intp(offset[i]) + np.intp(length[i])
        states[i] = IS_NUMBER if k == NUMBER else IS_TEXT
        if k == STRING:
            while p < end and (load8(buffer, p) == 32 or load8(buffer, p) == 9):
                p += 1
            while end > p and (load8(buffer, end - 1) == 32 or load8(buffer, end - 1) == 9):
                end -= 1
            if p + 1 < end and load8(buffer, p) == 43 and load8(buffer, p + 1) != 45:
                p += 1
        negative = p < end and load8(buffer, p) == 45
        if negative:
            p += 1
        mantissa, digits, scale, exponent = np.uint64(0), 0, 0, 0
        seen, wrong, point = 0, False, False
        while p < end:
            c = load8(buffer, p)
            if 48 <= c <= 57:
                seen += 1
                if digits > 0 or c != 48:
                    digits += 1
                if digits <= 19:
                    mantissa = mantissa * np.uint64(10) + np.uint64(c - 48)
                    if point:
                        scale -= 1
                elif not point:
                    scale += 1
            elif c == 46 and not point:
                point = True
            else:
                break
            p += 1
        if seen == 0:
            wrong = True
        if not wrong and p < end:
            if load8(buffer, p) == 101 or load8(buffer, p) == 69:
                p += 1
                minus = p < end and load8(buffer, p) == 45
                if p < end and (load8(buffer, p) == 45 or load8(buffer, p) == 43):
                    p += 1
                if p >= end:
                    wrong = True
                while p < end and 48 <= load8(buffer, p) <= 57:
                    exponent = min(exponent * 10 + (np.int64(load8(buffer, p)) - 48), 100000)
                    p += 1
                if minus:
                    exponent = -exponent
            if p < end:
                wrong = True
        if wrong:
            states[i] = IS_WRONG
            continue
        power = scale + exponent
        # Clinger's fast path: both factors are exact, so one operation rounds once
        if digits <= 15 and -22 <= power <= 22:
            value = np.float64(mantissa)
            value = value / _POWERS[-power] if power < 0 else value * _POWERS[power]
            values[i] = -value if negative else value
        else:
            states[i] += IS_HARD
            hard += 1
    return hard


def floats(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The nearest float of each number (also of a number as text) and how it stood there; NaN where there is none.

    A number beyond the range of a float is wrong. Source of the fast path: Clinger, "How to read floating
    point numbers accurately" (1990).
    """
    lines = spans.kind.size
    values, states = np.empty(lines), np.empty(lines, np.uint8)
    if _floats(buffer, *spans, values, states):
        for i in np.flatnonzero(states > IS_HARD):
            begin = int(spans.offset[i])
            value = float(buffer[begin : begin + int(spans.length[i])].tobytes())
            states[i] -= IS_HARD
            values[i] = value
            if not np.isfinite(value):
                states[i], values[i] = IS_WRONG, np.nan
    return values, states


# ---------------------------------------------------------------------------------------------- times

NO_TIME, PLAIN_TIME, OTHER_TIME, WRONG_TIME, WRONG_TYPE = range(5)
"""How a time stood there: not at all; as `isoformat()` of a naive time writes it; in another form that we
read; as text or a number that is no time; as neither text nor a number."""

_MAX_MICROSECONDS = 9_214_646_400_000_000  # 2262-01-01
_CUMULATED_DAYS = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@njit(nogil=True, cache=True)
def _digits(buffer: Bytes, p: int, count: int) -> int:
    value = 0
    for k in range(count):
        c = np.int64(load8(buffer, p + k)) - 48
        if c < 0 or c > 9:
            return -1
        value = value * 10 + c
    return value


@njit(nogil=True, cache=True)
def _iso_time(buffer: Bytes, p: int, end: int) -> tuple[int, bool]:
    """(microseconds since 1970 or -1, whether the form is the plain one)."""
    if end - p < 16 or load8(buffer, p + 4) != 45 or load8(buffer, p + 7) != 45 or load8(buffer, p + 13) != 58:
        return -1, False
    year, month, day = _digits(buffer, p, 4), _digits(buffer, p + 5, 2), _digits(buffer, p + 8, 2)
    hour, minute = _digits(buffer, p + 11, 2), _digits(buffer, p + 14, 2)
    if year < 1970 or month < 1 or month > 12 or day < 1 or hour < 0 or hour > 23 or minute < 0 or minute > 59:
        return -1, False
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if day > _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
        return -1, False
    plain = load8(buffer, p + 10) == 84
    if not plain and load8(buffer, p + 10) != 32 and load8(buffer, p + 10) != 116:
        return -1, False
    p += 16
    second, fraction, digits = 0, 0, 0
    if p < end and load8(buffer, p) == 58:
        if end - p < 3:
            return -1, False
        second = _digits(buffer, p + 1, 2)
        if second < 0 or second > 60:   # RFC 3339 allows a leap second
            return -1, False
        plain = plain and second < 60
        p += 3
        if p < end and (load8(buffer, p) == 46 or load8(buffer, p) == 44):
            plain = plain and load8(buffer, p) == 46
            p += 1
            while p < end and 48 <= load8(buffer, p) <= 57:
                if digits < 6:
                    fraction = fraction * 10 + (np.int64(load8(buffer, p)) - 48)
                digits += 1
                p += 1
            if digits == 0:
                return -1, False
            plain = plain and digits == 6 and fraction != 0
            for _ in range(6 - digits):
                fraction *= 10
    else:
        plain = False
    shift = 0
    if p < end:
        plain = False
        if (load8(buffer, p) == 90 or load8(buffer, p) == 122) and p + 1 == end:
            p += 1
        else:
            if load8(buffer, p) == 32:
                p += 1
            if end - p < 3 or (load8(buffer, p) != 43 and load8(buffer, p) != 45):
                return -1, False
            sign = 1 if load8(buffer, p) == 43 else -1
            hours, minutes = _digits(buffer, p + 1, 2), 0
            q = p + 3
            if q < end:
                if load8(buffer, q) == 58:
                    q += 1
                if end - q != 2:
                    return -1, False
                minutes = _digits(buffer, q, 2)
            if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
                return -1, False
            shift = sign * (hours * 3600 + minutes * 60)
    seconds = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - shift
    return seconds * 1_000_000 + fraction, plain


@njit(nogil=True, cache=True)
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, from 1970 on."""
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    leaps = (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400 - 477
    return (year - 1970) * 365 + leaps + _CUMULATED_DAYS[month - 1] + (1 if leap and month > 2 else 0) + day - 1


@njit(nogil=True, cache=True)
def _plain_time(buffer: Bytes, p: int, fraction: bool) -> int:
    """The form of nearly all events, `2026-11-23T12:04:16.364929` or without a fraction, else -1."""
    wrong = (load8(buffer, p + 4) ^ 45) | (load8(buffer, p + 7) ^ 45) | (load8(buffer, p + 10) ^ 84) | (load8(buffer, p + 13) ^ 58) | (load8(buffer, p + 16) ^ 58)
    if fraction:
        wrong |= load8(buffer, p + 19) ^ 46
    numbers = (
        _two(buffer, p) * 100 + _two(buffer, p + 2), _two(buffer, p + 5), _two(buffer, p + 8), _two(buffer, p + 11),
        _two(buffer, p + 14), _two(buffer, p + 17),
        (_two(buffer, p + 20) * 10000 + _two(buffer, p + 22) * 100 + _two(buffer, p + 24)) if fraction else 0,
    )
    year, month, day, hour, minute, second, micros = numbers
    if wrong != 0 or year < 1970 or year > 9999 or month < 1 or month > 12 or day < 1 or hour > 23 or minute > 59 or second > 59:
        return -1
    if day > 28:
        leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
        if day > _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
            return -1
    if fraction and (micros == 0 or micros > 999_999):
        return -1
    return (_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1_000_000 + micros


@njit(nogil=True, cache=True)
def _two(buffer: Bytes, p: int) -> int:
    """Two digits as a number; far beyond any date where one is none."""
    a, b = np.int64(load8(buffer, p)) - 48, np.int64(load8(buffer, p + 1)) - 48
    return a * 10 + b if 0 <= a <= 9 and 0 <= b <= 9 else 100_000_000


@njit(nogil=True, cache=True)
def _times(buffer, kind, offset, length, numbers, number_states, micros, states):  # type: ignore[no-untyped-def]
    for i in range(kind.size):
        k = kind[i]
        micros[i] = 0
        if k <= NULL:
            states[i] = NO_TIME
            continue
        if k != STRING and k != NUMBER:
            states[i] = WRONG_TIME if k == ESCAPED else WRONG_TYPE
            continue
        value, plain = -1, False
        if k == STRING and (length[i] == 26 or length[i] == 19):
            value = _plain_time(buffer, np.intp(offset[i]), length[i] == 26)
            if value >= 0:
                micros[i], states[i] = value, PLAIN_TIME
                continue
        if k == STRING and number_states[i] != IS_TEXT:
            begin = np.intp(offset[i])
            value, plain = _iso_time(buffer, begin, begin + length[i])
        elif number_states[i] == IS_NUMBER or number_states[i] == IS_TEXT:
            # seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size
            number = numbers[i]
            if 0 <= number < 1e17 * 100:
                if number < 1e11:
                    value = np.int64(np.round(number * 1e6))
                elif number < 1e14:
                    value = np.int64(np.round(number * 1e3))
                elif number < 1e16:
                    value = np.int64(np.round(number))
                else:
                    value = np.int64(np.floor(number / 1e3))
        if 0 <= value < _MAX_MICROSECONDS:
            micros[i] = value
            states[i] = PLAIN_TIME if plain else OTHER_TIME
        else:
            states[i] = WRONG_TIME


def times(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Microseconds since 1970 (UTC) and how each time stood there.

    Reads ISO 8601 and RFC 3339 (naive means UTC; `T` or a space; `Z` or an offset; any fraction, cut to
    microseconds) and epoch seconds, milliseconds, microseconds or nanoseconds as a number or as text.
    """
    lines = spans.kind.size
    micros, states = np.empty(lines, np.int64), np.empty(lines, np.uint8)
    # what has the length of a plain time is none of the numbers that we read as times
    may_be_number = (spans.kind == NUMBER) | ((spans.kind == STRING) & (spans.length != 26) & (spans.length != 19))
    if may_be_number.any():
        numbers, number_states = floats(buffer, Spans(np.where(may_be_number, spans.kind, np.uint8(NULL)), spans.offset, spans.length))
    else:
        numbers, number_states = np.empty(lines), np.zeros(lines, np.uint8)
    _times(buffer, *spans, numbers, number_states, micros, states)
    return micros, states


# ---------------------------------------------------------------------------------------------- ids and hashes


_HEX, _DASH = 1, 2
_CLASS = np.zeros(256, np.uint8)
_CLASS[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = _HEX
_CLASS[ord("-")] = _DASH
_UUID_PATTERN = np.array([_DASH if k in (8, 13, 18, 23) else _HEX for k in range(36)], np.uint8)


@njit(nogil=True, cache=True)
def _are_uuids(buffer, kind, offset, length, out):  # type: ignore[no-untyped-def]
    for i in range(kind.size):
        if kind[i] != STRING:
            out[i] = False
            continue
        begin, wrong = np.intp(offset[i]), np.uint8(0)
        if length[i] == 36:
            for k in range(36):
                wrong |= _CLASS[load8(buffer, begin + k)] ^ _UUID_PATTERN[k]
        elif length[i] == 32:
            for k in range(32):
                wrong |= _CLASS[load8(buffer, begin + k)] ^ np.uint8(_HEX)
        else:
            wrong = np.uint8(1)
        out[i] = wrong == 0


def are_uuids(buffer: Bytes, spans: Spans) -> NDArray[np.bool_]:
    """True where the text is a UUID: 8-4-4-4-12 hexadecimal digits, or 32 of them, in any case."""
    out = np.empty(spans.kind.size, np.bool_)
    _are_uuids(buffer, *spans, out)
    return out


@njit(nogil=True, cache=True)
def _compact(buffer: Bytes, begin: int, end: int, out: Bytes) -> int:
    """Copy JSON text without the white space between its tokens; returns the length."""
    at, inside = 0, False
    p = begin
    while p < end:
        c = load8(buffer, p)
        if inside:
            out[at] = c
            at += 1
            if c == 92:
                p += 1
                out[at] = load8(buffer, p)
                at += 1
            elif c == 34:
                inside = False
        elif c != 32 and c != 9 and c != 10 and c != 13:
            inside = c == 34
            out[at] = c
            at += 1
        p += 1
    return at


@njit(nogil=True, cache=True)
def _json_hashes(buffer, kind, offset, length, spaced, out):  # type: ignore[no-untyped-def]
    longest = 0
    for i in range(kind.size):
        if spaced[i] and kind[i] > NULL:
            longest = max(longest, length[i])
    scratch = np.empty(longest + 16, np.uint8)
    for i in range(kind.size):
        out[i] = 0
        if kind[i] <= NULL:
            continue
        begin, size = np.intp(offset[i]), np.intp(length[i])
        if spaced[i]:
            size = _compact(buffer, begin, begin + size, scratch)
            out[i] = xxh64_bytes(scratch, 0, size)
        else:
            out[i] = xxh64_bytes(buffer, begin, size)


def json_hashes(buffer: Bytes, spans: Spans, spaced: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """xxh64 (seed 0) of each value's JSON text without white space between tokens; 0 where there is none."""
    out = np.empty(spans.kind.size, np.uint64)
    _json_hashes(buffer, *spans, spaced, out)
    return out
