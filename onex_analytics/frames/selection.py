"""Exact quantiles of many groups at once, without sorting them: radix selection on the bits of the numbers.

The bits of a float, read as a whole number (those of negative ones turned round), are in the order of the floats.
Their range is cut into equal buckets, fine where values are small, as a logarithm would. One pass counts each
group's buckets, which says in which bucket a wanted rank lies; a second pass keeps the few values of those buckets,
and only these are sorted. Values beyond the bulk of a sample fall into the first or last bucket: that costs time,
never exactness. The more groups, the fewer buckets each; with one bucket it is a sort of each group.

Codes say the group of each value, −1 for a value that does not count. The values are finite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.grouping import Codes, in_threads, workers
from onex_analytics.machine import lean

Values = NDArray[np.float64]
Counts = NDArray[np.int64]
Keys = NDArray[np.int64]

_MOST_BUCKETS = 1 << 10
_LARGEST_TABLE = 1 << 20
_SAMPLED = 8192


def values_at(
    codes: Sequence[Codes], values: Sequence[Values], counts: Counts, indices: NDArray[np.int64]
) -> Values:
    """The values at zero-based places of each sorted group.

    Args:
        codes: the groups of the values, batch by batch.
        values: the values, batch by batch.
        counts: how many values each group has.
        indices: a row a group, and in it the places wanted, each below the group's count; not read where that is 0.

    Returns:
        What stands at `indices`, NaN where a group has no values. The order of the values does not matter.
    """
    if not indices.size or not counts.any():
        return np.full(indices.shape, np.nan)
    buckets = _buckets(len(counts), int(counts.sum()))
    low, shift = _range(codes, values, buckets)
    tellers = max(min(workers(), len(codes)), 1)
    told = [np.zeros((len(counts), buckets), np.uint32) for _ in range(tellers)]
    shares: list[list[int]] = [[] for _ in range(tellers)]
    queue = iter(range(len(codes)))

    def count(teller: int) -> None:
        for batch in queue:  # whoever is free takes the next one, and keeps it for the second pass
            shares[teller].append(batch)
            _count(codes[batch], values[batch], low, shift, told[teller])

    in_threads(count, tellers)
    order = np.argsort(indices, axis=1)  # not by Numba: what it caches of its argsort can take the place of its sort
    wanted, within, starts, cursors, slots = _locate(np.array(told), indices, order, counts)
    kept = np.empty(starts[-1], np.int64)

    def keep(teller: int) -> None:
        for batch in shares[teller]:
            _keep(codes[batch], values[batch], low, shift, slots, cursors[teller], kept)

    in_threads(keep, tellers)
    cuts = np.searchsorted(starts, np.linspace(0, starts[-1], workers() + 1)).clip(0, len(starts) - 1)
    in_threads(lambda i: _sort(kept, starts, cuts[i], cuts[i + 1]))
    return _picked(kept, starts, wanted, within, counts)


def values_at_weight(
    codes: Sequence[Codes], values: Sequence[Values], weights: Sequence[Values], counts: Counts,
    shares: Sequence[float], *, above: bool = False,
) -> Values:  # fmt: skip
    """The smallest value of each group up to which its values weigh at least a share of all of them.

    The quantile of what a sample stands for; with equal weights it is the nearest rank. Sums of weights are floats, so
    a millionth of a millionth less than the share is enough. With `above` more than the share is asked for. A sort of
    each group.

    Returns:
        One row a group, one column a share; NaN where a group has no values or none that weighs anything.
    """
    starts = np.concatenate([[0], np.cumsum(counts)])
    kept, weighed = np.empty(starts[-1], np.float64), np.empty(starts[-1], np.float64)
    cursors = starts[:-1].copy()
    for batch in zip(codes, values, weights, strict=True):
        _part(*batch, cursors, kept, weighed)
    found = np.full((len(counts), len(shares)), np.nan)
    wanted = np.array(shares, np.float64)
    cuts = np.searchsorted(starts, np.linspace(0, starts[-1], workers() + 1)).clip(0, len(counts))
    in_threads(lambda i: _weigh(kept, weighed, starts, cuts[i], cuts[i + 1], wanted, above, found))
    return found


def _buckets(groups: int, values: int) -> int:
    """A power of two, such that the table is smaller than the values are, and not larger than a cache is."""
    room = max(min(_LARGEST_TABLE, values) // groups, 1)
    return min(_MOST_BUCKETS, 1 << (room.bit_length() - 1))


def _range(codes: Sequence[Codes], values: Sequence[Values], buckets: int) -> tuple[int, int]:
    """The first key of the buckets and their width as a power of two, from a sample of the values."""
    each = -(-_SAMPLED // len(values))
    sample = np.concatenate([
        part[:: max(len(part) // each, 1)][code[:: max(len(part) // each, 1)] >= 0]
        for code, part in zip(codes, values, strict=True)
    ])  # fmt: skip
    keys = np.sort(_keys(sample)) if len(sample) else np.zeros(1, np.int64)
    low, high = int(keys[len(keys) // 200]), int(keys[-1 - len(keys) // 200])
    return low, max((high - low).bit_length() - (buckets.bit_length() - 1), 0)


@njit(nogil=True, cache=True, inline="always")
def _turned(bits: np.int64) -> np.int64:
    """From a float's bits to its place in the order of floats, and back: it is its own inverse."""
    return bits ^ ((bits >> np.int64(63)) & np.int64(0x7FFF_FFFF_FFFF_FFFF))


