"""`Trees`: spans as arrays, tree after tree, parents before their children, siblings side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.columns import require
from onex_analytics.frames.spans.foreign import complete_spans
from onex_analytics.frames.trees.linking import ABSENT
from onex_analytics.frames.trees.links import LEFT_OUT, links, tie_columns
from onex_analytics.frames.trees.order import places_of, siblings_of, sort_falling, tied_siblings

TREE_COLUMNS = ("trace_id", "span_id", "parent_span_id", "name", "kind", "start", "end", "state")
"""The columns that trees are made from."""

_ROOT, _ORPHAN, _FRAGMENT = range(3)


@dataclass(frozen=True, slots=True)
class Trees:
    """Spans in the order of their trees; a *place* is an index into these arrays.

    Trees stand in order of their roots' start (then of their ids' texts). Within a tree the levels follow one
    another, and the children of one parent stand side by side: latest end first, then latest start, then by id. So
    the order is the same whatever order the rows came in, as far as the rows differ at all.
    """

    rows: NDArray[np.int32]  # of the frame that it was grown from
    parent: NDArray[np.int32]  # place, −1 for a root
    first_child: NDArray[np.int32]  # place of the first child; the others follow
    children: NDArray[np.int32]  # how many
    depth: NDArray[np.int32]  # 0 for a root
    start: NDArray[np.int64]  # microseconds since 1970
    end: NDArray[np.int64]
    followed: NDArray[np.bool_]  # False where it is the consumer of what its parent, a producer, sent
    roots: NDArray[np.int32]  # places
    root_kind: NDArray[np.uint8]  # index into `ROOTS`, one a root
    left_out: NDArray[np.uint8]  # one a row of the frame: 0, else 1 + index into `LEFT_OUT`

    @property
    def tree(self) -> NDArray[np.int32]:
        """Number of the tree at each place."""
        sizes = np.diff(np.append(self.roots, self.rows.size))
        return np.repeat(np.arange(self.roots.size, dtype=np.int32), sizes)

    @property
    def root_durations(self) -> NDArray[np.int64]:
        """Microseconds from start to end of each root."""
        return self.end[self.roots] - self.start[self.roots]

    def by_row(self, by_place: NDArray[Any]) -> pl.Series:
        """Numbers of places, put to the rows of the frame; null for the rows that stand in no tree."""
        numbers = np.zeros(self.left_out.size, by_place.dtype)
        numbers[self.rows] = by_place
        series = pl.Series(numbers)
        return series.set(pl.Series(self.left_out > 0), None) if self.left_out.any() else series

    def why_left_out(self) -> pl.Series:
        """For each row of the frame the word of `LEFT_OUT` that says why it stands in no tree; null for most."""
        words = pl.Series("left_out", [None, *LEFT_OUT], dtype=pl.String)
        if not self.left_out.any():
            return words.new_from_index(0, self.left_out.size)
        return words.gather(pl.Series(self.left_out))


def grow(frame: pl.DataFrame) -> Trees:
    """The trees of a collected frame that has at least `TREE_COLUMNS`. No recursion, no loop over rows in Python."""
    frame = frame.with_columns(frame[name].rechunk() for name in ("trace_id", "span_id"))  # these are looked into
    found = links(frame)
    start, end = (frame[name].to_physical().fill_null(0).to_numpy() for name in ("start", "end"))
    offset, children, roots = siblings_of(found.parent, found.left_out, start, end)
    at, run = tied_siblings(offset, children, start, end)
    if at.size:
        children[at] = _by_text(frame, children[at], run)
    roots = _by_start(frame, roots, start)
    above = found.parent[roots]
    kind = np.where(above >= 0, _FRAGMENT, np.where(above == ABSENT, _ORPHAN, _ROOT)).astype(np.uint8)
    rows, parent, first_child, n_children, depth, places = places_of(roots, offset, children)
    return Trees(
        rows, parent, first_child, n_children, depth, start[rows], end[rows],
        _followed(frame, rows, parent), places, kind, found.left_out,
    )  # fmt: skip


def over_trees(
    spans: pl.LazyFrame | pl.DataFrame,
    reckon: Callable[[pl.DataFrame, Trees], pl.DataFrame],
    schema: pl.Schema,
    keep: Iterable[str] = (),
) -> pl.LazyFrame:
    """What `reckon` makes of the spans and their trees, as a LazyFrame of the shape `schema`.

    Collected inside, when the result is: `TREE_COLUMNS` and those of `keep`, nothing else.
    """
    complete = complete_spans(spans)
    columns = list(dict.fromkeys([*TREE_COLUMNS, *keep]))
    require(complete, *columns)
    return complete.select(columns).map_batches(
        lambda frame: reckon(frame, grow(frame)),
        schema=schema,
        streamable=False,
        projection_pushdown=False,
        predicate_pushdown=False,
        slice_pushdown=False,
    )


def _by_text(frame: pl.DataFrame, rows: NDArray[np.int32], run: NDArray[np.int32]) -> NDArray[np.int32]:
    """`rows` with each run of them ordered by what their columns say."""
    tied = frame[rows].with_columns(_row=pl.Series(rows), _run=pl.Series(run))
    return tied.sort("_run", *tie_columns(frame))["_row"].to_numpy()


def _by_start(frame: pl.DataFrame, roots: NDArray[np.int32], start: NDArray[np.int64]) -> NDArray[np.int32]:
    """Roots in order of time, then of what their columns say."""
    sort_falling(roots, -start)
    same = np.diff(start[roots]) == 0
    tied = np.append(same, False) | np.append(False, same)
    if tied.any():
        at = np.flatnonzero(tied)
        run = np.cumsum(np.append(True, ~same))[at].astype(np.int32)
        roots[at] = _by_text(frame, roots[at], run)
    return roots


def _followed(frame: pl.DataFrame, rows: NDArray[np.int32], parent: NDArray[np.int32]) -> NDArray[np.bool_]:
    """False for a consumer below a producer: what it does, its parent does not wait for."""
    consumer = (frame["kind"] == "consumer").fill_null(False).to_numpy()
    if not consumer.any():
        return np.ones(rows.size, np.bool_)
    producer = (frame["kind"] == "producer").fill_null(False).to_numpy()
    sent = (parent >= 0) & producer[rows[np.maximum(parent, 0)]]
    followed: NDArray[np.bool_] = ~(consumer[rows] & sent)
    return followed
