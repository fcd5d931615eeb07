"""Events for folds, rules of every kind, and what a fold says tick by tick."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
from hypothesis import strategies as st

from onex_analytics.alerting.cells import Fold, Runs
from onex_analytics.alerting.rules import Group
from tests.alerting.cells.oracle import Event, Oracle, us

SCHEMA = pl.Schema({
    "event_id": pl.String(), "timestamp": pl.Datetime("us", "UTC"), "node": pl.String(), "operation": pl.String(),
    "family": pl.String(), "outcome": pl.String(), "correlation_id": pl.String(), "error_code": pl.String(),
    "execution_time_ms": pl.Float64(), "adjusted_count": pl.Float64(),
})  # fmt: skip
START = 1_767_225_600_000_000  # 2026-01-01, a whole minute, hour and day; a Thursday
SECOND = 1_000_000

Told = dict[tuple[str, tuple[tuple[str, str], ...], int], tuple[str, int, int]]
"""Value (as text, so that NaN equals NaN and no digit is lost), number of events and truth by rule, labels and tick."""


def event_lists(*, seconds: int = 600, weighted: bool = False, most: int = 25) -> st.SearchStrategy[list[Event]]:
    """Events on and around whole seconds, minutes and half minutes, several at the same microsecond among them."""
    times = st.builds(
        lambda at, step, by: at * step * SECOND + by,
        st.integers(0, seconds // 30), st.sampled_from([30, 30, 7]), st.sampled_from([0, 0, 0, -1, 1, 500_000]),
    )  # fmt: skip
    one = st.fixed_dictionaries({
        "at": times.map(lambda at: START + max(at, 0)),
        "node": st.sampled_from(["a", "b"]),
        "operation": st.sampled_from(["x", None]),
        "family": st.just("node"),
        "outcome": st.sampled_from(["start", "success", "soft_failure", "failure", "other"]),
        "correlation_id": st.sampled_from(["1", "2", None]),
        "error_code": st.sampled_from(["E1", "E2", None]),
        "execution_time_ms": st.sampled_from([0.0, 1.5, 2.0, 1e-3, -7.25, 1e6, None, math.nan, math.inf]),
        "weight": st.sampled_from([1.0, 2.5, 0.1, 100.0]) if weighted else st.just(1.0),
    })  # fmt: skip
    return st.lists(one, min_size=1, max_size=most).map(
        lambda events: [{**e, "event_id": f"{(7 * place) % 31:02}"} for place, e in enumerate(events)]
    )


def frame(events: Iterable[Event]) -> pl.DataFrame:
    rows = [{**e, "timestamp": e["at"], "adjusted_count": e["weight"]} for e in events]
    for row in rows:
        del row["at"], row["weight"]
    schema = {**SCHEMA, "timestamp": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row").cast({"timestamp": SCHEMA["timestamp"]}).select(list(SCHEMA))


def group(*rules: dict[str, Any], interval: str = "1m", offset: str = "0s") -> Group:
    named = [{"alert": f"r{place}", **rule} for place, rule in enumerate(rules)]
    return Group.model_validate({"name": "g", "interval": interval, "offset": offset, "rules": named})


def told(fold: Fold, runs: Runs, ticks: Iterable[int] | None = None) -> Told:
    """Every evaluation, tick by tick (of the given ticks)."""
    found: Told = {}
    wanted = None if ticks is None else sorted(set(ticks))
    for part in runs:
        name = fold.group.rules[part.rule].alert
        for place, series in enumerate(part.series):
            labels = tuple(fold.series.texts(int(series)).items())
            assert fold.series.rule[series] == part.rule
            follows = None
            for row in range(part.bounds[place], part.bounds[place + 1]):
                first, last = int(part.first[row]), int(part.last[row])
                assert first <= last and follows in (None, first), "runs follow one another"
                follows = last + 1
                for tick in range(first, last + 1) if wanted is None else (t for t in wanted if first <= t <= last):
                    assert (name, labels, tick) not in found, "one evaluation for each tick"
                    found[name, labels, tick] = (repr(float(part.value[row])), int(part.n[row]), int(part.truth[row]))
    return found


def expected(grouped: Group, events: Sequence[Event], ticks: Iterable[int]) -> dict[Any, tuple[float, int]]:
    """What the oracle says of the same ticks."""
    found = {}
    ticks = list(ticks)
    for rule in grouped.rules:
        oracle = Oracle(grouped, rule, events)
        oracle.default_window = us(grouped.interval)
        for tick in ticks:
            for labels, seen in oracle.at(tick).items():
                found[rule.alert, labels, tick] = seen
    return found


def folded(grouped: Group, events: Sequence[Event], until: int, mode: Any = "grid") -> tuple[Fold, Runs]:
    """All events at once, closed at the tick at or after `until`."""
    fold = Fold(grouped, SCHEMA, mode=mode)
    fold.take(frame(events))
    return fold, fold.close(fold.grid.tick_at_or_after(until))


def cut(
    grouped: Group, events: Sequence[Event], until: int, chance: random.Random, mode: Any = "grid",
    ticks: Iterable[int] | None = None,
) -> Told:  # fmt: skip
    """The same events in many calls: shuffled where ticks are open, closed at any ticks, restarted in between."""
    fold = Fold(grouped, SCHEMA, mode=mode)
    last = fold.grid.tick_at_or_after(until)
    first = fold.grid.tick_at_or_after(min(e["at"] for e in events))
    edges = sorted({chance.randint(first - 1, last) for _ in range(chance.randint(0, 6))} | {last})
    left = list(events)
    found: Told = {}
    for edge in edges:
        due = [e for e in left if e["at"] <= fold.grid.time(edge)]
        early = [e for e in left if e["at"] > fold.grid.time(edge) and chance.random() < 0.2]
        left = [e for e in left if e not in due and e not in early]
        now = [*due, *early]
        chance.shuffle(now)
        while now:
            size = chance.randint(1, len(now))
            fold.take(frame(now[:size]))
            now = now[size:]
            fold = restarted(fold, chance)
        found |= told(fold, fold.close(edge), ticks)
        fold = restarted(fold, chance)
    return found


def restarted(fold: Fold, chance: random.Random) -> Fold:
    if chance.random() < 0.5:
        return fold
    fresh = Fold(fold.group, SCHEMA, mode=fold.mode)
    fresh.restore(fold.state())
    return fresh
