"""Counting numbers into the buckets of a sketch, batch by batch, on all cores.

Each thread has a table of its own: a row a group, a column a bucket, as wide as what it has seen. Its counts are bytes,
so that a cache holds them, and carry into a second table once in 256 numbers. Where a table would grow too large (very
many groups, or numbers of all magnitudes), and for numbers below zero, pairs of group and bucket are counted by sorting
them.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.buckets import (
    INFINITE,
    LEAST_NORMAL,
    SCALE,
    Bounds,
    Values,
    bounds,
    bucket_of,
    known_scale,
    place,
    place_subnormal,
)
from onex_analytics.frames.grouping import Codes
from onex_analytics.machine import lean

_LARGEST_TABLE = 1 << 22
_MARGIN = 32
_BYTE = 256
_NONE = np.zeros((0, 0))
_TOO_LOW = np.int64(1) << np.int64(40)
_SHIFT = np.int64(1) << np.int64(31)

COUNTED = pl.Schema({"sign": pl.Int8(), "bucket": pl.Int32(), "n": pl.UInt64(), "weight": pl.Float64()})


class _Table:
    """Counts of one thread: `[group, 0]` of zeros, `[group, 1 + bucket − low]` of positive numbers.

    What was counted is `counts` and 256 times `carried`.
    """

    def __init__(self) -> None:
        self.low = 0
        self.counts = np.zeros((0, 1), np.uint8)
        self.carried = np.zeros((0, 1), np.uint32)
        self.weights: Values | None = None

    @property
    def total(self) -> NDArray[np.uint64]:
        return self.counts + self.carried * np.uint64(_BYTE)

    def grown(self, rows: int, low: int, high: int) -> bool:
        """Make room for that many groups and for the buckets from `low` to `high`; False where it is too much."""
        have_rows, have = self.counts.shape[0], self.counts.shape[1] - 1
        if rows <= have_rows and (high < low or (have and low >= self.low and high < self.low + have)):
            return True
        if high >= low:
            low, high = low - _MARGIN, high + _MARGIN
            first, last = (min(low, self.low), max(high, self.low + have - 1)) if have else (low, high)
        else:
            first, last = self.low, self.low + have - 1
        rows = max(rows, have_rows)
        rows = 2 * rows if rows > have_rows > 0 else rows
        if rows * (last - first + 2) > _LARGEST_TABLE:
            return False
        self.counts = self._moved(self.counts, rows, first, last)
        self.carried = self._moved(self.carried, rows, first, last)
        if self.weights is not None:
            self.weights = self._moved(self.weights, rows, first, last)
        self.low = first
        return True

    def _moved(self, old: NDArray[Any], rows: int, first: int, last: int) -> NDArray[Any]:
        new = np.zeros((rows, last - first + 2), old.dtype)
        _add(new, old, self.low - first if old.shape[1] > 1 else 0)
        return new


class SketchCounter:
    """Numbers of many groups, counted into the buckets of one scale. Threads may add at the same time.

    Not `signed`: what is below zero is not counted.
    """

    def __init__(self, scale: int = SCALE, *, signed: bool = True) -> None:
        self.scale = known_scale(scale)
        self.signed = signed
        self._tables: dict[int, _Table] = {}
        self._sorted: list[pl.DataFrame] = []

    def add(self, codes: Codes, values: Values, weights: Values | None = None) -> None:
        """Count the values whose code is not −1; NaN and infinities have no bucket and are not counted.

        A weight says how many numbers one stands for; None means one each.
        """
        if not len(codes):
            return
        table = self._tables.setdefault(get_ident(), _Table())
        if weights is not None and table.weights is None:
            table.weights = table.total.astype(np.float64)
        each = np.ones(len(codes) if table.weights is not None else 0) if weights is None else weights
        begin, below_zero = 0, False
        while begin < len(codes):
            taken, below = _count(
                codes[begin:], values[begin:], each[begin:], self.scale, bounds(self.scale), table.low, table.counts,
                table.carried, _NONE if table.weights is None else table.weights,
            )  # fmt: skip
            begin, below_zero = begin + taken, below_zero or below
            if begin < len(codes) and not self._make_room(table, codes[begin:], values[begin:]):
                break
        if begin < len(codes) or (below_zero and self.signed):
            to_sort = np.isfinite(values) & ((np.arange(len(codes)) >= begin) | (values < 0))
            if not self.signed:
                to_sort &= values >= 0
            self._sort(codes, values, weights, to_sort)

    def _make_room(self, table: _Table, codes: Codes, values: Values) -> bool:
        """Let the table hold all these numbers; False where that is too much."""
        least, most = _extremes(codes, values)
        low, high = bucket_of(np.array([least, most]), self.scale).tolist() if most > 0 else (0, -1)
        return table.grown(int(codes.max()) + 1, low, high)

    def counted(self, codes: Codes) -> pl.DataFrame:
        """The buckets of the groups `codes` that are not empty: `_place` (which of `codes`) and `COUNTED`.

        Ordered by place, then by the numbers that the bucket holds.
        """
        told = list(self._tables.values())
        wide = [table for table in told if table.counts.shape[1] > 1]
        low = min((table.low for table in wide), default=0)
        high = max((table.low + table.counts.shape[1] - 2 for table in wide), default=-1)
        size = max([int(codes.max(initial=-1)) + 1, *(table.counts.shape[0] for table in told)])
        counts = np.zeros((size, high - low + 2), np.uint64)
        weights = np.zeros(counts.shape) if any(table.weights is not None for table in told) else None
        for table in told:
            _add_up(counts, table.counts, table.carried, table.low - low)
            if weights is not None:
                _add(weights, table.total if table.weights is None else table.weights, table.low - low)
        filled = int(np.count_nonzero(counts, axis=1)[codes].sum())
        place, bucket, sign = np.empty(filled, np.int32), np.empty(filled, np.int32), np.empty(filled, np.int8)
        n, weight = np.empty(filled, np.uint64), np.empty(filled)
        _tell(codes, counts, _NONE if weights is None else weights, low, place, sign, bucket, n, weight)
        dense = pl.DataFrame({"_place": place, "sign": sign, "bucket": bucket, "n": n, "weight": weight})
        if not self._sorted:
            return dense
        places = pl.DataFrame({"_code": codes, "_place": np.arange(len(codes), dtype=np.int32)})
        sparse = pl.concat(self._sorted).join(places, on="_code").select(dense.columns)
        both = pl.concat([dense, sparse]).group_by("_place", "sign", "bucket").agg(pl.col("n", "weight").sum())
        return both.sort("_place", in_order())

    def _sort(self, codes: Codes, values: Values, weights: Values | None, chosen: NDArray[np.bool_]) -> None:
        chosen &= codes >= 0
        part = values[chosen]
        found = pl.DataFrame({
            "_code": codes[chosen],
            "sign": np.sign(part).astype(np.int8),
            "bucket": np.where(part == 0, np.int32(0), bucket_of(part, self.scale)),
            "weight": np.ones(len(part)) if weights is None else weights[chosen],
        })  # fmt: skip
        self._sorted.append(
            found.group_by("_code", "sign", "bucket").agg(
                pl.len().cast(pl.UInt64).alias("n"), pl.col("weight").sum()
            )
        )


def _add(total: NDArray[Any], part: NDArray[Any], offset: int) -> None:
    rows, columns = part.shape
    total[:rows, 0] += part[:, 0]
    total[:rows, 1 + offset : offset + columns] += part[:, 1:]


def in_order() -> pl.Expr:
    """A number for each bucket that grows with the numbers it holds; reads `sign` and `bucket`."""
    return pl.col("sign").cast(pl.Int64) * (pl.col("bucket").cast(pl.Int64) + int(_SHIFT))


@lean
def _add_up(total: NDArray[np.uint64], counts: NDArray[np.uint8], carried: NDArray[np.uint32], offset: int) -> None:
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            n = np.uint64(counts[row, column]) + np.uint64(carried[row, column]) * np.uint64(_BYTE)
            total[row, column + offset if column > 0 else 0] += n


@lean
def _tell(
    codes: Codes, counts: NDArray[np.uint64], weights: Values, low: int,
    place: Codes, sign: NDArray[np.int8], bucket: Codes, n: NDArray[np.uint64], weight: Values,
) -> None:  # fmt: skip
    """Write down the buckets of `codes` that are not empty, for which there is just enough room."""
    weighed = weights.shape[0] > 0
    told = 0
    for at in range(codes.shape[0]):
        for column in range(counts.shape[1]):
            count = counts[codes[at], column]
            if count != 0:
                place[told] = at
                sign[told] = column > 0
                bucket[told] = column - 1 + low if column > 0 else 0
                n[told] = count
                weight[told] = weights[codes[at], column] if weighed else np.float64(count)
                told += 1


@lean
def _extremes(codes: Codes, values: Values) -> tuple[float, float]:
    """The least and the greatest positive number."""
    least, most = np.inf, 0.0
    for i in range(codes.shape[0]):
        value = values[i]
        if codes[i] >= 0 and value > 0 and value < np.inf:
            least = min(least, value)
            most = max(most, value)
    return least, most


@njit(nogil=True, cache=True, inline="always")
def _column(bits: np.uint64, scale: int, bounds: Bounds, low: int) -> np.int64:
    """The column of the table, beyond all columns where there is none; −1 for a number that has none."""
    if bits - LEAST_NORMAL < INFINITE - LEAST_NORMAL:
        column = place(bits, scale, bounds) - low + 1
    elif bits - np.uint64(1) < LEAST_NORMAL:
        column = place_subnormal(bits, scale, bounds) - low + 1
    else:
        return np.int64(0) if bits << np.uint64(1) == 0 else np.int64(-1)
    return column if column > 0 else _TOO_LOW


@lean
def _count(
    codes: Codes, values: Values, weights: Values, scale: int, bounds: Bounds, low: int,
    counts: NDArray[np.uint8], carried: NDArray[np.uint32], weighed: Values,
) -> tuple[int, bool]:  # fmt: skip
    """Count zeros and positive numbers up to the first that the table has no room for; no `weights`: each is one.

    Returns its row, and whether one before it was below zero.
    """
    below_zero = False
    some_weights = weights.shape[0] > 0
    bits = values.view(np.uint64)
    rows, columns = counts.shape
    for i in range(codes.shape[0]):
        code = codes[i]
        if code < 0:
            continue
        column = _column(bits[i], scale, bounds, low)
        if column < 0:
            below_zero |= values[i] < 0
            continue
        if code >= rows or column >= columns:
            return i, below_zero
        cell = np.uint64(code), np.uint64(column)
        counts[cell] += np.uint8(1)
        if counts[cell] == 0:
            carried[cell] += np.uint32(1)
        if some_weights:
            weighed[cell] += weights[i]
    return codes.shape[0], below_zero
