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
from onex_analytics.error_patterns.tokens import tables, tokenized, vocabulary


class Matcher:
    """Finds the first fitting pattern of masked lines.

    >>> matcher = Matcher(pl.Series([["user ", None], ["user ", "gone"]]))
    >>> matcher.first_fits(pl.Series(["user ada", "user gone", "users", ""])).to_list()
    [0, 0, None, None]
    """

    def __init__(self, patterns: pl.Series) -> None:
        lengths = patterns.list.len().cast(pl.Int64).to_numpy()
        tokens = patterns.filter(patterns.list.len() > 0).explode()
        self._known = vocabulary(tokens.drop_nulls().to_frame("token"))
        numbered = pl.DataFrame({"token": self._known, "code": np.arange(len(self._known), dtype=np.int32)})
        coded = tokens.to_frame("token").join(numbered, on="token", how="left", maintain_order="left")
        codes = coded["code"].fill_null(_ANY).cast(pl.Int32).to_numpy()
        self._longest = int(lengths.max()) if len(lengths) else 0
        room = 1 << max(int(4 * len(codes)).bit_length(), 4)
        self._keys = np.full(room, -1, np.int64)
        self._nodes = np.zeros(room, np.int32)
        self._ranks = np.full(len(codes) + self._longest + 1, -1, np.int32)
        write_tree(codes, lengths, self._longest + 1, self._keys, self._nodes, self._ranks)

    def first_fits(self, lines: pl.Series) -> pl.Series:
        """The place of the pattern among all patterns, null where none fits."""
        found = np.full(len(lines), -1, np.int32)
        found[(lines == "").to_numpy()] = self._ranks[0]
        for table in tables(tokenized(lines), self._known):
            if table.codes.shape[1] <= self._longest:
                found[table.rows] = self._walked(table.codes)
        numbers = pl.Series(found)
        return numbers.to_frame("n").select(pl.when(pl.col("n") >= 0).then("n"))["n"]

    def _walked(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        length = codes.shape[1]
        found = np.empty(len(codes), np.int32)
        walk(codes, self._keys, self._nodes, self._ranks, np.empty(2 * (length + 2), np.int64), found)
        return found


_ANY = -2
