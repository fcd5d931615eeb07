"""The waterfall of one trace: a line for each span, in the order of calls, with what the root was waiting for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.durations import milliseconds
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import TREE_COLUMNS, Trees, grow
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.profiling.ended import is_open
from onex_analytics.profiling.path_kernels import fold, largest_below, most_that_fit, preorder
from onex_analytics.profiling.sections import Policy

OTHER = "other"
MOST_LANES = 200

_READ = tuple(dict.fromkeys([*TREE_COLUMNS, "node", "operation", "duration_ms", "status", "error_code"]))
_NOTABLE, _LONGEST = np.int64(1 << 61), np.int64(1 << 60)
_LATEST = np.int64(1 << 62)
_REPEATED = ("duplicate_start", "duplicate_end")
_SECTION = pl.Struct({"from_ms": pl.Float64(), "to_ms": pl.Float64()})
_SHAPE = pl.Schema({
    "trace_id": pl.String(),
    "lane": pl.Int32(),
    "depth": pl.Int32(),
    "span_id": pl.String(),
    "parent_span_id": pl.String(),
    "name": pl.String(),
    "node": pl.String(),
    "operation": pl.String(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "duration_ms": pl.Float64(),
    "state": pl.String(),
    "status": pl.String(),
    "error_code": pl.String(),
    "offset_ms": pl.Float64(),
    "until_ms": pl.Float64(),
    "length_ms": pl.Float64(),
    "critical": pl.List(_SECTION),
    "critical_ms": pl.Float64(),
    "folded": pl.Int64(),
    "errors": pl.Int64(),
    "open": pl.Int64(),
    "spans": pl.Int64(),
    "left_out": pl.Int64(),
})


def waterfall(
    spans: pl.LazyFrame | pl.DataFrame, *, trace_id: str, max_lanes: int = MOST_LANES
) -> pl.LazyFrame:
    """One trace, span by span, as it is drawn: which line, from when to when, and which parts of it are critical.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them, `node`,
            `operation`, `duration_ms`, `status` and `error_code`. Only the spans of the trace are collected, inside,
            when the result is.
        trace_id: the trace.
        max_lanes: the most rows; at least 1. Critical, failed and open spans are kept first, then the longest, each
            with all its ancestors. What else lies below one of them is one more row below it, "other".

    Returns:
        One row a line, from the top: each span before all that it called, earlier ones first:
        `trace_id`, `lane` (0, 1, … from the top), `depth` (0 for a root), `span_id`, `parent_span_id`, `name`, `node`,
        `operation`, `start`, `end` (null while open), `duration_ms` (as in the spans: measured, else by the clocks),
        `state`, `status`, `error_code`; `offset_ms`, `until_ms`, `length_ms`: where its bar begins and ends, in
        milliseconds by the clocks since the first sign of life of the trace, and how long it is. An open span's bar
        reaches to the last sign of life of the trace. One without a start is a moment, and so is one that ends before
        it starts: at whichever of both lies within the other spans' time, else at its start.
        `critical`: its sections of the critical path (`from_ms`, `to_ms`, by time; `critical_path` says how),
        `critical_ms`: their sum; `folded`: the spans that an "other" stands for, 0 for a true span (ids, node, state,
        status and duration of an "other" are null; it lies from the first start to the last end); `errors`, `open`:
        how many of the row's spans have failed and have not ended; `spans`: of the trace, and `left_out`: of those,
        spans without any time, which have no row (both the same in all rows).
        A trace that is not there has no row. Open spans are parents like others here. Second starts and ends, second
        spans of one id, and those in or below a cycle stand last, at depth 0.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has is absent.
        InvalidOption: fewer than one lane.

    Source: the timeline of a trace tree, Dapper (Sigelman et al., Google 2010); Jaeger UI's.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
    ...     "name": ["page", "query", "mail"], "start": [at[0], at[1], at[5]], "end": [at[10], at[5], None],
    ... })
    >>> waterfall(spans, trace_id="t").select("depth", "name", "offset_ms", "until_ms", "state").collect().rows()
    [(0, 'page', 0.0, 10000.0, 'closed'), (1, 'query', 1000.0, 5000.0, 'closed'), (1, 'mail', 5000.0, 10000.0, 'open')]
    """
    if max_lanes < 1:
        raise InvalidOption("max_lanes", max_lanes, "at least 1")
    of_trace = complete_spans(spans).select(_READ).filter(pl.col("trace_id") == trace_id)

    def reckon(frame: pl.DataFrame) -> pl.DataFrame:
        timed = frame.filter(pl.col("start").is_not_null() | pl.col("end").is_not_null())
        if timed.is_empty():
            return pl.DataFrame(schema=_SHAPE)
        lines = _lines(timed, max_lanes)
        counted = lines.with_columns(spans=pl.lit(frame.height), left_out=pl.lit(frame.height - timed.height))
        return counted.select(_SHAPE.names()).cast(_SHAPE)

    return of_trace.map_batches(
        reckon, schema=_SHAPE, streamable=False,
        projection_pushdown=False, predicate_pushdown=True, slice_pushdown=False,
    )  # fmt: skip


def _lines(spans: pl.DataFrame, most: int) -> pl.DataFrame:
    """The rows of spans of which each has a start or an end."""
    frame = spans.sort("start", "end", "span_id", "parent_span_id", "name", nulls_last=True)  # however they came
    bars = _Bars.of(frame)
    failed = frame["status"].eq_missing(pl.Series(["error"])).to_numpy()
    trees = grow(frame)
    sections = Policy.of("inclusive", 0).walk(trees)
    critical = trees.rows[sections.place]  # a row of the frame for each section
    notable = bars.is_open | failed
    notable[critical] = True
    lanes = _folded(bars, grow(bars.closed(frame)), notable, most)

    size, first = lanes.depth.size, bars.begin.min()
    begin, until = np.full(size, _LATEST), np.full(size, -_LATEST)
    np.minimum.at(begin, lanes.of_row, bars.begin)
    np.maximum.at(until, lanes.of_row, bars.until)
    own, of_row = lanes.row >= 0, lanes.of_row
    told = frame.select(pl.exclude("trace_id", "kind").gather(pl.Series(lanes.row).set(pl.Series(~own), None)))
    parts = pl.LazyFrame({
        "lane": of_row[critical],
        "from_ms": (sections.start - first) / 1000,
        "to_ms": (sections.end - first) / 1000,
        "us": sections.end - sections.start,
    }).sort("lane", "from_ms", "to_ms").group_by("lane", maintain_order=True).agg(
        critical=pl.struct("from_ms", "to_ms"), critical_ms=milliseconds(pl.col("us").sum())
    )  # fmt: skip
    drawn = told.lazy().with_columns(
        trace_id=pl.lit(frame["trace_id"][0]),
        lane=pl.Series(np.arange(size)),
        depth=pl.Series(lanes.depth),
        name=pl.when(pl.Series(own)).then("name").otherwise(pl.lit(OTHER)),
        offset_ms=pl.Series((begin - first) / 1000),
        until_ms=pl.Series((until - first) / 1000),
        length_ms=pl.Series((until - begin) / 1000),
        folded=pl.Series(np.where(own, 0, np.bincount(of_row, minlength=size))),
        errors=pl.Series(np.bincount(of_row[failed], minlength=size)),
        open=pl.Series(np.bincount(of_row[bars.is_open], minlength=size)),
    )
    return drawn.join(parts, on="lane", how="left").sort("lane").with_columns(
        pl.col("critical").fill_null([]), pl.col("critical_ms").fill_null(0.0)
    ).collect()  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Bars:
    """From when to when each row is drawn, in microseconds since 1970."""

    begin: NDArray[np.int64]
    until: NDArray[np.int64]
    is_open: NDArray[np.bool_]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> _Bars:
        start, end = pl.col("start").to_physical(), pl.col("end").to_physical()
        backwards = (start > end).fill_null(False)
        proper = [pl.coalesce(*pair).filter(~backwards) for pair in ((start, end), (end, start))]
        first, last = proper[0].min(), proper[1].max()
        within = end.is_between(first, last) & ~start.is_between(first, last)
        moment = pl.when(within.fill_null(False)).then(end).otherwise(start)
        begin = pl.when(backwards).then(moment).otherwise(pl.coalesce(start, end))
        last_sign = pl.coalesce(pl.max_horizontal(proper[0].max(), last), start)
        until = pl.when(is_open()).then(last_sign).when(~backwards).then(pl.coalesce(end, start))
        bars = frame.select(begin=begin, until=pl.max_horizontal(until, begin), is_open=is_open())
        return cls(*(np.array(bars[name].to_numpy()) for name in ("begin", "until", "is_open")))

    def closed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same spans, each with the times that it is drawn with, so that open ones are parents like others."""
        return frame.with_columns(
            start=pl.Series(self.begin).cast(UTC_MICROSECONDS),
            end=pl.Series(self.until).cast(UTC_MICROSECONDS),
            state=pl.when(pl.col("state").is_in(_REPEATED)).then("state").otherwise(pl.lit("closed")),
        )


