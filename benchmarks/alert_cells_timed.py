"""One pass over a log: `python -m benchmarks.alert_cells_timed scan|cells|live FILE [RULES]`."""

from __future__ import annotations

import sys
from typing import Any

import polars as pl

from benchmarks.timed import timed
from onex_analytics.alerting.cells import Fold
from onex_analytics.alerting.rules import Group

way, log = sys.argv[1:3]
READ = ("timestamp", "node", "outcome", "adjusted_count")
CALL, LIVE_EVENTS = 10_000, 1_000_000


def rule(place: int, many: int) -> dict[str, Any]:
    """A ratio, a count, a ratio …: a hundred rules have ten windows and ten thresholds each."""
    window = "10m" if many <= 2 else f"{5 + 5 * (place // 2 % 10)}m"
    failed = "outcome == 'failure'"
    ratio = {"ratio": {"of": failed, "over": "outcome in ('success', 'failure')", "window": window}, "threshold": 0.2}
    count = {"count": {"of": failed, "window": window}, "threshold": place}
    return {"alert": f"rule {place}", "by": ["node"], "when": count if place % 2 else ratio}


def group(many: int) -> Group:
    rules = [rule(place, many) for place in range(many)]
    return Group.model_validate({"name": "fleet", "interval": "1m", "rules": rules})


def events() -> pl.LazyFrame:
    return pl.scan_parquet(log).select(*READ, pl.lit("").alias("event_id"))


def scan() -> dict[str, Any]:
    return {"events": sum(batch.height for batch in pl.scan_parquet(log).select(READ).collect_batches())}


def cells(many: int) -> dict[str, Any]:
    """Every tick, as far as the events have come."""
    fold, runs = Fold(group(many), events().collect_schema()), 0
    for batch in events().collect_batches():
        fold.take(batch)
        latest = int(batch["timestamp"].to_numpy()[-1].astype("datetime64[us]").astype(int))
        runs += sum(len(part.first) for part in fold.close(fold.grid.tick_before(latest)))
    runs += sum(len(part.first) for part in fold.close(fold.grid.tick_at_or_after(latest)))
    return {"runs": runs}


def live(many: int, held: pl.DataFrame) -> dict[str, Any]:
    """Calls of ten thousand events, each closing the ticks before its last event."""
    fold, runs = Fold(group(many), held.schema), 0
    for batch in held.iter_slices(CALL):
        fold.take(batch)
        latest = int(batch["timestamp"].to_numpy()[-1].astype("datetime64[us]").astype(int))
        runs += sum(len(part.first) for part in fold.close(fold.grid.tick_before(latest)))
    return {"events": held.height, "runs": runs}


if way == "scan":
    timed(scan)
else:
    begin = events().head(3 * CALL).collect()
    live(2, begin)  # kernels are loaded before the clock runs
    many_rules = int(sys.argv[3])
    if way == "cells":
        timed(lambda: cells(many_rules))
    else:
        log_held = events().head(LIVE_EVENTS).collect()
        timed(lambda: live(many_rules, log_held))
