"""Which texts of a buffer are UUIDs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean, load64
from onex_analytics.sources.scan import ESCAPED, STRING
from onex_analytics.sources.spans import Bytes, Spans, look_ahead, unescaped

_HIGH = np.uint64(0x8080808080808080)
_CASE = np.uint64(0x2020202020202020)
_FROM_0, _FROM_COLON = np.uint64(0x5050505050505050), np.uint64(0x4646464646464646)
_FROM_A, _FROM_G = np.uint64(0x1F1F1F1F1F1F1F1F), np.uint64(0x1919191919191919)
_DASH_8_13, _DASH_18_23 = np.uint64(0x0000FF00000000FF), np.uint64(0xFF00000000FF0000)
_DASHES, _ZEROS = np.uint64(0x2D2D2D2D2D2D2D2D), np.uint64(0x3030303030303030)


@lean
def _other_than_hex(word):  # type: ignore[no-untyped-def]
    """Zero where all eight bytes are hexadecimal digits: sums carry into a byte's high bit from a bound on."""
    lower = word | _CASE
    digit = (word + _FROM_0) & ~(word + _FROM_COLON)
    letter = (lower + _FROM_A) & ~(lower + _FROM_G)
    return ((digit | letter) & _HIGH) ^ _HIGH | (word & _HIGH)


@lean
def _without_dashes(word, places):  # type: ignore[no-untyped-def]
    """The word with zeros in the place of the dashes that belong there; it stays wrong where there are none."""
    if word & places != _DASHES & places:
        return _HIGH
    return (word & ~places) | (_ZEROS & places)


@lean
def _are_uuids(buffer, kind, offset, length, out):  # type: ignore[no-untyped-def]
    for i in range(kind.size):
        look_ahead(buffer, kind, offset, i)
        out[i] = False
        if kind[i] != STRING or (length[i] != 36 and length[i] != 32):
            continue
        p = np.intp(offset[i])
        wrong = _other_than_hex(load64(buffer, p))
        if length[i] == 36:
            wrong |= _other_than_hex(_without_dashes(load64(buffer, p + 8), _DASH_8_13))
            wrong |= _other_than_hex(_without_dashes(load64(buffer, p + 16), _DASH_18_23))
            wrong |= _other_than_hex(load64(buffer, p + 24)) | _other_than_hex(load64(buffer, p + 28))
        else:
            for k in range(8, 32, 8):
                wrong |= _other_than_hex(load64(buffer, p + k))
        out[i] = wrong == 0


def are_uuids(buffer: Bytes, spans: Spans) -> NDArray[np.bool_]:
    """True where the text is a UUID: 8-4-4-4-12 hexadecimal digits, or 32 of them, in any case."""
    out = np.empty(spans.kind.size, np.bool_)
    _are_uuids(buffer, *spans, out)
    if (spans.kind == ESCAPED).any():
        rows, texts, places = unescaped(buffer, spans)
        out[rows] = are_uuids(texts, places)
    return out
