"""Policies on history: what batches they would have made, how late events would have come, and what would be lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.batching import simulation_kernels as kernels
from onex_analytics.batching.compression import CompressionCurve
from onex_analytics.batching.exporters import ServiceTime
from onex_analytics.batching.policies import BatchPolicy
from onex_analytics.batching.shapes import BATCHES, COMPARISON, OVER_TIME, SIZES, SUMMARY, BatchingResult
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.frames.quantiles import index_of
from onex_analytics.frames.selection import values_at
from onex_analytics.frames.windows import duration, fitting_width, width_seconds

_BUCKETS = 240
_MOST_BUCKETS = 1_000_000
_SIZE_BINS = 40
_SHARES = (0.5, 0.95, 0.99)
_WHEN_FULL = {"block": kernels.BLOCK, "drop_newest": kernels.DROP_NEWEST, "drop_oldest": kernels.DROP_OLDEST}


class _Log(NamedTuple):
    """The events as kernels read them, by time."""

    times: NDArray[np.int64]
    sizes: NDArray[np.int64]
    unsized: int


class _Run(NamedTuple):
    """What the kernel wrote."""

    where: NDArray[np.int32]
    batches: NDArray[np.int64]
    buckets: NDArray[np.int64]
    facts: NDArray[np.int64]


def simulate_batching(
    policy: BatchPolicy, events: pl.LazyFrame, *, service: ServiceTime | None = None,
    compression: CompressionCurve | None = None, every: str | None = None,
) -> BatchingResult:  # fmt: skip
    """What a batcher of this policy would have made of a log.

    All events go through one batcher and one exporter, as those of one process do. Where the policy blocks, whoever
    brings an event waits, and all that comes after it as well.

    Args:
        policy: when batches close, and what happens when too many events wait.
        events: one row an event; reads `timestamp`, when it came, in any order, and `size_bytes` where bytes count
            (the policy limits them, the exporter's time depends on them, or there is a compression). An event of
            unknown size counts as large as the mean of the others.
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
    log = _log(events, [policy], service, compression)
    if not log.times.size:
        width = duration(every or "1s")
        summary, batches, sizes, over_time = (pl.DataFrame(schema=one) for one in (SUMMARY, BATCHES, SIZES, OVER_TIME))
        return BatchingResult(summary, batches, sizes, over_time, width)
    width = every or _fitting(log, int(log.times[-1]))
    edges = _edges(log, width)
    run = _run(log, policy, service, compression, edges)
    until = int(run.batches[kernels.ENDED].max(initial=log.times[-1]))
    if every is None and (until - edges[0]) // edges[1] >= 2 * _BUCKETS:  # the exporter is far behind: wider buckets
        width = _fitting(log, until)
        edges = _edges(log, width)
        run = _run(log, policy, service, compression, edges)
    batches = _batches(run, compression is not None)
    return BatchingResult(
        _summary(log, run, policy, compression is not None), batches, _sizes(batches, policy.max_size),
        _over_time(run, edges, until, policy.queue_limit), width,
    )  # fmt: skip


def compare_policies(
    policies: Sequence[BatchPolicy], events: pl.LazyFrame, *, service: ServiceTime | None = None,
    compression: CompressionCurve | None = None,
) -> pl.DataFrame:  # fmt: skip
    """What each of several policies would have made of the same log.

    Args:
        policies: their titles tell them apart.
        events, service, compression: as `simulate_batching` has them.

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
    log = _log(events, policies, service, compression)
    if not log.times.size or not policies:
        return pl.DataFrame(schema=COMPARISON)
    first = (int(log.times[-1]), 1, 1)
    rows = [
        _summary(log, _run(log, policy, service, compression, first), policy, compression is not None)
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


# ---------------------------------------------------------------------- what goes in


def _log(
    events: pl.LazyFrame, policies: Sequence[BatchPolicy], service: ServiceTime, compression: CompressionCurve | None
) -> _Log:
    if service.counts == "compressed" and compression is None:
        raise InvalidOption("service", "counts compressed bytes", "a compression, too: see calibrate_compression")
    read = events.lazy()
    weighs = compression is not None or service.ms_per_mb > 0 or any(p.max_bytes is not None for p in policies)
    known = "size_bytes" in read.collect_schema().names()
    require(read, "timestamp", *(("size_bytes",) if weighs else ()))
    time = pl.col("timestamp").cast(pl.Datetime("us")).to_physical()
    size = pl.col("size_bytes").cast(pl.Int64) if known else pl.lit(0, pl.Int64)
    rows = read.select(time=time, size=size).collect()
    if nulls := rows["time"].null_count():
        raise InvalidOption("timestamp", f"null in {nulls:,} rows", "a time for each event: filter those without first")
    if not rows["time"].is_sorted():
        rows = rows.sort("time", maintain_order=True)
    if (rows["size"] < 0).any():
        raise InvalidOption("size_bytes", rows["size"].min(), "bytes, none below 0")
    unsized = rows["size"].null_count()
    if unsized:
        if weighs and unsized == rows.height:
            raise InvalidOption("size_bytes", "null in all rows", "sizes of events, as a store gives them")
        usual = rows["size"].mean()
        rows = rows.with_columns(pl.col("size").fill_null(round(usual) if isinstance(usual, float) else 0))
    return _Log(_readonly(rows["time"]), _readonly(rows["size"]), unsized)


def _readonly(column: pl.Series) -> NDArray[np.int64]:
    """The numbers as one and the same type of array, for which the kernel is compiled once."""
    numbers = column.to_numpy().view()
    numbers.flags.writeable = False
    return numbers


def _fitting(log: _Log, until: int) -> str:
    return fitting_width(timedelta(microseconds=until - int(log.times[0])), _BUCKETS)


def _edges(log: _Log, every: str) -> tuple[int, int, int]:
    """Where the first bucket begins, how wide they are, and how many reach to the last event."""
    width = round(width_seconds(every) * 1e6)
    if width < 1:
        raise InvalidOption("every", every, "at least a microsecond (1us)")
    begin = int(log.times[0]) // width * width
    return begin, width, _in_bounds((int(log.times[-1]) - begin) // width + 1)


def _in_bounds(buckets: int) -> int:
    if buckets > _MOST_BUCKETS:
        raise InvalidOption("every", f"so short that there are {buckets:,} buckets", f"at most {_MOST_BUCKETS:,}")
    return buckets


def _most_batches(log: _Log, policy: BatchPolicy) -> int:
    """More batches than there can be where nobody waits."""
    limits = policy.limits(1000)
    span = int(log.times[-1] - log.times[0])
    by_bytes = 0 if policy.max_bytes is None else 2 * int(log.sizes.sum()) // policy.max_bytes
    return log.times.size // limits.max_size + span // limits.max_age + by_bytes + 8


def _run(
    log: _Log, policy: BatchPolicy, service: ServiceTime, compression: CompressionCurve | None,
    edges: tuple[int, int, int],
) -> _Run:  # fmt: skip
    limits = policy.limits(1000)
    begin, width, count = edges
    knots = compression.knots() if compression is not None else (np.empty(0), np.empty(0))
    most = log.times.size + 4
    capacity = min(_most_batches(log, policy), most)
    while True:
        run = _Run(
            np.empty(log.times.size, np.int32), np.empty((kernels.BATCH_ROWS, capacity), np.int64),
            np.zeros((kernels.BUCKET_ROWS, count), np.int64), np.zeros(kernels.FACTS, np.int64),
        )  # fmt: skip
        done = kernels.batch_up(
            log.times, log.sizes, limits.max_size, limits.max_age, limits.max_bytes, limits.queue_limit, limits.alone,
            _WHEN_FULL[policy.when_full], service.base_ms * 1000, service.ms_per_mb / 1000,
            service.counts == "compressed", *knots, begin + width, width, *run,
        )  # fmt: skip
        if done:
            return run._replace(batches=run.batches[:, : run.facts[kernels.LAST]])
        capacity = most


# ---------------------------------------------------------------------- what comes out


def _summary(log: _Log, run: _Run, policy: BatchPolicy, calibrated: bool) -> pl.DataFrame:
    events = log.times.size
    delays, groups = np.empty(events, np.float64), np.empty(events, np.int32)
    begin, end = int(log.times[0]), int(log.times[-1])
    exported, ever = kernels.delays_of(log.times, run.where, run.batches[kernels.ENDED], end, delays, groups)
    batches = run.batches
    if policy.when_full == "drop_oldest":  # which may have emptied some
        batches = batches[:, batches[kernels.EVENTS] > 0]
    sizes = batches[kernels.EVENTS]
    busy = int((batches[kernels.ENDED] - batches[kernels.STARTED]).sum())
    until = int(batches[kernels.ENDED].max()) if sizes.size else end
    _, no_room, too_large, queue = run.buckets
    row: dict[str, Any] = {
        "policy": policy.title, "max_size": policy.max_size, "max_age_ms": policy.max_age_ms,
        "max_bytes": policy.max_bytes, "queue_limit": policy.queue_limit, "when_full": policy.when_full,
        "events": events, "exported": exported, "dropped_full": int(no_room.sum()),
        "dropped_oversize": int(too_large.sum()), "pending": ever - exported, "unsized": log.unsized,
        "batches": sizes.size, "batches_per_s": sizes.size / (end - begin) * 1e6 if end > begin else None,
        "bytes": int(batches[kernels.BYTES].sum()),
        "compressed_bytes": int(batches[kernels.COMPRESSED].sum()) if calibrated else None,
        "queue_max": int(queue.max()), "blocked": int(run.facts[kernels.BLOCKED]),
        "blocked_ms": run.facts[kernels.BLOCKED_SUM] / 1000, "blocked_max_ms": run.facts[kernels.BLOCKED_MAX] / 1000,
        "utilisation": busy / (until - begin) if until > begin else None,
    }  # fmt: skip
    if ever:
        middle = index_of(0.5, sizes.size)
        places = np.array([[index_of(share, ever) for share in _SHARES]])
        p50, p95, p99 = values_at(*_parts(groups, delays), np.array([ever]), places)[0]
        row |= {
            "size_mean": ever / sizes.size, "size_p50": int(np.partition(sizes, middle)[middle]),
            "size_max": int(sizes.max()), "delay_mean_ms": float(delays.sum()) / ever, "delay_p50_ms": p50,
            "delay_p95_ms": p95, "delay_p99_ms": p99, "delay_max_ms": float(delays.max()),
        }  # fmt: skip
    return pl.DataFrame([row], schema=SUMMARY)


_PART = 1 << 20


def _parts(groups: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[list[Any], list[Any]]:
    """In pieces, so that all cores look for the quantiles."""
    places = range(0, groups.size, _PART)
    return [groups[i : i + _PART] for i in places], [values[i : i + _PART] for i in places]


def _batches(run: _Run, calibrated: bool) -> pl.DataFrame:
    opened, closed, started, ended, events, size, compressed, reason = run.batches
    frame = pl.DataFrame({
        "opened": opened, "closed": closed, "started": started, "exported": ended, "events": events, "bytes": size,
        "compressed_bytes": compressed, "reason": reason.astype(np.uint8),
    })  # fmt: skip
    if not events.all():
        frame = frame.filter(pl.col("events") > 0)
    times = pl.col("opened", "closed", "started", "exported").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    packed = pl.col("compressed_bytes") if calibrated else pl.lit(None, pl.Int64).alias("compressed_bytes")
    return frame.with_columns(times, packed, pl.col("reason").cat.to(BATCHES["reason"])).select(*BATCHES)


def _sizes(batches: pl.DataFrame, max_size: int) -> pl.DataFrame:
    largest = max(max_size if batches.is_empty() else int(batches["events"].max() or 1), 1)  # type: ignore[arg-type]
    width = -(-largest // _SIZE_BINS)
    size, full = pl.col("events"), pl.col("events") == largest
    low = pl.when(full).then(size).otherwise((size - 1) // width * width + 1)
    high = pl.min_horizontal(pl.col("size_from") + width - 1, pl.lit(largest - 1, pl.Int64))
    return (
        batches.group_by("reason", low.alias("size_from"))
        .agg(pl.len().cast(pl.Int64).alias("batches"), size.sum())
        .with_columns(size_to=pl.when(pl.col("size_from") == largest).then(largest).otherwise(high))
        .select(*SIZES)
        .sort("size_from", "reason")
    )


def _over_time(run: _Run, edges: tuple[int, int, int], until: int, queue_limit: int | None) -> pl.DataFrame:
    begin, width, count = edges
    came, no_room, too_large, queue = run.buckets
    _, _, started, ended, events, *_ = run.batches
    buckets = _in_bounds(max((until - begin) // width + 1, count))
    exported = np.bincount((ended - begin) // width, weights=events, minlength=buckets).astype(np.int64)
    starts = begin + width * np.arange(buckets)
    # after the last event what waits grows fewer: most of it waits where a bucket begins
    waiting = np.append(np.cumsum(events[::-1])[::-1], 0)[np.searchsorted(started, starts[count:], side="right")]
    if queue_limit is not None:
        waiting = np.minimum(waiting, queue_limit)

    def longer(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([values, np.zeros(buckets - count, np.int64)])

    times = pl.Series(starts).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame({
        "start": times, "events": longer(came), "exported": exported, "dropped_full": longer(no_room),
        "dropped_oversize": longer(too_large), "queue_max": np.concatenate([queue, waiting]),
    }, schema=OVER_TIME)  # fmt: skip
