"""One way to pair 2 M events: `python -m benchmarks.spans_timed ours|polars|duckdb FILE`; `… anew|update STORE LOG`.

`ours` builds spans with all rules and all columns from events in memory; `polars` and `duckdb` join starts to ends on
a hash of correlation id, node and family, and keep ids and times: the least that any pairing does.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.timed import timed
from onex_analytics.frames.spans import building
from onex_analytics.model.shapes import EVENTS, SPANS
from onex_analytics.store import EventStore

way, where = sys.argv[1:3]


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if way in ("anew", "update"):
    store = EventStore(where)
    if way == "update":
        store.spans()
        store.append(sys.argv[3])
        store = EventStore(where)

    def spans_of_store() -> dict[str, Any]:
        store.spans()
        return {}

    if way == "anew":  # compiled code is loaded before the clock runs, as it is for the update
        building.build_spans(store.scan().gather_every(30)).collect()
    timed(spans_of_store)
    sys.exit()

names = pl.scan_parquet(where).collect_schema().names()
dimensions = {name: name for name in names if name not in EVENTS}
wanted = [*SPANS, *dimensions]
columns = [name for name in building._columns_read(wanted, dimensions) if name in names]
events = pl.read_parquet(where, columns=columns)
if way == "ours":  # compiled code is loaded before the clock runs: a sample in which spans have parents, too
    building.build_spans(events.gather_every(events.height // 60_000)).collect()
before, size = peak_mb(), events.estimated_size("mb")


def ours() -> dict[str, Any]:
    spans = building.build_spans(events).collect()
    return {"rows": spans.height, "events": events.height, "touched_mb": size, "more_mb": peak_mb() - before}


def polars_join() -> dict[str, Any]:
    key = pl.concat_str("correlation_id", "node", "family").hash().alias("key")
    correlated = events.lazy().filter(pl.col("correlation_id").is_not_null())
    rows = correlated.select(key, "event_id", "timestamp", "outcome")
    starts = rows.filter(pl.col("outcome") == "start")
    ends = rows.filter(pl.col("outcome").is_in(["success", "soft_failure", "failure"]))
    return {"rows": starts.join(ends, on="key", how="left").collect().height, "events": events.height}


def duckdb_join() -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.register("events", events.select("correlation_id", "node", "family", "event_id", "timestamp", "outcome"))
    found = connection.execute("""
        WITH keyed AS (SELECT hash(correlation_id, node, family) AS key, event_id, timestamp, outcome FROM events
                       WHERE correlation_id IS NOT NULL)
        SELECT s.event_id, s.timestamp, e.event_id AS end_id, e.timestamp AS ended FROM keyed s LEFT JOIN keyed e
        ON s.key = e.key AND e.outcome IN ('success', 'soft_failure', 'failure') WHERE s.outcome = 'start'
    """).to_arrow_table()
    return {"rows": found.num_rows, "events": events.height}


assert Path(where).exists()
timed({"ours": ours, "polars": polars_join, "duckdb": duckdb_join}[way])
