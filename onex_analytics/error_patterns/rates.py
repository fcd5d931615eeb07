"""How often work fails, over time, with the interval that so few cases allow."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.frames import outcomes
from onex_analytics.frames.columns import names
from onex_analytics.frames.outcomes import Denominator
from onex_analytics.frames.statistics import wilson


def error_rates(
    events: pl.LazyFrame | pl.DataFrame,
    every: str | None = None,
    by: str | Iterable[str] = (),
    denominator: Denominator = "events",
    *,
    level: float = 0.95,
) -> pl.LazyFrame:
    """`frames.error_rates` with Wilson's interval: what the share could be, had more work been seen.

    Args:
        events: one row an event, in any order.
        every: bucket width as a Polars duration, such as "5m"; None for the whole time.
        by: columns to tell apart.
        denominator: "events" (upstream's dashboards) or "finished" (operations that ended).
        level: of the interval.

    Returns:
        What `frames.error_rates` returns, with `low` and `high` after `error_rate`: 0 to 1, null where it is; and, of
        buckets, with `end` after `start`: exclusive, so that a bucket says how long it is.

    Raises:
        InvalidOption: another denominator, or a level that is no share.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    >>> from onex_analytics.model.shapes import EVENTS
    >>> told = [{"event_id": str(place), "family": "node", "outcome": "failure" if place < 1 else "success",
    ...          "timestamp": "2026-11-02T00:00:00Z"} for place in range(10)]
    >>> rows = pl.LazyFrame(told).with_columns(pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"))
    >>> rates = error_rates(rows.match_to_schema(EVENTS, missing_columns="insert"))
    >>> rates.select("failures", "error_rate", pl.col("low", "high").round(3)).collect().rows()
    [(1, 0.1, 0.018, 0.404)]
    """
    rates = outcomes.error_rates(events.lazy(), every, names(by), denominator)

    def bounds(counted: pl.Series) -> pl.Series:
        hits, n = counted.struct.field("failures"), counted.struct.field(denominator)
        share = wilson(hits.to_numpy(), n.to_numpy(), level)
        return pl.DataFrame({"low": share.low, "high": share.high}).select(pl.all().fill_nan(None)).to_struct()

    both = pl.struct("failures", denominator).map_batches(
        bounds, pl.Struct({"low": pl.Float64, "high": pl.Float64}), is_elementwise=True
    )
    wilson([0], [1], level)  # a level that is none is refused here, not when the rates are collected
    bounded = rates.with_columns(both.alias("_bounds")).unnest("_bounds")
    if every is None:
        return bounded
    return bounded.select("start", pl.col("start").dt.offset_by(every).alias("end"), pl.exclude("start"))
