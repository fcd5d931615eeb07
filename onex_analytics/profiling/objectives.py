"""Is it fast enough? Apdex, and service level objectives with their error budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.windows import duration, width_seconds
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.profiling.standing import failed, is_measured, is_repeated, left_out, says_open, weight

BURN_WINDOWS = ("5m", "30m", "1h", "6h", "3d")
"""The windows whose burn rates `slo` gives, as in Google's SRE workbook."""

_ALERTS = (("page", 0.02, "1h", "5m"), ("page", 0.05, "6h", "30m"), ("ticket", 0.10, "3d", "6h"))
"""An alert, the share of the budget that its long window may burn, the long window and the short one."""


def apdex(
    spans: pl.LazyFrame | pl.DataFrame, threshold_ms: float, by: str | Iterable[str] = ("node", "operation")
) -> pl.LazyFrame:
    """The share of satisfied work, that of tolerating work counted half.

    Args:
        spans: one row a span, in any order; reads `duration_ms`, `state`, `status`, `adjusted_count` and the columns
            of `by`.
        threshold_ms: T, above 0. Up to T is satisfying, up to 4 T tolerable; slower or failed is frustrating.
        by: columns to tell apart; null is a group like others.

    Returns:
        One row a group, ordered by the columns of `by`, nulls last: these, `n` (spans judged: measured ones and all
        that failed), `satisfied`, `tolerating`, `frustrated` (spans, adding up to `n`), `weight` (spans that these
        stand for, by `adjusted_count`), `apdex` (0 to 1, of those, null where n is 0), `threshold_ms`, and
        what was left out: `open`, `negative`, `unmeasured` (spans; as in `latency_table`). `exact` is true and
        `relative_error` 0.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: a threshold that is not above 0.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 4, "span_id": ["a", "b", "c", "d"], "parent_span_id": [None] * 4, "name": ["stamp"] * 4,
    ...     "start": [noon] * 4, "end": [noon + timedelta(milliseconds=ms) for ms in (100, 400, 401, 50)],
    ...     "status": ["ok", "ok", "ok", "error"],
    ... })
    >>> apdex(spans, 100, by="operation").select("satisfied", "tolerating", "frustrated", "apdex").collect().rows()
    [(1, 1, 2, 0.375)]

    Source: Apdex Technical Specification, version 1.1, apdex.org.
    """
    if not 0 < threshold_ms < float("inf"):
        raise InvalidOption("threshold_ms", threshold_ms, "milliseconds above 0, such as 500")
    keys = names(by)
    lazy = require(complete_spans(spans), *keys)
    fine = is_measured() & ~failed()
    zones = {
        "satisfied": fine & (pl.col("duration_ms") <= threshold_ms),
        "tolerating": fine & (pl.col("duration_ms") > threshold_ms) & (pl.col("duration_ms") <= 4 * threshold_ms),
    }
    zones["frustrated"] = _judged() & ~zones["satisfied"] & ~zones["tolerating"]
    points = weight().filter(zones["satisfied"]).sum() + weight().filter(zones["tolerating"]).sum() / 2
    total = weight().filter(_judged()).sum()
    table = _grouped(
        lazy,
        keys,
        _judged().sum().cast(pl.UInt64).alias("n"),
        *(zone.fill_null(False).sum().cast(pl.UInt64).alias(name) for name, zone in zones.items()),
        total.alias("weight"),
        (points / pl.when(total > 0).then(total)).alias("apdex"),
        pl.lit(float(threshold_ms)).alias("threshold_ms"),
        *left_out(_judged()),
        pl.lit(True).alias("exact"),
        pl.lit(0.0).alias("relative_error"),
    )
    return table.sort(keys, nulls_last=True) if keys else table