@dataclass(frozen=True, slots=True)
class _Lanes:
    """What stands on each line, from the top."""

    row: NDArray[np.int64]  # of the frame, −1 for an "other"
    depth: NDArray[np.int32]
    of_row: NDArray[np.int64]  # for each row of the frame its line


def _folded(bars: _Bars, trees: Trees, notable: NDArray[np.bool_], most: int) -> _Lanes:
    """Keep the notable and the longest spans and all above them; one line below each of them stands for all others."""
    alone = np.flatnonzero(trees.left_out).astype(np.int32)
    row = np.append(trees.rows, alone)
    parent = np.append(trees.parent, np.full(alone.size, -1, np.int32)).astype(np.int32)
    depth = np.append(trees.depth, np.zeros(alone.size, np.int32)).astype(np.int32)
    importance = np.minimum(bars.until - bars.begin, _LONGEST) + notable * _NOTABLE
    weight = largest_below(parent, importance[row])
    ranked = np.lexsort((np.arange(row.size), -weight))  # a parent weighs no less than its children, and stands before
    kept = np.zeros(row.size, np.bool_)
    kept[ranked[: most_that_fit(parent, ranked, most)]] = True
    into = fold(parent, kept)
    kept |= np.bincount(into[~kept] + 1, minlength=row.size + 1)[into + 1] == 1  # one alone needs no "other"
    into = fold(parent, kept)
    hosts = np.unique(into[~kept])  # −1 where whole trees are folded
    true = np.flatnonzero(kept)
    position = np.append(np.cumsum(kept) - 1, -1)  # of a kept one among the lines
    of_node = np.where(kept, position[:-1], true.size + np.searchsorted(hosts, into))
    above = np.append(position[parent[true]], position[hosts]).astype(np.int32)
    levels = np.append(depth[true], np.append(depth, -1)[hosts] + 1).astype(np.int32)
    row_of = np.append(row[true], np.full(hosts.size, -1))
    last = np.where(row_of < 0, 2, np.append(true >= trees.rows.size, np.zeros(hosts.size, np.bool_)))
    start = np.where(row_of < 0, 0, bars.begin[row_of])
    line = preorder(above, np.lexsort((np.arange(row_of.size), start, last, levels))).astype(np.int64)
    row_on, depth_on = np.empty(row_of.size, np.int64), np.empty(row_of.size, np.int32)
    row_on[line], depth_on[line] = row_of, levels
    of_row = np.empty(row.size, np.int64)
    of_row[row] = line[of_node]
    return _Lanes(row_on, depth_on, of_row)
