from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from onex_analytics import EventStore
from onex_analytics.sources import hashing
from onex_analytics.store import duplicates, stored_keys
from tests.store.lines import adds_up, event, ids, line, lines, small_units, write


def wire(value: object, **options: object) -> bytes:
    return json.dumps(value, **options).encode() + b"\n"  # type: ignore[arg-type]


def conflicts(store: EventStore) -> list[bytes]:
    return store.rejected().filter(pl.col("reason") == "conflict").collect()["raw"].to_list()


@pytest.mark.parametrize("unit_bytes", [100, 300, 1 << 20])
def test_an_event_that_comes_again_is_a_duplicate_wherever_it_comes(store, tmp_path, monkeypatch, unit_bytes):
    small_units(monkeypatch, unit_bytes)
    report = adds_up(store.append(write(tmp_path / "log.jsonl", lines([1, 2, 1, 3, 2, 1]))))
    assert (report.stored, report.duplicate, report.rejected) == (3, 3, 0)
    again = adds_up(store.append(write(tmp_path / "more.jsonl", lines([9, 3, 8, 1]))))
    assert (again.stored, again.duplicate) == (2, 2)
    assert ids(store) == ["e1", "e2", "e3", "e8", "e9"]


def test_the_recording_holds_what_the_log_held(store, shared_data):
    store.append(shared_data / "onex" / "omnibase_main_v1.0.0.jsonl")
    report = adds_up(store.append(shared_data / "onex" / "recording_300.json"))
    assert (report.stored, report.duplicate, report.rejected) == (0, 300, 0)


