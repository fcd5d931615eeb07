"""A function a pattern: the seed's small engine, on top of the filters, and of `AlertEngine` for whole rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from onex_analytics.alerting.engine import AlertEngine, Event
from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.notification.pages import PageAlert
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.event_rows import event_row

Predicate = Callable[[Mapping[str, Any]], bool]
Action = Callable[[Any], object]
_GLOB = re.compile(r"[A-Za-z0-9_.*?\[\]!-]+")


class EventAlertingEngine:
    """Calls an action for each event that matches a pattern, or when a rule's alert begins.

    What an action raises ends neither the engine nor the other actions: it is counted in `counts["failed"]` and told
    to `failed`.

    Args:
        group: settings of the group in which rules are evaluated, such as its interval; its `rules` are left alone.
        failed: is told of what an action raised: the pattern and the exception.

    >>> engine, got = EventAlertingEngine(), []
    >>> engine.add_alert_rule("TELEMETRY_*_ERROR", lambda event: got.append(event["node_id"]))
    >>> engine.add_alert_rule("error_code starts_with 'ONEX_SYS_9'", lambda event: got.append("code"))
    >>> engine.process_event({"event_type": "TELEMETRY_OPERATION_ERROR", "node_id": "stamper_node", "metadata": None})
    1
    >>> got
    ['stamper_node']
    """

    def __init__(
        self,
        group: Group | None = None,
        *,
        failed: Callable[[str, Exception], object] = lambda pattern, problem: None,
    ) -> None:
        self.counts: Counter[str] = Counter(events=0, matches=0, failed=0)
        self._failed = failed
        self._watched: list[tuple[str, Predicate, Action]] = []
        self._columns: frozenset[str] = frozenset()
        self._group = group if group is not None else Group(name="rules")
        self._rules: dict[str, Rule] = {}
        self._actions: dict[str, list[Action]] = {}
        self._engine: AlertEngine | None = None

    def add_alert_rule(self, pattern: str | Filter | Rule, action: Action) -> None:
        """Have `action` called.

        Args:
            pattern: a glob of event types ("NODE_FAILURE", "TELEMETRY_*_ERROR"), a filter in words or compiled, or a
                whole rule.
            action: called with each event that matches; for a rule with the `PageAlert` that begins to fire.

        Raises:
            InputError: the pattern is neither a glob nor a filter, with its mend.
            InvalidOption: a rule of the same name is there already, or rules are added after the first event.
        """
        if not callable(action):
            raise InvalidOption("action", action, "a function of one argument, the event")
        if isinstance(pattern, Rule):
            if self._engine is not None:
                raise InvalidOption("rule", pattern.alert, "rules that are added before the first event")
            if self._rules.setdefault(pattern.alert, pattern) != pattern:
                raise InvalidOption("rule", pattern.alert, "another name; a rule of this name is there already")
            self._actions.setdefault(pattern.alert, []).append(action)
            return
        if isinstance(pattern, str) and _GLOB.fullmatch(pattern.strip()):
            pattern = Filter(f"event_type like '{pattern.strip()}'")
        found = pattern if isinstance(pattern, Filter) else Filter(pattern)
        self._watched.append((found.text, found.predicate(), action))
        self._columns |= found.columns

    def process_event(self, event: Event) -> int:
        """Take one event in; how many actions were called."""
        return self.process([event])

    def process(self, events: Iterable[Event]) -> int:
        """Take events in, in the order in which they arrived; how many actions were called."""
        called = 0
        for event in [events] if isinstance(events, BaseModel | Mapping) else events:
            self.counts["events"] += 1
            row = event_row(event, self._columns)
            for pattern, predicate, action in self._watched:
                if predicate(row):
                    called += self._call(pattern, action, event)
            if self._rules:
                called += self._began(self._live().process([event]).is_empty())
        return called

    def advance(self, to: datetime) -> int:
        """Move the clock without an event, for rules; how many actions were called."""
        return self._began(self._live().advance(to).is_empty()) if self._rules else 0

    @property
    def rules(self) -> RuleSet:
        """The whole rules, as `backtest` takes them."""
        return RuleSet(groups=(self._group.model_copy(update={"rules": tuple(self._rules.values())}),))

    def _live(self) -> AlertEngine:
        if self._engine is None:
            self._engine = AlertEngine(self.rules, self_watch=False)
        return self._engine

    def _began(self, nothing: bool) -> int:
        """Call the actions of the alerts that began by the last call."""
        if nothing or self._engine is None:
            return 0
        return sum(
            self._call(alert.rule, action, alert)
            for alert in self._engine.changes if alert.ends_us is None for action in self._actions[alert.rule]
        )  # fmt: skip

    def _call(self, pattern: str, action: Action, found: Event | PageAlert) -> int:
        self.counts["matches"] += 1
        try:
            action(found)
        except Exception as problem:  # an action is anybody's function: the others are called all the same
            self.counts["failed"] += 1
            self._failed(pattern, problem)
        return 1
