"""Parent links between spans, and the spans that no tree can hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.trees.linking import first_of_id, mark_cycles, rows_of_parents

LEFT_OUT = {
    "no_trace_id": "its trace id is null",
    "open": "a start without an end",
    "end_without_start": "an end without a start",
    "duplicate_start": "a second start of work that began already",
    "duplicate_end": "a second end of work that ended already",
    "negative_duration": "it ends before it starts",
    "duplicate_id": "another span of its trace has its id; the one that ended and began first stands for it",
    "cycle": "it is its own ancestor",
    "below_cycle": "one of its ancestors is its own ancestor",
}
"""Why a span stands in no tree. The first reason that holds is given."""

ROOTS = {
    "root": "it names no parent",
    "orphan": "the parent that it names is not there",
    "fragment": "its parent is there, but left out (open, without start, or ending before it starts)",
}
"""Why a span is the root of a tree."""

CODE_OF = {word: code for code, word in enumerate(LEFT_OUT, start=1)}
ROW_STATES = ("open", "end_without_start", "duplicate_start", "duplicate_end", "negative_duration")
"""States of `model.SPAN_STATES` that a row bears by itself: such a span has no time that could be shared out."""


@dataclass(frozen=True, slots=True)
class Links:
    """For each row of the frame: its parent's row (or `NO_PARENT`, `ABSENT`), and the code of why it was left out."""

    parent: NDArray[np.int32]
    left_out: NDArray[np.uint8]


def links(frame: pl.DataFrame) -> Links:
    """Find each span's parent within its trace.

    Ids are found by a hash of their texts, and every find is confirmed by the texts themselves; should two texts
    have one hash, it is done again with another.
    """
    has_trace = frame["trace_id"].is_not_null()
    has_id = (has_trace & frame["span_id"].is_not_null()).to_numpy()
    has_parent = (has_trace & frame["parent_span_id"].is_not_null()).to_numpy()
    for seed in count():
        trace, span, named = (
            hashes(frame[column], seed).to_numpy() for column in ("trace_id", "span_id", "parent_span_id")
        )
        table, first = first_of_id(trace, span, has_id)
        parent = rows_of_parents(table, trace, named, has_parent)
        again = np.flatnonzero(first != np.arange(first.size, dtype=np.int32))
        if _same_ids(frame, again, first[again], "span_id") and _same_ids(
            frame, linked := np.flatnonzero(parent >= 0), parent[linked], "parent_span_id"
        ):
            break
    left_out = _left_out_by_row(frame)
    if again.size:
        stands_for = _choose(frame, again, first, left_out)
        parent = np.where(parent >= 0, stands_for[parent], parent)
    mark_cycles(parent, left_out, CODE_OF["cycle"], CODE_OF["below_cycle"])
    return Links(parent, left_out)


def hashes(texts: pl.Series, seed: int) -> pl.Series:
    """A hash of each text. It never decides anything by itself, so that Polars may change it."""
    return texts.hash(seed)


def tie_columns(frame: pl.DataFrame) -> list[str]:
    """The columns that tell spans of equal times apart: ids first, then whatever can be ordered."""
    ordered = [name for name, dtype in frame.schema.items() if not dtype.is_nested() and dtype != pl.Object]
    return list(dict.fromkeys(["trace_id", "span_id", *ordered]))


def _same_ids(frame: pl.DataFrame, rows: NDArray[np.intp], found: NDArray[np.int32], column: str) -> bool:
    """True if all `rows` have the trace of the rows found, and name by `column` the ids that these have."""
    if not rows.size:
        return True
    ours, theirs = pl.Series(rows), pl.Series(found)
    same_span = frame[column].gather(ours) == frame["span_id"].gather(theirs)
    same_trace = frame["trace_id"].gather(ours) == frame["trace_id"].gather(theirs)
    return bool(same_span.all()) and bool(same_trace.all())


def _left_out_by_row(frame: pl.DataFrame) -> NDArray[np.uint8]:
    """The code of what a row by itself says: a state, a null, an end before its start; 0 for most."""

    def code(word: str) -> pl.Expr:
        return pl.lit(CODE_OF[word], pl.UInt8)

    codes = {word: CODE_OF[word] for word in ROW_STATES}
    told = pl.col("state").replace_strict(codes, default=0, return_dtype=pl.UInt8)
    chosen = (
        pl.when(pl.col("trace_id").is_null()).then(code("no_trace_id"))
        .when(told > 0).then(told)
        .when(pl.col("end").is_null()).then(code("open"))
        .when(pl.col("start").is_null()).then(code("end_without_start"))
        .when(pl.col("end") < pl.col("start")).then(code("negative_duration"))
        .otherwise(pl.lit(0, pl.UInt8))
    )  # fmt: skip
    return np.array(frame.select(chosen).to_series().to_numpy())


def _choose(
    frame: pl.DataFrame, again: NDArray[np.intp], first: NDArray[np.int32], left_out: NDArray[np.uint8]
) -> NDArray[np.int32]:
    """Of the rows with one id, choose one by what it says, whatever order they came in; leave the others out.

    The one that ended comes before one that did not, then the earlier start, the later end, the smaller texts.
    """
    rows = np.union1d(again, first[again])
    same = frame[rows].with_columns(
        _row=pl.Series(rows.astype(np.int32)), _first=pl.Series(first[rows]), _usable=pl.Series(left_out[rows] == 0)
    )
    keys = ["_first", "_usable", "start", "end", *(name for name in tie_columns(frame) if name not in ("start", "end"))]
    same = same.sort(keys, descending=[key in ("_usable", "end") for key in keys], nulls_last=True)
    same = same.with_columns(_chosen=pl.col("_row").first().over("_first"))
    row, chosen = same["_row"].to_numpy(), same["_chosen"].to_numpy()
    lost = row[row != chosen]
    left_out[lost[left_out[lost] == 0]] = CODE_OF["duplicate_id"]
    stands_for = np.arange(first.size, dtype=np.int32)
    stands_for[row] = chosen
    return stands_for
