"""The distinct masked lines of many messages: all that mining and matching need to look at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import NamedTuple

import numpy as np
import polars as pl

from onex_analytics.error_patterns.masking import masked, tidied
from onex_analytics.error_patterns.numbering_kernels import number
from onex_analytics.error_patterns.phrases import folded
from onex_analytics.error_patterns.tokens import Codes, categories

_WORTH_A_THREAD = 1 << 16
_AT_A_TIME = 1 << 17
_LOOKED_AT, _OFTEN = 1 << 16, 0.98
"""Messages repeat where the first so many are fewer distinct ones than this share of them."""


class Distinct(NamedTuple):
    """Messages by their masked lines."""

    messages: pl.Series  # as they came
    numbers: Codes       # for each message the place of its line in `lines`; −1 for a null
    lines: pl.Series     # each once

    def counted(self, chosen: pl.Series | None = None) -> pl.DataFrame:
        """A row a `line`, with its `count` of messages and an `example`, the first of them by text; sorted by line.

        Texts are pointed to where they are, not copied: where hardly a line comes twice, they are most of the memory.

        Args:
            chosen: by line, whether it is wanted; all by default.
        """
        rows = np.flatnonzero(self.numbers >= 0)
        counts = np.bincount(self.numbers[rows], minlength=len(self.lines)).astype(np.int32)
        wanted = np.arange(len(counts), dtype=np.int32) if chosen is None else chosen.arg_true().to_numpy()
        lines = self.lines if chosen is None else self.lines.filter(chosen)
        order = lines.arg_sort().to_numpy()
        lines, wanted = lines.gather(order), wanted[order]
        first = np.empty(len(counts), np.int32)
        first[self.numbers[rows]] = rows  # of lines that come once
        rows = rows[counts[self.numbers[rows]] > 1]
        told = pl.DataFrame({"number": self.numbers[rows], "example": self.messages.gather(rows)})
        least = told.group_by("number").agg(pl.col("example").min())
        first[least["number"].to_numpy()] = np.arange(least.height) + len(self.messages)
        texts = pl.concat([self.messages, least["example"]], rechunk=True)  # several chunks would be copied
        return pl.DataFrame({
            "line": lines.set_sorted(), "count": counts[wanted], "example": texts.gather(first[wanted])
        })  # fmt: skip


def distinct_lines(messages: pl.Series) -> Distinct:
    """Mask messages, on all cores, and number the distinct lines.

    Where messages repeat, as those of errors do, each is masked once.
    """
    texts = messages.cast(pl.String).rechunk()
    first = texts.head(_LOOKED_AT)
    if len(texts) > _LOOKED_AT and first.n_unique() < _OFTEN * len(first):
        number, distinct = numbered(texts)
        line, lines = numbered(_masked(distinct))
        numbers = _after(number, line)
    else:
        numbers, lines = numbered(_masked(texts))
    parts = [_tidy(lines[begin : begin + _AT_A_TIME]) for begin in range(0, len(lines), _AT_A_TIME)]
    if any(changed for _, changed in parts):  # some may now be one
        number, lines = numbered(pl.concat([part for part, _ in parts], rechunk=True))
        numbers = _after(numbers, number)
    return Distinct(texts, numbers, lines)


def _tidy(lines: pl.Series) -> tuple[pl.Series, bool]:
    """Lines as they are compared, and whether that is not what they were."""
    tidy = folded(lines.to_frame("line").select(tidied(pl.col("line")))["line"])
    return (tidy, True) if (tidy != lines).any() else (lines, False)


def numbered(texts: pl.Series) -> tuple[Codes, pl.Series]:
    """For each text the place of it among the distinct ones, −1 for a null, and those.

    Hashes take a fraction of the room of a dictionary. They may lie, so that texts of one number are compared.

    >>> numbers, found = numbered(pl.Series(["b", "a", None, "b"]))
    >>> numbers.tolist(), found.to_list()
    ([0, 1, -1, 0], ['b', 'a'])
    """
    numbers, firsts = np.empty(len(texts), np.int32), np.empty(len(texts), np.int32)
    nulls = texts.is_null().to_numpy() if texts.null_count() else np.empty(0, np.bool_)
    slots = np.full(1 << (2 * len(texts)).bit_length(), -1, np.int32)
    count = number(texts.hash().to_numpy(), nulls, slots, numbers, firsts)
    found = texts.gather(firsts[:count])
    if count < len(texts) and not _are_one(texts, numbers, found):
        coded = texts.cast(pl.Categorical(pl.Categories.random()))
        return coded.to_physical().cast(pl.Int32).fill_null(-1).to_numpy(), categories(coded)
    if count < len(texts) // 2:  # those that are pointed to hold all others
        found = found.to_frame("t").select(pl.concat_str("t", pl.lit("")))["t"]
    return numbers, found


def _are_one(texts: pl.Series, numbers: Codes, found: pl.Series) -> bool:
    """Whether each text is the one that has its number; some at a time."""
    return all(
        found.gather(pl.Series(numbers[begin : begin + _AT_A_TIME]).replace(-1, None)).equals(
            texts[begin : begin + _AT_A_TIME], null_equal=True
        )
        for begin in range(0, len(texts), _AT_A_TIME)
    )


def _after(numbers: Codes, others: Codes) -> Codes:
    """The other number of each number; −1 stays."""
    return np.where(numbers < 0, np.int32(-1), others[numbers]) if len(others) else numbers


def _masked(texts: pl.Series) -> pl.Series:
    threads = max(min(cpu_count() or 1, len(texts) // _WORTH_A_THREAD), 1)
    share = -(-max(len(texts), 1) // threads)
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(lambda i: masked(texts[i * share : (i + 1) * share]), range(threads))
        return pl.concat(parts, rechunk=True)
