"""The shortest work around each error (the kernels of episodes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[np.int64]
Marks = NDArray[np.bool_]


@lean
def _next(marks: Marks, at: int) -> int:
    """The first marked place from `at` on, or how many places there are; `marks` is a tree of "any below"."""
    size = marks.shape[0] // 2
    if at >= size:
        return size
    node = at + size
    while not marks[node]:
        while node & 1 and node > 1:
            node >>= 1
        if node <= 1:
            return size
        node += 1
    while node < size:
        node = 2 * node if marks[2 * node] else 2 * node + 1
    return node - size


@lean
def _mark(marks: Marks, at: int, there: bool) -> None:
    node = at + marks.shape[0] // 2
    marks[node] = there
    while node > 1:
        node >>= 1
        marks[node] = marks[2 * node] or marks[2 * node + 1]


@lean
def _first_from(times: Numbers, time: int) -> int:
    low, high = 0, times.shape[0]
    while low < high:
        middle = (low + high) // 2
        if times[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low


@lean
def join_work(
    times: Numbers, works: Numbers, is_told: Marks, order: Numbers, alone: Marks, told: Marks, above: Numbers
) -> None:
    """Write above each error that joins another which one that is; `order` has the shortest work first.

    `alone` and `told` have room for two marks for each of a power of two of places, all unset; `above` is all −1.
    """
    n = times.shape[0]
    for place in range(n):
        i = order[place]
        if works[i] > 0:
            begin, last = _first_from(times, times[i] - works[i]), times[i] + works[i]
            j = _next(alone, begin)
            while j < n and times[j] <= last:
                above[j] = i
                _mark(alone, j, False)
                j = _next(alone, j + 1)
            if not is_told[i]:
                nearest = -1
                j = _next(told, begin)
                while j < n and times[j] <= last:
                    if nearest < 0 or abs(times[j] - times[i]) < abs(times[nearest] - times[i]):
                        nearest = j
                    _mark(told, j, False)
                    j = _next(told, j + 1)
                above[i] = nearest
        _mark(told if is_told[i] or above[i] >= 0 else alone, i, True)
