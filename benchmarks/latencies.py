"""Spans for the benchmarks of latencies: as `store.spans()` lays them down, all columns that anyone may ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.race import FOLDER

_PER_PART = 1_000_000
_NODES, _OPERATIONS, _SPANS_A_TRACE = 20, 20, 10


def spans_of(count: int) -> Path:
    """A Parquet file of `count` spans, 400 groups of (node, operation), made when first needed."""
    path = FOLDER / f"spans-{count}.parquet"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        parts = [_part(begin, min(_PER_PART, count - begin)) for begin in range(0, count, _PER_PART)]
        unfinished = path.with_suffix(".part")
        pl.concat(parts).write_parquet(unfinished, compression="zstd", compression_level=1)
        unfinished.rename(path)
    return path


def _part(begin: int, count: int) -> pl.DataFrame:
    random = np.random.default_rng(begin)
    node, operation = random.integers(0, _NODES, count), random.integers(0, _OPERATIONS, count)
    duration_us = np.exp(random.normal(10, 1, count) + 0.05 * node + 0.03 * operation).astype(np.int64)
    at = np.sort(random.integers(0, 10**9, count)) + begin * 1_000
    place = pl.int_range(begin, begin + count, eager=True)
    in_trace = place % _SPANS_A_TRACE
    return pl.DataFrame({
        "trace_id": (place // _SPANS_A_TRACE * 0x9E3779B1).cast(pl.String).str.zfill(32),
        "span_id": (place * 0x85EBCA6B).cast(pl.String).str.zfill(16),
        "parent_span_id": pl.select(
            pl.when(in_trace > 0).then(((place - in_trace) * 0x85EBCA6B).cast(pl.String).str.zfill(16))
        ).to_series(),
        "name": pl.Series([f"operation_{i:02d}" for i in range(_OPERATIONS)])[operation],
        "start": pl.Series(at).cast(pl.Datetime("us", "UTC")),
        "end": pl.Series(at + duration_us).cast(pl.Datetime("us", "UTC")),
        "duration_ms": duration_us / 1000,
        "status": pl.Series(["ok", "error"])[(random.random(count) < 0.02).astype(np.int64)],
        "state": pl.Series(["closed"]).gather(np.zeros(count, np.int64)),
        "node": pl.Series([f"node_{i:02d}" for i in range(_NODES)])[node],
        "operation": pl.Series([f"operation_{i:02d}" for i in range(_OPERATIONS)])[operation],
        "adjusted_count": np.ones(count),
    })  # fmt: skip
