"""Operations in long windows: each event is put in once and taken out once, and it is as if all were looked at anew."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.cells import Fold, speaking
from onex_analytics.alerting.cells.operations import Operations
from onex_analytics.alerting.conditions import BY_OPERATION
from tests.alerting.cells.folding import SCHEMA, SECOND, START, cut, event_lists, folded, frame, group, told
from tests.alerting.cells.oracle import Event
from tests.alerting.cells.test_fold import KINDS, OPERATIONS, rule, seen_as_defined
from tests.laws import examples

UNTIL = START + 1_000_000_000
LOGS = event_lists(weighted=True, most=40).map(
    lambda events: [
        # many operations, each of a few minutes: most are forgotten on the way
        {**e, "correlation_id": e["correlation_id"] and f"{e['correlation_id']} of {(e['at'] - START) // 120_000_000}"}
        for e in events
    ]
)


@pytest.fixture(autouse=True, scope="module")
def _operations_are_forgotten_early() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speaking, "_FEW", 0)
        yield


def test_every_kind_that_can_count_operations_is_held_to_its_definition() -> None:
    assert {next(iter(KINDS[kind])) for kind in [*OPERATIONS, "rate"]} == set(BY_OPERATION)


@pytest.mark.parametrize("kind", [*OPERATIONS, "rate", "max", "sum", "median"])
@given(events=LOGS, seed=st.integers(0, 2**32))
@settings(max_examples=examples(6), deadline=None)
def test_operations_come_and_go_and_no_cut_or_restart_changes_a_bit(kind: str, events: list[Event], seed: int) -> None:
    grouped = group(rule(kind, by=["node"], unit="operation"), rule(kind, unit="operation"))
    seen_as_defined(grouped, events, UNTIL)
    whole = told(*folded(grouped, events, UNTIL))
    assert cut(grouped, events, UNTIL, random.Random(seed)) == whole


@pytest.mark.parametrize("kind", ["count_of", "burn_rate", "quantile"])
@given(events=event_lists(seconds=30, most=14), seed=st.integers(0, 2**32))
@settings(max_examples=examples(5), deadline=None)
def test_operations_at_each_event(kind: str, events: list[Event], seed: int) -> None:
    grouped = group(rule(kind, mode="event", unit="operation"))
    fold, runs = folded(grouped, events, UNTIL, "event")
    edges = {e["at"] + ago for e in events for ago in (0, 60 * SECOND, 90 * SECOND, 180 * SECOND, 300 * SECOND)}
    ticks = sorted(t + by for t in edges for by in (-1, 0, 1) if fold.first_tick <= t + by <= fold.closed)
    assert cut(grouped, events, UNTIL, random.Random(seed), "event", ticks) == told(fold, runs, ticks)


def test_a_worse_witness_that_comes_later_speaks_and_the_better_one_never_again() -> None:
    grouped = group(rule("count_of", unit="operation"), rule("count", unit="operation"))
    one = {"node": "a", "operation": None, "family": "node", "correlation_id": "1", "error_code": None,
           "execution_time_ms": None, "weight": 1.0}  # fmt: skip
    events = [
        {**one, "event_id": "1", "at": START, "outcome": "success"},
        {**one, "event_id": "2", "at": START + 60 * SECOND, "outcome": "failure"},
        {**one, "event_id": "3", "at": START + 90 * SECOND, "outcome": "success"},
    ]
    found = told(*folded(grouped, events, START + 300 * SECOND))
    first = START // (60 * SECOND)
    failed = [found["r0", (), first + minute][1] for minute in range(6)]
    operations = [found["r1", (), first + minute][1] for minute in range(6)]
    assert failed == [0, 1, 1, 0, 0, 0], "the window is 90 seconds long"
    assert operations == [1, 1, 1, 1, 1, 0], "three minutes, and the last witness is of the second"


def test_only_what_can_still_speak_is_kept() -> None:
    """Hours of operations that each have one event, in windows of a minute, closed minute by minute."""
    grouped = group(rule("count", unit="operation", when={"count": {"window": "1m"}, "threshold": 1}))
    fold = Fold(grouped, SCHEMA)
    (side,) = fold._sides.values()
    (keeper,) = (one for one in side._keepers.values() if isinstance(one, Operations))
    most = 0
    for minute in range(400):
        begin = START + minute * 60 * SECOND
        events = [
            {"node": "a", "operation": None, "family": "node", "correlation_id": f"{minute} {second}",
             "outcome": "success", "error_code": None, "execution_time_ms": None, "weight": 1.0,
             "event_id": f"{minute} {second}", "at": begin + second * SECOND}
            for second in range(60)
        ]  # fmt: skip
        fold.take(frame(events))
        tick = fold.grid.tick_before(begin)
        assert [run.value[-1] for run in fold.close(tick)] in ([60.0], [1.0], [])
        most = max(most, keeper._speakers.slots, keeper._speakers.numbers.many)
    assert most < 600, "of 24,000 events and operations"


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 3), st.sampled_from([None, "1", "2"]), st.integers(0, 4)),
        min_size=1, max_size=30,
    ),
    widths=st.sets(st.integers(1, 9), min_size=1, max_size=3), edges=st.sets(st.integers(0, 30)),
)  # fmt: skip
def test_one_event_of_each_operation_speaks_at_a_time(
    rows: list[tuple[int, int, str | None, int]], widths: set[int], edges: set[int]
) -> None:
    from onex_analytics.alerting.cells.base_rows import Span
    from onex_analytics.alerting.cells.batches import Batch, Judged
    from onex_analytics.alerting.grid import EVENT_GRID

    outcomes = ["other", "start", "success", "soft_failure", "failure"]
    events = pl.DataFrame({
        "event_id": [f"{place:02}" for place in range(len(rows))], "node": ["n"] * len(rows),
        "correlation_id": pl.Series([row[2] for row in rows], dtype=pl.String),
        "outcome": [outcomes[row[3]] for row in rows],
    })  # fmt: skip
    at, keys = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], np.int32)
    speakers = speaking.Speakers({"row": pl.Int64()})
    for width in widths:
        speakers.need(width)
    active: dict[int, list[list[int]]] = {width: [[0] * len(rows) for _ in range(31)] for width in widths}
    before = -1
    for edge in sorted({*edges, 30}):
        here = (at > before) & (at <= edge)
        batch = Batch(events, keys, at, None, Judged(len(rows), {}), 4)
        speakers.take(batch, here, {"row": np.arange(len(rows))})
        moments = speakers.close(Span(EVENT_GRID, before, edge, 0))
        for width, told_ in zip(sorted(widths, reverse=True), moments, strict=True):
            for row, time, sign in zip(speakers.column("row", told_.slots), told_.times, told_.signs, strict=True):
                assert before < time <= edge
                for later in range(time, 31):
                    active[width][later][row] += sign
        before = edge
    for width in widths:
        for now in range(31):
            wanted = [0] * len(rows)
            worst: dict[tuple[Any, ...], int] = {}
            for row in sorted(range(len(rows)), key=lambda row: (at[row], row)):
                if not now - width < at[row] <= now:
                    continue
                owner = (rows[row][1], rows[row][2]) if rows[row][2] is not None else (row, None, None)
                if owner not in worst or rows[row][3] > rows[worst[owner]][3]:
                    worst[owner] = row
            for row in worst.values():
                wanted[row] = 1
            assert active[width][now] == wanted
