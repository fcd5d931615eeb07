"""Events inside other things."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.canonical import Batch, Gate

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVENT = {
    "event_id": "e1", "timestamp": "2026-11-23T11:00:00", "node_id": "stamper_node", "event_type": "NODE_START",
    "metadata": {"input_state": {}},
}  # fmt: skip
ENVELOPE = {
    "envelope_id": "v1", "envelope_timestamp": "2026-11-23T11:59:00Z", "correlation_id": "c1", "event_type": None,
    "trace_id": "t1", "span_id": "s1", "source_tool": "tree_node",
}  # fmt: skip
TOPIC = "onex.evt.stamper.node-success.v1"


def read(*lines: Any) -> Batch:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return Gate(NOON).read(block_of_bytes("\n".join(texts).encode(), "log"))


def row(line: Any) -> dict[str, Any]:
    batch = read(line)
    assert batch.rejected.is_empty(), batch.rejected.to_dicts()
    return batch.events.to_dicts()[0]


def reason(line: Any) -> str:
    return str(read(line).rejected["reason"].item())


def test_an_event_in_an_envelope_is_the_event_with_the_envelopes_ids():
    found = row({**ENVELOPE, "payload": EVENT})
    assert (found["event_id"], found["node_id"], found["event_type"]) == ("e1", "stamper_node", "NODE_START")
    assert (found["correlation_id"], found["trace_id"], found["span_id"]) == ("c1", "t1", "s1")
    assert found["arrived_at"] == datetime(2026, 11, 23, 11, 59, tzinfo=UTC)
    assert json.loads(found["extra"]) == {"envelope": {**ENVELOPE, "payload": None}}


def test_bare_data_in_an_envelope_is_the_metadata_of_its_event():
    found = row({**ENVELOPE, "event_type": "core.node.start", "payload": {"operation": "stamp"}})
    assert (found["event_id"], found["node_id"], found["event_type"]) == ("v1", "tree_node", "NODE_START")
    assert (found["operation"], found["timestamp"]) == ("stamp", datetime(2026, 11, 23, 11, 59, tzinfo=UTC))


@pytest.mark.parametrize("payload", [[1, 2], "text", 5, None])
def test_a_payload_need_not_be_an_object(payload):
    found = row({**ENVELOPE, "event_type": "NODE_START", "payload": payload})
    assert json.loads(found["metadata"] or "null") == payload
    assert ("metadata: not an object" in found["violations"]) == (payload is not None)


def test_a_capture_from_the_bus_says_topic_place_and_arrival():
    capture = {
        "topic": TOPIC, "partition": 3, "offset": 7, "timestamp": 1_700_000_000_000, "envelope": {
            "envelope_id": "v1", "event_type": None, "payload": {"payload": {"operation": "stamp"}}}
    }  # fmt: skip
    found = row({**capture, "envelope": {**capture["envelope"], "envelope_timestamp": 1_600_000_000}})
    assert (found["source"], found["source_offset"]) == (f"{TOPIC}/3", 7)
    assert found["arrived_at"].timestamp() == 1_700_000_000
    assert found["timestamp"].timestamp() == 1_600_000_000
    assert (found["event_type"], found["node_id"], found["event_id"]) == ("NODE_SUCCESS", "stamper", "v1")
    assert found["operation"] == "stamp"


def test_the_causation_of_a_model_envelope_is_kept():
    found = row({"message_id": "m2", "causation_id": "m1", "correlation_id": "c", "payload": EVENT})
    assert (found["causation_id"], found["correlation_id"]) == ("m1", "c")


@pytest.mark.parametrize("data", [{"correlation_id": "c", "metadata": {"operation": "o"}}, {"operation": "o"}])
def test_a_cloud_event_is_read(data):
    cloud = {
        "specversion": "1.0", "id": "e1", "source": "onex/stamper_node", "type": "com.onex.node_start",
        "time": "2026-11-23T11:00:00Z", "data": data,
    }  # fmt: skip
    found = row(cloud)
    assert (found["event_id"], found["node_id"], found["event_type"]) == ("e1", "stamper_node", "NODE_START")
    assert (found["operation"], found["correlation_id"]) == ("o", data.get("correlation_id"))


def test_a_cloud_event_needs_no_data():
    found = row('{"specversion":"1.0","id":"e1","source":"x","type":"com.onex.node_start","time":1.0}')
    assert found["metadata"] == "null" or found["metadata"] is None


def test_the_event_of_omnibase_core_calls_its_metadata_data():
    core = {k: v for k, v in EVENT.items() if k != "metadata"}
    assert row({**core, "data": {"operation": "o"}})["operation"] == "o"
    assert row(json.dumps({**core, "data": {"operation": "o"}}).replace('"data"', '"d\\u0061ta" '))["operation"] == "o"


@pytest.mark.parametrize("name", ["payload", "envelope", "specversion", "message_id", "topic", "data"])
def test_a_plain_event_may_have_fields_that_envelopes_have(name):
    line = {**EVENT, name: {"event_id": "other"}}
    found = row(line)
    assert (found["event_id"], json.loads(found["extra"])) == ("e1", {name: {"event_id": "other"}})


@pytest.mark.parametrize(
    "around",
    [
        lambda inner: {**ENVELOPE, "payload": inner}, lambda inner: {"topic": TOPIC, "envelope": inner},
        lambda inner: {"topic": TOPIC, "envelope": {"envelope_id": "v", "payload": inner}},
    ],
)  # fmt: skip
def test_what_is_rejected_inside_an_envelope_keeps_the_whole_line(around):
    line = json.dumps(around({**EVENT, "timestamp": "soon"}))
    good = json.dumps(EVENT)
    batch = read(good, line, good)
    assert batch.rejected.select("reason", "raw", "line").rows() == [("invalid_timestamp", line.encode(), 2)]
    assert batch.lines.to_list() == [1, 3]


def test_an_envelope_without_anything_is_rejected():
    assert reason({"payload": {}}) == "missing_event_id"
    assert reason({"envelope": {}}) == "missing_event_id"


def test_no_number_and_no_nesting_is_too_much_for_an_envelope():
    deep = "[" * 990 + "]" * 990
    line = json.dumps({**ENVELOPE, "event_type": "X", "payload": {"a": 1}})
    found = row(line.replace('"a": 1', f'"a":{deep},"b":1e999,"c":{"9" * 5000}'))
    assert found["metadata"] == f'{{"a":{deep},"b":1e999,"c":{"9" * 5000}}}'


def test_envelopes_within_envelopes_have_an_end():
    line = {**EVENT}
    for _ in range(9):
        line = {"envelope_id": "v", "payload": line}
    assert reason(line).startswith("missing")


def test_lone_surrogates_around_an_event_do_no_harm():
    line = json.dumps({**ENVELOPE, "source_tool": None, "payload": EVENT, "topic": "\ud800"})
    assert row(line)["event_id"] == "e1"
