"""Who calls whom, and where the time of each call path goes."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.frames.durations import milliseconds
from onex_analytics.frames.quantiles import Share
from onex_analytics.frames.trees import Trees, over_trees
from onex_analytics.profiling.call_paths import call_paths, coded
from onex_analytics.profiling.sections import Policy, Touching
from onex_analytics.profiling.walks import self_times

_TREE = pl.Schema({
    "node_id": pl.Int32(),
    "parent_id": pl.Int32(),
    "path": pl.List(pl.String()),
    "name": pl.String(),
    "depth": pl.Int32(),
    "n": pl.Int64(),
    "total_ms": pl.Float64(),
    "self_ms": pl.Float64(),
    "critical_ms": pl.Float64(),
})
_GRAPH = pl.Schema({
    "caller": pl.String(),
    "callee": pl.String(),
    "n": pl.Int64(),
    "errors": pl.Int64(),
    "total_ms": pl.Float64(),
    "self_ms": pl.Float64(),
})


def call_tree(
    spans: pl.LazyFrame | pl.DataFrame,
    *,
    by: str = "name",
    touching: Touching = "inclusive",
    overlap_tolerance: Share = 0.0,
) -> pl.LazyFrame:
    """The calling-context tree: all spans that were reached by the same names from the root, as one node.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        by: the column that names the calls.
        touching, overlap_tolerance: how the critical path is walked, as in `critical_path`.

    Returns:
        One row a call path, each before all that go on from it, those of longest total first:
        `node_id` (0, 1, … in this order), `parent_id` (null for a root's), `path` (names from the root; of more than 64
        levels the middle ones are only counted, so that long chains stay short), `name` (the last of them), `depth`
        (0 for a root), `n` (spans, at least 1), `total_ms` (sum of their durations, by the clocks), `self_ms` (sum of
        their self times), `critical_ms` (their time on critical paths). The spans that were left out, such as open
        ones, are counted by `tree_states`.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or `by`, is absent.
        InvalidOption: an unknown policy.

    Source: calling context trees, Ammons, Ball and Larus (PLDI 1997).

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "query"], "start": [at[0], at[1], at[5]], "end": [at[10], at[5], at[9]],
    ... })
    >>> call_tree(spans).select("path", "n", "total_ms", "self_ms", "critical_ms").collect().rows()
    [(['page'], 1, 10000.0, 2000.0, 2000.0), (['page', 'query'], 2, 8000.0, 8000.0, 8000.0)]
    """
    policy = Policy.of(touching, overlap_tolerance)

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        paths = call_paths(trees, *coded(frame[by]))
        own, _, _ = self_times(trees.first_child, trees.children, trees.start, trees.end)
        total = paths.sums(trees.end - trees.start)
        shown = paths.shown(total)
        above = pl.Series(np.append(shown, -1)[paths.parent], dtype=pl.Int32)
        return pl.DataFrame({
            "node_id": shown,
            "parent_id": above.set(above < 0, None),
            "path": paths.texts(np.arange(shown.size)),
            "name": paths.names.gather(pl.Series(paths.code)),
            "depth": paths.depth,
            "n": paths.sums(np.ones(trees.rows.size, np.int64)),
            "total_ms": total / 1000,
            "self_ms": paths.sums(own) / 1000,
            "critical_ms": paths.sums(policy.walk(trees).microseconds(trees.rows.size)) / 1000,
        }).sort("node_id")

    return over_trees(spans, reckon, _TREE, keep=[by])


def call_graph(spans: pl.LazyFrame | pl.DataFrame, *, by: str = "name") -> pl.LazyFrame:
    """Who calls whom, how often, how often in vain, and for how long.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` and `status` as `complete_spans` gives
            them.
        by: the column that names callers and callees, such as "node".

    Returns:
        One row a pair that occurs, longest total first: `caller` (null for the root of a tree), `callee`,
        `n` (spans, at least 1), `errors` (those of status "error"), `total_ms` (sum of the callees' durations, by the
        clocks), `self_ms` (sum of their self times). What a producer sent to a consumer is a call as well. `n` adds up
        to the spans that stand in trees; `tree_states` counts the others.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or `by`, is absent.

    Source: the call graph of gprof, Graham, Kessler and McKusick (SIGPLAN 1982).

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "query"], "start": [at[0], at[1], at[5]], "end": [at[10], at[5], at[9]],
    ... })
    >>> call_graph(spans).select("caller", "callee", "n", "total_ms").collect().rows()
    [(None, 'page', 1, 10000.0), ('page', 'query', 2, 8000.0)]
    """

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        codes, names = coded(frame[by])
        callee = codes[trees.rows]
        caller = np.where(trees.parent >= 0, callee[trees.parent], -1).astype(np.int32)
        own, _, _ = self_times(trees.first_child, trees.children, trees.start, trees.end)
        calls = pl.LazyFrame({
            "caller": caller,
            "callee": callee,
            "error": (frame["status"] == "error").fill_null(False).gather(pl.Series(trees.rows)),
            "total": trees.end - trees.start,
            "own": own,
        })
        pairs = (
            calls.group_by("caller", "callee")
            .agg(pl.len().cast(pl.Int64).alias("n"), pl.col("error").sum().cast(pl.Int64).alias("errors"),
                 pl.col("total").sum(), pl.col("own").sum())
            .sort("total", "caller", "callee", descending=[True, False, False])
            .collect()
        )  # fmt: skip
        who = pairs["caller"]
        return pairs.select(
            names.gather(who.set(who < 0, None)).alias("caller"),
            names.gather(pairs["callee"]).alias("callee"),
            "n",
            "errors",
            total_ms=milliseconds(pl.col("total")),
            self_ms=milliseconds(pl.col("own")),
        )

    return over_trees(spans, reckon, _GRAPH, keep=[by, "status"])
