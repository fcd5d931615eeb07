"""Times of a buffer as microseconds since 1970 (UTC), in all the forms in which they come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean, load8
from onex_analytics.sources.numbers import IS_NUMBER, IS_TEXT, floats
from onex_analytics.sources.scan import ESCAPED, NULL, NUMBER, STRING
from onex_analytics.sources.spans import Bytes, Spans, look_ahead, unescaped

NO_TIME, PLAIN_TIME, OTHER_TIME, WRONG_TIME, WRONG_TYPE = range(5)
"""How a time stood there: not at all; as `isoformat()` of a naive time writes it; in another form that we
read; as text or a number that is no time; as neither text nor a number."""

_MAX_MICROSECONDS = 9_214_646_400_000_000  # 2262-01-01
_CUMULATED_DAYS = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@lean
def _digits(buffer: Bytes, p: int, count: int) -> int:
    value = 0
    for k in range(count):
        c = np.int64(load8(buffer, p + k)) - 48
        if c < 0 or c > 9:
            return -1
        value = value * 10 + c
    return value


@lean
def _iso_time(buffer: Bytes, p: int, end: int) -> tuple[int, bool]:
    """(microseconds since 1970 or -1, whether the form is the plain one)."""
    if end - p < 16 or load8(buffer, p + 4) != 45 or load8(buffer, p + 7) != 45 or load8(buffer, p + 13) != 58:
        return -1, False
    year, month, day = _digits(buffer, p, 4), _digits(buffer, p + 5, 2), _digits(buffer, p + 8, 2)
    hour, minute = _digits(buffer, p + 11, 2), _digits(buffer, p + 14, 2)
    if year < 1970 or month < 1 or month > 12 or day < 1 or hour < 0 or hour > 23 or minute < 0 or minute > 59:
        return -1, False
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if day > _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
        return -1, False
    plain = load8(buffer, p + 10) == 84
    if not plain and load8(buffer, p + 10) != 32 and load8(buffer, p + 10) != 116:
        return -1, False
    p += 16
    second, fraction, digits = 0, 0, 0
    if p < end and load8(buffer, p) == 58:
        if end - p < 3:
            return -1, False
        second = _digits(buffer, p + 1, 2)
        if second < 0 or second > 60:   # RFC 3339 allows a leap second
            return -1, False
        plain = plain and second < 60
        p += 3
        if p < end and (load8(buffer, p) == 46 or load8(buffer, p) == 44):
            plain = plain and load8(buffer, p) == 46
            p += 1
            while p < end and 48 <= load8(buffer, p) <= 57:
                if digits < 6:
                    fraction = fraction * 10 + (np.int64(load8(buffer, p)) - 48)
                digits += 1
                p += 1
            if digits == 0:
                return -1, False
            plain = plain and digits == 6 and fraction != 0
            for _ in range(6 - digits):
                fraction *= 10
    else:
        plain = False
    shift = 0
    if p < end:
        plain = False
        if (load8(buffer, p) == 90 or load8(buffer, p) == 122) and p + 1 == end:
            p += 1
        else:
            if load8(buffer, p) == 32:
                p += 1
            if end - p < 3 or (load8(buffer, p) != 43 and load8(buffer, p) != 45):
                return -1, False
            sign = 1 if load8(buffer, p) == 43 else -1
            hours, minutes = _digits(buffer, p + 1, 2), 0
            q = p + 3
            if q < end:
                if load8(buffer, q) == 58:
                    q += 1
                if end - q != 2:
                    return -1, False
                minutes = _digits(buffer, q, 2)
            if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
                return -1, False
            shift = sign * (hours * 3600 + minutes * 60)
    seconds = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - shift
    return seconds * 1_000_000 + fraction, plain


@lean
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, from 1970 on."""
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    leaps = (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400 - 477
    return (year - 1970) * 365 + leaps + _CUMULATED_DAYS[month - 1] + (1 if leap and month > 2 else 0) + day - 1


@lean
def _plain_time(buffer: Bytes, p: int, fraction: bool) -> int:
    """The form of nearly all events, `2026-11-23T12:04:16.364929` or without a fraction, else -1."""
    wrong = (load8(buffer, p + 4) ^ 45) | (load8(buffer, p + 7) ^ 45) | (load8(buffer, p + 10) ^ 84)
    wrong |= (load8(buffer, p + 13) ^ 58) | (load8(buffer, p + 16) ^ 58)
    if fraction:
        wrong |= load8(buffer, p + 19) ^ 46
    numbers = (
        _two(buffer, p) * 100 + _two(buffer, p + 2), _two(buffer, p + 5), _two(buffer, p + 8), _two(buffer, p + 11),
        _two(buffer, p + 14), _two(buffer, p + 17),
        (_two(buffer, p + 20) * 10000 + _two(buffer, p + 22) * 100 + _two(buffer, p + 24)) if fraction else 0,
    )
    year, month, day, hour, minute, second, micros = numbers
    if wrong != 0 or year < 1970 or year > 9999 or month < 1 or month > 12:
        return -1
    if day < 1 or hour > 23 or minute > 59 or second > 59:
        return -1
    if day > 28:
        leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
        if day > _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
            return -1
    if fraction and (micros == 0 or micros > 999_999):
        return -1
    return (_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1_000_000 + micros


@lean
def _two(buffer: Bytes, p: int) -> int:
    """Two digits as a number; far beyond any date where one is none."""
    a, b = np.int64(load8(buffer, p)) - 48, np.int64(load8(buffer, p + 1)) - 48
    return a * 10 + b if 0 <= a <= 9 and 0 <= b <= 9 else 100_000_000


@lean
def _times(buffer, kind, offset, length, micros, states):  # type: ignore[no-untyped-def]
    rest = 0
    for i in range(kind.size):
        look_ahead(buffer, kind, offset, i)
        k = kind[i]
        micros[i] = 0
        if k <= NULL:
            states[i] = NO_TIME
            continue
        if k != STRING:
            states[i] = WRONG_TIME if k in (NUMBER, ESCAPED) else WRONG_TYPE
            rest += states[i] == WRONG_TIME
            continue
        begin, size = np.intp(offset[i]), np.intp(length[i])
        value, plain = np.int64(-1), False
        if size == 26 or size == 19:
            value = _plain_time(buffer, begin, size == 26)
            plain = value >= 0
        if not plain:
            value, plain = _iso_time(buffer, begin, begin + size)
        if 0 <= value < _MAX_MICROSECONDS:
            micros[i] = value
            states[i] = PLAIN_TIME if plain else OTHER_TIME
        else:
            states[i] = WRONG_TIME
            rest += 1
    return rest


def times(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Microseconds since 1970 (UTC) and how each time stood there.

    Reads ISO 8601 and RFC 3339 (naive means UTC; `T` or a space; `Z` or an offset; any fraction, cut to
    microseconds) and epoch seconds, milliseconds, microseconds or nanoseconds as a number or as text.
    """
    lines = spans.kind.size
    micros, states = np.empty(lines, np.int64), np.empty(lines, np.uint8)
    if _times(buffer, *spans, micros, states):
        rows = np.flatnonzero((states == WRONG_TIME) & (spans.kind != ESCAPED))
        micros[rows], states[rows] = _epochs(buffer, spans.take(rows))
        rows, texts, places = unescaped(buffer, spans)
        if rows.size:
            micros[rows], states[rows] = times(texts, places)
            states[rows[states[rows] == PLAIN_TIME]] = OTHER_TIME
    return micros, states


def _epochs(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Numbers since 1970: seconds, milliseconds, microseconds or nanoseconds, told apart by their size."""
    numbers, states = floats(buffer, spans)
    usable = ((states == IS_NUMBER) | (states == IS_TEXT)) & (numbers >= 0) & (numbers < 1e19)
    numbers = np.where(usable, numbers, 0.0)
    factor = np.select([numbers < 1e11, numbers < 1e14, numbers < 1e16], [1e6, 1e3, 1.0], 1e-3)
    micros = np.where(factor < 1, np.floor(numbers / 1e3), np.round(numbers * np.maximum(factor, 1.0))).astype(np.int64)
    usable &= micros < _MAX_MICROSECONDS
    return np.where(usable, micros, 0), np.where(usable, np.uint8(OTHER_TIME), np.uint8(WRONG_TIME))
