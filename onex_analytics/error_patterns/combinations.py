"""Patterns that differ in two words, as one.

Where the words at two places are some of the same and combine in more ways than either has words, they are values:
`state Active -> Standby`, `state Active -> Active`, `state Standby -> Active`. (Where each word at one place goes with
one at the other, they may be steps that the code tells apart.) Patterns of one line each that differ in both places
and agree in four words or more are one, too: a second difference makes two templates that share so much unlikely.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.leaves import Patterns, Words, is_text
from onex_analytics.error_patterns.neighbours import Hashes, hashes, mixed
from onex_analytics.error_patterns.tokens import Counts

_FURTHEST = 5
"""Tokens from one place to the other."""

_WORDS_OF_TEXT = 4

_MOST_PATTERNS = 5000
"""Of one length; more are a log that has no templates."""


def combined(patterns: Patterns, words: Words) -> Patterns:
    """The patterns after those that differ in two such values only have become one."""
    codes, wild, messages = patterns.codes, patterns.wild.copy(), patterns.messages.copy()
    count, length = codes.shape
    if not 1 < count <= _MOST_PATTERNS:
        return patterns
    text = is_text(codes, wild, words)
    may_vary = text & ~words.code[codes]
    told = _by_place(patterns, words, is_any=False)
    rest = told - _by_place(patterns, words, is_any=True)  # sums, so that places can be taken out
    whole = told.sum(axis=1)
    left = np.ones(count, np.bool_)
    for one in range(1, length - 1):
        for other in range(one + 1, min(one + _FURTHEST, length - 1) + 1):
            rows = np.flatnonzero(left & may_vary[:, one] & may_vary[:, other])
            for group in _of_one_kind(rows, whole[rows] - rest[rows, one] - rest[rows, other]):
                said = words.word[codes[group][:, [one, other]]]
                varies = np.array([len(set(said[:, 0].tolist())) > 1, len(set(said[:, 1].tolist())) > 1])
                are_rare = messages[group].sum() == len(group) and text[group[0]].sum() - 2 >= _WORDS_OF_TEXT
                if _is_free(said) or (varies.all() and are_rare):
                    first = group[0]
                    places = np.array([one, other])[varies]
                    wild[first, places], text[first, places], may_vary[first, places] = True, False, False
                    whole[group[:1]] -= rest[first, places].sum()
                    messages[first] = messages[group].sum()
                    left[group[1:]] = False
    return Patterns(codes[left], wild[left], messages[left])


def _by_place(patterns: Patterns, words: Words, *, is_any: bool) -> Hashes:
    """A hash of each token and its place, of any word there if `is_any`."""
    wild = np.ones_like(patterns.wild) if is_any else patterns.wild
    places = np.broadcast_to(np.arange(patterns.codes.shape[1], dtype=np.uint64), patterns.codes.shape)
    return mixed(hashes(patterns.codes, wild, words), places)


def _of_one_kind(rows: Counts, kinds: Hashes) -> list[Counts]:
    """The rows of each kind that two rows are of at least."""
    order = np.argsort(kinds, kind="stable")
    parts = np.split(rows[order], np.flatnonzero(np.diff(kinds[order])) + 1)
    return [part for part in parts if len(part) > 1]


def _is_free(said: NDArray[np.int64]) -> bool:
    """Whether two places have a word in common, and more pairs of words than either has words."""
    one, other = set(said[:, 0].tolist()), set(said[:, 1].tolist())
    pairs = set(map(tuple, said.tolist()))
    return bool(one & other) and len(pairs) > max(len(one), len(other))
