"""Numbers for equal texts, by their hashes (the kernel of distinct lines)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.tokens import Codes
from onex_analytics.machine import lean

_ODD = np.uint64(0x9E3779B185EBCA87)


@lean
def number(hashes: NDArray[np.uint64], nulls: NDArray[np.bool_], slots: Codes, numbers: Codes, firsts: Codes) -> int:
    """Number the distinct hashes in order of their first row; says how many there are.

    Args:
        hashes: one a row.
        nulls: by row, whether it has no number (−1); empty where all have one.
        slots: all −1; a power of two of them, more than rows.
        numbers: is filled, by row.
        firsts: is filled with the first row of each number.
    """
    mask = np.uint64(slots.shape[0] - 1)
    some_null = nulls.shape[0] > 0
    count = 0
    for i in range(hashes.shape[0]):
        if some_null and nulls[i]:
            numbers[i] = -1
            continue
        at = (hashes[i] * _ODD >> np.uint64(32)) & mask
        while slots[at] >= 0 and hashes[firsts[slots[at]]] != hashes[i]:
            at = (at + np.uint64(1)) & mask
        if slots[at] < 0:
            slots[at] = count
            firsts[count] = i
            count += 1
        numbers[i] = slots[at]
    return count
