"""Masked lines as tables of token numbers, one table a length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.error_patterns.masking import MASK, TOKEN

Codes = NDArray[np.int32]
Counts = NDArray[np.int64]

MOST_TOKENS = 256
"""Tokens of a line that are told apart; those after them are one value."""

_AT_A_TIME = 1 << 17


class Lines(NamedTuple):
    """The lines of one length."""

    rows: Codes   # which line each is
    codes: Codes  # a row a line, a column a token; −1 for a token that the vocabulary does not have


def tokens_of(lines: pl.Series) -> tuple[NDArray[np.int64], pl.Series]:
    """How many tokens each line has, and the tokens of all, one after the other."""
    tokens = lines.str.extract_all(TOKEN)
    if (tokens.list.len() > MOST_TOKENS).any():
        rest = pl.Series([[MASK]], dtype=pl.List(pl.String))
        shortened = pl.when(pl.col("t").list.len() > MOST_TOKENS).then(
            pl.concat_list(pl.col("t").list.head(MOST_TOKENS), pl.lit(rest))
        )
        tokens = tokens.to_frame("t").select(shortened.otherwise(pl.col("t")))["t"]
    lengths = tokens.list.len()
    return lengths.cast(pl.Int64).to_numpy(), tokens.filter(lengths > 0).explode()


def categories(coded: pl.Series) -> pl.Series:
    """The texts of a categorical column that alone uses its categories, by their numbers."""
    most = coded.to_physical().max()
    numbers = pl.Series(range(most + 1 if isinstance(most, int) else 0), dtype=pl.UInt32)
    return numbers.to_frame("n").select(pl.col("n").cat.to(coded.dtype).cast(pl.String))["n"]


class Vocabulary:
    """Numbers for tokens: those given, or else whatever comes, each new token the next one."""

    def __init__(self, known: pl.Series | None = None) -> None:
        self._known = known
        self._dictionary = pl.Categorical(pl.Categories.random()) if known is None else pl.Enum(known)
        self._held = pl.Series([], dtype=self._dictionary)  # Polars forgets categories that no column has

    @property
    def texts(self) -> pl.Series:
        """The tokens, by number."""
        return categories(self._held) if self._known is None else self._known

    def tables(self, lines: pl.Series) -> Iterator[Lines]:
        """The lines length by length, the shortest first; those without tokens are left out.

        Tokens take many times the room of their numbers, so that only some lines have them at a time. All lines are
        numbered when the first table is there, and a table is forgotten with the next one.
        """
        parts: dict[int, list[Lines]] = {}
        for begin in range(0, len(lines), _AT_A_TIME):
            for part in self._by_length(begin, lines[begin : begin + _AT_A_TIME]):
                parts.setdefault(part.codes.shape[1], []).append(part)
        for length in sorted(parts):
            yield _as_one(parts.pop(length))

    def _by_length(self, begin: int, lines: pl.Series) -> Iterator[Lines]:
        """Some lines, the first of which is that of number `begin`."""
        lengths, tokens = tokens_of(lines)
        numbered = tokens.cast(self._dictionary, strict=False)
        if self._known is None and len(numbered):
            newest = numbered.to_physical().arg_max() or 0
            self._held = pl.concat([self._held, numbered[newest : newest + 1]])  # the last number is in it
        codes = numbered.to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
        begins = np.cumsum(lengths) - lengths
        order = np.argsort(lengths, kind="stable")
        ends = np.cumsum(np.bincount(lengths, minlength=1))
        for length in np.unique(lengths[lengths > 0]):
            rows = order[ends[length - 1] : ends[length]]
            table = np.empty((len(rows), length), np.int32)
            for j in range(length):
                table[:, j] = codes[begins[rows] + j]
            yield Lines((begin + rows).astype(np.int32), table)


def _as_one(parts: list[Lines]) -> Lines:
    return parts[0] if len(parts) == 1 else Lines(*(np.concatenate(each) for each in zip(*parts, strict=True)))
