"""The table of latencies by node and operation: `python -m benchmarks.latency_timed exact|sketch|duckdb FILE`.

Before the clock starts the same question is asked of a few rows, so that every program is loaded: kernels come from
Numba's cache, which an earlier process has filled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl

from benchmarks.timed import timed
from onex_analytics.profiling import histogram_table, latency_table

way, where = sys.argv[1:]
REPEATS = 3
TABLE = """SELECT node, operation, count(*), avg(duration_ms), stddev(duration_ms), min(duration_ms), max(duration_ms),
    quantile_disc(duration_ms, [0.5, 0.9, 0.95, 0.99]) FROM {} GROUP BY node, operation"""
connection = duckdb.connect()
connection.execute("SET threads = 2")


def of_duckdb(source: str) -> int:
    return sum(row[2] for row in connection.execute(TABLE.format(source)).fetchall())


def of_ours(ask: Callable[[pl.LazyFrame], pl.LazyFrame], spans: pl.LazyFrame) -> int:
    return int(ask(spans).collect()["n"].sum())


def table() -> dict[str, Any]:
    counted = 0
    for _ in range(REPEATS):
        counted = whole()
    return {"spans": counted}


if way == "duckdb":
    of_duckdb(f"(FROM '{where}' LIMIT 1000)")

    def whole() -> int:
        return of_duckdb(f"'{where}'")
else:
    ask = latency_table if way == "exact" else histogram_table
    few = pl.scan_parquet(where).head(1000)
    of_ours(ask, pl.concat([few, few]))  # two batches: the second goes another way than the first

    def whole() -> int:
        return of_ours(ask, pl.scan_parquet(where))


timed(table)
