"""One count by node and type: `python -m benchmarks.scan_timed store FOLDER` or `… parquet FILE`."""

from __future__ import annotations

import sys
from typing import Any

import polars as pl

from benchmarks.timed import timed
from onex_analytics.store import EventStore

way, where = sys.argv[1:]
opened = EventStore(where) if way == "store" else None
REPEATS = 5


def count() -> dict[str, Any]:
    groups = 0
    for _ in range(REPEATS):
        events = opened.scan() if opened is not None else pl.scan_parquet(where)
        groups = events.group_by("node", "event_type").agg(pl.len()).collect().height
    return {"groups": groups}


timed(count)
