from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidEvent, UnknownVersion
from onex_analytics.model import FAMILY_AND_OUTCOME, REQUIRED_METADATA, validate, violations
from onex_analytics.model.validation import depth, json_bytes

ID = "98760760-b91f-4f37-ad00-31936814e10e"
WHOLE = {
    "input_state": {}, "output_state": {}, "error": "e", "operation": "o", "function": "f", "execution_time_ms": 1.5,
    "error_type": "E", "error_message": "m",
}  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def event(metadata: object = None, event_type: str = "STRUCTURED_LOG", **fields: object) -> dict[str, object]:
    return {
        "event_id": ID, "timestamp": "2026-11-23T12:04:16", "node_id": "n", "event_type": event_type,
        "metadata": metadata, **fields,
    }  # fmt: skip


@pytest.mark.parametrize("event_type", FAMILY_AND_OUTCOME)
def test_an_event_with_all_required_keys_breaks_no_rule(event_type):
    assert violations(event(WHOLE, event_type)) == []


@pytest.mark.parametrize("event_type", FAMILY_AND_OUTCOME)
@pytest.mark.parametrize("metadata", [None, {}, dict.fromkeys(WHOLE)])
def test_every_required_key_that_is_absent_or_null_is_missing_in_order(event_type, metadata):
    assert violations(event(metadata, event_type)) == [f"metadata.{k}: missing" for k in REQUIRED_METADATA[event_type]]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (event(event_id="e1"), "event_id: not a UUID"),
        (event(correlation_id="order-17"), "correlation_id: not a UUID"),
        (event(correlation_id=7), "correlation_id: not a UUID"),
        (event(correlation_id=""), "correlation_id: not a UUID"),
        (event(event_type="TOOL_CUSTOM"), "event_type: unknown"),
        (event(schema_version="latest"), "schema_version: not a version"),
        (event([1]), "metadata: not an object"),
        (event("text"), "metadata: not an object"),
        (event({"execution_time_ms": "fast"}), "metadata.execution_time_ms: not a number"),
        (event({"execution_time_ms": True}), "metadata.execution_time_ms: not a number"),
        (event({"execution_time_ms": {}}), "metadata.execution_time_ms: not a number"),
        (event({"execution_time_ms": "0.087434"}), "metadata.execution_time_ms: a number as text"),
        (event({"duration_ms": "0.087434"}), "metadata.duration_ms: a number as text"),
        (event({"execution_time_ms": -0.1}), "metadata.execution_time_ms: negative"),
        (event({"duration_ms": -1}), "metadata.duration_ms: negative"),
        (event({"cache_hits": -1}), "metadata.cache_hits: negative"),
        (event({"success": "true"}), "metadata.success: not a boolean"),
        (event({"success": 1}), "metadata.success: not a boolean"),
        (event({"input_state": {"a": "x" * 102_400}}), "metadata.input_state: over 100 KB"),
        (event({"output_state": "x" * 102_400}), "metadata.output_state: over 100 KB"),
        (event({"input_state": json.loads("[" * 11 + "]" * 11)}), "metadata.input_state: deeper than 10"),
        (event({"output_state": json.loads('{"a":' * 11 + "1" + "}" * 11)}), "metadata.output_state: deeper than 10"),
        (event({"a": "x" * (1024 * 1024 - 8)}), "metadata: over 1 MiB"),
    ],
)
def test_each_rule_has_its_text(given, text):
    assert violations(given) == [text]
    assert validate(given).violations == [text]
    with pytest.raises(InvalidEvent, match="breaks 1 rule") as raised:
        validate(given, strict=True)
    assert raised.value.violations == [text]


@pytest.mark.parametrize(
    "given",
    [
        event(event_id=ID.upper()), event(event_id=ID.replace("-", "")), event(correlation_id=None),
        event(event_type="OnexEventTypeEnum.STRUCTURED_LOG"), event({"success": None, "cpu_time_ms": None}),
        event({"cpu_time_ms": 0, "cache_hits": 10**300}), event(schema_version={"major": 1, "minor": 0, "patch": 0}),
        event({"input_state": {"a": "x" * (102_400 - 8)}}), event({"input_state": json.loads("[" * 10 + "]" * 10)}),
        event({"a": "x" * (1024 * 1024 - 9)}), event({"execution_time_ms": 1, "duration_ms": "odd"}),
    ],
)  # fmt: skip
def test_what_lies_just_inside_a_limit_is_well(given):
    assert violations(given) == []


def test_the_time_may_stand_as_duration():
    metadata = {**WHOLE, "execution_time_ms": None, "duration_ms": 3}
    assert violations(event(metadata, "TELEMETRY_OPERATION_ERROR")) == []


