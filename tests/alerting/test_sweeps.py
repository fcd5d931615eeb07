"""A sweep says of every threshold what a backtest with it would say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.sweeps import SWEEP, sweep
from onex_analytics.exceptions import InvalidOption, MissingColumns
from tests.alerting.arrivals import Event, frame_of, when
from tests.alerting.test_evaluating import rule, rule_set
from tests.laws import examples

RATIO = {"ratio": {"of": "outcome == 'failure'", "window": "30s"}}
COUNT = {"count": {"window": "30s"}}
OTHER_COUNT = {"count": {"window": "1m"}}
PAGED = {"route": {"receiver": "r", "group_by": ["node"], "group_wait": "5s", "group_interval": "30s",
                   "repeat_interval": "1m"}, "receivers": [{"name": "r"}]}  # fmt: skip
LOGS = st.lists(
    st.builds(Event, st.uuids().map(str), st.integers(1, 400), st.sampled_from("ab"),
              st.sampled_from(["success", "failure"]), st.none()), min_size=1, max_size=40,
)  # fmt: skip
KINDS = st.sampled_from(["incident", "incident", "deploy", "coverage_hole"])
NODES = st.sampled_from(["a", "b", None])
INCIDENTS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200), NODES, KINDS), max_size=5)
OPS = st.sampled_from([">", ">=", "<", "<="])


def file_of(cell: dict[str, Any], op: str, hold: int, keep: int, threshold: float = 1, **more: Any) -> RuleSet:
    one = {"alert": "A", "by": ["node"], "when": {**cell, "op": op, "threshold": threshold}, "for": f"{hold}s",
           "keep_firing_for": f"{keep}s", **more}  # fmt: skip
    held = {"groups": [{"name": "g", "interval": "10s", "allowed_lateness": "5s", "rules": [one]}],
            "notification": PAGED}  # fmt: skip
    return RuleSet.model_validate(held)


def told(incidents: list[tuple[int, int, str | None, str]]) -> list[dict[str, Any]]:
    return [
        {"id": str(n), "start": when(at), "end": when(at + length), "kind": kind, **({"node": node} if node else {})}
        for n, (at, length, node, kind) in enumerate(incidents)
    ]


def by_backtest(file: RuleSet, threshold: float, log: pl.DataFrame, incidents: list[dict[str, Any]]) -> dict[str, Any]:
    (group,) = file.groups
    one = group.rules[0]
    changed = one.model_copy(update={"when": one.when.model_copy(update={"threshold": threshold})})
    groups = (group.model_copy(update={"rules": (changed,)}),)
    result = backtest(file.model_copy(update={"groups": groups}), log, incidents, lead="20s", until=when(420))
    summary, scores = result.summary.to_dicts()[0], result.scores().to_dicts()[0]
    return {
        **{name: summary[name] for name in ("firings", "firing_label_sets", "firing_s", "pages", "pages_per_day")},
        **{name: scores[name] for name in ("judged", "true_firings", "precision", "incidents", "caught", "recall",
                                           "delay_s_p50")},
    }  # fmt: skip


def close(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    return all(
        ours[name] == value if value is None or ours[name] is None else ours[name] == pytest.approx(value, abs=1e-9)
        for name, value in theirs.items()
    )


@settings(max_examples=examples(25))
@given(LOGS, INCIDENTS, st.sampled_from([RATIO, COUNT]), OPS, st.integers(0, 3), st.integers(0, 3))
def test_every_row_is_what_a_backtest_with_its_threshold_says(log, incidents, cell, op, hold, keep):
    file, events, labelled = file_of(cell, op, 10 * hold, 10 * keep), frame_of(log), told(incidents)
    found = sweep(file, events, incidents=labelled, pages="all", lead="20s", until=when(420))
    assert found.schema == SWEEP
    assert found["threshold"].is_sorted()
    for row in found.to_dicts()[-6:]:
        assert close(row, by_backtest(file, row["threshold"], events, labelled)), row


@settings(max_examples=examples(25))
@given(LOGS, INCIDENTS, OPS, st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0]), max_size=4))
def test_a_grid_of_thresholds_says_the_same_as_the_rows_in_which_they_lie(log, incidents, op, grid):
    file, events, labelled = file_of(COUNT, op, 10, 10), frame_of(log), told(incidents)
    every = sweep(file, events, incidents=labelled)
    some = sweep(file, events, grid, incidents=labelled, pages="all")
    assert some["threshold"].to_list() == sorted(set(grid))
    assert every.height or not some["firings"].sum()
    for row in some.to_dicts() if every.height else ():
        one = row["threshold"]
        low_is_in = op in (">", "<=")
        (theirs,) = (
            other for other in every.to_dicts()
            if (other["low"] is None or (other["low"] <= one if low_is_in else other["low"] < one))
            and (other["high"] is None or (one < other["high"] if low_is_in else one <= other["high"]))
        )  # fmt: skip
        assert {**row, "threshold": 0, "pages": 0, "pages_per_day": 0} == {
            **theirs, "threshold": 0, "pages": 0, "pages_per_day": 0
        }


@pytest.mark.parametrize("op", [">", "<="])
def test_several_windows_and_holds_are_rows_of_one_frame(op):
    events = frame_of([Event(f"{n}", 3.0 + 7 * n, "ab"[n % 2]) for n in range(40)])
    found = sweep(file_of(COUNT, op, 0, 0), events, [1, 2, 3], for_=["20s", "0s"], window=["1m", "30s"])
    assert found.select("window", "for", "threshold").rows() == [
        (timedelta(seconds=window), timedelta(seconds=hold), threshold)
        for window in (30, 60) for hold in (0, 20) for threshold in (1.0, 2.0, 3.0)
    ]  # fmt: skip
    for (window, hold), part in found.group_by("window", "for"):
        cell = COUNT if window == timedelta(seconds=30) else OTHER_COUNT
        alone = sweep(file_of(cell, op, hold.seconds, 0), events, [1, 2, 3])
        assert part.sort("threshold").equals(alone)


def test_rules_that_are_evaluated_at_each_event_are_swept_too():
    events = frame_of([Event(f"{n}", t, "a") for n, t in enumerate([1, 2, 3.5, 30, 60, 61, 62, 63])])
    file = file_of({"count": {"window": "5s"}}, ">=", 1, 2, mode="event")
    for row in sweep(file, events, pages="all", incidents=[], until=when(420)).to_dicts():
        assert close(row, by_backtest(file, row["threshold"], events, []))


def test_pages_are_simulated_where_they_are_asked_for():
    events = frame_of([Event(f"{n}", 3.0 + n, "a") for n in range(40)])
    found = sweep(file_of(COUNT, ">", 0, 0), events, pages=[4.5], until=when(100))
    paged = found.filter(pl.col("pages").is_not_null())  # values 2, 8, 12, …: 4.5 lies in the row from 2 to 8
    assert paged.select("low", "high").rows() == [(2.0, 8.0)]


def test_years_of_silence_cost_nothing():
    year = 365 * 86_400.0
    events = frame_of([*(Event(f"{n}", 3.0 + n, "a") for n in range(40)), Event("x", 10 * year, "a")])
    found = sweep(file_of(COUNT, "<", 10, 10), events, [1])
    assert found["firings"].to_list() == [1]
    assert found["firing_s"][0] == pytest.approx(10 * year, abs=100)


def test_a_log_without_an_evaluation_has_no_thresholds_to_tell_apart():
    assert sweep(file_of(COUNT, ">", 0, 0), frame_of([])).height == 0
    assert sweep(file_of(COUNT, ">", 0, 0), frame_of([]), [1, 2])["firings"].to_list() == [0, 0]


@pytest.mark.parametrize(
    ("file", "options", "mend"),
    [
        (file_of(COUNT, "==", 0, 0), {}, "compare with >= or <"),
        (rule_set(rule("A"), limit=3), {}, "leave it out of the group"),
        (file_of(COUNT, ">", 0, 0, mode="event", reset_after_match=True), {}, "leave it out"),
        (file_of(COUNT, ">", 0, 0), {"thresholds": [float("nan")]}, "finite"),
        (file_of(COUNT, ">", 0, 0), {"thresholds": "some"}, "all"),
        (file_of(COUNT, ">", 0, 0), {"for_": "soon"}, "duration"),
        (file_of(COUNT, ">", 0, 0), {"for_": timedelta(-1)}, "never negative"),
        (file_of(COUNT, ">", 0, 0), {"window": "0s"}, "above 0"),
        (file_of({"unfinished": {"older_than": "1m"}}, ">", 0, 0), {"window": "1m"}, "no window of its own"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_mend(file, options, mend):
    with pytest.raises(InvalidOption, match=mend):
        sweep(file, frame_of([]), **options)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(MissingColumns, match="node"):
        sweep(file_of(COUNT, ">", 0, 0), frame_of([]).drop("node"))
