"""Counts by minute, which most pages are made of: partial, merged and finished, so that no page reads the log again.

A part of the log is counted once (`event_tally`, `work_tally`); counts of parts one below the other are counts of
the whole. What the finishing functions give for a selection of whole minutes is what those of `frames.overview` give
for the events and operations of it.
"""

from __future__ import annotations

import polars as pl

from onex_analytics.frames import OTHER, fitting_width, width_seconds
from onex_analytics.frames.outcomes import failed, finished, soft_failed

_EVENT_KEYS = ("node", "event_type", "outcome", "operation", "schema_version")
_WORK_KEYS = ("node", "operation", "outcome", "known")
_CATEGORY = pl.Categorical()
_MINUTES = pl.Datetime("us", "UTC")

EVENT_TALLY = pl.Schema({
    "minute": _MINUTES, **dict.fromkeys(_EVENT_KEYS, _CATEGORY), "events": pl.UInt32(),
    "first": _MINUTES, "last": _MINUTES,
})  # fmt: skip
"""One row a minute, node, type, outcome, operation and schema version: events, and when the first and the last was."""

WORK_TALLY = pl.Schema({
    "minute": _MINUTES, "node": _CATEGORY, "operation": _CATEGORY, "outcome": _CATEGORY, "known": pl.Boolean(),
    "operations": pl.UInt32(),
})  # fmt: skip
"""One row a minute (of its end; of its start while unfinished), node, operation, outcome, and whether a correlation id
is known: operations."""

_NODES = 40
_TYPES = 9
_VERSIONS = 8


def event_tally(events: pl.LazyFrame) -> pl.LazyFrame:
    """`EVENT_TALLY` of a part of the log; reads `timestamp` and the keys."""
    at = pl.col("timestamp")
    keys = [pl.col(name).cast(_CATEGORY) for name in _EVENT_KEYS]
    return events.filter(at.is_not_null()).group_by(at.dt.truncate("1m").alias("minute"), *keys).agg(
        pl.len().cast(pl.UInt32).alias("events"), at.min().alias("first"), at.max().alias("last")
    ).select(*EVENT_TALLY)  # fmt: skip


def work_tally(work: pl.LazyFrame) -> pl.LazyFrame:
    """`WORK_TALLY` of operations: the result of `frames.operations_of`."""
    told_at = pl.coalesce("finished_at", "timestamp")
    keys = [pl.col(name).cast(_CATEGORY) for name in ("node", "operation", "outcome")]
    known = pl.col("correlation_id").is_not_null().alias("known")
    return work.group_by(told_at.dt.truncate("1m").alias("minute"), *keys, known).agg(
        pl.len().cast(pl.UInt32).alias("operations")
    ).select(*WORK_TALLY)  # fmt: skip


