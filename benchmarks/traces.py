"""Traces drawn at random: sizes with a heavy tail, depths as the logarithm of the size, rows in order of end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.race import FOLDER
from onex_analytics.model.shapes import UTC_MICROSECONDS

_NOON = 1_780_000_000_000_000
_OPERATIONS, _SERVICES = 400, 37


def traces_of(spans: int, seed: int = 3) -> Path:
    """A Parquet file of `spans` spans, made when first needed: a tenth of all spans lie in traces of over 1,000."""
    path = FOLDER / f"traces-{spans}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn(spans, seed).write_parquet(path)
    return path


def drawn(spans: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    sizes = np.minimum(3 + 6 * rng.pareto(1.2, spans // 3), 50_000).astype(np.int64)
    n_traces = int(np.searchsorted(np.cumsum(sizes), spans)) + 1
    sizes = sizes[:n_traces]
    sizes[-1] -= sizes.sum() - spans
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    within = np.arange(spans) - first
    parent = np.where(within > 0, first + (rng.random(spans) * within).astype(np.int64), -1)
    start, end = np.zeros(spans, np.int64), np.zeros(spans, np.int64)
    level = np.flatnonzero(parent < 0)
    start[level] = np.sort(rng.integers(0, 3_600_000_000, n_traces))
    end[level] = start[level] + rng.lognormal(11, 1, n_traces).astype(np.int64)
    below = np.flatnonzero(parent >= 0)
    while below.size:
        ready = np.isin(parent[below], level)
        level, below = below[ready], below[~ready]
        low, length = start[parent[level]], (end - start)[parent[level]]
        from_, until = np.sort(rng.random((2, level.size)), axis=0)
        start[level], end[level] = low + (from_ * length).astype(np.int64), low + (until * length).astype(np.int64)
    ids = pl.Series(rng.permutation(spans)).cast(pl.String).str.zfill(16)
    trace_ids = pl.Series(rng.permutation(n_traces)).cast(pl.String).str.zfill(32)
    operation = np.minimum(rng.zipf(1.3, spans), _OPERATIONS) - 1
    names = pl.Series([f"service-{i % _SERVICES}.operation-{i}" for i in range(_OPERATIONS)])
    above = pl.Series(parent)
    return pl.DataFrame({
        "trace_id": trace_ids.gather(pl.Series(np.repeat(np.arange(n_traces), sizes))),
        "span_id": ids,
        "parent_span_id": ids.gather(above.set(above < 0, None)),
        "name": names.gather(pl.Series(operation)),
        "start": pl.Series(start + _NOON).cast(UTC_MICROSECONDS),
        "end": pl.Series(end + _NOON).cast(UTC_MICROSECONDS),
    }).sort("end")
