"""Unfinished work: what began and has not ended, how old it is, and when its trace last gave a sign of life.

Whoever exports a span at its end loses it. Here the start events are in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.durations import milliseconds
from onex_analytics.frames.quantiles import Share
from onex_analytics.frames.spans.foreign import complete_spans
from onex_analytics.frames.spans.survival import survival_percentiles
from onex_analytics.model.shapes import SPANS

_ENDED = ("closed", "orphan", "cycle")
_TIMED = (*_ENDED, "negative_duration")  # whose node timed it, though a clock was set back
_SHOWN = ("trace_id", "span_id", "parent_span_id", "name", "node", "node_version", "operation", "start")


def open_spans(
    spans: pl.LazyFrame | pl.DataFrame, *, now: datetime, survival: bool = False,
    by: str | Iterable[str] = ("node", "operation"), quantiles: Sequence[Share] = (0.5, 0.9, 0.95, 0.99),
) -> pl.LazyFrame:  # fmt: skip
    """Work that was unfinished at a time, or percentiles in which it counts.

    Args:
        spans: one row a span, in any order, from anywhere (see `complete_spans`); reads `trace_id`, `span_id`,
            `parent_span_id`, `name`, `start`, `end`, `duration_ms`, `state`, `node`, `node_version`, `operation`,
            `correlation_id`, the columns of `by`, and keeps those that `model.SPANS` does not have.
        now: the time to judge by; naive means UTC. What began later is not there yet, and what ended later was open.
        survival: give percentiles, not the open spans.
        by: with `survival`, the columns to tell apart.
        quantiles: with `survival`, the shares.

    Returns:
        One row an open span, the oldest first: `trace_id`, `span_id`, `parent_span_id`, `name`, `node`,
        `node_version`, `operation`, `start`, `age_ms` (now − start, at least 0), `last_sign_of_life` (the latest start
        or end in its trace up to now, at least its own start), `silent_ms` (now − that), `correlation_id`, and then
        the dimensions. With `survival`, one row a group, ordered by `by`: those columns, `n` (spans), `ended`, `open`
        (censored at now), `left_out` (spans without a usable duration: no start, negative and not timed by the node, a
        second start or end), and the Kaplan–Meier percentiles `p50_ms` and so on: the smallest duration by which that
        share was over, null where so much was never seen to end.

    Raises:
        InvalidOption: `now` is no time.
        MissingColumns: a column is absent.

    Source of the method: see `survival`, Kaplan and Meier (1958).

    >>> noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    >>> work = pl.DataFrame({
    ...     "trace_id": ["t", "t"], "span_id": ["a", "b"], "parent_span_id": [None, "a"], "name": ["x", "y"],
    ...     "start": [noon, noon.replace(second=1)], "end": [None, noon.replace(second=3)],
    ... })
    >>> open_spans(work, now=noon.replace(minute=1)).select("span_id", "age_ms", "silent_ms").collect().rows()
    [('a', 60000.0, 57000.0)]
    >>> open_spans(work, now=noon.replace(minute=1), survival=True, by=(), quantiles=[0.5, 0.9]).collect().rows()
    [(2, 1, 1, 0, 2000.0, None)]
    """
    if not isinstance(now, datetime):
        raise InvalidOption("now", now, "a time, such as the latest of the log")
    at = pl.lit(now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC), SPANS["start"])
    complete = complete_spans(spans)
    keys = names(by) if survival else []
    require(complete, *keys)
    there = complete.filter(pl.col("start").is_null() | (pl.col("start") <= at))
    is_open = (pl.col("state") == "open") | (pl.col("state").is_in(_ENDED) & (pl.col("end") > at))
    is_open = is_open & pl.col("start").is_not_null()
    return _survival(there, at, is_open, keys, quantiles) if survival else _open(there, at, is_open)


def _milliseconds(difference: pl.Expr) -> pl.Expr:
    return milliseconds(difference.dt.total_microseconds())


def _open(there: pl.LazyFrame, at: pl.Expr, is_open: pl.Expr) -> pl.LazyFrame:
    dimensions = [name for name in there.collect_schema() if name not in SPANS]
    open_yet = there.filter(is_open)
    seen = pl.max_horizontal("start", pl.when(pl.col("end") <= at).then("end"))
    signs = (
        there.filter(pl.col("trace_id").is_not_null())
        .join(open_yet.select("trace_id"), on="trace_id", how="semi")
        .group_by("trace_id")
        .agg(seen.max().alias("last_sign_of_life"))
    )
    return (
        open_yet.join(signs, on="trace_id", how="left", maintain_order="none")
        .with_columns(pl.coalesce("last_sign_of_life", "start"), age_ms=_milliseconds(at - pl.col("start")))
        .with_columns(silent_ms=_milliseconds(at - pl.col("last_sign_of_life")))
        .select(*_SHOWN, "age_ms", "last_sign_of_life", "silent_ms", "correlation_id", *dimensions)
        .sort("start", "trace_id", "span_id", nulls_last=True)
    )


def _survival(
    there: pl.LazyFrame, at: pl.Expr, is_open: pl.Expr, keys: list[str], quantiles: Sequence[Share]
) -> pl.LazyFrame:
    duration = pl.col("duration_ms")
    is_over = pl.col("state").is_in(_TIMED) & ~is_open.fill_null(False) & (duration >= 0)
    judged = there.select(
        *keys,
        is_over=is_over.fill_null(False),
        is_open=is_open.fill_null(False),
        lasted_ms=pl.when(is_open).then(_milliseconds(at - pl.col("start"))).when(is_over).then(duration),
    )
    counts = [
        pl.len().alias("n"), pl.col("is_over").sum().alias("ended"), pl.col("is_open").sum().alias("open"),
        (~pl.col("is_over") & ~pl.col("is_open")).sum().alias("left_out"),
    ]  # fmt: skip
    percentiles = survival_percentiles(judged.filter(pl.col("lasted_ms").is_not_null()), keys, quantiles)
    if not keys:
        return pl.concat([judged.select(counts), percentiles], how="horizontal")
    counted = judged.group_by(keys).agg(counts)
    return counted.join(percentiles, on=keys, how="left", nulls_equal=True).sort(keys, nulls_last=True)
