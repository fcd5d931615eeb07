from __future__ import annotations

import copy
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onex_analytics.exceptions import LossyDowncast, UnknownVersion, VersionError
from onex_analytics.model import EVENT_MODELS, FIELDS_ADDED, VERSIONS, check_chain, transform_event, transformed
from onex_analytics.model.upcasters import CHAIN, Step, hex_trace_id

texts = st.text(max_size=8)
ANY_VERSION = st.sampled_from(VERSIONS)
values = st.none() | st.booleans() | st.integers() | texts
NEWER = {version: [n for v in VERSIONS[i + 1 :] for n in FIELDS_ADDED[v]] for i, version in enumerate(VERSIONS)}


@st.composite
def events(draw, version=ANY_VERSION):
    """An event that has no field that is newer than its version."""
    own = draw(version)
    names = [n for v in VERSIONS[: VERSIONS.index(own) + 1] for n in FIELDS_ADDED[v]]
    optional = [
        n
        for n in names
        if n not in ("event_id", "timestamp", "node_id", "event_type", "schema_version", "trace_id", "metadata")
    ]
    event = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(optional, values) | {"tenant": values}))
    if "trace_id" in names:
        plain = st.uuids().map(lambda u: u.hex)
        event |= draw(
            st.fixed_dictionaries(
                {}, optional={"trace_id": plain if own == "2.0.0" else texts | plain | st.uuids().map(str)}
            )
        )
    message = draw(st.sampled_from(["m", "[ONEX_CORE_021_FILE_NOT_FOUND] m", "[SC001] m"]))
    metadata = draw(st.none() | st.fixed_dictionaries({"error": st.just(message)}, optional={"tenant": values}))
    kind = draw(st.sampled_from(["NODE_FAILURE", "OnexEventTypeEnum.NODE_FAILURE", "NODE_SUCCESS", "TOOL_CUSTOM"]))
    event |= {
        "event_id": "e1",
        "timestamp": "2026-11-23T12:00:00",
        "node_id": "n",
        "event_type": kind,
        "metadata": metadata,
    }
    return event if own == "1.0.0" else {**event, "schema_version": own}


@given(events(), st.sampled_from(VERSIONS))
def test_up_and_down_again_is_the_same_event(event, to):
    came = event.get("schema_version", "1.0.0")
    assume(VERSIONS.index(came) <= VERSIONS.index(to))
    before = copy.deepcopy(event)
    there = transform_event(event, to)
    assert there.get("schema_version", "1.0.0") == to
    assert transform_event(there, came) == event == before


@given(events(), st.sampled_from(VERSIONS), st.sampled_from(VERSIONS))
def test_two_steps_up_are_as_one(event, between, to):
    came = event.get("schema_version", "1.0.0")
    assume(VERSIONS.index(came) <= VERSIONS.index(between) <= VERSIONS.index(to))
    assert transform_event(transform_event(event, between), to) == transform_event(event, to)


@given(events(), st.sampled_from(VERSIONS))
def test_a_downcast_names_exactly_what_it_drops(event, to):
    came = event.get("schema_version", "1.0.0")
    assume(VERSIONS.index(to) < VERSIONS.index(came))
    result, dropped = transformed(event, to)
    assert not set(result) & (set(NEWER[to]) - {"schema_version"})
    gone = {n for n in event if n not in result and event[n] is not None and n != "schema_version"}
    assert gone == set(dropped) | ({"adjusted_count"} & gone if event.get("adjusted_count") == 1 else set())
    assert {
        n: v for n, v in event.items() if n in result and n not in ("metadata", "schema_version")
    }.items() <= result.items()
    if dropped:
        with pytest.raises(LossyDowncast) as raised:
            transform_event(event, to)
        assert raised.value.dropped == dropped
    assert transform_event(event, to, allow_loss=True) == result


@given(events(version=st.just("1.3.0")))
def test_the_newest_form_of_an_event_fits_the_newest_model(event):
    event = {
        n: v
        for n, v in event.items()
        if n in ("event_id", "timestamp", "node_id", "event_type", "trace_id", "metadata")
    }
    read = EVENT_MODELS["2.0.0"].model_validate(transform_event(event | {"schema_version": "1.3.0"}, "2.0.0"))
    assert read.trace_id is None or len(read.trace_id) == 32


