"""Who is told of an alert, and how often: Alertmanager's words as frozen data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, model_serializer, model_validator

from onex_analytics.alerting.durations import Duration, Length
from onex_analytics.alerting.frozen import Frozen

MatchOp = Literal["=", "!=", "=~", "!~"]
_MATCHER = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(\"(?:[^\"\\]|\\[\"\\n])*\"|[^\"{},=!~]*?)\s*")
_ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


class Matcher(Frozen):
    """One test of a label, written as in Alertmanager: `severity = "critical"`, `node =~ "stamper_.*"`.

    A label that is not there counts as empty. A pattern must match the whole value, its dot no line break (RE2: no
    time runs away).
    """

    name: str
    op: MatchOp
    value: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, found: Any) -> Any:
        if not isinstance(found, str):
            return found
        read = _MATCHER.fullmatch(found)
        if read is None:
            raise ValueError(f'{found!r} is no matcher; wanted a label, one of = != =~ !~ and a value: node =~ "a.*"')
        name, op, value = read.groups()
        if value.startswith('"'):
            value = re.sub(r'\\["\\n]', lambda escape: _ESCAPED[escape[0]], value[1:-1])
        return {"name": name, "op": op, "value": value}

    @model_validator(mode="after")
    def _pattern_is_one(self) -> Matcher:
        if self.op in ("=~", "!~"):
            try:
                self._matches_pattern("")
            except pl.exceptions.ComputeError:
                raise ValueError(f"{self.value!r} is no pattern; see docs.rs/regex for its words") from None
        return self

    @model_serializer
    def _to_text(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op}"{escaped}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert of these labels is meant.

        >>> Matcher.model_validate('node =~ "stamper.*"').matches({"node": "stamper_node"})
        True
        """
        value = labels.get(self.name, "")
        match self.op:
            case "=":
                return value == self.value
            case "!=":
                return value != self.value
            case "=~":
                return self._matches_pattern(value)
        return not self._matches_pattern(value)

    def _matches_pattern(self, value: str) -> bool:
        return _found_whole(self.value, value)


@lru_cache(maxsize=1 << 16)
def _found_whole(pattern: str, value: str) -> bool:
    """Polars' own pattern engine is of RE2's kind. It takes a tenth of a millisecond, and labels come again."""
    return bool(pl.Series([value]).str.contains(f"^(?:{pattern})$", strict=True)[0])


class Route(Frozen):
    """Which alerts go to which receiver, and in which groups. An alert takes the first child route that it matches."""

    receiver: str | None = Field(default=None, description="the receiver's name; the parent's by default")
    matchers: tuple[Matcher, ...] = Field(default=(), description="all of them must match")
    group_by: tuple[str, ...] | None = Field(
        default=None, description='alerts of equal labels are told together; ["..."] tells each one alone'
    )
    group_wait: Duration | None = Field(default=None, description="wait before a new group is told; 30s by default")
    group_interval: Length | None = Field(default=None, description="time between two looks at a group; 5m by default")
    repeat_interval: Length | None = Field(default=None, description="an unchanged group is told again; 4h by default")
    mute_time_intervals: tuple[str, ...] = Field(default=(), description="names of times in which nothing is told")
    active_time_intervals: tuple[str, ...] = Field(default=(), description="names of the only times in which it is")
    continue_: bool = Field(default=False, alias="continue", description="look at the following routes as well")
    routes: tuple[Route, ...] = Field(default=(), description="child routes, the first match wins")

    def walk(self) -> Iterator[Route]:
        """This route and all below it."""
        yield self
        for route in self.routes:
            yield from route.walk()


GROUP_WAIT = timedelta(seconds=30)
GROUP_INTERVAL = timedelta(minutes=5)
REPEAT_INTERVAL = timedelta(hours=4)


