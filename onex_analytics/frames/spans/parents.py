"""Who called whom: parents, roots and traces, over arrays of any depth without recursion."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.spans.pairing import NO_TIME, NONE

_FOREVER = np.iinfo(np.int64).max
UNKNOWN, DONE = -2, -1


@njit(nogil=True, cache=True)
def innermost(order, border, is_child, place, start, end, parent):  # type: ignore[no-untyped-def]
    """Give each child the innermost span of its parent's key that was open when it began.

    Rows are callers and children of one key, ordered by time, callers before children; `place` is the span of each.
    Where none was open: the last that began before the child, else the first of all.
    """
    waiting = np.empty(order.size, np.int32)
    for key in range(border.size - 1):
        first, stop = border[key], border[key + 1]
        callers, children = 0, 0
        for at in range(first, stop):
            if is_child[order[at]]:
                children += 1
            else:
                callers += 1
        if callers == 0 or children == 0:
            continue
        open_yet, last, earliest = 0, NONE, NONE
        for at in range(first, stop):
            if not is_child[order[at]]:
                earliest = place[order[at]]
                break
        for at in range(first, stop):
            i = place[order[at]]
            if not is_child[order[at]]:
                waiting[open_yet] = i
                open_yet += 1
                last = i
                continue
            while open_yet > 0 and end[waiting[open_yet - 1]] < start[i]:
                open_yet -= 1
            if open_yet > 0:
                found = waiting[open_yet - 1]
            elif last != NONE:
                found = last
            else:
                found = earliest
            parent[i] = found


@njit(nogil=True, cache=True)
def roots(parent: NDArray[np.int32], rank: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The topmost ancestor of each span, and which spans are their own ancestors.

    The top of a cycle is its member of the smallest rank. A chain of any length takes two walks along it.

    >>> import numpy as np
    >>> top, cyclic = roots(np.array([-1, 0, 1, 4, 3], np.int32), np.arange(5, dtype=np.int32))
    >>> top.tolist(), cyclic.tolist()
    ([0, 0, 0, 3, 3], [False, False, False, True, True])
    """
    n = parent.size
    top = np.full(n, UNKNOWN, np.int32)
    cyclic = np.zeros(n, np.bool_)
    seen_in = np.full(n, NONE, np.int32)
    for begin in range(n):
        i = np.int32(begin)
        while top[i] == UNKNOWN and seen_in[i] != begin:
            seen_in[i] = begin
            if parent[i] == NONE:
                top[i] = i
                break
            i = parent[i]
        if top[i] == UNKNOWN:  # a new cycle, entered at i
            best, j = i, parent[i]
            while j != i:
                if rank[j] < rank[best]:
                    best = j
                j = parent[j]
            j = i
            while True:
                top[j] = best
                cyclic[j] = True
                j = parent[j]
                if j == i:
                    break
        found = top[i]
        i = np.int32(begin)
        while top[i] == UNKNOWN:
            top[i] = found
            i = parent[i]
    return top, cyclic


@njit(nogil=True, cache=True)
def trace_bearers(parent, top, cyclic, has_trace, rank):  # type: ignore[no-untyped-def]
    """For each span the one whose given trace id is its own, or the root that lends its correlation id or event id.

    That is the nearest ancestor with a given trace id, itself included; where there is none, the span under the same
    root that has one and comes first by rank; where there is none either, the root.
    """
    n = parent.size
    bearer = np.full(n, NONE, np.int32)
    speaks = np.full(n, NONE, np.int32)
    for i in range(n):
        if has_trace[i]:
            bearer[i] = i
            r = top[i]
            if speaks[r] == NONE or rank[i] < rank[speaks[r]]:
                speaks[r] = i
    for i in range(n):
        r = top[i]
        if bearer[r] == NONE:
            bearer[r] = r if speaks[r] == NONE else speaks[r]
    for i in range(n):
        j = i
        while bearer[j] == NONE:
            j = parent[j]
        found, k = bearer[j], i
        while bearer[k] == NONE:
            bearer[k] = found
            k = parent[k]
    return bearer


def ends_for_nesting(end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ends as times; an open span has none and lasts on."""
    return np.where(end == NO_TIME, _FOREVER, end)
