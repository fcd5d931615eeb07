"""Several processes append to one store at once."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from onex_analytics import EventStore
from tests.store.child import Child
from tests.store.lines import line, lines, write

UNIT_BYTES = 4000


@pytest.mark.parametrize("writers", [2, 4])
def test_writers_at_once_lose_nothing_and_store_nothing_twice(tmp_path, writers):
    logs = [
        write(tmp_path / f"{w}.jsonl", *(
            lines(range(first + w * 40, first + w * 40 + 12)) + line(5, node_id=f"x{w}") + b"bad %d %d\n" % (w, first)
            for first in range(0, 120, 10)
        ))
        for w in range(writers)
    ]  # fmt: skip
    children = [Child(tmp_path / "store", log, UNIT_BYTES) for log in logs]
    seen = watch(tmp_path / "store", children)
    reports = [counts for child in children if (counts := child.counts())]
    assert len(reports) == writers
    assert all(read == stored + duplicate + rejected for read, stored, duplicate, rejected in reports)

    store = EventStore(tmp_path / "store")
    ids = store.scan().collect()["event_id"].to_list()
    assert sorted(ids) == sorted({f"e{n}" for w in range(writers) for n in range(w * 40, w * 40 + 122)} | {"e5"})
    assert sum(stored for _, stored, _, _ in reports) == len(ids)
    assert seen == sorted(seen)
    rejected = store.rejected().collect()
    assert rejected.select("source", "line").is_unique().all()
    assert rejected.height == sum(r for _, _, _, r in reports)
    counts = Counter(rejected["reason"])
    assert counts["invalid_json"] == 12 * writers
    # e5 came first from the log that has it, or from one of those that say otherwise
    assert counts["conflict"] >= 12 * (writers - 1)
    assert not [p for p in (tmp_path / "store" / "events").glob("part-*") if p.name not in paths(store)]


def paths(store: EventStore) -> set[str]:
    return {file.path for file in store._events.files()}


def watch(uri: Path, children: list[Child]) -> list[int]:
    """How many events a reader sees while the writers write."""
    seen = [0]
    while any(child.runs() for child in children):
        if list((uri / "events" / "_delta_log").glob("*.json")):
            seen.append(len(EventStore(uri).scan().collect()))
        time.sleep(0.05)
    return seen


def test_one_log_given_to_two_writers_is_stored_once(tmp_path):
    log = write(tmp_path / "log.jsonl", *(lines(range(n, n + 12)) + f"bad {n}\n".encode() for n in range(0, 300, 12)))
    children = [Child(tmp_path / "store", log, UNIT_BYTES) for _ in range(2)]
    reports = [counts for child in children if (counts := child.counts())]
    assert sum(stored for _, stored, _, _ in reports) == 300
    store = EventStore(tmp_path / "store")
    assert store.scan().collect()["event_id"].n_unique() == store.info()["events"] == 300
    assert store.rejected().collect()["line"].is_unique().all()
    assert store.info()["rejected"] == 25


def test_opening_a_store_starts_no_thread_of_polars_so_that_a_process_may_be_forked_behind_it():
    names = "(p.read_text().strip() for p in pathlib.Path('/proc/self/task').glob('*/comm'))"
    program = f"import pathlib, onex_analytics.store, onex_analytics.frames.spans.keys; print(*{names})"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in told if re.fullmatch(r"polars-\d+", name)]
