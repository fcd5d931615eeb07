"""The fold against the definition of every kind, and the laws that make live and backtest the same."""

from __future__ import annotations

import math
import random
from itertools import cycle
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.cells import FALSE, KEPT, TRUE, Fold
from tests.alerting.cells.folding import SCHEMA, START, cut, event_lists, expected, folded, frame, group, told
from tests.alerting.cells.oracle import Event, us
from tests.laws import examples

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


OPERATIONS = ["count", "count_of", "ratio", "avg", "min", "quantile", "spike", "spike_of_season", "burn_rate"]
ANEW = ["count", "count_of", "rate", "ratio", "sum", "avg"]


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
@settings(max_examples=examples(8), deadline=None)
def test_a_cell_is_what_its_definition_says(kind: str, weighted: bool, data: st.DataObject) -> None:
    events = data.draw(event_lists(weighted=weighted))
    offset = data.draw(st.sampled_from(["0s", "7s"]))
    by = data.draw(st.sampled_from([[], ["node"], ["operation", "node"]]))
    where = data.draw(st.sampled_from([None, "node == 'a'"]))
    grouped = group(rule(kind, by=by, where=where) if where else rule(kind, by=by), offset=offset)
    seen_as_defined(grouped, events, START + 1_000_000_000)


@pytest.mark.parametrize("kind", KINDS)
@given(events=event_lists(weighted=True), seed=st.integers(0, 2**32))
@settings(max_examples=examples(8), deadline=None)
def test_cuts_order_and_restarts_change_no_bit(kind: str, events: list[Event], seed: int) -> None:
    grouped = group(rule(kind, by=["node"]), rule(kind), offset="7s")
    fold, runs = folded(grouped, events, START + 1_000_000_000)
    assert cut(grouped, events, START + 1_000_000_000, random.Random(seed)) == told(fold, runs)


@pytest.mark.parametrize("kind", KINDS)
@given(events=event_lists(), steps=st.integers(1, 10_000_000))
@settings(max_examples=examples(3), deadline=None)
def test_events_moved_by_whole_intervals_move_every_evaluation(kind: str, events: list[Event], steps: int) -> None:
    grouped = group(rule(kind, by=["node"]))
    by = steps * 60_000_000
    here = told(*folded(grouped, events, START + 700_000_000))
    there = told(*folded(grouped, [{**e, "at": e["at"] + by} for e in events], START + 700_000_000 + by))
    assert {(name, labels, tick + steps): seen for (name, labels, tick), seen in here.items()} == there


@pytest.mark.parametrize("kind", KINDS)
@given(events=event_lists(seconds=30, most=12), seed=st.integers(0, 2**32), by=st.sampled_from([[], ["node"]]))
@settings(max_examples=examples(6), deadline=None)
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


@pytest.mark.parametrize("kind", OPERATIONS)
@given(events=event_lists(weighted=True), seed=st.integers(0, 2**32), by=st.sampled_from([[], ["operation"]]))
@settings(max_examples=examples(6), deadline=None)
def test_an_operation_counts_once_through_its_worst_event(
    kind: str, events: list[Event], seed: int, by: list[str]
) -> None:
    grouped = group(rule(kind, by=by, unit="operation", where="node == 'a' or family == 'node'"), offset="7s")
    until = START + 1_000_000_000
    seen_as_defined(grouped, events, until)
    assert cut(grouped, events, until, random.Random(seed)) == told(*folded(grouped, events, until))


@pytest.mark.parametrize("kind", ANEW)
@given(
    events=event_lists(weighted=True), seed=st.integers(0, 2**32),
    op=st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
    threshold=st.sampled_from([0, 0.5, 1, 2.5, 3]), min_count=st.sampled_from([0, 2]),
    no_data=st.sampled_from(["ok", "alert"]),
)  # fmt: skip
@settings(max_examples=examples(12), deadline=None)
def test_after_a_match_counting_begins_anew(
    kind: str, events: list[Event], seed: int, op: str, threshold: float, min_count: int, no_data: str
) -> None:
    when = {**KINDS[kind], "op": op, "threshold": threshold, "min_count": min_count, "no_data": no_data}
    grouped = group({"when": when, "by": ["node"], "mode": "event", "reset_after_match": True})
    until = START + 1_000_000_000
    fold, runs = folded(grouped, events, until, "event")
    width = us(next(iter(grouped.rules)).when.cell.window)
    edges = {e["at"] + ago for e in events for ago in (0, width)}
    ticks = sorted({t + by for t in edges for by in (-1, 0, 1) if fold.first_tick <= t + by <= fold.closed})
    found = told(fold, runs, ticks)
    for node in "ab":
        left = [e for e in events if e["node"] == node]
        labels = (("node", node),)
        for tick in ticks:
            here = found.get(("r0", labels, tick))
            seen = expected(grouped, left, [tick]).get(("r0", labels, tick)) if left else None
            if here is not None and seen is None:  # everything was forgotten
                long_ago = [event(-1e6, node=node, outcome="failure")]
                seen = expected(grouped, long_ago, [tick])["r0", labels, tick]
            assert (here is None) == (seen is None)
            if here is None:
                continue
            assert here[:2] == (repr(seen[0]), seen[1])
            assert here[2] == held(op, threshold, min_count, no_data, *seen)
            if here[2] == TRUE:
                left = [e for e in left if e["at"] > tick]
    assert cut(grouped, events, until, random.Random(seed), "event", ticks) == found


