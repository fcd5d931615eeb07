"""`python -m benchmarks.compare_ours compare A B`, `… contrast FILE`, or `… slower FOLDER` (twice in one process)."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

import polars as pl

from benchmarks.compare_data import MONDAY
from benchmarks.timed import timed
from onex_analytics.frames import contrast
from onex_analytics.profiling import compare

what, *where = sys.argv[1:]
frames = [pl.read_parquet(path) for path in where] if what != "slower" else []


def compared() -> dict[str, Any]:
    row = compare(frames[0], frames[1], by=()).collect().row(0, named=True)
    return {"superiority": row["superiority"], "p50_ratio": row["p50_ratio"]}


def contrasted() -> dict[str, Any]:
    found = contrast(frames[0], "slow").collect()
    return {"tests": found["n_tests"][0], "first": found["pattern"][0]}


def slower() -> dict[str, Any]:
    """What got slower (by node and operation), and for whom."""
    spans = pl.scan_parquet(f"{where[0]}/*.parquet")
    noon = MONDAY + timedelta(days=1)
    table = compare(spans, noon).collect()
    worst = table.filter(verdict="regression").sort("p95_ratio_low").row(-1, named=True)
    own = spans.filter(pl.col("node") == worst["node"]).select(
        "trace_id", "duration_ms", "operation", "node_version", "host", "tenant", "input_bytes", "start"
    )
    usual = worst["p95_baseline_ms"]
    found = contrast(own, pl.col("duration_ms") > usual).collect()
    return {"node": worst["node"], "first": found["pattern"][0], "rows": table.height}


job = {"compare": compared, "contrast": contrasted, "slower": slower}[what]
began = time.perf_counter()
job()  # kernels are loaded, files are in the page cache
first = time.perf_counter() - began
timed(lambda: {**job(), "first_seconds": first})
