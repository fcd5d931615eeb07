"""The state machine of alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.lifecycle import STATES, Lifecycle
from tests.alerting.prometheus_alerting import AlertingRule

F, T, K = 0, 1, 2  # false, true, as it was
CODES = {False: F, True: T, None: K}


@dataclass(frozen=True)
class Runs:
    series: np.ndarray
    bounds: np.ndarray
    first: np.ndarray
    last: np.ndarray
    truth: np.ndarray
    rule: int = 0


def runs_of(truths: list[list[bool | None]], since: int, upto: int, cuts: set[int]) -> Runs:
    """The truths of ticks since..upto, series by series, as runs; also cut where `cuts` says. A leading run of a series
    that does not exist yet is written as "absent"."""
    rows = []
    for series, row in enumerate(truths):
        for tick in range(since, min(upto + 1, len(row))):
            if row[tick] == "absent":
                continue
            new = not rows or rows[-1][0] != series or rows[-1][3] != CODES[row[tick]] or tick in cuts
            if new:
                rows.append([series, tick, tick, CODES[row[tick]]])
            else:
                rows[-1][2] = tick
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    series, starts = np.unique(table[:, 0], return_index=True)
    bounds = np.append(starts, len(rows)).astype(np.int64)
    return Runs(series.astype(np.int32), bounds, table[:, 1], table[:, 2], table[:, 3].astype(np.int8))


def of_one_rule(hold: int, keep: int, limit: int = 0) -> Lifecycle:
    return Lifecycle(np.array([hold]), np.array([keep]), np.array([limit]))


def changes(lifecycle: Lifecycle, runs: Runs, upto: int) -> list[tuple[int, int, str]]:
    found = lifecycle.judge(runs, upto)
    rows = zip(found.tick.tolist(), found.series.tolist(), found.state.tolist(), strict=True)
    return sorted((tick, series, STATES[state]) for tick, series, state in rows)


def expected(truths: list[list[bool | None]], hold: int, keep: int, limit: int = 0) -> list[tuple[int, int, str]]:
    """The changes of what Prometheus would show in ALERTS."""
    rule, shown, found = AlertingRule(hold, keep, limit), {}, []
    for tick in range(max(map(len, truths), default=0)):
        result = {str(s): row[tick] for s, row in enumerate(truths) if row[tick] != "absent"}
        now = rule.eval(tick, result)
        for s in range(len(truths)):
            was, state = shown.get(str(s)), now.get(str(s))
            if was != state:
                found.append((tick, s, state or {"pending": "inactive", "firing": "resolved"}[was]))
        shown = now
    return found


def one(truth: list[bool | None], hold: int = 0, keep: int = 0) -> list[tuple[int, str]]:
    runs = runs_of([truth], 0, len(truth) - 1, set())
    return [(tick, state) for tick, _, state in changes(of_one_rule(hold, keep), runs, len(truth) - 1)]


def test_a_condition_without_for_fires_at_once_and_is_never_pending():
    assert one([False, True, True, False]) == [(1, "firing"), (3, "resolved")]


def test_a_condition_is_pending_until_for_has_passed():
    assert one([True] * 4, hold=2) == [(0, "pending"), (2, "firing")]


def test_one_false_evaluation_pays_for_anew():
    assert one([True, False, True, True, True], hold=2) == [
        (0, "pending"), (1, "inactive"), (2, "pending"), (4, "firing"),
    ]  # fmt: skip


def test_a_firing_alert_is_kept_for_as_long_as_was_asked_since_the_first_false_evaluation():
    assert one([True, False, False, False, False], keep=3) == [(0, "firing"), (4, "resolved")]


def test_true_again_while_kept_is_the_same_alert_and_forgets_what_kept_it():
    truth = [True, True, True, False, False, True, False, False, False, False]
    assert one(truth, hold=2, keep=3) == [(0, "pending"), (2, "firing"), (9, "resolved")]


def test_a_pending_alert_is_never_kept():
    assert one([True, False, False], hold=2, keep=5) == [(0, "pending"), (1, "inactive")]


def test_an_evaluation_that_fails_leaves_a_pending_alert_as_it_was_and_its_time_goes_on():
    assert one([True, None, None, True], hold=2) == [(0, "pending"), (3, "firing")]


def test_an_evaluation_that_fails_leaves_a_firing_alert_firing():
    assert one([True, None, None, False]) == [(0, "firing"), (3, "resolved")]


def test_years_of_silence_are_one_run():
    years = 10 * 365 * 86_400
    runs = Runs(np.zeros(1, np.int32), np.array([0, 3]), np.array([0, 1, years]), np.array([0, years - 1, years + 9]),
                np.array([T, F, T], np.int8))  # fmt: skip
    assert changes(of_one_rule(5, 60), runs, years + 9) == [
        (0, 0, "pending"), (1, 0, "inactive"), (years, 0, "pending"), (years + 5, 0, "firing"),
    ]  # fmt: skip


def test_over_the_limit_every_active_alert_is_dropped_and_begins_anew_when_they_are_few_enough():
    truths = [[True] * 8, [False, False, True, True, True, False, False, False]]
    runs = runs_of(truths, 0, 7, set())
    lifecycle = of_one_rule(hold=1, keep=0, limit=1)
    assert changes(lifecycle, runs, 7) == [
        (0, 0, "pending"), (1, 0, "firing"), (2, 0, "resolved"), (5, 0, "pending"), (6, 0, "firing"),
    ]  # fmt: skip
    assert lifecycle.over_limit.tolist() == [3]


def test_alerts_that_are_only_kept_count_against_the_limit_too():
    truths = [[True, False, False, False], [False, True, True, True]]
    assert expected(truths, 0, 9, 1) == [(0, 0, "firing"), (1, 0, "resolved"), (2, 1, "firing")]
    assert changes(of_one_rule(0, 9, 1), runs_of(truths, 0, 3, set()), 3) == expected(truths, 0, 9, 1)


def test_rules_do_not_share_their_limits():
    lifecycle = Lifecycle(np.array([0, 2]), np.array([0, 0]), np.array([1, 0]))
    first, second = runs_of([[True] * 3], 0, 2, set()), runs_of([[], [True] * 3, [True] * 3], 0, 2, set())
    assert changes(lifecycle, first, 2) == [(0, 0, "firing")]
    assert changes(lifecycle, replace(second, rule=1), 2) == [
        (0, 1, "pending"), (0, 2, "pending"), (2, 1, "firing"), (2, 2, "firing"),
    ]  # fmt: skip


TICKS = st.sampled_from([False, False, True, True, None])
STRETCHES = st.lists(st.tuples(TICKS, st.integers(1, 6)), min_size=1, max_size=12)


@st.composite
def truth_tables(draw: st.DrawFn) -> list[list[bool | str | None]]:
    rows = [[t for t, n in draw(STRETCHES) for _ in range(n)] for _ in range(draw(st.integers(1, 5)))]
    length = max(map(len, rows))
    rows = [row + [False] * (length - len(row)) for row in rows]
    for row in rows:
        for tick in range(draw(st.integers(0, length // 2))):
            row[tick] = "absent"
    return rows


@given(truth_tables(), st.integers(0, 8), st.integers(0, 8), st.sampled_from([0, 0, 1, 2, 3]))
def test_every_change_is_that_of_prometheus(truths, hold, keep, limit):
    length = len(truths[0])
    runs = runs_of(truths, 0, length - 1, set())
    assert changes(of_one_rule(hold, keep, limit), runs, length - 1) == expected(truths, hold, keep, limit)


def test_every_short_condition_is_judged_as_prometheus_does_with_every_for_and_keep_firing_for():
    for truth in product([False, True, None], repeat=6):
        row = [list(truth)]
        runs = runs_of(row, 0, 5, set())
        for hold, keep in product(range(4), range(4)):
            assert changes(of_one_rule(hold, keep), runs, 5) == expected(row, hold, keep), (truth, hold, keep)


@given(truth_tables(), st.integers(0, 8), st.integers(0, 8), st.sampled_from([0, 1, 2, 3]),
       st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))  # fmt: skip
def test_however_the_runs_are_cut_and_however_often_it_is_restarted_the_changes_are_the_same(
    truths, hold, keep, limit, cuts, ends
):
    length, lifecycle, found, since = len(truths[0]), of_one_rule(hold, keep, limit), [], 0
    for upto in sorted({*(e for e in ends if e < length), length - 1}):
        found += changes(lifecycle, runs_of(truths, since, upto, cuts), upto)
        state, lifecycle, since = lifecycle.state(), of_one_rule(hold, keep, limit), upto + 1
        lifecycle.restore(state)
    whole = of_one_rule(hold, keep, limit)
    assert found == changes(whole, runs_of(truths, 0, length - 1, set()), length - 1)
    assert lifecycle.over_limit.tolist() == whole.over_limit.tolist()


@pytest.mark.parametrize("limit", [1, 2])
@given(truths=truth_tables(), hold=st.integers(0, 3), keep=st.integers(0, 3))
def test_every_evaluation_over_the_limit_is_counted(limit, truths, hold, keep):
    length, rule = len(truths[0]), AlertingRule(hold, keep, limit)
    for tick in range(length):
        rule.eval(tick, {str(s): row[tick] for s, row in enumerate(truths) if row[tick] != "absent"})
    lifecycle = of_one_rule(hold, keep, limit)
    changes(lifecycle, runs_of(truths, 0, length - 1, set()), length - 1)
    assert lifecycle.over_limit.tolist() == [rule.errors]
