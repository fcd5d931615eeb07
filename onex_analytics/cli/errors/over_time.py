"""What commands about time share: how long the log is, the width of buckets that fits it, and counts in these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.cli.errors.inputs import Read


def watched(events: pl.LazyFrame) -> tuple[Any, Any]:
    """When the log begins and ends, errors or not."""
    import polars as pl

    edges = events.select(pl.col("timestamp").min().alias("begin"), pl.col("timestamp").max().alias("end"))
    return edges.collect().row(0)


def fitting(times: tuple[Any, Any], buckets: int = 500) -> str:
    """A round width of which so many buckets cover the time."""
    from onex_analytics.frames import fitting_width

    begin, end = times
    return fitting_width(end - begin, buckets) if begin is not None else "1m"


def rates_of(read: Read, errors: pl.DataFrame, keys: Sequence[str], every: str) -> pl.DataFrame:
    """`error_rates` of errors alone, each counted by the event that tells most of it: `events` is how many they are.

    Args:
        read: what was asked for.
        errors: rows of `errors_in` with the keys: an error may have of another event what this one does not tell.
        keys: to tell apart.
        every: width of a bucket.
    """
    import polars as pl

    from onex_analytics.error_patterns import error_rates

    named = [key for key in keys if key != "event_id"]
    told = errors.lazy().select(pl.col("error_id").alias("event_id"), *named)
    events = read.events.drop(named, strict=False).join(told, on="event_id")
    return error_rates(events, every, keys).collect()
