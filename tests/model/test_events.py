from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import EVENT_MODELS, VERSIONS, OnexEvent, OnexEventType, OnexEventV1_0, OnexEventV2_0
from onex_analytics.model.metadata import NodeStart

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GIVEN = {"event_id": "e1", "timestamp": NOON, "node_id": "n", "event_type": "NODE_START"}
HEX = "0af7651916cd43dd8448eb211c80319c"
models = pytest.mark.parametrize("model", EVENT_MODELS.values())


def test_the_event_is_1_1_0_and_every_version_has_its_model():
    assert OnexEvent is EVENT_MODELS["1.1.0"]
    assert list(EVENT_MODELS) == list(VERSIONS)


@models
def test_a_model_creates_events_of_its_own_version(model):
    event = model(node_id="n", event_type="NODE_START")
    assert event.schema_version == model.VERSION
    assert UUID(event.event_id).version == 4
    assert event.timestamp.tzinfo is UTC and abs(datetime.now(UTC) - event.timestamp) < timedelta(minutes=1)


@models
def test_what_is_written_is_read_back_equal(model):
    event = model(**GIVEN, correlation_id="c", metadata={"input_state": {"a": [1, None]}}, tenant={"a": 1})
    assert model.model_validate(event.as_dict()) == event
    assert model.model_validate_json(event.model_dump_json()) == event
    assert "tenant" in event.as_dict()


def test_1_0_0_is_written_without_a_version_and_later_ones_with_it():
    assert "schema_version" not in OnexEventV1_0(**GIVEN).as_dict()
    assert OnexEvent(**GIVEN).as_dict()["schema_version"] == "1.1.0"


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-23T12:00:00", "2026-11-23T12:00:00Z", "2026-11-23 12:00:00", "2026-11-23T12:00:00.000000+00:00",
        "2026-11-23T07:00:00-05:00", 1_795_435_200, 1_795_435_200_000, datetime(2026, 11, 23, 12),
        NOON.astimezone(timezone(timedelta(hours=9))),
    ],
)  # fmt: skip
def test_every_form_of_a_time_is_read_as_utc_and_written_aware(time):
    event = OnexEvent(**GIVEN | {"timestamp": time})
    assert event.timestamp == NOON and event.timestamp.utcoffset() == timedelta(0)
    assert event.as_dict()["timestamp"] == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize("version", ["1.1.0", {"major": 1, "minor": 1, "patch": 0, "prerelease": None, "build": None}])
def test_a_version_is_read_as_text_or_object_and_written_as_text(version):
    assert OnexEvent(**GIVEN, schema_version=version).as_dict()["schema_version"] == "1.1.0"


def test_the_version_that_an_event_came_with_is_kept():
    assert OnexEvent(**GIVEN, schema_version="1.0.2").schema_version == "1.0.2"


@pytest.mark.parametrize("version", ["2.0.0", "odd"])
def test_another_major_and_what_is_no_version_are_refused(version):
    with pytest.raises(ValidationError, match=r"another major|is not known"):
        OnexEvent(**GIVEN, schema_version=version)


@pytest.mark.parametrize(
    "spelled", ["NODE_START", "node_start", "OnexEventTypeEnum.NODE_START", "core.node.start", OnexEventType.NODE_START]
)
def test_a_known_type_becomes_its_member(spelled):
    assert OnexEvent(**GIVEN | {"event_type": spelled}).event_type is OnexEventType.NODE_START


def test_an_unknown_type_is_kept_in_upper_case():
    event = OnexEvent(**GIVEN | {"event_type": "tool.custom"})
    assert (event.event_type, event.family, event.outcome) == ("TOOL_CUSTOM", "other", "other")


def test_ids_may_be_uuids():
    node, correlation = uuid4(), uuid4()
    event = OnexEvent(node_id=node, event_type="NODE_START", correlation_id=correlation)
    assert (event.node_id, event.correlation_id) == (str(node), str(correlation))
    assert event.trace_id == correlation.hex


def test_metadata_may_be_given_as_its_model_and_is_had_as_one():
    event = OnexEvent(**GIVEN, metadata=NodeStart(input_state={"a": 1}, tenant="x"))
    assert event.metadata == {"input_state": {"a": 1}, "tenant": "x"}
    assert isinstance(event.typed_metadata(), NodeStart)


