"""Policies beside a scan, and draws a second: `python -m benchmarks.sampling_timed scan|simulate|emit [FILE]`.

Before the clock starts the same policies are simulated on a few rows, so that every program is loaded: kernels come
from Numba's cache, which an earlier process has filled.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import polars as pl

from benchmarks.timed import timed
from onex_analytics.sampling import EventSampler, ProbabilityPolicy, RulePolicy, simulate

way, *where = sys.argv[1:]
POLICIES = 100
CALLS = 5_000_000
READ = ("trace_id", "correlation_id", "event_id", "node", "event_type", "family", "outcome", "error_code", "error_type",
        "execution_time_ms", "size_bytes", "adjusted_count")  # fmt: skip
METRICS = ("count", "error_rate", "sum(execution_time_ms)", "p95(execution_time_ms)")


def policies(nodes: list[str]) -> list[ProbabilityPolicy | RulePolicy]:
    """As many of one share as of rules: ten nodes and a family of types have shares of their own, failures are kept."""
    rng = np.random.default_rng(1)
    plain = [ProbabilityPolicy(name=f"share {p:.2f}", probability=p) for p in np.linspace(0.01, 1, POLICIES // 2)]
    ruled = [
        RulePolicy(name=f"rules {number}", default=rng.uniform(0.01, 1), rules=[
            *({"node": node, "probability": rng.uniform(0.01, 1)} for node in nodes[:10]),
            {"event_type": "NODE_*", "probability": rng.uniform(0.01, 1)},
        ]) for number in range(POLICIES - len(plain))
    ]  # fmt: skip
    return [*plain, *ruled]


def scanned() -> dict[str, Any]:
    return {"events": pl.scan_parquet(where[0]).select(READ).collect().height}


def simulated() -> dict[str, Any]:
    found = simulate(tried, pl.scan_parquet(where[0]), METRICS, by="node")
    assert found.policies.height == POLICIES
    return {"events": found.policies["events"][0]}


def emitted() -> dict[str, Any]:
    sampler = EventSampler({"NODE_START": 0.1, "TELEMETRY_*": 0.5}, seed=1)
    should_emit = sampler.should_emit
    kept = 0
    for _ in range(CALLS // 2):
        kept += should_emit("NODE_START")
        kept += should_emit("NODE_SUCCESS")
    return {"calls": CALLS, "kept": kept}


if way == "simulate":
    few = pl.scan_parquet(where[0]).head(20_000)
    tried = policies(few.select(pl.col("node").unique().sort()).collect()["node"].to_list())
    simulate(tried[::20], few, METRICS, by="node")
timed({"scan": scanned, "simulate": simulated, "emit": emitted}[way])
