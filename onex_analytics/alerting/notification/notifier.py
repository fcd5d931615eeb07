"""The state machine that makes pages of transitions, by the rules of Alertmanager.

Source: Alertmanager 0.25, dispatch/dispatch.go (groups and their timers) and notify/notify.go (`needsUpdate`, the order
of the stages, what the notification log keeps). Where its behaviour hangs on the moment at which a goroutine wakes, the
ideal moment is taken: a timer is never late, a page is told as soon as it is due, empty groups are cleared away at
whole multiples of 30 s, and what was told is forgotten at whole multiples of 15 min.
"""

from __future__ import annotations

import heapq
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl

from onex_analytics.alerting.microseconds import microseconds_of
from onex_analytics.alerting.notification.muting import Inhibition, NamedTimes, Silences
from onex_analytics.alerting.notification.pages import (
    LabelSet,
    Page,
    PageAlert,
    alert_from_json,
    label_set,
    outgoing,
    page_from_json,
)
from onex_analytics.alerting.notification.route_tree import RouteNode, route_tree
from onex_analytics.alerting.notification.told import FORGOTTEN_EVERY_US, RETENTION_US, Told, reason_of
from onex_analytics.alerting.rules import Rule, RuleSet
from onex_analytics.alerting.templates import render
from onex_analytics.exceptions import InvalidOption

CLEARED_EVERY_US = 30_000_000
NEVER_US = 2**62
_VERSION = 1
_FLUSH, _CLEAR, _FORGET = 0, 1, 2

GroupId = tuple[int, LabelSet]
LogId = tuple[str, str]
Due = tuple[int, int, Any, int]


@dataclass(slots=True)
class _Group:
    """Alerts of equal labels on one route, looked at every group_interval once the first look was."""

    alerts: dict[LabelSet, PageAlert] = field(default_factory=dict)
    next_us: int = 0
    flushed_us: int | None = None  # the last look; those that could find nothing new are left out
    turn: int = 0  # the last setting of its timer: what the heap holds of an earlier one is void


@dataclass(slots=True)
class _Firing:
    """An alert that fires, and the rules that say so."""

    alert: PageAlert
    sources: set[tuple[str, str]]


