"""Buckets of time: [start, end), named by their start, in UTC, whatever order the rows come in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import polars as pl
from polars.lazyframe.group_by import LazyGroupBy

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require

_DURATION = re.compile(r"(?:\d+(?:us|ms|mo|[smhdwqy]))+")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_ROUND_WIDTHS = {
    "1s": 1, "5s": 5, "10s": 10, "30s": 30, "1m": 60, "5m": 300, "10m": 600, "30m": 1_800,
    "1h": 3_600, "3h": 10_800, "6h": 21_600, "12h": 43_200, "1d": 86_400, "1w": 604_800,
}


def duration(text: str, name: str = "every") -> str:
    """`text` as it is, if it is a Polars duration above zero, such as "30s", "5m" or "1d12h".

    >>> duration("5m")
    '5m'
    """
    if not _DURATION.fullmatch(text) or not re.search("[1-9]", text):
        raise InvalidOption(name, text, 'a duration above zero, such as "30s", "5m", "1h" or "1d"')
    return text


def bucket(every: str, column: str = "timestamp") -> pl.Expr:
    """`start`: the beginning of the bucket [start, start + every) that a row falls into.

    Buckets lie on round UTC times; those of a week begin on Monday.

    >>> from datetime import datetime
    >>> pl.DataFrame({"timestamp": [datetime(2026, 1, 1, 12, 59)]}).select(bucket("30m")).item()
    datetime.datetime(2026, 1, 1, 12, 30)
    """
    return pl.col(column).dt.truncate(duration(every)).alias("start")


def counts_over_time(
    events: pl.LazyFrame, every: str = "1m", by: str | Iterable[str] = (), *, fill: bool = False
) -> pl.LazyFrame:
    """Events a bucket.

    Args:
        events: one row an event, in any order; reads `timestamp` and the columns of `by`.
        every: bucket width as a Polars duration.
        by: columns to count separately.
        fill: also give the buckets without events, between the first and the last bucket of the whole
            frame, for every combination of `by` that occurs. Otherwise such a bucket has no row.

    Returns:
        One row a (bucket, by), ordered so: `start`, the columns of `by`, `events` (at least 1, or 0
        where filled). The events add up to the rows that have a timestamp.
    """
    keys = names(by)
    require(events, "timestamp", *keys)
    counts = (
        events.filter(pl.col("timestamp").is_not_null()).group_by(bucket(every), *keys).agg(pl.len().alias("events"))
    )
    if fill:
        counts = with_quiet_buckets(counts, every, keys)
    return counts.sort("start", *keys, nulls_last=True)


def with_quiet_buckets(counts: pl.LazyFrame, every: str, by: str | Iterable[str] = ()) -> pl.LazyFrame:
    """`counts` (`start`, the columns of `by`, `events`) and a row of no events for every bucket that has none, between
    the first and the last, for every combination of `by` that occurs; in no order."""
    keys = names(by)
    first, last = (bound.fill_null(_ANY_TIME) for bound in (pl.col("start").min(), pl.col("start").max()))
    steps = pl.datetime_range(first, last, duration(every)).alias("start")  # refuses null, which an empty frame gives
    starts = counts.select(steps, pl.len().alias("_n")).filter(pl.col("_n") > 0).drop("_n")
    grid = starts.join(counts.select(keys).unique(), how="cross") if keys else starts
    return grid.join(counts, on=["start", *keys], how="left", nulls_equal=True).with_columns(
        pl.col("events").fill_null(0)
    )


def trailing(frame: pl.LazyFrame, period: str, by: str | Iterable[str] = (), column: str = "timestamp") -> LazyGroupBy:
    """Group each row with those of the window (t − period, t] before it, sorted inside: give it to `.agg`.

    The windows of alerts, as Prometheus has them. A rolling window over rows that are out of order is
    refused or wrong; here any order will do, and the result is ordered by `by` and time.
    """
    keys = names(by)
    require(frame, column, *keys)
    return frame.sort(*keys, column).rolling(
        column, period=duration(period, "period"), closed="right", group_by=keys or None
    )


def fitting_width(span: timedelta, buckets: int = 240) -> str:
    """The smallest round bucket width that cuts `span` into at most `buckets` buckets.

    >>> fitting_width(timedelta(hours=2)), fitting_width(timedelta(days=1)), fitting_width(timedelta(0))
    ('30s', '10m', '1s')
    """
    for width, seconds in _ROUND_WIDTHS.items():
        if span.total_seconds() <= seconds * buckets:
            return width
    return f"{-(-span.total_seconds() // (_ROUND_WIDTHS['1w'] * buckets)):.0f}w"


def width_seconds(every: str) -> float:
    """Length of a bucket in seconds; a month counts as 30 days, a quarter as 91, a year as 365.

    >>> width_seconds("1h30m")
    5400.0
    """
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800,
            "mo": 2_592_000, "q": 7_862_400, "y": 31_536_000}
    return float(sum(int(n) * unit[u] for n, u in re.findall(r"(\d+)(us|ms|mo|[smhdwqy])", duration(every))))
