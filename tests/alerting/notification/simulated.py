"""Alertmanager second by second: the oracle of the notifier.

Written from Alertmanager's Go (dispatch.go, notify.go, inhibit.go) as it reads there: a list of alerts, a timer a group
that is set again at every flush, the stages one after the other. Nothing is skipped and nothing is kept in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Options:
    number: int
    key: str
    receiver: str
    group_by: tuple[str, ...]
    wait: int
    interval: int
    repeat: int
    mute: tuple[str, ...]
    active: tuple[str, ...]


@dataclass
class Alert:
    labels: dict[str, str]
    starts: int
    ends: int | None = None

    def name(self):
        return tuple(sorted(self.labels.items()))


@dataclass
class Group:
    labels: dict[str, str]
    options: Options
    timer: int
    has_flushed: bool = False
    alerts: list[Alert] = field(default_factory=list)


def matches(matchers, labels):
    for matcher in matchers:
        value = labels.get(matcher.name, "")
        found = re.fullmatch(matcher.value, value) is not None if "~" in matcher.op else value == matcher.value
        if found == matcher.op.startswith("!"):
            return False
    return True


class Simulated:
    def __init__(self, rules):
        self.notification, self.silences = rules.notification, rules.silences
        self.static = {(g.name, r.alert): dict(r.labels) for g, r in rules.rules}
        self.groups: list[Group] = []
        self.log: dict[tuple[str, str], tuple[int, set, set, int]] = {}
        self.firing: list[tuple[tuple[str, str], Alert]] = []
        self.pages: list[tuple] = []
        self.numbers: dict[int, int] = {}
        for number, route in enumerate(self.notification.route.walk()):
            self.numbers[id(route)] = number

    def run(self, transitions, until):
        """`transitions`: (second it is known, second it is at, state, group, rule, labels), in order."""
        waiting = list(transitions)
        for now in range(until):
            while waiting and waiting[0][0] == now:
                self.arrive(now, *waiting.pop(0)[1:])
            if now % 30 == 0:
                self.groups = [group for group in self.groups if group.alerts]
            for group in sorted(self.groups, key=lambda g: (g.options.number, sorted(g.labels.items()))):
                if group.timer == now:
                    self.flush(group, now)
        return self.pages

    def arrive(self, now, at, state, group, rule, by):
        labels = {**by, **self.static[group, rule], "alertname": rule}
        labels = {name: value for name, value in labels.items() if value}
        mine = [entry for entry in self.firing if entry[1].labels == labels]
        if state == "firing":
            alert = Alert(labels, at)
            self.firing.append(((group, rule), alert))
            if mine:
                return
        else:
            own = [entry for entry in mine if entry[0] == (group, rule)]
            if not own:
                return
            self.firing.remove(own[0])
            if len(mine) > 1:
                return
            alert = Alert(labels, own[0][1].starts, at)
        for options in self.match(self.notification.route, None, labels):
            self.process(now, options, alert)

    def match(self, route, above, labels):
        options = self.options(route, above)
        if not matches(route.matchers, labels):
            return []
        found = []
        for child in route.routes:
            taken = self.match(child, options, labels)
            found += taken
            if taken and not child.continue_:
                break
        return found or [options]

    def options(self, route, above):
        def seconds(given, inherited, usual):
            if given is not None:
                return int(given.total_seconds())
            return inherited if above else usual

        own = "{" + ",".join(f'{m.name}{m.op}"{m.value}"' for m in route.matchers) + "}"
        return Options(
            number=self.numbers[id(route)],
            key=f"{above.key}/{own}" if above else own,
            receiver=route.receiver or above.receiver,
            group_by=route.group_by or (above.group_by if above else ()),
            wait=seconds(route.group_wait, above and above.wait, 30),
            interval=seconds(route.group_interval, above and above.interval, 300),
            repeat=seconds(route.repeat_interval, above and above.repeat, 4 * 3600),
            mute=route.mute_time_intervals,
            active=route.active_time_intervals,
        )

    def process(self, now, options, alert):
        labels = {n: v for n, v in alert.labels.items() if n in options.group_by or options.group_by == ("...",)}
        for group in self.groups:
            if group.options.number == options.number and group.labels == labels:
                break
        else:
            group = Group(labels, options, timer=now + options.wait)
            self.groups.append(group)
        group.alerts = [held for held in group.alerts if held.labels != alert.labels] + [alert]
        if not group.has_flushed and alert.starts + options.wait < now:
            group.timer = now

    def flush(self, group, now):
        group.timer = now + group.options.interval
        group.has_flushed = True
        if not group.alerts:
            return
        alerts = [alert for alert in group.alerts if not self.inhibited(alert.labels)]
        at = EPOCH + timedelta(seconds=now)
        if group.options.active and not any(self.holds(name, at) for name in group.options.active):
            alerts = []
        if any(self.holds(name, at) for name in group.options.mute):
            alerts = []
        alerts = [a for a in alerts if not any(s.start <= at < s.end and matches(s.matchers, a.labels)
                                               for s in self.silences)]  # fmt: skip
        if alerts:
            self.deduplicate(group, alerts, now)
        group.alerts = [alert for alert in group.alerts if alert.ends is None]

    def inhibited(self, labels):
        for rule in self.notification.inhibit_rules:
            if not matches(rule.target_matchers, labels):
                continue
            both = matches(rule.source_matchers, labels)
            for _, source in self.firing:
                if not matches(rule.source_matchers, source.labels):
                    continue
                if any(source.labels.get(name, "") != labels.get(name, "") for name in rule.equal):
                    continue
                if both and matches(rule.target_matchers, source.labels):
                    continue
                return True
        return False

    def holds(self, name, at):
        interval = next(i for i in self.notification.time_intervals if i.name == name)
        for spec in interval.time_intervals:
            local = at.astimezone(ZoneInfo(spec.location))
            minute = local.hour * 60 + local.minute
            if all(not (t.start_time <= minute < t.end_time) for t in spec.times) and spec.times:
                continue
            days = [range_ for range_ in spec.weekdays if range_.first <= (local.weekday() + 1) % 7 <= range_.last]
            if spec.weekdays and not days:
                continue
            return True
        return False

    def deduplicate(self, group, alerts, now):
        key = group.options.key + ":{" + ", ".join(f'{n}="{v}"' for n, v in sorted(group.labels.items())) + "}"
        firing = {alert.name() for alert in alerts if alert.ends is None}
        resolved = {alert.name() for alert in alerts if alert.ends is not None}
        receiver = next(r for r in self.notification.receivers if r.name == group.options.receiver)
        entry = self.log.get((key, receiver.name))
        if entry is not None and now > entry[3]:
            entry = None
        reason = None
        if entry is None:
            reason = "new" if firing else None
        elif not firing.issubset(entry[1]):
            reason = "new"
        elif not firing:
            reason = "resolved" if entry[1] else None
        elif receiver.send_resolved and not resolved.issubset(entry[2]):
            reason = "resolved"
        elif entry[0] < now - group.options.repeat:
            reason = "repeat"
        if reason is None:
            return
        expires = now + min(max(2 * group.options.repeat, 2 * group.options.interval), 120 * 3600)
        while expires % 900:  # the log is cleared every quarter of an hour
            expires += 1
        self.log[key, receiver.name] = (now, firing, resolved, expires)
        if not receiver.send_resolved:
            resolved = set()
        if firing or resolved:
            self.pages.append((now, receiver.name, reason, key, sorted(firing), sorted(resolved)))
