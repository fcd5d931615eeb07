"""Rows taken from columns in many chunks, or from several columns, without making these one.

A column of texts is an array of views (a length, and the text itself up to 12 bytes, else its first 4 bytes, a buffer
and a place in it: Arrow's "variable-size binary view") beside buffers of bytes. To take rows is to copy views; the
buffers are shared. Polars does the same for a column in one chunk; of many it would first write all views anew. Memory
that is touched for the first time costs several times what is written there; what Arrow hands out comes in large pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.machine import lean, load

if TYPE_CHECKING:
    import pyarrow as pa

NOBODY = np.iinfo(np.uint32).max
"""Stands for a place that is none."""

_MANY = 1 << 15
"""Rows from which on it pays not to make them one."""

_NUMBERS = (pl.Float64, pl.Int64, pl.UInt64)
_NUMBER_BYTES = 8
_VIEW_BYTES = 16
_INLINE_BYTES = 12


def taken(columns: Sequence[pl.Series], chosen: NDArray[np.uint32]) -> pl.Series:
    """Values by their places among those of some columns, one after another; null where a place is `NOBODY`.

    The values at the places that are chosen must not be null.

    >>> long = pl.Series(["a text of more than 12 bytes", "b"])
    >>> taken([pl.Series(["c", "d"]), long], np.array([1, 2, NOBODY], np.uint32)).to_list()
    ['d', 'a text of more than 12 bytes', None]
    """
    rows = sum(map(len, columns))
    if rows >= _MANY and columns[0].dtype == pl.String:
        return _of_chunks(columns, chosen, _VIEW_BYTES)
    if rows >= _MANY and columns[0].dtype in _NUMBERS:
        return _of_chunks(columns, chosen, _NUMBER_BYTES)
    nothing = pl.Series([None], dtype=columns[0].dtype)
    whole = pl.concat([*columns, nothing], rechunk=True)
    return whole.gather(pl.Series(np.minimum(chosen, np.uint32(rows))))


def worded(words: Sequence[str], codes: NDArray[np.integer]) -> pl.Series:
    """The word that each code is the place of; null for a negative one.

    >>> worded(["no", "yes"], np.array([1, 0, -1])).to_list()
    ['yes', 'no', None]
    """
    return _of_chunks([pl.Series(words, dtype=pl.String)], codes.astype(np.uint32), _VIEW_BYTES)


def _of_chunks(columns: Sequence[pl.Series], chosen: NDArray[np.uint32], width: int) -> pl.Series:
    import pyarrow as pa

    newest = pl.CompatLevel.newest()
    chunks = [chunk.to_arrow(compat_level=newest) for column in columns for chunk in column.get_chunks() if len(chunk)]
    if not chunks:
        return columns[0].clear(chosen.size)
    held = [chunk.buffers() for chunk in chunks]
    begins = np.cumsum([0, *map(len, chunks)])
    places = np.array([h[1].address + c.offset * width for c, h in zip(chunks, held, strict=True)], np.uint64)
    out = pa.allocate_buffer(chosen.size * width)  # which any thread may give back, as it may not what Python owns
    beside: list[pa.Buffer] = []
    if width == _VIEW_BYTES:
        ahead = np.cumsum([0, *(len(buffers) - 2 for buffers in held)]).astype(np.uint64)
        missing = _copy_views(chosen, begins, places, ahead, np.frombuffer(out, np.uint64))
        beside = [buffer for buffers in held for buffer in buffers[2:]]
    else:
        missing = _copy_numbers(chosen, begins, places, np.frombuffer(out, np.uint64))
    validity = _validity(chosen) if missing else None
    return pl.Series(columns[0].name, pa.Array.from_buffers(chunks[0].type, chosen.size, [validity, out, *beside]))


def _validity(chosen: NDArray[np.uint32]) -> pa.Buffer:
    """One bit a row, zero for null."""
    import pyarrow as pa

    bits = pa.allocate_buffer((chosen.size + 7) // 8)
    np.frombuffer(bits, np.uint8)[:] = np.packbits(chosen != NOBODY, bitorder="little")
    return bits


@lean
def _chunk_of(row, begins, chunk):  # type: ignore[no-untyped-def]
    """The chunk that a row is in; it is mostly the one of the row before."""
    if begins[chunk] <= row < begins[chunk + 1]:
        return chunk
    low, high = 0, begins.size - 2
    while low < high:
        middle = (low + high + 1) // 2
        if begins[middle] <= row:
            low = middle
        else:
            high = middle - 1
    return low


@lean
def _copy_views(chosen, begins, places, ahead, out):  # type: ignore[no-untyped-def]
    """Copy the views of some rows; buffers are numbered as those of all chunks, one chunk after another.

    How many rows are none.
    """
    chunk, missing = 0, 0
    for at in range(chosen.size):
        row = np.int64(chosen[at])
        if row == NOBODY:
            out[2 * at] = np.uint64(0)
            out[2 * at + 1] = np.uint64(0)
            missing += 1
            continue
        chunk = _chunk_of(row, begins, chunk)
        place = places[chunk] + np.uint64(_VIEW_BYTES * (row - begins[chunk]))
        first, second = load(place, 8), load(place + np.uint64(8), 8)
        if np.uint32(first) > _INLINE_BYTES:
            second += ahead[chunk]  # the buffer is its lower half
        out[2 * at] = first
        out[2 * at + 1] = second
    return missing


@lean
def _copy_numbers(chosen, begins, places, out):  # type: ignore[no-untyped-def]
    """Copy the numbers of some rows, of 8 bytes each; how many rows are none."""
    chunk, missing = 0, 0
    for at in range(chosen.size):
        row = np.int64(chosen[at])
        if row == NOBODY:
            out[at] = np.uint64(0)
            missing += 1
            continue
        chunk = _chunk_of(row, begins, chunk)
        out[at] = load(places[chunk] + np.uint64(_NUMBER_BYTES * (row - begins[chunk])), 8)
    return missing
