"""xxHash64 in Numba, so that millions of texts and JSON values are hashed without a Python call each.

Source: the xxHash specification, github.com/Cyan4973/xxHash, doc/xxhash_spec.md. Equal to `xxhash.xxh64`.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.machine import lean, load8, load64
from onex_analytics.sources.scan import ESCAPED, NULL, STRING
from onex_analytics.sources.spans import Bytes, Spans, look_ahead

_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_P3 = np.uint64(0x165667B19E3779F9)
_P4 = np.uint64(0x85EBCA77C2B2AE63)
_P5 = np.uint64(0x27D4EB2F165667C5)
_LOW = np.uint64(0xFFFFFFFF)


@njit(nogil=True, cache=True, inline="always")
def _rotate(x: np.uint64, r: int) -> np.uint64:
    return (x << np.uint64(r)) | (x >> np.uint64(64 - r))


@njit(nogil=True, cache=True, inline="always")
def _round(accumulator: np.uint64, lane: np.uint64) -> np.uint64:
    return _rotate(accumulator + lane * _P2, 31) * _P1


@lean
def xxh64_bytes(buffer: Bytes, begin: int, size: int) -> np.uint64:
    """xxh64 with seed 0 of `buffer[begin:begin+size]`, behind which eight more bytes can be read."""
    p, end = begin, begin + size
    if size >= 32:
        a, b, c, d = _P1 + _P2, _P2, np.uint64(0), np.uint64(0) - _P1
        while p + 32 <= end:
            a = _round(a, load64(buffer, p))
            b = _round(b, load64(buffer, p + 8))
            c = _round(c, load64(buffer, p + 16))
            d = _round(d, load64(buffer, p + 24))
            p += 32
        h = _rotate(a, 1) + _rotate(b, 7) + _rotate(c, 12) + _rotate(d, 18)
        h = (h ^ _round(np.uint64(0), a)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), b)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), c)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), d)) * _P1 + _P4
    else:
        h = _P5
    h += np.uint64(size)
    while p + 8 <= end:
        h = _rotate(h ^ _round(np.uint64(0), load64(buffer, p)), 27) * _P1 + _P4
        p += 8
    if p + 4 <= end:
        word = load64(buffer, p) & _LOW
        h = _rotate(h ^ (word * _P1), 23) * _P2 + _P3
        p += 4
    while p < end:
        h = _rotate(h ^ (np.uint64(load8(buffer, p)) * _P5), 11) * _P1
        p += 1
    h = (h ^ (h >> np.uint64(33))) * _P2
    h = (h ^ (h >> np.uint64(29))) * _P3
    return h ^ (h >> np.uint64(32))


@lean
def _compact(buffer: Bytes, begin: int, end: int, out: Bytes) -> int:
    """Copy JSON text without the white space between its tokens; returns the length."""
    at, inside = 0, False
    p = begin
    while p < end:
        c = load8(buffer, p)
        if inside:
            out[at] = c
            at += 1
            if c == 92:
                p += 1
                out[at] = load8(buffer, p)
                at += 1
            elif c == 34:
                inside = False
        elif c != 32 and c != 9 and c != 10 and c != 13:
            inside = c == 34
            out[at] = c
            at += 1
        p += 1
    return at


@lean
def _json_hashes(buffer, kind, offset, length, spaced, scratch, out, valid):  # type: ignore[no-untyped-def]
    valid[:] = 0
    missing = 0
    for i in range(kind.size):
        look_ahead(buffer, kind, offset, i)
        k = kind[i]
        out[i] = 0
        if k <= NULL:
            missing += 1
            continue
        valid[i >> 3] |= np.uint8(1 << (i & 7))
        begin, size = np.intp(offset[i]), np.intp(length[i])
        if k in (STRING, ESCAPED):
            begin, size = begin - 1, size + 2
        if spaced[i]:
            size = _compact(buffer, begin, begin + size, scratch)
            out[i] = xxh64_bytes(scratch, np.intp(0), size)
        else:
            out[i] = xxh64_bytes(buffer, begin, size)
    return missing


def json_hashes(name: str, buffer: Bytes, spans: Spans, spaced: NDArray[np.bool_]) -> pl.Series:
    """xxh64 (seed 0) of each value's JSON text without white space between tokens; null where there is none.

    Args:
        spaced: lines that may hold such white space.
    """
    lines = spans.kind.size
    out, valid = np.empty(lines, np.uint64), np.empty((lines + 7) >> 3, np.uint8)
    longest = int(spans.length[spaced & (spans.kind > NULL)].max(initial=0))
    missing = _json_hashes(buffer, *spans, spaced, np.empty(longest + PADDING, np.uint8), out, valid)
    validity = pa.py_buffer(valid) if missing else None
    return pl.Series(name, pa.Array.from_buffers(pa.uint64(), lines, [validity, pa.py_buffer(out)], null_count=missing))


@lean
def _hash_all(offsets, data, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = xxh64_bytes(data, np.intp(offsets[i]), np.intp(offsets[i + 1] - offsets[i]))


def xxh64_texts(texts: pl.Series) -> NDArray[np.uint64]:
    """xxh64 (seed 0) of the UTF-8 bytes of each text; a null hashes as the empty text.

    >>> import polars as pl
    >>> hex(xxh64_texts(pl.Series(["abc"]))[0])
    '0x44bc2cf5ad770999'
    """
    column = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    out = np.empty(len(texts), np.uint64)
    if len(texts) == 0:
        return out
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(texts) + 1]
    first, last = int(starts[0]), int(starts[-1])
    padded = np.zeros(last - first + PADDING, np.uint8)
    if last > first:
        padded[: last - first] = np.frombuffer(data, np.uint8)[first:last]
    _hash_all(starts - first, padded, out)
    return out
