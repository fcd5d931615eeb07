"""Kernels of call paths: one number for each way from a root down, sums over them, and the order they are shown in."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_Numbers = NDArray[np.int32]

KEPT_ABOVE, KEPT_BELOW = 31, 32
"""Of a path of more levels than both together and one, these many first and last names are told."""


@njit(nogil=True, cache=True)
def number_paths(parent: _Numbers, code: _Numbers) -> tuple[_Numbers, _Numbers, _Numbers, _Numbers]:
    """The path of each place, and of each path its parent (−1 for a root's), its last name's code and its depth.

    Parents stand before their children, among places as well as among paths. The table of (parent path, code) grows
    with the paths, which are few even where spans are many.
    """
    n = parent.size
    of_place = np.empty(n, np.int32)
    above, last, depth = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    known = 0
    size = 1024
    table = np.full(size, -1, np.int32)
    for place in range(n):
        path = of_place[parent[place]] if parent[place] >= 0 else -1
        at = _slot(path, code[place], size)
        while table[at] >= 0 and not (above[table[at]] == path and last[table[at]] == code[place]):
            at = (at + 1) & (size - 1)
        if table[at] < 0:
            above[known], last[known], depth[known] = path, code[place], depth[path] + 1 if path >= 0 else 0
            table[at] = known
            of_place[place] = known
            known += 1
            if 2 * known > size:
                size *= 2
                table = np.full(size, -1, np.int32)
                for other in range(known):
                    at = _slot(above[other], last[other], size)
                    while table[at] >= 0:
                        at = (at + 1) & (size - 1)
                    table[at] = other
        else:
            of_place[place] = table[at]
    return of_place, above[:known].copy(), last[:known].copy(), depth[:known].copy()


@njit(nogil=True, cache=True, inline="always")
def _slot(path: int, code: int, size: int) -> int:
    key = (np.uint64(path + 1) << np.uint64(32)) | np.uint64(code)
    key *= np.uint64(0x9E3779B97F4A7C15)
    return np.intp((key ^ (key >> np.uint64(32))) & np.uint64(size - 1))


@njit(nogil=True, cache=True)
def with_all_below(parent: _Numbers, own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of each path and all paths that go on from it."""
    total = own.copy()
    for path in range(parent.size - 1, -1, -1):
        if parent[path] >= 0:
            total[parent[path]] += total[path]
    return total


@njit(nogil=True, cache=True)
def largest_below(parent: _Numbers, own: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest of each path's own value and those of all paths that go on from it."""
    largest = own.copy()
    for path in range(parent.size - 1, -1, -1):
        if parent[path] >= 0:
            largest[parent[path]] = max(largest[parent[path]], largest[path])
    return largest


@njit(nogil=True, cache=True)
def preorder(parent: _Numbers, ranked: NDArray[np.int64]) -> _Numbers:
    """The place of each path if each stands before all below it, siblings in the order of `ranked` (by depth first)."""
    n = parent.size
    size = np.ones(n, np.int32)
    for path in range(n - 1, -1, -1):
        if parent[path] >= 0:
            size[parent[path]] += size[path]
    place, free = np.empty(n, np.int32), np.empty(n, np.int32)
    top = 0
    for path in ranked:
        if parent[path] < 0:
            place[path] = top
            top += size[path]
        else:
            place[path] = free[parent[path]]
            free[parent[path]] += size[path]
        free[path] = place[path] + 1
    return place


@njit(nogil=True, cache=True)
def codes_along(
    parent: _Numbers, code: _Numbers, depth: _Numbers, which: NDArray[np.int64]
) -> tuple[NDArray[np.int64], _Numbers]:
    """The codes of some paths from their roots, one after the other, with the offsets; −1 − n stands for n levels."""
    most = KEPT_ABOVE + KEPT_BELOW + 1
    offset = np.zeros(which.size + 1, np.int64)
    for i in range(which.size):
        offset[i + 1] = offset[i] + min(depth[which[i]] + 1, most)
    along = np.empty(offset[-1], np.int32)
    upper = np.empty(parent.size, np.int32)  # the ancestor at the last depth that is kept above
    for path in range(parent.size):
        upper[path] = path if depth[path] < KEPT_ABOVE else upper[parent[path]]
    for i in range(which.size):
        path = which[i]
        at, step = offset[i + 1] - 1, path
        if depth[path] + 1 > most:
            for _ in range(KEPT_BELOW):
                along[at] = code[step]
                step = parent[step]
                at -= 1
            along[at] = -1 - (depth[path] + 1 - KEPT_ABOVE - KEPT_BELOW)
            at -= 1
            step = upper[path]
        while at >= offset[i]:
            along[at] = code[step]
            step = parent[step]
            at -= 1
    return offset, along


@njit(nogil=True, cache=True)
def most_that_fit(parent: _Numbers, ranked: NDArray[np.int64], most: int) -> int:
    """How many of the first paths can be kept if each parent of others gets one more node in their place.

    `ranked` holds parents before their children. The nodes that stand for others count among the `most`.
    """
    n = parent.size
    left = np.zeros(n + 1, np.int64)  # children that are not kept yet; the last entry is that of the roots
    for path in range(n):
        left[parent[path]] += 1
    folded = 1 if n else 0
    fitting = 0
    for kept in range(1, n + 1):
        path = ranked[kept - 1]
        left[parent[path]] -= 1
        if left[parent[path]] == 0:
            folded -= 1
        if left[path] > 0:
            folded += 1
        if kept + folded <= most:
            fitting = kept
    return fitting


@njit(nogil=True, cache=True)
def fold(parent: _Numbers, kept: NDArray[np.bool_]) -> _Numbers:
    """For each path the one that is kept and stands above it, itself if it is kept; −1 where none is."""
    into = np.empty(parent.size, np.int32)
    for path in range(parent.size):
        if kept[path]:
            into[path] = path
        else:
            into[path] = into[parent[path]] if parent[path] >= 0 else -1
    return into
