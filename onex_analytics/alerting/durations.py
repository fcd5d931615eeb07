"""Durations as Prometheus writes them: "30s", "1h30m", "500ms", "2d", "1w"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from onex_analytics.exceptions import InvalidOption

_UNITS_MS = {
    "y": 365 * 86_400_000, "w": 7 * 86_400_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1,
}  # fmt: skip
PATTERN = "^(?:0|" + "(?=[0-9])" + "".join(f"(?:([0-9]+){unit})?" for unit in _UNITS_MS) + ")$"
"""A duration's text: whole numbers with units, each unit once, from the largest to the smallest; or a plain 0."""
_WANTED = 'a duration such as "30s", "10m" or "1h30m" (units y w d h m s ms, the largest first)'
_LONGEST_MS = 100 * 365 * 86_400_000
_MILLISECOND = timedelta(milliseconds=1)


def parse_duration(text: str) -> timedelta:
    """Read a duration. A year is 365 days, a day 24 hours, as in Prometheus.

    Raises:
        InvalidOption: on any other text, and beyond a hundred years.

    >>> parse_duration("1h30m"), parse_duration("500ms")
    (datetime.timedelta(seconds=5400), datetime.timedelta(microseconds=500000))
    """
    found = re.fullmatch(PATTERN, text, re.ASCII) if len(text) <= 100 else None
    if found is None:
        raise InvalidOption("a duration", text if len(text) <= 100 else text[:100] + "…", _WANTED + _mend(text))
    parts = zip(found.groups(), _UNITS_MS.values(), strict=True)
    total = sum(int(number) * unit for number, unit in parts if number is not None)
    if total > _LONGEST_MS:
        raise InvalidOption("a duration", text, "at most 100y")
    return timedelta(milliseconds=total)


def _mend(text: str) -> str:
    """What the writer probably meant."""
    bare = text.strip()
    if re.fullmatch(r"[0-9]{1,20}", bare):
        return f"; a number alone has no unit: {bare}s is {bare} seconds"
    if bare.startswith("-"):
        return "; it is a length, never negative"
    if re.fullmatch(r"[0-9]{1,20}\.[0-9]{1,20}[a-z]+", bare):
        return "; numbers are whole: 1m30s, not 1.5m"
    return ""


def duration_text(duration: timedelta) -> str:
    """The duration as Prometheus prints it: years, weeks and days only where nothing is left over.

    >>> [duration_text(timedelta(minutes=m)) for m in (0, 90, 7 * 1440, 10 * 1440)]
    ['0s', '1h30m', '1w', '10d']
    """
    left = duration // _MILLISECOND
    if left == 0:
        return "0s"
    words = []
    for unit, length in _UNITS_MS.items():
        if unit in ("y", "w") and left % length:
            continue  # 90d reads better than 12w6d
        count, left = divmod(left, length)
        if count:
            words.append(f"{count}{unit}")
    return "".join(words)


def microseconds(duration: timedelta) -> int:
    """The duration as whole microseconds, the unit of all reckoning with times."""
    return duration // timedelta(microseconds=1)


def _validated(found: Any) -> timedelta:
    match found:
        case timedelta():
            if found < timedelta() or found % _MILLISECOND:
                raise InvalidOption("a duration", str(found), "a whole number of milliseconds, not negative")
            return found
        case str():
            return parse_duration(found)
        case bool():
            raise InvalidOption("a duration", found, _WANTED)
        case int() | float():
            return parse_duration(str(found))
    raise InvalidOption("a duration", found, _WANTED)


def _positive(found: Any) -> timedelta:
    duration = _validated(found)
    if not duration:
        raise InvalidOption("a duration", found, "more than 0")
    return duration


Duration = Annotated[
    timedelta,
    BeforeValidator(_validated),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"const": 0}], "examples": ["30s", "1h30m"]}),
]
"""A field of a rule that holds a duration: text in the file, a `timedelta` in Python."""

Length = Annotated[
    timedelta,
    BeforeValidator(_positive),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["5m", "1h"]}),
]
"""A duration above zero, such as a window."""
