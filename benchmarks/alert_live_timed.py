"""One live run: `python -m benchmarks.alert_live_timed batches|single|closures|predicates EVENTS SIZE DENSE`.

`closures` is the peer that a live engine usually is: a Python function and a deque a rule, called for each event.
DENSE is the rate of the stream in events a second of its own time; 0 leaves the times as they are in the log.
"""

from __future__ import annotations

import sys
from collections import defaultdict, deque
from typing import Any

import polars as pl

from benchmarks.alert_live_rules import hundred_rules
from benchmarks.race import FOLDER
from benchmarks.timed import timed
from onex_analytics.alerting import AlertEngine
from onex_analytics.alerting.event_alerting import EventAlertingEngine

way, events, size, dense = sys.argv[1], *map(int, sys.argv[2:])
rules = hundred_rules()
READ = ["event_id", "timestamp", "event_type", "family", "outcome", "node", "operation", "execution_time_ms",
        "adjusted_count", "arrived_at"]  # fmt: skip
log = pl.scan_parquet(FOLDER / "events-2m.parquet").select(READ).sort("timestamp").head(events).collect()
if dense:
    started = pl.col("timestamp").min()
    log = log.with_columns(timestamp=started + pl.duration(microseconds=pl.int_range(pl.len()) * (1_000_000 // dense)))
schema = {name: log.schema[name] for name in READ}


def warm() -> AlertEngine:
    """Every kernel is loaded; an engine that has seen nothing."""
    first = AlertEngine(rules, lambda page: None, schema=schema)
    first.process(log.head(5000))
    first.advance(log["timestamp"].max())  # type: ignore[arg-type]
    return AlertEngine(rules, lambda page: None, schema=schema)


def batches() -> dict[str, Any]:
    assert engine is not None
    for begin in range(0, log.height, size):
        engine.process(log[begin : begin + size])
    return said()


def said() -> dict[str, Any]:
    """What it did, and how many ticks of the grid it closed for it."""
    assert engine is not None
    span = log["timestamp"].max() - log["timestamp"].min()  # type: ignore[operator]
    return {**engine.counts, "ticks": span.total_seconds() / 60}  # type: ignore[union-attr]


def single() -> dict[str, Any]:
    assert engine is not None
    for row in rows:
        engine.process([row])
    return said()


def closures() -> dict[str, Any]:
    """Each rule's filter and a sliding count a node, judged at each event."""
    fired = 0
    watched = []
    for _, rule in rules.rules:
        assert rule.where is not None
        cell = rule.when.cell
        of = getattr(cell, "of", None)
        watched.append((
            rule.where.predicate(), of.predicate() if of is not None else None, defaultdict(deque),
            cell.window, rule.when.threshold,
        ))  # fmt: skip
    for row in rows:
        at = row["timestamp"]
        for where, of, held, window, threshold in watched:
            if where(row) and (of is None or of(row)):
                queue = held[row["node"]]
                queue.append(at)
                while queue[0] <= at - window:
                    queue.popleft()
                fired += len(queue) > threshold
    return {"fired": fired}


def predicates() -> dict[str, Any]:
    """The seed's engine: a hundred patterns, an action each."""
    engine = EventAlertingEngine()
    for _, rule in rules.rules:
        assert rule.where is not None
        engine.add_alert_rule(rule.where, lambda event: None)
    engine.process(rows)
    return {"matches": engine.counts["matches"]}


engine = warm() if way in ("batches", "single") else None
rows = log.rows(named=True) if way != "batches" else []
timed({"batches": batches, "single": single, "closures": closures, "predicates": predicates}[way])
