"""The fold against the definition of every kind, and the laws that make live and backtest the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.cells import Fold
from tests.alerting.cells.folding import START, cut, event_lists, expected, folded, frame, group, told
from tests.alerting.cells.oracle import Event

FAILED = "outcome == 'failure'"
ENDED = "outcome in ('success', 'failure')"

KINDS: dict[str, dict[str, Any]] = {
    "count": {"count": {"window": "3m"}},
    "count_of": {"count": {"of": FAILED, "window": "90s"}},
    "rate": {"rate": {"of": FAILED, "window": "2m", "per": "1m"}},
    "ratio": {"ratio": {"of": FAILED, "over": ENDED, "window": "2m"}},
    "ratio_of_all": {"ratio": {"of": FAILED, "window": "100s"}},
    "sum": {"aggregate": {"function": "sum", "column": "execution_time_ms", "window": "2m"}},
    "avg": {"aggregate": {"function": "avg", "column": "execution_time_ms", "of": ENDED, "window": "150s"}},
    "min": {"aggregate": {"function": "min", "column": "execution_time_ms", "window": "2m"}},
    "max": {"aggregate": {"function": "max", "column": "execution_time_ms", "of": ENDED, "window": "90s"}},
    "quantile": {"quantile": {"q": 0.7, "column": "execution_time_ms", "window": "3m"}},
    "median": {"quantile": {"q": 0.5, "column": "execution_time_ms", "of": ENDED, "window": "100s"}},
    "distinct": {"distinct": {"column": "correlation_id", "of": ENDED, "window": "2m"}},
    "absent": {"absent": {"of": FAILED, "window": "1m", "lookback": "5m"}},
    "spike": {"spike": {"of": FAILED, "window": "1m", "reference": "2m"}},
    "spike_of_season": {"spike": {"window": "90s", "season": "2m", "seasons": 2, "min_reference": 0.5}},
    "spike_by_default": {"spike": {"window": "1m"}},
    "new_value": {"new_value": {"column": "error_code", "learn": "90s", "forget_after": "2m"}},
    "change": {"change": {"column": "outcome", "of": "correlation_id is not null", "window": "2m"}},
    "sequence": {"sequence": {"steps": ["outcome == 'start'", FAILED], "within": "2m", "not": "error_code == 'E2'"}},
    "sequence_of_three": {
        "sequence": {"steps": ["outcome == 'start'", "error_code is null", FAILED], "within": "5m", "by": [],
                     "window": "2m"},
    },
    "sequence_in_any_order": {
        "sequence": {"steps": ["error_code == 'E1'", FAILED], "within": "2m", "order": "any", "by": ["operation"]},
    },
    "burn_rate": {
        "burn_rate": {"of": FAILED, "over": ENDED, "objective": 0.9, "windows": [["5m", "1m", 2], ["4m", "90s", 1]]},
    },
    "unfinished": {"unfinished": {"older_than": "1m", "give_up_after": "4m"}},
    "expr": {
        "expr": {
            "cells": {
                "failed": {"count": {"of": FAILED, "window": "1m"}},
                "slow": {"quantile": {"q": 0.5, "column": "execution_time_ms", "window": "2m"}},
                "usual": {"spike": {"window": "1m", "reference": "1m"}},
            },
            "value": "failed / (slow - 1.5) + usual",
        },
    },
}


OPERATIONS = ["count", "count_of", "ratio", "avg", "min", "quantile", "spike", "burn_rate"]


def rule(kind: str, **more: Any) -> dict[str, Any]:
    return {"when": {"threshold": 1, "op": ">=", **KINDS[kind]}, **more}


def ticks_of(fold: Fold) -> range:
    assert fold.first_tick is not None and fold.closed is not None
    return range(fold.first_tick, fold.closed + 1)


def seen_as_defined(grouped: Any, events: list[Event], until: int) -> None:
    fold, runs = folded(grouped, events, until)
    found = told(fold, runs)
    wanted = expected(grouped, events, ticks_of(fold))
    assert {at: seen[:2] for at, seen in found.items()} == {at: (repr(v), n) for at, (v, n) in wanted.items()}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_cell_is_what_its_definition_says(kind: str, weighted: bool, data: st.DataObject) -> None:
    events = data.draw(event_lists(weighted=weighted))
    offset = data.draw(st.sampled_from(["0s", "7s"]))
    by = data.draw(st.sampled_from([[], ["node"], ["operation", "node"]]))
    where = data.draw(st.sampled_from([None, "node == 'a'"]))
    grouped = group(rule(kind, by=by, where=where) if where else rule(kind, by=by), offset=offset)
    seen_as_defined(grouped, events, START + 1_000_000_000)


@pytest.mark.parametrize("kind", KINDS)
@given(events=event_lists(weighted=True), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_cuts_order_and_restarts_change_no_bit(kind: str, events: list[Event], seed: int) -> None:
    grouped = group(rule(kind, by=["node"]), rule(kind), offset="7s")
    fold, runs = folded(grouped, events, START + 1_000_000_000)
    assert cut(grouped, events, START + 1_000_000_000, random.Random(seed)) == told(fold, runs)


@pytest.mark.parametrize("kind", KINDS)
@given(events=event_lists(), steps=st.integers(1, 10_000_000))
@settings(max_examples=10, deadline=None)
def test_events_moved_by_whole_intervals_move_every_evaluation(kind: str, events: list[Event], steps: int) -> None:
    grouped = group(rule(kind, by=["node"]))
    by = steps * 60_000_000
    here = told(*folded(grouped, events, START + 700_000_000))
    there = told(*folded(grouped, [{**e, "at": e["at"] + by} for e in events], START + 700_000_000 + by))
    assert {(name, labels, tick + steps): seen for (name, labels, tick), seen in here.items()} == there


@pytest.mark.parametrize("kind", KINDS)
@given(events=event_lists(seconds=30, most=12), seed=st.integers(0, 2**32), by=st.sampled_from([[], ["node"]]))
@settings(max_examples=15, deadline=None)
def test_mode_event_evaluates_at_every_microsecond(kind: str, events: list[Event], seed: int, by: list[str]) -> None:
    grouped = group(rule(kind, by=by, mode="event"))
    until = START + 1_000_000_000
    fold, runs = folded(grouped, events, until, "event")
    edges = {e["at"] + ago for e in events for ago in (0, 60_000_000, 90_000_000, 120_000_000, 180_000_000)}
    ticks = sorted(t + by for t in edges for by in (-1, 0, 1) if fold.first_tick <= t + by <= fold.closed)
    found = told(fold, runs, ticks)
    wanted = expected(grouped, events, ticks)
    assert {at: seen[:2] for at, seen in found.items()} == {at: (repr(v), n) for at, (v, n) in wanted.items()}
    assert cut(grouped, events, until, random.Random(seed), "event", ticks) == found


def test_a_closed_tick_takes_no_event() -> None:
    fold, runs = folded(group(rule("count")), [event(0)], START)
    list(runs)
    with pytest.raises(ValueError, match="events after the closed tick"):
        fold.take(frame([event(0)]))


def event(seconds: float, **more: Any) -> Event:
    return {
        "at": START + round(seconds * 1_000_000), "event_id": f"{seconds}", "node": "a", "operation": "x",
        "family": "node", "outcome": "success", "correlation_id": "1", "error_code": None, "execution_time_ms": 1.0,
        "weight": 1.0, **more,
    }  # fmt: skip
