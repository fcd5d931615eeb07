"""Results of batching that figures are drawn from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl

from onex_analytics.batching import BatchPolicy, ServiceTime, compare_policies, simulate_batching
from onex_analytics.batching.shapes import BatchingResult

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BURST = pl.LazyFrame({
    "timestamp": [NOON + timedelta(milliseconds=n * (1 if 400 <= n < 800 else 50)) for n in range(400)]
    + [NOON + timedelta(seconds=20, milliseconds=n) for n in range(400)],
    "size_bytes": [100 + n % 7 for n in range(800)],
})  # fmt: skip
"""Twenty events a second, and then a burst of a thousand a second."""
SLOW = ServiceTime(base_ms=200, ms_per_mb=0)


@cache
def tight() -> BatchingResult:
    """A queue that the burst overflows."""
    policy = BatchPolicy(max_size=20, max_age_ms=400, max_bytes=1800, queue_limit=60, when_full="drop_newest")
    return simulate_batching(policy, BURST, service=SLOW, every="1s")


@cache
def compared() -> pl.DataFrame:
    """Policies that nothing beats, that are beaten, and one that loses events."""
    policies = [BatchPolicy(max_size=size, max_age_ms=age) for size in (5, 50) for age in (100, 1000)]
    policies.append(BatchPolicy(name="small <queue>", max_size=5, queue_limit=10, when_full="drop_oldest"))
    policies.append(BatchPolicy(name="refuses all", max_bytes=1))
    return compare_policies(policies, BURST, service=SLOW)