class Notifier:
    """Makes pages of transitions. Pure: its only clock is what it is told.

    Drive it with the transitions in the order of `known_at`, then `advance` to the time up to which all are known. The
    pages are the same however the calls are split.

    Args:
        rules: a rule file; its `notification`, its `silences`, and the labels and annotations of its rules are read.

    >>> from datetime import UTC, datetime, timedelta
    >>> import polars
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = polars.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> notifier = Notifier(rules)
    >>> _ = notifier.observe_all(backtest(rules, log).transitions)
    >>> [(f"{page.at:%H:%M:%S}", page.status) for page in notifier.advance(start.replace(hour=11, tzinfo=UTC))]
    [('10:04:30', 'firing'), ('10:09:30', 'resolved')]
    """

    def __init__(self, rules: RuleSet) -> None:
        told = rules.notification
        self._rules: dict[tuple[str, str], Rule] = {(group.name, rule.alert): rule for group, rule in rules.rules}
        self._route = route_tree(told.route)
        self._routes_told = told.route.model_dump_json()
        self._routes = {node.number: node for node in _walk(self._route)}
        told_alike = Counter((node.key, node.receiver) for node in self._routes.values())
        self._told_alike = {n for n, node in self._routes.items() if told_alike[node.key, node.receiver] > 1}
        self._send_resolved = {receiver.name: receiver.send_resolved for receiver in told.receivers}
        self._inhibitions = [Inhibition(rule) for rule in told.inhibit_rules]
        self._silences = Silences(rules.silences)
        self._times = NamedTimes(told.time_intervals)
        self._now_us: int | None = None
        self._firing: dict[LabelSet, _Firing] = {}
        self._groups: dict[GroupId, _Group] = {}
        self._log: dict[LogId, Told] = {}
        self._due: list[Due] = []
        self._turns = 0
        self._pages: list[Page] = []
        self._paths: dict[LabelSet, list[RouteNode]] = {}

    @property
    def firing(self) -> list[PageAlert]:
        """The alerts that fire, each label set once."""
        return [firing.alert for firing in self._firing.values()]

    @property
    def next_us(self) -> int:
        """Before this time, without a transition, `advance` gives no page."""
        return self._due[0][0] if self._due else NEVER_US

    def observe(self, transition: Mapping[str, Any]) -> PageAlert | None:
        """Take in one row of `TRANSITIONS`; pending and inactive ones tell nobody anything.

        Returns:
            The alert that began or ended by it, if one did.

        Raises:
            InvalidOption: it was known before a time that has been passed already.
        """
        if transition["state"] not in ("firing", "resolved"):
            return None
        at = microseconds_of(transition["at"])
        known = at if transition.get("known_at") is None else microseconds_of(transition["known_at"])
        if self._now_us is not None and known < self._now_us:
            wanted = f"one known at or after {self._now_us} µs, as later ones were seen already"
            raise InvalidOption("a transition", f"known at {known} µs", wanted)
        self._run(known)
        self._now_us = known
        source = (transition["group"], transition["rule"])
        rule = self._rules.get(source)
        labels = outgoing(source[1], transition["labels"], {} if rule is None else rule.labels)
        if transition["state"] == "firing":
            return self._fires(source, labels, transition, at, known)
        return self._ends(source, labels, transition, at, known)

    def observe_all(self, transitions: pl.DataFrame) -> list[PageAlert]:
        """Take in a frame of the shape `TRANSITIONS`, in its order; the alerts that began or ended by it."""
        if not transitions.height:
            return []
        rows = transitions.filter(pl.col("state").is_in(["firing", "resolved"])).iter_rows(named=True)
        return [alert for row in rows if (alert := self.observe(row)) is not None]

    def advance(self, to: datetime) -> list[Page]:
        """All transitions known before `to` have been observed; the pages due before it, and not returned yet."""
        us = microseconds_of(to)
        self._run(us)
        self._now_us = us if self._now_us is None else max(us, self._now_us)
        pages, self._pages = self._pages, []
        return pages

    # ------------------------------------------------------------------ transitions

    def _fires(
        self, source: tuple[str, str], labels: LabelSet, row: Mapping[str, Any], at: int, known: int
    ) -> PageAlert | None:
        if (firing := self._firing.get(labels)) is not None:
            firing.sources.add(source)
            return None  # another rule says the same: to the one who is told it is one alert
        alert = PageAlert(*source, labels, self._annotations(source, row), row["value"], at, None)
        self._firing[labels] = _Firing(alert, {source})
        for node in self._path(labels):
            self._insert(node, alert, known)
        if sum(inhibition.fires(labels) for inhibition in self._inhibitions):
            self._wake_all(known)
        return alert

    def _ends(
        self, source: tuple[str, str], labels: LabelSet, row: Mapping[str, Any], at: int, known: int
    ) -> PageAlert | None:
        if (firing := self._firing.get(labels)) is None:
            return None
        firing.sources.discard(source)
        if firing.sources:
            return None
        del self._firing[labels]
        over = replace(firing.alert, ends_us=at, value=row["value"])
        for node in self._path(labels):
            identity = (node.number, node.group_labels(labels))
            self._put(identity, self._groups[identity], node, over, known)
        self._paths.pop(labels, None)
        if sum(inhibition.ends(labels) for inhibition in self._inhibitions):
            self._wake_all(known)
        return over

    def _annotations(self, source: tuple[str, str], row: Mapping[str, Any]) -> LabelSet:
        rule = self._rules.get(source)
        if rule is None or not rule.annotations:
            return ()
        named = {pair["name"]: pair["value"] for pair in row["labels"]} | dict(rule.labels) | {"alertname": source[1]}
        value = math.nan if row["value"] is None else row["value"]
        return tuple((name, render(text, named, value)) for name, text in rule.annotations.items())

    def _path(self, labels: LabelSet) -> list[RouteNode]:
        if labels not in self._paths:
            self._paths[labels] = self._route.match(dict(labels))
        return self._paths[labels]

    # ------------------------------------------------------------------ groups and their timers

    def _insert(self, node: RouteNode, alert: PageAlert, known: int) -> None:
        identity = (node.number, node.group_labels(alert.labels))
        group = self._groups.get(identity)
        if group is None:
            group = self._groups[identity] = _Group()
            self._set_timer(identity, group, known + node.group_wait_us)
        self._put(identity, group, node, alert, known)

    def _put(self, identity: GroupId, group: _Group, node: RouteNode, alert: PageAlert, known: int) -> None:
        """An alert of a group is new, or is over."""
        group.alerts[alert.labels] = alert
        if group.flushed_us is not None:
            self._wake(identity, group, node, known)
        elif alert.starts_us + node.group_wait_us < known:  # it has waited long enough elsewhere
            self._set_timer(identity, group, known)

    def _wake(self, identity: GroupId, group: _Group, node: RouteNode, known: int) -> None:
        """Look at the next beat: something has changed."""
        if group.flushed_us is None or not group.alerts:
            return
        beats = -((group.flushed_us - known) // node.group_interval_us)
        beat = group.flushed_us + max(1, beats) * node.group_interval_us
        if beat < group.next_us:
            self._set_timer(identity, group, beat)

    def _wake_all(self, known: int) -> None:
        for identity, group in self._groups.items():
            self._wake(identity, group, self._routes[identity[0]], known)

    def _set_timer(self, identity: GroupId, group: _Group, at_us: int) -> None:
        group.next_us = at_us
        self._turns += 1
        group.turn = self._turns
        if at_us < NEVER_US:
            heapq.heappush(self._due, (at_us, _FLUSH, identity, group.turn))

    def _run(self, until_us: int) -> None:
        """All that is due before `until_us`, in order of time, route and group."""
        due = self._due
        while due and due[0][0] < until_us:
            at_us, what, identity, turn = heapq.heappop(due)
            if what == _FORGET:
                if (told := self._log.get(identity)) is not None and told.until_us <= at_us:
                    del self._log[identity]
                continue
            group = self._groups.get(identity)
            if group is None or group.turn != turn:
                continue
            if what == _CLEAR:
                del self._groups[identity]
            else:
                self._flush(identity, group, at_us)

    def _flush(self, identity: GroupId, group: _Group, at_us: int) -> None:
        node = self._routes[identity[0]]
        group.flushed_us = at_us
        told = [alert for alert in group.alerts.values() if not self._muted(node, alert.labels, at_us)]
        if told:
            self._notify(node, identity[1], told, at_us)
        again = any(alert.ends_us is None for alert in told)
        for labels in [labels for labels, alert in group.alerts.items() if alert.ends_us is not None]:
            del group.alerts[labels]
        if group.alerts:
            self._set_timer(identity, group, self._next_look(node, identity[1], at_us, again=again))
        else:
            self._set_timer(identity, group, NEVER_US)
            self._clear_later(identity, group)

    def _clear_later(self, identity: GroupId, group: _Group) -> None:
        """A group without alerts keeps its beat until it is cleared away."""
        assert group.flushed_us is not None
        cleared = (group.flushed_us // CLEARED_EVERY_US + 1) * CLEARED_EVERY_US
        heapq.heappush(self._due, (cleared, _CLEAR, identity, group.turn))

    def _next_look(self, node: RouteNode, group_labels: LabelSet, at_us: int, *, again: bool) -> int:
        """The next beat at which something can be told, as long as no alert comes, ends or mutes another.

        `again`: an alert fires that nothing mutes, so that the group is told again after the repeat interval.
        """
        interval = node.group_interval_us
        if node.number in self._told_alike:
            return at_us + interval  # a group of the other route may write over what this one was told
        times = [edge for edge in (self._silences.next_change(at_us),) if edge is not None]
        if named := (*node.mute_time_intervals, *node.active_time_intervals):
            times.append(self._times.next_change(named, at_us))
        if again:
            times.append(self._log[node.group_key(group_labels), node.receiver].at_us + node.repeat_interval_us + 1)
        return at_us - (at_us - min(times)) // interval * interval if times else NEVER_US

    def _muted(self, node: RouteNode, labels: LabelSet, at_us: int) -> bool:
        if any(inhibition.mutes(labels) for inhibition in self._inhibitions):
            return True
        if node.active_time_intervals and not self._times.hold(node.active_time_intervals, at_us):
            return True
        if node.mute_time_intervals and self._times.hold(node.mute_time_intervals, at_us):
            return True
        return any(start <= at_us < end for start, end in self._silences.of(labels))

    # ------------------------------------------------------------------ what is told

    def _notify(self, node: RouteNode, group_labels: LabelSet, told: list[PageAlert], at_us: int) -> None:
        firing = frozenset(alert.labels for alert in told if alert.ends_us is None)
        resolved = frozenset(alert.labels for alert in told if alert.ends_us is not None)
        log_id = (node.group_key(group_labels), node.receiver)
        send_resolved = self._send_resolved.get(node.receiver, True)
        before = self._log.get(log_id)
        reason = reason_of(before, firing, resolved, at_us - node.repeat_interval_us, send_resolved=send_resolved)
        if reason is None:
            return
        kept = min(2 * max(node.repeat_interval_us, node.group_interval_us), RETENTION_US)
        until = -(-(at_us + kept) // FORGOTTEN_EVERY_US) * FORGOTTEN_EVERY_US
        self._log[log_id] = Told(at_us, firing, resolved, until)
        heapq.heappush(self._due, (until, _FORGET, log_id, 0))
        if not firing and not send_resolved:
            return
        in_order = sorted(told, key=lambda alert: alert.labels)
        self._pages.append(
            Page(
                at_us, node.receiver, reason, log_id[0], group_labels,
                firing=tuple(alert for alert in in_order if alert.ends_us is None),
                resolved=tuple(alert for alert in in_order if alert.ends_us is not None) if send_resolved else (),
            )
        )  # fmt: skip

    # ------------------------------------------------------------------ state

    def state(self) -> bytes:
        """Everything it knows, as text; `restore` is the way back."""
        found = {
            "version": _VERSION,
            "now_us": self._now_us,
            "routes": self._routes_told,
            "firing": [[held.alert.to_json(), sorted(held.sources)] for _, held in sorted(self._firing.items())],
            "groups": [
                [number, labels, group.next_us, group.flushed_us, [a.to_json() for a in group.alerts.values()]]
                for (number, labels), group in sorted(self._groups.items())
            ],
            "log": [
                [*identity, told.at_us, sorted(told.firing), sorted(told.resolved), told.until_us]
                for identity, told in sorted(self._log.items())
            ],
            "pages": [page.to_json() for page in self._pages],
        }
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()

    def restore(self, state: bytes) -> None:
        """Become the one whose `state` this is.

        Where the routes are others than they were, what fires is grouped anew; what was told is remembered, so that a
        group whose route and labels stayed is not told twice. That is what Alertmanager makes of another configuration.
        """
        found = json.loads(state)
        if found.get("version") != _VERSION:
            raise InvalidOption("the notifier's state", f"version {found.get('version')}", f"version {_VERSION}")
        self._now_us = found["now_us"]
        fired = [(alert_from_json(alert), {(g, r) for g, r in sources}) for alert, sources in found["firing"]]
        self._firing = {alert.labels: _Firing(alert, sources) for alert, sources in fired}
        self._due, self._groups, self._paths, self._log = [], {}, {}, {}
        self._inhibitions = [Inhibition(inhibition.rule) for inhibition in self._inhibitions]
        for labels in self._firing:
            for inhibition in self._inhibitions:
                inhibition.fires(labels)
        same = found["routes"] == self._routes_told
        for number, labels, next_us, flushed_us, alerts in found["groups"] if same else ():
            identity = (number, label_set(labels))
            held = {alert.labels: alert for alert in map(alert_from_json, alerts)}
            group = self._groups[identity] = _Group(held, flushed_us=flushed_us)
            self._set_timer(identity, group, next_us)
            if not held:
                self._clear_later(identity, group)
        for key, receiver, at_us, firing, resolved, until_us in found["log"]:
            self._log[key, receiver] = Told(
                at_us, frozenset(map(label_set, firing)), frozenset(map(label_set, resolved)), until_us
            )
            heapq.heappush(self._due, (until_us, _FORGET, (key, receiver), 0))
        self._pages = [page_from_json(page) for page in found["pages"]]
        if not same:
            for firing in self._firing.values():
                for node in self._path(firing.alert.labels):
                    self._insert(node, firing.alert, self._now_us or firing.alert.starts_us)


def _walk(node: RouteNode) -> Iterator[RouteNode]:
    yield node
    for child in node.children:
        yield from _walk(child)
