"""Strings of a buffer as columns of text, without a copy of what is not escaped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.machine import lean, load8, load64
from onex_analytics.sources.escapes import unescape
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.scan import ABSENT, ESCAPED, FALSE, NULL, OBJECT, STRING, TRUE
from onex_analytics.sources.spans import Bytes, Spans, look_ahead

_LOW32 = np.uint64(0xFFFFFFFF)
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_INLINE = 12
"""A view of at most this many bytes holds its text itself. Source: the Arrow columnar format, variable-size views."""


@lean
def _view(source, begin, size, which):  # type: ignore[no-untyped-def]
    """The two words of one view of `source[begin:begin+size]`, which is the buffer of number `which`."""
    if size > _INLINE:
        head = np.uint64(size) | ((load64(source, begin) & _LOW32) << np.uint64(32))
        return head, np.uint64(which) | (np.uint64(begin) << np.uint64(32))
    first, second = np.uint64(0), np.uint64(0)
    if begin + 16 <= source.size:
        first = load64(source, begin)
        if size < 8:
            first &= (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
        else:
            second = load64(source, begin + 8) & ((np.uint64(1) << np.uint64(8 * (size - 8))) - np.uint64(1))
    else:
        for b in range(size):
            if b < 8:
                first |= np.uint64(load8(source, begin + b)) << np.uint64(8 * b)
            else:
                second |= np.uint64(load8(source, begin + b)) << np.uint64(8 * (b - 8))
    head = np.uint64(size) | ((first & _LOW32) << np.uint64(32))
    return head, (first >> np.uint64(32)) | (second << np.uint64(32))


@lean
def _views(buffer, kind, offset, length, lowest, highest, views, valid, arena):  # type: ignore[no-untyped-def]
    """Makes a view a line, of the buffer or, where it holds escapes, of `arena`; returns the bytes used there, and how
    many lines have none."""
    used, missing = np.intp(0), 0
    valid[:] = 0
    for i in range(kind.size):
        look_ahead(buffer, kind, offset, i)
        k = kind[i]
        if k < lowest or k > highest:
            views[i, 0] = 0
            views[i, 1] = 0
            missing += 1
            continue
        valid[i >> 3] |= np.uint8(1 << (i & 7))
        if k != ESCAPED:
            views[i, 0], views[i, 1] = _view(buffer, np.intp(offset[i]), np.intp(length[i]), 0)
        else:
            begin = used
            used = unescape(buffer, np.intp(offset[i]), np.intp(length[i]), arena, used)
            views[i, 0], views[i, 1] = _view(arena, begin, used - begin, 1)
    return used, missing


def _string_series(name: str, buffer: Bytes, spans: Spans, lowest: int, highest: int) -> pl.Series:
    lines = spans.kind.size
    views, valid = np.empty((lines, 2), np.uint64), np.empty((lines + 7) >> 3, np.uint8)
    room = int(spans.length[spans.kind == ESCAPED].sum()) if lowest <= ESCAPED <= highest else 0
    arena = np.empty(room + 16, np.uint8)
    used, missing = _views(buffer, *spans, lowest, highest, views, valid, arena)
    if missing == lines:
        return nulls(name, lines)
    validity = pa.py_buffer(valid) if missing else None
    buffers = [validity, pa.py_buffer(views), pa.py_buffer(buffer)]
    if used:
        buffers.append(pa.py_buffer(arena[:used]))
    return pl.Series(name, pa.Array.from_buffers(pa.string_view(), lines, buffers, null_count=missing))


def nulls(name: str, lines: int) -> pl.Series:
    """A column of text without any."""
    return pl.Series(name, [None], dtype=pl.String).new_from_index(0, lines)


def text(name: str, buffer: Bytes, spans: Spans) -> pl.Series:
    """The text of strings, unescaped; null for any other kind."""
    return _string_series(name, buffer, spans, STRING, ESCAPED)


def json_places(spans: Spans) -> Spans:
    """Places of the JSON text of any value but null, as if all were objects: strings with their quotes."""
    quotes = ((spans.kind == STRING) | (spans.kind == ESCAPED)).astype(np.int32)
    kind = np.where(spans.kind > NULL, np.uint8(OBJECT), spans.kind)
    return Spans(kind, spans.offset - quotes, spans.length + 2 * quotes)


def raw_json(name: str, buffer: Bytes, spans: Spans) -> pl.Series:
    """The JSON text of any value but null, exactly as it came. A string comes back with its quotes."""
    return _string_series(name, buffer, json_places(spans), OBJECT, OBJECT)


@lean
def _quick_hash(buffer: Bytes, begin: int, size: int) -> np.uint64:
    """A hash of a text's length, its first, middle and last eight bytes, for one table in memory; never persisted."""
    first = load64(buffer, begin)
    if size < 8:
        first &= (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
        h = (first ^ np.uint64(size)) * _HASH_FACTOR
    else:
        h = (first ^ np.uint64(size)) * _HASH_FACTOR
        h = (h ^ (h >> np.uint64(32)) ^ load64(buffer, begin + (size >> 1) - 4)) * _HASH_FACTOR
        h = (h ^ (h >> np.uint64(32)) ^ load64(buffer, begin + size - 8)) * _HASH_FACTOR
    return h ^ (h >> np.uint64(32))


@lean
def _same_text(buffer: Bytes, a: int, b: int, size: int) -> bool:
    k = 0
    while k + 8 <= size:
        if load64(buffer, a + k) != load64(buffer, b + k):
            return False
        k += 8
    while k < size:
        if load8(buffer, a + k) != load8(buffer, b + k):
            return False
        k += 1
    return True


@lean
def _intern(buffer, kind, offset, length, lowest, highest, table, codes, first):  # type: ignore[no-untyped-def]
    size, distinct = table.size, 0
    for i in range(kind.size):
        look_ahead(buffer, kind, offset, i)
        if kind[i] < lowest or kind[i] > highest:
            codes[i] = -1
            continue
        begin, long = np.intp(offset[i]), np.intp(length[i])
        at = np.intp(_quick_hash(buffer, begin, long) & np.uint64(size - 1))
        while True:
            code = table[at]
            if code < 0:
                table[at] = distinct
                first[distinct] = i
                codes[i] = distinct
                distinct += 1
                break
            j = first[code]
            if length[j] == long and kind[j] == kind[i] and _same_text(buffer, np.intp(offset[j]), begin, long):
                codes[i] = code
                break
            at = (at + 1) & (size - 1)
    return distinct


Codes = NDArray[np.int32]


def _interned(buffer: Bytes, spans: Spans, lowest: int, highest: int) -> tuple[Codes, Spans]:
    lines = spans.kind.size
    codes, first = np.empty(lines, np.int32), np.empty(lines, np.int32)
    table = np.full(2 << lines.bit_length(), -1, np.int32)  # never more than half full
    distinct = _intern(buffer, *spans, lowest, highest, table, codes, first)
    return codes, spans.take(first[:distinct].astype(np.intp))


def intern(buffer: Bytes, spans: Spans) -> tuple[Codes, pl.Series]:
    """A code a line (-1 where no string stands) and the texts by code. For columns of few values.

    A text that is written with and without escapes has two codes.
    """
    codes, distinct = _interned(buffer, spans, STRING, ESCAPED)
    return codes, text("value", buffer, distinct)


def intern_json(buffer: Bytes, spans: Spans) -> tuple[Codes, pl.Series]:
    """A code a line (-1 where nothing or null stands) and the JSON texts by code, strings with their quotes."""
    codes, distinct = _interned(buffer, json_places(spans), OBJECT, OBJECT)
    return codes, _string_series("value", buffer, distinct, OBJECT, OBJECT)


@lean
def _views_by_code(codes, few, stand, views, valid):  # type: ignore[no-untyped-def]
    """Gives each line the view of its code, a negative one the last; returns how many have no text."""
    missing = 0
    valid[:] = 0
    for i in range(codes.size):
        c = codes[i] if codes[i] >= 0 else few.shape[0] - 1
        views[i, 0], views[i, 1] = few[c, 0], few[c, 1]
        if stand[c]:
            valid[i >> 3] |= np.uint8(1 << (i & 7))
        else:
            missing += 1
    return missing


def by_code(codes: Codes, texts: Sequence[str | None], name: str) -> pl.Series:
    """The text of each code; null where it is None, or the code is -1."""
    encoded = [b"" if t is None else t.encode() for t in texts]
    buffer = np.array(bytearray(b"".join(encoded) + bytes(PADDING)), np.uint8)
    lengths = np.array([*map(len, encoded), 0], np.int32)
    kinds = np.array([*(ABSENT if t is None else STRING for t in texts), ABSENT], np.uint8)
    spans = Spans(kinds, (np.cumsum(lengths) - lengths).astype(np.int32), lengths)
    views, valid = np.empty((kinds.size, 2), np.uint64), np.empty((kinds.size + 7) >> 3, np.uint8)
    _views(buffer, *spans, STRING, ESCAPED, views, valid, np.empty(16, np.uint8))
    lines = codes.size
    wide, said = np.empty((lines, 2), np.uint64), np.empty((lines + 7) >> 3, np.uint8)
    missing = _views_by_code(codes, views, kinds == STRING, wide, said)
    if missing == lines:
        return nulls(name, lines)
    held = [pa.py_buffer(said) if missing else None, pa.py_buffer(wide), pa.py_buffer(buffer)]
    return pl.Series(name, pa.Array.from_buffers(pa.string_view(), lines, held, null_count=missing))


def booleans(name: str, kinds: NDArray[np.uint8]) -> pl.Series | None:
    """True and false as they stand, null for anything else; None where neither stands anywhere."""
    said = (kinds == TRUE) | (kinds == FALSE)
    missing = int(said.size - np.count_nonzero(said))
    if missing == said.size:
        return None
    bits = [np.packbits(mask, bitorder="little") for mask in (said, kinds == TRUE)]
    held = [pa.py_buffer(bits[0]) if missing else None, pa.py_buffer(bits[1])]
    return pl.Series(name, pa.Array.from_buffers(pa.bool_(), said.size, held, null_count=missing))


def spread(few: pl.Series, rows: NDArray[np.intp], lines: int) -> pl.Series | None:
    """A column of text whose values stand in some rows and nowhere else; None where there is no value."""
    if few.null_count() == len(few):
        return None
    column = few.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    _, given, *texts = column.buffers()
    views, valid = np.zeros((lines, 2), np.uint64), np.zeros(lines, np.bool_)
    views[rows] = np.frombuffer(given, np.uint64).reshape(-1, 2)[column.offset : column.offset + len(few)]
    valid[rows] = few.is_not_null().to_numpy()
    missing = lines - int(np.count_nonzero(valid))
    held = [pa.py_buffer(np.packbits(valid, bitorder="little")) if missing else None, pa.py_buffer(views), *texts]
    return pl.Series(few.name, pa.Array.from_buffers(pa.string_view(), lines, held, null_count=missing))
