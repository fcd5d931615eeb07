"""Policies on history: what batches they would have made, how late events would have come, and what would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from onex_analytics.batching.arrivals import Arrivals, arrivals_of
from onex_analytics.batching.compression import CompressionCurve
from onex_analytics.batching.exporters import ServiceTime
from onex_analytics.batching.policies import BatchPolicy
from onex_analytics.batching.results import batches_of, over_time_of, sizes_of, summary_of
from onex_analytics.batching.runs import Edges, run_of
from onex_analytics.batching.shapes import BATCHES, COMPARISON, OVER_TIME, SIZES, SUMMARY, BatchingResult
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.windows import duration, fitting_width, width_seconds

_BUCKETS = 240
_MOST_BUCKETS = 1_000_000


def simulate_batching(
    policy: BatchPolicy, events: pl.LazyFrame, *, by: str | Iterable[str] = (), service: ServiceTime | None = None,
    compression: CompressionCurve | None = None, every: str | None = None,
) -> BatchingResult:  # fmt: skip
    """What a batcher of this policy would have made of a log.

    All events go through one batcher and one exporter, as those of one process do; with `by`, those of each value
    through a pair of their own. Where the policy blocks, whoever brings an event waits, and all that comes after it as
    well.

    Args:
        policy: when batches close, and what happens when too many events wait.
        events: one row an event; reads `timestamp`, when it came, in any order, and `size_bytes` where bytes count
            (the policy limits them, the exporter's time depends on them, or there is a compression). An event of
            unknown size counts as large as the mean of the others.
        by: columns whose values have a batcher each, such as "node".
        service: how long the exporter takes for a batch; 5 ms and 10 ms a megabyte where not given.
        compression: what compression leaves, from `calibrate_compression`.
        every: width of the buckets of `over_time`; fitted where not given.

    Returns:
        A summary, each batch, their sizes, and queue and drops over time; see `shapes`. Delays are those of all events
        that are ever exported. No events: frames without rows.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: a time is null, a size is below 0, no size is known where sizes count, or `service` counts
            compressed bytes and there is no `compression`.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 1, 1, 12)
    >>> events = pl.LazyFrame({"timestamp": [noon + timedelta(seconds=s) for s in (0, 0, 0, 5)], "size_bytes": 1000})
    >>> result = simulate_batching(BatchPolicy(max_size=3, max_age_ms=1000), events)
    >>> result.batches.select("events", "reason", "compressed_bytes").rows()
    [(3, 'size', None), (1, 'age', None)]
    >>> result.summary.select("events", "exported", "pending", "delay_p50_ms", "delay_max_ms").row(0)
    (4, 3, 1, 5.03, 1005.01)
    """
    service = service or ServiceTime()
    arrivals = arrivals_of(events, by, _weighs([policy], service, compression))
    if not arrivals.times.size:
        width = duration(every or "1s")
        summary, batches, sizes, over_time = (pl.DataFrame(schema=one) for one in (SUMMARY, BATCHES, SIZES, OVER_TIME))
        return BatchingResult(summary, batches, sizes, over_time, width)
    width = every or _fitting(arrivals, arrivals.end)
    edges = _edges(arrivals, width)
    run = run_of(arrivals, policy, service, compression, edges)
    until = max(run.exported_by or arrivals.end, arrivals.end)
    if every is None and (until - edges.begin) // edges.width >= 2 * _BUCKETS:  # the exporter is far behind
        width = _fitting(arrivals, until)
        edges = _edges(arrivals, width)
        run = run_of(arrivals, policy, service, compression, edges)
    batches = batches_of(run, compression is not None)
    buckets = _in_bounds((until - edges.begin) // edges.width + 1)
    return BatchingResult(
        summary_of(arrivals, run, policy, compression is not None), batches, sizes_of(batches, policy.max_size),
        over_time_of(run, edges, buckets, policy.queue_limit), width,
    )  # fmt: skip


def compare_policies(
    policies: Sequence[BatchPolicy], events: pl.LazyFrame, *, by: str | Iterable[str] = (),
    service: ServiceTime | None = None, compression: CompressionCurve | None = None,
) -> pl.DataFrame:  # fmt: skip
    """What each of several policies would have made of the same log.

    Args:
        policies: their titles tell them apart.
        events, by, service, compression: as `simulate_batching` has them.

    Returns:
        One row a policy, of `shapes.COMPARISON`, in the order given; none where there are no events.

    Raises:
        MissingColumns, InvalidOption: as `simulate_batching`; or two policies have one title.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 1, 1, 12)
    >>> events = pl.LazyFrame({"timestamp": [noon + timedelta(milliseconds=n) for n in range(1000)], "size_bytes": 500})
    >>> policies = [BatchPolicy(max_size=10), BatchPolicy(max_size=500)]
    >>> compare_policies(policies, events).select("policy", "batches", "delay_p95_ms").rows()
    [('10 events or 1 s', 100, 14.05), ('500 events or 1 s', 2, 481.5)]
    """
    titles = [policy.title for policy in policies]
    if doubled := sorted({title for title in titles if titles.count(title) > 1}):
        raise InvalidOption("policies", doubled, "titles that tell them apart: give each a name")
    service = service or ServiceTime()
    arrivals = arrivals_of(events, by, _weighs(policies, service, compression))
    if not arrivals.times.size or not policies:
        return pl.DataFrame(schema=COMPARISON)
    whole = Edges(arrivals.begin, arrivals.end - arrivals.begin + 1, 1)
    rows = [
        summary_of(arrivals, run_of(arrivals, policy, service, compression, whole), policy, compression is not None)
        for policy in policies
    ]
    return _with_best(pl.concat(rows))


def _with_best(rows: pl.DataFrame) -> pl.DataFrame:
    """Which policies no other one beats; those that made no batches over any time are not."""
    lost = pl.col("dropped_full") + pl.col("dropped_oversize")
    costs = rows.select("batches_per_s", "delay_p95_ms", lost=lost.cast(pl.Float64)).to_numpy()
    best = [
        not (np.isnan(cost).any() or ((costs <= cost).all(axis=1) & (costs < cost).any(axis=1)).any()) for cost in costs
    ]
    return rows.with_columns(best=pl.Series(best, dtype=pl.Boolean))


def _weighs(policies: Sequence[BatchPolicy], service: ServiceTime, compression: CompressionCurve | None) -> bool:
    """Whether the sizes of events count."""
    if service.counts == "compressed" and compression is None:
        raise InvalidOption("service", "counts compressed bytes", "a compression, too: see calibrate_compression")
    return compression is not None or service.ms_per_mb > 0 or any(p.max_bytes is not None for p in policies)


def _fitting(arrivals: Arrivals, until: int) -> str:
    return fitting_width(timedelta(microseconds=until - arrivals.begin), _BUCKETS)


def _edges(arrivals: Arrivals, every: str) -> Edges:
    width = round(width_seconds(every) * 1e6)
    if width < 1:
        raise InvalidOption("every", every, "at least a microsecond (1us)")
    begin = arrivals.begin // width * width
    return Edges(begin, width, _in_bounds((arrivals.end - begin) // width + 1))


def _in_bounds(buckets: int) -> int:
    if buckets > _MOST_BUCKETS:
        raise InvalidOption("every", f"so short that there are {buckets:,} buckets", f"at most {_MOST_BUCKETS:,}")
    return buckets
