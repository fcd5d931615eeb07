"""Pairing 2 M events into spans, beside a join that does the least of it; and bringing the store's spans up to date."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.logs import log_of
from benchmarks.race import FOLDER, Row, Run, child, in_turn, median, spread
from onex_analytics.store import EventStore
from onex_analytics.synthetic import DIMENSIONS

EVENTS = 2_000_000
ROUNDS = 3
PACE_BAR, MEMORY_BAR, UPDATE_BAR = 3e6, 3.0, 0.05


def rows() -> list[Row]:
    events = _events()
    ours, join, duck = in_turn(
        ROUNDS,
        lambda: child("benchmarks.spans_timed", "ours", events),
        lambda: child("benchmarks.spans_timed", "polars", events),
        lambda: child("benchmarks.spans_timed", "duckdb", events),
    )
    pace = {name: runs[0].said["events"] / median(runs) for name, runs in
            (("ours", ours), ("Polars", join), ("DuckDB", duck))}  # fmt: skip
    memory = max(run.said["more_mb"] / run.said["touched_mb"] for run in ours)
    print(f"  spans {spread(ours)}; one Polars join {spread(join)}; one DuckDB join {spread(duck)}")
    anew, update = in_turn(2, _anew, _update)
    ratio = median(update) / median(anew)
    print(f"  spans of the store anew {spread(anew)}; after 1 % new events {spread(update)}")
    beside = f"one Polars join {pace['Polars'] / 1e6:.1f} M/s, one DuckDB join {pace['DuckDB'] / 1e6:.1f} M/s"
    return [
        Row(
            "2 M events into spans, all rules and columns, in memory", f"≥ {PACE_BAR / 1e6:.0f} M/s",
            f"{pace['ours'] / 1e6:.2f} M/s ({beside})", pace["ours"] >= PACE_BAR,
        ),
        Row(
            "memory that it takes / the columns touched", f"≤ {MEMORY_BAR:.0f} ×", f"{memory:.2f} ×",
            memory <= MEMORY_BAR,
        ),
        Row(
            "`store.spans()` of 2 M events after 1 % new ones / pairing everything", f"≤ {UPDATE_BAR:.0%}",
            f"{ratio:.1%}", ratio <= UPDATE_BAR,
        ),
    ]  # fmt: skip


def _events() -> Path:
    """The events of the fleet in one file."""
    path = FOLDER / "events-2m.parquet"
    if not path.exists():
        folder = FOLDER / "spans-all"
        store = EventStore(folder, dimensions=DIMENSIONS)
        store.append(str(log_of(EVENTS)))
        store.scan().sink_parquet(path, compression="zstd", compression_level=1)
        shutil.rmtree(folder)
    return path


def _store() -> tuple[Path, Path]:
    """A store of the first 99 % of the log's lines, and the log of the rest."""
    folder, rest = FOLDER / "spans-most", FOLDER / "spans-rest.jsonl"
    if not rest.exists():
        lines = log_of(EVENTS).read_bytes().splitlines(keepends=True)
        most = FOLDER / "spans-most.jsonl"
        cut = len(lines) * 99 // 100
        most.write_bytes(b"".join(lines[:cut]))
        EventStore(folder, dimensions=DIMENSIONS).append(most)
        most.unlink()
        rest.write_bytes(b"".join(lines[cut:]))
    return folder, rest


def _copy(name: str) -> Path:
    """A store of its own for one run, without spans."""
    target = FOLDER / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(_store()[0], target)
    return target


def _anew() -> Run:
    return child("benchmarks.spans_timed", "anew", _copy("spans-run"))


def _update() -> Run:
    return child("benchmarks.spans_timed", "update", _copy("spans-run"), _store()[1])
