"""Kernel: a rank among values that come and go."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[Any]
_LATE = np.iinfo(np.int64).max


@lean
def _add(tree: Numbers, size: int, place: int, units: int) -> Any:
    place += 1
    while place <= size:
        tree[place] += units
        place += place & -place
    return 0


@lean
def _reaching(tree: Numbers, size: int, target: int) -> Any:
    """The first place up to which the units reach `target`."""
    step = 1
    while step * 2 <= size:
        step *= 2
    place = 0
    while step > 0:
        if place + step <= size and tree[place + step] < target:
            place += step
            target -= tree[place]
        step //= 2
    return place


@lean
def slide_ranks(bounds: Numbers, by_begin: Numbers, begin: Numbers, by_end: Numbers, end: Numbers, rank: Numbers,
                units: Numbers, sorted_values: Numbers, numerator: int, denominator: int, before: int, tick: int,
                born: Numbers, tree: Numbers, told: Numbers, ticks: Numbers, values: Numbers, n: Numbers,
) -> Any:  # fmt: skip
    """The steps of a quantile of the values that are there at [begin, end).

    The value is the first in order up to which the units reach the share numerator / denominator of all, rounded up.
    `rank` counts from the first of the label set in `sorted_values`, which lie in the order of label set and value.
    """
    rows = 0
    for key in range(len(bounds) - 1):
        told[key] = rows
        low, size = bounds[key], bounds[key + 1] - bounds[key]
        for place in range(size + 1):
            tree[place] = 0
        i, o, count, total = 0, 0, 0, 0
        fresh = True
        while True:
            now = _LATE
            if i < size:
                now = begin[by_begin[low + i]]
            if o < size:
                now = min(now, end[by_end[low + o]])
            if now > before and fresh:
                fresh = False
                if born[key] != 0:
                    ticks[rows] = before + 1
                    n[rows] = count
                    values[rows] = np.nan
                    if total > 0:
                        target = numerator * (total // denominator)
                        target += -((-numerator * (total % denominator)) // denominator)
                        values[rows] = sorted_values[low + _reaching(tree, size, max(target, 1))]
                    rows += 1
            if now > tick:
                break
            while i < size and begin[by_begin[low + i]] == now:
                row = by_begin[low + i]
                if begin[row] < end[row]:
                    _add(tree, size, rank[row], units[row])
                    total += units[row]
                    count += 1
                i += 1
            while o < size and end[by_end[low + o]] == now:
                row = by_end[low + o]
                if begin[row] < end[row]:
                    _add(tree, size, rank[row], -units[row])
                    total -= units[row]
                    count -= 1
                o += 1
            if now <= before:
                continue
            if born[key] == 0:
                if count == 0:
                    continue
                born[key] = 1
            elif rows > told[key] and ticks[rows - 1] == now:
                rows -= 1
            ticks[rows] = now
            n[rows] = count
            values[rows] = np.nan
            if total > 0:
                target = numerator * (total // denominator)
                target += -((-numerator * (total % denominator)) // denominator)
                values[rows] = sorted_values[low + _reaching(tree, size, max(target, 1))]
            rows += 1
    told[len(bounds) - 1] = rows
    return rows
