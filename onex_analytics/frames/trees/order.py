"""Kernels that put spans into the order of their trees: level by level, siblings by end and start, latest first."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_FEW = 24
_Places = NDArray[np.int32]


@njit(nogil=True, cache=True)
def sort_places(
    places: NDArray[np.int32], low: int, high: int, first: NDArray[np.int64], then: NDArray[np.int64]
) -> None:
    """Sort `places[low:high]` by `first` and then by `then`, both falling; equal ones keep their order.

    Few are sorted by insertion, many by merging: ten million siblings take n log n steps, whatever order they are in.
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
    part = places[low:high].copy()
    part = part[np.argsort(-then[part], kind="mergesort")]
    places[low:high] = part[np.argsort(-first[part], kind="mergesort")]


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
    for turn in range(2):
        if turn:
            at, run = np.empty(n, np.int32), np.empty(n, np.int32)
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
