"""Patterns that differ in one word, as one.

A few lines with two words at a place are a value more likely than two templates if the log knows the words for values,
if they have the form of identifiers or stand in quotation marks; so are three words without any of that, if there are
very few lines of them and enough other words. What follows a colon after some words of text is what the text names,
however many lines have it (`power device detected: …`). Else few words in many lines are a choice that the code makes,
and part templates.

How many lines that may be was found on the logs of benchmarks/makes (tuning) and of Loghub.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.leaves import Patterns, Words, is_labelled, is_quoted, is_text
from onex_analytics.error_patterns.splitting import FEWEST_VALUES
from onex_analytics.error_patterns.tokens import Codes, Counts

_KNOWN, _LOOKING = 1 / 3, 1 / 2
"""Words are known for values, or look like identifiers, if at least this share of them does."""

_LINES_KNOWN, _LINES_LOOKING, _LINES_ANY = 6.0, 3.0, 2.1
"""Two words are likely in up to this many lines to the second power, three to the third."""

_WORDS_OF_TEXT = 4

Hashes = NDArray[np.uint64]


def mixed(one: Hashes, other: Hashes) -> Hashes:
    """A hash of two, which of neither alone says anything (SplitMix64)."""
    both = (one * np.uint64(0xBF58476D1CE4E5B9)) ^ (other + np.uint64(0x9E3779B97F4A7C15))
    both ^= both >> np.uint64(29)
    both *= np.uint64(0x94D049BB133111EB)
    both ^= both >> np.uint64(32)
    return both


def hashes(codes: Codes, is_any: NDArray[np.bool_], words: Words) -> Hashes:
    """A number for each token of patterns: equal for equal words, and for any words that are parted alike."""
    return np.where(is_any, np.uint64(1 << 40) + words.parted[codes].astype(np.uint64), codes.astype(np.uint64))


def alike(patterns: Patterns, words: Words) -> Patterns:
    """The patterns after those that differ in one value only have become one."""
    codes, wild, messages = patterns.codes, patterns.wild.copy(), patterns.messages.copy()
    left = np.arange(len(codes))
    whole = np.zeros(len(codes), np.uint64)  # sums, so that a place can be taken out
    for j in range(codes.shape[1]):
        whole += mixed(hashes(codes[:, j], wild[:, j], words), np.full(len(codes), j, np.uint64))
    for j in range(codes.shape[1]) if len(codes) > 1 else ():
        told, anything = (
            mixed(hashes(codes[left, j], is_any, words), np.full(len(left), j, np.uint64))
            for is_any in (wild[left, j], ~words.code[codes[left, j]])
        )
        rest = whole[left] - told + anything
        joined, stays = _joined_at(j, left, rest, Patterns(codes, wild, messages), words)
        whole[left[joined]] = rest[joined]
        left = left[stays]
    return Patterns(codes[left], wild[left], messages[left])


def _joined_at(
    j: int, left: Counts, rest: Hashes, patterns: Patterns, words: Words
) -> tuple[Counts, NDArray[np.bool_]]:
    """Which patterns have become those of others too, by a value at one place, and which are left.

    Args:
        j: the place.
        left: the rows of `patterns` that are there still; what was joined is written to them.
        rest: by row left, a number for all that it has at other places.
    """
    first, group, sizes = np.unique(rest, return_index=True, return_inverse=True, return_counts=True)[1:]
    stays = np.ones(len(left), np.bool_)
    several = np.flatnonzero(sizes > 1)
    if not len(several):
        return several, stays
    pairs = np.unique(np.stack([group, patterns.codes[left, j]]), axis=1)
    distinct = np.bincount(pairs[0], minlength=len(sizes))[several]
    known, looking = (
        np.bincount(pairs[0], told[pairs[1]], len(sizes))[several] / distinct
        for told in (words.often, words.identifier)
    )
    lines = np.bincount(group, patterns.messages[left], len(sizes)).astype(np.int64)[several]
    most = np.minimum(distinct, FEWEST_VALUES)
    likely = (known >= _KNOWN) & (lines <= _LINES_KNOWN**most)
    if j > 0:  # the first word of a line says what it is about
        rows = left[first[several]]
        codes, wild = patterns.codes[rows], patterns.wild[rows]
        text = is_text(codes, wild, words)
        text[:, j] = False
        seems = (looking >= _LOOKING) | is_quoted(codes, words)[:, j]
        likely |= is_labelled(codes, wild, words)[:, j] | (seems & (lines <= _LINES_LOOKING**most))
        likely |= (text.sum(axis=1) >= _WORDS_OF_TEXT) & (distinct > 2) & (lines <= _LINES_ANY**most)
    joined = first[several[likely]]
    patterns.wild[left[joined], j] = True
    patterns.messages[left[joined]] = lines[likely]
    stays[np.isin(group, several[likely])] = False
    stays[joined] = True
    return joined, stays
