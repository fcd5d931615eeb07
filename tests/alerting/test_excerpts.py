"""A part of a backtest is what the rules did then."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.alerting import backtest, load_rules
from onex_analytics.alerting.excerpts import excerpt

START = datetime(2026, 11, 1, 10)
RULES = load_rules(
    "groups: [{name: g, rules: [{alert: Busy, when: {count: {window: 3m}, threshold: 2}, by: [node], for: 1m},"
    "{alert: Full, when: {count: {window: 5m}, threshold: 6}}]}]"
)
MINUTES = st.lists(st.tuples(st.integers(0, 120), st.sampled_from("ab")), min_size=1, max_size=40)


def log_of(minutes) -> pl.DataFrame:
    return pl.DataFrame({
        "event_id": [str(i) for i in range(len(minutes))], "node": [node for _, node in minutes],
        "timestamp": [START + timedelta(minutes=m, seconds=5) for m, _ in minutes],
    }).sort("timestamp")  # fmt: skip


@settings(max_examples=12)
@given(MINUTES, st.integers(1, 120))
def test_what_was_known_before_a_moment_is_what_the_rules_had_found_by_then(minutes, moment):
    """Against a backtest whose clock is moved to that moment and no further."""
    log = log_of(minutes)
    until = START.replace(tzinfo=None) + timedelta(minutes=moment)
    result = backtest(RULES, log, until=START + timedelta(hours=3))
    known = excerpt(result, until=until.replace(tzinfo=result.end.tzinfo))
    before = backtest(RULES, log.filter(pl.col("timestamp") < until), until=until - timedelta(microseconds=1))
    columns = ["rule", "labels", "pending", "fired", "resolved"]
    assert_frame_equal(
        known.alerts.select(columns), before.alerts.select(columns), check_row_order=False, check_dtypes=False
    )
    told = before.transitions.select("rule", "labels", "at", "state")
    assert_frame_equal(known.transitions.select(told.columns), told, check_row_order=False)


@given(MINUTES)
@settings(max_examples=6)
def test_the_whole_range_is_the_whole_backtest(minutes):
    result = backtest(RULES, log_of(minutes), until=START + timedelta(hours=3))
    far = result.end + timedelta(days=1)
    for part in (excerpt(result), excerpt(result, result.begin - timedelta(days=1), far)):
        assert_frame_equal(part.alerts, result.alerts)
        assert_frame_equal(part.pages, result.pages)
        assert part.summary["firings"].to_list() == result.summary["firings"].to_list()


def test_two_halves_share_no_page_and_lose_none():
    result = backtest(RULES, log_of([(m, "a") for m in range(0, 100, 1)]), until=START + timedelta(hours=3))
    middle = result.pages["at"][len(result.pages) // 2]
    halves = excerpt(result, until=middle), excerpt(result, since=middle)
    assert sum(half.pages.height for half in halves) == result.pages.height > 0
    assert sum(half.transitions.height for half in halves) == result.transitions.height


def test_a_node_is_told_what_names_it_and_what_names_none():
    result = backtest(RULES, log_of([(m, n) for m in range(20) for n in "ab"]), until=START + timedelta(hours=3))
    assert {str(row) for row in result.alerts["labels"].to_list()} > {str([])}
    found = excerpt(result, about={"node": ["a"]})
    named = [{pair["name"]: pair["value"] for pair in labels} for labels in found.alerts["labels"].to_list()]
    assert {"node": "a"} in named and {} in named and {"node": "b"} not in named
    assert found.summary.filter(rule="Busy")["firings"].item() < result.summary.filter(rule="Busy")["firings"].item()
    assert 0 < found.pages.height <= result.pages.height


@pytest.mark.parametrize("hours", [-5, 50])
def test_a_range_without_the_log_has_nothing(hours):
    result = backtest(RULES, log_of([(m, "a") for m in range(20)]), until=START + timedelta(hours=3))
    at = result.begin + timedelta(hours=hours)
    found = excerpt(result, at, at + timedelta(hours=1))
    assert found.alerts.is_empty() and found.pages.is_empty()
    assert found.summary["firings"].sum() == 0
