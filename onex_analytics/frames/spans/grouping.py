"""Rows of one key brought together, in time: by counting and small sorts, where a general sort takes thrice as long."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Times = NDArray[np.int64]
Places = NDArray[np.int32]

_DIGIT_BITS = 11
_SMALL = 48
_ODD = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def spread_key(key: np.uint64) -> np.uint64:
    """A key whose high bits are as good as any; one to one, so that equal stays equal."""
    x = key ^ (key >> np.uint64(32))
    x *= _ODD
    x ^= x >> np.uint64(29)
    x *= _ODD
    return x ^ (x >> np.uint64(32))


@njit(nogil=True, cache=True)
def combined_key(a: np.uint64, b: np.uint64) -> np.uint64:
    """One key for a pair of keys."""
    x = (a ^ (a >> np.uint64(31))) * _ODD
    x += b ^ (b >> np.uint64(27))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    return x ^ (x >> np.uint64(30))


@njit(nogil=True, cache=True)
def spread(keys: Keys) -> Keys:
    """`spread_key` of each.

    >>> import numpy as np
    >>> a = spread(np.array([1, 2, 1], np.uint64))
    >>> bool(a[0] == a[2]), bool(a[0] == a[1])
    (True, False)
    """
    out = np.empty_like(keys)
    for i in range(keys.size):
        out[i] = spread_key(keys[i])
    return out


@njit(nogil=True, cache=True)
def combined(a: Keys, b: Keys) -> Keys:
    """`combined_key` of each pair.

    >>> import numpy as np
    >>> one, two = np.array([1], np.uint64), np.array([2], np.uint64)
    >>> bool(combined(one, two)[0] == combined(two, one)[0])
    False
    """
    out = np.empty_like(a)
    for i in range(a.size):
        out[i] = combined_key(a[i], b[i])
    return out


@njit(nogil=True, cache=True)
def in_order(
    keys: Keys, subs: Keys, times: Times, roles: NDArray[np.uint8], ties: Places, part: int = 0, parts: int = 1
) -> Places:
    """Row numbers ordered by key (in no order of meaning), then sub-key, time, role and tie.

    `keys` are spread over all bits (see `spread`). Two passes of counting bring keys near each other; what is left is
    the order within a few rows. Of several `parts` one holds the rows of every key whose lowest bits are `part`.
    """
    total = keys.size
    mine = np.uint64(parts - 1)
    n = 0
    for i in range(total):
        n += (keys[i] & mine) == np.uint64(part)
    bits = 1
    while bits < 2 * _DIGIT_BITS and (1 << bits) < n:
        bits += 1
    low_bits = bits // 2
    high_bits = bits - low_bits
    shift = np.uint64(64 - bits)
    order = np.empty(n, np.int32)
    first = np.empty(n, np.int32)
    counts = np.zeros((1 << low_bits) + 1, np.int32)
    starts = np.zeros((1 << high_bits) + 1, np.int32)
    low_mask = np.uint64((1 << low_bits) - 1)
    top = np.uint64(64 - high_bits)
    for i in range(total):
        if (keys[i] & mine) == np.uint64(part):
            counts[np.intp((keys[i] >> shift) & low_mask) + 1] += 1
            starts[np.intp(keys[i] >> top) + 1] += 1
    for i in range(1 << low_bits):
        counts[i + 1] += counts[i]
    for i in range(total):
        if (keys[i] & mine) == np.uint64(part):
            digit = np.intp((keys[i] >> shift) & low_mask)
            first[counts[digit]] = i
            counts[digit] += 1
    for i in range(1 << high_bits):
        starts[i + 1] += starts[i]
    for place in range(n):
        i = first[place]
        digit = np.intp(keys[i] >> top)
        order[starts[digit]] = i
        starts[digit] += 1
    begin = 0
    while begin < n:
        prefix = keys[order[begin]] >> shift
        end = begin + 1
        while end < n and (keys[order[end]] >> shift) == prefix:
            end += 1
        if end - begin > _SMALL:
            _sort_many(order, begin, end, keys, subs, times, roles, ties)
        elif end - begin > 1:
            _sort_few(order, begin, end, keys, subs, times, roles, ties)
        begin = end
    return order


@njit(nogil=True, cache=True)
def _sort_few(order, begin, end, keys, subs, times, roles, ties):  # type: ignore[no-untyped-def]
    for at in range(begin + 1, end):
        i = order[at]
        to = at
        while to > begin:
            j = order[to - 1]
            if keys[i] != keys[j]:
                before = keys[i] < keys[j]
            elif subs[i] != subs[j]:
                before = subs[i] < subs[j]
            elif times[i] != times[j]:
                before = times[i] < times[j]
            elif roles[i] != roles[j]:
                before = roles[i] < roles[j]
            else:
                before = ties[i] < ties[j]
            if not before:
                break
            order[to] = j
            to -= 1
        order[to] = i


@njit(nogil=True, cache=True)
def _sort_many(order, begin, end, keys, subs, times, roles, ties):  # type: ignore[no-untyped-def]
    rows = order[begin:end].copy()
    rows = rows[np.argsort(ties[rows], kind="mergesort")]
    rows = rows[np.argsort(roles[rows], kind="mergesort")]
    rows = rows[np.argsort(times[rows], kind="mergesort")]
    rows = rows[np.argsort(subs[rows], kind="mergesort")]
    rows = rows[np.argsort(keys[rows], kind="mergesort")]
    order[begin:end] = rows


@njit(nogil=True, cache=True)
def borders(order: Places, keys: Keys) -> Places:
    """Where each key begins among the ordered rows, and the number of rows at the end."""
    n = order.size
    out = np.empty(n + 1, np.int32)
    count = 0
    for place in range(n):
        if place == 0 or keys[order[place]] != keys[order[place - 1]]:
            out[count] = place
            count += 1
    out[count] = n
    return out[: count + 1].copy()


@njit(nogil=True, cache=True)
def tied(order: Places, border: Places, times: Times) -> NDArray[np.bool_]:
    """True for the rows of one key that have their time in common: something else must say which comes first."""
    out = np.zeros(times.size, np.bool_)
    for key in range(border.size - 1):
        begin, end = border[key], border[key + 1]
        if end - begin <= _SMALL:
            for a in range(begin, end):
                for b in range(a + 1, end):
                    if times[order[a]] == times[order[b]]:
                        out[order[a]] = out[order[b]] = True
        else:
            rows = order[begin:end].copy()
            rows = rows[np.argsort(times[rows], kind="mergesort")]
            for place in range(1, rows.size):
                if times[rows[place]] == times[rows[place - 1]]:
                    out[rows[place]] = out[rows[place - 1]] = True
    return out
