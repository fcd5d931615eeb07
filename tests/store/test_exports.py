from __future__ import annotations

import gzip
import io
import json
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onex_analytics import EventStore
from onex_analytics.exceptions import SourceError
from tests.laws import examples
from tests.store.lines import NOON, adds_up, event, line, lines, write

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6,
)  # fmt: skip
ABSENT = object()
TIMES = ["2026-11-01T12:00:00Z", "2026-11-01 12:00:00.5", "2026-11-01T13:00:00+01:00", 1793534400, 1793534400123]
TYPES = ["node_start", "OnexEventTypeEnum.NODE_START", "core.node.start", "SOMETHING_ELSE"]
IDS = ("correlation_id", "parent_correlation_id", "trace_id", "span_id", "replay_id")
FIELDS = {
    **{name: st.text(max_size=5) for name in IDS},
    "schema_version": st.sampled_from(["1.0.0", "1.1.0", {"major": 1, "minor": 2, "patch": 0}]),
    "is_replay": st.booleans(), "adjusted_count": st.floats(1, 9),
    "metadata": JSON, "colour": JSON, "x\ny": JSON, "sampling_probability": JSON,
    "timestamp": st.sampled_from(TIMES), "event_type": st.sampled_from(TYPES),
}  # fmt: skip


@st.composite
def events(draw: st.DrawFn, number: int = 0) -> dict[str, object]:
    made = event(number)
    for name, values in FIELDS.items():
        needed = name in ("timestamp", "event_type")
        value = draw(values | st.just(made[name]) if needed else values | st.none() | st.just(ABSENT))
        if value is not ABSENT:
            made[name] = value
    order = draw(st.permutations(list(made)))
    return {name: made[name] for name in order}


def read(path: Path) -> list[dict[str, object]]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return [json.loads(text) for text in data.splitlines()]


def by_id(found: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {e["event_id"]: e for e in found}


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
@pytest.mark.parametrize("name", ["omnibase_main_v1.0.0.jsonl", "omnibase_dev_telemetry.jsonl", "recording_300.json"])
def test_the_real_logs_come_out_as_they_went_in(store, shared_data, tmp_path, name, suffix):
    log = shared_data / "onex" / name
    store.append(log)
    came = json.loads(log.read_bytes()) if log.suffix == ".json" else read(log)
    assert store.to_jsonl(tmp_path / f"out{suffix}") == len(came)
    assert by_id(read(tmp_path / f"out{suffix}")) == by_id(came)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=examples(25))
@given(st.lists(events(), min_size=1, max_size=6))
def test_events_come_out_equal_field_by_field(made):
    for number, each in enumerate(made):
        each["event_id"] = f"e{number}"
    with tempfile.TemporaryDirectory() as folder:
        log = write(Path(folder, "log.jsonl"), *(json.dumps(e).encode() + b"\n" for e in made))
        store = EventStore(f"{folder}/s")
        report = adds_up(store.append(log))
        assert store.to_jsonl(f"{folder}/out.jsonl") == report.stored
        rejected = {json.loads(raw)["event_id"] for raw in store.rejected().collect()["raw"]}
        came = by_id([e for e in made if e["event_id"] not in rejected])
        out = by_id(read(Path(folder, "out.jsonl")))
        assert out == came
        assert json.dumps(out, sort_keys=True) == json.dumps(came, sort_keys=True)  # 1 is not true, nor 1.0

        other = EventStore(f"{folder}/other")
        assert adds_up(other.append(f"{folder}/out.jsonl")).stored == len(came)
        assert adds_up(store.append(f"{folder}/out.jsonl")).duplicate == len(came)


def test_events_come_out_by_time_also_to_an_open_file(store, tmp_path):
    store.append(write(tmp_path / "log.jsonl", lines([3, 1, 2])))
    out = io.BytesIO()
    assert store.to_jsonl(out) == 3
    assert [json.loads(text)["event_id"] for text in out.getvalue().splitlines()] == ["e1", "e2", "e3"]


def test_only_what_is_asked_for_comes_out(store, tmp_path):
    other = [line(4, node_id="b"), line(5, event_type="NODE_SUCCESS")]
    store.append(write(tmp_path / "log.jsonl", lines(range(4)), *other))
    out = tmp_path / "out.jsonl"

    def found(**asked: object) -> list[object]:
        store.to_jsonl(out, **asked)
        return [e["event_id"] for e in read(out)]

    assert found(since=NOON + timedelta(seconds=1), until="2026-11-01T12:00:03") == ["e1", "e2"]
    assert found(nodes=["b"]) == ["e4"]
    assert found(event_types=["NODE_SUCCESS"]) == ["e5"]
    assert found(nodes=[]) == []
    assert found(version=0) == []


def test_an_envelope_comes_out_as_the_event_in_it(store, tmp_path):
    capture = {"topic": "onex.evt.router.started.v1", "partition": 0, "offset": 4, "envelope": {"payload": event(1)}}
    store.append(write(tmp_path / "log.jsonl", json.dumps(capture).encode()))
    store.to_jsonl(tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl") == [event(1)]


def test_a_place_that_cannot_be_written_is_named_with_the_mend(store, tmp_path):
    store.append(write(tmp_path / "log.jsonl", line(1)))
    for target in (tmp_path, tmp_path / "absent" / "out.jsonl"):
        with pytest.raises(SourceError, match="cannot be written"):
            store.to_jsonl(target)
