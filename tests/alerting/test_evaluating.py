"""Rules over a stream: the same changes however it is cut, and those of the slow, obvious answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby, pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.shapes import SET_ASIDE, TRANSITIONS
from onex_analytics.exceptions import InputError, InvalidOption, MissingColumns
from tests.alerting.arrivals import SCHEMA, Advance, Event, Op, frame_of, slow_transitions, streams, when
from tests.laws import examples


def rule(name: str, threshold: float = 1, window: str = "30s", **more: object) -> dict[str, object]:
    return {"alert": name, "by": ["node"], "when": {"count": {"window": window}, "op": ">", "threshold": threshold},
            **more}  # fmt: skip


def rule_set(*rules: dict[str, object], **group: object) -> RuleSet:
    return RuleSet.model_validate({"groups": [{"name": "g", "interval": "10s", "rules": list(rules), **group}]})


GROUPS = [
    {"name": "waiting", "interval": "10s", "allowed_lateness": "30s", "max_ahead": "90s", "rules": [
        rule("Often", **{"for": "10s", "keep_firing_for": "20s"}),
        rule("Any", 0, by=[]),
    ]},
    {"name": "prompt", "interval": "20s", "offset": "5s", "limit": 1, "rules": [
        rule("Failing", 0, "40s", where="outcome == 'failure'", keep_firing_for="30s"),
        rule("Often", **{"for": "30s"}),
    ]},
]  # fmt: skip
TWO_GROUPS = RuleSet.model_validate({"groups": GROUPS})
EVERYTHING = RuleSet.model_validate({"groups": [
    *GROUPS,
    {"name": "at each event", "allowed_lateness": "7s", "rules": [
        rule("Often", mode="event", **{"for": "3s", "keep_firing_for": "4s"}),
        rule("Failures", 0, mode="event", where="outcome == 'failure'", by=[]),
    ]},
]})  # fmt: skip


def fold(evaluation: Evaluation, ops: Sequence[Op]) -> list[pl.DataFrame]:
    """All ops, events next to one another in one call."""
    found = []
    for moves, some in groupby(ops, lambda op: isinstance(op, Advance)):
        if moves:
            found += [evaluation.advance(when(op.to)) for op in some]
        else:
            found.append(evaluation.process(frame_of(list(some))))
    return found


def told(frames: Sequence[pl.DataFrame]) -> list[tuple[object, ...]]:
    whole = pl.concat([pl.DataFrame(schema=TRANSITIONS), *frames])
    return [
        (row["group"], row["rule"], tuple(label["value"] for label in row["labels"]), row["at"], row["state"],
         row["value"], row["known_at"])
        for row in whole.iter_rows(named=True)
    ]  # fmt: skip


# ---------------------------------------------------------------------- when a tick closes


def test_a_tick_closes_once_the_clock_is_past_it():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    assert told([evaluation.process(frame_of([Event("1", 9, "a"), Event("2", 10, "a")]))]) == []
    assert told([evaluation.process(frame_of([Event("3", 10.000001, "a")]))]) == [
        ("g", "A", ("a",), when(10), "firing", 2.0, when(10)),
    ]  # fmt: skip


def test_a_tick_waits_for_late_events_and_says_when_it_could_be_known():
    evaluation = Evaluation(rule_set(rule("A", 0), allowed_lateness="20s"), SCHEMA)
    assert told([evaluation.process(frame_of([Event("1", 9, "a"), Event("2", 30, "a")]))]) == []
    assert told([evaluation.process(frame_of([Event("3", 31, "a")]))]) == [
        ("g", "A", ("a",), when(10), "firing", 1.0, when(30)),
    ]  # fmt: skip


def test_an_event_that_comes_after_its_tick_was_closed_is_late_and_reported():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    evaluation.process(frame_of([Event("1", 5, "a"), Event("2", 15, "a")]))
    evaluation.process(frame_of([Event("3", 10, "a"), Event("4", 10.5, "a")]))
    assert evaluation.set_aside.rows() == [("g", "grid", "3", when(10), "late")]
    assert evaluation.counts["g"]["late"] == 1
    evaluation.process(frame_of([Event("5", 16, "a")]))
    assert evaluation.set_aside.equals(pl.DataFrame(schema=SET_ASIDE))


def test_an_event_far_ahead_of_its_arrival_never_moves_the_clock():
    evaluation = Evaluation(rule_set(rule("A", 0), max_ahead="1h"), SCHEMA)
    evaluation.process(frame_of([Event("1", 5, "a"), Event("2", 4000, "a", arrived=6.0)]))
    assert evaluation.clock == when(5)
    assert evaluation.set_aside["reason"].to_list() == ["ahead"]
    evaluation.process(frame_of([Event("3", 3600, "a", arrived=0.0)]))  # just as far as is allowed
    assert evaluation.clock == when(3600)


def test_an_event_without_a_time_is_counted_and_reported():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    evaluation.process(frame_of([Event("1", None, "a")]))
    assert evaluation.counts["g"]["untimed"] == 1
    assert evaluation.set_aside.rows() == [("g", "grid", "1", None, "untimed")]


def test_without_events_the_clock_is_moved_by_hand():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    evaluation.process(frame_of([Event("1", 5, "a")]))
    assert told([evaluation.advance(when(60))]) == [
        ("g", "A", ("a",), when(10), "firing", 1.0, when(10)),
        ("g", "A", ("a",), when(40), "resolved", 0.0, when(40)),
    ]  # fmt: skip


def test_who_never_speaks_is_missed_as_soon_as_the_clock_is_moved():
    missed = {"absent": {"window": "30s", "expect": [{"node": "a"}, {"node": "b"}]}}
    evaluation = Evaluation(rule_set({"alert": "Silent", "by": ["node"], "when": missed, "for": "20s"}), SCHEMA)
    ops = [Advance(5), Advance(40), Event("1", 45, "a"), Advance(60)]
    assert [row[2:5] for row in told(fold(evaluation, ops))] == [
        (("a",), when(10), "pending"), (("b",), when(10), "pending"), (("a",), when(30), "firing"),
        (("b",), when(30), "firing"), (("a",), when(50), "resolved"),
    ]  # fmt: skip


def test_a_clock_that_is_moved_back_stays():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    evaluation.process(frame_of([Event("1", 5, "a")]))
    evaluation.advance(when(60))
    assert told([evaluation.advance(when(20))]) == []
    assert evaluation.clock == when(60)


def test_a_time_without_a_zone_is_utc():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    evaluation.process(frame_of([Event("1", 5, "a")]).with_columns(pl.col("timestamp").dt.replace_time_zone(None)))
    evaluation.advance(when(60).replace(tzinfo=None))
    assert evaluation.clock == when(60)


def test_years_of_silence_cost_nothing():
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    evaluation.process(frame_of([Event("1", 5, "a")]))
    ten_years = timedelta(days=3653)
    assert len(told([evaluation.advance(when(0) + ten_years)])) == 2
    assert evaluation.counts["g"]["evaluations"] == ten_years // timedelta(seconds=10) - 1


def test_no_events_and_no_rules_come_to_nothing():
    assert told([Evaluation(rule_set(rule("A")), SCHEMA).process(frame_of([]))]) == []
    assert told([Evaluation(RuleSet(), SCHEMA).process(frame_of([Event("1", 5, "a")]))]) == []


def test_a_column_that_is_not_there_is_said_at_once():
    with pytest.raises(MissingColumns):
        Evaluation(rule_set(rule("A", by=["tenant"])), SCHEMA)


# ---------------------------------------------------------------------- laws


@given(streams())
def test_the_changes_are_those_of_the_slow_answer(ops):
    evaluation = Evaluation(TWO_GROUPS, SCHEMA)
    expected, counts = slow_transitions(TWO_GROUPS, ops)
    assert told(fold(evaluation, ops)) == expected
    for name, of_group in counts.items():
        assert {word: evaluation.counts[name][word] for word in of_group} == of_group


@settings(max_examples=examples(30))
@given(streams(), st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_however_the_stream_is_cut_and_however_often_it_is_restarted_the_changes_are_the_same(ops, cuts, restarts):
    whole = Evaluation(EVERYTHING, SCHEMA)
    expected = told(fold(whole, ops))
    evaluation, found = Evaluation(EVERYTHING, SCHEMA), []
    for begin, end in pairwise(sorted({0, len(ops), *(cut for cut in cuts | restarts if cut < len(ops))})):
        found += fold(evaluation, ops[begin:end])
        if end in restarts:
            state, evaluation = evaluation.state(), Evaluation(EVERYTHING, SCHEMA)
            evaluation.restore(state)
    assert told(found) == expected
    assert evaluation.counts == whole.counts
    assert evaluation.clock == whole.clock


@settings(max_examples=examples(30))
@given(streams(advances=False), st.randoms())
def test_events_that_are_said_to_be_in_order_may_come_in_any(ops, random):
    in_time = sorted(ops, key=lambda e: (e.at is None, e.at or 0, e.id))
    shuffled = list(ops)
    random.shuffle(shuffled)
    ordered, any_order = Evaluation(EVERYTHING, SCHEMA), Evaluation(EVERYTHING, SCHEMA)
    assert told([any_order.process_in_order(frame_of(shuffled))]) == told([ordered.process(frame_of(in_time))])
    assert any_order.counts == ordered.counts


def moved(op: Op, by: float) -> Op:
    if isinstance(op, Advance):
        return Advance(op.to + by)
    at, arrived = (None if time is None else time + by for time in (op.at, op.arrived))
    return op._replace(at=at, arrived=arrived)


@settings(max_examples=examples(20))
@given(streams(), st.integers(1, 10**6))
def test_a_shift_by_whole_intervals_shifts_every_change(ops, k):
    by, shift = 20.0 * k, timedelta(seconds=20 * k)
    expected = [
        (*row[:3], row[3] + shift, *row[4:6], row[6] + shift) for row in told(fold(Evaluation(TWO_GROUPS, SCHEMA), ops))
    ]
    assert told(fold(Evaluation(TWO_GROUPS, SCHEMA), [moved(op, by) for op in ops])) == expected


# ---------------------------------------------------------------------- restarts


def test_the_state_of_other_rules_is_refused():
    state = Evaluation(rule_set(rule("A", 0)), SCHEMA).state()
    with pytest.raises(InvalidOption, match="other rules"):
        Evaluation(rule_set(rule("A", 1)), SCHEMA).restore(state)


@pytest.mark.parametrize("damage", [lambda state: b"", lambda state: state[:-1], lambda state: b"{}" * 40])
def test_a_damaged_state_is_refused(damage):
    evaluation = Evaluation(rule_set(rule("A", 0)), SCHEMA)
    with pytest.raises(InputError, match="damaged"):
        evaluation.restore(damage(evaluation.state()))
