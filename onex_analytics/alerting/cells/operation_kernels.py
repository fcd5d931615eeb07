"""Kernels: operations by number, and which event of each speaks for it while a window moves on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[Any]
_ODD = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0x100000001B3)
_NONE = -1


@lean
def _mixed(key: int, node: int, text: Numbers, begin: int, end: int, seed: int) -> Any:
    found = np.uint64(seed) ^ (np.uint64(key) * _ODD)
    found = (found ^ np.uint64(node)) * _ODD
    for place in range(begin, end):
        found = (found ^ np.uint64(text[place])) * _PRIME
    found ^= found >> np.uint64(32)
    return found * _ODD


@lean
def _same(one: Numbers, begin: int, end: int, other: Numbers, there: int) -> Any:
    place = begin
    while place < end and one[place] == other[there + place - begin]:
        place += 1
    return place == end


@lean
def number_operations(
    keys: Numbers, nodes: Numbers, bounds: Numbers, text: Numbers, first: int, known: int, seed: int, slots: Numbers,
    hashes: Numbers, key_of: Numbers, node_of: Numbers, bounds_of: Numbers, texts: Numbers, found: Numbers,
) -> Any:  # fmt: skip
    """The number of each row's operation (label set, node, text) from row `first` on; new ones are added.

    `slots` is -1 where the table is free. Returns the row before which there is no more room (the number of rows where
    there always is), and how many operations there are.
    """
    mask = np.uint64(len(slots) - 1)
    for row in range(first, len(keys)):
        begin, end = bounds[row], bounds[row + 1]
        mixed = _mixed(keys[row], nodes[row], text, begin, end, seed)
        place = (mixed >> np.uint64(32)) & mask
        while True:
            one = slots[place]
            if one == _NONE:
                break
            if (
                hashes[one] == mixed and key_of[one] == keys[row] and node_of[one] == nodes[row]
                and bounds_of[one + 1] - bounds_of[one] == end - begin
                and _same(text, begin, end, texts, bounds_of[one])
            ):  # fmt: skip
                break
            place = (place + np.uint64(1)) & mask
        if one == _NONE:
            if 2 * known >= len(slots) or known >= len(hashes) or bounds_of[known] + end - begin > len(texts):
                return row, known
            one = known
            slots[place] = one
            hashes[one], key_of[one], node_of[one] = mixed, keys[row], nodes[row]
            there = bounds_of[one]
            for at in range(end - begin):
                texts[there + at] = text[begin + at]
            bounds_of[one + 1] = there + end - begin
            known += 1
        found[row] = one
    return len(keys), known


@lean
def place_operations(hashes: Numbers, known: int, slots: Numbers) -> Any:
    """Put operations into a larger table."""
    mask = np.uint64(len(slots) - 1)
    for one in range(known):
        place = (hashes[one] >> np.uint64(32)) & mask
        while slots[place] != _NONE:
            place = (place + np.uint64(1)) & mask
        slots[place] = one
    return 0


@lean
def speak(
    at: Numbers, operation: Numbers, severity: Numbers, first: int, many: int, until: int, widths: Numbers,
    heads: Numbers, dead: Numbers, following: Numbers, preceding: Numbers, last: Numbers, speaker: Numbers,
    slots: Numbers, times: Numbers, signs: Numbers, counts: Numbers,
) -> Any:  # fmt: skip
    """The moments at which events begin (1) and end (-1) to be the worst of their operation, for windows side by side.

    The events lie in the order of time; those from `first` on are new. Of each operation those are linked, the oldest
    first, that no later one has outdone: each at most as bad as the one before. The first of them that is in a window
    speaks there. `widths`: the widest first. `operation` is -1 for an event that stands for itself.
    """
    for window in range(len(widths)):
        counts[window] = 0
    for row in range(first, many + 1):
        now = until if row == many else at[row]
        for window in range(len(widths)):
            width = widths[window]
            n = counts[window]
            head = heads[window]
            while head < row and at[head] + width <= now:
                one = operation[head]
                if one == _NONE or speaker[one, window] == head:
                    slots[window, n], times[window, n], signs[window, n] = head, at[head] + width, -1
                    n += 1
                    if one != _NONE:
                        follower = following[head]
                        speaker[one, window] = follower
                        if follower != _NONE:
                            slots[window, n], times[window, n], signs[window, n] = follower, at[head] + width, 1
                            n += 1
                        if window == 0:
                            if follower != _NONE:
                                preceding[follower] = _NONE
                            else:
                                last[one] = _NONE
                head += 1
            heads[window] = head
            counts[window] = n
        if row == many:
            break
        one = operation[row]
        dead[row] = False
        following[row] = _NONE
        preceding[row] = _NONE
        if one != _NONE:
            before = last[one]
            while before != _NONE and severity[before] < severity[row]:
                dead[before] = True
                for window in range(len(widths)):
                    if speaker[one, window] == before:
                        n = counts[window]
                        slots[window, n], times[window, n], signs[window, n] = before, now, -1
                        counts[window] = n + 1
                        speaker[one, window] = _NONE
                before = preceding[before]
            preceding[row] = before
            if before != _NONE:
                following[before] = row
            last[one] = row
        for window in range(len(widths)):
            if one != _NONE:
                if speaker[one, window] != _NONE:
                    continue
                speaker[one, window] = row
            n = counts[window]
            slots[window, n], times[window, n], signs[window, n] = row, now, 1
            counts[window] = n + 1
    return 0
