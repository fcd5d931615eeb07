"""A rule file as frozen data: groups of rules, and how their alerts are told.

    groups → Group → Rule → When → a cell (`conditions`)
    notification → Notification (`routing`), silences → Silence (`routing`)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from onex_analytics.alerting.conditions import BY_OPERATION, Aggregate, Columns, Expr, When, can_begin_anew
from onex_analytics.alerting.durations import Duration, Length
from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.frozen import Frozen, FrozenMap, Whole, no_items
from onex_analytics.alerting.routing import Notification, Silence

Unit = Literal["event", "operation"]
Mode = Literal["grid", "event"]
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
DimensionType = Literal["str", "i64", "f64", "bool"]

_CONDITION_KEYS = ("min_count", "no_data")
_RULE_KEYS = ("unit", "mode")


class Rule(Frozen):
    """One alert: which events, by which labels, under which condition, for how long.

    >>> busy = {"count": {"window": "5m"}, "threshold": 2}
    >>> rule = Rule.model_validate({"alert": "Busy", "by": ["node"], "when": busy})
    >>> rule.when.threshold, rule.by
    (2.0, ('node',))
    """

    alert: str = Field(min_length=1, description="the alert's name, once in its group")
    where: Filter | None = Field(default=None, description="the events that the rule looks at; all by default")
    by: Columns = Field(default=(), description="the label set: one alert per value of these columns")
    when: When = Field(description="the condition")
    for_: Duration = Field(default=timedelta(), alias="for", description="how long it must hold before it fires")
    keep_firing_for: Duration = Field(default=timedelta(), description="how long it goes on firing once it is over")
    labels: FrozenMap[str] = Field(default_factory=no_items, description="labels added to the alert, such as severity")
    annotations: FrozenMap[str] = Field(default_factory=no_items, description="texts for people, with templates")
    mode: Mode = Field(default="grid", description="evaluated at each tick of the grid, or at each event")
    unit: Unit = Field(default="event", description="what counts as one: an event, or an operation with all witnesses")
    reset_after_match: bool = Field(
        default=False, description="mode: event only; begin to count anew after the condition was met"
    )
    max_series: Whole = Field(default=100_000, ge=1, description="further label sets are not evaluated, but counted")

    @model_validator(mode="before")
    @classmethod
    def _one_place_each(cls, found: Any) -> Any:
        """`min_count` and `no_data` belong to the condition, `unit` and `mode` to the rule; either place will do."""
        when = found.get("when") if isinstance(found, Mapping) else None
        if not isinstance(when, Mapping):
            return found
        rule, when = dict(found), dict(when)
        for key in (*_CONDITION_KEYS, *_RULE_KEYS):
            if key in rule and key in when:
                raise ValueError(f"{key} stands beside `when` and inside it; keep one of them")
        for key in _CONDITION_KEYS:
            if key in rule:
                when[key] = rule.pop(key)
        for key in _RULE_KEYS:
            if key in when:
                rule[key] = when.pop(key)
        return {**rule, "when": when}

    @model_validator(mode="after")
    def _fits(self) -> Rule:
        if twice := sorted(name for name, times in Counter(self.by).items() if times > 1):
            raise ValueError(f"by names {', '.join(twice)} twice; a label set has each label once")
        if taken := sorted(set(self.by) & self.labels.keys()):
            raise ValueError(f"labels repeat {', '.join(taken)} of `by`; the events say its value, so leave it out")
        if odd := [name for name in self.labels if not _LABEL_NAME.fullmatch(name)]:
            raise ValueError(f"labels name {odd[0]!r}, which Alertmanager refuses; wanted letters, digits and _")
        if "alertname" in self.labels:
            raise ValueError("labels repeat alertname; the alert's own name is told as that, so leave it out")
        cells = self.when.cell.cells.values() if isinstance(self.when.cell, Expr) else (self.when.cell,)
        for cell in cells:
            if self.unit == "operation" and cell.kind not in BY_OPERATION:
                able = ", ".join(BY_OPERATION)
                raise ValueError(f"unit: operation means nothing for {cell.kind}; it is there for {able}")
            if cell.kind == "absent" and cell.expect is not None:
                for labels in cell.expect:
                    if set(labels) != set(self.by):
                        raise ValueError(
                            f"expect names {', '.join(labels) or 'no label'} where `by` is "
                            f"{', '.join(self.by) or 'empty'}; each entry gives a value for every column of `by`"
                        )
                if again := [labels for labels, n in Counter(map(_in_order, cell.expect)).items() if n > 1]:
                    told = ", ".join(f"{name}: {value}" for name, value in again[0])
                    raise ValueError(f"expect lists {{{told}}} twice; keep one of them")
        if self.reset_after_match and self.mode != "event":
            raise ValueError("reset_after_match works in mode: event only; add the mode, or leave it out")
        if self.reset_after_match and (self.unit != "event" or not can_begin_anew(self.when.cell)):
            found = f"{self.when.cell.kind} of operations" if self.unit != "event" else self.when.cell.kind
            found += f" ({self.when.cell.function})" if isinstance(self.when.cell, Aggregate) else ""
            raise ValueError(
                f"reset_after_match means nothing for {found}; it is there for count, rate, ratio and aggregate "
                "(sum, avg) with unit: event"
            )
        return self

    @property
    def about(self) -> dict[str, str]:
        """The labels that it gives to its alerts and that say what happened: how severe it finds that does not.

        >>> rule = {"alert": "A", "when": {"count": {"window": "5m"}, "threshold": 3}}
        >>> Rule.model_validate({**rule, "labels": {"severity": "warning", "node": "stamper_node"}}).about
        {'node': 'stamper_node'}
        """
        return {name: value for name, value in self.labels.items() if name != "severity"}


def _in_order(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


class Group(Frozen):
    """Rules that are evaluated together, on one grid.

    >>> Group(name="nodes", allowed_lateness=timedelta(seconds=30)).interval
    datetime.timedelta(seconds=60)
    """

    name: str = Field(min_length=1, description="the group's name, once in the file")
    interval: Length = Field(default=timedelta(minutes=1), description="time between two evaluations")
    offset: Duration = Field(default=timedelta(), description="evaluations stand at k · interval + offset since 1970")
    allowed_lateness: Duration = Field(default=timedelta(), description="how long a tick waits for late events")
    limit: Whole = Field(default=0, ge=0, description="a rule with more active alerts drops them all; 0: no limit")
    max_ahead: Length = Field(
        default=timedelta(hours=1), description="an event so far ahead of its arrival is set aside and counted"
    )
    rules: tuple[Rule, ...] = Field(default=(), description="the rules")

    @model_validator(mode="after")
    def _fits(self) -> Group:
        if self.offset >= self.interval:
            raise ValueError("offset is not less than interval; write a smaller one (ticks: k · interval + offset)")
        if twice := [name for name, times in Counter(rule.alert for rule in self.rules).items() if times > 1]:
            raise ValueError(f"alert {twice[0]!r} stands twice in group {self.name!r}; names are unique in a group")
        return self


class RuleSet(Frozen):
    """Everything that a rule file says.

    >>> from onex_analytics.alerting import presets
    >>> [rule.alert for group, rule in presets().rules][:2]
    ['ErrorRateCritical', 'ErrorRateWarning']
    """

    groups: tuple[Group, ...] = Field(default=(), description="the groups of rules")
    dimensions: FrozenMap[DimensionType] = Field(
        default_factory=no_items, description="columns that the store lifts out of the metadata, and the type of each"
    )
    notification: Notification = Field(default_factory=Notification, description="who is told, and how often")
    silences: tuple[Silence, ...] = Field(default=(), description="times in which some alerts are not told")

    @model_validator(mode="after")
    def _groups_once(self) -> RuleSet:
        if twice := [name for name, times in Counter(group.name for group in self.groups).items() if times > 1]:
            raise ValueError(f"group {twice[0]!r} stands twice; names are unique in a file")
        return self

    def __repr__(self) -> str:
        alerts = [rule.alert for _, rule in self.rules]
        named = ", ".join(alerts[:3]) + (f" and {len(alerts) - 3:,} more" if len(alerts) > 3 else "")
        return f"RuleSet({len(alerts):,} rules{': ' * bool(named)}{named})"

    @property
    def rules(self) -> Iterator[tuple[Group, Rule]]:
        """Every rule with its group, in the order of the file."""
        return ((group, rule) for group in self.groups for rule in group.rules)

    def rule(self, alert: str, group: str | None = None) -> Rule:
        """The rule of this name.

        Raises:
            InvalidOption: where there is none, or several and no group is named.
        """
        from onex_analytics.exceptions import InvalidOption

        found = [rule for held, rule in self.rules if rule.alert == alert and group in (None, held.name)]
        if len(found) != 1:
            several = ", ".join(held.name for held, rule in self.rules if rule.alert == alert)
            known = f"a group as well, one of {several}" if found else ", ".join(rule.alert for _, rule in self.rules)
            raise InvalidOption("rule", alert, known)
        return found[0]


