"""The routes of a rule file, each with what it inherits, and the way of an alert through them.

Source: Alertmanager's dispatch/route.go. A child inherits receiver, grouping and times; it inherits no muted times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from onex_analytics.alerting.durations import microseconds
from onex_analytics.alerting.notification.pages import LabelSet
from onex_analytics.alerting.routing import GROUP_INTERVAL, GROUP_WAIT, REPEAT_INTERVAL, Matcher, Route

ALL_LABELS = "..."
_OPERATORS = ("=", "!=", "=~", "!~")


@dataclass(frozen=True)
class RouteNode:
    """A route with everything it inherits; `number` is its place in the file, the first route being 0."""

    number: int
    key: str
    receiver: str
    group_by: frozenset[str]
    group_wait_us: int
    group_interval_us: int
    repeat_interval_us: int
    mute_time_intervals: tuple[str, ...]
    active_time_intervals: tuple[str, ...]
    matchers: tuple[Matcher, ...]
    goes_on: bool
    children: tuple[RouteNode, ...]

    def match(self, labels: Mapping[str, str]) -> list[RouteNode]:
        """The routes that an alert takes: of the children the first that matches, and further ones after a `continue`;
        this one where no child does."""
        if not all(matcher.matches(labels) for matcher in self.matchers):
            return []
        found: list[RouteNode] = []
        for child in self.children:
            taken = child.match(labels)
            found += taken
            if taken and not child.goes_on:
                break
        return found or [self]

    def group_labels(self, labels: LabelSet) -> LabelSet:
        """The labels that name the alert's group."""
        if ALL_LABELS in self.group_by:
            return labels
        return tuple((name, value) for name, value in labels if name in self.group_by)

    def group_key(self, group_labels: LabelSet) -> str:
        """The group's name as Alertmanager writes it."""
        inner = ", ".join(f"{name}={_quoted(value)}" for name, value in group_labels)
        return f"{self.key}:{{{inner}}}"


def route_tree(route: Route) -> RouteNode:
    """The first route of a file with everything below it.

    >>> route_tree(Route(receiver="team")).repeat_interval_us // 3_600_000_000
    4
    """
    return _node(route, None, [0])


def _node(route: Route, above: RouteNode | None, numbers: list[int]) -> RouteNode:
    number, numbers[0] = numbers[0], numbers[0] + 1
    matchers = sorted(route.matchers, key=lambda m: (m.name, m.value, _OPERATORS.index(m.op)))
    own = "{" + ",".join(str(matcher.model_dump()) for matcher in matchers) + "}"
    times = (route.group_wait, route.group_interval, route.repeat_interval)
    inherited = (
        (above.group_wait_us, above.group_interval_us, above.repeat_interval_us)
        if above is not None
        else tuple(microseconds(usual) for usual in (GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL))
    )
    wait, interval, repeat = (
        usual if given is None else microseconds(given) for given, usual in zip(times, inherited, strict=True)
    )
    above_group_by = above.group_by if above is not None else frozenset()
    node = RouteNode(
        number=number,
        key=own if above is None else f"{above.key}/{own}",
        receiver=route.receiver or (above.receiver if above is not None else ""),
        group_by=frozenset(route.group_by) if route.group_by else above_group_by,  # an empty list names none
        group_wait_us=wait,
        group_interval_us=interval,
        repeat_interval_us=repeat,
        mute_time_intervals=route.mute_time_intervals,
        active_time_intervals=route.active_time_intervals,
        matchers=route.matchers,
        goes_on=route.continue_,
        children=(),
    )
    children = tuple(_node(child, node, numbers) for child in route.routes)
    return replace(node, children=children)


_SHORT = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
          "\v": "\\v"}  # fmt: skip


def _quoted(text: str) -> str:
    """As Go's %q writes it."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if letter in _SHORT:
        return _SHORT[letter]
    code = ord(letter)
    if letter.isprintable():
        return letter
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
