"""Pairing 2 M events into spans, beside a join that does the least of it; bringing the spans of stores up to date."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from benchmarks.logs import log_of
from benchmarks.race import FOLDER, Row, Run, child, in_turn, median, spread
from onex_analytics.store import EventStore
from onex_analytics.synthetic import DIMENSIONS

EVENTS, LARGE = 2_000_000, 10_000_000
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
    shares = {}
    for size in (EVENTS, LARGE):
        anew, update = in_turn(2, partial(_anew, size), partial(_update, size))
        shares[size] = median(update) / median(anew)
        print(f"  spans of {size / 1e6:.0f} M stored events anew {spread(anew)}; after 1 % new ones {spread(update)}")
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
        *(
            Row(
                f"`store.spans()` of {size / 1e6:.0f} M events after 1 % new ones / pairing everything",
                f"≤ {UPDATE_BAR:.0%}", f"{share:.1%}", share <= UPDATE_BAR,
            )
            for size, share in shares.items()
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


def _store(events: int) -> tuple[Path, Path]:
    """A store of the first 99 % of the log, and the log of the rest."""
    folder, rest = FOLDER / f"spans-most-{events}", FOLDER / f"spans-rest-{events}.jsonl"
    if not rest.exists():
        most = FOLDER / "spans-most.jsonl"
        with log_of(events).open("rb") as log:
            with most.open("wb") as first:
                size = log_of(events).stat().st_size * 99 // 100
                while size > 0:
                    size -= first.write(log.read(min(size, 1 << 24)))
                first.write(log.readline())
            shutil.rmtree(folder, ignore_errors=True)
            EventStore(folder, dimensions=DIMENSIONS).append(most)
            with rest.open("wb") as last:
                shutil.copyfileobj(log, last)
        most.unlink()
    return folder, rest


def _copy(events: int) -> Path:
    """A store of its own for one run, without spans."""
    target = FOLDER / "spans-run"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(_store(events)[0], target)
    return target


def _anew(events: int) -> Run:
    return child("benchmarks.spans_timed", "anew", _copy(events))


def _update(events: int) -> Run:
    return child("benchmarks.spans_timed", "update", _copy(events), _store(events)[1])