def merged(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The counts of several parts of the log as one, by time."""
    return (pl.concat(parts) if parts else pl.DataFrame(schema=EVENT_TALLY)).sort("minute")


def plain(tally: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """The counts with texts in place of categories, as the analyses have them; for what has been chosen already."""
    lazy = tally.lazy()
    return lazy.with_columns(pl.col(_CATEGORY.base_type()).cast(pl.String))


def main_period(events: pl.DataFrame) -> pl.DataFrame:
    """As `frames.main_period`, but told by minutes how far the middle of the events reaches."""
    by_minute = events.group_by("minute").agg(
        pl.col("events").sum().cast(pl.Int64), pl.col("first").min(), pl.col("last").max()
    ).sort("minute")  # fmt: skip
    so_far, n = pl.col("events").cum_sum(), pl.col("events").sum()
    low = pl.col("minute").filter(so_far > (n - 1) * 0.01).min()
    high = pl.col("minute").filter(so_far > (n - 1) * 0.99).min()
    reach = (high - low) + pl.duration(hours=1)
    near = pl.col("minute").is_between(low - reach, high + reach)
    return by_minute.select(
        pl.col("first").filter(near).min().alias("start"), pl.col("last").filter(near).max().alias("end"),
        pl.col("events").filter(~near).sum().cast(pl.UInt32).alias("outside"),
    )  # fmt: skip


def totals(events: pl.DataFrame, work: pl.DataFrame) -> pl.DataFrame:
    """The columns of `frames.totals` in one row, but for `correlations`, which no counts can tell."""
    counted = events.lazy().select(
        pl.col("events").sum().cast(pl.UInt32), pl.col("first").min(), pl.col("last").max(),
        pl.col("node").drop_nulls().n_unique().alias("nodes"),
        pl.col("event_type").drop_nulls().n_unique().alias("event_types"),
    )  # fmt: skip
    n = pl.col("operations")
    ended = plain(work).select(
        n.filter(finished()).sum().alias("finished"), n.filter(failed()).sum().alias("failures"),
        n.filter(soft_failed()).sum().alias("soft_failures"),
        n.filter((pl.col("outcome") == "start") & pl.col("known")).sum().alias("unfinished"),
    )  # fmt: skip
    return pl.concat([counted, ended], how="horizontal").collect()


def events_per_minute(events: pl.DataFrame, every: str) -> pl.DataFrame:
    """As `frames.events_per_minute`, where `every` is whole minutes."""
    counts = _over_time(events, every, "event_type", _TYPES)
    return counts.with_columns((pl.col("events") / (width_seconds(every) / 60)).alias("per_minute"))


def schema_adoption(events: pl.DataFrame, every: str) -> pl.DataFrame:
    """As `frames.schema_adoption`, where `every` is whole minutes."""
    of_bucket = pl.col("events").sum().over("start")
    share = (pl.col("events") / pl.when(of_bucket > 0).then(of_bucket)).alias("share")
    return _over_time(events, every, "schema_version", _VERSIONS).with_columns(share)


def error_overview(
    events: pl.DataFrame, work: pl.DataFrame, every: str | None = None, *, by_node: bool = False
) -> pl.DataFrame:
    """As `frames.error_overview`: in all, over time with quiet buckets, or by node (the 40 busiest)."""
    keys = [pl.col("minute").dt.truncate(every).alias("start")] if every else []
    names = ["start"] if every else []
    if by_node:
        keys.append(pl.col("node"))
        names.append("node")
    n = pl.col("operations")
    ended = plain(work.lazy().filter(pl.col("outcome").cast(pl.String) != "start"))
    counted = [
        n.sum().alias("finished"), n.filter(failed()).sum().alias("failures"),
        n.filter(soft_failed()).sum().alias("soft_failures"),
    ]  # fmt: skip
    all_events = pl.col("events").sum()
    if names:
        told = plain(events).group_by(keys).agg(all_events)
        counts = told.join(ended.group_by(keys).agg(counted), on=names, how="full", coalesce=True, nulls_equal=True)
    else:
        counts = pl.concat([plain(events).select(all_events), ended.select(counted)], how="horizontal")
    numbers = ("events", "finished", "failures", "soft_failures")
    found = counts.with_columns(pl.col(numbers).fill_null(0)).collect()
    if by_node:
        found = _largest(found, "node", _NODES).group_by("node").agg(pl.col(numbers).sum())
    if every:
        grid = _grid(events, every)
        found = grid.join(found, on="start", how="left").with_columns(pl.col(numbers).fill_null(0))
    rates = found.with_columns(
        (pl.col("failures") / pl.when(pl.col(of) > 0).then(of)).alias(name)
        for name, of in (("rate_of_events", "events"), ("rate_of_finished", "finished"))
    )
    rates = rates.select(*names, pl.col(numbers).cast(pl.UInt32), "rate_of_events", "rate_of_finished")
    if by_node:
        order = [pl.col("node") == OTHER, "failures", "events", "node"]
        return rates.sort(order, descending=[False, True, True, False], nulls_last=[False, False, False, False])
    return rates.sort("start") if every else rates


def width_of(events: pl.DataFrame, buckets: int = 240) -> str:
    """A bucket width that fits the time that was chosen; a whole number of minutes."""
    first, last = events.select(pl.col("minute").min().alias("a"), pl.col("minute").max().alias("b")).row(0)
    every = "1m" if first is None else fitting_width(last - first, buckets)
    return every if width_seconds(every) >= 60 else "1m"


def _largest(counts: pl.DataFrame, column: str, limit: int) -> pl.DataFrame:
    order = counts.group_by(column).agg(pl.col("events").sum().alias("_n"))
    rest = order.sort("_n", column, descending=[True, False])[column][limit:].to_list()
    name = pl.when(pl.col(column).is_in(rest, nulls_equal=True)).then(pl.lit(OTHER)).otherwise(column)
    return counts.with_columns(name.alias(column)) if rest else counts


def _grid(events: pl.DataFrame, every: str) -> pl.DataFrame:
    """Every bucket from the first to the last event, quiet ones included: `start`."""
    start = pl.col("minute").dt.truncate(every)
    first, last = events.select(start.min().alias("a"), start.max().alias("b")).row(0)
    if first is None:
        return pl.DataFrame(schema={"start": _MINUTES})
    return pl.datetime_range(first, last, every, eager=True).cast(_MINUTES).alias("start").to_frame()


def _over_time(events: pl.DataFrame, every: str, column: str, limit: int) -> pl.DataFrame:
    start = pl.col("minute").dt.truncate(every).alias("start")
    counts = plain(events.lazy().group_by(start, column).agg(pl.col("events").sum())).collect()
    counts = _largest(counts, column, limit).group_by("start", column).agg(pl.col("events").sum().cast(pl.UInt32))
    grid = _grid(events, every).join(counts.select(column).unique(), how="cross")
    filled = grid.join(counts, on=["start", column], how="left", nulls_equal=True)
    return filled.with_columns(pl.col("events").fill_null(0)).sort("start", column, nulls_last=True)
