"""A policy tried on the events of each batcher, by the compiled kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onex_analytics.batching import simulation_kernels as kernels
from onex_analytics.batching.arrivals import Arrivals
from onex_analytics.batching.compression import CompressionCurve
from onex_analytics.batching.exporters import ServiceTime
from onex_analytics.batching.policies import BatchPolicy

_WHEN_FULL = {"block": kernels.BLOCK, "drop_newest": kernels.DROP_NEWEST, "drop_oldest": kernels.DROP_OLDEST}


class Edges(NamedTuple):
    """Buckets of time: where the first begins, how wide they are (µs), and how many reach to the last event."""

    begin: int
    width: int
    buckets: int


class Run(NamedTuple):
    """What became of the events; the rows of the arrays are named in `simulation_kernels`."""

    where: NDArray[np.int32]
    """The batch of each event."""
    batches: NDArray[np.int64]
    """Those of one batcher after those of the other, each in the order of its exports."""
    buckets: NDArray[np.int64]
    """Of all batchers; of `QUEUE` the most in one of them."""
    facts: NDArray[np.int64]
    firsts: NDArray[np.int64]
    """Where the batches of each batcher begin, and the number of all."""

    @property
    def exported_by(self) -> int | None:
        """When the last batch was exported."""
        ended = self.batches[kernels.ENDED]
        return int(ended.max()) if ended.size else None


def run_of(
    arrivals: Arrivals, policy: BatchPolicy, service: ServiceTime, compression: CompressionCurve | None, edges: Edges
) -> Run:
    """Every batcher with an exporter of its own."""
    parts = []
    for first, end in zip(arrivals.firsts[:-1], arrivals.firsts[1:], strict=True):
        own = arrivals._replace(times=arrivals.times[first:end], sizes=arrivals.sizes[first:end])
        parts.append(_of_one(own, policy, service, compression, edges))
    if len(parts) == 1:
        return parts[0]
    firsts = np.cumsum([0, *(part.batches.shape[1] for part in parts)])
    for part, first in zip(parts, firsts[:-1], strict=True):
        part.where[part.where >= 0] += first
    facts = np.sum([part.facts for part in parts], axis=0)
    facts[kernels.BLOCKED_MAX] = max(part.facts[kernels.BLOCKED_MAX] for part in parts)
    buckets = np.sum([part.buckets for part in parts], axis=0)
    buckets[kernels.QUEUE] = np.max([part.buckets[kernels.QUEUE] for part in parts], axis=0)
    return Run(
        np.concatenate([part.where for part in parts]), np.concatenate([part.batches for part in parts], axis=1),
        buckets, facts, firsts,
    )  # fmt: skip


def _of_one(
    arrivals: Arrivals, policy: BatchPolicy, service: ServiceTime, compression: CompressionCurve | None, edges: Edges
) -> Run:
    limits = policy.limits(1000)
    knots = compression.knots() if compression is not None else (np.empty(0), np.empty(0))
    events = arrivals.times.size
    capacity = min(_most_batches(arrivals, policy), events + 4)
    while True:
        where, batches = np.empty(events, np.int32), np.empty((kernels.BATCH_ROWS, capacity), np.int64)
        buckets = np.zeros((kernels.BUCKET_ROWS, edges.buckets), np.int64)
        facts = np.zeros(kernels.FACTS, np.int64)
        done = kernels.batch_up(
            arrivals.times, arrivals.sizes, limits.max_size, limits.max_age, limits.max_bytes, limits.queue_limit,
            limits.alone, _WHEN_FULL[policy.when_full], service.base_ms * 1000, service.ms_per_mb / 1000,
            service.counts == "compressed", *knots, edges.begin + edges.width, edges.width, where, batches, buckets,
            facts,
        )  # fmt: skip
        if done:
            made = facts[kernels.LAST]
            return Run(where, batches[:, :made], buckets, facts, np.array([0, made]))
        capacity = events + 4


def _most_batches(arrivals: Arrivals, policy: BatchPolicy) -> int:
    """More batches than there can be where nobody waits."""
    limits = policy.limits(1000)
    span = int(arrivals.times[-1] - arrivals.times[0])
    by_bytes = 0 if policy.max_bytes is None else 2 * int(arrivals.sizes.sum()) // policy.max_bytes
    return arrivals.times.size // limits.max_size + span // limits.max_age + by_bytes + 8
