"""One run: `python -m benchmarks.batching_timed add|peer|simulate|compare EVENTS`.

`peer` is OpenTelemetry's way in plain Python: a deque and an event that wakes the worker when a batch is there.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Any

import numpy as np
import polars as pl

from benchmarks.timed import timed

way, count = sys.argv[1], int(sys.argv[2])
EVENT = {"event_type": "NODE_START", "node_id": "stamper_node"}
SIZES, AGES = (10, 100, 1000), (10, 1000)


def add() -> dict[str, Any]:
    """As many events as one thread can add, and the time until all are exported."""
    from onex_analytics.batching import EventBatcher

    exported = 0

    def exporter(events: list[dict[str, str]]) -> None:
        nonlocal exported
        exported += len(events)

    with EventBatcher(max_size=100, exporter=exporter) as batcher:
        add_event = batcher.add_event
        for _ in range(count):
            add_event(EVENT)
    assert exported == count
    return {"batches": batcher.counts().batches}


def peer() -> dict[str, Any]:
    queue: deque[dict[str, str]] = deque()
    awake, ended = threading.Event(), False
    exported = 0

    def work() -> None:
        nonlocal exported
        while not ended or queue:
            awake.wait(0.005)
            awake.clear()
            while len(queue) >= 100 or (ended and queue):
                exported += len([queue.pop() for _ in range(min(100, len(queue)))])

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(count):
        queue.appendleft(EVENT)
        if len(queue) >= 100:
            awake.set()
    ended = True
    worker.join()
    assert exported == count
    return {"batches": count // 100}


def log() -> pl.LazyFrame:
    """Events at random, a thousand a second."""
    chance = np.random.default_rng(1)
    times = 1_790_000_000_000_000 + np.cumsum(chance.exponential(1000, count)).astype(np.int64)
    sizes = chance.integers(200, 2000, count).astype(np.uint32)
    return pl.DataFrame({"timestamp": pl.Series(times).cast(pl.Datetime("us")), "size_bytes": sizes}).lazy()


def simulate() -> dict[str, Any]:
    from onex_analytics.batching import BatchPolicy, simulate_batching

    found = simulate_batching(BatchPolicy(), events)
    assert found.summary["events"].item() == count
    return {"batches": found.batches.height}


def compare() -> dict[str, Any]:
    from onex_analytics.batching import BatchPolicy, compare_policies

    policies = [BatchPolicy(max_size=size, max_age_ms=age, max_bytes=50_000) for size in SIZES for age in AGES]
    found = compare_policies(policies, events)
    assert (found["events"] == count).all()
    return {"policies": found.height}


if way in ("simulate", "compare"):
    from onex_analytics.batching import BatchPolicy, compare_policies, simulate_batching

    few = pl.LazyFrame({"timestamp": pl.Series([0, 1]).cast(pl.Datetime("us")), "size_bytes": pl.Series([1, 1])})
    simulate_batching(BatchPolicy(), few)  # every kernel is loaded
    compare_policies([BatchPolicy()], few)
    events = log()
timed({"add": add, "peer": peer, "simulate": simulate, "compare": compare}[way])
