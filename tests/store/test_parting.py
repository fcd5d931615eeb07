"""Units that are parted while those before them are on their way to the disk."""

from __future__ import annotations

import threading

import pytest

from onex_analytics import EventStore
from onex_analytics.exceptions import StoreFull
from onex_analytics.store.appending import Appender
from onex_analytics.store.failures import Lost
from onex_analytics.store.storage import Table
from tests.store.child import Child
from tests.store.lines import adds_up, ids, line, lines, small_units, write

UNIT_BYTES = 1600
"""About ten events."""
PATIENCE = 10
OLD = line(5, timestamp="2026-11-01T11:00:00")


def test_an_id_of_three_units_is_judged_by_what_is_stored_while_another_process_stores_it_too(tmp_path):
    count = 60
    logs = [
        write(tmp_path / f"{w}.jsonl", *(
            lines([k, max(k - 1, 0), max(k - 2, 0)], node_id=f"n{w}") + line(10_000 * (w + 1) + k) for k in range(count)
        ))
        for w in range(2)
    ]  # fmt: skip
    reports = [child.counts() for child in [Child(tmp_path / "store", log, 700) for log in logs]]
    stored = dict(EventStore(tmp_path / "store").scan().collect().select("event_id", "node_id").rows())
    for w, report in enumerate(reports):
        assert report is not None
        told_otherwise = sum(stored[f"e{max(k - j, 0)}"] != f"n{w}" for k in range(count) for j in range(3))
        assert report[3] == told_otherwise


def held_in_the_window(patch, store, tmp_path, log, meanwhile):
    """Append `log`; another writer does `meanwhile` just before the commit of the first unit, which loses the race, and
    the second unit is parted before the first is parted again."""
    commit, part = Table.commit, Appender._part
    done: list[object] = []
    lost, ahead = threading.Event(), threading.Event()

    def held_commit(table, *args, **options):
        if threading.current_thread().name.startswith("onex-committer") and table.uri.endswith("events"):
            done.append(1)
            if len(done) == 1:
                meanwhile()
                try:
                    return commit(table, *args, **options)
                except Lost:
                    lost.set()
                    raise
            if len(done) == 2:
                ahead.wait(0.2)  # with the waits as they should be, the second unit stands back until this one is done
        return commit(table, *args, **options)

    def held_part(appender, events, number=None):
        if number == 1:
            lost.wait(PATIENCE)
            try:
                return part(appender, events, number)
            finally:
                ahead.set()
        return part(appender, events, number)

    with patch.context() as held:
        small_units(held, UNIT_BYTES)
        held.setattr(Table, "commit", held_commit)
        held.setattr(Appender, "_part", held_part)
        report = adds_up(store.append(write(tmp_path / "log.jsonl", log)))
    assert lost.is_set()
    return report


@pytest.mark.parametrize(("again", "duplicates", "conflicts"), [(line(5), 0, 2), (line(5, node_id="other"), 1, 1)])
def test_a_unit_parted_ahead_of_one_that_lost_a_race_is_parted_again(
    store, tmp_path, monkeypatch, again, duplicates, conflicts
):
    store.append(write(tmp_path / "before.jsonl", line(900)))
    theirs = write(tmp_path / "theirs.jsonl", line(5, node_id="other"))
    report = held_in_the_window(
        monkeypatch, store, tmp_path, lines(range(10)) + again + lines(range(100, 107)),
        lambda: EventStore(store.uri).append(theirs),
    )  # fmt: skip
    assert (report.duplicate, report.rejected_by_reason.get("conflict", 0)) == (duplicates, conflicts)


def test_what_another_process_forgot_meanwhile_is_not_stored_twice(store, tmp_path, monkeypatch):
    store.append(write(tmp_path / "before.jsonl", OLD + line(900)))
    log = lines(range(5)) + OLD + lines([6, 7, 8, 9]) + OLD + lines(range(100, 107))
    held_in_the_window(monkeypatch, store, tmp_path, log, lambda: EventStore(store.uri).retain("2026-11-01T11:30"))
    assert len(ids(store)) == len({*ids(store)}) == 18


def test_behind_a_unit_that_could_not_be_stored_nothing_is(store, tmp_path, monkeypatch):
    small_units(monkeypatch, UNIT_BYTES)
    store.append(write(tmp_path / "before.jsonl", line(900)))
    log = write(tmp_path / "log.jsonl", lines(range(10)) + line(5) * 3 + line(6, node_id="other"))
    true_write, tried = Table.write, []

    def full(table, frame):
        tried.append(frame.height)
        if len(tried) == 1:
            raise StoreFull(table.uri, "no space left on device")
        return true_write(table, frame)

    monkeypatch.setattr(Table, "write", full)
    with pytest.raises(StoreFull):
        store.append(log)
    assert ids(store) == ["e900"]
    assert store.rejected().collect().is_empty()
    report = adds_up(store.append(log))
    assert (report.stored, report.duplicate, report.rejected) == (10, 3, 1)


def test_what_the_gate_raises_in_the_middle_ends_the_append_with_what_came_before(store, tmp_path, monkeypatch):
    small_units(monkeypatch, UNIT_BYTES)
    true_part, numbers = Appender._part, []

    def part(appender, events, number=None):
        numbers.append(number)
        if number == 2:
            raise MemoryError
        return true_part(appender, events, number)

    log = write(tmp_path / "log.jsonl", lines(range(100)))
    with monkeypatch.context() as broken:
        broken.setattr(Appender, "_part", part)
        with pytest.raises(MemoryError):
            store.append(log)
    assert 0 < len(ids(store)) < 30
    assert len(numbers) <= 5
    report = adds_up(store.append(log))
    assert report.read == 100
    assert ids(store) == sorted(f"e{n}" for n in range(100))
