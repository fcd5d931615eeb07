"""xxHash64 in Numba, so that millions of texts and JSON values are hashed without a Python call each.

Source: the xxHash specification, github.com/Cyan4973/xxHash, doc/xxhash_spec.md. Equal to `xxhash.xxh64`.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import address, is_text, lean, load, load8, prefetch_at, text_place, text_views
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.scan import ESCAPED, NULL, STRING
from onex_analytics.sources.spans import Bytes, Spans, look_ahead

_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_P3 = np.uint64(0x165667B19E3779F9)
_P4 = np.uint64(0x85EBCA77C2B2AE63)
_P5 = np.uint64(0x27D4EB2F165667C5)
_AHEAD = 12


@njit(nogil=True, cache=True, inline="always")
def _rotate(x: np.uint64, r: int) -> np.uint64:
    return (x << np.uint64(r)) | (x >> np.uint64(64 - r))


@njit(nogil=True, cache=True, inline="always")
def _round(accumulator: np.uint64, lane: np.uint64) -> np.uint64:
    return _rotate(accumulator + lane * _P2, 31) * _P1


@lean
def xxh64_bytes(buffer: Bytes, begin: int, size: int) -> np.uint64:
    """xxh64 with seed 0 of `buffer[begin:begin+size]`."""
    return _xxh64(address(buffer, begin), size)


@lean
def _xxh64(p, size):  # type: ignore[no-untyped-def]
    """xxh64 with seed 0 of the bytes at an address."""
    end = p + np.uint64(size)
    if size >= 32:
        a, b, c, d = _P1 + _P2, _P2, np.uint64(0), np.uint64(0) - _P1
        while p + np.uint64(32) <= end:
            a = _round(a, load(p, 8))
            b = _round(b, load(p + np.uint64(8), 8))
            c = _round(c, load(p + np.uint64(16), 8))
            d = _round(d, load(p + np.uint64(24), 8))
            p += np.uint64(32)
        h = _rotate(a, 1) + _rotate(b, 7) + _rotate(c, 12) + _rotate(d, 18)
        h = (h ^ _round(np.uint64(0), a)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), b)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), c)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), d)) * _P1 + _P4
    else:
        h = _P5
    h += np.uint64(size)
    while p + np.uint64(8) <= end:
        h = _rotate(h ^ _round(np.uint64(0), load(p, 8)), 27) * _P1 + _P4
        p += np.uint64(8)
    if p + np.uint64(4) <= end:
        h = _rotate(h ^ (load(p, 4) * _P1), 23) * _P2 + _P3
        p += np.uint64(4)
    while p < end:
        h = _rotate(h ^ (load(p, 1) * _P5), 11) * _P1
        p += np.uint64(1)
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
def _hash_views(views, first, texts, valid, skipped, out):  # type: ignore[no-untyped-def]
    """Hashes the text of each view; what is null is hashed as empty."""
    for i in range(out.size):
        ahead = i + _AHEAD
        if ahead < out.size and is_text(valid, skipped, ahead):
            prefetch_at(text_place(views, first, texts, ahead)[0])
        place, size = first, np.uint64(0)
        if is_text(valid, skipped, i):
            place, size = text_place(views, first, texts, i)
        out[i] = _xxh64(place, np.int64(size))


def xxh64_texts(texts: pl.Series) -> NDArray[np.uint64]:
    """xxh64 (seed 0) of the UTF-8 bytes of each text; a null hashes as the empty text.

    >>> import polars as pl
    >>> hex(xxh64_texts(pl.Series(["abc"]))[0])
    '0x44bc2cf5ad770999'
    """
    out = np.empty(len(texts), np.uint64)
    for chunk in text_views(texts):
        part = out[chunk.begin : chunk.begin + len(chunk.views)]
        _hash_views(chunk.views, chunk.first, chunk.texts, chunk.valid, chunk.skipped, part)
    return out
