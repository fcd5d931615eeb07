"""What keeps an alert from being told: another alert, a silence, the time of day.

Source: Alertmanager's inhibit.go, silence.go and timeinterval.go.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from onex_analytics.alerting.microseconds import microseconds_of, time_of
from onex_analytics.alerting.notification.pages import LabelSet
from onex_analytics.alerting.routing import (
    InhibitRule,
    Matcher,
    NumberRange,
    Silence,
    TimeInterval,
    TimeSpec,
)


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher does."""
    return all(matcher.matches(labels) for matcher in matchers)

_TWO_DAYS = timedelta(days=2)


class Inhibition:
    """One inhibit rule, and the firing alerts that are its sources, by their values of `equal`."""

    def __init__(self, rule: InhibitRule) -> None:
        self.rule = rule
        self._sources: dict[tuple[str, ...], dict[LabelSet, bool]] = {}

    def fires(self, labels: LabelSet) -> bool:
        """An alert fires from now on; True where it is a source."""
        named = dict(labels)
        if not all_match(self.rule.source_matchers, named):
            return False
        both = all_match(self.rule.target_matchers, named)
        self._sources.setdefault(self._equal(named), {})[labels] = both
        return True

    def ends(self, labels: LabelSet) -> bool:
        """An alert fires no longer; True where it was a source."""
        equal = self._equal(dict(labels))
        sources = self._sources.get(equal)
        if sources is None or labels not in sources:
            return False
        del sources[labels]
        if not sources:
            del self._sources[equal]
        return True

    def mutes(self, labels: LabelSet) -> bool:
        """Whether a firing source keeps this alert from being told.

        An alert that matches source and target both is muted by none that does so too: else two such alerts would mute
        each other.
        """
        if not self._sources:
            return False
        named = dict(labels)
        if not all_match(self.rule.target_matchers, named):
            return False
        sources = self._sources.get(self._equal(named))
        if not sources:
            return False
        return not all_match(self.rule.source_matchers, named) or not all(sources.values())

    def _equal(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """A label that is not there equals an empty one."""
        return tuple(labels.get(name, "") for name in self.rule.equal)


class Silences:
    """The silences of a file, and the times at which one begins or ends."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._spans = [(s.matchers, microseconds_of(s.start), microseconds_of(s.end)) for s in silences]
        self._changes = sorted({edge for _, start, end in self._spans for edge in (start, end)})

    def of(self, labels: LabelSet) -> tuple[tuple[int, int], ...]:
        """The spans of time in which an alert of these labels is silenced."""
        named = dict(labels)
        return tuple((start, end) for matchers, start, end in self._spans if all_match(matchers, named))

    def next_change(self, after_us: int) -> int | None:
        """The first time after this one at which a silence begins or ends."""
        return next((edge for edge in self._changes if edge > after_us), None)


class NamedTimes:
    """The named time intervals of a file."""

    def __init__(self, intervals: Iterable[TimeInterval]) -> None:
        self._specs = {
            interval.name: [(spec, ZoneInfo(spec.location)) for spec in interval.time_intervals]
            for interval in intervals
        }

    def hold(self, names: Iterable[str], at_us: int) -> bool:
        """Whether the time lies in one of the named intervals."""
        at = time_of(at_us)
        return any(_contains(spec, at.astimezone(zone)) for name in names for spec, zone in self._specs[name])

    def next_change(self, names: Iterable[str], after_us: int) -> int:
        """A time up to which none of the named intervals begins or ends: the next midnight or edge of theirs.

        On a day on which a zone puts its clocks forward or back it is the next microsecond.
        """
        after = time_of(after_us)
        found = []
        for spec, zone in (held for name in names for held in self._specs[name]):
            local = after.astimezone(zone)
            if (after + _TWO_DAYS).astimezone(zone).utcoffset() != local.utcoffset():
                return after_us + 1
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            minutes = {0, *(edge for times in spec.times for edge in (times.start_time, times.end_time))}
            edges = (midnight + timedelta(days=day, minutes=minute) for day in (0, 1) for minute in minutes)
            found.append(min(edge for edge in edges if edge > local))
        return microseconds_of(min(found))


def _contains(spec: TimeSpec, at: datetime) -> bool:
    minute = at.hour * 60 + at.minute
    if spec.times and not any(times.start_time <= minute < times.end_time for times in spec.times):
        return False
    if spec.days_of_month and not any(_day_within(days, at) for days in spec.days_of_month):
        return False
    if not _within(spec.months, at.month):
        return False
    return _within(spec.weekdays, at.isoweekday() % 7) and _within(spec.years, at.year)


def _within(ranges: tuple[NumberRange, ...], number: int) -> bool:
    return not ranges or any(range_.first <= number <= range_.last for range_ in ranges)


def _day_within(days: NumberRange, at: datetime) -> bool:
    """Negative days count from the end of the month; a range is cut at the month's ends."""
    in_month = calendar.monthrange(at.year, at.month)[1]
    first, last = (day if day > 0 else in_month + day + 1 for day in (days.first, days.last))
    return first <= in_month and max(first, 1) <= at.day <= min(last, in_month)
