"""How much is going on at once, and how that goes with arrivals and service: concurrency and Little's law."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.windows import bucket, duration
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.profiling.ended import is_open
from onex_analytics.profiling.standing import is_measured, is_repeated, weight

_STEPS = ("at", "in_flight", "started", "ended", "open", "weight", "left_out", "exact", "relative_error")
_BUCKETS = ("start", "mean_in_flight", "peak", "least", "mean_weight", "open", "left_out", "exact", "relative_error")
_QUEUES = ("start", "n", "weight", "open", "left_out", "interval_s", "arrival_rate_per_s", "mean_in_flight", "waits",
           "mean_wait_ms", "mean_service_ms", "expected_waiting", "expected_in_flight", "little_residual", "exact",
           "relative_error")  # fmt: skip
_EXACT = {"exact": pl.lit(True), "relative_error": pl.lit(0.0)}


def in_flight(
    spans: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] = (), *, every: str | None = None
) -> pl.LazyFrame:
    """How many spans are under way, over time. A span is from its start until just before its end.

    Args:
        spans: one row a span, in any order; reads `start`, `end`, `state`, `adjusted_count` and the columns of `by`.
        by: columns to tell apart; null is a group like others.
        every: None for every change; a Polars duration for one row a bucket.

    Returns:
        Without `every`, one row a moment at which something changed, ordered by the columns of `by`, nulls last, and
        `at`: the columns of `by`, `at` (UTC), `in_flight` (spans under way from `at` on; ends come before starts
        at the same moment, so that work done back to back is never two at once), `started` and `ended` (spans, at that
        moment; one that takes no time is both), `open` (those of `in_flight` that have not ended in these spans),
        `weight` (what those of `in_flight` stand for, by `adjusted_count`), `left_out` (the same in all rows of a
        group: spans without a known start or end, that end before they start, or told of already), `exact` (true) and
        `relative_error` (0.0).

        With `every`, one row a bucket from the first change of a group to its last, quiet ones included: the columns
        of `by`, `start` (of the bucket [start, start + every)), `mean_in_flight` (by time), `peak` and `least`,
        `mean_weight`, `open` (at the end of the bucket), `left_out`, `exact` and `relative_error`.

        An open span (state "open", or an orphan or a link of a cycle that has no end) is under way from its start to
        the end of the table. A group of which all is left out has one row
        without a time.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: an `every` that is no duration, or a column of `by` named like one of the result.

    Source: the number in the system, arrivals less departures: Little (1961).

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None] * 3, "name": ["stamp"] * 3,
    ...     "start": [noon + timedelta(seconds=s) for s in (0, 1, 2)], "end": [noon + timedelta(seconds=2), None, None],
    ... })
    >>> in_flight(spans).select(pl.col("at").dt.second(), "in_flight", "started", "ended", "open").collect().rows()
    [(0, 1, 1, 0, 0), (1, 2, 1, 0, 1), (2, 2, 1, 1, 2)]
    >>> in_flight(spans, every="2s").select("mean_in_flight", "peak").collect().rows()
    [(1.5, 2), (2.0, 2)]
    """
    keys = names(by)
    lazy = require(complete_spans(spans), *keys)
    _refuse_clashes(keys, _STEPS if every is None else _BUCKETS)
    groups = keys or ["_all"]
    lazy = lazy if keys else lazy.with_columns(pl.lit(0).alias("_all"))
    steps = _steps(lazy, groups)
    aside = lazy.group_by(groups).agg((~_is_placed()).sum().cast(pl.UInt64).alias("left_out"))
    table = steps if every is None else _bucketed(steps, groups, duration(every))
    wanted = _STEPS if every is None else _BUCKETS
    whole = aside.join(table, on=groups, how="left", nulls_equal=True).with_columns(**_EXACT)
    return whole.sort(*groups, wanted[0], nulls_last=True).select(*keys, *wanted)


def queueing(
    spans: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] = ("node",), *, every: str | None = None
) -> pl.LazyFrame:
    """Waiting, service and arrivals of each group, and whether they agree with each other by Little's law.

    In any interval that begins and ends with nothing under way, the mean number under way is the rate of arrivals times
    the mean time each takes. Where it is not, work was cut off by the interval, is open, or measured durations differ
    from the clocks.

    Args:
        spans: one row a span, in any order; reads `start`, `end`, `duration_ms`, `state`, `adjusted_count`,
            `queue_time_ms` and the columns of `by`.
        by: columns to tell apart; null is a group like others.
        every: None for one interval, from the first start of a group to its last end (or start); a Polars duration for
            one row a bucket.

    Returns:
        One row a group, or a (group, bucket), ordered by the columns of `by` (nulls last) and `start`: the columns of
        `by`; `start` of the interval, UTC; `n` (spans that start in it), `weight` (what these stand for, by
        `adjusted_count`: what follows is of those), `open` (those of `n` that have not ended), `left_out` (of the
        group, as in `in_flight`), `interval_s`, `arrival_rate_per_s`, `mean_in_flight` (by the clocks, open spans to
        the end of the interval), `waits` (spans that tell a `queue_time_ms`), `mean_wait_ms` (of those),
        `mean_service_ms` (of `duration_ms`, of spans that are measured and start in the interval), `expected_waiting`
        (arrival rate × mean wait), `expected_in_flight` (arrival rate × mean service), and
        `little_residual` (`mean_in_flight` − `expected_in_flight`). Null where there is nothing to reckon from. `exact`
        is true and `relative_error` 0.0.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: an `every` that is no duration, or a column of `by` named like one of the result.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 2, "span_id": ["a", "b"], "parent_span_id": [None] * 2, "name": ["stamp"] * 2,
    ...     "start": [noon, noon + timedelta(seconds=6)], "end": [noon + timedelta(seconds=s) for s in (4, 10)],
    ...     "queue_time_ms": [500.0, None], "service": ["a", "a"],
    ... })
    >>> queueing(spans).select(
    ...     "arrival_rate_per_s", "mean_wait_ms", "mean_service_ms", "mean_in_flight", "little_residual"
    ... ).collect().rows()
    [(0.2, 500.0, 4000.0, 0.8, 0.0)]

    Source: J. D. C. Little (1961), A Proof for the Queuing Formula L = λW; on finite intervals, Little (2011).
    """
    keys = names(by)
    lazy = require(complete_spans(spans), *keys)
    _refuse_clashes(keys, _QUEUES)
    groups = keys or ["_all"]
    lazy = lazy if keys else lazy.with_columns(pl.lit(0).alias("_all"))
    placed = lazy.filter(_is_placed())
    aside = lazy.group_by(groups).agg((~_is_placed()).sum().cast(pl.UInt64).alias("left_out"))
    if every is None:
        last = pl.max_horizontal(pl.col("start").max(), pl.col("end").max())
        found = placed.with_columns(last.over(groups).alias("_until")).group_by(groups).agg(
            pl.col("start").min().alias("_from"), pl.col("_until").max(), *_arrivals(),
            _time_under_way().alias("_under_way_us"),
        ).rename({"_from": "start"})  # fmt: skip
        found = found.with_columns(_microseconds(pl.col("_until") - pl.col("start")).alias("_us"))
    else:
        begun = placed.with_columns(bucket(every, "start")).group_by(*groups, "start").agg(*_arrivals())
        under_way = _bucketed(_steps(lazy, groups), groups, every)
        found = under_way.join(begun, on=[*groups, "start"], how="left", nulls_equal=True)
        ends = pl.col("start").dt.offset_by(every)
        found = found.with_columns(_microseconds(ends - pl.col("start")).alias("_us")).with_columns(
            (pl.col("mean_weight") * pl.col("_us")).alias("_under_way_us"),
            pl.col("n", "_open", "waits").fill_null(0),
            pl.col("weight").fill_null(0.0),
        )
    whole = aside.join(found, on=groups, how="left", nulls_equal=True)
    us = pl.when(pl.col("_us") > 0).then("_us")
    rate = pl.col("weight") * 1e6 / us
    service_us = pl.col("weight") * pl.col("mean_service_ms") * 1e3
    reckoned = whole.with_columns(
        (pl.col("_us") / 1e6).alias("interval_s"),
        rate.alias("arrival_rate_per_s"),
        (pl.col("_under_way_us") / us).alias("mean_in_flight"),
        (rate * pl.col("mean_wait_ms") / 1e3).alias("expected_waiting"),
        (service_us / us).alias("expected_in_flight"),
        ((pl.col("_under_way_us") - service_us) / us).alias("little_residual"),
        pl.col("n", "_open", "waits").fill_null(0),
        pl.col("weight").fill_null(0.0),
        **_EXACT,
    ).drop("open", strict=False).rename({"_open": "open"})  # fmt: skip
    return reckoned.sort(*groups, "start", nulls_last=True).select(*keys, *_QUEUES)


def _is_placed() -> pl.Expr:
    """True for a span that is somewhere in time: it starts, and ends no earlier, or has not ended."""
    ends = is_open() | (pl.col("end") >= pl.col("start")).fill_null(False)
    return pl.col("start").is_not_null() & ~is_repeated() & ends


def _steps(lazy: pl.LazyFrame, groups: list[str]) -> pl.LazyFrame:
    """One row a moment of change, in order, with what is under way from then on."""
    placed = lazy.filter(_is_placed()).select(
        *groups, "start", pl.when(~is_open()).then("end").alias("end"), is_open().cast(pl.Int64).alias("_open"),
        weight().alias("_weight"),
    )  # fmt: skip
    starts = placed.select(
        *groups, pl.col("start").alias("at"), pl.lit(1, pl.Int64).alias("started"), pl.lit(0, pl.Int64).alias("ended"),
        "_open", "_weight",
    )  # fmt: skip
    ends = placed.filter(pl.col("end").is_not_null()).select(
        *groups, pl.col("end").alias("at"), pl.lit(0, pl.Int64).alias("started"), pl.lit(1, pl.Int64).alias("ended"),
        pl.lit(0, pl.Int64).alias("_open"), -pl.col("_weight"),
    )  # fmt: skip
    both = pl.concat([starts, ends])
    changes = both.group_by(*groups, "at").agg(pl.col("started", "ended", "_open", "_weight").sum())
    return changes.sort(*groups, "at").with_columns(
        (pl.col("started") - pl.col("ended")).cum_sum().over(groups).alias("in_flight"),
        pl.col("_open").cum_sum().over(groups).alias("open"),
        pl.col("_weight").cum_sum().over(groups).alias("weight"),
    )


def _bucketed(steps: pl.LazyFrame, groups: list[str], every: str) -> pl.LazyFrame:
    """The steps cut at the bounds of buckets, and each bucket's pieces put together, weighed by their length."""
    bounds = steps.group_by(groups).agg(pl.col("at").min().alias("_first"), pl.col("at").max().alias("_last"))
    grid = bounds.with_columns(
        pl.datetime_ranges(pl.col("_first").dt.truncate(every), pl.col("_last").dt.truncate(every), every).alias("at")
    )
    zeros = [pl.lit(0, pl.Int64).alias(name) for name in ("started", "ended", "_open")]
    cuts = grid.select(*groups, "at").explode("at").select(
        *groups, pl.col("at").cast(UTC_MICROSECONDS), *zeros, pl.lit(0.0).alias("_weight")
    )  # fmt: skip
    told = pl.concat([steps.select(*groups, "at", "started", "ended", "_open", "_weight"), cuts])
    pieces = told.group_by(*groups, "at").agg(pl.col("started", "ended", "_open", "_weight").sum()).sort(*groups, "at")
    start = bucket(every, "at")
    pieces = pieces.with_columns(
        start,
        (pl.col("started") - pl.col("ended")).cum_sum().over(groups).alias("in_flight"),
        pl.col("_open").cum_sum().over(groups).alias("open"),
        pl.col("_weight").cum_sum().over(groups).alias("weight"),
    ).with_columns(
        pl.coalesce(pl.col("at").shift(-1).over(groups), pl.col("start").dt.offset_by(every)).alias("_next")
    )
    length = _microseconds(pl.col("_next") - pl.col("at"))
    return pieces.group_by(*groups, "start").agg(
        ((pl.col("in_flight") * length).sum() / length.sum()).alias("mean_in_flight"),
        pl.col("in_flight").max().alias("peak"),
        pl.col("in_flight").min().alias("least"),
        ((pl.col("weight") * length).sum() / length.sum()).alias("mean_weight"),
        pl.col("open").last(),
    )


