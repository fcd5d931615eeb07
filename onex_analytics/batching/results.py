"""What a run of a policy amounts to, as frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.batching import simulation_kernels as kernels
from onex_analytics.batching.arrivals import Arrivals
from onex_analytics.batching.policies import BatchPolicy
from onex_analytics.batching.runs import Edges, Run
from onex_analytics.batching.shapes import BATCHES, OVER_TIME, SIZES, SUMMARY
from onex_analytics.frames.quantiles import index_of
from onex_analytics.frames.selection import values_at

_SIZE_BINS = 40
_SHARES = (0.5, 0.95, 0.99)
_PART = 1 << 20


def summary_of(arrivals: Arrivals, run: Run, policy: BatchPolicy, calibrated: bool) -> pl.DataFrame:
    """One row of `SUMMARY`."""
    events = arrivals.times.size
    delays, groups = np.empty(events, np.float64), np.empty(events, np.int32)
    begin, end, batchers = arrivals.begin, arrivals.end, arrivals.firsts.size - 1
    exported, ever = kernels.delays_of(arrivals.times, run.where, run.batches[kernels.ENDED], end, delays, groups)
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
        "batchers": batchers,
        "events": events, "exported": exported, "dropped_full": int(no_room.sum()),
        "dropped_oversize": int(too_large.sum()), "pending": ever - exported, "unsized": arrivals.unsized,
        "batches": sizes.size, "batches_per_s": sizes.size / (end - begin) * 1e6 if end > begin else None,
        "bytes": int(batches[kernels.BYTES].sum()),
        "compressed_bytes": int(batches[kernels.COMPRESSED].sum()) if calibrated else None,
        "queue_max": int(queue.max()), "blocked": int(run.facts[kernels.BLOCKED]),
        "blocked_ms": run.facts[kernels.BLOCKED_SUM] / 1000, "blocked_max_ms": run.facts[kernels.BLOCKED_MAX] / 1000,
        "utilisation": busy / batchers / (until - begin) if until > begin else None,
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


def _parts(groups: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[list[Any], list[Any]]:
    """In pieces, so that all cores look for the quantiles."""
    places = range(0, groups.size, _PART)
    return [groups[i : i + _PART] for i in places], [values[i : i + _PART] for i in places]


def batches_of(run: Run, calibrated: bool) -> pl.DataFrame:
    """Rows of `BATCHES`."""
    opened, closed, started, ended, events, size, compressed, reason = run.batches
    frame = pl.DataFrame({
        "opened": opened, "closed": closed, "started": started, "exported": ended, "events": events, "bytes": size,
        "compressed_bytes": compressed, "reason": reason.astype(np.uint8),
    })  # fmt: skip
    if not events.all():  # where the oldest make room, some batches are emptied
        frame = frame.filter(pl.col("events") > 0)
    if run.firsts.size > 2:
        frame = frame.sort("exported", "closed", maintain_order=True)
    times = pl.col("opened", "closed", "started", "exported").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    packed = pl.col("compressed_bytes") if calibrated else pl.lit(None, pl.Int64).alias("compressed_bytes")
    return frame.with_columns(times, packed, pl.col("reason").cat.to(BATCHES["reason"])).select(*BATCHES)


def sizes_of(batches: pl.DataFrame, max_size: int) -> pl.DataFrame:
    """Rows of `SIZES`."""
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


def over_time_of(run: Run, edges: Edges, buckets: int, queue_limit: int | None) -> pl.DataFrame:
    """So many rows of `OVER_TIME`."""
    came, no_room, too_large, queue = run.buckets
    _, _, started, ended, events, *_ = run.batches
    exported = np.bincount((ended - edges.begin) // edges.width, weights=events, minlength=buckets).astype(np.int64)
    starts = edges.begin + edges.width * np.arange(buckets)
    waiting = np.zeros(buckets - edges.buckets, np.int64)
    for first, end in zip(run.firsts[:-1], run.firsts[1:], strict=True):
        # after the last event what waits grows fewer: most of it waits where a bucket begins
        left = np.append(np.cumsum(events[first:end][::-1])[::-1], 0)
        waits = left[np.searchsorted(started[first:end], starts[edges.buckets :], side="right")]
        waiting = np.maximum(waiting, waits if queue_limit is None else np.minimum(waits, queue_limit))

    def longer(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([values, np.zeros(buckets - edges.buckets, np.int64)])

    times = pl.Series(starts).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame({
        "start": times, "events": longer(came), "exported": exported, "dropped_full": longer(no_room),
        "dropped_oversize": longer(too_large), "queue_max": np.concatenate([queue, waiting]),
    }, schema=OVER_TIME)  # fmt: skip
