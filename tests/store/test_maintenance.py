from __future__ import annotations

from datetime import timedelta

import pytest

from onex_analytics import EventStore
from onex_analytics.exceptions import InvalidOption
from onex_analytics.store import maintenance
from tests.store.lines import NOON, adds_up, ids, line, lines, write


@pytest.fixture
def full(store, tmp_path):
    """Nine events in five files, and two rejected lines."""
    for number, part in enumerate([[8, 0], [1, 9], [2, 3], [4, 5], [6]]):
        store.append(write(tmp_path / f"{number}.jsonl", lines(part), b"bad\n" if number < 2 else b""))
    return store


def test_compaction_keeps_every_row_sorts_them_and_leaves_old_versions(full):
    before = full.scan().sort("event_id").collect()
    version = full.info()["version"]
    done = full.compact()
    assert (done["files_before"], done["files_after"]) == (5, 1)
    after = full.scan().collect()
    assert after["timestamp"].is_sorted()
    assert after.sort("event_id").equals(before)
    assert full.scan(version=version).sort("event_id").collect().equals(before)
    assert full.compact()["version"] == done["version"]


def test_compaction_makes_files_of_a_bounded_size_once(full, monkeypatch):
    monkeypatch.setattr(maintenance, "COMPACT_ROWS", 5)
    assert full.compact()["files_after"] == 2
    assert full.compact()["files_after"] == 2
    assert len(ids(full)) == 9


def test_an_append_during_compaction_loses_nothing(full, tmp_path, monkeypatch):
    true_exchange, other = maintenance.exchange, EventStore(full.uri)

    def exchange(*args):
        adds_up(other.append(write(tmp_path / "meanwhile.jsonl", lines([3, 20]))))
        return true_exchange(*args)

    monkeypatch.setattr(maintenance, "exchange", exchange)
    full.compact()
    assert ids(full) == sorted(f"e{n}" for n in [*range(7), 8, 9, 20])


def test_a_compaction_that_lost_its_files_takes_away_what_it_wrote(full, monkeypatch):
    true_exchange, other = maintenance.exchange, EventStore(full.uri)

    def exchange(*args):
        monkeypatch.undo()
        other.compact()
        return true_exchange(*args)

    monkeypatch.setattr(maintenance, "exchange", exchange)
    full.compact()
    assert len(ids(full)) == 9
    assert full.vacuum(full=True, keep_hours=0)["files_deleted"] == 5


def test_an_append_after_compaction_still_knows_every_id(full, tmp_path):
    full.compact()
    report = adds_up(full.append(write(tmp_path / "again.jsonl", lines(range(12)), line(3, node_id="x"))))
    assert (report.stored, report.duplicate, report.rejected_by_reason) == (3, 9, {"conflict": 1})


def test_vacuum_takes_orphans_and_old_files_and_leaves_the_store_as_it_is(full, tmp_path):
    orphan = tmp_path / "events" / "events" / "part-orphan.parquet"
    orphan.write_bytes(b"half a file")
    before = ids(full)
    assert full.vacuum(full=True)["files_deleted"] == 0
    assert orphan.exists()
    full.compact()
    assert full.vacuum(full=True, keep_hours=0)["files_deleted"] == 6
    assert not orphan.exists()
    assert ids(full) == before
    assert full.rejected().collect().height == 2


@pytest.mark.parametrize(("second", "left"), [(0, 9), (2, 7), (5, 4), (8, 2), (100, 0)])
def test_retention_drops_just_the_events_before(full, second, left):
    version = full.info()["version"]
    done = full.retain(NOON + timedelta(seconds=second))
    assert done["events_dropped"] == 9 - left
    frame = full.scan().collect()
    assert frame.height == left
    assert (frame["timestamp"] >= NOON + timedelta(seconds=second)).all()
    assert len(ids(full, version=version)) == 9
    assert full.info()["events"] == left


def test_what_was_forgotten_comes_back_only_with_other_bytes(full, tmp_path):
    full.retain(NOON + timedelta(seconds=100))
    assert full.append(tmp_path / "2.jsonl").stored == 0
    assert full.append(write(tmp_path / "new.jsonl", lines([2]))).stored == 1


@pytest.mark.parametrize("before", [None, "soon", 5])
def test_retention_needs_a_time(full, before):
    with pytest.raises(InvalidOption, match="before"):
        full.retain(before)


def test_the_log_is_checkpointed(store, tmp_path):
    store.append(write(tmp_path / "0.jsonl", line(0)))
    for _ in range(20):
        store._events.commit([])
    log = tmp_path / "events" / "events" / "_delta_log"
    assert sorted(int(p.name.split(".")[0]) for p in log.glob("*.checkpoint.parquet")) == [9, 19]
    assert ids(EventStore(store.uri)) == ["e0"]
