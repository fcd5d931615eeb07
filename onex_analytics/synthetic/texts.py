"""Columns of text without a loop over rows: ids and times of fixed width, and pieces picked from small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from onex_analytics.synthetic.draws import Ints

Bytes = NDArray[np.uint8]


def _table(texts: Sequence[str]) -> Bytes:
    return np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), -1)


_HEX = _table([f"{i:04x}" for i in range(65536)])
_CLOCK = _table([f"{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}" for i in range(86400)])
_THREE = _table([f"{i:03d}" for i in range(1000)])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000


def hexadecimal(words: NDArray[np.uint16]) -> Bytes:
    """Rows of 16-bit words as rows of hexadecimal digits, four a word."""
    n, width = words.shape
    return _HEX[words].reshape(n, width * 4)


def as_uuid4(words: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Rows of eight random words with the version and variant of a UUIDv4."""
    marked = words.copy()
    marked[:, 3] = (marked[:, 3] & 0x0FFF) | 0x4000
    marked[:, 4] = (marked[:, 4] & 0x3FFF) | 0x8000
    return marked


def uuids(words: NDArray[np.uint16]) -> Bytes:
    """Rows of eight words as UUID text, 36 wide."""
    digits = hexadecimal(words)
    out = np.full((len(words), 36), ord("-"), dtype=np.uint8)
    for at, start, stop in ((0, 0, 8), (9, 8, 12), (14, 12, 16), (19, 16, 20), (24, 20, 32)):
        out[:, at:at + stop - start] = digits[:, start:stop]
    return out


def times(epoch_us: Ints, separator: str = "T") -> Bytes:
    """Microseconds since 1970 as `2026-11-23T07:04:16.364278`, 26 wide."""
    day = epoch_us // DAY_US
    within = epoch_us - day * DAY_US
    out = np.empty((len(epoch_us), 26), dtype=np.uint8)
    if len(epoch_us):
        first = int(day.min())
        dates = _table([f"{_EPOCH + timedelta(days=d):%Y-%m-%d}" for d in range(first, int(day.max()) + 1)])
        out[:, :10] = dates[day - first]
    out[:, 10] = ord(separator)
    second = within // 1_000_000
    out[:, 11:19] = _CLOCK[second]
    out[:, 19] = ord(".")
    micro = within - second * 1_000_000
    out[:, 20:23] = _THREE[micro // 1000]
    out[:, 23:] = _THREE[micro % 1000]
    return out


def joined(*parts: str | Bytes) -> pl.Series:
    """Constant texts and columns of fixed width side by side, as one column of text."""
    rows = next(len(part) for part in parts if not isinstance(part, str))
    widths = [len(part) if isinstance(part, str) else part.shape[1] for part in parts]
    out = np.empty((rows, sum(widths)), dtype=np.uint8)
    at = 0
    for part, width in zip(parts, widths, strict=True):
        out[:, at:at + width] = np.frombuffer(part.encode("ascii"), dtype=np.uint8) if isinstance(part, str) else part
        at += width
    return column(out)


def column(rows: Bytes) -> pl.Series:
    """Rows of ASCII bytes as a column of text."""
    n, width = rows.shape
    offsets = np.arange(n + 1, dtype=np.int64) * width
    array = pa.LargeStringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows)))
    return pl.Series(pl.from_arrow(array), dtype=pl.String)


def picked(table: Sequence[str] | pl.Series, index: NDArray[Any]) -> pl.Series:
    """The entries of a small table by index."""
    texts = table if isinstance(table, pl.Series) else pl.Series(table, dtype=pl.String)
    return texts.gather(pl.Series(index.astype(np.uint32)))


def replaced(base: pl.Series, rows: NDArray[Any], texts: pl.Series | str) -> pl.Series:
    """`base` with other texts in the given rows (indexes)."""
    if len(rows) == 0:
        return base
    index = np.arange(len(base), dtype=np.uint32)
    if isinstance(texts, str):
        index[rows] = len(base)
        texts = pl.Series([texts])
    else:
        index[rows] = len(base) + np.arange(len(rows), dtype=np.uint32)
    return pl.concat([base, texts], rechunk=False).gather(pl.Series(index))


def glued(*parts: pl.Series | str) -> pl.Series:
    """Columns and constant texts glued row by row."""
    named = {f"c{i}": part for i, part in enumerate(parts) if isinstance(part, pl.Series)}
    pieces = [pl.col(f"c{i}") if isinstance(part, pl.Series) else pl.lit(part) for i, part in enumerate(parts)]
    return pl.DataFrame(named).select(text=pl.concat_str(pieces)).to_series()


def plain_bytes(lines: pl.Series, end: str = "\n", instead: Mapping[int, bytes] | None = None) -> bytes:
    """The texts one after the other, each with `end` behind it; other bytes `instead` of some of them, by row."""
    if lines.is_empty():
        return b""
    array = glued(lines, end).rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    if not instead:
        return bytes(data.to_pybytes())
    starts = np.frombuffer(offsets, dtype=np.int64)
    whole, at = memoryview(data), 0
    parts: list[memoryview | bytes] = []
    for row, other in sorted(instead.items()):
        parts += [whole[at:starts[row]], other, end.encode()]
        at = int(starts[row + 1])
    return b"".join([*parts, whole[at:int(starts[len(lines)])]])
