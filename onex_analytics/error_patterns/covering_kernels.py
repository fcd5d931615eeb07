"""Whether one pattern covers another: its values may stand for several words (the kernel of covering)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.tokens import Codes, Counts
from onex_analytics.machine import lean

TEXT, FIXED, MASKED, WILD = 0, 1, 2, 3
"""What a token of a pattern is; what is fixed is text that no value stands for, what comes later is a value."""

NOT_COVERED = -2


@lean
def cover(
    one: int, others: Counts, begins: Counts, codes: Codes, kinds: Codes, parted: Counts, linked: NDArray[np.bool_],
    longest: int, room: Codes, starts: Counts, slots: Codes,
) -> None:  # fmt: skip
    """Which tokens of other patterns are within which value of one that covers them.

    Args:
        one, others: patterns, by number.
        begins: where the tokens of each pattern begin, and the end of the last.
        codes, kinds: by token of all patterns.
        parted, linked: by code, what follows the word.
        longest: tokens that one value may stand for.
        room: a row more than `one` has tokens, a column more than any other has.
        starts: where the tokens of each other begin in `slots`.
        slots: is filled: the place of the value in `one`, −1 for text; all `NOT_COVERED` for patterns it covers not.
    """
    low, high = begins[one], begins[one + 1]
    for number in range(others.shape[0]):
        first, end = begins[others[number]], begins[others[number] + 1]
        start = starts[number]
        if not _reaches(low, high, first, end, codes, kinds, parted, linked, longest, room):
            for j in range(end - first):
                slots[start + j] = NOT_COVERED
            continue
        i, j = high - low, end - first
        while i > 0:
            took = room[i, j] - 1
            i -= 1
            for k in range(took):
                slots[start + j - 1 - k] = i if kinds[low + i] >= MASKED else -1
            j -= took


@lean
def _reaches(
    low: int, high: int, first: int, end: int, codes: Codes, kinds: Codes, parted: Counts, linked: NDArray[np.bool_],
    longest: int, room: Codes,
) -> bool:  # fmt: skip
    """Whether the tokens from `low` to `high` cover those from `first` to `end`.

    `room[i, j]` is one more than how many tokens the i-th took where j are covered then, 0 where that cannot be.
    """
    n, m = high - low, end - first
    for i in range(n + 1):
        for j in range(m + 1):
            room[i, j] = 0
    room[0, 0] = 1
    for i in range(n):
        kind, code = kinds[low + i], codes[low + i]
        goes_on = kind == WILD and i + 1 < n and kinds[low + i + 1] == WILD and linked[code]
        for j in range(m + 1):
            if room[i, j] == 0:
                continue
            if goes_on:  # words of one value, whatever their number
                room[i + 1, j] = 1
            elif j < m and kind < MASKED:
                if kinds[first + j] == kind and codes[first + j] == code:
                    room[i + 1, j + 1] = 2
            elif j < m:
                for k in range(min(longest, m - j)):
                    other = first + j + k
                    if kinds[other] == FIXED or (kind == MASKED and kinds[other] < MASKED):
                        break
                    at = j + k + 1
                    if parted[codes[other]] == parted[code] and (room[i + 1, at] == 0 or room[i + 1, at] > k + 2):
                        room[i + 1, at] = k + 2
    return room[n, m] > 0
