"""Self time: what a span did itself, while none of its children ran."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.frames.columns import names
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import Trees, over_trees
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.profiling.walks import self_times

_SHAPE = pl.Schema({
    "trace_id": pl.String(),
    "span_id": pl.String(),
    "parent_span_id": pl.String(),
    "name": pl.String(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "depth": pl.Int32(),
    "children": pl.Int32(),
    "duration_ms": pl.Float64(),
    "self_ms": pl.Float64(),
    "child_overflow_ms": pl.Float64(),
    "child_underflow_ms": pl.Float64(),
    "left_out": pl.String(),
})


def self_time(spans: pl.LazyFrame | pl.DataFrame, *, keep: str | Iterable[str] = ()) -> pl.LazyFrame:
    """Self time of each span: its duration less the length of the union of its children, each clipped to it.

    So children that run side by side are counted once, and what of a child lies outside of its parent is not counted.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        keep: further columns to carry along, such as "node", to group the result by.

    Returns:
        One row a span that came in; no order is promised. `trace_id`, `span_id`, `parent_span_id`, `name`, `start`,
        `end`, the columns of `keep`, and
        `depth` (0 for the root of a tree; a span whose parent is absent or was left out is a root),
        `children` (how many stand below it),
        `duration_ms` (end − start by the clocks), `self_ms` (0 to `duration_ms`; equal to it for a leaf),
        `child_overflow_ms` (how far the latest child ends after it, at least 0: a clock that is off, or work that
        outlives its caller), `child_underflow_ms` (how far the earliest child begins before it, at least 0),
        `left_out` (null, else the word of `LEFT_OUT` that says why it stands in no tree; then all numbers are null).

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or one of `keep`, is absent.

    Times are reckoned in whole microseconds, from the collected columns named above. Source: self time as in
    Jaeger's and CRISP's trace statistics (Zhang et al., USENIX ATC 2022), with the union of overlapping children.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "render"], "start": [at[0], at[1], at[3]], "end": [at[10], at[5], at[6]],
    ... })
    >>> self_time(spans).select("name", "duration_ms", "self_ms").sort("name").collect().rows()
    [('page', 10000.0, 5000.0), ('query', 4000.0, 4000.0), ('render', 3000.0, 3000.0)]
    """
    kept = [name for name in names(keep) if name not in _SHAPE]
    found = complete_spans(spans).collect_schema()
    shape = pl.Schema({**_SHAPE, **{name: found[name] for name in kept if name in found}})
    return over_trees(spans, lambda frame, trees: _rows(frame, trees, kept), shape, keep=kept)


def _rows(frame: pl.DataFrame, trees: Trees, kept: list[str]) -> pl.DataFrame:
    own, overflow, underflow = self_times(trees.first_child, trees.children, trees.start, trees.end)
    return frame.select(
        "trace_id", "span_id", "parent_span_id", "name", "start", "end",
        depth=trees.by_row(trees.depth),
        children=trees.by_row(trees.children),
        duration_ms=trees.by_row((trees.end - trees.start) / 1000),
        self_ms=trees.by_row(own / 1000),
        child_overflow_ms=trees.by_row(overflow / 1000),
        child_underflow_ms=trees.by_row(underflow / 1000),
        left_out=trees.why_left_out(),
        **{name: frame[name] for name in kept},
    )  # fmt: skip
