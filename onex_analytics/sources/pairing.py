"""The smallest value of each key among some rows, looked up from others: a hash table in Numba."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NOWHERE = np.int64(np.iinfo(np.int64).max)


@njit(nogil=True, cache=True)
def smallest_of_key(
    asked: NDArray[np.uint64], keys: NDArray[np.uint64], values: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each asked key the smallest of the values that stand beside it in `keys`, else `NOWHERE`.

    >>> import numpy as np
    >>> found = smallest_of_key(np.array([7, 9], np.uint64), np.array([7, 7], np.uint64), np.array([5, 3]))
    >>> int(found[0]), bool(found[1] == NOWHERE)
    (3, True)
    """
    size = 16
    while size < 2 * keys.size:
        size *= 2
    mask = np.uint64(size - 1)
    table_key, table_value = np.zeros(size, np.uint64), np.full(size, NOWHERE, np.int64)
    used = np.zeros(size, np.bool_)
    for i in range(keys.size):
        at = np.intp((keys[i] ^ (keys[i] >> np.uint64(32))) & mask)
        while used[at] and table_key[at] != keys[i]:
            at = np.intp((np.uint64(at) + np.uint64(1)) & mask)
        used[at] = True
        table_key[at] = keys[i]
        table_value[at] = min(table_value[at], values[i])
    out = np.full(asked.size, NOWHERE, np.int64)
    for i in range(asked.size):
        at = np.intp((asked[i] ^ (asked[i] >> np.uint64(32))) & mask)
        while used[at]:
            if table_key[at] == asked[i]:
                out[i] = table_value[at]
                break
            at = np.intp((np.uint64(at) + np.uint64(1)) & mask)
    return out
