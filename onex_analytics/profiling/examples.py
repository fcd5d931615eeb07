"""Which traces stand at a quantile: the ones to look at."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.quantiles import Method, Share, exact_share, index_column
from onex_analytics.frames.spans import complete_spans
from onex_analytics.profiling.standing import is_measured, weight

_OURS = ("quantile", "quantile_ms", "rank", "n", "trace_id", "span_id", "start", "duration_ms", "exact",
         "relative_error")  # fmt: skip


def exemplars(
    spans: pl.LazyFrame | pl.DataFrame,
    at: Share | Iterable[Share] = (0.5, 0.95, 0.99),
    k: int = 3,
    by: str | Iterable[str] = ("node", "operation"),
    *,
    method: Method = "nearest_rank",
) -> pl.LazyFrame:
    """The spans that stand at a quantile of the durations, or next to it: of `k` different traces.

    Args:
        spans: one row a span, in any order; reads `trace_id`, `span_id`, `start`, `duration_ms`, `state`,
            `adjusted_count` and the columns of `by`.
        at: one share from 0 to 1, or several.
        k: how many traces, at least 1. A span without a trace counts as a trace of its own.
        by: columns to tell apart; null is a group like others.
        method: the rank convention, as in `latency_table`.

    Returns:
        Up to `k` rows a (group, quantile), nearest first, ordered by the columns of `by` (nulls last) and `quantile`:
        the columns of `by`, `quantile` (0 to 1), `quantile_ms` (what `latency_table` gives there), `rank` (of
        the span among the `n` measured ones by duration, from 1; ties by trace and span id), `n`, `trace_id`,
        `span_id`, `start`, `duration_ms`. The first row stands at the quantile itself. A group in which nothing was
        measured has no row; what is left out of it `latency_table` tells. `exact` is true and `relative_error` 0.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: a share outside 0 to 1, a `k` below 1, or a column of `by` named like one of the result.

    Source: exemplars of OpenMetrics 1.0; which one stands at a quantile, by the nearest rank as in `latency_table`.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": list("abcde"), "span_id": list("vwxyz"), "parent_span_id": [None] * 5, "name": ["stamp"] * 5,
    ...     "start": [noon] * 5, "end": [noon + timedelta(milliseconds=ms) for ms in (50, 10, 30, 40, 20)],
    ... })
    >>> exemplars(spans, at=0.5, k=2, by=()).select("quantile_ms", "rank", "trace_id", "duration_ms").collect().rows()
    [(30.0, 3, 'c', 30.0), (30.0, 2, 'e', 20.0)]
    """
    if isinstance(k, bool) or k < 1:
        raise InvalidOption("k", k, "a whole number from 1, such as 3")
    shares = [at] if isinstance(at, Share) else list(at)
    keys = names(by)
    if clash := [key for key in keys if key in _OURS and key not in ("trace_id", "span_id", "start")]:
        raise InvalidOption("by", clash, f"columns named otherwise than those of the result, {list(_OURS)}")
    lazy = require(complete_spans(spans), *keys)
    measured = lazy.filter(is_measured()).select(
        *keys, *(name for name in ("trace_id", "span_id", "start", "duration_ms") if name not in keys),
        weight().alias("_weight"),
    )  # fmt: skip
    groups = [pl.col(key) for key in keys] or [pl.lit(0)]
    in_order = measured.sort(*keys, "duration_ms", "trace_id", "span_id", "start", nulls_last=True)
    ranked = in_order.with_columns(
        pl.int_range(pl.len()).over(groups).alias("_index"),
        pl.len().over(groups).cast(pl.Int64).alias("n"),
        pl.col("_weight").cum_sum().over(groups).alias("_so_far"),
        pl.col("_weight").sum().over(groups).alias("_total"),
        (pl.col("_weight") == 1).all().over(groups).alias("_unweighted"),
    )
    found = [_nearest(ranked, q, k, keys, groups, method) for q in shares]
    if not found:
        raise InvalidOption("at", at, "a share from 0 to 1, such as 0.95, or several")
    return pl.concat(found).sort(*keys, "quantile", "_place", nulls_last=True).drop("_place")


def _nearest(
    ranked: pl.LazyFrame, q: Share, k: int, keys: list[str], groups: list[pl.Expr], method: Method
) -> pl.LazyFrame:
    heavy = float(exact_share(q)) * pl.col("_total")
    is_before = (
        pl.col("_so_far") <= heavy * (1 + 1e-12) if method == "onex" else pl.col("_so_far") < heavy * (1 - 1e-12)
    ) | (pl.col("_so_far") == 0)
    by_weight = pl.min_horizontal(is_before.sum().over(groups).cast(pl.Int64), pl.col("n") - 1)
    index = pl.when("_unweighted").then(index_column(pl.col("n"), q, method)).otherwise(by_weight)
    own_trace = pl.coalesce("trace_id", pl.format("span {}", "span_id"), pl.format("row {}", "_index"))
    at_it = ranked.with_columns((pl.col("_index") - index).abs().alias("_off"), own_trace.alias("_trace"))
    in_order = at_it.sort(*keys, "_off", "_index", nulls_last=True)
    chosen = in_order.unique([*keys, "_trace"], keep="first", maintain_order=True).with_columns(
        pl.int_range(pl.len()).over(groups).alias("_place")
    )
    told = chosen.filter(pl.col("_place") < k).with_columns(
        pl.lit(float(exact_share(q))).alias("quantile"),
        pl.col("duration_ms").first().over(groups).alias("quantile_ms"),
        (pl.col("_index") + 1).cast(pl.UInt64).alias("rank"),
        pl.col("n").cast(pl.UInt64),
        pl.lit(True).alias("exact"),
        pl.lit(0.0).alias("relative_error"),
    )
    return told.select(*keys, *(name for name in _OURS if name not in keys), "_place")
