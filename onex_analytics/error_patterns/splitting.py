"""Which tokens of a line are constant, by how often the tokens occur at their places (the kernels of mining)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.tokens import Codes, Counts
from onex_analytics.machine import lean

FEWEST_VALUES = 4
"""A place with this many words or more holds a value; with fewer they part templates."""

_LEAST_OF_OWN = 10
"""Lines that at least have the words which make a root within what many lines have."""

FEWEST_NAMES = 10
"""So many words at the beginning of lines or before an equals sign are values; fewer are names, and part templates."""

MARK_BITS = 24
"""Lowest bits of a frequency that mark in which lines the word is: two words are in the same ones when all is equal."""

_MARK = np.uint64((1 << MARK_BITS) - 1)
_ODD, _ODD_TOO = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@lean
def count_words(which: Counts, counts: Counts, room: Counts, frequencies: Counts) -> None:
    """Frequencies (with marks) of the words at one place; `room` has two zeros a word."""
    for i in range(which.shape[0]):
        mixed = np.uint64(i + 1) * _ODD
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _ODD_TOO
        room[which[i], 0] += counts[i]
        room[which[i], 1] += np.int64(mixed >> np.uint64(20))
    for i in range(which.shape[0]):
        mark = np.int64(np.uint64(room[which[i], 1]) & _MARK)
        frequencies[i] = (room[which[i], 0] << np.int64(MARK_BITS)) | mark


@lean
def find_roots(frequencies: Counts, codes: Codes, is_spaced: NDArray[np.bool_], roots: Counts, seen: Counts) -> None:
    """For each line the frequency (with its mark) of the words that are its root.

    It is the one that most of its tokens share, of equally shared ones the highest; but where words that do not
    follow each other are in the very same lines, the rarest such words are it: what many templates share would hide
    those of each.

    Args:
        frequencies, codes: of the lines.
        is_spaced: by code, whether only a space parts the token from the next.
        roots: is filled.
        seen: room for the frequencies of a line.
    """
    lines, length = frequencies.shape
    for i in range(lines):
        for j in range(length):  # sorted, the highest first; lines are short
            value, at = frequencies[i, j], j
            while at > 0 and seen[at - 1] < value:
                seen[at] = seen[at - 1]
                at -= 1
            seen[at] = value
        most, best, run = 0, seen[0], 0
        for j in range(length):
            run = run + 1 if j > 0 and seen[j] == seen[j - 1] else 1
            if run > most:
                most, best = run, seen[j]
        roots[i] = best
        for j in range(length - 1, 0, -1):
            if seen[j] >= best:
                break
            shared = seen[j] == seen[j - 1] and seen[j] >> MARK_BITS >= _LEAST_OF_OWN
            if shared and _is_apart(frequencies, codes, is_spaced, i, seen[j]):
                roots[i] = seen[j]
                break


@lean
def _is_apart(frequencies: Counts, codes: Codes, is_spaced: NDArray[np.bool_], i: int, value: int) -> bool:
    """Whether tokens of one frequency stand at two places of a line at least, and not as words of one phrase."""
    last, places = -1, 0
    for j in range(frequencies.shape[1]):
        if frequencies[i, j] == value:
            if last < 0 or last < j - 1 or not is_spaced[codes[i, last]]:
                places += 1
            last = j
    return places > 1


@lean
def find_leaves(
    order: Counts, starts: Counts, codes: Codes, frequencies: Counts, roots: Counts, is_masked: NDArray[np.bool_],
    is_key: NDArray[np.bool_], wild: NDArray[np.bool_], leaf: Counts, todo: Counts, scratch: Counts, seen: Codes,
) -> int:  # fmt: skip
    """Part the lines of each group that shares a root into leaves, each of one pattern; says how many there are.

    Args:
        order: the lines, group by group; reordered within the groups.
        starts: where each group begins in `order`, and the end.
        codes, frequencies, roots: of the lines.
        is_masked: by code, whether a value that masking found is in the token.
        is_key: by code, whether the token is a word before an equals sign.
        wild: is filled with which tokens are values.
        leaf: is filled with the leaf of each line.
        todo: room for a stack of ranges, twice as long as there are lines, and four.
        scratch: room for a number a line.
        seen: room for `FEWEST_NAMES` codes.
    """
    length = codes.shape[1]
    leaves = 0
    for group in range(starts.shape[0] - 1):
        low, high = starts[group], starts[group + 1]
        for j in range(length):
            if _is_value(order, low, high, codes, frequencies, roots, is_masked, j):
                for at in range(low, high):
                    wild[order[at], j] = True
        todo[0], todo[1] = low, high
        depth = 1
        while depth > 0:
            depth -= 1
            low, high = todo[2 * depth], todo[2 * depth + 1]
            column = _fewest_values(order, low, high, codes, wild)
            if column < 0:
                column = _of_names(order, low, high, codes, wild, is_key, seen)
            if column >= 0:
                depth = _part(order, low, high, codes, column, todo, depth, scratch)
                continue
            for j in range(length):
                if not wild[order[low], j] and _varies(order, low, high, codes, j):
                    for at in range(low, high):
                        wild[order[at], j] = True
            for at in range(low, high):
                leaf[order[at]] = leaves
            leaves += 1
    return leaves


@lean
def _varies(order: Counts, low: int, high: int, codes: Codes, j: int) -> bool:
    first = codes[order[low], j]
    at = low + 1
    while at < high and codes[order[at], j] == first:
        at += 1
    return at < high


@lean
def _is_value(
    order: Counts, low: int, high: int, codes: Codes, frequencies: Counts, roots: Counts,
    is_masked: NDArray[np.bool_], j: int,
) -> bool:  # fmt: skip
    """Whether a place with several words is one of values: all more frequent than the root, or one of them masked."""
    if not _varies(order, low, high, codes, j):
        return False
    above = True
    for at in range(low, high):
        if is_masked[codes[order[at], j]]:
            return True
        above = above and frequencies[order[at], j] >> MARK_BITS > roots[order[at]] >> MARK_BITS
    return above


@lean
def _fewest_values(order: Counts, low: int, high: int, codes: Codes, wild: NDArray[np.bool_]) -> int:
    """The first of the places with the fewest words, at least two and fewer than `FEWEST_VALUES`; else −1."""
    chosen, fewest = -1, FEWEST_VALUES
    for j in range(codes.shape[1]):
        if wild[order[low], j]:
            continue
        first = second = third = codes[order[low], j]
        found = 1
        for at in range(low + 1, high):
            code = codes[order[at], j]
            if code == first or (found > 1 and code == second) or (found > 2 and code == third):
                continue
            found += 1
            if found == 2:
                second = code
            elif found == 3:
                third = code
            else:
                break
        if 1 < found < fewest:
            chosen, fewest = j, found
    return chosen


@lean
def _of_names(
    order: Counts, low: int, high: int, codes: Codes, wild: NDArray[np.bool_], is_key: NDArray[np.bool_],
    seen: Codes,
) -> int:  # fmt: skip
    """The first place with names: the first of the line, or one before an equals sign, and few words there; else −1."""
    for j in range(codes.shape[1]):
        if wild[order[low], j] or not (j == 0 or is_key[codes[order[low], j]]):
            continue
        found = 0
        for at in range(low, high):
            code = codes[order[at], j]
            k = 0
            while k < found and seen[k] != code:
                k += 1
            if k == found:
                if found == FEWEST_NAMES - 1 or not (j == 0 or is_key[code]):
                    found = 0
                    break
                seen[found] = code
                found += 1
        if found > 1:
            return j
    return -1


@lean
def _part(
    order: Counts, low: int, high: int, codes: Codes, column: int, todo: Counts, depth: int, scratch: Counts
) -> int:
    """Reorder the lines by their word at a place and put each part on the stack; says how deep that is now."""
    begin = low
    while begin < high:
        code, end, others = codes[order[begin], column], begin, 0
        for at in range(begin, high):
            if codes[order[at], column] == code:
                order[end] = order[at]
                end += 1
            else:
                scratch[others] = order[at]
                others += 1
        for i in range(others):
            order[end + i] = scratch[i]
        todo[2 * depth], todo[2 * depth + 1] = begin, end
        depth += 1
        begin = end
    return depth