SPELLINGS = {
    "key order": wire(dict(reversed(event(1).items()))),
    "white space": wire(event(1), indent=None, separators=(" , ", " : ")),
    "metadata's key order": wire(event(1, metadata={"input_state": {"size": 1, "tenant": "acme"}})),
    "a number's spelling": line(1).replace(b'"size": 1}', b'"size": 1.0}'),
    "an escape": line(1).replace(b"acme", b"\\u0061cme"),
    "a time with a zone": wire(event(1, timestamp="2026-11-01T12:00:01Z")),
    "a time with a space": wire(event(1, timestamp="2026-11-01 12:00:01")),
    "a type's spelling": wire(event(1, event_type="node_start")),
    "an envelope": wire({"envelope_id": "v1", "envelope_timestamp": "2026-11-01T12:00:05Z", "payload": event(1)}),
    "an envelope that adds a correlation id": wire(
        {"envelope_id": "v1", "envelope_timestamp": "2026-11-01T12:00:05Z", "correlation_id": "c", "payload": event(1)}
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("first", [True, False])
def test_another_spelling_of_an_event_is_no_conflict(store, tmp_path, spelling, first):
    pair = [line(1), SPELLINGS[spelling]]
    report = adds_up(store.append(write(tmp_path / "log.jsonl", *(pair if first else pair[::-1]))))
    assert (report.stored, report.duplicate, report.rejected) == (1, 1, 0)
    later = adds_up(store.append(write(tmp_path / "later.jsonl", *pair, *pair)))
    assert (later.stored, later.duplicate, later.rejected) == (0, 4, 0)


OTHERS = {
    "another node": wire(event(1, node_id="other")),
    "another time": wire(event(1, timestamp="2026-11-01T12:00:02")),
    "another type": wire(event(1, event_type="NODE_SUCCESS")),
    "other metadata": wire(event(1, metadata={"input_state": {"tenant": "acme", "size": 2}})),
    "true for one": line(1).replace(b'"size": 1}', b'"size": true}'),
    "a key twice": line(1).replace(b'"size": 1}', b'"size": 0, "size": 1}'),
    "a longer list": wire(event(1, metadata={"input_state": {"tenant": "acme", "size": 1}, "more": []})),
    "an unknown field": wire(event(1, colour="red")),
    "a replay": wire(event(1, is_replay=True)),
    "a count": wire(event(1, adjusted_count=2.0)),
    "another version": wire(event(1, schema_version="1.1.0")),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("in_one", [True, False])
def test_an_id_that_comes_again_with_other_content_is_kept_as_a_conflict(store, tmp_path, other, in_one):
    log = write(tmp_path / "log.jsonl", line(0), line(1), OTHERS[other] if in_one else b"")
    report = adds_up(store.append(log))
    if not in_one:
        report = adds_up(store.append(write(tmp_path / "more.jsonl", OTHERS[other])))
    assert report.rejected_by_reason == {"conflict": 1}
    assert conflicts(store) == [OTHERS[other].rstrip(b"\n")]
    assert store.rejected().collect()["event_id"].to_list() == ["e1"]
    assert store.scan().filter(pl.col("event_id") == "e1").collect()["metadata"][0] == json.dumps(event(1)["metadata"])
    adds_up(store.append(log))
    assert len(conflicts(store)) == 1


@pytest.mark.parametrize("field", ["correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id"])
def test_another_id_around_the_event_is_a_conflict_but_a_missing_one_is_not(store, tmp_path, field):
    report = adds_up(store.append(write(
        tmp_path / "log.jsonl", line(1, **{field: "a"}), line(1), line(1, **{field: "b"}), line(1, **{field: "a"}),
    )))  # fmt: skip
    assert (report.stored, report.duplicate, report.rejected) == (1, 2, 1)


def test_the_conflict_of_an_envelope_is_kept_with_its_envelope(store, tmp_path):
    capture = wire({"topic": "onex.evt.router.started.v1", "offset": 4, "envelope": {"payload": event(1, node_id="x")}})
    adds_up(store.append(write(tmp_path / "log.jsonl", line(1), capture)))
    assert conflicts(store) == [capture.rstrip(b"\n")]


def test_the_conflict_of_an_element_is_kept_as_its_own_text(store, tmp_path):
    adds_up(store.append(write(tmp_path / "log.json", wire([event(1), event(1, node_id="x"), event(2)], indent=1))))
    assert [json.loads(raw) for raw in conflicts(store)] == [event(1, node_id="x")]
    assert store.rejected().collect()["line"].to_list() == [2]


@pytest.mark.parametrize("number", ["9" * 6000, "1e400", "1E99999999999999999999", "-0.0"])
def test_numbers_of_any_size_are_compared(store, tmp_path, number):
    one = line(1).replace(b'"size": 1}', f'"size": {number}}}'.encode())
    other = line(1).replace(b'"size": 1}', f'"size": {number}, "more": 1}}'.encode())
    spaced = one.replace(b'"size"', b'  "size"')
    report = adds_up(store.append(write(tmp_path / "log.jsonl", one, other, spaced)))
    assert (report.stored, report.duplicate, report.rejected_by_reason) == (1, 1, {"conflict": 1})


def test_the_deepest_metadata_that_is_read_is_compared(store, tmp_path):
    deep = b'{"a":' * 990 + b"1" + b"}" * 990
    one = line(2).replace(b'{"input_state": {"tenant": "acme", "size": 2}}', deep)
    spaced, other = one.replace(b"1}", b"1 }"), one.replace(b"1}", b"2}")
    report = adds_up(store.append(write(tmp_path / "log.jsonl", one, spaced, other)))
    assert (report.stored, report.duplicate, report.rejected_by_reason) == (1, 1, {"conflict": 1})


def test_hashes_that_collide_cost_no_event(store, tmp_path, monkeypatch):
    def weak(texts: pl.Series) -> np.ndarray:
        return hashing.xxh64_texts(texts) & np.uint64(15)

    monkeypatch.setattr(duplicates, "xxh64_texts", weak)
    monkeypatch.setattr(stored_keys, "xxh64_texts", weak)
    small_units(monkeypatch, 1500)
    parts = [lines(range(60)), lines(range(40, 80)), line(5, node_id="x"), b"bad\n", b"bad\n", line(79)]
    for _ in range(2):
        report = adds_up(store.append(write(tmp_path / "log.jsonl", *parts)))
    assert (report.stored, report.duplicate, report.rejected) == (0, 101, 3)
    adds_up(store.append(write(tmp_path / "log.jsonl", *parts, lines(range(80, 90)), b"bad\n")))
    assert ids(store) == sorted(f"e{n}" for n in range(90))
    assert store.rejected().collect().height == 4


def test_a_repaired_event_is_found_again_by_an_append_that_repairs_nothing(store, shared_data):
    log = shared_data / "onex" / "omnibase_dev_telemetry.jsonl"
    store.append(log)
    frame = pl.read_ndjson(log, infer_schema_length=None).select("event_id")
    raw = log.read_bytes().splitlines(keepends=True)
    other = log.name
    assert frame.height == len(raw)
    copy = store._events.uri + "-copy-" + other
    with open(copy, "wb") as file:
        file.writelines(reversed(raw))
    report = adds_up(store.append(copy, repair_clocks=False))
    assert (report.stored, report.duplicate, report.rejected) == (0, 240, 0)
