"""Which texts of a buffer are UUIDs."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.sources.machine import load8
from onex_analytics.sources.scan import ESCAPED, STRING
from onex_analytics.sources.spans import Bytes, Spans, unescaped

_HEX, _DASH = 1, 2
_CLASS = np.zeros(256, np.uint8)
_CLASS[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = _HEX
_CLASS[ord("-")] = _DASH
_UUID_PATTERN = np.array([_DASH if k in (8, 13, 18, 23) else _HEX for k in range(36)], np.uint8)


@njit(nogil=True, cache=True)
def _are_uuids(buffer, kind, offset, length, out):  # type: ignore[no-untyped-def]
    for i in range(kind.size):
        out[i] = False
        if kind[i] != STRING or (length[i] != 36 and length[i] != 32):
            continue
        begin, wrong = np.intp(offset[i]), np.uint8(0)
        if length[i] == 36:
            for k in range(36):
                wrong |= _CLASS[load8(buffer, begin + k)] ^ _UUID_PATTERN[k]
        else:
            for k in range(32):
                wrong |= _CLASS[load8(buffer, begin + k)] ^ np.uint8(_HEX)
        out[i] = wrong == 0


def are_uuids(buffer: Bytes, spans: Spans) -> NDArray[np.bool_]:
    """True where the text is a UUID: 8-4-4-4-12 hexadecimal digits, or 32 of them, in any case."""
    out = np.empty(spans.kind.size, np.bool_)
    _are_uuids(buffer, *spans, out)
    if (spans.kind == ESCAPED).any():
        rows, texts, places = unescaped(buffer, spans)
        out[rows] = are_uuids(texts, places)
    return out