def slo(
    spans: pl.LazyFrame | pl.DataFrame,
    objective: float,
    threshold_ms: float | None = None,
    window: str = "30d",
    by: str | Iterable[str] = (),
    *,
    now: datetime | None = None,
) -> pl.LazyFrame:
    """How much of an error budget is left, how fast it burns, and whether someone should be told.

    Work is good that did not fail and, where a threshold is given, took no longer. A share `objective` of it should be.

    Args:
        spans: one row a span, in any order; reads `end`, `start`, `duration_ms`, `state`, `status`, `adjusted_count`
            and the columns of `by`.
        objective: above 0 and below 1, such as 0.999.
        threshold_ms: what is slower is bad; None: only what failed is.
        window: the budget's, as a Polars duration: work that ended in (now − window, now] counts.
        by: columns to tell apart; null is a group like others.
        now: the end of the windows, UTC; None: the latest end of all spans.

    Returns:
        One row a group, ordered by the columns of `by`, nulls last: these, `now`, `n` and `bad` (spans judged in the
        window), `weight` and `weighted_bad` (what these stand for, by `adjusted_count`; what follows is of those),
        `good_share` (0 to 1, null where nothing was judged), `objective`,
        `budget` (bad work that the objective allows for this much work), `budget_left` (share of it; below 0 where it
        is spent), `burn_rate` (bad share / allowed share: at 1 the budget lasts just as long as the window), the
        same over shorter windows, `burn_rate_5m`, `_30m`, `_1h`, `_6h`, `_3d` (null where nothing ended), `alert`
        ("page": 2 % of the budget burnt in 1 h or 5 % in 6 h, "ticket": 10 % in 3 d, and still burning that fast in
        the last twelfth of that time; else null), and of all times `open`, `negative`, `unmeasured` (spans
        left out, as in `latency_table`). `exact` is true and `relative_error` 0.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: an objective that is not between 0 and 1, or a window that is no duration.

    >>> from datetime import timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 100, "span_id": [f"{i}" for i in range(100)], "parent_span_id": [None] * 100,
    ...     "name": ["stamp"] * 100, "start": [noon] * 100,
    ...     "end": [noon + timedelta(milliseconds=900 if i < 2 else 90) for i in range(100)],
    ... })
    >>> slo(spans, 0.95, threshold_ms=500).select("n", "bad", "budget", "budget_left", "burn_rate").with_columns(
    ...     pl.all().round(3)).collect().rows()
    [(100, 2, 5.0, 0.6, 0.4)]

    Source: The Site Reliability Workbook, chapter 5, "Alerting on SLOs", multiwindow, multi-burn-rate alerts.
    """
    if not 0 < objective < 1:
        raise InvalidOption("objective", objective, "a share above 0 and below 1, such as 0.999")
    if threshold_ms is not None and not threshold_ms >= 0:
        raise InvalidOption("threshold_ms", threshold_ms, "milliseconds from 0, such as 500, or None")
    keys = names(by)
    lazy = require(complete_spans(spans), *keys)
    ended = pl.coalesce("end", "start")
    until = ended.max() if now is None else pl.lit(_utc(now), UTC_MICROSECONDS)
    lazy = lazy.with_columns(until.alias("now"), ended.alias("_ended"))
    bad = failed()
    if threshold_ms is not None:
        bad = bad | (pl.col("duration_ms") > threshold_ms).fill_null(False)
    allowed = 1 - objective

    def within(length: str) -> pl.Expr:
        is_in = (pl.col("_ended") > pl.col("now").dt.offset_by("-" + length)) & (pl.col("_ended") <= pl.col("now"))
        return _judged() & is_in.fill_null(False)

    def burn_rate(length: str) -> pl.Expr:
        total = weight().filter(within(length)).sum()
        return weight().filter(within(length) & bad).sum() / pl.when(total > 0).then(total) / allowed

    total = weight().filter(within(duration(window, "window"))).sum()
    lost = weight().filter(within(window) & bad).sum()
    table = _grouped(
        lazy,
        keys,
        pl.col("now").max(),
        within(window).sum().cast(pl.UInt64).alias("n"),
        (within(window) & bad).sum().cast(pl.UInt64).alias("bad"),
        total.alias("weight"),
        lost.alias("weighted_bad"),
        (1 - lost / pl.when(total > 0).then(total)).alias("good_share"),
        pl.lit(float(objective)).alias("objective"),
        (total * allowed).alias("budget"),
        (1 - lost / pl.when(total > 0).then(total * allowed)).alias("budget_left"),
        burn_rate(window).alias("burn_rate"),
        *(burn_rate(length).alias(f"burn_rate_{length}") for length in BURN_WINDOWS),
        _alert(burn_rate, window).alias("alert"),
        *left_out(_judged()),
        pl.lit(True).alias("exact"),
        pl.lit(0.0).alias("relative_error"),
    )
    return table.sort(keys, nulls_last=True) if keys else table


def _utc(time: datetime) -> datetime:
    """A time in UTC, which a naive one is."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _alert(burn_rate: Callable[[str], pl.Expr], window: str) -> pl.Expr:
    """The gravest alert whose long and short window both burn as fast as its share of the budget allows, or faster."""
    alert = pl.lit(None, pl.String)
    for word, share, long, short in reversed(_ALERTS):
        fastest = share * width_seconds(window) / width_seconds(long) * (1 - 1e-12)  # rounding fires no less
        fires = (burn_rate(long) >= fastest) & (burn_rate(short) >= fastest)
        alert = pl.when(fires).then(pl.lit(word)).otherwise(alert)
    return alert


def _judged() -> pl.Expr:
    """True for a span of which it is known whether it was good: it was measured, or it failed."""
    return is_measured() | (failed() & ~says_open() & ~is_repeated())


def _grouped(lazy: pl.LazyFrame, keys: list[str], *aggregations: pl.Expr) -> pl.LazyFrame:
    if keys:
        return lazy.group_by(keys).agg(*aggregations)
    return lazy.select(pl.len().alias("_rows"), *aggregations).filter(pl.col("_rows") > 0).drop("_rows")
