"""Random routes, inhibitions, silences and alerts within a minute and a half, for Alertmanager and for ours."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from onex_analytics.alerting import RuleSet
from onex_analytics.alerting.notification import Notifier, Page

NODES = ("a", "b", "", 'a "quoted" b', "two\nlines\t\u200b", "ü")
STATIC: dict[str, dict[str, str]] = {"Down": {"severity": "critical"}, "Slow": {"severity": "warning"}, "Lost": {}}
LAST_S, END_S = 68.0, 84.0
_MATCHERS = ("node = a", 'node =~ "a|b"', "node != a", 'node =~ "a.*"', 'node !~ "two.*"', "severity = critical",
             'severity !~ "c.*"', "alertname = Slow", 'alertname =~ ".*"', 'node = ""', 'severity != ""',
             'node =~ "two.lines.*"')  # fmt: skip


@dataclass(frozen=True)
class Change:
    """An alert begins or ends; `at_s` is what it says of itself, `known_s` when it is posted. Seconds of the world."""

    known_s: float
    at_s: float
    firing: bool
    rule: str
    node: str


@dataclass(frozen=True)
class World:
    """A configuration in Alertmanager's words, durations in milliseconds, and what happens."""

    notification: dict[str, Any]
    silences: tuple[tuple[tuple[str, ...], float, float], ...]
    changes: tuple[Change, ...]

    def configuration(self) -> dict[str, Any]:
        """Durations as words."""
        return _with_durations(self.notification, lambda ms: f"{ms}ms")


def random_world(chance: Random, begin: datetime) -> World:
    """`begin` is the moment of second 0: times of day lie around it."""
    intervals = [{"name": name, "time_intervals": [_times(chance, begin)]} for name in ("early", "late")]
    inhibitions = [
        {"source_matchers": _some(chance), "target_matchers": _some(chance),
         "equal": chance.choice(([], ["node"], ["severity"], ["node", "severity"]))}
        for _ in range(chance.choice((0, 0, 1, 2)))
    ]  # fmt: skip
    receivers = [{"name": "r"}, {"name": "s", "send_resolved": chance.random() < 0.5},
                 {"name": "t", "send_resolved": False}]  # fmt: skip
    told = {"route": _route(chance, 0), "receivers": receivers, "inhibit_rules": inhibitions,
            "time_intervals": intervals}  # fmt: skip
    silences = []
    for _ in range(chance.choice((0, 0, 1, 2))):
        start = chance.uniform(3, 40)
        # Alertmanager refuses a silence that an alert without labels would match
        named = chance.choice(("node = a", 'node =~ "a.*"', "severity = critical", "alertname = Slow"))
        silences.append((tuple({named, *_some(chance)}), start, start + chance.uniform(3, 40)))
    return World(told, tuple(silences), tuple(_changes(chance)))


def rules_of(world: World, begin: datetime) -> RuleSet:
    """The same world as a rule file of ours."""
    alerts = [
        {"alert": name, "by": ["node"], "labels": labels, "when": {"count": {"window": "1m"}, "threshold": 0}}
        for name, labels in STATIC.items()
    ]
    silences = [
        {"matchers": matchers, "start": begin + timedelta(seconds=start), "end": begin + timedelta(seconds=end)}
        for matchers, start, end in world.silences
    ]
    return RuleSet.model_validate({
        "groups": [{"name": "g", "rules": alerts}], "notification": world.configuration(), "silences": silences,
    })  # fmt: skip


def pages_of(world: World, begin: datetime) -> list[Page]:
    """What our notifier tells up to the end of the world."""
    notifier = Notifier(rules_of(world, begin))
    for change in sorted(world.changes, key=lambda c: c.known_s):
        notifier.observe({
            "group": "g", "rule": change.rule, "state": "firing" if change.firing else "resolved", "value": 1.0,
            "labels": [{"name": "node", "value": change.node}],
            "at": begin + timedelta(seconds=change.at_s), "known_at": begin + timedelta(seconds=change.known_s),
        })  # fmt: skip
    return notifier.advance(begin + timedelta(seconds=END_S))


def hangs_on_moments(world: World, begin: datetime, seed: int, trials: int = 16) -> bool:
    """Whether other pages are told where timers and posts are a little late: then there is nothing to compare."""
    expected, chance = short(pages_of(world, begin)), Random(seed)
    return any(short(pages_of(_late(world, chance), begin)) != expected for _ in range(trials))


