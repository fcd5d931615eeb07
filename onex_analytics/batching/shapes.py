"""The frames that a simulation gives."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from onex_analytics.batching.deciding import REASONS

_TIME = pl.Datetime("us", "UTC")
BATCH_REASON = pl.Enum(REASONS[:3])

SUMMARY = pl.Schema({
    "policy": pl.String(),            # its title
    "max_size": pl.Int64(),           # the policy: events of a batch, at most
    "max_age_ms": pl.Float64(),       # and how old its first event may get
    "max_bytes": pl.Int64(),          # null for no limit
    "queue_limit": pl.Int64(),        # null for no limit
    "when_full": pl.String(),
    "batchers": pl.Int64(),           # each with an exporter of its own
    "events": pl.Int64(),             # = exported + dropped_full + dropped_oversize + pending
    "exported": pl.Int64(),           # until the last event came
    "dropped_full": pl.Int64(),       # for want of room
    "dropped_oversize": pl.Int64(),   # refused: one event over max_bytes
    "pending": pl.Int64(),            # waited or were being exported when the last event came
    "unsized": pl.Int64(),            # events of unknown size, taken as large as the mean of the others
    "batches": pl.Int64(),
    "batches_per_s": pl.Float64(),    # over the time from the first event to the last; null where that is none
    "size_mean": pl.Float64(),        # events a batch
    "size_p50": pl.Int64(),
    "size_max": pl.Int64(),
    "bytes": pl.Int64(),              # of all batches
    "compressed_bytes": pl.Int64(),   # null where nothing was calibrated
    "delay_mean_ms": pl.Float64(),    # from when an event came to when its batch was exported
    "delay_p50_ms": pl.Float64(),
    "delay_p95_ms": pl.Float64(),
    "delay_p99_ms": pl.Float64(),
    "delay_max_ms": pl.Float64(),
    "queue_max": pl.Int64(),          # events that waited at once, for one exporter
    "blocked": pl.Int64(),            # events whose producer had to wait
    "blocked_ms": pl.Float64(),       # for how long together
    "blocked_max_ms": pl.Float64(),   # and one event at most
    "utilisation": pl.Float64(),      # share of the time, until all was exported, in which exporters worked
})  # fmt: skip
"""One row: what a policy would have made of a log."""

COMPARISON = pl.Schema({
    **SUMMARY,
    "best": pl.Boolean(),             # none has at most its batches a second, p95 of delay and losses, and less of one
})  # fmt: skip
"""One row a policy."""

BATCHES = pl.Schema({
    "opened": _TIME,                  # when its first event came (was let in, where it had to wait)
    "closed": _TIME,
    "started": _TIME,                 # when the exporter began
    "exported": _TIME,
    "events": pl.Int64(),
    "bytes": pl.Int64(),
    "compressed_bytes": pl.Int64(),   # null where nothing was calibrated
    "reason": BATCH_REASON,           # why it closed: enough events, enough bytes, old enough
})  # fmt: skip
"""One row a batch, in the order of the exports."""

SIZES = pl.Schema({
    "reason": BATCH_REASON,
    "size_from": pl.Int64(),          # batches of this many events
    "size_to": pl.Int64(),            # up to this many
    "batches": pl.Int64(),
    "events": pl.Int64(),             # in them together
})  # fmt: skip
"""One row a size of batches and why they closed, in at most 41 steps: the largest size has one of its own. Sizes
without a batch have none."""

OVER_TIME = pl.Schema({
    "start": _TIME,                   # of the bucket
    "events": pl.Int64(),             # that came
    "exported": pl.Int64(),
    "dropped_full": pl.Int64(),
    "dropped_oversize": pl.Int64(),
    "queue_max": pl.Int64(),          # events that waited at once, for one exporter
})  # fmt: skip
"""One row a bucket of time, from the first event to the last export, quiet ones among them."""


class BatchingResult(NamedTuple):
    """What a policy would have made of a log."""

    summary: pl.DataFrame
    """One row, of `SUMMARY`."""
    batches: pl.DataFrame
    """Of `BATCHES`."""
    sizes: pl.DataFrame
    """Of `SIZES`."""
    over_time: pl.DataFrame
    """Of `OVER_TIME`."""
    every: str
    """How wide its buckets are."""

    def __repr__(self) -> str:
        told = self.summary.row(0, named=True)
        lost = told["dropped_full"] + told["dropped_oversize"]
        counts = f"{told['events']:,} events, {told['batches']:,} batches, {lost:,} lost"
        return f"BatchingResult({told['policy']}: {counts})"
