"""Pairs that the order alone made: they come apart where an end comes that had the first claim to their start."""

from __future__ import annotations

from tests.store.span_logs import append, raw, same

TOOK_3_S = '{"execution_time_ms":3000.0}'


def test_a_start_that_the_order_gave_away_goes_to_the_end_whose_execution_time_says_so(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0), raw(1, "NODE_SUCCESS", 1)], tmp_path)
    assert same(store)["end_event_id"].to_list() == ["e0001"]
    append(store, [raw(2, "NODE_SUCCESS", 3.5, metadata=TOOK_3_S)], tmp_path)
    spans = same(store).sort("end_event_id")
    assert spans["start_event_id"].to_list() == [None, "e0000"]


def test_a_start_goes_to_an_end_of_its_input_state_however_late_that_comes(store, tmp_path):
    one_input = '{"input_state":{"x":1}}'
    append(store, [raw(0, "NODE_START", 0, metadata=one_input), raw(1, "NODE_SUCCESS", 1)], tmp_path)
    assert same(store)["paired_by"].to_list() == ["order"]
    append(store, [raw(2, "NODE_SUCCESS", 3000, metadata=one_input)], tmp_path)
    spans = same(store).sort("end_event_id")
    assert spans["start_event_id"].to_list() == [None, "e0000"]


def test_an_end_that_loses_its_start_takes_another_from_a_later_end(store, tmp_path):
    """Both had no input state, so that they were one key; the later pair belongs to another operation."""
    append(store, [
        raw(0, "NODE_START", 0, metadata='{"operation":"x"}'), raw(1, "NODE_START", 0.5),
        raw(2, "NODE_SUCCESS", 1), raw(3, "NODE_SUCCESS", 2, metadata='{"operation":"x"}'),
    ], tmp_path)  # fmt: skip
    told = dict(same(store).select("end_event_id", "start_event_id").iter_rows())
    assert told == {"e0002": "e0001", "e0003": "e0000"}
    append(store, [raw(4, "NODE_SUCCESS", 3.5, metadata=TOOK_3_S)], tmp_path)
    pairs = dict(same(store).select("end_event_id", "start_event_id").iter_rows())
    assert pairs == {"e0002": "e0000", "e0003": None, "e0004": "e0001"}
