"""Rare patterns that differ in values only, as one.

A template that comes a few times shows few words at the place of a value, no more than two templates which differ in a
word. What tells the two apart is what else is known of those words: a word that is a value elsewhere in the log, is in
quotes, follows an equals sign or a label, or has the form of an identifier is a value here, too, as long as the lines
are few for so few different words. Where they are many, a place with two or three words is a choice that the code
makes, and its templates stay apart. The first word of a line parts templates always.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.error_patterns.masking import BETWEEN, CODE
from onex_analytics.error_patterns.phrases import shows_value
from onex_analytics.error_patterns.splitting import FEWEST_VALUES
from onex_analytics.error_patterns.tokens import Codes, Counts

_MOSTLY = 0.5
"""A word is a value if it is one in at least this share of its lines."""

_LINES_A_WORD = 4
"""Two words of values are likely in up to this many lines to the second power, three to the third."""

_FEWEST_JOINED = 3
"""Two patterns that differ in one word are as often two templates, whatever the word is."""

_WORDS_OF_LABEL = 3
"""A colon after fewer words ends the name of a program."""

_OPENING, _CLOSING = "\"'`([{", "\"'`)]}"
_QUOTATION_MARKS = 3
"""The first ones of them."""

_IDENTIFIER = r"\w[./@$\\]+\w|[a-z\d][A-Z]|[a-z]_[a-z]"


class Leaves(NamedTuple):
    """Patterns of one length, and how often words are values in their lines."""

    codes: Codes                # a row a pattern, the tokens of one of its lines
    wild: NDArray[np.bool_]     # which tokens are values
    messages: Counts            # of each pattern
    as_value: NDArray[np.float64]  # by code: messages in which the token is a value
    as_any: NDArray[np.float64]    # by code: messages in which it is at all


def leaves_of(codes: Codes, counts: Counts, wild: NDArray[np.bool_], leaf: Counts, leaves: int, known: int) -> Leaves:
    """The leaves of lines, of which each has its `leaf`; `known` is how many tokens there are."""
    first = np.empty(leaves, np.int64)
    first[leaf[::-1]] = np.arange(len(codes))[::-1]
    as_value, as_any = np.zeros(known), np.zeros(known)
    for j in range(codes.shape[1]):
        as_any += np.bincount(codes[:, j], counts, known)
        as_value += np.bincount(codes[:, j], np.where(wild[:, j], counts, 0), known)
    return Leaves(codes[first], wild[first], np.bincount(leaf, counts, leaves).astype(np.int64), as_value, as_any)


class Patterns(NamedTuple):
    """Patterns of one length."""

    codes: Codes                # a row a pattern, the tokens of one of its lines
    wild: NDArray[np.bool_]     # which tokens are values
    messages: Counts            # of each pattern


class Words(NamedTuple):
    """What is known of each token, by code."""

    word: NDArray[np.int64]        # a number for its word, whatever follows it
    parted: NDArray[np.int64]      # a number for what follows its word
    masked: NDArray[np.bool_]      # masking found that it is a value
    code: NDArray[np.bool_]        # an error code, which is never a value
    blank: NDArray[np.bool_]       # it has neither letter nor digit
    often: NDArray[np.bool_]       # a value in other lines
    identifier: NDArray[np.bool_]  # by its form, and not the name of what follows an equals sign
    opens: NDArray[np.bool_]       # an equals sign follows the word
    labels: NDArray[np.bool_]      # a colon does
    marked: NDArray[np.bool_]      # any of the marks that open values does
    linked: NDArray[np.bool_]      # only spaces, commas or semicolons do
    opened: NDArray[np.int64]      # which quotation mark or bracket ends what follows it, 0 for none
    closed: NDArray[np.int64]      # which one begins it, by the number of the opening one


def words_of(texts: pl.Series, found: Sequence[Leaves]) -> Words:
    """What the tokens are, after all lines were parted into leaves."""
    as_value, as_any = np.zeros(len(texts)), np.zeros(len(texts))
    for leaves in found:
        as_value[: len(leaves.as_value)] += leaves.as_value
        as_any[: len(leaves.as_any)] += leaves.as_any
    token = pl.col("token")
    told = pl.DataFrame({"token": texts, "as_value": as_value, "as_any": as_any}).with_columns(
        word=token.str.replace(f"[{BETWEEN}]+$", ""), after=token.str.extract(f"([{BETWEEN}]*)$")
    )
    often = pl.col("as_value").sum().over("word") >= _MOSTLY * pl.col("as_any").sum().over("word")
    opened, closed = (
        mark.replace_strict(list(known), range(1, len(known) + 1), default=0, return_dtype=pl.Int64)
        for mark, known in (
            (pl.col("after").str.extract("(.)$"), _OPENING), (pl.col("after").str.extract("^(.)"), _CLOSING)
        )
    )  # fmt: skip
    told = told.select(
        word=pl.col("word").rank("dense").cast(pl.Int64),
        parted=pl.col("after").rank("dense").cast(pl.Int64),
        masked=shows_value(token),
        code=token.str.contains(CODE),
        blank=~pl.col("word").str.contains(r"\w"),
        often=(pl.col("word") != "") & often,
        identifier=pl.col("word").str.contains(_IDENTIFIER) & ~pl.col("after").str.starts_with("="),
        opens=pl.col("after").str.ends_with("="),
        labels=pl.col("after").str.contains(r"^[^:]?:\s*$"),
        marked=pl.col("after").str.contains("[=:(\\[\"'`]"),
        linked=pl.col("after").str.contains("^[ ,;]+$"),
        opened=opened,
        closed=closed,
    )
    return Words(**{name: told[name].to_numpy() for name in Words._fields})


def is_quoted(codes: Codes, words: Words) -> NDArray[np.bool_]:
    """Which tokens of patterns stand between two of the same quotation marks."""
    found = np.zeros(codes.shape, np.bool_)
    mark = words.opened[codes[:, :-1]]
    found[:, 1:] = (mark > 0) & (mark <= _QUOTATION_MARKS) & (mark == words.closed[codes[:, 1:]])
    return found


def is_text(codes: Codes, wild: NDArray[np.bool_], words: Words) -> NDArray[np.bool_]:
    """Which tokens of patterns are words that their templates always have."""
    return ~wild & ~words.masked[codes] & ~words.blank[codes]


def is_labelled(codes: Codes, wild: NDArray[np.bool_], words: Words) -> NDArray[np.bool_]:
    """Which tokens of patterns follow a word with a colon that some words of text lead to."""
    found = np.zeros(codes.shape, np.bool_)
    text = np.cumsum(is_text(codes, wild, words), axis=1)
    found[:, 1:] = (text[:, :-1] >= _WORDS_OF_LABEL) & words.labels[codes[:, :-1]] & ~wild[:, :-1]
    return found


def joined(leaves: Leaves, words: Words) -> Patterns:
    """The leaves after those that differ in values only have become one."""
    codes, wild = leaves.codes, leaves.wild
    may_be = words.masked[codes] | words.often[codes] | words.identifier[codes] | is_quoted(codes, words)
    may_be[:, 1:] |= words.opens[codes[:, :-1]]
    may_be |= is_labelled(codes, wild, words)
    may_be[:, 0] = words.masked[codes[:, 0]]
    keys = np.where(wild | may_be, -1 - words.parted[codes], codes)
    group = np.zeros(len(codes), np.int64)
    for column in keys.T:
        values, which = np.unique(column, return_inverse=True)
        if len(values) > 1:
            group = np.unique(group * len(values) + which, return_inverse=True)[1]
    sizes = np.bincount(group)
    if not (sizes > 1).any():
        return Patterns(codes, wild, leaves.messages)
    first = np.unique(group, return_index=True)[1]
    messages = np.bincount(group, leaves.messages).astype(np.int64)
    varies = np.zeros((len(sizes), codes.shape[1]), np.bool_)
    likely = sizes > 1
    places = np.zeros(len(sizes), np.int64)
    for j in range(codes.shape[1]):
        is_value = np.bincount(group, wild[:, j], len(sizes)) > 0
        pairs = np.unique(np.stack([group, codes[:, j]]), axis=1)
        distinct = np.bincount(pairs[0], minlength=len(sizes))
        open_ = np.bincount(group, words.masked[codes[:, j]] | wild[:, j], len(sizes)) > 0
        enough = (distinct >= FEWEST_VALUES) | (messages <= _LINES_A_WORD ** np.minimum(distinct, FEWEST_VALUES))
        varies[:, j] = (distinct > 1) | is_value
        likely &= (distinct == 1) | open_ | enough
        places += (distinct > 1) & ~open_
    likely &= (sizes >= _FEWEST_JOINED) | (places > 1)
    one = likely[group]
    whole = np.concatenate([np.flatnonzero(~one), first[likely]])
    found = np.where(one[:, None], varies[group] | wild, wild), np.where(one, messages[group], leaves.messages)
    return Patterns(codes[whole], *(each[whole] for each in found))
