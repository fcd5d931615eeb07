"""Dictionaries make small events smaller, and are the same each time."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import EVENTS
from onex_analytics.sizing import SizePolicy, simulate_encoding, train_dictionary
from onex_analytics.sizing.policies import dictionary_id
from onex_analytics.sizing.samples import last_events, spread_events


def test_a_dictionary_makes_events_smaller_that_it_was_not_trained_on(fleet):
    dictionary = train_dictionary(fleet[:3000], 4096)
    later = fleet[3000:]
    with_one, without = (
        simulate_encoding(SizePolicy(compress_over=0, dictionary=one), later).collect()["stored_bytes"].sum()
        for one in (dictionary, None)
    )
    assert with_one < 0.6 * without
    assert len(dictionary) <= 4096


def test_the_same_events_give_the_same_dictionary_in_any_order(fleet):
    first, second = train_dictionary(fleet, 2048, most_events=1000), train_dictionary(
        fleet.sample(fraction=1, shuffle=True, seed=1), 2048, most_events=1000
    )  # fmt: skip
    assert first == second
    assert dictionary_id(first) > 0


def test_a_sample_is_spread_over_the_log_and_the_last_events_are_the_last(fleet):
    times = fleet.sort("timestamp", "event_id")
    spread = spread_events(fleet.lazy(), 100)
    assert 90 <= spread.height <= 100
    assert spread["timestamp"][0] == times["timestamp"][0]
    assert spread["timestamp"][-1] > times["timestamp"][int(0.97 * times.height)]
    assert last_events(fleet, 100)["event_id"].to_list() == times["event_id"][-100:].to_list()
    assert last_events(fleet, 10**6).height == fleet.height


def test_events_without_a_time_are_no_hindrance():
    rows = pl.DataFrame([{"event_id": f"e{n}"} for n in range(20)], schema=EVENTS)
    assert spread_events(rows, 5).height == last_events(rows, 5).height == 5


def test_too_few_events_and_too_small_a_dictionary_are_said(fleet):
    with pytest.raises(InvalidOption, match=r"3 events with .* more of them"):
        train_dictionary(fleet[:3])
    with pytest.raises(InvalidOption, match="0 events"):
        train_dictionary(fleet[:0])
    with pytest.raises(InvalidOption, match="at least 256"):
        train_dictionary(fleet, 100)
    with pytest.raises(InvalidOption, match="most_events"):
        train_dictionary(fleet, most_events=0)
