"""Kernels of the parent links: a hash table of (trace, span) ids, and the spans that are their own ancestors.

Rows are numbered by 32 bits: two thousand million spans do not fit the memory of the machines we know.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_PARENT, ABSENT = -1, -2
"""What stands for a parent's row: the span names none; the one it names is not there."""

_FINE, _ON_CYCLE, _BELOW_CYCLE = -1, -2, -3
_HIGH = np.uint64(0xFFFFFFFF00000000)
_LOW = np.uint64(0x00000000FFFFFFFF)
_BLOCK = 256


@njit(nogil=True, cache=True, inline="always")
def _key(trace: np.uint64, span: np.uint64) -> np.uint64:
    key = trace ^ (span * np.uint64(0x9E3779B97F4A7C15))
    key ^= key >> np.uint64(32)
    key *= np.uint64(0xD6E8FEB86659FD93)
    return key ^ (key >> np.uint64(29))


@njit(nogil=True, cache=True)
def first_of_id(
    trace: NDArray[np.uint64], span: NDArray[np.uint64], has_id: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """A table of ids, and for each row the first row that has its id (itself for most).

    A slot holds the upper half of the key beside the row + 1; zero is an empty slot. Two ids whose slots lie side by
    side may share an upper half, once in a thousand million: whoever asks looks at the texts as well.
    """
    size = 16
    while size < 2 * trace.size:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.zeros(size, np.uint64)
    first = np.empty(trace.size, np.int32)
    keys, touched = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    for block in range(0, trace.size, _BLOCK):
        until = min(block + _BLOCK, trace.size)
        for row in range(block, until):  # loads that wait for none before: the memory answers several at once
            keys[row - block] = _key(trace[row], span[row])
            touched[row - block] = table[keys[row - block] & mask]
        for row in range(block, until):
            first[row] = row
            if not has_id[row]:
                continue
            key = keys[row - block]
            at = key & mask
            while table[at] != 0:
                if (table[at] ^ key) & _HIGH == 0:
                    first[row] = np.int32((table[at] & _LOW) - np.uint64(1))
                    break
                at = (at + np.uint64(1)) & mask
            else:
                table[at] = (key & _HIGH) | np.uint64(row + 1)
    return table, first


@njit(nogil=True, cache=True)
def rows_of_parents(
    table: NDArray[np.uint64], trace: NDArray[np.uint64], parent: NDArray[np.uint64], has_parent: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """The row of each span's parent, `NO_PARENT` or `ABSENT`."""
    mask = np.uint64(table.size - 1)
    found = np.empty(trace.size, np.int32)
    keys, slots = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    for block in range(0, trace.size, _BLOCK):
        until = min(block + _BLOCK, trace.size)
        for row in range(block, until):
            keys[row - block] = _key(trace[row], parent[row])
            slots[row - block] = table[keys[row - block] & mask]
        for row in range(block, until):
            if not has_parent[row]:
                found[row] = NO_PARENT
                continue
            found[row] = ABSENT
            key, slot = keys[row - block], slots[row - block]
            at = key & mask
            while slot != 0:
                if (slot ^ key) & _HIGH == 0:
                    found[row] = np.int32((slot & _LOW) - np.uint64(1))
                    break
                at = (at + np.uint64(1)) & mask
                slot = table[at]
    return found


@njit(nogil=True, cache=True)
def mark_cycles(parent: NDArray[np.int32], left_out: NDArray[np.uint8], cycle: int, below: int) -> None:
    """Write `cycle` to the rows that are their own ancestors and `below` to those that hang below one.

    Each row is walked once, however long the chains. A row that was left out before keeps its word.
    """
    state = np.zeros(parent.size, np.int32)  # 0 unseen, row + 1 of the walk that is on its way, else the verdict
    for row in range(parent.size):
        if state[row] != 0:
            continue
        at = row
        while at >= 0 and state[at] == 0:
            state[at] = row + 1
            at = parent[at]
        verdict = _FINE
        if at >= 0:
            if state[at] == row + 1:
                on = at
                while state[on] != _ON_CYCLE:
                    state[on] = _ON_CYCLE
                    on = parent[on]
            if state[at] != _FINE:
                verdict = _BELOW_CYCLE
        at = row
        while at >= 0 and state[at] == row + 1:
            state[at] = verdict
            at = parent[at]
    for row in range(parent.size):
        if left_out[row] == 0 and state[row] != _FINE:
            left_out[row] = cycle if state[row] == _ON_CYCLE else below
