from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.model import (
    FAMILIES,
    FAMILY_AND_OUTCOME,
    OUTCOMES,
    OnexEventType,
    event_type_of_topic,
    family_and_outcome,
    normalise_event_type,
    outcome_table,
)

types = st.sampled_from(OnexEventType)


def test_every_type_has_a_family_and_an_outcome():
    assert list(FAMILY_AND_OUTCOME) == [t.value for t in OnexEventType] == [t.name for t in OnexEventType]
    assert len(OnexEventType) == 28
    for family, outcome in FAMILY_AND_OUTCOME.values():
        assert family in FAMILIES and outcome in OUTCOMES


@given(
    types,
    st.sampled_from(["OnexEventTypeEnum.{}", "com.onex.{}", "core.{}", "{}", " {} "]),
    st.sampled_from([str.lower, str.upper]),
)
def test_every_spelling_seen_of_a_type_is_that_type(event_type, form, case):
    assert normalise_event_type(form.format(case(event_type.value))) == event_type
    assert normalise_event_type("core." + case(event_type.value).replace("_", ".")) == event_type


@given(types, st.sampled_from(["evt", "cmd", "intent", "snapshot", "dlq"]), st.integers(1, 99))
def test_a_topic_names_its_type_with_or_without_producer_version_and_environment(event_type, kind, version):
    event = event_type.value.lower().replace("_", "-")
    for topic in (
        f"onex.{kind}.stamper.{event}.v{version}",
        f"onex.{kind}.stamper.{event}",
        f"dev.onex.{kind}.stamper.{event}.v1",
    ):
        assert event_type_of_topic(topic) == event_type
    assert event_type_of_topic(f"onex.{kind}.{event}.v{version}") == event_type


@given(
    st.lists(st.sampled_from(["core", "onex", "evt", "com", "Node", "v1", ".", "-", "_", " ", "EventType."])).map(
        "".join
    )
)
def test_what_is_normalised_stays_as_it_is(text):
    once = normalise_event_type(text)
    assert normalise_event_type(once) == once


def test_an_unknown_type_is_kept():
    assert normalise_event_type("tool.custom-thing") == "TOOL_CUSTOM_THING"
    assert family_and_outcome("TOOL_CUSTOM_THING", "error") == ("other", "other")


@pytest.mark.parametrize("status", ["error", "warning", "failure"])
def test_a_success_that_reports_trouble_is_a_soft_failure(status):
    assert family_and_outcome("NODE_SUCCESS", status) == ("node", "soft_failure")


@pytest.mark.parametrize("status", [None, "success", "skipped", "fixed", "partial", "info", "unknown"])
def test_any_other_status_leaves_a_success_a_success(status):
    assert family_and_outcome("NODE_SUCCESS", status) == ("node", "success")
    assert family_and_outcome("NODE_SUCCESS", status, success=False) == ("node", "soft_failure")


def test_the_printed_table_says_it_for_every_type_and_status():
    table = outcome_table()
    assert table.columns == ["event_type", "result_status", "family", "outcome"]
    assert table.height == 28 * 10 + 1 and table.is_unique().all()
    for event_type, status, *said in table.iter_rows():
        assert tuple(said) == family_and_outcome(event_type or "ANYTHING", status)
