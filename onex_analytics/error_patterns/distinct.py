"""The distinct masked lines of many messages: all that mining and matching need to look at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import NamedTuple

import polars as pl

from onex_analytics.error_patterns.masking import masked, tidied
from onex_analytics.error_patterns.phrases import folded
from onex_analytics.error_patterns.tokens import categories

_WORTH_A_THREAD = 1 << 16
_LOOKED_AT, _OFTEN = 1 << 16, 0.98
"""Messages repeat where the first so many are fewer distinct ones than this share of them."""


class Distinct(NamedTuple):
    """Messages by their masked lines."""

    messages: pl.Series  # as they came
    numbers: pl.Series   # for each message the place of its line in `lines`; null for a null
    lines: pl.Series     # each once

    def counted(self, chosen: pl.Series | None = None) -> pl.DataFrame:
        """A row a `line`, with its `count` of messages and an `example`, the first of them by text.

        Args:
            chosen: by line, whether it is wanted; all by default.
        """
        told = pl.DataFrame({"number": self.numbers, "example": self.messages})
        if self.numbers.null_count():
            told = told.drop_nulls("number")
        if chosen is not None:
            told = told.filter(chosen.gather(told["number"]))
        counts = told.group_by("number").agg(pl.len().alias("count"), pl.col("example").min())
        return counts.select(self.lines.gather(counts["number"]).alias("line"), "count", "example")


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
    tidy = folded(lines.to_frame("line").select(tidied(pl.col("line")))["line"])
    if (tidy != lines).any():  # some may now be one; numbering takes as much room as the lines, and is spared else
        number, lines = _numbered(tidy)
        numbers = number.gather(numbers)
    return Distinct(texts, numbers, lines)


def _numbered(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """For each text the place of it among the distinct ones, and those."""
    coded = texts.cast(pl.Categorical(pl.Categories.random()))
    return coded.to_physical(), categories(coded)


def _masked(texts: pl.Series) -> pl.Series:
    threads = max(min(cpu_count() or 1, len(texts) // _WORTH_A_THREAD), 1)
    share = -(-max(len(texts), 1) // threads)
    with ThreadPoolExecutor(threads) as pool:
        return pl.concat(pool.map(lambda i: masked(texts[i * share : (i + 1) * share]), range(threads)))
