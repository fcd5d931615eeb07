"""Flame graphs: what each call path weighs, and how two sets of traces differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import TREE_COLUMNS, Trees, grow, over_trees
from onex_analytics.profiling.call_paths import CallPaths, call_paths, coded
from onex_analytics.profiling.path_kernels import fold, most_that_fit, number_paths, preorder, with_all_below
from onex_analytics.profiling.sections import Policy
from onex_analytics.profiling.walks import self_times

Weight = Literal["self", "critical"]
WEIGHTS: tuple[Weight, ...] = ("self", "critical")
OTHER = "other"
MOST_NODES = 2_000

_NODE = pl.Schema({
    "node_id": pl.Int32(),
    "parent_id": pl.Int32(),
    "path": pl.List(pl.String()),
    "name": pl.String(),
    "depth": pl.Int32(),
    "folded": pl.Int64(),
})
_FLAME = pl.Schema({
    **_NODE,
    "n": pl.Int64(),
    "own_ms": pl.Float64(),
    "total_ms": pl.Float64(),
    "own_per_tree_ms": pl.Float64(),
    "total_per_tree_ms": pl.Float64(),
    "share": pl.Float64(),
})
_DIFFERENCE = pl.Schema({
    **_NODE,
    **{
        f"{side}_{what}": dtype
        for side in ("before", "after")
        for what, dtype in [
            ("n", pl.Int64()), ("own_ms", pl.Float64()), ("total_ms", pl.Float64()),
            ("own_per_tree_ms", pl.Float64()), ("total_per_tree_ms", pl.Float64()),
        ]
    },
    "delta_own_per_tree_ms": pl.Float64(),
    "delta_total_per_tree_ms": pl.Float64(),
})  # fmt: skip


def flame_graph(
    spans: pl.LazyFrame | pl.DataFrame, weight: Weight = "self", *, by: str = "name", max_nodes: int = MOST_NODES
) -> pl.LazyFrame:
    """The nodes of a flame graph: what each call path weighs, itself and with all below it.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        weight: "self" (self time: work, however much of it ran side by side) or "critical" (time on the critical
            path: what the roots waited for). Never durations, which count what is below a span once more.
        by: the column that names the calls.
        max_nodes: the most rows; at least 1. The paths of largest totals are kept. What else goes on from one of them
            is one more node below it, "other", so that all sums stay whole.

    Returns:
        One row a node, each before all below it, heavy siblings first:
        `node_id` (0, 1, … in this order), `parent_id` (null for a root's), `path` (names from the root, of more than
        64 levels the middle ones only counted), `name`, `depth`, `folded` (call paths that an "other" stands for, 0 for
        a true node), `n` (spans), `own_ms` (weight of the node itself), `total_ms` (with all below it: its width),
        `own_per_tree_ms`, `total_per_tree_ms` (the same, a tree of spans), `share` (`total_ms` of the sum over the
        roots, 0 to 1; null where all weigh nothing). `own_ms` adds up to the weight of all spans that stand in trees.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or `by`, is absent.
        InvalidOption: an unknown weight, or fewer than one node.

    Source: Gregg, "The Flame Graph" (CACM 2016), over call paths of spans.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "query"], "start": [at[0], at[1], at[5]], "end": [at[10], at[5], at[9]],
    ... })
    >>> flame_graph(spans).select("name", "depth", "own_ms", "total_ms", "share").collect().rows()
    [('page', 0, 2000.0, 10000.0, 1.0), ('query', 1, 8000.0, 8000.0, 0.8)]
    """
    _check(weight, max_nodes)

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        weighed = _weigh(trees, *coded(frame[by]), weight)
        nodes = _fold(weighed.paths, weighed.total.astype(np.float64), max_nodes)
        rows = nodes.rows.with_columns(**_columns(nodes, weighed, ""))
        return rows.with_columns(share=_share(rows)).sort("node_id").select(_FLAME.names())

    return over_trees(spans, reckon, _FLAME, keep=[by])


def diff_flame_graph(
    before: pl.LazyFrame | pl.DataFrame,
    after: pl.LazyFrame | pl.DataFrame,
    weight: Weight = "self",
    *,
    by: str = "name",
    max_nodes: int = MOST_NODES,
) -> pl.LazyFrame:
    """The nodes of a difference flame graph: what each call path weighs in two sets of spans.

    Args:
        before, after: spans as `flame_graph` takes them, such as two periods, versions or latency bands.
        weight, by, max_nodes: as in `flame_graph`. The paths are kept whose totals a tree are largest on either side.

    Returns:
        One row a node that occurs on a side, each before all below it, heavy siblings first: `node_id`, `parent_id`,
        `path`, `name`, `depth`, `folded` as in `flame_graph`; `before_` and `after_` with `n`, `own_ms`, `total_ms`
        (absolute), `own_per_tree_ms`, `total_per_tree_ms` (normalised: the two sides may hold unlike numbers of
        traces; 0 where a side has none); `delta_own_per_tree_ms`, `delta_total_per_tree_ms` (after − before).

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or `by`, is absent.
        InvalidOption: an unknown weight, or fewer than one node.

    Source: Gregg, "Differential Flame Graphs" (2014).

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 2, "span_id": ["a", "b"], "parent_span_id": [None, "a"],
    ...     "name": ["page", "query"], "start": [at[0], at[1]], "end": [at[10], at[5]],
    ... })
    >>> slower = spans.with_columns(end=pl.Series([at[10], at[8]]))
    >>> diff_flame_graph(spans, slower).select("name", "delta_own_per_tree_ms").collect().rows()
    [('page', -3000.0), ('query', 3000.0)]
    """
    _check(weight, max_nodes)
    columns = list(dict.fromkeys([*TREE_COLUMNS, by]))
    sides = [complete_spans(spans) for spans in (before, after)]
    for spans in sides:
        require(spans, *columns)

    def reckon(both: pl.DataFrame) -> pl.DataFrame:
        codes, names = coded(both[by])
        later = both["_later"].to_numpy()
        weighed = [
            _weigh(grow(both.filter(pl.col("_later") == side).drop("_later")), codes[later == side], names, weight)
            for side in (False, True)
        ]
        joint, moved = _joined([side.paths for side in weighed])
        one, two = (side.moved(joint, to) for side, to in zip(weighed, moved, strict=True))
        nodes = _fold(joint, np.maximum(one.total / max(one.trees, 1), two.total / max(two.trees, 1)), max_nodes)
        rows = nodes.rows.with_columns(**_columns(nodes, one, "before_"), **_columns(nodes, two, "after_"))
        return rows.sort("node_id").with_columns(
            delta_own_per_tree_ms=pl.col("after_own_per_tree_ms") - pl.col("before_own_per_tree_ms"),
            delta_total_per_tree_ms=pl.col("after_total_per_tree_ms") - pl.col("before_total_per_tree_ms"),
        ).select(_DIFFERENCE.names())  # fmt: skip

    return pl.concat([
        spans.select(*columns, pl.lit(later).alias("_later")) for spans, later in zip(sides, (False, True), strict=True)
    ]).map_batches(
        reckon, schema=_DIFFERENCE, streamable=False,
        projection_pushdown=False, predicate_pushdown=False, slice_pushdown=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Call paths with their spans, weights (microseconds, itself and with all below) and the number of trees."""

    paths: CallPaths
    n: NDArray[np.int64]
    own: NDArray[np.int64]
    total: NDArray[np.int64]
    trees: int

    def moved(self, joint: CallPaths, to: NDArray[np.int32]) -> _Weighed:
        """The same weights, by the numbers that the paths have in `joint`."""
        n, own = np.zeros(joint.parent.size, np.int64), np.zeros(joint.parent.size, np.int64)
        n[to], own[to] = self.n, self.own
        return _Weighed(joint, n, own, joint.with_all_below(own), self.trees)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The nodes that are shown: their rows, and for each call path the node that it is or was folded into."""

    rows: pl.DataFrame
    of_path: NDArray[np.int64]

    def sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        total = np.zeros(self.rows.height, np.int64)
        np.add.at(total, self.of_path, values)
        return total

    def with_all_below(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums of each node and all below it: nodes stand in rows by their path's number, those of others last."""
        total: NDArray[np.int64] = with_all_below(self.rows["_above"].to_numpy(), own)
        return total


