from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from onex_analytics import EventStore
from onex_analytics.exceptions import InvalidOption, MissingColumns, SourceError
from onex_analytics.store.appending import Appender
from onex_analytics.store.storage import Table
from tests.laws import examples
from tests.store.lines import adds_up, event, ids, line, lines, small_units, write

UUID = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"
HOSTILE = st.one_of(
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")),
    st.sampled_from([
        b"", b" ", b"\r", b"{}", b"[]", b"null", b"[{]", b"{", b'{"event_id":', b"\0", b"\xff\xfe", b'"', b"NaN",
        b"[[[[", b"\x1f\x8b\x08", b"]", b"1e999", b"{" * 1100, b'{"a":' * 1100,
    ]),
    st.integers(0, 5).map(lambda n: line(n)[:-1]),
    st.integers(0, 5).map(lambda n: line(n, node_id="other")[:-1]),
    st.tuples(st.integers(0, 5), st.integers(0, 90)).map(lambda at: line(at[0])[: at[1]]),
    st.sampled_from(["event_id", "timestamp", "node_id", "event_type", "metadata"]).flatmap(
        lambda name: st.sampled_from([None, 7, True, [], {}, "", "x", 1e300]).map(lambda v: line(1, **{name: v})[:-1])
    ),
)  # fmt: skip


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HOSTILE, max_size=12), st.booleans(), st.booleans())
@example([b"\xef\xbb\xbf" + line(1)[:-1]], False, False)
@example([line(1)[:-1] + b"\r", line(1)[:-1]], True, False)
def test_of_any_bytes_every_line_is_stored_a_duplicate_or_rejected_and_is_so_once(texts, ended, packed):
    data = b"\n".join(texts) + b"\n" * ended
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.jsonl")
        path.write_bytes(gzip.compress(data) if packed else data)
        store = EventStore(f"{folder}/store")
        try:
            first = adds_up(store.append(path, format="jsonl"))
        except SourceError:  # UTF-16 by its first bytes: refused whole, with the mend
            return
        assert first.stored == store.scan().collect().height
        assert first.rejected == store.rejected().collect().height
        again = adds_up(store.append(path, format="jsonl"))
        assert (again.read, again.stored, again.rejected) == (first.read, 0, first.rejected)
        assert store.rejected().collect().height == first.rejected


def test_a_rejected_line_is_kept_as_it_came_with_its_place(store, tmp_path):
    bad = b'{"event_id":"b","node_id":"n",}'
    path = write(tmp_path / "log.jsonl", line(1), bad + b"\n", line(2))
    assert adds_up(store.append(path)).rejected_by_reason == {"invalid_json": 1}
    kept = store.rejected().collect().row(0, named=True)
    assert kept["raw"] == bad
    assert (kept["source"], kept["line"], kept["source_offset"]) == (str(path), 2, len(line(1)))


def test_a_rejected_delivery_is_kept_with_its_envelope(store, tmp_path):
    capture = json.dumps({
        "topic": "onex.evt.router.started.v1", "partition": 0, "offset": 4,
        "envelope": {"envelope_id": "v1", "payload": event(1, timestamp="no time")},
    }).encode()  # fmt: skip
    adds_up(store.append(write(tmp_path / "log.jsonl", capture + b"\n")))
    assert store.rejected().collect()["raw"].to_list() == [capture]


def test_a_file_that_grows_is_kept_as_if_it_had_been_read_once(store, tmp_path, monkeypatch):
    small_units(monkeypatch, 700)
    parts = [lines(range(i, i + 3)) + f"bad {i}\n".encode() for i in range(0, 30, 3)]
    path = tmp_path / "log.jsonl"
    for end in range(1, len(parts) + 1):
        adds_up(store.append(write(path, *parts[:end])))
    once = EventStore(tmp_path / "once")
    adds_up(once.append(path))
    assert ids(store) == ids(once)
    places = pl.col("source", "source_offset", "line", "raw", "reason")
    assert store.rejected().select(places).sort("line").collect().equals(
        once.rejected().select(places).sort("line").collect()
    )


