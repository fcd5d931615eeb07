"""Drag and slack: what a span alone adds to its root's duration, and how much later it could end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.columns import names
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import Trees, over_trees
from onex_analytics.profiling.moves import Windows, leeways, windows_of
from onex_analytics.profiling.sections import Policy

_DRAG = pl.Schema({
    "trace_id": pl.String(),
    "span_id": pl.String(),
    "name": pl.String(),
    "duration_ms": pl.Float64(),
    "critical_ms": pl.Float64(),
    "drag_ms": pl.Float64(),
    "own_drag_ms": pl.Float64(),
    "left_out": pl.String(),
})
_SLACK = pl.Schema({
    "trace_id": pl.String(),
    "span_id": pl.String(),
    "name": pl.String(),
    "duration_ms": pl.Float64(),
    "slack_ms": pl.Float64(),
    "left_out": pl.String(),
})


def drag(spans: pl.LazyFrame | pl.DataFrame, *, keep: str | Iterable[str] = ()) -> pl.LazyFrame:
    """What each span alone adds to its root's duration: by how much it would fall if the span took no time.

    Time on the critical path overstates what can be won: when a span gets faster, another that ran beside it takes its
    place on the path. Drag is what remains. How times shift is told in `moves.py`: a child begins when all siblings
    that had ended before it have ended, plus its parent's own work between; a parent ends when all children have.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        keep: further columns to carry along, such as "node".

    Returns:
        One row a span that came in; no order is promised. `trace_id`, `span_id`, `name`, `duration_ms` (end − start by
        the clocks), `critical_ms` (its time on the critical path, without what it waits for there),
        `drag_ms` (0 to `duration_ms`: the root's duration less what it would be if this span, with all below it, took
        no time), `own_drag_ms` (the same if only its own work, while it waits for no child, took none),
        `left_out` (null, else why it stands in no tree; then the numbers are null), the columns of `keep`.
        A span that is not on the critical path has no drag, nor has one that runs beside another critical one.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or one of `keep`, is absent.

    Source: Stephen Devaux, "Total Project Control" (1999), critical path drag: the smaller of an activity's duration
    and the least total float among the activities parallel to it; here through all levels of the tree.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(13)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "render"], "start": [at[0]] * 3, "end": [at[12], at[12], at[10]],
    ... })
    >>> drag(spans).select("name", "critical_ms", "drag_ms").sort("name").collect().rows()
    [('page', 0.0, 12000.0), ('query', 12000.0, 2000.0), ('render', 0.0, 0.0)]
    """

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        whole, own, _ = leeways(trees.parent, trees.first_child, *windows(trees))
        critical = Policy.of("inclusive", 0).walk(trees).microseconds(trees.rows.size)
        numbers = {"critical_ms": critical, "drag_ms": whole, "own_drag_ms": own}
        return _rows(frame, trees, numbers, shape)

    shape, kept = _shape(spans, _DRAG, keep)
    return over_trees(spans, reckon, shape, keep=kept)


def slack(spans: pl.LazyFrame | pl.DataFrame, *, keep: str | Iterable[str] = ()) -> pl.LazyFrame:
    """How much later each span could end without its root ending later.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        keep: further columns to carry along, such as "node".

    Returns:
        One row a span that came in; no order is promised. `trace_id`, `span_id`, `name`, `duration_ms` (end − start by
        the clocks), `slack_ms` (at least 0; 0 on the critical path; null where the root does not wait for it at all:
        it takes no time, lies outside of an ancestor, or does what a producer sent it),
        `left_out` (null, else why it stands in no tree; then the numbers are null), the columns of `keep`.
        Where two ends are delayed at once, their slacks do not add up. How times shift is told in `moves.py`.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or one of `keep`, is absent.

    Source: total float of the critical path method (Kelley and Walker, 1959), through all levels of the tree.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(13)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "render"], "start": [at[0]] * 3, "end": [at[12], at[12], at[10]],
    ... })
    >>> slack(spans).select("name", "slack_ms").sort("name").collect().rows()
    [('page', 0.0), ('query', 0.0), ('render', 2000.0)]
    """

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        seen = windows(trees)
        found = _rows(frame, trees, {"slack_ms": leeways(trees.parent, trees.first_child, *seen)[2]}, shape)
        return found.with_columns(pl.when(trees.by_row(seen.waited)).then("slack_ms"))

    shape, kept = _shape(spans, _SLACK, keep)
    return over_trees(spans, reckon, shape, keep=kept)


def windows(trees: Trees) -> Windows:
    """The windows of all spans of the trees."""
    return Windows(
        *windows_of(trees.parent, trees.first_child, trees.children, trees.start, trees.end, trees.followed)
    )


def _shape(
    spans: pl.LazyFrame | pl.DataFrame, base: pl.Schema, keep: str | Iterable[str]
) -> tuple[pl.Schema, list[str]]:
    kept = [name for name in names(keep) if name not in base]
    found = complete_spans(spans).collect_schema()
    return pl.Schema({**base, **{name: found[name] for name in kept if name in found}}), kept


def _rows(
    frame: pl.DataFrame, trees: Trees, microseconds: dict[str, NDArray[np.int64]], shape: pl.Schema
) -> pl.DataFrame:
    """One row a row of the frame, with the numbers of its place."""
    every = {"duration_ms": trees.end - trees.start, **microseconds}
    numbers = {name: trees.by_row(values / 1000) for name, values in every.items()}
    return frame.with_columns(**numbers, left_out=trees.why_left_out()).select(shape.names())
