"""Kernels that number the rows of columns: a small hash table of words, a table of combinations, a translation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Codes = NDArray[np.int32]
Words = NDArray[np.uint64]

_STRIDE = 1 << 10
_ODD, _ODD_TOO = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)


@lean
def alike(words: Words, width: int, rows: int) -> int:
    """How many rows from the first on say what the first one says."""
    size = width * rows
    end = width
    while end + _STRIDE <= size:  # no way out of the inner loop, so that it compares many words at once
        differences = np.uint64(0)
        for i in range(end, end + _STRIDE):
            differences |= words[np.uint64(i)] ^ words[np.uint64(i - width)]
        if differences != 0:
            break
        end += _STRIDE
    for i in range(end, size):
        if words[i] != words[i - width]:
            return i // width
    return rows


@lean
def number(
    words: Words, width: int, nulls: NDArray[np.bool_], slots: Words, codes: Codes, firsts: NDArray[np.int64]
) -> int:
    """Number the distinct rows in order of their first; one more than allowed is the sign that they are too many.

    What the word of a null says is anybody's guess, so where `nulls` is not empty, those rows are passed over.
    """
    mask = np.uint64(slots.shape[0] - 1)
    shift = np.uint64(64)
    while mask >> (np.uint64(64) - shift) != 0:
        shift -= np.uint64(1)
    last = np.uint64(width - 1)  # unsigned places take no look whether they count from the end
    most = firsts.shape[0] - 1
    count = 0
    some_null = nulls.shape[0] > 0
    same = 0
    if codes.shape[0] == 0:
        return 0
    if not some_null:  # a batch often says one thing only, such as one state
        same = alike(words, width, codes.shape[0])
        codes[:same] = 0
        if same == codes.shape[0]:
            firsts[0] = 0
            return 1
    for i in range(max(same - 1, 0), codes.shape[0]):
        if some_null and nulls[i]:
            continue
        at = np.uint64(i) * np.uint64(width)
        a = words[at]
        b = words[at + last]
        h = (a * _ODD + b * _ODD_TOO) >> shift  # the highest bits of a product depend on all bits of its factors
        while True:
            code = slots[h, 2]
            if code == 0:
                if count == most:
                    return most + 1
                firsts[count] = i
                count += 1
                slots[h, 0] = a
                slots[h, 1] = b
                slots[h, 2] = count
                codes[i] = count - 1
                break
            if slots[h, 0] == a and slots[h, 1] == b:
                codes[i] = np.int64(code) - 1
                break
            h = (h + np.uint64(1)) & mask
    return count


@lean
def combine(codes: Codes, further: Codes, size: int, table: Codes, firsts: NDArray[np.int64]) -> int:
    """Number the combinations that occur, in place, in order of their first row."""
    count = 0
    for i in range(codes.shape[0]):
        place = codes[i] * size + further[i]
        if table[place] < 0:
            table[place] = count
            firsts[count] = i
            count += 1
        codes[i] = table[place]
    return count


@lean
def told(codes: Codes, further: Codes, width: int, ways: Codes, found: Codes) -> bool:
    """The number of each combination, in one pass; False where one is not known. No `further`: of each code."""
    some_further = further.shape[0] > 0
    least = 0
    for i in range(codes.shape[0]):
        way = codes[i] * width
        if some_further:
            way += further[i]
        found[i] = ways[np.uint64(way)]
        least = min(least, found[i])
    return least >= 0


@lean
def translate(codes: Codes, translation: Codes) -> None:
    for i in range(codes.shape[0]):
        codes[i] = translation[codes[i]]
