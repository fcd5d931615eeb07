"""The distinct masked lines of many messages: all that mining and matching need to look at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import NamedTuple

import polars as pl

from onex_analytics.error_patterns.masking import masked, tidied
from onex_analytics.error_patterns.tokens import categories

_WORTH_A_THREAD = 1 << 16
_LOOKED_AT, _OFTEN = 1 << 16, 0.7


class Distinct(NamedTuple):
    """Messages by their masked lines."""

    messages: pl.Series  # as they came
    numbers: pl.Series   # for each message the place of its line in `lines`; null for a null
    lines: pl.Series     # a line may come more than once: what differs in blanks is distinct before it is tidied

    def counted(self, chosen: pl.Series | None = None) -> pl.DataFrame:
        """A row a `line`, with its `count` of messages and an `example`, the first of them by text.

        Args:
            chosen: by line, whether it is wanted; all by default.
        """
        lines = pl.DataFrame({"line": self.lines}).with_row_index("number")
        if chosen is not None:
            lines = lines.filter(chosen)
        told = pl.DataFrame({"number": self.numbers, "example": self.messages}).drop_nulls("number")
        if chosen is not None:
            told = told.filter(pl.col("number").is_in(lines["number"].implode()))
        return (
            told.group_by("number").agg(pl.len().alias("count"), pl.col("example").min())
            .join(lines, on="number")
            .group_by("line").agg(pl.col("count").sum(), pl.col("example").min())
        )  # fmt: skip


def distinct_lines(messages: pl.Series) -> Distinct:
    """Mask messages, on all cores, and number the distinct lines.

    Where messages repeat, as those of errors do, each is masked once.
    """
    texts = messages.cast(pl.String)
    first = texts.head(_LOOKED_AT)
    if len(texts) > _LOOKED_AT and first.n_unique() < _OFTEN * len(first):
        number, distinct = _numbered(texts)
        line, lines = _numbered(_masked(distinct))
        numbers = line.gather(number)
    else:
        numbers, lines = _numbered(_masked(texts))
    return Distinct(texts, numbers, lines.to_frame("line").select(tidied(pl.col("line")))["line"])


def _numbered(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """For each text the place of it among the distinct ones, and those."""
    coded = texts.cast(pl.Categorical(pl.Categories.random()))
    return coded.to_physical(), categories(coded)


def _masked(texts: pl.Series) -> pl.Series:
    threads = max(min(cpu_count() or 1, len(texts) // _WORTH_A_THREAD), 1)
    share = -(-max(len(texts), 1) // threads)
    with ThreadPoolExecutor(threads) as pool:
        return pl.concat(pool.map(lambda i: masked(texts[i * share : (i + 1) * share]), range(threads)))
