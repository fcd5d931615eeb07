"""A set of 64-bit hashes in one array, by open addressing: a hash stands at its own place, or in the next free ones.

The hashes are spread evenly already, so that their low bits are the place. Zero marks a free place; the hash zero
itself is remembered elsewhere (see `known_ids`).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import lean, prefetch

Hashes = NDArray[np.uint64]
_FREE = np.uint64(0)
_AHEAD = 16
"""How many hashes before its turn a place is brought near: a large table is in no cache."""


@lean
def insert(table: Hashes, hashes: Hashes) -> int:
    """Put hashes into a table that has room for them, its size a power of two; returns how many are new."""
    mask = np.uint64(table.size - 1)
    new = 0
    for i in range(hashes.size):
        if i + _AHEAD < hashes.size:
            prefetch(table, np.intp(hashes[i + _AHEAD] & mask))
        h = hashes[i]
        if h == _FREE:
            continue
        at = np.intp(h & mask)
        while table[at] != _FREE and table[at] != h:
            at = np.intp((np.uint64(at) + np.uint64(1)) & mask)
        if table[at] == _FREE:
            table[at] = h
            new += 1
    return new


@lean
def find(table: Hashes, hashes: Hashes, found: NDArray[np.bool_]) -> None:
    """Set `found` where a hash stands in the table, which has a free place."""
    mask = np.uint64(table.size - 1)
    for i in range(hashes.size):
        if i + _AHEAD < hashes.size:
            prefetch(table, np.intp(hashes[i + _AHEAD] & mask))
        h = hashes[i]
        at = np.intp(h & mask)
        while table[at] != _FREE and table[at] != h:
            at = np.intp((np.uint64(at) + np.uint64(1)) & mask)
        found[i] |= h != _FREE and table[at] == h


@lean
def places_of(
    table: Hashes, first_bits: NDArray[np.bool_], shift: np.uint64, hashes: Hashes, begin: int, out: NDArray[np.int64]
) -> int:
    """Write down where hashes stand that are in the table, counted from `begin`; returns how many those are.

    `first_bits` says which of the hashes' first bits the table has at all: few get past it. `out` has room for all.
    """
    mask = np.uint64(table.size - 1)
    count = 0
    for i in range(hashes.size):
        h = hashes[i]
        if not first_bits[h >> shift] or h == _FREE:
            continue
        at = np.intp(h & mask)
        while table[at] != _FREE and table[at] != h:
            at = np.intp((np.uint64(at) + np.uint64(1)) & mask)
        if table[at] == h:
            out[count] = begin + i
            count += 1
    return count


@njit(nogil=True, cache=True)
def repeated(hashes: Hashes) -> NDArray[np.bool_]:
    """True for each row whose hash stands in another row too.

    >>> import numpy as np
    >>> repeated(np.array([7, 0, 7, 8, 0], np.uint64)).tolist()
    [True, True, True, False, True]
    """
    size = 16
    while size < 2 * hashes.size:
        size *= 2
    mask = np.uint64(size - 1)
    rows = np.full(size, -1, np.int32)
    out = np.zeros(hashes.size, np.bool_)
    for i in range(hashes.size):
        at = np.intp(hashes[i] & mask)
        while rows[at] >= 0 and hashes[rows[at]] != hashes[i]:
            at = np.intp((np.uint64(at) + np.uint64(1)) & mask)
        if rows[at] < 0:
            rows[at] = i
        else:
            out[i] = True
            out[rows[at]] = True
    return out
