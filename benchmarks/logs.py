"""The logs that the benchmarks read: the seeded fleet with its default traps, about 345 bytes an event."""

from __future__ import annotations

from pathlib import Path

from benchmarks.race import FOLDER
from onex_analytics.synthetic import generate


def log_of(n_events: int) -> Path:
    """A JSONL log of `n_events` events, made once."""
    path = FOLDER / f"fleet-{n_events}.jsonl"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".unfinished.jsonl")
        generate(n_events, seed=20261123).write(unfinished)
        unfinished.rename(path)
    return path
