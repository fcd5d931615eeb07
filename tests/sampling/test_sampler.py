"""The seed's sampler: shares by type, drawn anew; repeatable by a seed; decisions by ids."""

from __future__ import annotations

import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import OnexEvent
from onex_analytics.sampling import EventSampler, ProbabilityPolicy


def test_types_are_emitted_at_their_shares():
    sampler = EventSampler({"NODE_START": 0.2, "TELEMETRY_*": 0.0}, seed=7)
    starts = sum(sampler.should_emit("NODE_START") for _ in range(10_000))
    assert abs(starts - 2000) < 200  # five standard deviations
    assert not any(sampler.should_emit("TELEMETRY_OPERATION_START") for _ in range(1000))
    assert all(sampler.should_emit("NODE_FAILURE") for _ in range(1000))


def test_a_seed_draws_the_same_again_and_no_seed_does_not():
    drawn = [[sampler.should_emit("A") for _ in range(200)]
             for sampler in (EventSampler({"A": 0.5}, seed=s) for s in (3, 3, None, None))]  # fmt: skip
    assert drawn[0] == drawn[1]
    assert drawn[2] != drawn[3]


def test_other_types_have_the_default_share():
    assert not EventSampler({}, default=0.0).should_emit("A")
    assert EventSampler({}).should_emit("A")


def test_an_event_is_decided_the_same_as_a_model_and_as_json():
    event = OnexEvent.create("NODE_START", node_id="stamper_node", metadata={})
    sampler = EventSampler({"NODE_START": 0.5})
    assert sampler.decide(event) == sampler.decide(event.model_dump(mode="json"))


def test_events_of_a_trace_are_decided_alike_in_the_scope_of_traces():
    sampler = EventSampler({}, default=0.5, scope="trace")
    for n in range(50):
        events = [{"event_id": f"e{n}-{i}", "trace_id": f"t{n}", "event_type": "NODE_START"} for i in range(4)]
        assert len({sampler.decide(event).keep for event in events}) == 1


def test_a_whole_policy_may_be_given():
    assert EventSampler(ProbabilityPolicy(probability=0.0)).decide({"event_id": "a"}).adjusted_count is None


def test_an_event_without_any_id_is_kept():
    assert EventSampler({}, default=0.0).decide({"event_type": "A"}) == (True, 1.0, 1.0, "rates/without id")


@pytest.mark.parametrize("rates", [{"A": 1.5}, {"A": float("nan")}])
def test_an_impossible_share_is_refused_by_its_type(rates):
    with pytest.raises(InvalidOption, match=r"sample_rates\['A'\]"):
        EventSampler(rates)
