"""Which pattern a line fits: patterns as a tree of their tokens, walked once a line.

A line fits a pattern that has as many tokens as it, each the same or any. Of several patterns the first one counts, so
that a pattern which is added behind the others never takes a line from them. Lines are looked up in both directions at
each token, the same and any; a walk never visits a place of the tree twice, so it ends.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.error_patterns.matching_kernels import walk, write_tree
from onex_analytics.error_patterns.tokens import Vocabulary

_ANY = -2
_AT_A_TIME = 1 << 17


class Matcher:
    """Finds the first fitting pattern of masked lines.

    >>> matcher = Matcher(pl.Series([["user ", None], ["user ", "gone"]]))
    >>> matcher.first_fits(pl.Series(["user ada", "user gone", "users", ""])).to_list()
    [0, 0, None, None]
    """

    def __init__(self, patterns: pl.Series) -> None:
        lengths = patterns.list.len().cast(pl.Int64).to_numpy()
        tokens = patterns.filter(patterns.list.len() > 0).explode()
        self._vocabulary = Vocabulary(tokens.drop_nulls().unique().sort())
        known = tokens.cast(pl.Enum(self._vocabulary.texts))
        codes = known.to_physical().cast(pl.Int32).fill_null(_ANY).to_numpy()
        self._longest = int(lengths.max()) if len(lengths) else 0
        room = 1 << max(int(4 * len(codes)).bit_length(), 4)
        self._keys = np.full(room, -1, np.int64)
        self._nodes = np.zeros(room, np.int32)
        self._ranks = np.full(len(codes) + self._longest + 1, -1, np.int32)
        write_tree(codes, lengths, self._longest + 1, self._keys, self._nodes, self._ranks)

    def first_fits(self, lines: pl.Series) -> pl.Series:
        """The place of the pattern among all patterns, null where none fits."""
        found = np.full(len(lines), -1, np.int32)
        if self._longest > 0:
            for begin in range(0, len(lines), _AT_A_TIME):
                part = found[begin : begin + _AT_A_TIME]
                for table in self._vocabulary.tables(lines[begin : begin + _AT_A_TIME]):
                    if table.codes.shape[1] <= self._longest:
                        part[table.rows] = self._walked(table.codes)
        found[(lines == "").to_numpy()] = self._ranks[0]
        numbers = pl.Series(found)
        return numbers.to_frame("n").select(pl.when(pl.col("n") >= 0).then("n"))["n"]

    def _walked(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        length = codes.shape[1]
        found = np.empty(len(codes), np.int32)
        walk(codes, self._keys, self._nodes, self._ranks, np.empty(2 * (length + 2), np.int64), found)
        return found
