"""Kernels that put spans into the order of their trees: level by level, siblings by end and start, latest first."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_FEW, _MANY = 48, 4096
_Places = NDArray[np.int32]


@njit(nogil=True, cache=True)
def sort_falling(places: NDArray[np.int32], key: NDArray[np.int64]) -> None:
    """Sort `places` by their keys, falling, in place; equal ones keep their order. Radix sort from the last digit."""
    n = places.size
    if n < 2:
        return
    least, most = key[places[0]], key[places[0]]
    for place in places:
        least, most = min(least, key[place]), max(most, key[place])
    width = np.uint64(most) - np.uint64(least)
    left, moved_left = np.empty(n, np.uint64), np.empty(n, np.uint64)
    here, moved = places.copy(), np.empty(n, np.int32)
    for i in range(n):
        left[i] = np.uint64(most) - np.uint64(key[here[i]])
    bits = 11 if n >= _MANY else 8
    mask = np.uint64((1 << bits) - 1)
    free = np.empty(1 << bits, np.int64)
    shift = 0
    while shift < 64 and width >> np.uint64(shift) != 0:
        free[:] = 0
        for i in range(n):
            free[np.intp((left[i] >> np.uint64(shift)) & mask)] += 1
        before = 0
        for digit in range(free.size):
            free[digit], before = before, before + free[digit]
        for i in range(n):
            digit = np.intp((left[i] >> np.uint64(shift)) & mask)
            moved[free[digit]], moved_left[free[digit]] = here[i], left[i]
            free[digit] += 1
        here, moved, left, moved_left = moved, here, moved_left, left
        shift += bits
    places[:] = here


@njit(nogil=True, cache=True)
def sort_places(
    places: NDArray[np.int32], low: int, high: int, first: NDArray[np.int64], then: NDArray[np.int64]
) -> None:
    """Sort `places[low:high]` by `first` and then by `then`, both falling; equal ones keep their order.

    Few are sorted by insertion, many digit by digit: ten million siblings take no more steps in the worst of orders.
    """
    if high - low <= _FEW:
        for i in range(low + 1, high):
            place = places[i]
            a, b = first[place], then[place]
            j = i
            while j > low and (first[places[j - 1]] < a or (first[places[j - 1]] == a and then[places[j - 1]] < b)):
                places[j] = places[j - 1]
                j -= 1
            places[j] = place
        return
    sort_falling(places[low:high], then)
    sort_falling(places[low:high], first)


@njit(nogil=True, cache=True)
def siblings_of(
    parent: NDArray[np.int32], left_out: NDArray[np.uint8], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Where each row's children stand, `children[offset[row]:offset[row + 1]]`, latest end and start first; and roots.

    A row that was left out is neither a child nor a parent: those below it are roots.
    """
    n = parent.size
    offset = np.zeros(n + 1, np.int32)
    kept, linked = 0, 0
    for row in range(n):
        if left_out[row] == 0:
            kept += 1
            if parent[row] >= 0 and left_out[parent[row]] == 0:
                offset[parent[row] + 1] += 1
                linked += 1
    for row in range(n):
        offset[row + 1] += offset[row]
    children, roots = np.empty(linked, np.int32), np.empty(kept - linked, np.int32)
    free = offset[:-1].copy()
    n_roots = 0
    for row in range(n):
        if left_out[row] == 0:
            above = parent[row]
            if above >= 0 and left_out[above] == 0:
                children[free[above]] = row
                free[above] += 1
            else:
                roots[n_roots] = row
                n_roots += 1
    for row in range(n):
        if offset[row + 1] - offset[row] > 1:
            sort_places(children, offset[row], offset[row + 1], end, start)
    return offset, children, roots


@njit(nogil=True, cache=True)
def tied_siblings(
    offset: NDArray[np.int32], children: NDArray[np.int32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where in `children` siblings of equal times stand, and a number for each run of them."""
    n = 0
    for turn in range(2):  # counted, then written
        if turn:
            at, run = np.empty(n, np.int32), np.empty(n, np.int32)
            if n == 0:
                break
        n, runs = 0, 0
        for row in range(offset.size - 1):
            tied = False
            for i in range(offset[row], offset[row + 1]):
                child = children[i]
                as_last = tied
                tied = False
                if i + 1 < offset[row + 1]:
                    after = children[i + 1]
                    tied = end[child] == end[after] and start[child] == start[after]
                if tied or as_last:
                    if turn:
                        at[n], run[n] = i, runs
                    n += 1
                    if not tied:
                        runs += 1
    return at, run


@njit(nogil=True, cache=True)
def places_of(
    roots: NDArray[np.int32], offset: NDArray[np.int32], children: NDArray[np.int32]
) -> tuple[_Places, _Places, _Places, _Places, _Places, _Places]:
    """Tree after tree, level by level: row, parent, first child, number of children, depth; and the roots' places."""
    n = children.size + roots.size
    row_of, parent = np.empty(n, np.int32), np.empty(n, np.int32)
    first, count, depth = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    root_places = np.empty(roots.size, np.int32)
    head, tail = 0, 0
    for tree in range(roots.size):
        root_places[tree] = tail
        row_of[tail], parent[tail], depth[tail] = roots[tree], -1, 0
        tail += 1
        while head < tail:
            row = row_of[head]
            first[head], count[head] = tail, offset[row + 1] - offset[row]
            for i in range(offset[row], offset[row + 1]):
                row_of[tail], parent[tail], depth[tail] = children[i], head, depth[head] + 1
                tail += 1
            head += 1
    return row_of, parent, first, count, depth, root_places
