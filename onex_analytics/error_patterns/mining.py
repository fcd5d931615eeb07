"""Patterns of lines from the lines alone, after Brain.

Lines of one length are compared place by place. The tokens of a line that occur in the very same lines, most of them
together, are its root: they are the words that the line's template always has. Lines with the same root are one group.
Of a group's other places, one whose words are all more frequent than the root and differ is a value that several
templates share; one with many words, or with a word that masking knows for a value, is a value; one with few parts the
group, and so do a few more words that begin lines or name what follows an equals sign. Patterns that differ in values
only are then joined: in several (see `leaves`), in two (`combinations`), in one (`neighbours`), in one of several words
(`gaps`), and rare ones with a frequent one whose values have several words there (`covering`).

Source: Yu et al., "Brain: Log Parsing with Bidirectional Parallel Tree", IEEE Transactions on Services Computing 2023.
Of our own: a root's words are in the same lines, where Brain asks only that they are equally frequent, which words of
two templates may be by chance; of several such sets the rarest is the root; masked words show places of values; there
is no setting by log.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.error_patterns.combinations import combined
from onex_analytics.error_patterns.covering import covered
from onex_analytics.error_patterns.gaps import with_gaps
from onex_analytics.error_patterns.leaves import Leaves, joined, leaves_of, words_of
from onex_analytics.error_patterns.masking import BETWEEN, CODE, MASK, generalized
from onex_analytics.error_patterns.neighbours import alike
from onex_analytics.error_patterns.phrases import shows_value
from onex_analytics.error_patterns.splitting import FEWEST_NAMES, MARK_BITS, count_words, find_leaves, find_roots
from onex_analytics.error_patterns.tokens import Codes, Counts, Vocabulary

_MOSTLY_DISTINCT, _RARE = 0.5, 2
"""A place with more distinct words than this share of the lines is one of values, as far as words so rare go."""

FOUND = pl.Schema({
    "key": pl.String(),                # the general form of its template
    "tokens": pl.List(pl.String()),    # a null for a token that may be any
})  # fmt: skip


def patterns(lines: pl.DataFrame) -> pl.DataFrame:
    """The patterns of masked lines, each line fitting at least one.

    Args:
        lines: distinct `line` with `count`; the order does not matter.

    Returns:
        A row a pattern, as `FOUND`: the one with the fewest values first, then by text.

    >>> found = patterns(pl.DataFrame({"line": [f"user {name} left" for name in "abcd"], "count": [9, 1, 1, 1]}))
    >>> found["tokens"].to_list()
    [['user ', None, 'left']]
    """
    lines = lines.select("line", "count").sort("line")
    vocabulary = Vocabulary()
    counts = lines["count"].cast(pl.Int64).to_numpy()
    has_empty = (lines["line"] == "").any()
    tables = vocabulary.tables(lines["line"])
    del lines  # what is distinct is large
    found = [_of_one_length(table.codes, counts[table.rows], vocabulary) for table in tables]
    words = words_of(vocabulary.texts, found)
    held = [alike(combined(joined(leaves, words), words), words) for leaves in found]
    held, belongs = covered(with_gaps(held, words), words)
    parts = _of_those(belongs, [_texts(each.codes, each.wild, vocabulary.texts) for each in held])
    if has_empty:
        parts.append(pl.DataFrame({"key": [""], "tokens": [[]]}, schema=FOUND))
    return (
        pl.concat(parts or [pl.DataFrame(schema=FOUND)])
        .unique(maintain_order=True)
        .sort(
            pl.col("tokens").list.eval(pl.element().is_null()).list.sum(),
            pl.col("tokens").list.len(), pl.col("tokens").list.eval(pl.element().fill_null("")).list.join("\x1f"),
        )
    )  # fmt: skip


def _of_one_length(codes: Codes, counts: Counts, vocabulary: Vocabulary) -> Leaves:
    lines, length = codes.shape
    known = vocabulary.texts
    is_masked = known.to_frame("token").select(shows_value(pl.col("token")))["token"].to_numpy()
    is_key = known.str.contains("^[^=]+=").to_numpy()
    is_spaced = known.str.contains("[^ ] $").to_numpy()
    is_code = known.str.contains(CODE).to_numpy()  # it parts groups, as no other word below the root does
    frequencies = np.empty((lines, length), np.int64)
    for j in range(length):
        words, which = np.unique(codes[:, j], return_inverse=True)
        count_words(which, counts, np.zeros((len(words), 2), np.int64), frequencies[:, j])
        if len(words) > _MOSTLY_DISTINCT * counts.sum():
            rare = frequencies[:, j] >> MARK_BITS <= _RARE
            frequencies[rare, j] = -1 - j
    roots = np.empty(lines, np.int64)
    find_roots(frequencies, codes, is_spaced, roots, np.empty(length, np.int64))
    order, starts = _groups(codes, frequencies, roots, is_code)
    wild, leaf = np.zeros((lines, length), np.bool_), np.empty(lines, np.int64)
    room = np.empty(lines, np.int64)
    leaves = find_leaves(
        order, starts, codes, frequencies, roots, is_masked, is_key, wild, leaf, np.empty(2 * lines + 4, np.int64),
        room, np.empty(FEWEST_NAMES, np.int32),
    )  # fmt: skip
    return leaves_of(codes, counts, wild, leaf, leaves, len(known))


def _groups(codes: Codes, frequencies: Counts, roots: Counts, is_code: NDArray[np.bool_]) -> tuple[Counts, Counts]:
    """The lines in an order in which those of one root and of one code follow each other, and where groups begin."""
    group = np.unique(roots, return_inverse=True)[1].astype(np.int64)
    for j in range(codes.shape[1]):
        rooted = np.where((frequencies[:, j] == roots) | is_code[codes[:, j]], codes[:, j], -1)
        values, which = np.unique(rooted, return_inverse=True)
        if len(values) > 1:
            group = np.unique(group * len(values) + which, return_inverse=True)[1]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1, append=-1))
    return order, starts


def _of_those(belongs: Sequence[Counts], parts: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """The rows of `FOUND`, each with the key of the one that it belongs to."""
    keys = pl.concat([part["key"] for part in parts]) if parts else pl.Series()
    return [part.with_columns(key=keys.gather(those)) for those, part in zip(belongs, parts, strict=True)]


def _texts(codes: Codes, wild: NDArray[np.bool_], known: pl.Series) -> pl.DataFrame:
    """A row of `FOUND` for each row of codes."""
    rows, length = codes.shape
    flat = pl.DataFrame({
        "row": np.repeat(np.arange(rows, dtype=np.int32), length),
        "token": known.gather(codes.ravel()), "wild": wild.ravel(),
    })  # fmt: skip
    parted = pl.concat_str(pl.lit(MASK), pl.col("token").str.extract(f"([{BETWEEN}]*)$"))
    return (
        flat.with_columns(shown=pl.when("wild").then(parted).otherwise("token"))
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("shown").str.join("").alias("key"),
            pl.when("wild").then(None).otherwise("token").alias("tokens"),
        )
        .select(generalized(pl.col("key")).alias("key"), "tokens")
    )
