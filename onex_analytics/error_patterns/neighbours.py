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
from onex_analytics.error_patterns.tokens import Codes

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
    for j in range(codes.shape[1]) if len(codes) > 1 else ():
        left = _joined_at(j, left, Patterns(codes, wild, messages), words)
    return Patterns(codes[left], wild[left], messages[left])


def _joined_at(j: int, left: NDArray[np.int64], patterns: Patterns, words: Words) -> NDArray[np.int64]:
    """Which of the patterns are left after the others were joined to them at a place."""
    codes, wild, messages = patterns.codes[left], patterns.wild[left], patterns.messages[left]
    anything = wild.copy()
    anything[:, j] = True
    key = np.zeros(len(left), np.uint64)
    for column in hashes(codes, anything, words).T:
        key = mixed(key, column)
    first, group, sizes = np.unique(key, return_index=True, return_inverse=True, return_counts=True)[1:]
    if (sizes < 2).all():
        return left
    pairs = np.unique(np.stack([group, codes[:, j]]), axis=1)
    distinct = np.bincount(pairs[0], minlength=len(sizes))
    known, looking = (
        np.bincount(pairs[0], told[pairs[1]], len(sizes)) / distinct for told in (words.often, words.identifier)
    )
    lines = np.bincount(group, messages, len(sizes)).astype(np.int64)
    most = np.minimum(distinct, FEWEST_VALUES)
    likely = (known >= _KNOWN) & (lines <= _LINES_KNOWN**most)
    if j > 0:  # the first word of a line says what it is about
        seems = (looking >= _LOOKING) | is_quoted(codes, words)[first, j]
        is_long = is_text(codes, anything, words).sum(axis=1)[first] >= _WORDS_OF_TEXT
        likely |= is_labelled(codes, wild, words)[first, j] | (seems & (lines <= _LINES_LOOKING**most))
        likely |= is_long & (distinct > 2) & (lines <= _LINES_ANY**most)
    likely &= sizes > 1
    patterns.wild[left[first[likely]], j] = True
    patterns.messages[left[first[likely]]] = lines[likely]
    stays = ~likely[group]
    stays[first[likely]] = True
    return left[stays]
