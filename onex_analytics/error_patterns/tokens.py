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


class Lines(NamedTuple):
    """The lines of one length."""

    rows: NDArray[np.int64]  # which line each is
    codes: Codes             # a row a line, a column a token; −1 for a token that the vocabulary does not have


def tokenized(lines: pl.Series) -> pl.DataFrame:
    """One row a token of each line, `line` and `token`, in order; a line without any has no row."""
    tokens = lines.str.extract_all(TOKEN)
    if (tokens.list.len() > MOST_TOKENS).any():
        rest = pl.Series([[MASK]], dtype=pl.List(pl.String))
        shortened = pl.when(pl.col("t").list.len() > MOST_TOKENS).then(
            pl.concat_list(pl.col("t").list.head(MOST_TOKENS), pl.lit(rest))
        )
        tokens = tokens.to_frame("t").select(shortened.otherwise(pl.col("t")))["t"]
    counted = tokens.list.len().to_numpy()
    present = counted > 0
    return pl.DataFrame({
        "line": np.repeat(np.arange(len(lines), dtype=np.int32), counted),
        "token": tokens.filter(pl.Series(present)).explode(),
    })  # fmt: skip


def vocabulary(tokens: pl.DataFrame) -> pl.Series:
    """The distinct tokens in the order of their texts, whatever the order of the lines."""
    return tokens["token"].unique().sort()


def tables(tokens: pl.DataFrame, known: pl.Series) -> Iterator[Lines]:
    """The lines length by length, the shortest first, each token as its place in `known`."""
    numbered = pl.DataFrame({"token": known, "code": np.arange(len(known), dtype=np.int32)})
    coded = tokens.lazy().join(numbered.lazy(), on="token", how="left", maintain_order="left").collect()
    codes = coded["code"].fill_null(-1).to_numpy()
    line = coded["line"].to_numpy()
    if not len(line):
        return
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    lengths = np.diff(starts, append=len(line))
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(np.bincount(lengths))
    for length in np.unique(lengths):
        chosen = order[ends[length - 1] : ends[length]]
        at = starts[chosen][:, None] + np.arange(length)
        yield Lines(line[starts[chosen]].astype(np.int64), codes[at])