@pytest.mark.parametrize("size", [200, 500, 1300, 5000])
@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_where_a_file_is_cut_makes_no_difference(store, tmp_path, monkeypatch, size, name):
    parts = [lines(range(12)), b"bad\n", b"\n\n", lines(range(10, 25)), line(3, node_id="x"), b"worse\n", line(3)[:50]]
    whole = adds_up(EventStore(tmp_path / "whole").append(write(tmp_path / name, *parts)))
    small_units(monkeypatch, size)
    cut = adds_up(store.append(tmp_path / name))
    for count in ("read", "stored", "duplicate", "rejected", "rejected_by_reason"):
        assert getattr(cut, count) == getattr(whole, count)
    kept = [s.rejected().drop("rejected_at").sort("line").collect() for s in (store, EventStore(tmp_path / "whole"))]
    assert kept[0].equals(kept[1])


def test_the_same_bytes_twice_in_one_file_are_two_units(store, tmp_path, monkeypatch):
    part = lines(range(3)) + b"bad\n"
    small_units(monkeypatch, len(part))
    report = adds_up(store.append(write(tmp_path / "log.jsonl", part, part, part)))
    assert (report.stored, report.duplicate, report.rejected, report.units_skipped) == (3, 6, 3, 0)
    assert store.rejected().collect()["line"].sort().to_list() == [4, 8, 12]


def test_a_copy_of_a_file_is_skipped_and_its_rejected_lines_are_not_kept_twice(store, tmp_path):
    data = lines(range(3)) + b"bad\n"
    adds_up(store.append(write(tmp_path / "a.jsonl", data)))
    copy = adds_up(store.append(write(tmp_path / "b.jsonl", data)))
    assert (copy.stored, copy.duplicate, copy.rejected, copy.units_skipped) == (0, 3, 1, 1)
    assert store.rejected().collect().height == 1


def test_what_was_refused_strictly_is_stored_by_an_append_that_is_not_strict(store, tmp_path):
    path = write(tmp_path / "log.jsonl", line(1, event_type="NODE_SUCCESS"), line(2, event_id=UUID))
    strict = adds_up(store.append(path, strict=True))
    assert (strict.stored, strict.rejected_by_reason) == (1, {"strict": 1})
    lenient = adds_up(store.append(path))
    assert (lenient.stored, lenient.duplicate) == (1, 1)
    assert ids(store) == [UUID, "e1"]


@pytest.mark.parametrize(
    ("name", "read", "stored", "clocks"),
    [("omnibase_main_v1.0.0.jsonl", 3028, 3028, 643), ("omnibase_dev_telemetry.jsonl", 240, 240, 120),
     ("recording_300.json", 300, 300, None)],
)  # fmt: skip
def test_every_row_of_the_real_logs_is_accounted_for(store, shared_data, name, read, stored, clocks):
    report = adds_up(store.append(shared_data / "onex" / name))
    assert (report.read, report.stored, report.rejected) == (read, stored, 0)
    if clocks is not None:
        assert report.repaired["clock"] == clocks
        offsets = store.scan().select(pl.col("clock_offset_ms").drop_nulls().unique()).collect()
        assert offsets["clock_offset_ms"].to_list() == [-18_000_000]


def test_a_folder_a_glob_and_a_list_are_read_in_order(store, tmp_path):
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    write(tmp_path / "logs" / "a.jsonl", lines(range(2)))
    write(tmp_path / "logs" / "deep" / "b.jsonl.gz", lines(range(2, 4)))
    report = adds_up(store.append(tmp_path / "logs"))
    assert (report.files, report.stored) == (2, 4)
    assert store.append(str(tmp_path / "logs" / "*.jsonl")).duplicate == 2
    assert store.append([tmp_path / "logs" / "a.jsonl", tmp_path / "logs"]).duplicate == 6


def test_a_folder_that_holds_a_store_gives_its_logs_only(tmp_path):
    write(tmp_path / "a.jsonl", lines(range(2)))
    store = EventStore(tmp_path / "store")
    store.append(tmp_path / "a.jsonl")
    report = store.append(tmp_path)
    assert (report.files, report.read) == (1, 2)


@pytest.mark.parametrize("source", [7, None, b"log.jsonl", [7], object()])
def test_what_is_no_source_is_refused_with_what_is_one(store, source):
    with pytest.raises(InvalidOption, match="a file, a glob, a folder"):
        store.append(source)


