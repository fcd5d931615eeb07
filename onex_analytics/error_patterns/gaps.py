"""Patterns that differ in a value of several words, as one.

Where patterns agree but for some words that follow each other, as many in one as in another or not, the words are a
value: `failed: timeout`, `failed: no route to host`. It takes several of them, and enough words that agree, more where
no mark such as a colon opens the value, or that one of the patterns has a value of one word at the place already, or
that half of them are values at other places. What stands in quotes or brackets may have any marks within.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from onex_analytics.error_patterns.leaves import Patterns, Words, is_text
from onex_analytics.error_patterns.neighbours import hashes, mixed
from onex_analytics.error_patterns.tokens import Codes, Counts

_LONGEST = 6
"""Words of a value."""

_MOST_TOKENS = 200_000
"""Tokens of patterns that are looked at, those of the most frequent ones: more are a log that has no templates."""

_FEWEST, _FEWEST_RARE, _RARE_LINES = 4, 3, 12
"""Values that are enough: so many, or fewer in no more than these lines."""

_MANY = 6
"""Values that are enough whatever is around them."""

_WORDS_OF_FRAME, _WORDS_UNMARKED = 2, 4
"""Words around the value that the patterns share at least, and where no mark opens the value."""

_KNOWN, _LINES_KNOWN = 1 / 2, 6.0
"""Two values of which this share is known from other places are likely in up to this many lines to the second power."""

_UNSAID = 0

_FRAME, _CONTENT, _TABLE, _ROW, _BEGIN, _LENGTH, _TEXT, _IS_MARKED, _IS_VALUE, _IS_PURE, _LINES, _PHRASE = range(12)
"""Columns of runs: hashes of what is around and of what is in it, where it is, and what is known of it."""


def with_gaps(tables: Sequence[Patterns], words: Words) -> list[Patterns]:
    """The patterns with the words of such values marked as values; equal ones may be among them."""
    if not tables:
        return []
    found = [Patterns(table.codes, table.wild.copy(), table.messages) for table in tables]
    known = np.empty(0, np.int64)
    for is_first in (True, False):  # what is a value at one place, is known for one at others
        if not is_first and not len(known):
            break
        runs = [
            run
            for number, rows in enumerate(most_frequent(found))
            for run in _runs(number, rows, found[number], words)
        ]
        chosen = _values(np.concatenate(runs), known) if runs else np.empty((0, _PHRASE + 1), np.int64)
        for number, table in enumerate(found):
            of_table = chosen[chosen[:, _TABLE] == number]
            for step in range(_LONGEST):
                reaching = of_table[of_table[:, _LENGTH] > step]
                table.wild[reaching[:, _ROW], reaching[:, _BEGIN] + step] = True
        known = np.unique(chosen[chosen[:, _PHRASE] != _UNSAID, _PHRASE])
    return found


def most_frequent(tables: Sequence[Patterns]) -> list[Counts]:
    """The rows of each table that are looked at."""
    sizes = [len(table.codes) for table in tables]
    messages = np.concatenate([table.messages for table in tables])
    lengths = np.repeat([table.codes.shape[1] for table in tables], sizes)
    order = np.argsort(-messages, kind="stable")
    looked_at = np.zeros(len(messages), np.bool_)
    looked_at[order[np.cumsum(lengths[order]) <= _MOST_TOKENS]] = True
    return [np.flatnonzero(part) for part in np.split(looked_at, np.cumsum(sizes)[:-1])]


def _runs(number: int, rows: Counts, table: Patterns, words: Words) -> Iterator[Counts]:
    """A row for each run of tokens of the patterns of a table that could be a value."""
    codes, wild = table.codes[rows], table.wild[rows]
    length = codes.shape[1]
    anything = wild | words.masked[codes]
    told = hashes(codes, anything, words)
    said = np.where(anything, np.uint64(1 << 40), words.word[codes].astype(np.uint64))
    text = _before(is_text(codes, wild, words))
    values, links = _before(wild & ~words.masked[codes]), _before(words.linked[codes])
    fixed = _before(words.code[codes])
    heads = np.zeros((len(rows), length + 1), np.uint64)
    tails = np.zeros((len(rows), length + 1), np.uint64)
    for j in range(length):
        heads[:, j + 1] = mixed(heads[:, j], told[:, j])
        tails[:, length - 1 - j] = mixed(tails[:, length - j], told[:, length - 1 - j])
    ends = words.parted[codes].astype(np.uint64)
    for long in range(1, min(_LONGEST, length - 1) + 1):
        last = length - long + 1  # runs begin at the second token or later, and before this one
        within = text[:, 1 + long :] - text[:, 1:last]
        around = text[:, -1:] - within
        is_one = links[:, long:length] - links[:, 1:last] == long - 1
        is_one |= _is_enclosed(codes, long, words)
        is_one &= fixed[:, 1 + long :] == fixed[:, 1:last]
        row, at = np.nonzero(is_one & (around >= _WORDS_OF_FRAME))
        begin = at + 1
        content, phrase = np.zeros(len(row), np.uint64), np.zeros(len(row), np.uint64)
        for step in range(long):
            content = mixed(content, told[row, begin + step])
            phrase = mixed(phrase, said[row, begin + step])
        frame = mixed(mixed(heads[row, begin], tails[row, begin + long]), ends[row, at + long])
        yield np.stack([
            frame.view(np.int64), content.view(np.int64), np.full(len(row), number), rows[row], begin,
            np.full(len(row), long), around[row, at], words.marked[codes[row, at]].astype(np.int64),
            (values[row, begin + long] - values[row, begin] == long).astype(np.int64),
            np.isin(within[row, at], (0, long)).astype(np.int64), table.messages[rows[row]],
            np.where(anything[row, begin] & (long == 1), _UNSAID, phrase.view(np.int64)),
        ], axis=1)  # fmt: skip


def _is_enclosed(codes: Codes, long: int, words: Words) -> NDArray[np.bool_]:
    """By where they begin, at the second token or later, whether all of so many tokens are in quotes or brackets."""
    last = codes.shape[1] - long
    mark = words.opened[codes[:, :last]]
    found: NDArray[np.bool_] = (mark > 0) & (mark == words.closed[codes[:, long:]])
    for step in range(1, long):
        found &= words.closed[codes[:, step : last + step]] != mark
    return found


def _before(flags: NDArray[np.bool_]) -> Counts:
    """How many of the tokens before each place, and before the end, are flagged."""
    found = np.zeros((len(flags), flags.shape[1] + 1), np.int64)
    np.cumsum(flags, axis=1, out=found[:, 1:])
    return found


def _values(runs: Counts, known: Counts) -> Counts:
    """The runs that are values, at most one a pattern: the one whose surroundings most patterns share.

    Those of which half are known, if any are.
    """
    frames, first, frame = np.unique(runs[:, _FRAME], return_index=True, return_inverse=True)
    contents = (np.unique(part[:, [_FRAME, _CONTENT]], axis=0) for part in (runs, runs[runs[:, _IS_PURE] > 0]))
    different, pure = (np.bincount(np.searchsorted(frames, each[:, 0]), minlength=len(frames)) for each in contents)
    text = runs[first, _TEXT]
    is_marked, has_value, has_long = (
        np.bincount(frame, told, len(frames)) > 0
        for told in (runs[:, _IS_MARKED], runs[:, _IS_VALUE], runs[:, _LENGTH] > 1)
    )
    lines = np.bincount(frame, runs[:, _LINES], len(frames))
    enough = (different >= _FEWEST) | ((different >= _FEWEST_RARE) & (lines <= _RARE_LINES))
    sure = (enough & (is_marked | (text >= _WORDS_UNMARKED))) | (different >= _MANY)
    familiar = np.unique(runs[np.isin(runs[:, _PHRASE], known)][:, [_FRAME, _CONTENT]], axis=0)
    share = np.bincount(np.searchsorted(frames, familiar[:, 0]), minlength=len(frames)) / different
    is_known = (different > 1) & (share >= _KNOWN) & (lines <= _LINES_KNOWN ** np.minimum(different, _FEWEST))
    beside = has_value & (pure > 1)
    if len(known):
        sure, beside = is_known, np.zeros_like(beside)
    likely = (sure[frame] | (beside[frame] & (runs[:, _IS_PURE] > 0))) & has_long[frame]
    chosen, shared = runs[likely], different[frame[likely]]
    order = np.lexsort((chosen[:, _LENGTH], -shared, chosen[:, _ROW], chosen[:, _TABLE]))
    places = chosen[order][:, [_TABLE, _ROW]]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (places[1:] != places[:-1]).any(axis=1)
    return np.take(chosen, order[is_first], axis=0)
