"""More label sets than a rule may have: the first ones stay, the others are counted, and memory does not grow."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting import backtest
from onex_analytics.alerting.cells import Fold, fold, label_sets
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.rules import RuleSet
from tests.alerting.cells.folding import SCHEMA, SECOND, START, cut, event_lists, folded, frame, group, told
from tests.alerting.cells.oracle import Event
from tests.alerting.cells.test_fold import FAILED, KINDS, rule
from tests.laws import examples

UNTIL = START + 1_000_000_000
LOGS = event_lists(most=30).map(
    lambda events: [{**e, "operation": None if place % 5 == 0 else f"o{place % 11}"} for place, e in enumerate(events)]
)


@pytest.fixture(autouse=True, scope="module")
def _few_are_told_apart() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "_TOLD_APART", 0)
        patch.setattr(label_sets, "_MANY", 2)
        yield


def counted(grouped: Any, events: list[Event], size: int) -> tuple[dict[str, int], Any]:
    """The counts, and what is said, of events in the order of time and closed as they come."""
    made, found = Fold(grouped, SCHEMA), {}
    in_order = sorted(events, key=lambda e: (e["at"], e["event_id"]))
    for begin in range(0, len(in_order), size):
        made.take(frame(in_order[begin : begin + size]))
        if begin + size < len(in_order):
            tick = made.grid.tick_before(in_order[begin + size]["at"])
            if made.closed is None or tick > made.closed:
                found |= told(made, made.close(tick))
    found |= told(made, made.close(made.grid.tick_at_or_after(UNTIL)))
    return made.counts, found


@pytest.mark.parametrize(
    ("kind", "unit"),
    [*((kind, "event") for kind in KINDS if kind != "absent"),
     *((kind, "operation") for kind in ("count_of", "ratio", "quantile", "burn_rate", "max"))],
)  # fmt: skip
@given(events=LOGS, seed=st.integers(0, 2**32), size=st.integers(1, 9))
@settings(max_examples=examples(4), deadline=None)
def test_what_is_left_out_does_not_depend_on_the_cuts(
    kind: str, unit: str, events: list[Event], seed: int, size: int
) -> None:
    two = rule(kind, by=["operation"], unit=unit, max_series=2)
    grouped = group(two, {**rule("count_of", by=["operation"]), "max_series": 1}, rule(kind, unit=unit))
    made, runs = folded(grouped, events, UNTIL)
    whole = told(made, runs)
    assert cut(grouped, events, UNTIL, random.Random(seed)) == whole
    assert counted(grouped, events, size) == (made.counts, whole)


@given(events=LOGS, seed=st.integers(0, 2**32), by=st.sampled_from(["operation", "node"]))
@settings(max_examples=examples(20), deadline=None)
def test_rules_with_room_see_what_others_have_no_room_for(events: list[Event], seed: int, by: str) -> None:
    failed, all_ = {**rule("count_of", by=[by]), "max_series": 3}, {**rule("count", by=[by]), "max_series": 1}
    alone, together = group(failed), group(failed, all_)
    wanted = told(*folded(alone, events, UNTIL))
    found = cut(together, events, UNTIL, random.Random(seed))
    assert {at: seen for at, seen in found.items() if at[0] == "r0"} == wanted


def test_unexpected_label_sets_are_not_held() -> None:
    when = {"absent": {"window": "1m", "expect": [{"node": "a"}]}, "op": "==", "threshold": 1}
    made = Fold(group({"when": when, "by": ["node"]}), SCHEMA)
    for part in range(20):
        made.take(many_nodes(50, part))
        for run in made.close(made.grid.tick_before(START + (part + 1) * 60 * SECOND)):
            assert len(run.series) == 1
    (side,) = made._sides.values()
    assert len(side.sets) == 1 and made.counts["over_series_limit"] == 0


def many_nodes(many: int, part: int) -> pl.DataFrame:
    """So many events, each of a node of its own, in a minute."""
    one = {"event_id": "", "at": START, "node": "", "operation": None, "family": "node", "outcome": "failure",
           "correlation_id": "1", "error_code": "E1", "execution_time_ms": 1.0, "weight": 1.0}  # fmt: skip
    number = pl.int_range(many, dtype=pl.Int64)
    return frame([one]).select(pl.all().repeat_by(many).explode()).with_columns(
        event_id=pl.format("{}-{}", pl.lit(part), number), node=pl.format("node {} of part {}", number, pl.lit(part)),
        timestamp=pl.col("timestamp") + pl.duration(minutes=part) + pl.duration(microseconds=number),
    )  # fmt: skip


@pytest.mark.parametrize("unit", ["event", "operation"])
@pytest.mark.parametrize("kind", ["count_of", "quantile", "ratio"])
def test_memory_stays_as_it_is_however_many_label_sets_come(kind: str, unit: str) -> None:
    grouped = group({**rule(kind, by=["node"], unit=unit), "max_series": 100})
    made = Fold(grouped, SCHEMA)
    sizes = []
    for part in range(12):
        made.take(many_nodes(500, part))
        for _ in made.close(made.grid.tick_before(START + (part + 1) * 60 * SECOND)):
            pass
        sizes.append(len(made.state()))
    (side,) = made._sides.values()
    assert len(side.sets) == 1000, "those that came before the closing in which the limit was met"
    assert len(made.series) == 100 and made.counts["over_series_limit"] == 100
    assert max(sizes[6:]) <= max(sizes[:6])


def test_a_hundred_thousand_values_of_a_label_are_a_counted_limit_live_and_backtested() -> None:
    rules = RuleSet.model_validate({"groups": [{"name": "g", "rules": [
        {"alert": "A", "by": ["node"], "max_series": 1000, "when": {"count": {"of": FAILED, "window": "5m"},
                                                                   "threshold": 0}},
    ]}]})  # fmt: skip
    log = pl.concat([many_nodes(10_000, part) for part in range(10)])
    live = Evaluation(rules, log.schema)
    found = [live.process(log[begin : begin + 7_000]) for begin in range(0, log.height, 7_000)]
    tested = backtest(rules, log)
    assert tested.transitions.equals(pl.concat(found))
    assert tested.accounts == live.counts
    assert tested.accounts["g"]["over_series_limit"] == 1000
    (said,) = live.limits
    assert said.startswith("g / A: more than 1,000 label sets of node; further ones are not evaluated. Raise max_ser")
    assert tested.transitions["labels"].n_unique() == 1000
    assert tested.transitions["at"].min() - log["timestamp"].min() <= timedelta(minutes=1)
