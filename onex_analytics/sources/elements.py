"""Values that are not one a line: the elements of a JSON array (a recording), or objects one behind the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import load8
from onex_analytics.sources.lines import PADDING

BEFORE_ARRAY, IN_ARRAY, BEHIND_ARRAY = range(3)
"""Where cutting has come to; carried from one part of a source to the next."""


@dataclass(slots=True)
class Elements:
    """What was cut out of the beginning of a buffer.

    Args:
        spans: (elements, 2): where each stands in the buffer.
        texts: (elements, 2): where the text of each stands in `compact`.
        compact: the texts without white space between tokens, each followed by a newline.
        done: the place up to which all is cut.
        full: there was no room for more; what stands behind `done` was not looked at.
    """

    spans: NDArray[np.int64]
    texts: NDArray[np.int64]
    compact: NDArray[np.uint8]
    done: int
    full: bool

    def __len__(self) -> int:
        return int(self.spans.shape[0])

    def append_as_it_is(self, rest: bytes) -> None:
        """Take the bytes from `done` on as one more element, and change nothing in them."""
        written = int(self.texts[-1, 1]) + 1 if len(self) else 0
        self.spans = np.concatenate([self.spans, [[self.done, self.done + len(rest)]]])
        self.texts = np.concatenate([self.texts, [[written, written + len(rest)]]])
        added = np.frombuffer(rest + b"\n" + bytes(PADDING), np.uint8)
        self.compact = np.concatenate([self.compact[:written], added])


@njit(nogil=True, cache=True)
def _is_space(c):  # type: ignore[no-untyped-def]
    return c == 32 or c == 10 or c == 13 or c == 9


@njit(nogil=True, cache=True)
def _ends_word(c):  # type: ignore[no-untyped-def]
    """Whether a token ends beside this byte without any white space: one of `{}[],:"`."""
    return c == 123 or c == 125 or c == 91 or c == 93 or c == 44 or c == 58 or c == 34


@njit(nogil=True, cache=True)
def _elements(buffer, end, state, spans, compact, texts):  # type: ignore[no-untyped-def]
    """Cut `buffer[:end]` into elements; returns (elements, bytes written, place up to which all is done)."""
    found, p, at, done = 0, 0, 0, 0
    room = spans.shape[0]
    while p < end and found < room:
        c = load8(buffer, p)
        if _is_space(c) or c == 44 or (c == 91 and state[0] == BEFORE_ARRAY) or (c == 93 and state[0] == IN_ARRAY):
            if c == 91:
                state[0] = IN_ARRAY
            elif c == 93:
                state[0] = BEHIND_ARRAY
            p += 1
            done = p
            continue
        # an element begins here; it ends where its brackets are closed, or outside of any at white space or a comma
        start, first = p, at
        depth, inside, closed, gap = 0, False, False, False
        while p < end and not closed:
            c = load8(buffer, p)
            if inside:
                if c == 92 and p + 1 < end:
                    compact[at] = c
                    at += 1
                    p += 1
                    c = load8(buffer, p)
                elif c == 34:
                    inside = False
                    closed = depth == 0
                elif c == 10:
                    # no string goes on behind the end of its line: this one was never closed
                    inside = False
                    closed = depth == 0
            elif _is_space(c):
                if depth == 0:
                    closed = True
                gap = True
                p += 1
                continue
            elif depth == 0 and p > start and _ends_word(c) and c != 58:
                break
            elif c == 34:
                inside = True
            elif c == 123 or c == 91:
                depth += 1
            elif c == 125 or c == 93:
                depth = max(depth - 1, 0)
                closed = depth == 0
            if gap and at > first and not _ends_word(c) and not _ends_word(compact[at - 1]):
                compact[at] = 32
                at += 1
            gap = False
            compact[at] = c
            at += 1
            p += 1
        if not closed and p >= end:
            at = first
            break
        last = p
        while last > start and _is_space(load8(buffer, last - 1)):
            last -= 1
        spans[found, 0], spans[found, 1] = start, last
        texts[found, 0], texts[found, 1] = first, at
        compact[at] = 10
        at += 1
        found += 1
        done = p
    return found, at, done


def cut_elements(buffer: NDArray[np.uint8], end: int, state: NDArray[np.int64]) -> Elements:
    """Cut the elements out of the beginning of a buffer.

    Args:
        buffer: bytes; an element may go on behind `end`.
        end: how many of them there are.
        state: one number that is carried from call to call, at first `BEFORE_ARRAY`.

    Returns:
        The elements that end before `end`. What is no JSON value comes out as an element too, for the scan to refuse.
    """
    room = max(1024, end // 16)
    spans, texts = np.empty((room, 2), np.int64), np.empty((room, 2), np.int64)
    compact = np.empty(end + room + 32, np.uint8)
    found, written, done = _elements(buffer, end, state, spans, compact, texts)
    return Elements(spans[:found], texts[:found], compact[: written + PADDING], done, found == room)
