"""The firings of every threshold, from one pass, are those of the state machine under each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.cells import RuleRuns
from onex_analytics.alerting.cells.judging import truth
from onex_analytics.alerting.levels import LASTS, Runs, levels_of, placed
from onex_analytics.alerting.lifecycle import Lifecycle
from onex_analytics.alerting.lifecycle_kernels import FIRING, RESOLVED
from onex_analytics.alerting.rules import Rule
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.exceptions import InvalidOption
from tests.alerting.test_evaluating import rule, rule_set
from tests.laws import examples

MICROSECOND, MINUTE = timedelta(microseconds=1), 60_000_000
VALUES = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, float("nan")])
STRETCHES = st.lists(st.tuples(VALUES, st.integers(1, 6), st.integers(0, 4)), min_size=1, max_size=14)
LABEL_SETS = st.lists(st.tuples(st.integers(0, 9), STRETCHES), max_size=3)
THRESHOLDS = [-1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0]


def rule_with(op: str, hold: int, keep: int, **when: Any) -> Rule:
    """A rule with `for` and `keep_firing_for` in minutes."""
    condition = {"count": {"window": "5m"}, "op": op, "threshold": 0, **when}
    return Rule.model_validate({"alert": "A", "when": condition, "for": f"{hold}m", "keep_firing_for": f"{keep}m"})


def runs_with(label_sets: list[tuple[int, list[tuple[float, int, int]]]], upto: int = 200) -> Runs:
    """Runs of minutes: (first tick, stretches of (value, ticks, events)) a label set; the last lasts to `upto`."""
    bounds, first, last, value, n = [0], [], [], [], []
    for tick, stretches in label_sets:
        for place, (held, length, events) in enumerate(stretches):
            end = upto if place == len(stretches) - 1 else tick + length - 1
            first.append(tick)
            last.append(end)
            value.append(held)
            n.append(events)
            tick = end + 1
        bounds.append(len(first))
    labels = pl.Series([[{"name": "node", "value": str(i)}] for i in range(len(label_sets))], dtype=LABEL_SET)
    whole = (np.array(column, np.int64) for column in (bounds, first, last))
    held = np.array(value, np.float64), np.array(n, np.int64)
    return Runs(*whole, *held, labels, interval=MINUTE, offset=0, lateness=0, begin=0, end=upto * MINUTE)


def machine(runs: Runs, one: Rule, threshold: float) -> list[tuple[int, int, int]]:
    """What the state machine of the live engine comes to."""
    when = one.when.model_copy(update={"threshold": threshold})
    hold, keep = (np.array([d // (runs.interval * MICROSECOND)], np.int64) for d in (one.for_, one.keep_firing_for))
    series = np.arange(runs.bounds.size - 1, dtype=np.int32)
    holds = truth(when, runs.value, runs.n)
    judged = RuleRuns(0, series, runs.bounds, runs.first, runs.last, runs.value, runs.n, holds)
    changes = Lifecycle(hold, keep, np.zeros(1, np.int64)).judge(judged, 200)
    order = np.lexsort((changes.tick, changes.series))
    found: list[tuple[int, int, int]] = []
    for k in order:
        at = int(changes.tick[k]) * runs.interval
        if changes.state[k] == FIRING:
            found.append((int(changes.series[k]), at, LASTS))
        elif changes.state[k] == RESOLVED:
            found[-1] = (*found[-1][:2], at)
    return found


@settings(max_examples=examples(400))
@given(
    LABEL_SETS, st.sampled_from([">", ">=", "<", "<="]), st.integers(0, 7), st.integers(0, 7),
    st.sampled_from(["ok", "keep", "alert"]), st.sampled_from([0, 2]),
)  # fmt: skip
def test_every_threshold_fires_as_the_state_machine_says(label_sets, op, hold, keep, no_data, min_count):
    runs, one = runs_with(label_sets), rule_with(op, hold, keep, no_data=no_data, min_count=min_count)
    levels = levels_of(runs, one)
    for threshold in THRESHOLDS:
        ours = list(zip(*(column.tolist() for column in levels.firings(threshold)), strict=True))
        assert ours == machine(runs, one, threshold), threshold


def test_the_pass_makes_at_most_three_steps_a_run():
    rng = np.random.default_rng(1)
    label_sets = [(0, [(float(v), 1, 1) for v in rng.integers(0, 50, 500)]) for _ in range(3)]
    levels = levels_of(runs_with(label_sets, 600), rule_with(">", 7, 11))
    assert levels.at.size <= 3 * 1500
    assert (np.diff(levels.at)[np.diff(levels.label_set) == 0] > 0).all()


def test_a_rule_is_found_where_it_stands():
    file = rule_set(rule("A"), rule("B"), interval="5s")
    assert placed("B", file).rule.alert == "B"
    assert placed(file.rule("A"), file).group.interval.total_seconds() == 5
    assert placed(rule_set(rule("A"))).rule.alert == "A"
    assert placed(file.rule("A")).group.interval.total_seconds() == 60


@pytest.mark.parametrize(
    ("one", "rules", "mend"),
    [
        (rule_set(rule("A"), rule("B")), None, "name it"),
        ("A", None, "with the file that it is in"),
        (rule_with(">", 1, 1), rule_set(rule("B")), "as it stands there"),
        ("C", rule_set(rule("A")), "A"),
    ],
)
def test_a_rule_that_is_not_one_is_refused(one, rules, mend):
    with pytest.raises(InvalidOption, match=mend):
        placed(one, rules)
