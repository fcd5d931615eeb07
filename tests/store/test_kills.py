"""A process may be killed at any moment: what it committed is whole, and running it again finishes the work."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from onex_analytics import EventStore
from tests.store.lines import adds_up, line, lines, write

REPOSITORY = Path(__file__).resolve().parents[2]
UNIT_BYTES = 4000


def log_of(path: Path, units: int) -> tuple[Path, dict[str, int]]:
    """A log whose units each hold new events, one that came before, a conflict and a broken line."""
    parts = []
    for first in range(0, units * 15, 15):
        parts += [lines(range(first, first + 15)), line(first), line(first // 2, node_id="x"), f"bad {first}\n".encode()]
    return write(path, *parts), {"conflict": units, "invalid_json": units}


def start(store: Path, log: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.appending_child", str(store), str(log), str(UNIT_BYTES)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def check_whole(uri: Path, units: int) -> int:
    """The store reads; units are there whole or not at all; returns how many events are there."""
    if not (uri / "events" / "_delta_log").exists() or not list((uri / "events" / "_delta_log").glob("*.json")):
        return 0
    store = EventStore(uri)
    ids = store.scan().collect()["event_id"].to_list()
    assert len(set(ids)) == len(ids)
    told = store.history()
    assert int(told["stored"].sum() or 0) == len(ids) <= units * 15
    assert max((int(i[1:]) for i in ids), default=-1) == len(ids) - 1
    store.rejected().collect()
    return len(ids)


def check_done(uri: Path, log: Path, reasons: dict[str, int], units: int) -> None:
    store = EventStore(uri)
    final = adds_up(store.append(log))
    assert (final.read, final.rejected_by_reason) == (units * 18, reasons)
    assert check_whole(uri, units) == units * 15
    rejected = store.rejected().collect()
    assert Counter(rejected["reason"]) == reasons
    assert rejected["line"].n_unique() == rejected.height
    store.vacuum(full=True, keep_hours=0)
    assert check_whole(uri, units) == units * 15


def kill_and_go_on(folder: Path, *, kills: int, units: int, signals: list[signal.Signals], seed: int) -> None:
    log, reasons = log_of(folder / "log.jsonl", units)
    chance, uri, round_, seen = random.Random(seed), folder / "store0", 0, 0
    longest = 1.5
    for _ in range(kills):
        child = start(uri, log)
        try:
            output, errors = child.communicate(timeout=chance.uniform(0, longest))
        except subprocess.TimeoutExpired:
            child.send_signal(chance.choice(signals))
            output, errors = child.communicate(timeout=60)
            assert "Traceback" not in errors or "KeyboardInterrupt" in errors
        held = check_whole(uri, units)
        assert held >= seen
        seen = held
        if child.returncode == 0:
            assert output.split()[0] == str(units * 18)
            check_done(uri, log, reasons, units)
            round_ += 1
            uri, seen = folder / f"store{round_}", 0
            longest *= 0.8
    check_done(uri, log, reasons, units)


def test_a_process_that_is_killed_leaves_whole_units_and_the_next_run_finishes_exactly(tmp_path):
    kill_and_go_on(tmp_path, kills=12, units=30, signals=[signal.SIGKILL], seed=1)


def test_a_process_that_is_interrupted_leaves_whole_units_and_the_next_run_finishes_exactly(tmp_path):
    kill_and_go_on(tmp_path, kills=5, units=30, signals=[signal.SIGINT], seed=2)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_kills_cost_nothing(tmp_path):
    kill_and_go_on(tmp_path, kills=100, units=60, signals=[signal.SIGKILL, signal.SIGINT, signal.SIGTERM], seed=3)
