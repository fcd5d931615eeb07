from __future__ import annotations

import json

import polars as pl
import pytest

from onex_analytics import EventStore
from onex_analytics.sources.canonical import Gate
from onex_analytics.store import retrying
from tests.store.lines import adds_up, event, ids, line, lines, write

UUID = "6f9619ff-8b86-4d01-b42d-00c04fc964f"


@pytest.fixture
def strict(store, tmp_path):
    """A store with three lines that strictness refused, a conflict, a broken line and one event."""
    good = line(0, event_id=UUID + "0")
    path = write(
        tmp_path / "log.jsonl", good, lines([1, 2, 3]), b"bad\n", good.replace(b"router", b"x"), lines([1]),
    )  # fmt: skip
    report = adds_up(store.append(path, strict=True))
    assert report.rejected_by_reason == {"strict": 4, "invalid_json": 1, "conflict": 1}
    return store


def reasons(store: EventStore) -> dict[str, int]:
    return dict(store.rejected().collect()["reason"].value_counts().rows())


def test_what_now_passes_moves_over_and_the_rest_stays(strict):
    report = adds_up(strict.retry_rejected())
    assert (report.read, report.stored, report.duplicate) == (6, 3, 1)
    assert report.rejected_by_reason == reasons(strict) == {"invalid_json": 1, "conflict": 1}
    assert ids(strict) == [UUID + "0", "e1", "e2", "e3"]
    moved = strict.scan().filter(pl.col("event_id") == "e2").collect().row(0, named=True)
    assert moved["source"].endswith("log.jsonl")
    assert moved["source_offset"] == len(line(0, event_id=UUID + "0")) + len(line(1))


def test_trying_again_again_changes_nothing(strict):
    strict.retry_rejected()
    report = adds_up(strict.retry_rejected())
    assert (report.read, report.stored, report.duplicate, report.rejected) == (2, 0, 0, 2)
    assert reasons(strict) == {"invalid_json": 1, "conflict": 1}


def test_trying_as_strictly_as_before_moves_nothing(strict):
    report = adds_up(strict.retry_rejected(strict=True))
    assert (report.stored, report.rejected) == (0, 6)
    assert len(ids(strict)) == 1


def test_a_try_that_was_broken_off_is_finished_by_the_next(strict, monkeypatch):
    with monkeypatch.context() as patch:

        def stop(*args):
            raise KeyboardInterrupt

        patch.setattr(retrying, "exchange", stop)
        with pytest.raises(KeyboardInterrupt):
            strict.retry_rejected()
    assert len(ids(strict)) == 4
    assert sum(reasons(strict).values()) == 6
    report = adds_up(strict.retry_rejected())
    assert (report.stored, report.duplicate) == (0, 4)
    assert reasons(strict) == {"invalid_json": 1, "conflict": 1}


def test_a_fixed_reader_reads_what_it_refused_with_its_envelope_and_its_dimensions(tmp_path, monkeypatch):
    store = EventStore(tmp_path / "s", dimensions={"tenant": "$.input_state.tenant"})
    capture = {"topic": "onex.evt.router.started.v1", "partition": 0, "offset": 4, "envelope": {"payload": event(1)}}
    log = write(tmp_path / "log.jsonl", json.dumps(capture).encode() + b"\n", line(2))
    with monkeypatch.context() as patch:
        true_read = Gate.read

        def refuse(self, block):
            return true_read(Gate(self.ingested_at, self.dimensions, strict=True), block)

        patch.setattr(Gate, "read", refuse)
        assert adds_up(store.append(log)).rejected == 2
    assert adds_up(store.retry_rejected()).stored == 2
    frame = store.scan().sort("event_id").collect()
    assert frame["tenant"].to_list() == ["acme", "acme"]
    assert frame["source"].to_list() == ["onex.evt.router.started.v1/0", str(log)]
    assert store.rejected().collect().is_empty()


def test_clocks_are_repaired_by_what_earlier_units_showed(store, tmp_path, shared_data):
    raw = (shared_data / "onex" / "omnibase_dev_telemetry.jsonl").read_bytes().splitlines(keepends=True)
    store.append(write(tmp_path / "log.jsonl", *raw))
    whole = store.scan().select("event_id", "timestamp", "clock_offset_ms").sort("event_id").collect()
    other = EventStore(tmp_path / "other")
    other.append(write(tmp_path / "half.jsonl", *raw[:120]))
    adds_up(other.append(write(tmp_path / "rest.jsonl", *raw[120:]), strict=True))
    adds_up(other.retry_rejected())
    assert other.scan().select("event_id", "timestamp", "clock_offset_ms").sort("event_id").collect().equals(whole)
