"""Which spans are of one trace, where ids are texts, many, and come batch by batch.

Within a batch the spans of a trace lie near each other, and equal ids are known by a look at where their texts lie (see
`frames.grouping`), so that only a few are hashed. One pass over those hashes then finds which traces go on from batch
to batch, and numbers traces in the order they came.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.grouping import Codes, in_threads, words_of, workers
from onex_analytics.machine import lean

Words = NDArray[np.uint64]
Numbers = NDArray[np.uint32]
Counts = NDArray[np.int64]

_NEAR = 1 << 11
_HEAP = 1 << 15
_ALONE = np.uint64(0)
_ODD, _ODD_TOO = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)


def numbered_traces(ids: pl.Series, numbers: Numbers) -> tuple[Numbers, Words]:
    """The trace of each row as a number of this batch, written into `numbers`, and 64 bits for each number."""
    words = words_of(ids)
    if words is None:
        words = ids.hash().to_numpy()
    nulls = ids.is_null().to_numpy() if ids.null_count() else np.zeros(0, np.bool_)
    firsts = np.empty(len(ids), np.int32)
    count = _near(words, len(words) // max(len(ids), 1), nulls, np.zeros((_NEAR, 3), np.uint64), numbers, firsts)
    at = firsts[:count]
    told = ids[at].hash().to_numpy()  # half the time of `ids.gather`
    told = np.where(told == _ALONE, np.uint64(1), told)
    if len(nulls):
        told[nulls[at]] = _ALONE
    return numbers, told


def first_places(words: Words) -> Numbers:
    """For each word the first place at which it stands, on all cores; `_ALONE` is alone wherever it stands.

    The words are dealt into heaps first, so that a heap's table fits a cache.
    """
    firsts = np.empty(len(words), np.uint32)
    heaps = 1 << max(len(words) // _HEAP, 1).bit_length()
    cuts = np.linspace(0, len(words), workers() + 1).astype(np.int64)
    counts = np.zeros((workers(), heaps), np.int64)
    in_threads(lambda worker: _count_heaps(words, cuts[worker], cuts[worker + 1], counts[worker]))
    ends = np.cumsum(counts.T).reshape(heaps, workers())  # heap by heap, and in it worker by worker
    cursors = np.ascontiguousarray(ends.T - counts)
    dealt, places = np.empty(len(words), np.uint64), np.empty(len(words), np.uint32)
    in_threads(lambda worker: _deal(words, cuts[worker], cuts[worker + 1], cursors[worker], dealt, places))
    ends = np.concatenate([[0], ends[:, -1]])
    slots = 1 << (2 * int(np.diff(ends).max())).bit_length()
    queue = iter(range(heaps))

    def find(_: int) -> None:
        table = np.zeros(slots, np.uint32)
        for heap in queue:
            here = slice(ends[heap], ends[heap + 1])
            _first_places(dealt[here], places[here], table, firsts)

    in_threads(find)
    return firsts


@lean
def _near(
    words: Words, width: int, nulls: NDArray[np.bool_], slots: Words, numbers: Numbers, firsts: Codes
) -> int:
    """Number the rows so that equal numbers are equal words; words that came long before may get another number.

    What was seen of late is looked up in a small table, in which what is new takes the place of what is there.
    """
    shift = np.uint64(64)
    while (np.uint64(slots.shape[0] - 1)) >> (np.uint64(64) - shift) != 0:
        shift -= np.uint64(1)
    last = np.uint64(width - 1)
    some_null = nulls.shape[0] > 0
    count = 0
    a_before = b_before = np.uint64(0)
    number = -1
    for i in range(numbers.shape[0]):
        if some_null and nulls[i]:
            firsts[count] = i
            numbers[i] = count
            count += 1
            number = -1
            continue
        at = np.uint64(i) * np.uint64(width)
        a = words[at]
        b = words[at + last]
        if number < 0 or a != a_before or b != b_before:
            h = (a * _ODD + b * _ODD_TOO) >> shift
            if slots[h, 2] != 0 and slots[h, 0] == a and slots[h, 1] == b:
                number = np.int64(slots[h, 2]) - 1
            else:
                number = count
                firsts[count] = i
                count += 1
                slots[h, 0] = a
                slots[h, 1] = b
                slots[h, 2] = count
            a_before = a
            b_before = b
        numbers[i] = number
    return count


@lean
def _count_heaps(words: Words, first: int, last: int, counts: Counts) -> None:
    for i in range(first, last):
        counts[_heap(words[i], counts.shape[0])] += 1


@lean
def _deal(words: Words, first: int, last: int, cursors: Counts, dealt: Words, places: Numbers) -> None:
    for i in range(first, last):
        heap = _heap(words[i], cursors.shape[0])
        to = np.uint64(cursors[heap])
        cursors[heap] += 1
        dealt[to] = words[i]
        places[to] = i


@lean
def _first_places(words: Words, places: Numbers, table: Numbers, firsts: Numbers) -> None:
    """`first_places` of one heap; a slot of the table holds one more than where in the heap its word is first."""
    table[:] = 0
    mask = np.uint64(table.shape[0] - 1)
    for i in range(words.shape[0]):
        word = words[i]
        if word == _ALONE:
            firsts[places[i]] = places[i]
            continue
        slot = _mixed(word) >> np.uint64(20) & mask
        while True:
            held = table[slot]
            if held == 0:
                table[slot] = i + 1
                firsts[places[i]] = places[i]
                break
            if words[np.uint64(held) - np.uint64(1)] == word:
                firsts[places[i]] = places[np.uint64(held) - np.uint64(1)]
                break
            slot = (slot + np.uint64(1)) & mask


@njit(nogil=True, cache=True, inline="always")
def _mixed(word: np.uint64) -> np.uint64:
    return (word ^ (word >> np.uint64(32))) * _ODD


@njit(nogil=True, cache=True, inline="always")
def _heap(word: np.uint64, heaps: int) -> np.uint64:
    """The upper bits say which; the heap's table takes others."""
    return (_mixed(word) >> np.uint64(44)) & np.uint64(heaps - 1)