def short(pages: list[Page]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """By receiver and group, page after page: why, and the alerts that fire and that ended, with their beginnings."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for page in pages:
        firing, resolved = (sorted((a.labels, a.starts_us // 1000) for a in alerts)
                            for alerts in (page.firing, page.resolved))  # fmt: skip
        found.setdefault((page.receiver, page.group_key), []).append((page.reason, firing, resolved))
    return found


def _late(world: World, chance: Random) -> World:
    """The world as a machine under load lives it: timers up to 10 ms late, posts and answers up to 100 ms."""

    def later(name: str, ms: int) -> int:
        return ms + chance.randint(0, {"group_interval": 10, "group_wait": 50, "repeat_interval": 100}[name])

    all_late = chance.uniform(-0.15, 0.15)
    def moved(second: float) -> float:
        return second + chance.uniform(-0.1, 0.1)

    return World(
        _shifted(world.notification, later),
        tuple((matchers, moved(start), moved(end)) for matchers, start, end in world.silences),
        tuple(replace(c, known_s=moved(c.known_s + all_late)) for c in world.changes),
    )


def _shifted(notification: dict[str, Any], later: Any) -> dict[str, Any]:
    found = copy.deepcopy(notification)
    for route in _walk(found["route"]):
        for name in ("group_wait", "group_interval", "repeat_interval"):
            if name in route:
                route[name] = later(name, route[name])
    return found


def _with_durations(notification: dict[str, Any], worded: Any) -> dict[str, Any]:
    return _shifted(notification, lambda _, ms: worded(ms))


def _walk(route: dict[str, Any]) -> Any:
    yield route
    for child in route.get("routes", ()):
        yield from _walk(child)


def _some(chance: Random) -> list[str]:
    return sorted(chance.sample(_MATCHERS, chance.choice((1, 1, 2))))


def _route(chance: Random, depth: int) -> dict[str, Any]:
    route: dict[str, Any] = {
        "receiver": chance.choice("rst"),
        "group_by": chance.choice(([], ["alertname"], ["node"], ["node", "alertname"], ["severity"], ["..."])),
        "group_wait": chance.choice((0, *(chance.randint(500, 8000) for _ in range(5)))),
        "group_interval": chance.randint(2000, 15_000),
        "repeat_interval": chance.randint(2000, 40_000),
    }
    if depth:
        for name in chance.sample(sorted(route), chance.randint(0, 5)):
            del route[name]
        route["matchers"] = _some(chance)
        route["continue"] = chance.random() < 0.4
        if chance.random() < 0.25:
            route["mute_time_intervals"] = ["early"]
        if chance.random() < 0.25:
            route["active_time_intervals"] = ["late"]
    if depth < 2:
        route["routes"] = [_route(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3)[: 4 - depth]))]
    return route


def _times(chance: Random, begin: datetime) -> dict[str, Any]:
    """A time that begins, ends, or does neither near `begin`."""
    minute = begin.astimezone(UTC).hour * 60 + begin.minute
    first = minute + chance.choice((0, 0, 1, 2))
    last = first + chance.choice((1, 1, 2, 60))
    first, last = min(first, 1438), min(last, 1440)
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    spec: dict[str, Any] = {"times": [{"start_time": _clock(first), "end_time": _clock(last)}]}
    if chance.random() < 0.3:
        spec["weekdays"] = [chance.choice(("monday:friday", "sunday:monday", days[begin.weekday()]))]
    if chance.random() < 0.3:
        spec["days_of_month"] = [chance.choice(("1:15", "16:31", "-5:-1", f"{begin.day}"))]
    return spec


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _changes(chance: Random) -> list[Change]:
    found = []
    for rule in STATIC:
        for node in chance.sample(NODES, chance.randint(1, 4)):
            at, firing = round(chance.uniform(1, 30), 1), True
            while at < LAST_S:
                lag = chance.choice((0.0, 0.0, 0.0, round(chance.uniform(1, 6), 1)))
                if at + lag < LAST_S:
                    found.append(Change(at + lag, at, firing, rule, node))
                at, firing = round(at + lag + chance.choice((1, 3, 8, 20)) * chance.uniform(1, 2), 1), not firing
                if chance.random() < 0.2:
                    break
    # one after the other for each label set: `at` above lies after the last `known_s`
    return sorted(found, key=lambda change: change.known_s)
