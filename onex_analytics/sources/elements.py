"""Values that are not one a line: the elements of a JSON array (a recording), or objects one behind the other."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.machine import load8


@njit(nogil=True, cache=True)
def _elements(buffer, end, state, spans, room, compact, texts, at):  # type: ignore[no-untyped-def]
    """Cut `buffer[:end]` into elements; returns (elements, bytes written, place up to which all is done)."""
    found, p = 0, 0
    done = 0
    while p < end and found < room:
        c = load8(buffer, p)
        if c == 32 or c == 9 or c == 10 or c == 13 or c == 44 or (c == 91 and state[0] == 0):
            if c == 91:
                state[0] = 1
            p += 1
            done = p
            continue
        if c == 93 and state[0] == 1:
            state[0] = 2
            p += 1
            done = p
            continue
        # an element begins here and ends where its brackets are closed, or at the next comma outside of any
        start, depth, inside, closed = p, 0, False, False
        first = at
        while p < end:
            c = load8(buffer, p)
            keep = True
            if inside:
                if c == 92:
                    if p + 1 >= end:
                        break
                    compact[at] = c
                    at += 1
                    p += 1
                    c = load8(buffer, p)
                elif c == 34:
                    inside = False
                    closed = depth == 0
            elif c == 34:
                inside = True
            elif c == 123 or c == 91:
                depth += 1
            elif c == 125 or c == 93:
                if depth == 0:
                    closed = True
                    break
                depth -= 1
                closed = depth == 0
            elif c == 32 or c == 9 or c == 10 or c == 13:
                keep = False
                if depth == 0:
                    closed = True
            elif c == 44 and depth == 0:
                closed = True
                break
            if keep:
                compact[at] = c
                at += 1
            p += 1
            if closed:
                break
        if not closed:
            at = first
            break
        spans[found, 0], spans[found, 1] = start, p
        texts[found, 0], texts[found, 1] = first, at
        compact[at] = 10
        at += 1
        found += 1
        done = p
    return found, at, done


def cut_elements(buffer: NDArray[np.uint8], end: int, state: NDArray[np.int64], room: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8], int]:
    """Cut the elements out of the beginning of a buffer.

    Args:
        buffer: bytes; an element may go on behind `end`.
        state: one number that is carried from call to call: 0 before the array, 1 inside, 2 behind it.
        room: how many elements at most.

    Returns:
        Spans of the elements in the buffer, spans of their texts without white space between tokens, those
        texts (each followed by a newline), and the place up to which all is cut. What is no JSON value comes
        out as an element too, for the scan to refuse.
    """
    spans, texts = np.empty((room, 2), np.int64), np.empty((room, 2), np.int64)
    compact = np.empty(end + room + 32, np.uint8)
    found, written, done = _elements(buffer, end, state, spans, room, compact, texts, 0)
    return spans[:found], texts[:found], compact[: written + 16], done
