"""The peers: `… scipy A B` (Mann–Whitney and 200 plain resamples), `… duckdb FILE` (the counts of the same pairs)."""

from __future__ import annotations

import sys
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import polars as pl
from scipy import stats

from benchmarks.timed import timed

RESAMPLES = 200
COLUMNS = ("node_version", "host", "tenant", "operation", "kind", "node", "schema_version", "user")

what, *where = sys.argv[1:]


def scipy() -> dict[str, Any]:
    """Spans as if they were independent: what a notebook does."""
    rng = np.random.default_rng(0)
    before, after = took
    u = stats.mannwhitneyu(after, before).statistic
    ratios = [
        np.median(after[rng.integers(0, len(after), len(after))])
        / np.median(before[rng.integers(0, len(before), len(before))])
        for _ in range(RESAMPLES)
    ]
    return {"superiority": u / len(before) / len(after), "p50_ratio": float(np.median(ratios))}


def pairs() -> dict[str, Any]:
    """All and slow rows by every two columns; numbers are cut into twenty-two parts before, untimed."""
    columns = [*COLUMNS, "input_bytes", "queue_ms"]
    sets = ", ".join(f"({a}, {b})" for a, b in combinations(columns, 2))
    counted = connection.execute(
        f"SELECT count(*) FROM (SELECT {', '.join(columns)}, count(*) AS n, count(*) FILTER (slow) AS hits "
        f"FROM rows GROUP BY GROUPING SETS ({sets}) HAVING count(*) >= 5000)"
    ).fetchone()
    return {"groups": counted[0] if counted else 0}


if what == "scipy":
    took = [
        pl.read_parquet(path).select((pl.col("end") - pl.col("start")).dt.total_microseconds() / 1000)
        .to_series().to_numpy() for path in where
    ]  # fmt: skip
    timed(scipy)
else:
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    cuts = ", ".join(f"ntile(22) OVER (ORDER BY {c}) AS {c}" for c in ("input_bytes", "queue_ms"))
    connection.execute(f"CREATE TABLE rows AS SELECT {', '.join(COLUMNS)}, slow, {cuts} FROM '{where[0]}'")
    pairs()
    timed(pairs)
