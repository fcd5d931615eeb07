"""Live and on history a tail policy says the same of every event; nothing is lost, and no more is held than allowed."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import OnexEvent
from onex_analytics.sampling import ProbabilityPolicy, TailPolicy, TailSampler, apply
from onex_analytics.sampling.deciding import DECISION
from tests.laws import examples
from tests.sampling.drawn_tails import EVENTS, NOON, POLICIES, SCHEMA


def in_order(events: pl.DataFrame) -> pl.DataFrame:
    """In the order of arrival, each row with its number."""
    moment = pl.coalesce("arrived_at", "timestamp")
    keys = (moment, pl.col("timestamp"), pl.col("event_id"))
    return events.sort(*keys, nulls_last=True, maintain_order=True).with_row_index("number")


def decisions(policy: TailPolicy, events: pl.DataFrame) -> list[dict[str, object]]:
    return apply(policy, events.lazy()).collect().select(*DECISION).to_dicts()


def agrees(policy: TailPolicy, events: pl.DataFrame, data: st.DataObject) -> None:
    """What is decided live is what is decided on history."""
    ordered = in_order(events)
    sampler = TailSampler(policy)
    told = []
    for row in ordered.iter_rows(named=True):
        at = row["arrived_at"] or row["timestamp"]
        for earlier in data.draw(st.lists(st.integers(0, 5000), max_size=2)) if at else ():
            told += sampler.advance(at - timedelta(milliseconds=earlier))
        told += sampler.process(row)
        assert sampler.pending <= policy.max_events
        assert sampler.received == sampler.kept + sampler.dropped + sampler.pending
    told += sampler.close()
    assert sampler.pending == 0
    told.sort(key=lambda one: one.event["number"])
    assert [one.event["number"] for one in told] == list(range(ordered.height))
    assert [one.decision._asdict() for one in told] == decisions(policy, ordered)


@given(POLICIES, EVENTS, st.data())
def test_live_and_on_history_the_same_is_decided_of_every_event_however_the_stream_is_split(policy, events, data):
    agrees(policy, events, data)


@pytest.mark.soak
@settings(max_examples=examples(4000), suppress_health_check=[HealthCheck.too_slow])
@given(POLICIES, EVENTS, st.data())
def test_live_and_on_history_the_same_is_decided_of_thousands_of_streams(policy, events, data):
    agrees(policy, events, data)


def fed(policy: TailPolicy, rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    sampler = TailSampler(policy)
    told = [one for row in rows for one in sampler.process(row)] + sampler.close()
    return [(one.event["number"], one.decision) for one in told]


@given(POLICIES, st.permutations(range(12)), EVENTS)
def test_a_clock_that_goes_back_stands_still(policy, order, events):
    rows = [{**row, "number": number} for number, row in enumerate(events.to_dicts()[:12])]
    rows = [rows[place] for place in order if place < len(rows)]
    clock, forward = None, []
    for row in rows:
        clock = max((one for one in (row["arrived_at"] or row["timestamp"], clock) if one), default=None)
        forward.append({**row, "arrived_at": clock})
    assert fed(policy, rows) == fed(policy, forward)


def event(name: str, second: float, **more: object) -> dict[str, object]:
    made = {"event_id": name, "trace_id": "t", "timestamp": NOON + timedelta(seconds=second)}
    return {**made, "node": "a", "family": "node", "outcome": "other", **more}


FAILURES = TailPolicy(policies=[{"kind": "status_code"}], decision_wait_ms=5000, remember_ms=10_000)


def test_an_event_has_the_decision_that_was_made_until_it_is_forgotten_and_then_the_trace_begins_anew():
    sampler = TailSampler(FAILURES)
    assert sampler.process(event("first", 0)) == sampler.process(event("second", 4.9)) == []
    first, second, late = sampler.process(event("at the deadline", 5, outcome="failure"))
    assert (first.decision, second.decision, late.decision) == ((False, 0.0, None, "tail/no policy"),) * 3
    (remembered,) = sampler.process(event("remembered", 14.9, outcome="failure"))
    assert remembered.event["event_id"] == "remembered"
    assert sampler.late == 2
    # the decision was made at 5 s and is remembered up to, not at, 15 s
    assert sampler.process(event("forgotten", 15, outcome="failure")) == []
    assert [one.decision.policy for one in sampler.close()] == ["tail/status_code"]


def test_on_history_a_decision_is_forgotten_at_the_same_moment():
    rows = [event("first", 0), event("remembered", 14.999999, outcome="failure"), event("anew", 15, outcome="failure")]
    found = decisions(FAILURES, pl.DataFrame(rows, schema=SCHEMA))
    assert [one["keep"] for one in found] == [False, False, True]


def test_a_trace_that_never_ends_is_decided_again_and_again_and_is_never_held_for_longer():
    sampler = TailSampler(FAILURES)
    told = [len(sampler.process(event(str(second), second))) for second in range(60)]
    assert told[:16] == [0, 0, 0, 0, 0, 6] + [1] * 9 + [0]
    assert sampler.pending <= 5


def test_a_clock_that_is_moved_on_decides_without_a_new_event():
    sampler = TailSampler(FAILURES)
    sampler.process(event("a", 0.5))
    assert sampler.advance(NOON + timedelta(seconds=5.9)) == []
    assert [one.event["event_id"] for one in sampler.advance(NOON + timedelta(seconds=6))] == ["a"]
    assert sampler.advance(NOON) == []


def test_where_no_room_is_left_the_oldest_trace_is_decided_early_and_counted():
    sampler = TailSampler(FAILURES.model_copy(update={"max_traces": 1}))
    sampler.process(event("a", 0, trace_id="a", outcome="failure"))
    (early,) = sampler.process(event("b", 1, trace_id="b"))
    assert early.decision == (True, 1.0, 1.0, "tail/status_code")
    assert sampler.decided_early == 1
    (late,) = sampler.process(event("a", 2, trace_id="a"))
    assert late.decision.keep


def test_what_is_decided_early_passes_no_limit():
    limited = TailPolicy(policies=[{"kind": "rate_limiting", "events_per_second": 100}], max_traces=1)
    sampler = TailSampler(limited)
    sampler.process(event("a", 0, trace_id="a"))
    (early,) = sampler.process(event("b", 1, trace_id="b"))
    assert early.decision == (False, 0.0, None, "tail/no policy")
    assert sampler.close()[0].decision == (True, 1.0, 1.0, "tail/rate_limiting")


def test_an_event_without_any_id_is_kept_at_once():
    sampler = TailSampler(FAILURES)
    (kept,) = sampler.process(event("", 0, trace_id=None))
    assert kept.decision == (True, 1.0, 1.0, "tail/without id")


def test_models_and_events_as_json_are_taken_and_given_back_as_they_came():
    given_ = OnexEvent.create("NODE_FAILURE", node_id="stamper_node", metadata={})
    for one in (given_, given_.model_dump(mode="json")):
        sampler = TailSampler(FAILURES)
        assert sampler.process(one) == []
        (told,) = sampler.close()
        assert told.event is one
        assert told.decision.keep


def test_what_was_closed_takes_no_more_and_other_policies_are_not_taken():
    sampler = TailSampler(FAILURES)
    assert sampler.close() == []
    with pytest.raises(InvalidOption, match="make a new one"):
        sampler.process(event("a", 0))
    with pytest.raises(InvalidOption, match="a TailPolicy"):
        TailSampler(ProbabilityPolicy(probability=1))
    with pytest.raises(InvalidOption, match="an OnexEvent"):
        TailSampler(FAILURES).process("an event")
    with pytest.raises(InvalidOption, match="to is 'soon'; wanted a time"):
        TailSampler(FAILURES).advance("soon")
