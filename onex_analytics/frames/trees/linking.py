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

    A slot holds the upper half of the key beside the row + 1; zero is an empty slot.
    """
    size = 16
    while size < 2 * trace.size:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.zeros(size, np.uint64)
    first = np.empty(trace.size, np.int32)
    for row in range(trace.size):
        first[row] = row
        if not has_id[row]:
            continue
        key = _key(trace[row], span[row])
        at = key & mask
        while table[at] != 0:
            if (table[at] ^ key) & _HIGH == 0:
                other = np.intp(table[at] & _LOW) - 1
                if trace[other] == trace[row] and span[other] == span[row]:
                    first[row] = other
                    break
            at = (at + np.uint64(1)) & mask
        else:
            table[at] = (key & _HIGH) | np.uint64(row + 1)
    return table, first


@njit(nogil=True, cache=True)
def rows_of_parents(
    table: NDArray[np.uint64],
    trace: NDArray[np.uint64],
    span: NDArray[np.uint64],
    parent: NDArray[np.uint64],
    has_parent: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """The row of each span's parent, `NO_PARENT` or `ABSENT`."""
    mask = np.uint64(table.size - 1)
    found = np.empty(trace.size, np.int32)
    for row in range(trace.size):
        if not has_parent[row]:
            found[row] = NO_PARENT
            continue
        found[row] = ABSENT
        key = _key(trace[row], parent[row])
        at = key & mask
        while table[at] != 0:
            if (table[at] ^ key) & _HIGH == 0:
                other = np.intp(table[at] & _LOW) - 1
                if trace[other] == trace[row] and span[other] == parent[row]:
                    found[row] = other
                    break
            at = (at + np.uint64(1)) & mask
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
