"""A backtest over time: what is put together is counted, and nothing is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting import backtest, values_over_time
from onex_analytics.alerting.shapes import ALERTS
from onex_analytics.alerting.timelines import AT_ONCE, LANES, VALUES, at_once, lanes
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import Event, frame_of, when
from tests.alerting.test_evaluating import rule, rule_set

Alert = tuple[str, float, float | None, float | None]
"""node, pending, fired, resolved, in seconds."""


def result_of(alerts: list[Alert], until: float = 1000) -> Any:
    rows = [{"group": "g", "rule": "R", "labels": [{"name": "node", "value": node}], "pending": when(pending),
             "fired": when(fired), "resolved": when(end), "peak": 5.0, "threshold": 1.0}
            for node, pending, fired, end in alerts]  # fmt: skip
    return SimpleNamespace(alerts=pl.DataFrame(rows, schema=ALERTS), begin=when(0), end=when(until))


def told(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    node = pl.col("labels").list.first().struct.field("value")
    seconds = (pl.col("start", "end").dt.epoch("us") / 1e6).name.keep()
    return frame.select(node, "state", seconds, "alerts", "lasts").rows()


def test_an_alert_is_pending_and_then_fires():
    found = lanes(result_of([("a", 10, 40, 100)]))
    assert found.schema == LANES
    assert told(found) == [("a", "pending", 10, 40, 1, False), ("a", "firing", 40, 100, 1, False)]


def test_what_fires_at_once_was_never_pending_and_what_never_fired_only_that():
    assert told(lanes(result_of([("a", 10, 10, 20)]))) == [("a", "firing", 10, 20, 1, False)]
    assert told(lanes(result_of([("a", 10, None, 20)]))) == [("a", "pending", 10, 20, 1, False)]


def test_what_lasts_ends_with_the_log_and_says_so():
    assert told(lanes(result_of([("a", 10, 20, None), ("b", 10, None, None)]))) == [
        ("a", "pending", 10, 20, 1, False), ("a", "firing", 20, 1000, 1, True), ("b", "pending", 10, 1000, 1, True),
    ]  # fmt: skip


def test_the_longest_come_first_and_the_others_are_counted():
    some = [(name, 10.0, 10.0, 10.0 + length) for name, length in (("a", 5), ("b", 50), ("c", 20))]
    found = lanes(result_of(some), most=2)
    assert [row[0] for row in told(found)] == ["b", "c"]
    assert found["of"].to_list() == [3, 3]


def test_alerts_that_a_screen_cannot_tell_apart_are_told_as_one():
    flapping = [("a", 10.0 + i, 10.0 + i, 10.5 + i) for i in range(20)]
    assert told(lanes(result_of(flapping), steps=100)) == [("a", "firing", 10, 29.5, 20, False)]
    assert lanes(result_of(flapping), steps=100_000).height == 20


ALERT = st.tuples(st.sampled_from("abc"), st.integers(0, 90), st.integers(0, 9), st.integers(1, 9), st.booleans())


@given(st.lists(ALERT, max_size=12), st.integers(1, 30))
def test_at_once_is_the_most_that_any_moment_of_a_bucket_has(found, buckets):
    alerts: list[Alert] = [(node, at, at + wait if fires else None, at + wait + lasting)
                           for node, at, wait, lasting, fires in found]  # fmt: skip
    frame = at_once(result_of(alerts, 100), buckets)
    assert frame.schema == AT_ONCE
    assert frame["start"][0] == when(0)
    assert frame["end"][-1] > when(100)
    firing = [(fired, end) for _, _, fired, end in alerts if fired is not None]
    waiting = [(at, end if fired is None else fired) for _, at, fired, end in alerts]
    for start, end, n_firing, n_pending in frame.select("start", "end", "firing", "pending").iter_rows():
        # whole seconds matter only, and where the bucket begins
        moments = [start, *(when(second) for second in range(120) if start <= when(second) < end)]
        for stretches, n in ((firing, n_firing), (waiting, n_pending)):
            assert n == max(sum(when(a) <= moment < when(b) for a, b in stretches) for moment in moments)


BURSTS = ((100.0, "a"), (400.0, "b"), (600.0, "a"))
EVENTS = [Event(f"{at}{i}", at + i, node) for at, node in BURSTS for i in range(4)]
LOG = frame_of([*EVENTS, Event("start", 0.0, "c"), Event("end", 1200.0, "c")])


def test_values_are_the_least_and_the_greatest_of_all_evaluations_in_the_bucket():
    result = backtest(rule_set(rule("Often", 2, "30s")), LOG)
    found = values_over_time(result, "Often", most=2, buckets=7)
    assert found.schema == VALUES
    states = result.states("Often").collect()
    worst = {"inactive": 0, "pending": 1, "firing": 2}
    own = found.filter(pl.col("rank").is_not_null())
    assert own["rank"].unique().sort().to_list() == [0, 1]
    for row in own.to_dicts():
        inside = [s for s in states.to_dicts() if s["labels"] == row["labels"] and row["start"] <= s["at"] < row["end"]]
        assert (row["low"], row["high"]) == (min(s["value"] for s in inside), max(s["value"] for s in inside))
        assert row["state"] == max((s["state"] for s in inside), key=worst.__getitem__)
    others = found.filter(pl.col("rank").is_null())
    assert others["label_sets"].unique().to_list() == [1]
    assert others["labels"].null_count() == others.height


def test_no_bucket_is_shorter_than_the_interval():
    found = values_over_time(backtest(rule_set(rule("Often", 2, "30s")), LOG), "Often", buckets=5000)
    assert set((found["end"] - found["start"]).dt.total_seconds()) == {10}


def test_a_value_of_too_few_events_does_not_count():
    needs = rule("Often", 2, "30s", min_count=100)
    found = values_over_time(backtest(rule_set(needs), LOG), "Often")
    assert found["high"].null_count() == found.height
    assert set(found["min_count"]) == {100}


def test_an_unknown_rule_is_refused_with_those_that_there_are():
    with pytest.raises(InvalidOption, match="Often"):
        values_over_time(backtest(rule_set(rule("Often")), LOG), "Seldom")


@pytest.mark.parametrize("asked", [lanes, at_once])
def test_a_log_without_an_evaluation_has_no_time(asked):
    assert asked(SimpleNamespace(alerts=pl.DataFrame(schema=ALERTS), begin=None, end=None)).is_empty()
