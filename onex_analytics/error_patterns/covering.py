"""Patterns that a more frequent one covers, as that one.

A value of several words makes a pattern of its own for each number of words. Where a frequent pattern has the words of
a rarer one in the same order, but for those at the places of its values, the rarer one belongs to it:
`Caused by: <*>: <*>` and `Caused by: IOError: no route to host`.

A value of one word stands for no words that have a value of their own beside them, for those are text: `password for
<*>` and `password for invalid user <*>` are two. But where they come in one line only, or as well at another value of
the same pattern, they are no part of what either says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.covering_kernels import FIXED, MASKED, NOT_COVERED, TEXT, WILD, cover
from onex_analytics.error_patterns.gaps import most_frequent
from onex_analytics.error_patterns.leaves import Patterns, Words, is_text
from onex_analytics.error_patterns.tokens import Codes, Counts

_LONGEST = 8
"""Words that a value may stand for."""

_WORDS_OF_TEXT, _LEAST_TEXT = 2, 0.3
"""Words of text that a covering pattern has at least, and the share of the words of the other one that they are."""

_MOST_COVERING = 1000
"""Patterns that may cover others, the most frequent ones; more are a log that has no templates."""

_ONE_LINE = 1


class _Flat(NamedTuple):
    """Patterns of all lengths that are looked at, one after the other."""

    codes: Codes              # by token of all
    kinds: Codes              # TEXT, MASKED, WILD or FIXED
    text: NDArray[np.bool_]   # whether it is a word that its template always has
    begins: Counts            # where the tokens of each pattern begin, and the end of the last
    messages: Counts          # by pattern
    table: Counts             # in which table it is
    row: Counts               # and in which row

    def tokens(self, pattern: int) -> slice:
        return slice(self.begins[pattern], self.begins[pattern + 1])


def covered(tables: Sequence[Patterns], words: Words) -> tuple[list[Patterns], list[Counts]]:
    """The patterns with the words marked that are values, and by table which pattern each belongs to.

    Patterns are numbered table by table; one that no other covers belongs to itself.
    """
    found = [Patterns(table.codes, table.wild.copy(), table.messages) for table in tables]
    if not found:
        return [], []
    flat = _flat(found, words)
    texts = np.add.reduceat(flat.text.astype(np.int64), flat.begins[:-1])
    best = np.full(len(texts), -1, np.int64)
    inside: dict[int, NDArray[np.bool_]] = {}
    for one, others in _candidates(flat, texts):
        for other, slots in _covered_by(one, others[texts[one] >= _LEAST_TEXT * texts[others]], flat, words):
            if best[other] < 0 or texts[one] > texts[best[other]]:  # the first of equal ones is the most frequent
                best[other] = one
                inside[other] = (slots >= 0) & (flat.kinds[flat.begins[one] + np.maximum(slots, 0)] == WILD)
    for other, values in inside.items():
        found[flat.table[other]].wild[flat.row[other]] |= values
    return found, _belonging(best, flat, found)


def _belonging(best: Counts, flat: _Flat, tables: Sequence[Patterns]) -> list[Counts]:
    sizes = [len(table.codes) for table in tables]
    begins = np.cumsum([0, *sizes])
    number = begins[flat.table] + flat.row
    belongs = np.arange(begins[-1])
    belongs[number[best >= 0]] = number[best[best >= 0]]
    while (belongs != belongs[belongs]).any():  # what covers may be covered
        belongs = belongs[belongs]
    return np.split(belongs, begins[1:-1])


def _flat(tables: Sequence[Patterns], words: Words) -> _Flat:
    rows = most_frequent(tables)
    parts = [(table.codes[which], table.wild[which]) for table, which in zip(tables, rows, strict=True)]
    alone = np.where(words.code, FIXED, np.where(words.masked, MASKED, TEXT))
    kinds = [np.where(wild, WILD, alone[codes]) for codes, wild in parts]
    lengths = np.repeat([codes.shape[1] for codes, _ in parts], [len(codes) for codes, _ in parts])
    return _Flat(
        codes=np.concatenate([codes.ravel() for codes, _ in parts]),
        kinds=np.concatenate([kind.ravel() for kind in kinds]).astype(np.int32),
        text=np.concatenate([is_text(codes, wild, words).ravel() for codes, wild in parts]),
        begins=np.concatenate([[0], np.cumsum(lengths)]),
        messages=np.concatenate([table.messages[which] for table, which in zip(tables, rows, strict=True)]),
        table=np.repeat(np.arange(len(tables)), [len(which) for which in rows]), row=np.concatenate(rows),
    )  # fmt: skip


def _candidates(flat: _Flat, texts: Counts) -> Iterator[tuple[int, Counts]]:
    """Each pattern that may cover others, the most frequent first, with those that have its rarest word, too."""
    owner = np.repeat(np.arange(len(texts)), np.diff(flat.begins))
    has_value = np.bincount(owner, flat.kinds == WILD, len(texts)) > 0
    covering = np.flatnonzero(has_value & (texts >= _WORDS_OF_TEXT))
    covering = covering[np.argsort(-flat.messages[covering], kind="stable")][:_MOST_COVERING]
    pairs = np.unique(np.stack([flat.codes[flat.text].astype(np.int64), owner[flat.text]]), axis=1)
    said, starts, counts = np.unique(pairs[0], return_index=True, return_counts=True)
    for one in covering.tolist():
        mine = np.searchsorted(said, flat.codes[flat.tokens(one)][flat.text[flat.tokens(one)]])
        rarest = mine[np.argmin(counts[mine])]
        others = pairs[1, starts[rarest] : starts[rarest] + counts[rarest]]
        rarer = flat.messages[others] < flat.messages[one]
        yield one, others[rarer | ((flat.messages[others] == flat.messages[one]) & (others > one))]


def _covered_by(one: int, others: Counts, flat: _Flat, words: Words) -> Iterator[tuple[int, Codes]]:
    """The patterns that one covers, and for each of their tokens the place of the value of `one`, −1 for text."""
    if not len(others):
        return
    lengths = np.diff(flat.begins)[others]
    ends = np.cumsum(lengths)
    slots = np.empty(int(lengths.sum()), np.int32)
    room = np.empty((len(flat.codes[flat.tokens(one)]) + 1, int(lengths.max()) + 1), np.int32)
    cover(
        one, others, flat.begins, flat.codes, flat.kinds, words.parted, words.linked, _LONGEST, room, ends - lengths,
        slots,
    )  # fmt: skip
    parts = [
        (other, part)
        for other, part in zip(others.tolist(), np.split(slots, ends[:-1]), strict=True)
        if part[0] != NOT_COVERED
    ]
    told = [list(_told(one, other, part, flat, words)) for other, part in parts]
    places: dict[tuple[int, ...], set[int]] = {}
    for runs in told:
        for place, content in runs:
            places.setdefault(content, set()).add(place)
    for (other, part), runs in zip(parts, told, strict=True):
        if flat.messages[other] <= _ONE_LINE or all(len(places[content]) > 1 for _, content in runs):
            yield other, part


def _told(one: int, other: int, slots: Codes, flat: _Flat, words: Words) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Words with a value beside them that a value of one word stands for: its place, and what they are."""
    kinds, codes = flat.kinds[flat.tokens(one)], flat.codes[flat.tokens(one)]
    theirs, said = flat.kinds[flat.tokens(other)], flat.codes[flat.tokens(other)]
    for place in np.unique(slots[slots >= 0]).tolist():
        within = np.flatnonzero(slots == place)
        is_several = place > 0 and kinds[place - 1] == WILD and words.linked[codes[place - 1]]
        ends = theirs[within[[0, -1]]]
        if not is_several and (theirs[within] == TEXT).any() and (ends != TEXT).any():
            yield place, tuple(np.where(theirs[within] == TEXT, said[within], -1).tolist())
