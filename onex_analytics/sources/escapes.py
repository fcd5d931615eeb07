"""The escapes of JSON strings, read back into UTF-8."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean, load8

Bytes = NDArray[np.uint8]


@lean
def _hex4(buffer: Bytes, p: int) -> int:
    value = 0
    for k in range(4):
        c = np.int64(load8(buffer, p + k))
        value = value * 16 + (c - 48 if c <= 57 else (c | 32) - 87)
    return value


@lean
def unescape(buffer: Bytes, begin: int, length: int, out: Bytes, at: int) -> int:
    """Write the text of a valid escaped string to `out[at:]`; returns its end. A lone surrogate becomes U+FFFD.

    The text is never longer than the string with its escapes.
    """
    p, end = begin, begin + length
    while p < end:
        c = load8(buffer, p)
        if c != 92:
            out[at] = c
            at += 1
            p += 1
            continue
        e = load8(buffer, p + 1)
        p += 2
        if e != 117:
            if e == 98:
                e = np.uint8(8)
            elif e == 102:
                e = np.uint8(12)
            elif e == 110:
                e = np.uint8(10)
            elif e == 114:
                e = np.uint8(13)
            elif e == 116:
                e = np.uint8(9)
            out[at] = e
            at += 1
            continue
        code = _hex4(buffer, p)
        p += 4
        if 0xD800 <= code <= 0xDBFF and p + 6 <= end and load8(buffer, p) == 92 and load8(buffer, p + 1) == 117:
            low = _hex4(buffer, p + 2)
            if 0xDC00 <= low <= 0xDFFF:
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                p += 6
        if 0xD800 <= code <= 0xDFFF:
            code = 0xFFFD
        if code < 0x80:
            out[at] = code
            at += 1
        elif code < 0x800:
            out[at], out[at + 1] = 0xC0 | (code >> 6), 0x80 | (code & 63)
            at += 2
        elif code < 0x10000:
            out[at], out[at + 1], out[at + 2] = 0xE0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)
            at += 3
        else:
            out[at], out[at + 1] = 0xF0 | (code >> 18), 0x80 | ((code >> 12) & 63)
            out[at + 2], out[at + 3] = 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)
            at += 4
    return at
