"""Kernels that move spans: what ends when, if some of them took another time; and how much each could be moved.

How times shift. A child began because of what had ended before it: all siblings that ended at or before its start.
From the latest of these ends (from its parent's start, where there is none) to its start, the parent worked itself.
If durations change, a child begins when all of these siblings have ended, plus the parent's own work between; and a
parent ends when all children have ended, plus its own work after the last of them. Every span is seen in its
*window*, its time cut to that of all its ancestors; what has no share in it, and what a producer's consumer does, is
not waited for. So with nothing changed every span keeps its times, and the chain of those that the end waited for is
the critical path, touching inclusive, without tolerance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.trees.order import sort_places

_Places = NDArray[np.int32]
_Times = NDArray[np.int64]


class Windows(NamedTuple):
    """Each place's time within that of all its ancestors, and its children that have a share in it."""

    waited: NDArray[np.bool_]  # False for what falls away
    low: _Times
    high: _Times
    count: _Places  # children that are waited for; they stand from `first_child` on in the two lists below
    by_end: _Places  # latest end first
    by_start: _Places  # latest start first


@njit(nogil=True, cache=True)
def windows_of(
    parent: _Places, first_child: _Places, children: _Places, start: _Times, end: _Times, followed: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], _Times, _Times, _Places, _Places, _Places]:
    """The fields of `Windows`."""
    n = start.size
    waited, low, high = np.ones(n, np.bool_), start.copy(), end.copy()
    count, by_end, by_start = np.zeros(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    for place in range(n):
        above = parent[place]
        if above >= 0:
            low[place], high[place] = max(start[place], low[above]), min(end[place], high[above])
            waited[place] = waited[above] and followed[place] and low[place] < high[place]
    for place in range(n):
        free = first_child[place]
        for child in range(first_child[place], first_child[place] + children[place]):
            if waited[child]:
                by_end[free] = by_start[free] = child
                free += 1
        count[place] = free - first_child[place]
        if count[place] > 1:
            sort_places(by_start, first_child[place], free, low, high)
    return waited, low, high, count, by_end, by_start


@njit(nogil=True, cache=True)
def new_durations(
    first_child: _Places,
    waited: NDArray[np.bool_],
    low: _Times,
    high: _Times,
    count: _Places,
    by_end: _Places,
    by_start: _Places,
    divisor: NDArray[np.float64],
    whole: bool,
) -> NDArray[np.float64]:
    """Microseconds that each span takes if the own work of each is divided by its `divisor`.

    `whole`: where a divisor is not 1, all that the span took is divided, whatever stands below it.
    """
    n = low.size
    took, ended = np.zeros(n), np.zeros(n)
    for place in range(n - 1, -1, -1):  # children stand after their parents
        if not waited[place]:
            continue
        if whole and divisor[place] != 1.0:
            took[place] = (high[place] - low[place]) / divisor[place]
            continue
        first = first_child[place]
        seen, moved = low[place], 0.0  # latest end so far: as it was, and as it would be
        j = count[place] - 1
        for k in range(count[place] - 1, -1, -1):
            child = by_start[first + k]
            while j >= 0 and high[by_end[first + j]] <= low[child]:
                seen, moved = high[by_end[first + j]], max(moved, ended[by_end[first + j]])
                j -= 1
            ended[child] = moved + (low[child] - seen) / divisor[place] + took[child]
        while j >= 0:
            seen, moved = high[by_end[first + j]], max(moved, ended[by_end[first + j]])
            j -= 1
        took[place] = moved + (high[place] - seen) / divisor[place]
    return took


@njit(nogil=True, cache=True)
def leeways(
    parent: _Places,
    first_child: _Places,
    waited: NDArray[np.bool_],
    low: _Times,
    high: _Times,
    count: _Places,
    by_end: _Places,
    by_start: _Places,
) -> tuple[_Times, _Times, _Times]:
    """Microseconds of drag, of the drag of its own work alone, and of slack of each span.

    Within one parent, how long it takes is the length of the longest chain of children and own work. A child's float
    is what its longest chain lacks. If a child on the critical chain got shorter by x, the parent would get shorter by
    min(x, the least float among the siblings that ran beside it): another chain takes over. Through all levels these
    limits are a minimum, and floats a sum.
    """
    n = low.size
    drag, own_drag, slack = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    limit = np.zeros(n, np.int64)  # by how much the root can get shorter through this span
    gap, tail, ended = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    chain = np.empty(n, np.int32)
    least = np.empty(2 * n, np.int64)  # a tree of minima over the chain's members
    for place in range(n):
        if not waited[place]:
            continue
        took = high[place] - low[place]
        if parent[place] < 0:
            limit[place] = took
        first, m = first_child[place], count[place]
        # forwards: own work before each child, and what is left if there were none
        seen, moved = low[place], np.int64(0)
        j = m - 1
        for k in range(m - 1, -1, -1):
            child = by_start[first + k]
            while j >= 0 and high[by_end[first + j]] <= low[child]:
                seen, moved = high[by_end[first + j]], max(moved, ended[by_end[first + j]])
                j -= 1
            gap[child] = low[child] - seen
            ended[child] = moved + high[child] - low[child]
        while j >= 0:
            seen, moved = high[by_end[first + j]], max(moved, ended[by_end[first + j]])
            j -= 1
        drag[place] = min(took, limit[place])
        own_drag[place] = min(took - moved, limit[place])
        # backwards: the longest chain that waits for each child, and its float
        longest = high[place] - seen
        i = 0
        for k in range(m):
            child = by_end[first + k]
            while i < m and low[by_start[first + i]] >= high[child]:
                after = by_start[first + i]
                longest = max(longest, gap[after] + high[after] - low[after] + tail[after])
                i += 1
            tail[child] = longest
            slack[child] = high[place] - high[child] - longest
        # the critical chain, latest first, and the least float beside each of its members
        size = 0
        t = high[place]
        for k in range(m):
            child = by_end[first + k]
            if high[child] <= t:
                chain[size] = child
                size += 1
                t = low[child]
        least[: 2 * size] = limit[place]
        for k in range(m):
            child = by_end[first + k]
            left = _first_before(chain, size, low, high[child])  # members that begin before it ends …
            right = _first_before(chain, size, high, low[child] + 1)  # … and end after it begins
            if right - left == 1 and chain[left] == child:
                continue
            left, right = left + size, right + size
            while left < right:
                if left & 1:
                    least[left] = min(least[left], slack[child])
                    left += 1
                if right & 1:
                    right -= 1
                    least[right] = min(least[right], slack[child])
                left >>= 1
                right >>= 1
        for node in range(2, 2 * size):
            least[node] = min(least[node], least[node >> 1])
        for k in range(size):
            limit[chain[k]] = least[size + k]
        for k in range(m):
            slack[by_end[first + k]] += slack[place]
    return drag, own_drag, slack


@njit(nogil=True, cache=True, inline="always")
def _first_before(chain: _Places, size: int, time: _Times, bound: int) -> int:
    """The first member of the chain, latest first, whose time lies before `bound`."""
    a, b = 0, size
    while a < b:
        middle = (a + b) // 2
        if time[chain[middle]] < bound:
            b = middle
        else:
            a = middle + 1
    return a
