"""Kernels: pairs of numbers, numbered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[Any]
_NONE = np.iinfo(np.int64).min
_ODD = np.uint64(0x9E3779B97F4A7C15)


@lean
def _slot(key: int, slots: Numbers) -> Any:
    """Where `key` lies in the table, or the free slot that waits for it; there always is one."""
    mask = np.uint64(len(slots) - 1)
    mixed = np.uint64(key) ^ (np.uint64(key) >> np.uint64(32))
    place = ((mixed * _ODD) >> np.uint64(32)) & mask
    while slots[place] != _NONE and slots[place] != key:
        place = (place + np.uint64(1)) & mask
    return place


@lean
def identify(
    before: Numbers, codes: Numbers, slots: Numbers, numbers: Numbers, used: int, begin: int, found: Numbers,
    new: Numbers,
) -> Any:  # fmt: skip
    """The number of each pair (before, code) from row `begin` on; rows of pairs not seen before go to `new`.

    Returns the row before which the table is half full (the number of rows where it never is), and how many are new.
    """
    added = 0
    half = len(slots) // 2
    for row in range(begin, len(codes)):
        key = (np.int64(before[row]) << np.int64(32)) | np.int64(codes[row])
        place = _slot(key, slots)
        if slots[place] == _NONE:
            if used + added >= half:
                return row, added
            slots[place] = key
            numbers[place] = used + added
            new[added] = row
            added += 1
        found[row] = numbers[place]
    return len(codes), added


@lean
def recognise(before: Numbers, codes: Numbers, slots: Numbers, numbers: Numbers, found: Numbers) -> Any:
    """The number of each pair (before, code); -1 where it has none, or where what is before has none."""
    for row in range(len(codes)):
        found[row] = -1
        if before[row] >= 0:
            place = _slot((np.int64(before[row]) << np.int64(32)) | np.int64(codes[row]), slots)
            if slots[place] != _NONE:
                found[row] = numbers[place]
    return 0


@lean
def place_again(keys: Numbers, values: Numbers, slots: Numbers, numbers: Numbers) -> Any:
    """Put what a smaller table held into a larger one."""
    for row in range(len(keys)):
        place = _slot(keys[row], slots)
        slots[place] = keys[row]
        numbers[place] = values[row]
    return 0


@lean
def tell_apart(views: Numbers, held: Numbers, numbers: Numbers, firsts: Numbers, found: Numbers) -> Any:
    """Number the rows by their pair of words, in the order in which the pairs come; `firsts` is the first row of each.

    `numbers` is -1 where the table is free. Returns how many pairs there are, or -1 where they are too many for it.
    """
    mask = np.uint64(len(numbers) - 1)
    many = 0
    for row in range(len(views)):
        low, high = views[row, 0], views[row, 1]
        mixed = np.uint64(low) ^ (np.uint64(high) >> np.uint64(32)) ^ np.uint64(high)
        place = ((mixed * _ODD) >> np.uint64(32)) & mask
        while numbers[place] >= 0 and (held[place, 0] != low or held[place, 1] != high):
            place = (place + np.uint64(1)) & mask
        if numbers[place] < 0:
            if many == len(firsts):
                return -1
            held[place, 0] = low
            held[place, 1] = high
            numbers[place] = many
            firsts[many] = row
            many += 1
        found[row] = numbers[place]
    return many
