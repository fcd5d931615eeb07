"""What things of alerting are called in a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from onex_analytics.views.durations import told as duration
from onex_analytics.views.theme import label

Label = Mapping[str, str]


def values_of(labels: Iterable[Label] | None) -> str:
    """The values of a label set.

    >>> values_of([{"name": "node", "value": "a"}, {"name": "operation", "value": ""}]), values_of([])
    ('a · –', '')
    """
    return " · ".join(pair["value"] or "–" for pair in labels or [])


def pairs_of(labels: Iterable[Label] | None) -> str:
    """A label set in full, escaped.

    >>> pairs_of([{"name": "node", "value": "a"}]), pairs_of([])
    ('node=a', 'no labels')
    """
    return ", ".join(f"{label(pair['name'])}={label(pair['value'], 80)}" for pair in labels or []) or "no labels"


def name_of(rule: str, labels: Iterable[Label] | None) -> str:
    """A rule with a label set.

    >>> name_of("Slow", [{"name": "node", "value": "a"}]), name_of("Slow", [])
    ('Slow · a', 'Slow')
    """
    return " · ".join(filter(None, [rule, values_of(labels)]))


def names_of(rules: Sequence[tuple[str, str]]) -> list[str]:
    """What rules are called, given as (group, rule): with their group where a name stands in several.

    >>> names_of([("a", "Slow"), ("b", "Slow"), ("b", "Busy")])
    ['a / Slow', 'b / Slow', 'Busy']
    """
    seen: dict[str, int] = {}
    for _, rule in rules:
        seen[rule] = seen.get(rule, 0) + 1
    return [f"{group} / {rule}" if seen[rule] > 1 else rule for group, rule in rules]


def lasted(start: datetime, end: datetime) -> str:
    """How long something took.

    >>> lasted(datetime(2026, 1, 1), datetime(2026, 1, 1, 2, 30))
    '2.5 h'
    """
    return duration((end - start).total_seconds() * 1000)


def delay(seconds: float | None) -> str:
    """How long after the start of an incident.

    >>> delay(90.0), delay(-60.0), delay(None)
    ('90 s', '60 s before it began', 'missed')
    """
    if seconds is None:
        return "missed"
    return duration(seconds * 1000) if seconds >= 0 else f"{duration(-seconds * 1000)} before it began"


def period(start: datetime, end: datetime) -> str:
    """From when to when, and for how long.

    >>> period(datetime(2026, 1, 1), datetime(2026, 1, 1, 2, 30))
    '01 Jan 00:00 – 02:30 (2.5 h)'
    """
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%d %b %H:%M}"
    return f"{start:%d %b %H:%M} – {until} ({lasted(start, end)})"


def number(value: float | None) -> str:
    """A value of a rule.

    >>> number(0.05), number(1234567.0), number(None), number(100.0), number(0.00000123)
    ('0.05', '1,234,567', 'no data', '100', '1.23e-06')
    """
    if value is None:
        return "no data"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
