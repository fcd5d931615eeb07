"""A process may be killed at any moment: what it committed is whole, and running it again finishes the work."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from onex_analytics import EventStore
from tests.store.child import Child
from tests.store.lines import adds_up, line, lines, write

UNIT_BYTES = 4000


def log_of(path: Path, units: int) -> Path:
    """A log whose units each hold new events, one that came before, a conflict and a broken line."""
    parts = []
    for first in range(0, units * 15, 15):
        parts += [lines(range(first, first + 15)), line(first), line(first // 2, node_id="x"), b"bad %d\n" % first]
    return write(path, *parts)


def check_whole(uri: Path, units: int) -> int:
    """The store reads; units are there whole or not at all; returns how many events are there."""
    if not list((uri / "events" / "_delta_log").glob("*.json")):
        return 0
    store = EventStore(uri)
    ids = store.scan().collect()["event_id"].to_list()
    assert len(set(ids)) == len(ids)
    assert int(store.history()["stored"].sum() or 0) == len(ids) <= units * 15
    assert max((int(i[1:]) for i in ids), default=-1) == len(ids) - 1
    store.rejected().collect()
    return len(ids)


def check_done(uri: Path, log: Path, units: int) -> None:
    """One more run changes nothing, or finishes; then everything is there, and once."""
    store, reasons = EventStore(uri), {"conflict": units, "invalid_json": units}
    final = adds_up(store.append(log))
    assert (final.read, final.rejected_by_reason) == (units * 18, reasons)
    assert check_whole(uri, units) == units * 15
    rejected = store.rejected().collect()
    assert Counter(rejected["reason"]) == reasons
    assert rejected["line"].n_unique() == rejected.height
    store.vacuum(full=True, keep_hours=0)
    assert check_whole(uri, units) == units * 15


def kill_and_go_on(folder: Path, *, kills: int, units: int, signals: list[signal.Signals], seed: int) -> None:
    log, chance = log_of(folder / "log.jsonl", units), random.Random(seed)
    began = time.perf_counter()
    assert Child(folder / "timed", log, UNIT_BYTES).counts() is not None
    longest = min(time.perf_counter() - began, 2.0)
    killed = tried = seen = 0
    while killed < kills and tried < 3 * kills:
        uri = folder / f"store{tried - killed}"
        counts = Child(uri, log, UNIT_BYTES).stop(chance.uniform(0, longest), chance.choice(signals))
        tried += 1
        if counts is None:
            killed += 1
            held = check_whole(uri, units)
            assert held >= seen
            seen = held
        else:
            assert counts[0] == sum(counts[1:]) == units * 18
            check_done(uri, log, units)
            seen, longest = 0, longest * 0.9
    check_done(uri, log, units)
    assert killed >= kills // 2


@pytest.mark.parametrize(("sign", "kills"), [(signal.SIGKILL, 12), (signal.SIGINT, 4)])
def test_a_process_that_is_stopped_leaves_whole_units_and_the_next_run_finishes_exactly(tmp_path, sign, kills):
    kill_and_go_on(tmp_path, kills=kills, units=10, signals=[sign], seed=1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_kills_cost_nothing(tmp_path):
    kill_and_go_on(tmp_path, kills=100, units=60, signals=[signal.SIGKILL, signal.SIGINT, signal.SIGTERM], seed=3)
