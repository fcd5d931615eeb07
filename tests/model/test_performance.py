from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from onex_analytics.model import OnexEventType, PerformanceProfileEvent, correlation_scope
from onex_analytics.model.metadata import PerformanceProfile

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NUMBERS = {"operation": "stamp", "execution_time_ms": 2.5, "cache_hits": 3, "samples": {"a;b": 2}, "tenant": "x"}


def test_an_event_is_of_its_type_and_version_and_keeps_its_metadata_as_they_are():
    event = PerformanceProfileEvent(node_id="n", metadata=NUMBERS, event_id="e", timestamp=NOON)
    assert event.as_dict() == {
        "event_id": "e", "timestamp": "2026-11-23T12:00:00Z", "node_id": "n", "event_type": "PERFORMANCE_PROFILE",
        "metadata": NUMBERS, "schema_version": "1.3.0",
    }  # fmt: skip
    assert PerformanceProfileEvent.model_validate(event.as_dict()) == event
    assert event.family == "profile" and event.outcome == "other"


def test_metadata_may_come_as_their_model_and_are_had_as_their_model():
    event = PerformanceProfileEvent(node_id="n", metadata=PerformanceProfile(operation="stamp", cpu_time_ms=1))
    assert event.metadata == {"operation": "stamp", "cpu_time_ms": 1.0}
    assert isinstance(event.profile, PerformanceProfile) and event.profile.cpu_time_ms == 1.0


@pytest.mark.parametrize("spelled", ["performance_profile", "OnexEventTypeEnum.PERFORMANCE_PROFILE"])
def test_every_spelling_of_the_type_is_read(spelled):
    event = PerformanceProfileEvent(node_id="n", event_type=spelled, metadata={})
    assert event.event_type is OnexEventType.PERFORMANCE_PROFILE


@pytest.mark.parametrize(
    "fields", [{"event_type": "NODE_START", "metadata": {}}, {"metadata": {"cache_hits": "many"}}, {},
               {"metadata": {"samples": {"a": "x"}}}, {"metadata": None}],
)  # fmt: skip
def test_another_type_and_numbers_that_are_none_are_refused(fields):
    with pytest.raises(ValidationError):
        PerformanceProfileEvent(node_id="n", **fields)


def test_created_in_a_scope_it_belongs_to_it():
    with correlation_scope("c1"), correlation_scope("c2"):
        event = PerformanceProfileEvent(node_id="n", metadata={})
    assert (event.correlation_id, event.parent_correlation_id) == ("c2", "c1")
