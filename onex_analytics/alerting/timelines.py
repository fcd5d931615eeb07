"""A backtest over time, as a figure can hold it: who fired when, how many at once, and values beside their threshold.

A year of flapping has more alerts than a screen has columns. What these functions put together, they count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.recording import label_key
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest

LANES = pl.Schema({
    "rank": pl.Int64(),                      # of the label set: 0 fired for the longest
    "of": pl.Int64(),                        # label sets that had an alert, in all
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "state": pl.String(),                    # pending, firing
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "alerts": pl.Int64(),                    # how many are told as one, for they follow each other so closely
    "peak": pl.Float64(),                    # the worst value of theirs
    "threshold": pl.Float64(),
    "lasts": pl.Boolean(),                   # to the end of the log, and perhaps beyond
})
"""One row a stretch of a label set, by rank and start."""

AT_ONCE = pl.Schema({
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "firing": pl.Int64(),                    # label sets that fire at once, at most
    "pending": pl.Int64(),                   # label sets that are pending at once, at most
})
"""One row a bucket [start, end), from the first evaluation to the end of the log."""

VALUES = pl.Schema({
    "rank": pl.Int64(),                      # of the label set: 0 fired for the longest; null: all others together
    "labels": LABEL_SET,                     # null: all others together
    "label_sets": pl.Int64(),                # 1, or how many the others are
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "low": pl.Float64(),                     # the least value in the bucket; null where none counted
    "high": pl.Float64(),                    # the greatest value in the bucket
    "state": pl.String(),                    # the worst in the bucket: inactive, pending, firing
    "firing": pl.Int64(),                    # label sets that fire in the bucket
    "op": pl.String(),                       # the value is compared by it
    "threshold": pl.Float64(),               # with this
    "min_count": pl.Int64(),                 # a value of fewer events does not count, and is none here
})
"""One row a label set and bucket [start, end), by rank and start, the others last."""

_MICROSECOND = timedelta(microseconds=1)
_KEY = ("group", "rule", "_key")


def lanes(result: Backtest, most: int = 30, steps: int = 1500) -> pl.DataFrame:
    """When the label sets that fired for the longest were pending and firing.

    Args:
        result: a backtest; reads its `alerts`.
        most: label sets that are told of.
        steps: what is closer than this part of the time is told as one stretch.

    Returns:
        `LANES`: empty where no alert began.
    """
    if result.begin is None or result.end is None or result.alerts.is_empty():
        return pl.DataFrame(schema=LANES)
    last = pl.lit(result.end, UTC_MICROSECONDS)
    alerts = result.alerts.select(
        "group", "rule", "labels", label_key(), "pending", "fired", "peak", "threshold",
        pl.col("resolved").fill_null(last).alias("end"), pl.col("resolved").is_null().alias("lasts"),
    )  # fmt: skip
    ranks = (
        alerts.group_by(_KEY)
        .agg((pl.col("end") - pl.col("fired")).sum().alias("_firing"), pl.col("fired").count().alias("_fired"),
             (pl.col("end") - pl.col("pending")).sum().alias("_active"))
        .sort("_firing", "_fired", "_active", *_KEY, descending=[True] * 3 + [False] * 3)
        .with_row_index("rank").with_columns(pl.col("rank").cast(pl.Int64), pl.len().cast(pl.Int64).alias("of"))
        .head(most).select("rank", "of", *_KEY)
    )  # fmt: skip
    own = alerts.join(ranks, on=_KEY)
    fired = pl.col("fired").is_not_null()
    waiting = own.with_columns(
        pl.lit("pending").alias("state"), pl.col("pending").alias("start"),
        pl.when(fired).then("fired").otherwise("end").alias("end"), (pl.col("lasts") & ~fired).alias("lasts"),
    ).filter(~fired | (pl.col("start") < pl.col("end")))  # fmt: skip
    firing = own.filter(fired).with_columns(pl.lit("firing").alias("state"), pl.col("fired").alias("start"))
    told = ("rank", "of", "group", "rule", "labels", "state", "start", "end", "peak", "threshold", "lasts")
    both = pl.concat([waiting.select(told), firing.select(told)]).sort("rank", "state", "start")
    close = (result.end - result.begin) / steps
    apart = pl.col("start") - pl.col("end").shift(1).over("rank", "state") > close
    worst = pl.when(pl.col("peak").max() >= pl.col("threshold").max()).then(pl.col("peak").max())
    return (
        both.with_columns(apart.fill_null(True).cum_sum().over("rank", "state").alias("_stretch"))
        .group_by("rank", "state", "_stretch", maintain_order=True)
        .agg(
            pl.col("of", "group", "rule", "labels", "start", "threshold").first(), pl.col("end", "lasts").last(),
            pl.len().alias("alerts"), worst.otherwise(pl.col("peak").min()).alias("peak"),
        )
        .sort("rank", "start", "state", descending=[False, False, True]).select(*LANES).cast(LANES)
    )  # fmt: skip


def at_once(result: Backtest, buckets: int = 480) -> pl.DataFrame:
    """How many label sets are pending and firing at once, over time.

    Args:
        result: a backtest; reads its `alerts`.
        buckets: into which the time is cut.

    Returns:
        `AT_ONCE`: empty where nothing was evaluated.
    """
    if result.begin is None or result.end is None:
        return pl.DataFrame(schema=AT_ONCE)
    edges = _edges(result.begin, result.end, buckets)
    fired = result.alerts.filter(pl.col("fired").is_not_null())
    until_fired = pl.coalesce("fired", "resolved")
    waiting = result.alerts.filter(pl.col("fired").is_null() | (pl.col("fired") > pl.col("pending")))
    times = edges.astype("datetime64[us]")
    frame = pl.DataFrame({
        "start": times[:-1], "end": times[1:],
        "firing": _most_at_once(fired["fired"], fired["resolved"], edges),
        "pending": _most_at_once(waiting["pending"], waiting.select(until_fired).to_series(), edges),
    })  # fmt: skip
    return frame.with_columns(pl.col("start", "end").dt.replace_time_zone("UTC")).cast(AT_ONCE)


def values_over_time(
    result: Backtest, rule: str, group: str | None = None, *, most: int = 6, buckets: int = 400
) -> pl.DataFrame:
    """The values of a rule beside its threshold: of the label sets that fired for the longest, and of all others.

    The log is evaluated once more for it.

    Args:
        result: a backtest.
        rule: the name of the rule.
        group: its group, where the name stands in several.
        most: label sets that are told of one by one.
        buckets: into which the time is cut at most; none is shorter than the interval of the group.

    Returns:
        `VALUES`: empty where no label set was evaluated.

    Raises:
        InvalidOption: there is no such rule.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> values = values_over_time(backtest(rules, log), "Busy", buckets=6)
    >>> values.select(pl.col("start").dt.strftime("%H:%M"), "low", "high", "state").rows()[:2]
    [('10:01', 1.0, 4.0, 'firing'), ('10:06', 0.0, 3.0, 'firing')]
    """
    named = [(g.name, r) for g, r in result.rules.rules if r.alert == rule and group in (None, g.name)]
    if not named:
        raise InvalidOption("rule", rule, ", ".join(r.alert for _, r in result.rules.rules))
    group, written = named[0]
    stretches = result.stretches(rule, group)
    if result.begin is None or result.end is None or stretches.is_empty():
        return pl.DataFrame(schema=VALUES)
    step = next(g.interval for g, r in result.rules.rules if r is written) // _MICROSECOND
    edges = _edges(result.begin, result.end, buckets, 1 if written.mode == "event" else step)
    start, width = int(edges[0]), int(edges[1] - edges[0])
    counts = pl.when(pl.col("events") >= written.when.min_count).then("value").alias("value")
    stretches = stretches.with_columns(label_key(), counts)
    ranks = _ranked(stretches, low_is_bad=written.when.op in ("<", "<="))
    shown = pl.when(pl.col("rank") < most)
    found = _per_bucket(stretches, start, width, edges.size - 2).join(ranks, on="_key").with_columns(
        shown.then("rank").alias("rank"), shown.then("labels").alias("labels")
    )  # fmt: skip
    words = pl.when(pl.col("_firing").any()).then(pl.lit("firing")).when(pl.col("_pending").any())
    begins = pl.col("_bucket") * width + start
    return (
        found.group_by("rank", "_bucket")
        .agg(pl.col("labels").first(), pl.col("low").min(), pl.col("high").max(),
             words.then(pl.lit("pending")).otherwise(pl.lit("inactive")).alias("state"),
             pl.col("_firing").sum().alias("firing"))
        .with_columns(
            pl.when(pl.col("rank").is_null()).then(max(ranks.height - most, 0)).otherwise(1).alias("label_sets"),
            begins.cast(UTC_MICROSECONDS).alias("start"), (begins + width).cast(UTC_MICROSECONDS).alias("end"),
            pl.lit(written.when.op).alias("op"), pl.lit(float(written.when.threshold)).alias("threshold"),
            pl.lit(written.when.min_count).alias("min_count"),
        )
        .sort("rank", "start", nulls_last=True).select(*VALUES).cast(VALUES)
    )  # fmt: skip


def _per_bucket(stretches: pl.DataFrame, start: int, width: int, last: int) -> pl.DataFrame:
    """One row a label set and bucket that a stretch of it touches; start and width in microseconds."""
    first, final = ((pl.col(name).dt.epoch("us") - start) // width for name in ("first", "last"))
    return (
        stretches.select(
            "_key", "value", (pl.col("state") == "firing").alias("_firing"),
            (pl.col("state") == "pending").alias("_pending"),
            pl.int_ranges(first.clip(0, last), final.clip(0, last) + 1).alias("_bucket"),
        ).explode("_bucket", empty_as_null=False)
        .group_by("_key", "_bucket")
        .agg(pl.col("value").min().alias("low"), pl.col("value").max().alias("high"),
             pl.col("_firing", "_pending").any())
    )  # fmt: skip


def _ranked(stretches: pl.DataFrame, *, low_is_bad: bool) -> pl.DataFrame:
    """One row a label set: first the one that fired for the longest, of those that never did the worst."""
    worst = pl.col("value").min() if low_is_bad else -pl.col("value").max()
    firing = pl.col("state") == "firing"
    return (
        stretches.group_by("_key")
        .agg(pl.col("labels").first(), (pl.col("last") - pl.col("first")).filter(firing).sum().alias("_lasting"),
             firing.any().alias("_fired"), worst.alias("_worst"))
        .sort("_fired", "_lasting", "_worst", "_key", descending=[True, True, False, False], nulls_last=True)
        .with_row_index("rank").with_columns(pl.col("rank").cast(pl.Int64))
    )  # fmt: skip


def _edges(begin: datetime, end: datetime, buckets: int, step: int = 1) -> NDArray[np.int64]:
    """The bounds of the buckets, in microseconds, whole steps from each other; the last holds the end."""
    if buckets < 1:
        raise InvalidOption("buckets", buckets, "a number from 1")
    first, last = (int(np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64)) for moment in (begin, end))
    width = ((last - first) // buckets // step + 1) * step
    buckets = (last - first) // width + 1
    return first + width * np.arange(buckets + 1, dtype=np.int64)


def _most_at_once(starts: pl.Series, ends: pl.Series, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """By bucket, how many of the stretches [start, end) there are at once, at most; no end is never."""
    begun = np.sort(starts.dt.epoch("us").to_numpy().astype(np.int64))
    ended = np.sort(ends.drop_nulls().dt.epoch("us").to_numpy().astype(np.int64))
    times = np.unique(np.concatenate([begun, ended, edges[:-1]]))
    level = np.searchsorted(begun, times, "right") - np.searchsorted(ended, times, "right")
    return np.maximum.reduceat(level, np.searchsorted(times, edges[:-1])).astype(np.int64)
