"""When people are paged: hours of the day and days of the week, where they live."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from onex_analytics.alerting.notification import wakes

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest

PAGES_BY_HOUR = pl.Schema({
    "weekday": pl.Int64(),                   # 1 is Monday, 7 is Sunday
    "hour": pl.Int64(),                      # 0 to 23, in the time zone
    "night": pl.Boolean(),                   # 22:00 to 06:00
    "pages": pl.Int64(),
    "hours": pl.Int64(),                     # such hours in the log, begun ones as well; 0: it holds none
    "pages_per_hour": pl.Float64(),          # null where the log holds no such hour
    "tz": pl.String(),
})
"""One row a weekday and hour, all 168, in their order."""


def pages_by_hour(result: Backtest) -> pl.DataFrame:
    """How often people were woken at each hour of the week, in the time zone of the backtest.

    Args:
        result: a backtest; reads those of its `pages` that wake somebody, which an alert's end does not.

    Returns:
        `PAGES_BY_HOUR`.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> pages_by_hour(backtest(rules, log)).filter(pl.col("pages") > 0).select("weekday", "hour", "pages").rows()
    [(7, 10, 1)]
    """
    def of_week(times: pl.Series, name: str) -> pl.DataFrame:
        local = pl.col("at").dt.convert_time_zone(result.tz)
        told = times.alias("at").to_frame().select(
            local.dt.weekday().cast(pl.Int64).alias("weekday"), local.dt.hour().cast(pl.Int64).alias("hour")
        )  # fmt: skip
        return told.group_by("weekday", "hour").agg(pl.len().cast(pl.Int64).alias(name))

    held = pl.Series("at", [], result.pages.schema["at"])
    if result.begin is not None and result.end is not None:
        hour = timedelta(hours=1)
        held = pl.datetime_range(result.begin, result.end, hour, time_unit="us", time_zone="UTC", eager=True)
    week = pl.DataFrame(
        [(day, hour, hour >= 22 or hour < 6) for day in range(1, 8) for hour in range(24)],
        schema={name: PAGES_BY_HOUR[name] for name in ("weekday", "hour", "night")}, orient="row",
    )  # fmt: skip
    on = ["weekday", "hour"]
    pages, hours = pl.col("pages").fill_null(0), pl.col("hours").fill_null(0)
    return (
        week.join(of_week(result.pages.filter(wakes())["at"], "pages"), on=on, how="left", maintain_order="left")
        .join(of_week(held, "hours"), on=on, how="left", maintain_order="left")
        .with_columns(pages, pl.max_horizontal(hours, (pages > 0).cast(pl.Int64)).alias("hours"))
        .with_columns(
            pl.when(pl.col("hours") > 0).then(pl.col("pages") / pl.col("hours")).alias("pages_per_hour"),
            pl.lit(result.tz).alias("tz"),
        )
        .select(*PAGES_BY_HOUR).cast(PAGES_BY_HOUR)
    )  # fmt: skip
