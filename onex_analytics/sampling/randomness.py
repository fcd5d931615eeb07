"""The randomness of a trace: 56 bits that everyone who knows its id agrees on.

A UUID of version 4 or 7 ends in seven random bytes: they are it (so a trace id in OpenTelemetry's form that was made
from one has the same). Of any other id it is the last seven bytes of its SHA-256. Dashes do not count, nor does the
case of hex digits.

Source: OpenTelemetry, "Probability sampling"; W3C Trace Context level 2, "random trace id".
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.machine import is_text, lean, load, prefetch_at, text_place, text_views

Randomness = NDArray[np.uint64]
_BYTES = 7
_HEX = "0123456789abcdef"
_UUID_DIGITS, _DASHED = 32, 36
_AHEAD = 12
_ONES = np.uint64(0x0101010101010101)
_SIXTEENS = np.uint64(0x1010101010101010)
_HASHED = np.uint64(1) << np.uint64(63)
"""Stands for an id whose randomness is in its hash."""


def randomness(identifier: str) -> int:
    """The randomness of an id, 0 to 2^56 − 1.

    >>> hex(randomness("c0ffee00-1234-4abc-8def-0123456789ab")), hex(randomness("C0FFEE0012344ABC8DEF0123456789AB"))
    ('0xef0123456789ab', '0xef0123456789ab')
    >>> hex(randomness("order-17"))
    '0xd28300db33ec75'
    """
    one = plain(identifier)
    if is_random_uuid(one):
        return int(one[-2 * _BYTES :], 16)
    return int.from_bytes(hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest()[-_BYTES:])


def is_random_uuid(one: str) -> bool:
    """Whether a plain id is a UUID of version 4 or 7."""
    return len(one) == _UUID_DIGITS and one[12] in "47" and one[16] in "89ab" and not one.strip(_HEX)


def plain(identifier: str) -> str:
    """An id without what does not count: dashes, and the case of 32 hex digits.

    >>> plain("C0FFEE00-1234-4ABC-8DEF-0123456789AB"), plain("Order-17")
    ('c0ffee0012344abc8def0123456789ab', 'Order17')
    """
    without = identifier.replace("-", "")
    if len(without) == _UUID_DIGITS and without.isascii():
        lower = without.lower()
        if not lower.strip(_HEX):
            return lower
    return without


def randomness_of(identifiers: pl.Series) -> Randomness:
    """`randomness` of each id of a column; of a null, that of the empty text.

    >>> [hex(one) for one in randomness_of(pl.Series(["c0ffee00-1234-4abc-8def-0123456789ab", "order-17"]))]
    ['0xef0123456789ab', '0xd28300db33ec75']
    """
    out = np.empty(len(identifiers), np.uint64)
    for chunk in text_views(identifiers):
        part = out[chunk.begin : chunk.begin + len(chunk.views)]
        _of_uuids(chunk.views, chunk.first, chunk.texts, chunk.valid, chunk.skipped, part)
    others = np.flatnonzero(out == _HASHED)
    if others.size:
        texts = pl.DataFrame({"text": identifiers.gather(pl.Series(others)).fill_null("")})
        distinct = texts.unique().to_series()
        hashed = pl.Series(map(randomness, distinct), dtype=pl.UInt64)
        held = pl.DataFrame({"text": distinct, "randomness": hashed})
        out[others] = texts.join(held, on="text", how="left", maintain_order="left")["randomness"].to_numpy()
    return out


@lean
def _eight_digits(word):  # type: ignore[no-untyped-def]
    """Eight hex digits, the first in the lowest byte, as a number; beyond 32 bits where one of them is none."""
    letter = (word >> np.uint64(6)) & _ONES
    low = word & (_ONES * np.uint64(15))
    wrong = ((word | letter << np.uint64(5)) & (_ONES * np.uint64(0xF0))) ^ (_ONES + letter) * np.uint64(0x30)
    wrong |= (low + _ONES * np.uint64(6) + letter * np.uint64(3)) & _SIXTEENS    # beyond 9, or beyond f
    wrong |= ~(low + letter * np.uint64(15)) & (letter << np.uint64(4))          # before a
    if wrong:
        return np.uint64(1) << np.uint64(32)
    value = low + letter * np.uint64(9)
    value = (value << np.uint64(4) | value >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    value = (value | value >> np.uint64(8)) & np.uint64(0x0000FFFF0000FFFF)
    value = (value | value >> np.uint64(16)) & np.uint64(0xFFFFFFFF)
    value = (value << np.uint64(8) & np.uint64(0xFF00FF00)) | (value >> np.uint64(8) & np.uint64(0x00FF00FF))
    return (value << np.uint64(16) | value >> np.uint64(16)) & np.uint64(0xFFFFFFFF)


@lean
def _four_digits(word):  # type: ignore[no-untyped-def]
    value = _eight_digits(word | np.uint64(0x3030303000000000))
    return value >> np.uint64(16) if value >> np.uint64(32) == 0 else value


@lean
def _of_uuid(place, size):  # type: ignore[no-untyped-def]
    """The last seven bytes of a UUID of version 4 or 7, plain or with its dashes; `_HASHED` for any other text."""
    if size == _UUID_DIGITS:
        first, second = _eight_digits(load(place, 8)), _eight_digits(load(place + np.uint64(8), 8))
        third, last = _eight_digits(load(place + np.uint64(16), 8)), _eight_digits(load(place + np.uint64(24), 8))
    elif size == _DASHED:
        for dash in (8, 13, 18, 23):
            if load(place + np.uint64(dash), 1) != np.uint64(45):
                return _HASHED
        first, last = _eight_digits(load(place, 8)), _eight_digits(load(place + np.uint64(28), 8))
        second = _four_digits(load(place + np.uint64(9), 4)) << np.uint64(16)
        second |= _four_digits(load(place + np.uint64(14), 4))
        third = _four_digits(load(place + np.uint64(19), 4)) << np.uint64(16)
        third |= _four_digits(load(place + np.uint64(24), 4))
    else:
        return _HASHED
    if (first | second | third | last) >> np.uint64(32):
        return _HASHED
    version = second >> np.uint64(12) & np.uint64(15)
    if third >> np.uint64(30) != np.uint64(2) or (version != np.uint64(4) and version != np.uint64(7)):
        return _HASHED
    return (third & np.uint64(0xFFFFFF)) << np.uint64(32) | last


@lean
def _of_uuids(views, first, texts, valid, skipped, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        ahead = i + _AHEAD
        if ahead < out.size and is_text(valid, skipped, ahead):
            prefetch_at(text_place(views, first, texts, ahead)[0])
        out[i] = _HASHED
        if is_text(valid, skipped, i):
            place, size = text_place(views, first, texts, i)
            out[i] = _of_uuid(place, np.int64(size))
