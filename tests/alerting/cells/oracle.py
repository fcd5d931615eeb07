"""What every kind of cell is by its definition: slow, obvious, a Python loop for each tick and label set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np

from onex_analytics.alerting.conditions import Cell
from onex_analytics.alerting.rules import Group, Rule

Event = Mapping[str, Any]  # `at` is microseconds; the rest as in a frame
Seen = dict[tuple[tuple[str, str], ...], tuple[float, int]]
SEVERITY = {"failure": 4, "soft_failure": 3, "success": 2, "start": 1}


def us(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


class Oracle:
    """The cell of a rule at any tick; `events` are all that were ever accepted."""

    def __init__(self, group: Group, rule: Rule, events: Iterable[Event]) -> None:
        self.rule, self.interval = rule, us(group.interval) if rule.mode == "grid" else 1
        self.offset = us(group.offset) if rule.mode == "grid" else 0
        self.all = sorted(events, key=lambda e: (e["at"], e["event_id"]))
        self.first = min(e["at"] for e in self.all)
        held = rule.where.predicate() if rule.where else lambda e: True
        self.events = [e for e in self.all if held(e)]
        for e in self.events:
            assert "weight" in e

    def labels(self, event: Event) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((column, text(event[column])) for column in self.rule.by))

    def at(self, tick: int) -> Seen:
        """Value and number of events of each label set that is evaluated at a tick."""
        t = tick * self.interval + self.offset
        found: Seen = {}
        for labels in self.evaluated(self.rule.when.cell, t):
            mine = [e for e in self.events if self.labels(e) == labels]
            found[labels] = self.value(self.rule.when.cell, mine, t, labels)
        return found

    def evaluated(self, cell: Cell, t: int) -> set[tuple[tuple[str, str], ...]]:
        if cell.kind == "absent" and cell.expect is not None:
            return {tuple(sorted(labels.items())) for labels in cell.expect}
        found = {()} if not self.rule.by else set()
        return found | {self.labels(e) for e in self.births(cell) if e["at"] <= t}

    def births(self, cell: Cell) -> list[Event]:
        """The events with which a label set is evaluated for the first time."""
        match cell.kind:
            case "expr":
                return [e for inner in cell.cells.values() for e in self.births(inner)]
            case "ratio" | "burn_rate":
                return self.of(cell.over, self.events)
            case "aggregate" | "quantile":
                return [e for e in self.of(cell.of, self.events) if number(e[cell.column])]
            case "distinct" | "new_value" | "change":
                return [e for e in self.of(cell.of, self.events) if e[cell.column] is not None]
            case "sequence":
                return self.events
        return self.of(cell.of, self.events)

    def of(self, wanted: Any, events: Iterable[Event]) -> list[Event]:
        held = wanted.predicate() if wanted is not None else lambda e: True
        return [e for e in events if held(e)]

    def window(self, events: list[Event], t: int, width: int, lag: int = 0) -> list[Event]:
        held = [e for e in events if t - lag - width < e["at"] <= t - lag]
        return one_an_operation(held) if self.rule.unit == "operation" else held

    def value(self, cell: Any, events: list[Event], t: int, labels: Any) -> tuple[float, int]:
        return getattr(self, f"_{cell.kind}")(cell, events, t, labels)

    # ------------------------------------------------------------------ the kinds

    def _count(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        held = self.of(cell.of, self.window(events, t, us(cell.window)))
        return weight(held), len(held)

    def _rate(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        value, n = self._count(cell, events, t, _)
        return value * (cell.per / cell.window), n

    def _ratio(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        over = self.of(cell.over, self.window(events, t, us(cell.window)))
        return share(weight(self.of(cell.of, over)), weight(over)), len(over)

    def _aggregate(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        held = [e for e in self.of(cell.of, self.window(events, t, us(cell.window))) if number(e[cell.column])]
        if not held:
            return math.nan, 0
        values = [float(e[cell.column]) for e in held]
        total = exact(float(e[cell.column]) * e["weight"] for e in held)
        told = {"min": min(values), "max": max(values), "sum": total, "avg": share(total, weight(held))}
        return told[cell.function], len(held)

    def _quantile(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        held = [e for e in self.of(cell.of, self.window(events, t, us(cell.window))) if number(e[cell.column])]
        held.sort(key=lambda e: e[cell.column])
        weights = [Fraction(weight([e])) for e in held]
        needed = Fraction(str(cell.q)) * sum(weights)
        reached = Fraction(0)
        for e, more in zip(held, weights, strict=True):
            reached += more
            if reached >= needed and reached > 0:
                return float(e[cell.column]), len(held)
        return math.nan, len(held)

    def _distinct(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        held = [e[cell.column] for e in self.of(cell.of, self.window(events, t, us(cell.window)))]
        held = [value for value in held if value is not None]
        return float(len(set(held))), len(held)

    def _absent(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        ours = self.of(cell.of, events)
        n = len(self.window(ours, t, us(cell.window)))
        watched = not self.rule.by or cell.expect is not None or self.window(ours, t, us(cell.lookback))
        return float(not n and bool(watched)), n

    def _spike(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        def count(width: int, lag: int) -> float:
            return weight(self.of(cell.of, self.window(events, t, width, lag)))

        def covered(ago: int) -> bool:
            return t - ago >= self.first

        w = us(cell.window)
        season, seasons, reference = cell.season, cell.seasons, cell.reference
        if season is None and reference is None:
            season, seasons = timedelta(weeks=1), 4
            if not covered(us(season) * seasons + w):
                season, reference = None, 6 * cell.window
        usual = math.nan
        if season is not None:
            if covered(us(season) * seasons + w):
                usual = sum(count(w, us(season) * back) for back in range(1, seasons + 1)) / seasons
        elif covered(w + us(reference)):
            usual = count(us(reference), w) * (cell.window / reference)
        held = self.of(cell.of, self.window(events, t, w))
        value = weight(held) / usual if usual >= cell.min_reference else math.nan
        return value, len(held)

    def _burn_rate(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        def burnt(width: timedelta) -> float:
            over = self.of(cell.over, self.window(events, t, us(width)))
            return share(weight(self.of(cell.of, over)), weight(over)) / (1 - cell.objective)

        pairs = [
            min(burnt(p.long), burnt(p.short)) / p.factor
            for p in cell.windows
            if not math.isnan(burnt(p.long)) and not math.isnan(burnt(p.short))
        ]
        longest = max(us(width) for p in cell.windows for width in (p.long, p.short))
        return max(pairs, default=math.nan), len(self.of(cell.over, self.window(events, t, longest)))

    def _new_value(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        known: dict[object, int] = {}
        new, n = 0, 0
        width = us(cell.window) if cell.window is not None else self.default_window
        for e in self.of(cell.of, events):
            value, at = e[cell.column], e["at"]
            if value is None or at > t:
                continue
            fresh = value not in known or at - known[value] >= us(cell.forget_after)
            known[value] = at
            if at > t - width:
                n += 1
                new += fresh and at >= self.first + us(cell.learn)
        return float(new), n

    def _change(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        held = [e for e in self.of(cell.of, events) if e[cell.column] is not None and e["at"] <= t]
        here = [place for place, e in enumerate(held) if e["at"] > t - us(cell.window)]
        changes = sum(1 for place in here if place and held[place][cell.column] != held[place - 1][cell.column])
        return float(changes), len(here)

    def _sequence(self, cell: Any, events: list[Event], t: int, _: Any) -> tuple[float, int]:
        width = us(cell.window) if cell.window is not None else self.default_window
        tests = [step.predicate() for step in cell.steps]
        breaks = cell.not_.predicate() if cell.not_ is not None else lambda e: False
        begun: dict[tuple[object, ...], list[int | None]] = {}
        done = 0
        for e in events:
            instance = tuple(e[column] for column in cell.by)
            if e["at"] > t or None in instance:
                continue
            starts = begun.setdefault(instance, [None] * len(tests))
            if breaks(e):
                starts[:] = [None] * len(tests)
                continue
            within = us(cell.within)
            if cell.order == "any":
                starts[:] = [e["at"] if test(e) else at for test, at in zip(tests, starts, strict=True)]
                done_in_time = all(at is not None and e["at"] - at <= within for at in starts)
                complete = any(test(e) for test in tests) and done_in_time
            else:
                for place in reversed(range(len(tests))):
                    if not tests[place](e):
                        continue
                    before = e["at"] if place == 0 else starts[place - 1]
                    if before is not None and e["at"] - before <= within:
                        starts[place] = before if starts[place] is None else max(before, starts[place])
                    if place == len(tests) - 1 and starts[place] is not None and e["at"] - starts[place] <= within:
                        break
                complete = starts[-1] is not None
            if complete:
                starts[:] = [None] * len(tests)
                done += e["at"] > t - width
        return float(done), done

    def _unfinished(self, cell: Any, events: list[Event], t: int, labels: Any) -> tuple[float, int]:
        open_: dict[tuple[object, ...], list[Event]] = {}
        for e in self.of(cell.of, self.events):  # an end may lie under other labels than its start
            if e["at"] > t or not e["correlation_id"]:
                continue
            key = tuple(e[c] for c in ("correlation_id", "node", "family", "operation"))
            waiting = [s for s in open_.get(key, []) if s["at"] > e["at"] - us(cell.give_up_after)]
            if e["outcome"] == "start":
                waiting.append(e)
            elif e["outcome"] in SEVERITY and waiting:
                waiting.pop(0)
            open_[key] = waiting
        held = [
            s for waiting in open_.values() for s in waiting
            if t - us(cell.give_up_after) < s["at"] <= t - us(cell.older_than) and self.labels(s) == labels
        ]  # fmt: skip
        return weight(held), len(held)

    def _expr(self, cell: Any, events: list[Event], t: int, labels: Any) -> tuple[float, int]:
        found = {name: self.value(inner, events, t, labels) for name, inner in cell.cells.items()}
        value = cell.value.evaluate({name: np.array([one[0]]) for name, one in found.items()})
        return float(value[0]), max(n for _, n in found.values())

    default_window = 0


def number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def weight(events: Iterable[Event]) -> float:
    return exact(e["weight"] for e in events)


def exact(numbers: Iterable[float]) -> float:
    """The sum in units of 2^-32, in any order the same."""
    return float(Fraction(sum(round(Fraction(number) * 2**32) for number in numbers), 2**32))


def share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def one_an_operation(events: list[Event]) -> list[Event]:
    """Of each operation its worst event, the earliest of them; all events without a correlation id."""
    worst: dict[tuple[object, object], Event] = {}
    found = []
    for e in events:
        if e["correlation_id"] is None:
            found.append(e)
            continue
        key = (e["node"], e["correlation_id"])
        if key not in worst or SEVERITY.get(e["outcome"], 0) > SEVERITY.get(worst[key]["outcome"], 0):
            worst[key] = e
    return sorted([*found, *worst.values()], key=lambda e: (e["at"], e["event_id"]))