def held(op: str, threshold: float, min_count: int, no_data: str, value: float, n: int) -> int:
    """Whether a condition holds, from its words."""
    if math.isnan(value):
        return {"ok": FALSE, "keep": KEPT, "alert": TRUE}[no_data]
    compared = {
        ">": value > threshold, ">=": value >= threshold, "<": value < threshold, "<=": value <= threshold,
        "==": value == threshold, "!=": value != threshold,
    }[op]  # fmt: skip
    return int(compared and n >= min_count)


@pytest.mark.parametrize("no_data", ["ok", "keep", "alert"])
@pytest.mark.parametrize("op", [">", ">=", "<", "<=", "==", "!="])
@given(events=event_lists(weighted=True), threshold=st.sampled_from([0, 0.5, 1]), min_count=st.sampled_from([0, 2]))
@settings(max_examples=examples(3), deadline=None)
def test_a_condition_compares_what_there_is(
    op: str, no_data: str, events: list[Event], threshold: float, min_count: int
) -> None:
    when = {**KINDS["ratio"], "op": op, "threshold": threshold, "min_count": min_count, "no_data": no_data}
    found = told(*folded(group({"when": when, "by": ["node"]}), events, START + 700_000_000))
    for value, n, truth in found.values():
        assert truth == held(op, threshold, min_count, no_data, float(value), n)


@given(events=event_lists(), seed=st.integers(0, 2**32))
@settings(max_examples=examples(6), deadline=None)
def test_expected_label_sets_are_watched_from_the_first_tick_on_and_no_others(events: list[Event], seed: int) -> None:
    expect = [{"node": "a"}, {"node": "never"}]
    grouped = group({"when": {"absent": {"of": FAILED, "window": "90s", "expect": expect}}, "by": ["node"]})
    until = START + 1_000_000_000
    seen_as_defined(grouped, events, until)
    found = told(*folded(grouped, events, until))
    assert {labels for _, labels, _ in found} == {(("node", "a"),), (("node", "never"),)}
    assert cut(grouped, events, until, random.Random(seed)) == found


@pytest.mark.parametrize("unit", ["event", "operation"])
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=examples(5), deadline=None)
def test_a_spike_is_measured_by_earlier_weeks_once_four_are_there(
    unit: str, data: st.DataObject, seed: int
) -> None:
    hours = data.draw(st.lists(st.integers(0, 36 * 24), min_size=1, max_size=60))
    events = [
        event(3600 * hour, event_id=f"{place:02}", correlation_id=str(place % 7), outcome=outcome)
        for place, (hour, outcome) in enumerate(zip(hours, cycle(["success", "failure"]), strict=False))
    ]
    grouped = group(
        {"when": {"spike": {"window": "36h", "min_reference": 0.25}, "threshold": 2}, "by": ["node"], "unit": unit},
        interval="6h",
    )
    until = START + 40 * 86_400_000_000
    seen_as_defined(grouped, events, until)
    assert cut(grouped, events, until, random.Random(seed)) == told(*folded(grouped, events, until))


def test_label_sets_beyond_the_limit_are_counted_and_the_first_ones_kept() -> None:
    events = [event(place, node=f"n{9 - place}") for place in range(10)]
    fold = Fold(group({**rule("count"), "by": ["node"], "max_series": 3}, rule("count", by=["node"])), SCHEMA)
    fold.take(frame(events[5:]))
    fold.take(frame(events[:5]))
    found = told(fold, fold.close(fold.grid.tick_at_or_after(START + 120_000_000)))
    limited = {labels for name, labels, _ in found if name == "r0"}
    assert limited == {(("node", "n9"),), (("node", "n0"),), (("node", "n1"),)}, "the order of ticks, then of labels"
    assert len({labels for name, labels, _ in found if name == "r1"}) == 10
    assert fold.counts["over_series_limit"] == 7


def test_years_of_silence_are_one_run() -> None:
    fold, runs = folded(group(rule("count", by=["node"])), [event(0)], START + 20 * 365 * 86_400_000_000)
    part = next(iter(runs))
    assert part.value.tolist() == [1.0, 0.0]
    assert part.last[-1] - part.first[-1] > 10_000_000
    again = next(iter(fold.close(fold.closed + 10_000_000)))
    assert again.value.tolist() == [0.0] and fold.series.labels(again.series).to_list() == [
        [{"name": "node", "value": "a"}]
    ]


def test_a_hundred_thousand_label_sets_are_evaluated() -> None:
    many = 100_000
    events = frame([event(1)]).select(pl.all().repeat_by(many).explode()).with_columns(
        node=pl.int_range(many).cast(pl.String)
    )
    fold = Fold(group(rule("count", by=["node"])), SCHEMA)
    fold.take(events)
    first = fold.close(fold.grid.tick_at_or_after(START + 60_000_000)).flat()
    assert len(first.value) == many and first.value.sum() == many
    later = fold.close(fold.closed + 1000).flat()
    assert len(later.value) == 2 * many and fold.counts["over_series_limit"] == 0


