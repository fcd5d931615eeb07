"""Where the lines of a buffer begin and end."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import count_trailing_zeros, load8, newlines

PADDING = 32
"""Bytes that must follow the last line in a buffer, so that as many can be loaded at once."""

_USUAL_LINE = 128

Places = NDArray[np.int32]


@njit(nogil=True, cache=True)
def split_lines(buffer: NDArray[np.uint8], begin: int, end: int) -> tuple[Places, Places, Places]:
    """Starts, ends and line numbers (from 0) of the lines in `buffer[begin:end]`; blank lines are left out."""
    places = np.empty((3, (end - begin) // _USUAL_LINE + 16), np.int32)
    found, start, number = 0, begin, 0
    chunk = begin
    while chunk <= end:
        here = newlines(buffer, chunk)
        if chunk + 32 > end:
            # what lies behind the end is no newline; the end itself ends the last line
            here &= (np.uint64(1) << np.uint64(end - chunk)) - np.uint64(1)
            here |= np.uint64(1) << np.uint64(end - chunk)
        while here != 0:
            i = chunk + count_trailing_zeros(here)
            here &= here - np.uint64(1)
            a, b = start, i
            while b > a and _is_blank(load8(buffer, b - 1)):
                b -= 1
            while a < b and _is_blank(load8(buffer, a)):
                a += 1
            if b > a:
                if found == places.shape[1]:
                    more = np.empty((3, 2 * found), np.int32)
                    more[:, :found] = places
                    places = more
                places[0, found], places[1, found], places[2, found] = a, b, number
                found += 1
            number += 1
            start = i + 1
        chunk += 32
    return places[0, :found].copy(), places[1, :found].copy(), places[2, :found].copy()


@njit(nogil=True, cache=True, inline="always")
def _is_blank(c: np.uint8) -> bool:
    return c == 32 or c == 9 or c == 13