def _arrivals() -> list[pl.Expr]:
    """What is told of the spans that start in an interval."""
    service, wait = weight().filter(is_measured()).sum(), weight().filter(_waits()).sum()
    of_service = (pl.col("duration_ms") * weight()).filter(is_measured()).sum()
    of_wait = (pl.col("queue_time_ms") * weight()).filter(_waits()).sum()
    return [
        pl.len().cast(pl.UInt64).alias("n"),
        weight().sum().alias("weight"),
        is_open().sum().cast(pl.UInt64).alias("_open"),
        _waits().sum().cast(pl.UInt64).alias("waits"),
        (of_wait / pl.when(wait > 0).then(wait)).alias("mean_wait_ms"),
        (of_service / pl.when(service > 0).then(service)).alias("mean_service_ms"),
    ]


def _waits() -> pl.Expr:
    wait = pl.col("queue_time_ms")
    return wait.is_finite().fill_null(False) & (wait >= 0).fill_null(False)


def _time_under_way() -> pl.Expr:
    """The weighed microseconds that all spans of a group are under way until its last end, or start."""
    until = pl.when(is_open()).then("_until").otherwise("end")
    return (_microseconds(until - pl.col("start")) * weight()).sum()


def _microseconds(time: pl.Expr) -> pl.Expr:
    return time.dt.total_microseconds()


def _refuse_clashes(keys: list[str], result: tuple[str, ...]) -> None:
    if clash := [key for key in keys if key in result]:
        raise InvalidOption("by", clash, f"columns named otherwise than those of the result, {list(result)}")