@pytest.mark.parametrize("kind", ["ratio", "avg", "count", "distinct"])
@pytest.mark.parametrize("many", [1_999, 2_001, 60_000])
def test_large_batches_take_other_paths_to_the_same_numbers(kind: str, many: int) -> None:
    chance = random.Random(many)
    texts = ["failure", "success", "a long outcome that no word holds", None, "start"]
    names = ["a", "a node with a long name", "another node with a long name", None]
    events = frame([event(0)]).select(pl.all().repeat_by(many).explode()).with_columns(
        timestamp=pl.Series([START + chance.randrange(1_000_000_000) for _ in range(many)]).cast(SCHEMA["timestamp"]),
        node=pl.Series(chance.choices(names, k=many)), outcome=pl.Series(chance.choices(texts, k=many)),
        operation=pl.Series([f"operation {chance.randrange(3000)} of many" for _ in range(many)]),
        event_id=pl.int_range(many).cast(pl.String), correlation_id=pl.Series(chance.choices(texts, k=many)),
    )  # fmt: skip
    grouped = group(rule(kind, by=["node"]), rule(kind, by=["node", "outcome"], where="outcome != 'start'"),
                    rule(kind, by=["operation"], where="node == 'a' and outcome == 'failure'"))  # fmt: skip
    whole, parts = Fold(grouped, SCHEMA), Fold(grouped, SCHEMA)
    whole.take(events)
    for part in events.sort("event_id").iter_slices(1_500):
        parts.take(part)
    until = whole.grid.tick_at_or_after(START + 1_200_000_000)
    found = told(whole, whole.close(until))
    assert found == told(parts, parts.close(until))
    failed = events.filter((pl.col("outcome") == "failure") & pl.col("node").is_null()).height
    if kind == "count":
        assert sum(int(n) for (name, labels, tick), (_, n, _) in found.items()
                   if name == "r1" and labels == (("node", ""), ("outcome", "failure"))) == 3 * failed  # fmt: skip


def test_weights_bias_what_they_cannot_mend() -> None:
    kinds = [*KINDS]
    fold = Fold(group(*(rule(kind) for kind in kinds)), SCHEMA)
    fold.take(frame([event(0)]))
    assert fold.biased == frozenset()
    fold.take(frame([event(1, weight=2.0)]))
    assert {kinds[place] for place in fold.biased} == {
        "distinct", "absent", "new_value", "change", "sequence", "sequence_of_three", "sequence_in_any_order",
    }  # fmt: skip


def test_values_and_weights_that_cannot_be_added_up_are_counted() -> None:
    odd = [math.nan, math.inf, -math.inf, 2.0**53, None, 1.0]
    events = [event(place, execution_time_ms=value) for place, value in enumerate(odd)]
    events += [event(10 + place, weight=weight) for place, weight in enumerate([math.nan, math.inf, -1.0, 0.0])]
    fold, runs = folded(group(rule("avg")), events, START + 60_000_000)
    ((_, seen),) = [(at, seen) for at, seen in told(fold, runs).items() if at[2] == fold.closed]
    assert seen[:2] == ("1.0", 2)
    assert fold.counts["skipped"] == 4 + 3


def test_the_state_of_other_rules_is_refused() -> None:
    fold = Fold(group(rule("count")), SCHEMA)
    with pytest.raises(ValueError, match="state of these rules"):
        Fold(group(rule("rate")), SCHEMA).restore(fold.state())


def test_what_needs_more_than_one_window_of_sums_cannot_begin_anew() -> None:
    with pytest.raises(ValueError, match=r"reset_after_match means nothing for distinct; it is there for count, rate"):
        group(rule("distinct", mode="event", reset_after_match=True))


def test_a_fold_says_what_it_reads() -> None:
    fold = Fold(group(rule("avg", by=["node"], where="error_code is null")), SCHEMA)
    assert fold.columns == {
        "timestamp", "event_id", "adjusted_count", "node", "error_code", "execution_time_ms", "outcome",
    }  # fmt: skip
    with pytest.raises(ValueError, match="missing columns"):
        Fold(group(rule("avg")), pl.Schema({k: v for k, v in SCHEMA.items() if k != "execution_time_ms"}))


@pytest.mark.parametrize("kind", KINDS)
def test_runs_that_nobody_looked_at_move_the_windows_on(kind: str) -> None:
    events = [event(20 * place, outcome=["start", "failure"][place % 2], error_code="E1") for place in range(20)]
    grouped = group(rule(kind, by=["node"]))
    whole, half = Fold(grouped, SCHEMA), Fold(grouped, SCHEMA)
    for fold in (whole, half):
        fold.take(frame(events))
    first = whole.grid.tick_at_or_after(START)
    told(whole, whole.close(first + 3))
    half.close(first + 3)
    assert told(half, half.close(first + 9)) == told(whole, whole.close(first + 9))


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