def test_violations_come_in_the_order_of_the_rules():
    metadata = {
        "success": "no", "duration_ms": "-1", "cpu_time_ms": "much", "memory_peak_mb": -1,
        "input_state": json.loads("[" * 40_0 + "]" * 40_0), "output_state": "x" * 2**20,
    }  # fmt: skip
    assert violations(event(metadata, "TELEMETRY_OPERATION_ERROR", event_id=None, correlation_id="c")) == [
        "event_id: not a UUID", "correlation_id: not a UUID", "metadata.operation: missing",
        "metadata.function: missing", "metadata.error_type: missing", "metadata.error_message: missing",
        "metadata.cpu_time_ms: not a number", "metadata.duration_ms: a number as text",
        "metadata.duration_ms: negative", "metadata.memory_peak_mb: negative", "metadata.success: not a boolean",
        "metadata.output_state: over 100 KB", "metadata.input_state: deeper than 10", "metadata: over 1 MiB",
    ]  # fmt: skip


def test_sizes_of_the_text_that_came_are_believed():
    sizes = {"metadata": 2**20, "input_state": 102_401}
    assert violations(event({"input_state": {}}), sizes=sizes) == [
        "metadata.input_state: over 100 KB",
        "metadata: over 1 MiB",
    ]


@given(json_values)
def test_the_size_is_that_of_compact_json(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json_bytes(value) == len(text.encode("utf-8", "surrogatepass"))


def test_the_size_of_what_python_cannot_write_is_counted_all_the_same():
    deep: object = {"é": 1}
    for _ in range(50_000):
        deep = {"a": [deep, 1]}
    assert json_bytes(deep) == 50_000 * len('{"a":[,1]}') + len('{"é":1}'.encode())
    assert depth(deep) == 100_001


@given(json_values)
def test_depth_is_one_more_than_that_of_the_deepest_child(value):
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    assert depth(value) == (0 if children is None else 1 + max(map(depth, children), default=0))


@given(
    st.dictionaries(
        st.sampled_from(["event_id", "event_type", "metadata", "correlation_id", "schema_version"]), json_values
    )
)
def test_no_parsed_json_breaks_the_validator(given):
    assert isinstance(violations(given), list)


@given(json_values, json_values, json_values)
def test_the_lenient_way_keeps_every_value_that_came(metadata, trace_id, batch_position):
    came = event(metadata, schema_version="2.0.0", trace_id=trace_id, batch_position=batch_position, tenant=metadata)
    read, _ = validate(came)
    assert read.metadata == metadata and read.tenant == metadata
    assert type(read.metadata) is type(metadata)
    for name, value in (("trace_id", trace_id), ("batch_position", batch_position)):
        kept = getattr(read, name)
        assert (
            kept == value
            or (kept, value) == (None, "")
            or str(kept) == str(value).replace("-", "").lower()
            or int(kept) == int(value)
        )


def test_a_field_that_does_not_fit_is_named_and_kept():
    read, broken = validate(event(schema_version="1.2.0", batch_position="third"))
    assert read.batch_position == "third"
    assert len(broken) == 1 and broken[0].startswith("batch_position: does not fit (Input should be a valid integer")


@pytest.mark.parametrize("name", ["event_id", "timestamp", "node_id", "event_type"])
@pytest.mark.parametrize("absent", [True, False])
def test_without_id_time_node_or_type_there_is_no_event(name, absent):
    given = event()
    given[name] = None
    if absent:
        del given[name]
    with pytest.raises(InvalidEvent, match=f"{name}: missing"):
        validate(given)


def test_an_id_that_is_no_text_gives_no_event():
    assert violations(event(event_id=7)) == ["event_id: not a UUID"]
    with pytest.raises(InvalidEvent, match="event_id: does not fit"):
        validate(event(event_id=7))


def test_an_unreadable_time_gives_no_event():
    with pytest.raises(InvalidEvent, match="timestamp: does not fit"):
        validate(event(timestamp="yesterday"))


def test_each_version_is_read_by_its_model_and_a_missing_one_means_1_0_0():
    for version, name in (
        ("1.0.3", "OnexEventV1_0"),
        ("1.2.0", "OnexEventV1_2"),
        ("1.9.0", "OnexEventV1_3"),
        ("2.4.0", "OnexEventV2_0"),
    ):
        read = validate(event(schema_version=version)).event
        assert (type(read).__name__, read.schema_version) == (name, version)
    assert type(validate(event()).event).__name__ == "OnexEventV1_0"


def test_an_odd_version_is_kept_and_read_as_1_0_0():
    read, broken = validate(event(schema_version=17))
    assert (type(read).__name__, read.schema_version, broken) == (
        "OnexEventV1_0",
        17,
        ["schema_version: not a version"],
    )
    assert validate(event(schema_version="0.9.0")).event.schema_version == "0.9.0"


def test_a_newer_major_is_refused():
    with pytest.raises(UnknownVersion, match=r"'3.0.0' is not known"):
        validate(event(schema_version="3.0.0"))


def test_real_events_of_upstream_are_read_whole(shared_data):
    broken = []
    for line in (shared_data / "onex" / "omnibase_main_v1.0.0.jsonl").read_text().splitlines():
        came = json.loads(line)
        read, found = validate(came)
        broken += found
        time = datetime.fromisoformat(came["timestamp"]).replace(tzinfo=UTC)
        assert read.timestamp == time
        assert read.as_dict() | {"timestamp": None} == came | {"timestamp": None}
    assert set(broken) == {"metadata.input_state: missing", "metadata.output_state: missing"}
    assert 0 < len(broken) < 0.02 * 3028
