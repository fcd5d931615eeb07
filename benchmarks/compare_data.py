"""Parquet files of spans for the benchmarks of comparing, made with NumPy, and kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.race import FOLDER

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
NODES, HOSTS, TENANTS, VERSIONS = 25, 8, 12, 4


def operation_spans(n: int, seed: int, factor: float) -> Path:
    """Spans of one operation, five a trace; the six columns and a service."""
    path = FOLDER / f"operation-{n}-{seed}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        trace = rng.integers(0, n // 5, n) + seed * n
        took = np.exp(0.6 * rng.normal(size=n) + 0.5 * rng.normal(size=2 * n * (seed + 1))[trace % n]) * 10_000 * factor
        start = rng.integers(0, 86_400_000_000, n)
        base = pl.Series([MONDAY], dtype=pl.Datetime("us", "UTC")).new_from_index(0, n)
        begun = base + pl.Series(start).cast(pl.Duration("us"))
        pl.DataFrame({
            "trace_id": pl.Series(trace).cast(pl.String).str.zfill(32),
            "span_id": pl.Series(np.arange(n)).cast(pl.String).str.zfill(16),
            "parent_span_id": pl.Series([None], dtype=pl.String).new_from_index(0, n),
            "name": pl.Series(["stamp_file"]).new_from_index(0, n),
            "start": begun, "end": begun + pl.Series(took.astype(np.int64)).cast(pl.Duration("us")),
            "service": pl.Series(["stamper_node"]).new_from_index(0, n),
        }).write_parquet(path)  # fmt: skip
    return path


def struck_rows(n: int) -> Path:
    """Ten columns, a trace id and `slow`: large inputs on one host are slow."""
    path = FOLDER / f"contrast-{n}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)

        def names(prefix: str, many: int) -> pl.Series:
            return pl.lit(prefix) + pl.Series(rng.integers(0, many, n)).cast(pl.String)  # type: ignore[return-value]

        frame = pl.select(
            node_version=names("1.", 8), host=names("onex-", 10), tenant=names("tenant-", 30),
            operation=names("operation-", 200), kind=names("kind-", 4), node=names("node-", 12),
            schema_version=names("1.0.", 3), user=names("user-", 50_000),
            input_bytes=pl.Series(np.rint(6000 * np.exp(2.05 * rng.normal(size=n))).astype(np.int64)),
            queue_ms=pl.Series(rng.exponential(size=n)),
            trace_id=pl.Series(rng.integers(0, 2 * n // 5, n)).cast(pl.String).str.zfill(32),
        )  # fmt: skip
        dice = pl.Series(rng.random(n))
        cause = (pl.col("host") == "onex-3") & (pl.col("input_bytes") > 60_000)
        frame.with_columns(slow=(dice < 0.02) | cause & (dice < 0.5)).write_parquet(path)
    return path


def fleet_spans(n: int, days: int = 2, part: int = 5_000_000) -> Path:
    """A folder of spans of a fleet, in order of time; on the last day one node is three times as slow."""
    folder = FOLDER / f"fleet-{n}"
    if not folder.exists():
        making = FOLDER / f"fleet-{n}.making"
        making.mkdir(parents=True, exist_ok=True)
        span_us = days * 86_400_000_000
        for k in range(-(-n // part)):
            rng = np.random.default_rng([n, k])
            m = min(part, n - k * part)
            start = np.sort(rng.integers(span_us * k * part // n, span_us * (k * part + m) // n, m))
            trace = k * part + np.arange(m) // 6
            node, op = rng.integers(0, NODES, m), rng.integers(0, 16, m)
            host, tenant = rng.integers(0, HOSTS, m), rng.integers(0, TENANTS, m)
            size = np.rint(6000 * np.exp(2.05 * rng.normal(size=m))).astype(np.int64)
            late = start >= span_us // 2
            version = np.where(late & (node == 7), 3, rng.integers(0, 3, m))
            took = 5000 * (1 + op) * np.exp(0.6 * rng.normal(size=m))
            took = np.where((version == 3) & (host < 6), took * 3, took).astype(np.int64)
            base = pl.Series([MONDAY], dtype=pl.Datetime("us", "UTC")).new_from_index(0, m)
            begun = base + pl.Series(start).cast(pl.Duration("us"))
            text = pl.lit
            pl.select(
                trace_id=pl.Series(trace).cast(pl.String).str.zfill(32),
                span_id=pl.Series(k * part + np.arange(m)).cast(pl.String).str.zfill(16),
                parent_span_id=pl.lit(None, dtype=pl.String),
                name=text("operation-") + pl.Series(op).cast(pl.String), start=begun,
                end=begun + pl.Series(took).cast(pl.Duration("us")), duration_ms=pl.Series(took / 1000),
                state=text("closed"), status=text("ok"), node=text("node-") + pl.Series(node).cast(pl.String),
                operation=text("operation-") + pl.Series(op).cast(pl.String),
                node_version=text("1.") + pl.Series(version).cast(pl.String),
                host=text("onex-") + pl.Series(host).cast(pl.String),
                tenant=text("tenant-") + pl.Series(tenant).cast(pl.String), input_bytes=pl.Series(size),
            ).write_parquet(making / f"{k:04}.parquet", compression_level=1)  # fmt: skip
        making.rename(folder)
    return folder
