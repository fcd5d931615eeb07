"""One value a line: what kind it is and where it stands in the buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import lean, prefetch
from onex_analytics.sources.escapes import unescape
from onex_analytics.sources.lines import PADDING
from onex_analytics.sources.scan import ABSENT, ESCAPED, NULL, STRING, Scan

Bytes = NDArray[np.uint8]
_AHEAD = 12


class Spans(NamedTuple):
    """One value a line: its kind and its place, as `scan` gives them for a slot."""

    kind: NDArray[np.uint8]
    offset: NDArray[np.int32]
    length: NDArray[np.int32]

    def take(self, rows: NDArray[np.intp]) -> Spans:
        return Spans(self.kind[rows], self.offset[rows], self.length[rows])

    def any(self) -> bool:
        """Whether any line holds a value that is not null."""
        return bool(self.kind.size) and bool(self.kind.max() > NULL)

    def read_as_text(self, *kinds: int) -> Spans:
        """The same places, where values of these kinds (numbers, true, false) pass for strings of their JSON text."""
        as_text = np.arange(9, dtype=np.uint8)
        as_text[list(kinds)] = STRING
        return Spans(as_text[self.kind], self.offset, self.length)


def slot_spans(found: Scan, slot: int) -> Spans:
    """The values of one slot."""
    return Spans(found.kind[slot], found.offset[slot], found.length[slot])


@njit(nogil=True, cache=True, inline="always")
def look_ahead(buffer, kind, offset, line):  # type: ignore[no-untyped-def]
    """Bring near what stands some lines further on: values lie a line apart, where no processor guesses them.

    A kernel that reads one short value a line takes a quarter of the time with it.
    """
    ahead = line + _AHEAD
    if ahead < kind.size and kind[ahead] > NULL:
        prefetch(buffer, np.intp(offset[ahead]))


@lean
def _first_present(kind, offset, length, slots, skip_empty, out_kind, out_offset, out_length):  # type: ignore[no-untyped-def]
    for line in range(kind.shape[1]):
        out_kind[line] = ABSENT
        for slot in slots:
            k = kind[slot, line]
            if k == NULL or (skip_empty and k == STRING and length[slot, line] == 0):
                out_kind[line] = NULL
            elif k > NULL:
                out_kind[line], out_offset[line], out_length[line] = k, offset[slot, line], length[slot, line]
                break


def first_present(found: Scan, *slots: int, skip_empty: bool = False) -> Spans:
    """The first of several slots that holds a value; null where all that are there are null.

    Args:
        skip_empty: an empty string counts as null.
    """
    used = [slot for slot in slots if found.used[slot]]
    if len(used) == 0 or (len(used) == 1 and not skip_empty):
        return slot_spans(found, used[0] if used else slots[0])
    lines = found.kind.shape[1]
    out = Spans(np.empty(lines, np.uint8), np.empty(lines, np.int32), np.empty(lines, np.int32))
    _first_present(found.kind, found.offset, found.length, np.array(used, np.int64), skip_empty, *out)
    return out


@lean
def _unescape_rows(buffer, rows, offset, length, out, out_offset, out_length):  # type: ignore[no-untyped-def]
    at = 0
    for i in range(rows.size):
        row = rows[i]
        out_offset[i] = at
        at = unescape(buffer, np.intp(offset[row]), np.intp(length[row]), out, at)
        out_length[i] = at - out_offset[i]


def unescaped(buffer: Bytes, spans: Spans) -> tuple[NDArray[np.intp], Bytes, Spans]:
    """The rows whose string holds a backslash, and their texts as strings of a buffer of their own."""
    rows = np.flatnonzero(spans.kind == ESCAPED)
    out = np.zeros(int(spans.length[rows].sum()) + PADDING, np.uint8)
    offset, length = np.empty(rows.size, np.int32), np.empty(rows.size, np.int32)
    _unescape_rows(buffer, rows, spans.offset, spans.length, out, offset, length)
    return rows, out, Spans(np.full(rows.size, STRING, np.uint8), offset, length)
