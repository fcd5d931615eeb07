"""The tokens of JSON (RFC 8259): where a string, a number or a word ends, or at which byte it is none."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import count_trailing_zeros, lean, load8, load64, string_stops

OK, INVALID, TRUNCATED, BAD_UTF8, TOO_DEEP, DUPLICATE_KEY, NOT_AN_OBJECT = range(7)
"""What became of a line."""

_HIGH = np.uint64(0x8080808080808080)
_LOW32 = np.uint64(0xFFFFFFFF)
_LOW40 = np.uint64(0xFFFFFFFFFF)
_NULL_WORD, _TRUE_WORD, _FALSE_WORD = (np.uint64(int.from_bytes(w, "little")) for w in (b"null", b"true", b"false"))

Bytes = NDArray[np.uint8]


@lean
def skip_space(buffer: Bytes, p: int, end: int) -> int:
    """The first place from `p` on that holds no white space."""
    while p < end:
        c = load8(buffer, p)
        if c != 32 and c != 9 and c != 10 and c != 13:
            break
        p += 1
    return p


@njit(nogil=True, cache=True, inline="always")
def quick_end(buffer: Bytes, p: int) -> int:
    """The first place from `p` on that holds a quote, a backslash, a control character or a byte beyond ASCII.

    For most strings that is their closing quote. It may lie behind the line: a buffer ends in zeros.
    """
    while True:
        bits = string_stops(buffer, p)
        bits = (bits | (bits >> np.uint64(32))) & _LOW32
        if bits != 0:
            return p + count_trailing_zeros(bits)
        p += 32


@lean
def string_end(buffer: Bytes, p: int, end: int) -> tuple[int, bool, bool, int]:
    """From behind the opening quote: (place of the closing quote or of the error, escaped, non-ASCII, status)."""
    escaped, high = False, False
    while True:
        bits = string_stops(buffer, p)
        stops = bits & _LOW32
        if stops == 0:
            high |= bits != 0
            p += 32
            if p >= end:
                return end, escaped, high, TRUNCATED
            continue
        ahead = count_trailing_zeros(stops)
        high |= (bits >> np.uint64(32)) & ((np.uint64(1) << np.uint64(ahead)) - np.uint64(1)) != 0
        p += ahead
        if p >= end:
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
                for k in range(2, 6):
                    if p + k >= end:
                        return end, escaped, high, TRUNCATED
                    h = load8(buffer, p + k)
                    if not (48 <= h <= 57 or 65 <= h <= 70 or 97 <= h <= 102):
                        return p + k, escaped, high, INVALID
                p += 6
            elif e == 34 or e == 92 or e == 47 or e == 98 or e == 102 or e == 110 or e == 114 or e == 116:
                p += 2
            else:
                return p, escaped, high, INVALID
            continue
        return p, escaped, high, INVALID


@lean
def _digits_end(buffer: Bytes, p: int, end: int) -> int:
    while p < end and 48 <= load8(buffer, p) <= 57:
        p += 1
    return p


@lean
def number_end(buffer: Bytes, p: int, end: int) -> tuple[int, int]:
    """The end of the number that begins at `p`, and its status."""
    if load8(buffer, p) == 45:
        p += 1
    first = p
    p = _digits_end(buffer, p, end)
    if p > first and load8(buffer, first) == 48:
        p = first + 1  # no digit follows a leading zero
    part = 0
    while p > first and p < end and part < 2:
        c = load8(buffer, p)
        if c == 46 and part == 0:
            part = 1
            first = p + 1
        elif c == 101 or c == 69:
            part = 2
            first = p + 1
            if first < end and (load8(buffer, first) == 43 or load8(buffer, first) == 45):
                first += 1
        else:
            break
        p = _digits_end(buffer, first, end)
    if p > first:
        return p, OK
    return p, TRUNCATED if p >= end else INVALID


@lean
def word_size(buffer: Bytes, p: int, end: int) -> int:
    """Bytes of the word `null`, `true` or `false` at `p`; 0 where none stands, -1 where one is cut off by the end."""
    word = load64(buffer, p) & _LOW40
    four = word & _LOW32
    size = 4 if four in (_NULL_WORD, _TRUE_WORD) else 5 if word == _FALSE_WORD else 0
    if size:
        return size if p + size <= end else -1
    left = end - p
    if left < 5:
        seen = word & ((np.uint64(1) << np.uint64(8 * left)) - np.uint64(1))
        mask = (np.uint64(1) << np.uint64(8 * left)) - np.uint64(1)
        if seen == _FALSE_WORD & mask or (left < 4 and (seen == _NULL_WORD & mask or seen == _TRUE_WORD & mask)):
            return -1
    return 0


@lean
def utf8_error(buffer: Bytes, begin: int, end: int) -> tuple[int, bool]:
    """(the first byte that is not UTF-8, or -1; whether a character is merely cut off by the end).

    Source: the Unicode Standard, table 3-7.
    """
    i = begin
    while i < end:
        c = load8(buffer, i)
        if c < 0x80:
            i += 8 if i + 8 <= end and load64(buffer, i) & _HIGH == 0 else 1
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
            return i, False
        for k in range(1, more + 1):
            if i + k >= end:
                return i, True
            if load8(buffer, i + k) < low or load8(buffer, i + k) > high:
                return i, False
            low, high = 0x80, 0xBF
        i += more + 1
    return -1, False
