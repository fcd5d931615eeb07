"""Pairs that only their order makes: what may not be one operation, though nothing names either."""

from __future__ import annotations

import pytest

from tests.frames.spans.test_building import FAILURE, START, SUCCESS, id_of, pairs, spans

DAY = 86_400.0


def bare(event_type: str, seconds: float, **more: object) -> dict[str, object]:
    """An event without correlation and without input state."""
    return {"event_type": event_type, "at": seconds, "correlation_id": None, "input_hash": None, **more}


def test_two_without_input_state_are_one_operation_where_nothing_contradicts():
    found = spans(bare(START, 0), bare(SUCCESS, 2, execution_time_ms=2000.0))
    assert pairs(found) == {(id_of(0), id_of(1))}
    assert found["paired_by"].to_list() == ["input_state"]


@pytest.mark.parametrize("end", [SUCCESS, FAILURE])
def test_work_that_never_ended_does_not_end_with_other_work_days_later(end):
    found = spans(bare(START, 0), bare(end, 4 * DAY, execution_time_ms=5.0))
    assert sorted(found["state"]) == ["closed", "open"]
    assert found["duration_ms"].drop_nulls().to_list() == [5.0]


@pytest.mark.parametrize("inputs", [None, 7])
def test_events_of_two_given_traces_are_never_one_operation(inputs):
    found = spans(bare(START, 0, trace_id="t1", input_hash=inputs), bare(SUCCESS, 2, trace_id="t2", input_hash=inputs))
    assert sorted(found["state"]) == ["end_without_start", "open"]
    assert set(found["trace_id"]) == {"t1", "t2"}


def test_that_both_ends_lost_their_metadata_brings_nobody_together_who_has_a_mate_of_its_own():
    """Each of two calls lost the metadata of one event: what lacks all is no more alike than what has something."""
    found = spans(
        bare(START, 0), bare(SUCCESS, 2, input_hash=7),  # the start lost its input state
        bare(START, DAY, input_hash=8), bare(SUCCESS, DAY + 2),  # the end lost its own
    )
    assert pairs(found) == {(id_of(0), id_of(1)), (id_of(2), id_of(3))}
    assert found["duration_ms"].max() == 2000.0


def test_an_end_without_metadata_takes_the_start_that_the_order_gives_it():
    found = spans(bare(START, 0), bare(SUCCESS, 2))
    assert pairs(found) == {(id_of(0), id_of(1))}
    assert found["paired_by"].to_list() == ["input_state"]
