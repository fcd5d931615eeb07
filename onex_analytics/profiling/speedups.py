"""What if some operation were faster?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names
from onex_analytics.frames.trees import ROOTS, Trees, over_trees
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.profiling.leeway import windows
from onex_analytics.profiling.moves import new_durations
from onex_analytics.profiling.sections import time

_SHAPE = pl.Schema({
    "trace_id": pl.String(),
    "root_span_id": pl.String(),
    "root_name": pl.String(),
    "root": pl.String(),
    "start": UTC_MICROSECONDS,
    "spans": pl.UInt32(),
    "duration_ms": pl.Float64(),
    "new_duration_ms": pl.Float64(),
    "saved_ms": pl.Float64(),
})


def what_if(
    spans: pl.LazyFrame | pl.DataFrame, name: str | Iterable[str], *, speedup: float, with_children: bool = False
) -> pl.LazyFrame:
    """How long each root would take if the spans of that name were `speedup` times as fast.

    Each tree is walked again with new times. What runs beside the faster spans may then be what the root waits for, so
    that less is saved than they spend on the critical path. How times shift: a child begins when all siblings that had
    ended at or before its start have ended, plus its parent's own work between; a parent ends when all its children
    have ended, plus its own work after them. Own work is divided by the speedup; spans are cut to their ancestors'
    times; what takes no time, and what a producer sent to a consumer, is not waited for.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        name: name of the faster spans, or several names.
        speedup: how many times as fast, above 0: 2.0 halves their own work, `math.inf` takes it away, 0.5 doubles it.
        with_children: also all that stands below such a span is as much faster; else its own work alone, while it
            waits for no child. For spans without children both are the same.

    Returns:
        One row a tree, in order of the roots' start: `trace_id`, `root_span_id`, `root_name`, `root` (a word of
        `ROOTS`), `start`, `spans` (how many of that name stand in the tree; 0 says that the name does not occur),
        `duration_ms` (end − start of the root), `new_duration_ms` (at least 0), `saved_ms` (their difference, below 0
        for a speedup below 1).

    Raises:
        MissingColumns: one of the six columns that every frame of spans has is absent.
        InvalidOption: a speedup that is not above 0.

    Source: the forward pass of the critical path method (Kelley and Walker, 1959), through all levels of the tree.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(13)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "render"], "start": [at[0]] * 3, "end": [at[12], at[12], at[10]],
    ... })
    >>> what_if(spans, "query", speedup=2).select("duration_ms", "new_duration_ms", "saved_ms").collect().rows()
    [(12000.0, 10000.0, 2000.0)]
    """
    if not speedup > 0:
        raise InvalidOption("speedup", speedup, "a number above 0, such as 2.0 for twice as fast")
    wanted = names(name)

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        named = frame["name"].is_in(wanted).fill_null(False).to_numpy()[trees.rows]
        divisor = np.where(named, float(speedup), 1.0)
        seen = windows(trees)
        took = new_durations(trees.first_child, *seen, divisor, with_children)[trees.roots]
        root_row = pl.Series(trees.rows[trees.roots])
        return frame.select(
            pl.col("trace_id").gather(root_row),
            pl.col("span_id").gather(root_row).alias("root_span_id"),
            pl.col("name").gather(root_row).alias("root_name"),
            pl.Series("root", list(ROOTS)).gather(pl.Series(trees.root_kind)),
            time(trees.start[trees.roots], "start"),
            pl.Series("spans", np.bincount(trees.tree[named], minlength=trees.roots.size).astype(np.uint32)),
            pl.Series("duration_ms", trees.root_durations / 1000),
            pl.Series("new_duration_ms", took / 1000),
            pl.Series("saved_ms", (trees.root_durations - took) / 1000),
        )

    return over_trees(spans, reckon, _SHAPE)
