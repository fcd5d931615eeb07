"""Numbers of a buffer as columns of floats: the nearest float of each, bit for bit as Python's `float` reads it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean, load8
from onex_analytics.sources.grammar import skip_space
from onex_analytics.sources.scan import ESCAPED, NULL, NUMBER, STRING
from onex_analytics.sources.spans import Bytes, Spans, look_ahead, unescaped

NO_NUMBER, IS_NUMBER, IS_TEXT, IS_WRONG, IS_HARD = range(5)
"""How a number stood there: not at all, as a number, as text that holds one, as something else, and (inside
this module only) as one whose nearest float takes more than one multiplication to find."""

_POWERS = np.array([10.0**n for n in range(23)])


@lean
def _float(buffer, p, end):  # type: ignore[no-untyped-def]
    """(the value, whether it is one, whether it is too hard) of a number as Python's `float` writes and reads it."""
    negative = p < end and load8(buffer, p) == 45
    if negative or (p < end and load8(buffer, p) == 43):
        p += 1
    mantissa, digits, scale, exponent = np.uint64(0), 0, 0, 0
    seen, point = 0, False
    while p < end:
        c = load8(buffer, p)
        if 48 <= c <= 57:
            seen += 1
            if digits > 0 or c != 48:
                digits += 1
            if digits <= 19:
                mantissa = mantissa * np.uint64(10) + np.uint64(c - 48)
                if point:
                    scale -= 1
            elif not point:
                scale += 1
        elif c == 46 and not point:
            point = True
        else:
            break
        p += 1
    if seen == 0:
        return 0.0, False, False
    if p < end and (load8(buffer, p) == 101 or load8(buffer, p) == 69):
        p += 1
        minus = p < end and load8(buffer, p) == 45
        if p < end and (load8(buffer, p) == 45 or load8(buffer, p) == 43):
            p += 1
        if p >= end:
            return 0.0, False, False
        while p < end and 48 <= load8(buffer, p) <= 57:
            exponent = min(exponent * 10 + (np.int64(load8(buffer, p)) - 48), 100000)
            p += 1
        if minus:
            exponent = -exponent
    if p < end:
        return 0.0, False, False
    power = scale + exponent
    # Clinger's fast path: both factors are exact, so one operation rounds once
    if digits > 15 or power < -22 or power > 22:
        return 0.0, True, True
    value = np.float64(mantissa)
    value = value / _POWERS[-power] if power < 0 else value * _POWERS[power]
    return -value if negative else value, True, False


@lean
def _floats(buffer, kind, offset, length, values, states):  # type: ignore[no-untyped-def]
    hard, escaped = 0, False
    for i in range(kind.size):
        look_ahead(buffer, kind, offset, i)
        k = kind[i]
        values[i] = np.nan
        if k <= NULL:
            states[i] = NO_NUMBER
            continue
        if k != NUMBER and k != STRING:
            states[i] = IS_WRONG
            escaped |= k == ESCAPED
            continue
        p, end = np.intp(offset[i]), np.intp(offset[i]) + np.intp(length[i])
        states[i] = IS_NUMBER
        if k == STRING:
            states[i] = IS_TEXT
            p = skip_space(buffer, p, end)
            while end > p and skip_space(buffer, end - 1, end) == end:
                end -= 1
        value, right, too_hard = _float(buffer, p, end)
        if not right:
            states[i] = IS_WRONG
        elif too_hard:
            states[i] += IS_HARD
            hard += 1
        else:
            values[i] = value
    return hard, escaped


def floats(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The nearest float of each number (also of a number as text) and how it stood there; NaN where there is none.

    A number beyond the range of a float is wrong. Source of the fast path: Clinger, "How to read floating
    point numbers accurately" (1990).
    """
    lines = spans.kind.size
    values, states = np.empty(lines), np.empty(lines, np.uint8)
    hard, escaped = _floats(buffer, *spans, values, states)
    if hard:
        for i in np.flatnonzero(states > IS_HARD):
            begin = int(spans.offset[i])
            value = float(buffer[begin : begin + int(spans.length[i])].tobytes())
            states[i] -= IS_HARD
            values[i] = value
            if not np.isfinite(value):
                states[i], values[i] = IS_WRONG, np.nan
    if escaped:
        rows, texts, places = unescaped(buffer, spans)
        values[rows], states[rows] = floats(texts, places)
    return values, states