class InhibitRule(Frozen):
    """While an alert matches the source, alerts that match the target and are equal in `equal` are not told."""

    source_matchers: tuple[Matcher, ...] = Field(min_length=1)
    target_matchers: tuple[Matcher, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()


_WEEKDAYS: tuple[str, ...] = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip


def _minute(found: Any) -> int:
    """Minutes since midnight, of "09:00" up to "24:00"."""
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    read = re.fullmatch(r"([01][0-9]|2[0-4]):([0-5][0-9])", str(found))
    if read is None or (minute := int(read[1]) * 60 + int(read[2])) > 24 * 60:
        raise ValueError(f'{found!r} is no time of day; wanted one from "00:00" to "24:00", in quotes')
    return minute


Minute = Annotated[
    int, BeforeValidator(_minute), PlainSerializer(lambda m: f"{m // 60:02}:{m % 60:02}", return_type=str)
]


class TimeRange(Frozen):
    """Minutes of a day, [start_time, end_time)."""

    start_time: Minute
    end_time: Minute

    @model_validator(mode="after")
    def _forward(self) -> TimeRange:
        if self.start_time >= self.end_time:
            raise ValueError("start_time is not before end_time; a night is two ranges, up to 24:00 and from 00:00")
        return self


class NumberRange(Frozen):
    """A range of days, months or years, both ends included; "monday:friday", "1:7", "-3:-1"."""

    first: int
    last: int

    @model_serializer
    def _to_text(self) -> str:
        return f"{self.first}:{self.last}"


def _range(words: tuple[str, ...], first: int, least: int, most: int, what: str) -> Any:
    """A reader of ranges whose ends are words or numbers from `least` to `most`."""

    mend = f"wanted one of {', '.join(words)}" if words else f"wanted a number from {least} to {most}"

    def end(word: str) -> int:
        if word.lower() in words:
            return words.index(word.lower()) + first
        if not re.fullmatch(r"-?[0-9]{1,4}", word) or not least <= int(word) <= most or (least < 0 and int(word) == 0):
            raise ValueError(f"{word!r} is no {what}; {mend}")
        return int(word)

    def read(found: Any) -> Any:
        if not isinstance(found, str | int) or isinstance(found, bool):
            return found
        ends = [end(word.strip()) for word in str(found).split(":")]
        if len(ends) > 2:
            raise ValueError(f"{found!r} is no range of {what}s; wanted one, or first:last")
        if ends[0] > ends[-1] and (least >= 0 or (ends[0] > 0) == (ends[-1] > 0)):
            raise ValueError(f"{found!r} ends before it begins; write two ranges")
        return {"first": ends[0], "last": ends[-1]}

    return read


Weekdays = Annotated[NumberRange, BeforeValidator(_range(_WEEKDAYS, 0, 0, 6, "weekday"))]
"""Sunday is 0, as in Alertmanager."""
DaysOfMonth = Annotated[NumberRange, BeforeValidator(_range((), 0, -31, 31, "day of a month"))]
Months = Annotated[NumberRange, BeforeValidator(_range(_MONTHS, 1, 1, 12, "month"))]
Years = Annotated[NumberRange, BeforeValidator(_range((), 0, 1970, 9999, "year"))]


class TimeSpec(Frozen):
    """A time that comes again; what is not named is any."""

    times: tuple[TimeRange, ...] = ()
    weekdays: tuple[Weekdays, ...] = ()
    days_of_month: tuple[DaysOfMonth, ...] = Field(default=(), description="negative ones count from the month's end")
    months: tuple[Months, ...] = ()
    years: tuple[Years, ...] = ()
    location: str = Field(default="UTC", description="a time zone such as Europe/Berlin")

    @model_validator(mode="after")
    def _known_zone(self) -> TimeSpec:
        try:
            ZoneInfo(self.location)
        except (ValueError, OSError, KeyError):  # a name that is none, or one that leads out of the zones
            raise ValueError(f"{self.location!r} is no time zone; wanted a name such as Europe/Berlin") from None
        return self


class TimeInterval(Frozen):
    """A named set of times, for `mute_time_intervals` and `active_time_intervals`."""

    name: str = Field(min_length=1)
    time_intervals: tuple[TimeSpec, ...] = Field(min_length=1)


class Receiver(Frozen):
    """Where pages go. A receiver of no target is one that the program names when it makes the engine."""

    name: str = Field(min_length=1, description="what routes call it")
    stdout: bool = Field(default=False, description="print each page")
    jsonl: str | None = Field(default=None, description="append each page to this file, a JSON object a line")
    webhook: str | None = Field(default=None, pattern="^https?://", description="Alertmanager's webhook, version 4")
    alertmanager: str | None = Field(default=None, pattern="^https?://", description="an Alertmanager's address")
    send_resolved: bool = Field(default=True, description="tell of the end as well")


class Notification(Frozen):
    """Routes, receivers, inhibitions and named times."""

    route: Route = Field(default_factory=lambda: Route(receiver="default"))
    receivers: tuple[Receiver, ...] = Field(default_factory=lambda: (Receiver(name="default"),))
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: tuple[TimeInterval, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Notification:
        receivers = [receiver.name for receiver in self.receivers]
        intervals = [interval.name for interval in self.time_intervals]
        for what, names in (("receiver", receivers), ("time interval", intervals)):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{what} {min(twice)!r} stands twice; give it another name")
        if self.route.receiver is None:
            raise ValueError("the first route names no receiver; alerts that match no other route go there")
        if self.route.matchers:
            raise ValueError("the first route has matchers; every alert takes it, so put them on a child in `routes`")
        for route in self.route.walk():
            if route.receiver is not None and route.receiver not in receivers:
                known = ", ".join(receivers)
                raise ValueError(f"a route names receiver {route.receiver!r}; write one of {known}, or add it")
            for name in (*route.mute_time_intervals, *route.active_time_intervals):
                if name not in intervals:
                    known = ", ".join(intervals) or "those you declare"
                    raise ValueError(f"a route names time interval {name!r}; write one of {known}, or add it")
        return self


class Silence(Frozen):
    """Alerts that match all of `matchers` are not told in [start, end)."""

    matchers: tuple[Matcher, ...] = Field(min_length=1)
    start: AwareDatetime
    end: AwareDatetime
    comment: str = ""
    created_by: str = ""

    @model_validator(mode="after")
    def _forward(self) -> Silence:
        if self.start >= self.end:
            raise ValueError("start is not before end; exchange them")
        return self

    def covers(self, at: datetime) -> bool:
        """Whether it holds at a time."""
        return self.start <= at < self.end


