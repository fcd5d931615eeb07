"""Rows of one key brought together, in time: by numbering the keys, counting, and small sorts.

Keys are numbered as they first appear. Rows of one key mostly stand near each other, and so does then whatever is
looked up about them: a sort by the keys themselves would scatter all of it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import lean

Keys = NDArray[np.uint64]
Times = NDArray[np.int64]
Places = NDArray[np.int32]

_SMALL = 48
_ODD = np.uint64(0x9E3779B97F4A7C15)


@lean
def spread_key(key: np.uint64) -> np.uint64:
    """A key whose high bits are as good as any; one to one, so that equal stays equal."""
    x = key ^ (key >> np.uint64(32))
    x *= _ODD
    x ^= x >> np.uint64(29)
    x *= _ODD
    return x ^ (x >> np.uint64(32))


@lean
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


def in_order(
    keys: Keys, subs: Keys, times: Times, roles: NDArray[np.uint8], ties: Places, part: int, parts: int
) -> tuple[Places, Places]:
    """Row numbers ordered by key (as they first appear), then sub-key, time, role and tie; and where each key begins.

    `keys` are spread over all bits (see `spread`). Of several `parts` (a power of two) one holds the rows of every key
    whose lowest bits are `part`. The borders of the keys end with the number of rows.

    NumPy hands out the memory, as kernels do not, in large pages where it is large.
    """
    mine, wanted = np.uint64(parts - 1), np.uint64(part)
    n = _count(keys, mine, wanted)
    bits = 1
    while (1 << bits) < 2 * n:
        bits += 1
    slots = np.full(1 << bits, -1, np.int32)
    rows, number, order, border = np.split(np.empty(4 * n + 2, np.int32), [n, 2 * n, 3 * n])
    border[:] = 0
    key_of = np.empty(n, np.uint64)
    count = _number(keys, mine, wanted, slots, np.uint64(64 - bits), rows, number, key_of, border)
    _bring_together(rows, number, count, border, order)
    border = border[: count + 1].copy()
    sort_keys(order, border, np.arange(count, dtype=np.int32), subs, times, roles, ties)
    return order, border


@lean
def _count(keys, mine, wanted):  # type: ignore[no-untyped-def]
    n = 0
    for i in range(keys.size):
        n += (keys[i] & mine) == wanted
    return n


@lean
def _number(keys, mine, wanted, slots, shift, rows, number, key_of, border):  # type: ignore[no-untyped-def]
    """Number the keys as they appear, and count the rows of each."""
    last = slots.size - 1
    at, count = 0, 0
    for i in range(keys.size):
        key = keys[i]
        if (key & mine) != wanted:
            continue
        slot = np.intp(key >> shift)
        found = slots[slot]
        while found >= 0 and key_of[found] != key:
            slot = (slot + 1) & last
            found = slots[slot]
        if found < 0:
            found = np.int32(count)
            slots[slot] = found
            key_of[count] = key
            count += 1
        rows[at] = i
        number[at] = found
        border[found + 2] += 1
        at += 1
    return count


@lean
def _bring_together(rows, number, count, border, order):  # type: ignore[no-untyped-def]
    """Put the rows of each key side by side; the numbers of rows become borders."""
    for key in range(2, count + 2):
        border[key] += border[key - 1]
    for at in range(rows.size):
        key = number[at] + 1
        order[border[key]] = rows[at]
        border[key] += 1


@njit(nogil=True, cache=True)
def sort_keys(order, border, which, subs, times, roles, ties):  # type: ignore[no-untyped-def]
    """Order the rows of some keys by sub-key, time, role and tie."""
    many = np.empty(order.size // _SMALL + 1, np.int64)
    for at in range(_sort_few(order, border, which, subs, times, roles, ties, many)):
        begin, end = border[many[at]], border[many[at] + 1]
        rows = order[begin:end].copy()
        rows = rows[np.argsort(ties[rows], kind="mergesort")]
        rows = rows[np.argsort(roles[rows], kind="mergesort")]
        rows = rows[np.argsort(times[rows], kind="mergesort")]
        order[begin:end] = rows[np.argsort(subs[rows], kind="mergesort")]


@lean
def _sort_few(order, border, which, subs, times, roles, ties, many):  # type: ignore[no-untyped-def]
    """Order the keys that have few rows; how many others there are, which are told in `many`."""
    count = 0
    for key in which:
        begin, end = border[key], border[key + 1]
        if end - begin > _SMALL:
            many[count] = key
            count += 1
            continue
        for at in range(begin + 1, end):
            i = order[at]
            to = at
            while to > begin:
                j = order[to - 1]
                if subs[i] != subs[j]:
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
    return count


@njit(nogil=True, cache=True)
def tied(order: Places, border: Places, times: Times) -> tuple[Places, Places]:
    """The rows of one key that have their time in common (something else must say which comes first), and their keys.

    >>> import numpy as np
    >>> rows, keys = tied(np.array([2, 0, 1], np.int32), np.array([0, 1, 3], np.int32), np.array([5, 5, 5]))
    >>> rows.tolist(), keys.tolist()
    ([0, 1], [1])
    """
    out, keys = np.empty(order.size, np.int32), np.empty(border.size, np.int32)
    count, n_keys = 0, 0
    for key in range(border.size - 1):
        begin, end = border[key], border[key + 1]
        before = count
        if end - begin <= _SMALL:
            count = _tied_few(order, begin, end, times, out, count)
        else:
            rows = order[begin:end].copy()
            rows = rows[np.argsort(times[rows], kind="mergesort")]
            for place in range(rows.size):
                time = times[rows[place]]
                if (place > 0 and times[rows[place - 1]] == time) or (
                    place + 1 < rows.size and times[rows[place + 1]] == time
                ):
                    out[count] = rows[place]
                    count += 1
        if count > before:
            keys[n_keys] = key
            n_keys += 1
    return out[:count].copy(), keys[:n_keys].copy()


@lean
def _tied_few(order, begin, end, times, out, count):  # type: ignore[no-untyped-def]
    for a in range(begin, end):
        time = times[order[a]]
        for b in range(begin, end):
            if a != b and times[order[b]] == time:
                out[count] = order[a]
                count += 1
                break
    return count
