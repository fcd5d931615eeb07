"""Streams of a few events, and the slow, obvious answer to what rules that count them come to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl
from hypothesis import strategies as st

from onex_analytics.alerting.rules import Group, RuleSet
from onex_analytics.model.shapes import EVENTS
from tests.alerting.prometheus_alerting import AlertingRule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCHEMA = pl.Schema({name: EVENTS[name] for name in ("event_id", "timestamp", "node", "outcome", "arrived_at")})
MICRO = timedelta(microseconds=1)


class Event(NamedTuple):
    """One event; times are seconds since the epoch."""

    id: str
    at: float | None
    node: str
    outcome: str = "success"
    arrived: float | None = None


class Advance(NamedTuple):
    """The clock moved without an event."""

    to: float


Op = Event | Advance


def when(seconds: float | None) -> datetime | None:
    return None if seconds is None else EPOCH + timedelta(seconds=seconds)


def frame_of(events: Sequence[Event]) -> pl.DataFrame:
    rows = [(e.id, when(e.at), e.node, e.outcome, when(e.arrived)) for e in events]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@st.composite
def streams(draw: st.DrawFn, *, advances: bool = True, most_s: int = 400, lag_s: int = 90) -> list[Op]:
    """Events whose times mostly grow, some late, some ahead of their arrival, some without a time."""
    found: list[Op] = []
    now = draw(st.integers(0, 50))
    for number in range(draw(st.integers(0, 40))):
        now = min(now + draw(st.sampled_from([0, 0, 1, 3, 10, 40])), most_s)
        if advances and draw(st.integers(0, 9)) == 0:
            found.append(Advance(now + draw(st.integers(-20, 60))))
            continue
        back = draw(st.sampled_from([0, 0, 0, 0, 0.5, 5, 30, lag_s]))
        arrived = draw(st.sampled_from([None, None, now, now - 100]))
        at = None if draw(st.integers(0, 30)) == 0 else max(now - back, 0)
        node = draw(st.sampled_from(["a", "b", "c"]))
        found.append(Event(f"e{number:03}", at, node, draw(st.sampled_from(["success", "failure"])), arrived))
    return found


@dataclass
class SlowGroup:
    """A group of rules `count` by `by`, evaluated event by event, tick by tick."""

    group: Group
    number: int
    accepted: list[Event] = field(default_factory=list)
    clock: float | None = None
    earliest: float | None = None
    closed: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("late", "ahead", "untimed"), 0))
    found: list[tuple[object, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.interval, self.offset = self.group.interval.total_seconds(), self.group.offset.total_seconds()
        self.lateness, self.max_ahead = (
            self.group.allowed_lateness.total_seconds(), self.group.max_ahead.total_seconds()
        )  # fmt: skip
        self.rules = [
            AlertingRule(rule.for_ // MICRO, rule.keep_firing_for // MICRO, self.group.limit)
            for rule in self.group.rules
        ]
        self.shown: list[dict[str, str]] = [{} for _ in self.rules]

    def before(self, time: float) -> int:
        """The last tick before a time."""
        tick = math.floor((time - self.offset) / self.interval)
        return tick - (tick * self.interval + self.offset == time)

    def see(self, op: Op) -> None:
        at = op.to if isinstance(op, Advance) else op.at
        if at is None:
            self.counts["untimed"] += 1
            return
        if isinstance(op, Event) and op.arrived is not None and at - op.arrived > self.max_ahead:
            self.counts["ahead"] += 1
            return
        if self.clock is not None and at <= self.before(self.clock - self.lateness) * self.interval + self.offset:
            self.counts["late"] += isinstance(op, Event)
            return
        if isinstance(op, Event):
            self.accepted.append(op)
        if self.closed is None:
            self.earliest = at if self.earliest is None else min(self.earliest, at)
        self.clock = at if self.clock is None else max(self.clock, at)
        tick = self.closed
        if tick is None:
            tick = -1
            while (tick + 1) * self.interval + self.offset < self.earliest:
                tick += 1
        while (tick + 1) * self.interval + self.offset < self.clock - self.lateness:
            tick += 1
            self.closed = tick
            self.evaluate(tick)

    def evaluate(self, tick: int) -> None:
        t = tick * self.interval + self.offset
        for number, (rule, lifecycle) in enumerate(zip(self.group.rules, self.rules, strict=True)):
            matching = [e for e in self.accepted if e.at <= t and (rule.where is None or e.outcome == "failure")]
            keys = {(e.node,) if rule.by else () for e in matching} | ({()} if not rule.by else set())
            window = rule.when.cell.window.total_seconds()
            values = {
                key: sum(t - window < e.at and (not rule.by or e.node == key[0]) for e in matching) for key in keys
            }
            true = {key: value > rule.when.threshold for key, value in values.items()}
            now = lifecycle.eval(round(t * 1e6), {" ".join(key): true[key] for key in keys})
            shown, self.shown[number] = self.shown[number], now
            for key in sorted(keys):
                was, state = shown.get(" ".join(key)), now.get(" ".join(key))
                if was != state:
                    word = state or {"pending": "inactive", "firing": "resolved"}[was or ""]
                    row = (t + self.lateness, self.number, number, key, t, word, float(values[key]))
                    self.found.append(row)


def slow_transitions(rules: RuleSet, ops: Sequence[Op]) -> tuple[list[tuple[object, ...]], dict[str, dict[str, int]]]:
    """(group, rule, labels, at, state, value, known at) of every transition, in order; and the counts by group."""
    groups = [SlowGroup(group, number) for number, group in enumerate(rules.groups)]
    for op in ops:
        for group in groups:
            group.see(op)
    clocks = [group.clock for group in groups]
    known = min((c for c in clocks if c is not None), default=0.0) if None not in clocks else 0.0
    rows = sorted(row for group in groups for row in group.found if row[0] < known)
    told = [
        (rules.groups[g].name, rules.groups[g].rules[r].alert, key, when(at), state, value, when(known_at))
        for known_at, g, r, key, at, state, value in rows
    ]
    return told, {group.group.name: group.counts for group in groups}