@pytest.mark.parametrize("name", ["absent.jsonl", "absent*.jsonl", "a\0b", "x" * 5000, ""])
def test_a_source_that_is_not_there_is_named_with_the_mend(store, tmp_path, name):
    with pytest.raises(SourceError, match="Mend:"):
        store.append(f"{tmp_path}/{name}" if name else tmp_path)


def test_a_store_is_no_source_by_its_folder_but_by_its_scan(store, tmp_path):
    store.append(write(tmp_path / "log.jsonl", lines(range(2))))
    with pytest.raises(SourceError, match=r"append `EventStore\(…\)\.scan\(\)`"):
        EventStore(tmp_path / "other").append(tmp_path / "events")


def test_a_frame_of_one_store_gives_equal_rows_in_another(store, tmp_path, shared_data):
    store.append(shared_data / "onex" / "omnibase_dev_telemetry.jsonl")
    capture = {
        "topic": "onex.evt.router.started.v1", "partition": 0, "offset": 4, "timestamp": "2026-11-01T12:00:09Z",
        "envelope": {"envelope_id": "v1", "envelope_timestamp": "2026-11-01T12:00:05Z", "payload": event(1)},
    }  # fmt: skip
    store.append(write(tmp_path / "capture.jsonl", json.dumps(capture).encode()))
    for number, frame in enumerate([store.scan(), store.scan().collect()]):
        other = EventStore(tmp_path / f"other{number}")
        report = adds_up(other.append(frame))
        assert (report.stored, report.rejected) == (241, 0)
        mine, theirs = (s.scan().drop("ingested_at").sort("event_id").collect() for s in (store, other))
        for name in mine.columns:
            assert mine[name].equals(theirs[name], null_equal=True), name
        assert adds_up(other.append(frame)).stored == 0


def test_a_raw_frame_is_a_source(store):
    frame = pl.DataFrame([event(1), event(2)])
    assert adds_up(store.append(frame)).stored == 2
    assert store.scan().filter(pl.col("event_id") == "e2").collect()["metadata"][0] == json.dumps(
        event(2)["metadata"], separators=(",", ":")
    )


def test_a_frame_without_events_says_which_columns_it_lacks(store):
    with pytest.raises(MissingColumns, match="event_id"):
        store.append(pl.DataFrame({"a": [1]}))


def test_progress_is_told_of_bytes_and_lines(store, tmp_path, monkeypatch):
    small_units(monkeypatch, 500)
    paths = [write(tmp_path / f"{n}.jsonl", lines(range(n, n + 10))) for n in (0, 10)]
    told = []
    store.append(paths, progress=lambda *said: told.append(said))
    size = sum(p.stat().st_size for p in paths)
    assert told[-1] == (size, size, 20)
    assert told == sorted(told)


def test_a_commit_that_is_interrupted_leaves_no_orphan_and_takes_no_committed_file(store, tmp_path, monkeypatch):
    store.append(write(tmp_path / "log.jsonl", lines(range(3))))
    true_commit, true_write = Table.commit, Table.write

    def commit_then_interrupt(self, *args, **named):
        true_commit(self, *args, **named)
        raise KeyboardInterrupt

    def write_then_interrupt(self, *args, **named):
        true_write(self, *args, **named)
        raise KeyboardInterrupt

    for name, broken in (("write", write_then_interrupt), ("commit", commit_then_interrupt)):
        path = write(tmp_path / f"{name}.jsonl", lines(range(10, 20)), b"bad\n")
        with monkeypatch.context() as patch:
            patch.setattr(Table, name, broken)
            with pytest.raises(KeyboardInterrupt):
                store.append(path)
        there = {p for p in os.listdir(tmp_path / "events" / "events") if p.endswith(".parquet")}
        assert there == {f.path for f in store._events.files()}
        assert len(ids(store)) == (3 if name == "write" else 13)
    final = adds_up(store.append(path))
    assert (final.stored, final.duplicate, final.rejected) == (0, 10, 1)
    assert store.rejected().collect().height == 1


def test_the_clock_offsets_of_earlier_units_are_known_to_later_ones(store, tmp_path, shared_data):
    adds_up(store.append(shared_data / "onex" / "omnibase_dev_telemetry.jsonl"))
    appender = Appender(store._events, store._rejected, None)  # type: ignore[arg-type]
    assert set(appender._offsets.values()) == {-18_000_000}