def _check(weight: str, max_nodes: int) -> None:
    if weight not in WEIGHTS:
        raise InvalidOption("weight", weight, " or ".join(WEIGHTS))
    if max_nodes < 1:
        raise InvalidOption("max_nodes", max_nodes, "at least 1")


def _weigh(trees: Trees, codes: NDArray[np.int32], names: pl.Series, weight: Weight) -> _Weighed:
    paths = call_paths(trees, codes, names)
    if weight == "self":
        by_place, _, _ = self_times(trees.first_child, trees.children, trees.start, trees.end)
    else:
        by_place = Policy.of("inclusive", 0).walk(trees).microseconds(trees.rows.size)
    own = paths.sums(by_place)
    n = paths.sums(np.ones(trees.rows.size, np.int64))
    return _Weighed(paths, n, own, paths.with_all_below(own), trees.roots.size)


def _joined(sides: list[CallPaths]) -> tuple[CallPaths, list[NDArray[np.int32]]]:
    """The paths of both sides, each once, and the new numbers of those of each side."""
    first, second = sides
    shift = first.parent.size
    above = np.append(first.parent, np.where(second.parent >= 0, second.parent + shift, -1)).astype(np.int32)
    numbered, parent, code, depth = number_paths(above, np.append(first.code, second.code))
    return CallPaths(numbered, parent, code, depth, first.names), [numbered[:shift], numbered[shift:]]