@pytest.mark.parametrize(
    ("metadata", "outcome"),
    [
        ({"output_state": {"status": "success"}}, "success"), ({"output_state": {"status": "error"}}, "soft_failure"),
        ({"success": False}, "soft_failure"), ({"status": "warning"}, "soft_failure"), (None, "success"),
    ],
)  # fmt: skip
def test_a_soft_failure_is_seen(metadata, outcome):
    assert OnexEvent(**GIVEN | {"event_type": "NODE_SUCCESS"}, metadata=metadata).outcome == outcome


@pytest.mark.parametrize("name", ["node_id", "event_type"])
def test_an_event_needs_a_node_and_a_type(name):
    with pytest.raises(ValidationError, match=name):
        OnexEvent(**{n: v for n, v in GIVEN.items() if n != name})


def test_events_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        OnexEvent(**GIVEN).node_id = "other"


def test_clock_and_ids_are_arguments():
    event = OnexEvent.create("NODE_START", "n", clock=lambda: NOON, new_id=lambda: "e1", correlation_id="c1")
    assert (event.timestamp, event.event_id, event.correlation_id) == (NOON, "e1", "c1")
    assert event.child("NODE_START", clock=lambda: NOON).timestamp == NOON


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True))
def test_every_chain_of_children_has_one_trace_and_the_links_of_its_making(ids):
    event = root = OnexEvent(node_id="n", event_type="NODE_START", correlation_id=ids[0])
    for own in ids[1:]:
        child = event.child("NODE_START", correlation_id=own)
        assert (child.parent_correlation_id, child.trace_id) == (event.correlation_id, root.trace_id)
        assert child.node_id == "n" and child.event_id != event.event_id
        event = child


def test_children_of_a_recorded_root_without_a_trace_share_one():
    root = OnexEvent(**GIVEN, correlation_id="c1")
    assert root.trace_id is None
    assert root.child("NODE_START").trace_id == root.child("NODE_START").trace_id is not None


def test_a_child_of_no_correlation_cannot_be_linked():
    with pytest.raises(InvalidOption, match="correlation_scope"):
        OnexEvent(**GIVEN).child("NODE_START")


@pytest.mark.parametrize("wrong", [{"parent_correlation_id": "x"}, {"trace_id": "x"}, {"correlation_id": "c1"}])
def test_a_child_cannot_be_given_another_link(wrong):
    with pytest.raises(InvalidOption):
        OnexEvent(node_id="n", event_type="NODE_START", correlation_id="c1").child("NODE_START", **wrong)


@pytest.mark.parametrize("model", [EVENT_MODELS[v] for v in VERSIONS[1:]])
def test_what_ends_an_event_has_its_ids(model):
    begun = model(node_id="n", event_type="NODE_START", correlation_id="c1").child("NODE_START")
    ended = begun.finish("NODE_FAILURE", metadata={"error": "e"})
    for name in ("node_id", "correlation_id", "parent_correlation_id", "trace_id", "schema_version"):
        assert getattr(ended, name) == getattr(begun, name)
    assert type(ended) is model and ended.event_id != begun.event_id


def test_2_0_0_has_opentelemetrys_ids():
    event = OnexEventV2_0(**GIVEN, trace_id=UUID(HEX), span_id="00F067AA0BA902B7")
    assert (event.trace_id, event.span_id) == (HEX, "00f067aa0ba902b7")


@pytest.mark.parametrize(
    "wrong", [{"trace_id": "order-17"}, {"trace_id": "0" * 32}, {"span_id": "0" * 16}, {"span_id": HEX}]
)
def test_2_0_0_refuses_other_ids(wrong):
    with pytest.raises(ValidationError, match="bytes of hex"):
        OnexEventV2_0(**GIVEN, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"sampling_probability": 0}, {"sampling_probability": 1.1}, {"batch_position": -1}, {"adjusted_count": -1}],
)
def test_a_share_or_count_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValidationError):
        EVENT_MODELS["1.2.0"](**GIVEN, **wrong)
