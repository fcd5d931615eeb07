"""Spans at a glance: a heat map of how long they took over time, and the traces that are worth a look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from onex_analytics.frames.spans import complete_spans
from onex_analytics.jupyter.widgets.event_counts import period_of
from onex_analytics.jupyter.widgets.selections import Period
from onex_analytics.jupyter.widgets.words import milliseconds_of, text_of
from onex_analytics.profiling import heatmap, latency_table
from onex_analytics.profiling.standing import failed, is_measured

EXEMPLARS = pl.Schema({
    "why": pl.String(),                      # slowest, p95, typical, failed, open; or in the cell
    "trace_id": pl.String(),
    "span_id": pl.String(),
    "start": pl.Datetime("us", "UTC"),
    "duration_ms": pl.Float64(),             # null while open
    "name": pl.String(),
    "node": pl.String(),
    "status": pl.String(),
    "error_code": pl.String(),
})
"""One row a span to look at; of a trace, the first that was found."""

_COLUMNS, _ROWS = 96, 48
_READ = [name for name in EXEMPLARS if name != "why"]
_FEW, _MANY = 4, 40
MOST_OF_CELL = 25


@dataclass(frozen=True)
class Scope:
    """Which spans are looked at."""

    whole_traces: bool = True    # roots alone: how long whole traces took
    only_failed: bool = False
    name: str | None = None

    def rows(self) -> pl.Expr:
        """True for a span that is looked at. One whose parent is not there is the root of what is."""
        rows = pl.lit(True)
        if self.whole_traces:
            rows &= pl.col("parent_span_id").is_null() | pl.col("state").eq_missing("orphan")
        if self.only_failed:
            rows &= failed()
        if self.name is not None:
            rows &= pl.col("name") == self.name
        return rows


@dataclass(frozen=True, eq=False)
class SpanPicture:
    """The cells of the heat map, and how many spans are in none of them."""

    scope: Scope
    period: Period | None
    cells: pl.DataFrame          # of `profiling.heatmap`, within the period
    spans: int
    measured: int
    open: int
    untimed: int                 # measured, but without a start
    outside: int                 # measured, far outside the time that is shown

    @classmethod
    def of(cls, spans: pl.LazyFrame, scope: Scope) -> SpanPicture:
        """Count the spans of a scope by time and duration."""
        looked_at = complete_spans(spans).filter(scope.rows())
        ms = pl.col("duration_ms")
        counts = looked_at.select(
            pl.len().alias("spans"), is_measured().sum().alias("measured"),
            pl.col("state").eq("open").sum().alias("open"),
            ms.filter(is_measured() & (ms > 0)).min().alias("least"), ms.filter(is_measured()).max().alias("most"),
            (is_measured() & pl.col("start").is_null()).sum().alias("untimed"),
            pl.col("start").filter(is_measured()).min().alias("first"),
            pl.col("start").filter(is_measured()).max().alias("last"),
        ).collect().row(0, named=True)  # fmt: skip
        timed = looked_at.filter(is_measured())
        bounds = counts.pop("first"), counts.pop("last")
        period = period_of(timed.select(pl.col("start").alias("timestamp")), _COLUMNS, bounds)
        least, most = counts.pop("least") or 1.0, counts.pop("most") or 1.0
        if period is None:
            cells = heatmap(pl.DataFrame(schema=spans.collect_schema())).collect()
            return cls(scope, None, cells, outside=0, **counts)
        doublings = max(math.log2(max(most, least) / least), 1.0)
        scale = max(min(math.floor(math.log2(_ROWS / doublings)), 3), -4)
        start = pl.col("start")
        drawn = looked_at.filter(start >= period.begin, start < period.end)
        cells = heatmap(drawn, period.every, scale=scale).collect()
        outside = counts["measured"] - counts["untimed"] - int(cells["n"].sum())
        return cls(scope, period, cells, outside=outside, **counts)

    def picture(self) -> dict[str, Any]:
        """What the browser draws: each cell as its column, its place among the durations, and its spans."""
        told = {"spans": self.spans, "measured": self.measured, "open": self.open, "untimed": self.untimed,
                "outside": self.outside, "cells": [], "bounds": []}  # fmt: skip
        if self.period is None:
            return {**told, "begin": 0, "width": 1, "columns": 0}
        since = (pl.col("start") - self.period.begin).dt.total_microseconds()
        column = (since // (self.period.width // timedelta(microseconds=1))).alias("column")
        zero = pl.col("upper_ms") == 0
        lowest = self.cells.filter(~zero)["bucket"].min()
        base = int(lowest) - 1 if isinstance(lowest, int) else 0  # of an own row for durations of zero
        row = pl.when(zero).then(0).otherwise(pl.col("bucket") - base).alias("row")
        found = self.cells.select(column, row, "n", "lower_ms", "upper_ms")
        bounds = found.select("row", "lower_ms", "upper_ms").unique("row").sort("row")
        return {
            **told, "begin": milliseconds_of(self.period.begin), "width": self.period.width / timedelta(milliseconds=1),
            "columns": self.period.buckets, "cells": found.select("column", "row", "n").rows(), "bounds": bounds.rows(),
        }  # fmt: skip


def worth_a_look(spans: pl.LazyFrame, scope: Scope) -> pl.DataFrame:
    """The slowest spans, those at the 95th percentile, typical ones, the latest failed and open ones, and the traces
    with the most spans: each trace once.

    Returns:
        `EXEMPLARS`, in this order.
    """
    whole = complete_spans(spans).filter(pl.col("trace_id").is_not_null())
    looked_at = whole.filter(scope.rows())
    measured = looked_at.filter(is_measured())
    quantiles = latency_table(looked_at, by=(), quantiles=(0.5, 0.95)).select("p50_ms", "p95_ms").collect()
    middle, slow = quantiles.row(0) if quantiles.height else (None, None)
    called = pl.col("parent_span_id").is_not_null()
    children = whole.filter(called).group_by("trace_id").agg(pl.len().alias("_n"))
    largest = children.top_k(_MANY, by=["_n", "trace_id"]).collect()
    parts = {
        "slowest": measured.top_k(_MANY, by=["duration_ms", "trace_id"]).sort(
            "duration_ms", "trace_id", descending=True),
        "p95": _from(measured, slow),
        "typical": _from(measured, middle),
        "failed": _latest(looked_at.filter(failed())),
        "open": _latest(looked_at.filter(pl.col("state") == "open")),
        "most spans": looked_at.filter(pl.col("trace_id").is_in(largest["trace_id"].to_list()))
        .join(largest.lazy(), on="trace_id").sort("_n", "trace_id", "start", descending=[True, True, False]),
    }  # fmt: skip
    found = [part.select(_READ).collect() for part in parts.values()]
    told = [
        part.unique("trace_id", keep="first", maintain_order=True).head(_FEW).select(pl.lit(why).alias("why"), *_READ)
        for why, part in zip(parts, found, strict=True)
    ]
    return pl.concat(told).cast(EXEMPLARS).unique("trace_id", keep="first", maintain_order=True)


def _from(measured: pl.LazyFrame, least: float | None) -> pl.LazyFrame:
    """The shortest that take at least so long."""
    if least is None:
        return measured.head(0)
    by = ["duration_ms", "trace_id", "span_id"]
    return measured.filter(pl.col("duration_ms") >= least).bottom_k(_MANY, by=by).sort(by)


def _latest(spans: pl.LazyFrame) -> pl.LazyFrame:
    return spans.top_k(_MANY, by=["start", "trace_id"]).sort("start", "trace_id", descending=True, nulls_last=True)


def of_cell(spans: pl.LazyFrame, picture: SpanPicture, column: int, row: int) -> pl.DataFrame:
    """The slowest spans of a cell, each trace once, as `EXEMPLARS`; the cell as `SpanPicture.picture` counts it."""
    told = picture.picture()
    bounds = {place: (lower, upper) for place, lower, upper in told["bounds"]}
    if picture.period is None or row not in bounds or not 0 <= column < picture.period.buckets:
        return pl.DataFrame(schema=EXEMPLARS)
    lower, upper = bounds[row]
    start, ms = pl.col("start"), pl.col("duration_ms")
    inside = (ms > lower) & (ms <= upper) if upper > 0 else ms == 0
    found = (
        complete_spans(spans)
        .filter(picture.scope.rows(), is_measured(), start >= picture.period.edge(column),
                start < picture.period.edge(column + 1), inside)
        .select(_READ).sort("duration_ms", "trace_id", "span_id", descending=[True, False, False])
        .unique("trace_id", keep="first", maintain_order=True).head(MOST_OF_CELL).collect()
    )  # fmt: skip
    return found.with_columns(why=pl.lit("in the cell")).select(*EXEMPLARS).cast(EXEMPLARS)


def listed(found: pl.DataFrame) -> list[Mapping[str, Any]]:
    """The table as the browser is told it."""
    return [
        {"why": row["why"], "trace": text_of(row["trace_id"], 80), "start": milliseconds_of(row["start"]),
         "ms": row["duration_ms"], "name": text_of(row["name"]), "node": text_of(row["node"]),
         "failed": row["status"] == "error", "error": text_of(row["error_code"], 80) if row["error_code"] else ""}
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