def _fold(paths: CallPaths, weight: NDArray[np.float64], most: int) -> _Nodes:
    """Keep the heaviest paths, and stand one node below each of them for all others that go on from it."""
    size = paths.parent.size
    ranked = np.lexsort((np.arange(size), -weight))  # a parent weighs no less than its children, and is numbered first
    kept = np.zeros(size, np.bool_)
    kept[ranked[: most_that_fit(paths.parent, ranked, most)]] = True
    into = fold(paths.parent, kept)
    hosts = np.unique(into[~kept])  # −1 where whole roots are folded
    true = np.flatnonzero(kept)
    position = np.append(np.cumsum(kept) - 1, -1)  # of a kept path among the rows
    of_path = np.where(kept, position[:-1], true.size + np.searchsorted(hosts, into))
    above = np.append(position[paths.parent[true]], position[hosts]).astype(np.int32)
    depth = np.append(paths.depth[true], np.append(paths.depth, -1)[hosts] + 1).astype(np.int32)
    others = pl.Series("name", [OTHER]).new_from_index(0, hosts.size)
    below = pl.DataFrame({"path": paths.texts(hosts[hosts >= 0])}).select(pl.col("path").list.concat([pl.lit(OTHER)]))
    whole = pl.Series("path", [[OTHER]] * np.count_nonzero(hosts < 0), dtype=pl.List(pl.String))
    folded = np.bincount(of_path[~kept], minlength=true.size + hosts.size)
    folded_weight = np.zeros(true.size + hosts.size)
    np.maximum.at(folded_weight, of_path, weight)
    shown = _shown(above, depth, folded_weight, np.arange(true.size + hosts.size) >= true.size)
    upper = pl.Series(np.append(shown, -1)[above], dtype=pl.Int32)
    rows = pl.DataFrame({
        "node_id": shown,
        "parent_id": upper.set(upper < 0, None),
        "path": pl.concat([paths.texts(true), whole, below["path"]]),  # −1 comes first among the hosts
        "name": pl.concat([paths.names.gather(pl.Series(paths.code[true])).alias("name"), others]),
        "depth": depth,
        "folded": folded.astype(np.int64),
        "_above": above,
    })
    return _Nodes(rows, of_path)


def _shown(
    above: NDArray[np.int32], depth: NDArray[np.int32], weight: NDArray[np.float64], last: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Each node before all below it, heavy siblings first, those that stand for others last."""
    places: NDArray[np.int32] = preorder(above, np.lexsort((np.arange(above.size), -weight, last, depth)))
    return places


def _columns(nodes: _Nodes, weighed: _Weighed, side: str) -> dict[str, pl.Series]:
    own = nodes.sums(weighed.own)
    total = nodes.with_all_below(own)
    trees = max(weighed.trees, 1)
    return {
        f"{side}n": pl.Series(nodes.sums(weighed.n)),
        f"{side}own_ms": pl.Series(own / 1000),
        f"{side}total_ms": pl.Series(total / 1000),
        f"{side}own_per_tree_ms": pl.Series(own / 1000 / trees),
        f"{side}total_per_tree_ms": pl.Series(total / 1000 / trees),
    }


def _share(rows: pl.DataFrame) -> pl.Series:
    total = rows["total_ms"].to_numpy()
    whole = total[rows["parent_id"].is_null().to_numpy()].sum()
    return pl.Series(total / whole) if whole else pl.Series([None], dtype=pl.Float64).new_from_index(0, rows.height)
