"""Where the lines of a buffer begin and end."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.machine import count_trailing_zeros, load8, load64

PADDING = 32
"""Bytes that must follow the last line in a buffer, so that as many can be loaded at once."""

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)

Places = NDArray[np.int32]


@njit(nogil=True, cache=True)
def split_lines(buffer: NDArray[np.uint8], begin: int, end: int) -> tuple[Places, Places, Places]:
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
                word = load64(buffer, i) ^ _NEWLINES
                mask = (word - _ONES) & ~word & _HIGH
                if mask != 0:
                    i += count_trailing_zeros(mask) >> 3
                    break
                i += 8
            while i < end and load8(buffer, i) != 10:
                i += 1
        a, b = start, i
        while b > a and _is_blank(load8(buffer, b - 1)):
            b -= 1
        while a < b and _is_blank(load8(buffer, a)):
            a += 1
        if b > a:
            starts[found], ends[found], numbers[found] = a, b, number
            found += 1
        number += 1
        i += 1
        start = i
    return starts[:found].copy(), ends[:found].copy(), numbers[:found].copy()


@njit(nogil=True, cache=True, inline="always")
def _is_blank(c: np.uint8) -> bool:
    return c == 32 or c == 9 or c == 13
