"""Cells of alert rules: from events to the values of every tick and label set, beside reading the same columns."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.race import FOLDER, Row, child, in_turn, median, spread

ROUNDS = 5
EVENTS, KEYS, DAYS = 10_000_000, 200, 7
SPEED_BAR, SHARED_BAR, LIVE_BAR, MEMORY_BAR = 20e6, 3.0, 100e3, 1.5


def rows() -> list[Row]:
    log = log_of(EVENTS)
    quarter = log_of(EVENTS // 4)
    ours = "benchmarks.alert_cells_timed"
    scan, one, two, hundred, live, small = in_turn(
        ROUNDS,
        lambda: child(ours, "scan", log),
        lambda: child(ours, "cells", log, 1),
        lambda: child(ours, "cells", log, 2),
        lambda: child(ours, "cells", log, 100),
        lambda: child(ours, "live", log, 100),
        lambda: child(ours, "cells", quarter, 2),
    )
    print(f"  scan {spread(scan)}; ratio {spread(one)}; count and ratio {spread(two)}; 100 rules {spread(hundred)}")
    speed = EVENTS / (median(two) - median(scan))
    shared = median(hundred) / median(one)
    a_second = live[0].said["events"] / median(live)
    grown = max(run.peak_mb for run in two) / max(run.peak_mb for run in small)
    return [
        Row(
            f"alert cells from {EVENTS // 1_000_000} M events (count and ratio, {KEYS} keys, 1 min), beyond the scan",
            f"≥ {SPEED_BAR / 1e6:.0f} M events/s", f"{speed / 1e6:.1f} M events/s", speed >= SPEED_BAR,
        ),
        Row(
            "alert cells: 100 rules that share aggregates / one rule",
            f"≤ {SHARED_BAR} ×", f"{shared:.2f} ×", shared <= SHARED_BAR,
        ),
        Row(
            "alert cells live: 100 rules, 10 k events a call, every tick closed",
            f"≥ {LIVE_BAR / 1e3:.0f} k events/s", f"{a_second / 1e3:.0f} k events/s", a_second >= LIVE_BAR,
        ),
        Row(
            "memory of alert cells: four times the events on as many days / as they are",
            f"≤ {MEMORY_BAR} ×", f"{grown:.2f} ×", grown <= MEMORY_BAR,
        ),
    ]  # fmt: skip


def log_of(many: int) -> str:
    """A week of events of 200 nodes, in the order of time."""
    file = FOLDER / f"alert-events-{many}.parquet"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(4)
        times = np.sort(draw.integers(0, DAYS * 86_400_000_000, many)) + 1_760_000_000_000_000
        nodes = pl.Series([f"some_worker_node_{place:03}" for place in range(KEYS)])
        outcomes = pl.Series(["start", "success", "success", "success", "failure", "soft_failure"])
        pl.DataFrame({
            "event_id": pl.repeat("", many, eager=True),
            "timestamp": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            "node": nodes.gather(draw.integers(0, KEYS, many)),
            "outcome": outcomes.gather(draw.integers(0, len(outcomes), many)),
            "adjusted_count": np.ones(many),
        }).write_parquet(file, compression="zstd", compression_level=1)
    return str(file)
