"""Kernels that walk trees: self time, and the critical path by walking back from the end."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.trees.order import sort_places

_LATE = np.int64(np.iinfo(np.int64).max)


@njit(nogil=True, cache=True)
def self_times(
    first_child: NDArray[np.int32], children: NDArray[np.int32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Microseconds that no child covers; how far children end after their parent; how far they begin before it.

    Children stand latest end first: what of a child lies left of the earliest start so far is covered by none before.
    """
    n = start.size
    own, overflow, underflow = np.empty(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for place in range(n):
        low, edge = start[place], end[place]
        covered = 0
        for child in range(first_child[place], first_child[place] + children[place]):
            overflow[place] = max(overflow[place], end[child] - end[place])
            underflow[place] = max(underflow[place], low - start[child])
            begin, until = max(start[child], low), min(end[child], edge)
            if begin < until:
                covered += until - begin
                edge = begin
        own[place] = end[place] - low - covered
    return own, overflow, underflow


@njit(nogil=True, cache=True)
def walk_back(
    first_child: NDArray[np.int32],
    children: NDArray[np.int32],
    depth: NDArray[np.int32],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    followed: NDArray[np.bool_],
    roots: NDArray[np.int32],
    inclusive: bool,
    tolerance: int,
    of: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The sections of all critical paths: place, start, end, ambiguous; tree after tree, by time within a tree.

    `tolerance / of` is the share of the parent's duration that an earlier sibling may overlap by less than. Each span
    is entered at most once; what waits for its child to be walked lies on a stack as high as the tree is deep.
    """
    n = start.size
    place_of = np.empty(2 * n, np.int32)  # a span has one section before each child on the path, and its first one
    begin_of, until_of = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
    unsure = np.empty(2 * n, np.bool_)
    written = 0
    candidates = np.empty(n, np.int32)  # a span's children in its window, at its children's places
    height = (depth.max() if n else 0) + 2
    at, low, high, now = (
        np.empty(height, np.int32), np.empty(height, np.int64), np.empty(height, np.int64), np.empty(height, np.int64)
    )  # fmt: skip
    turn, last = np.empty(height, np.int32), np.empty(height, np.int32)
    passed = np.empty(height, np.int64)  # earliest start among children that were passed over
    doubt = np.empty(height, np.bool_)  # what is on the path at the window's end was chosen among several
    clipped_start = np.empty(n, np.int64)
    for root in roots:
        if start[root] == end[root]:
            place_of[written], begin_of[written], until_of[written] = root, start[root], end[root]
            unsure[written] = False
            written += 1
            continue
        tree_first = written
        top = 0
        at[0], low[0], high[0], now[0], doubt[0] = root, start[root], end[root], end[root], False
        turn[0] = -1
        while top >= 0:
            place, lo, hi, t = at[top], low[top], high[top], now[top]
            if turn[top] < 0:  # entered: children with a share in the window, latest end and start within it first
                free = first_child[place]
                late = free
                for child in range(first_child[place], first_child[place] + children[place]):
                    clipped_start[child] = max(start[child], lo)
                    if followed[child] and clipped_start[child] < min(end[child], hi):
                        candidates[free] = child
                        free += 1
                        if end[child] >= hi:
                            late = free
                if late - first_child[place] > 1:
                    sort_places(candidates, first_child[place], late, clipped_start, clipped_start)
                turn[top], last[top], passed[top] = first_child[place], free, _LATE
            i = turn[top]
            limit = end[place] - start[place]
            limit = limit // of * tolerance + -(-(limit % of * tolerance) // of)
            entered = False
            while i < last[top]:
                child = candidates[i]
                i += 1
                begin, until = clipped_start[child], min(end[child], hi)
                if begin >= t:
                    continue
                if not (t == hi or until < t or (until == t and inclusive) or until - t < limit):
                    passed[top] = min(passed[top], begin)
                    continue
                cut = min(until, t)
                if cut < t:
                    place_of[written], begin_of[written], until_of[written] = place, cut, t
                    unsure[written] = doubt[top] or passed[top] < t
                    written += 1
                    doubt[top] = False
                tie = i < last[top] and min(end[candidates[i]], hi) == until
                below = doubt[top] or passed[top] < cut or tie
                doubt[top] = False
                now[top], turn[top] = begin, i
                top += 1
                at[top], low[top], high[top], now[top], doubt[top] = child, begin, cut, cut, below
                turn[top] = -1
                entered = True
                break
            if not entered:
                if lo < t:
                    place_of[written], begin_of[written], until_of[written] = place, lo, t
                    unsure[written] = doubt[top] or passed[top] < t
                    written += 1
                top -= 1
        a, b = tree_first, written - 1
        while a < b:
            place_of[a], place_of[b] = place_of[b], place_of[a]
            begin_of[a], begin_of[b] = begin_of[b], begin_of[a]
            until_of[a], until_of[b] = until_of[b], until_of[a]
            unsure[a], unsure[b] = unsure[b], unsure[a]
            a += 1
            b -= 1
    return place_of[:written], begin_of[:written], until_of[:written], unsure[:written]