@njit(nogil=True, cache=True)
def _keys(values: Values) -> Keys:
    return np.array([_turned(bits) for bits in values.view(np.int64)], dtype=np.int64)


@njit(nogil=True, cache=True, inline="always")
def _bucket(bits: np.int64, low: int, shift: int, last: int) -> np.int64:
    key = _turned(bits)
    if key <= low:
        return np.int64(0)
    # the difference of two keys can outgrow 63 bits, never 64
    return np.int64(min((np.uint64(key) - np.uint64(low)) >> np.uint64(shift), np.uint64(last)))


@lean
def _count(codes: Codes, values: Values, low: int, shift: int, table: NDArray[np.uint32]) -> None:
    bits = values.view(np.int64)
    last = table.shape[1] - 1
    for i in range(codes.shape[0]):
        if codes[i] >= 0:
            table[codes[i], _bucket(bits[i], low, shift, last)] += np.uint32(1)


@njit(nogil=True, cache=True)
def _locate(
    tables: NDArray[np.uint32], indices: NDArray[np.int64], order: NDArray[np.int64], counts: Counts
) -> tuple[Keys, Keys, Keys, Keys, NDArray[np.int32]]:
    """Where the wanted ranks lie: buckets become slots, and each slot a stretch of what is kept.

    Returned are the slot of each (group, place), its place in there, the starts of the stretches, where each worker
    begins to write in them, and the slot of each (group, bucket), −1 for a bucket of no interest.
    """
    tellers, groups, buckets = tables.shape
    wanted = np.zeros(indices.shape, np.int64)
    within = np.zeros(indices.shape, np.int64)
    slots = np.full((groups, buckets), np.int32(-1), np.int32)
    most = min(indices.size, groups * buckets)
    starts = np.zeros(most + 1, np.int64)
    cursors = np.zeros((tellers, most), np.int64)
    found = 0
    for g in range(groups):
        if counts[g] == 0:
            continue
        before, bucket = np.int64(0), np.int64(-1)
        after = np.int64(0)
        for q in order[g]:
            while indices[g, q] >= after:
                bucket += 1
                before = after
                for t in range(tellers):
                    after += np.int64(tables[t, g, bucket])
            if slots[g, bucket] < 0:
                slots[g, bucket] = found
                at = starts[found]
                for t in range(tellers):
                    cursors[t, found] = at
                    at += np.int64(tables[t, g, bucket])
                found += 1
                starts[found] = at
            wanted[g, q] = slots[g, bucket]
            within[g, q] = indices[g, q] - before
    return wanted, within, starts[: found + 1], cursors, slots


@lean
def _keep(
    codes: Codes, values: Values, low: int, shift: int, slots: NDArray[np.int32], cursors: Keys, kept: Keys
) -> None:
    bits = values.view(np.int64)
    last = slots.shape[1] - 1
    for i in range(codes.shape[0]):
        if codes[i] >= 0:
            slot = slots[codes[i], _bucket(bits[i], low, shift, last)]
            if slot >= 0:
                kept[cursors[slot]] = _turned(bits[i])
                cursors[slot] += 1


@njit(nogil=True, cache=True)
def _sort(kept: Keys, starts: Keys, first: int, last: int) -> None:
    for slot in range(first, last):
        kept[starts[slot] : starts[slot + 1]].sort()


@njit(nogil=True, cache=True)
def _picked(kept: Keys, starts: Keys, wanted: Keys, within: Keys, counts: Counts) -> Values:
    found = np.full(wanted.shape, np.nan)
    one = np.empty(1, np.int64)
    for g in range(wanted.shape[0]):
        for q in range(wanted.shape[1]):
            if counts[g] > 0:
                one[0] = _turned(kept[starts[wanted[g, q]] + within[g, q]])
                found[g, q] = one.view(np.float64)[0]
    return found


@njit(nogil=True, cache=True)
def _part(
    codes: Codes, values: Values, weights: Values, cursors: Keys, kept: Values, weighed: Values
) -> None:
    """Lay values and weights group by group."""
    for i in range(codes.shape[0]):
        if codes[i] >= 0:
            at = cursors[codes[i]]
            kept[at] = values[i]
            weighed[at] = weights[i]
            cursors[codes[i]] = at + 1


@njit(nogil=True, cache=True)
def _weigh(
    kept: Values, weighed: Values, starts: Keys, first: int, last: int, shares: Values, above: bool, found: Values
) -> None:
    for g in range(first, last):
        values = kept[starts[g] : starts[g + 1]]
        weights = weighed[starts[g] : starts[g + 1]]
        order = np.argsort(values)
        total = weights.sum()
        for q in range(shares.shape[0]):
            enough = shares[q] * total * (1 - 1e-12)
            much = shares[q] * total * (1 + 1e-12)
            so_far = 0.0
            for i in order:
                if weights[i] == 0:
                    continue
                so_far += weights[i]
                found[g, q] = values[i]
                if (so_far > much) if above else (so_far >= enough):
                    break