def test_the_code_of_a_failure_is_lifted_and_given_back():
    event = {"event_type": "NODE_FAILURE", "metadata": {"error": "[ONEX_CORE_021_FILE_NOT_FOUND] x"}}
    up = transform_event(event, "1.1.0")
    assert up["metadata"]["error_code"] == "ONEX_CORE_021_FILE_NOT_FOUND"
    assert transform_event(up, "1.0.0") == event


def test_a_code_that_the_message_does_not_say_stays_on_the_way_down():
    event = {"schema_version": "1.1.0", "event_type": "NODE_FAILURE", "metadata": {"error": "x", "error_code": "SC001"}}
    assert transform_event(event, "1.0.0")["metadata"] == event["metadata"]


def test_a_trace_id_becomes_sixteen_bytes_and_its_text_is_kept():
    up = transform_event({"schema_version": "1.1.0", "trace_id": "order-17"}, "2.0.0")
    assert up == {"schema_version": "2.0.0", "trace_id": hex_trace_id("order-17"), "trace_id_original": "order-17"}
    assert len(bytes.fromhex(up["trace_id"])) == 16
    assert set(hex_trace_id("0" * 32)) != {"0"}


def test_a_null_or_a_count_of_one_is_no_loss():
    event = {"schema_version": "1.2.0", "adjusted_count": 1.0, "batch_id": None}
    assert transformed(event, "1.0.0") == ({}, [])


def test_a_newer_minor_is_treated_as_the_newest_that_we_know():
    assert transform_event({"schema_version": "1.9.0", "hue": "red"}, "2.0.0") == {
        "schema_version": "2.0.0",
        "hue": "red",
    }
    assert transform_event({"schema_version": "2.4.0", "hue": "red"}, "2.0.0") == {
        "schema_version": "2.0.0",
        "hue": "red",
    }


def test_upstreams_object_is_a_version():
    event = {"schema_version": {"major": 1, "minor": 0, "patch": 0, "prerelease": None, "build": None}}
    assert transform_event(event, "1.2.0") == {"schema_version": "1.2.0"}


@pytest.mark.parametrize(
    ("version", "to"), [("3.0.0", "2.0.0"), ("1.0.0", "1.4.0"), ("odd", "1.1.0"), ("0.9.0", "1.1.0")]
)
def test_a_version_outside_the_chain_is_refused(version, to):
    with pytest.raises(UnknownVersion):
        transform_event({"schema_version": version}, to)


@pytest.mark.parametrize(
    ("steps", "defect"),
    [
        (CHAIN[1:], "gap: no step leads from 1.0.0 to 1.1.0"),
        ((*CHAIN[:1], *CHAIN[2:]), "gap: no step leads from 1.1.0 to 1.2.0"),
        ((), "gap"),
        ((*CHAIN, Step("1.0.0", "2.0.0")), "duplicate: two steps leave 1.0.0"),
        ((Step("1.0.0", "1.2.0"), *CHAIN[1:]), "duplicate: two steps enter 1.2.0"),
        ((*CHAIN, Step("2.0.0", "1.0.0")), "cycle: the step 2.0.0 → 1.0.0 leads back"),
        ((*CHAIN[1:], Step("1.0.0", "1.0.0")), "cycle"),
        ((*CHAIN, Step("2.0.0", "2.1.0")), "unknown: no version is called 2.1.0"),
    ],
)
def test_a_defect_of_the_chain_is_found(steps, defect):
    with pytest.raises(VersionError, match=defect):
        check_chain(steps)


def test_the_chain_is_whole_in_any_order():
    check_chain(CHAIN)
    check_chain(CHAIN[::-1])


@pytest.mark.parametrize("name", ["omnibase_main_v1.0.0", "omnibase_dev_telemetry"])
def test_real_events_go_up_and_down_again(shared_data, name):
    for line in (shared_data / "onex" / f"{name}.jsonl").read_text().splitlines():
        event = json.loads(line)
        same = {n: v for n, v in event.items() if n != "schema_version"}
        assert transform_event(transform_event(event, "2.0.0"), "1.0.0") == same
