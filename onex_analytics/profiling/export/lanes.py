"""Lanes: spans laid side by side, so that on one lane each is inside another or beside it, never across.

A span goes onto its parent's lane where it lies within the parent and no sibling is still there; else onto the lane of
its group that has been free for longest. So what lies inside a span on a lane is always called by it.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

FOREVER = np.iinfo(np.int64).max
"""The end of a span that is open."""


@njit(nogil=True, cache=True)
def _lay(group, start, end, parent):  # type: ignore[no-untyped-def]
    n = group.size
    lane, under = np.full(n, -1, np.int32), np.full(n, -1, np.int64)
    top = np.full(n, -1, np.int64)                       # by lane: the innermost span that is not known to have ended
    row_of, opens = np.empty(2 * n, np.int64), np.empty(2 * n, np.bool_)
    lane_of = np.empty(2 * n, np.int64)
    at = 0
    lanes = 0
    waiting = np.empty(n, np.int64)
    seen = np.zeros(n, np.bool_)
    heap = [(np.int64(0), np.int64(0))]
    heap.pop()
    for first in range(n):
        if first > 0 and group[first] != group[first - 1]:
            heap = [(np.int64(0), np.int64(0))]
            heap.pop()
        # a parent with the very same times goes first
        depth = 0
        row = first
        while row >= 0 and not seen[row] and (depth == 0 or (
            group[row] == group[first] and start[row] == start[first] and end[row] == end[first]
        )):
            seen[row] = True
            waiting[depth] = row
            depth += 1
            row = parent[row]
        while depth > 0:
            depth -= 1
            row = waiting[depth]
            above = parent[row]
            chosen = -1
            if above >= 0 and lane[above] >= 0 and group[above] == group[row]:
                held = lane[above]
                while top[held] >= 0 and end[top[held]] <= start[row]:
                    row_of[at], opens[at], lane_of[at] = top[held], False, held
                    at += 1
                    top[held] = under[top[held]]
                if top[held] == above and end[row] <= end[above]:
                    chosen = held
            if chosen < 0:
                if len(heap) > 0 and heap[0][0] <= start[row]:
                    chosen = heapq.heappop(heap)[1]
                else:
                    chosen = lanes
                    lanes += 1
                while top[chosen] >= 0:
                    row_of[at], opens[at], lane_of[at] = top[chosen], False, chosen
                    at += 1
                    top[chosen] = under[top[chosen]]
                heapq.heappush(heap, (end[row], np.int64(chosen)))
            lane[row] = chosen
            under[row] = top[chosen]
            top[chosen] = row
            row_of[at], opens[at], lane_of[at] = row, True, chosen
            at += 1
    for held in range(lanes):
        while top[held] >= 0:
            row_of[at], opens[at], lane_of[at] = top[held], False, held
            at += 1
            top[held] = under[top[held]]
    return lane, row_of, opens, lane_of


def lay_out(
    group: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], parent: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]]:
    """The lane of each span, and all begins and ends, lane by lane, in an order that nests.

    Args:
        group: what a lane belongs to, such as a trace; rows are sorted by group, start, and end (longest first).
        start, end: microseconds; `FOREVER` where there is no end. No end lies before its start.
        parent: the row of its parent, −1 where there is none.

    Returns:
        By row the lane, numbered through all groups; and by begin or end its row and whether it is a begin.
    """
    lane, row_of, opens, lane_of = _lay(group, start, end, parent)
    by_lane = np.argsort(lane_of, kind="stable")
    return lane, row_of[by_lane], opens[by_lane]
