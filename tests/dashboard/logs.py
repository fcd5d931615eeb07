"""A small fleet's log in a store, with names that would like to be markup."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from onex_analytics import EventStore
from onex_analytics.synthetic import generate
from tests.frames.rows import events, run

EVIL = '<img src=x onerror="document.title=1">&<script>document.title="pwned"</script>'


def fleet_store(folder: Path, n: int = 4000) -> EventStore:
    """A seeded fleet of half a day, and one evil node."""
    store = EventStore(folder / "events")
    log = generate(n, 3, days=0.5)
    log.write(folder / "log.jsonl")
    store.append(folder / "log.jsonl")
    return store


IN_THE_MIDDLE = 304.75 * 86_400
"""Seconds from the noon of `events` to the morning of the fleet's half day."""


def evil_events(begin: float = IN_THE_MIDDLE, runs: int = 12) -> pl.LazyFrame:
    """Runs of a node whose name, operation and error codes are markup; each begins a second after the other."""
    rows = [
        row for i in range(runs)
        for row in run(EVIL, f"evil{begin}-{i}", begin + i, 5.0 + i, failed=i % 3 == 0, operation=EVIL, code=EVIL)
    ]  # fmt: skip
    return events({**row, "event_id": f"evil-{begin}-{place}"} for place, row in enumerate(rows))
