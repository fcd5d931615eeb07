"""Base rows: the sums of each label set and base bucket, the only thing that is kept of most events.

Bucket β holds the events of (β − 1, β] · width, counted from the grid's offset. A window, its lag and the grid's
interval are whole numbers of buckets, so that every window is exact. Events are added in any order; the rows of closed
ticks queue up in the order of time until the longest window has let them go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.batches import Batch
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.runs import Int32, Int64
from onex_analytics.alerting.cells.saving import Parts
from onex_analytics.alerting.cells.window_kernels import (
    add_flags,
    add_numbers,
    by_label_set,
    cells_at,
    cells_of,
    gather,
    in_order,
    used_cells,
)
from onex_analytics.alerting.grid import Grid

_FEW = 2**16


@dataclass(frozen=True)
class Rows:
    """Sums by bucket and label set, in that order: one row each."""

    buckets: Int64
    keys: Int32
    lanes: Int64  # one row a lane

    def part(self, begin: int, end: int | None = None) -> Rows:
        return Rows(self.buckets[begin:end], self.keys[begin:end], self.lanes[:, begin:end])


@dataclass(frozen=True)
class ByKey:
    """Rows label set by label set."""

    buckets: Int64
    lanes: Int64
    bounds: Int64


@dataclass(frozen=True)
class Span:
    """The ticks of a closing: those after `before`, up to `tick`."""

    grid: Grid
    before: int
    tick: int
    first_event: int  # microseconds: the earliest event of the group
    keys: int = 0

    @property
    def end(self) -> int:
        return self.grid.time(self.tick)


def no_rows(lanes: int) -> Rows:
    return Rows(np.empty(0, np.int64), np.empty(0, np.int32), np.empty((lanes, 0), np.int64))


def in_a_row(parts: list[Rows]) -> Rows:
    """Rows one after the other."""
    parts = [part for part in parts if len(part.buckets)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    return Rows(
        np.concatenate([part.buckets for part in parts]), np.concatenate([part.keys for part in parts]),
        np.concatenate([part.lanes for part in parts], axis=1),
    )  # fmt: skip


def rows_at(
    grid: Grid, width_us: int, times: Int64, keys: Int32, many: int, lanes: list[NDArray[np.generic]], counts: int
) -> Rows:
    """Add up the events of each bucket and label set; rows with nothing in the first `counts` lanes are left out."""
    if not len(times):
        return no_rows(len(lanes))
    low, high = (-((grid.offset_us - int(end)) // width_us) for end in (times.min(), times.max()))
    if _sparse(low, high, many, len(times)):
        buckets = times if width_us == 1 and not grid.offset_us else -((grid.offset_us - times) // width_us)
        return _sorted_rows(buckets, keys, lanes, counts)
    cell = np.empty(len(times), np.int32)
    cells_at(times, keys, grid.offset_us, width_us, low, many, cell)
    return _dense_rows(cell, low, high, many, lanes, counts)


def rows_of(buckets: Int64, keys: Int32, lanes: list[NDArray[np.generic]], counts: int) -> Rows:
    """Add up rows of the same bucket and label set."""
    if not len(buckets):
        return no_rows(len(lanes))
    low, high, many = int(buckets.min()), int(buckets.max()), int(keys.max()) + 1
    if _sparse(low, high, many, len(buckets)):
        return _sorted_rows(buckets, keys, lanes, counts)
    cell = np.empty(len(buckets), np.int32)
    cells_of(buckets, keys, low, many, cell)
    return _dense_rows(cell, low, high, many, lanes, counts)


def _sparse(low: int, high: int, many: int, rows: int) -> bool:
    """Whether a table of all buckets and label sets would be much larger than the rows."""
    cells = (high - low + 1) * many
    return cells > max(4 * rows, _FEW) or cells >= 2**31


def _dense_rows(
    cell: Int32, low: int, high: int, many: int, lanes: list[NDArray[np.generic]], counts: int
) -> Rows:
    cells = (high - low + 1) * many
    sums = np.zeros((len(lanes), cells), np.int64)
    for lane, numbers in enumerate(lanes):
        if numbers.dtype == np.bool_:
            add_flags(cell, numbers.view(np.uint8), sums[lane])
        else:
            add_numbers(cell, numbers, sums[lane])
    most = min(cells, len(cell))
    used, of_bucket, of_key = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int32)
    n = used_cells(sums, counts, low, many, used, of_bucket, of_key)
    return Rows(of_bucket[:n], of_key[:n], _gathered(sums, used[:n]))


def _gathered(lanes: Int64, rows: Int64) -> Int64:
    found = np.empty((len(lanes), len(rows)), np.int64)
    gather(lanes, rows, found)
    return found


def _sorted_rows(buckets: Int64, keys: Int32, lanes: list[NDArray[np.generic]], counts: int) -> Rows:
    if in_order(buckets, keys):  # as events of a log mostly are where each microsecond is a bucket
        found = np.empty((len(lanes), len(buckets)), np.int64)
        for lane, numbers in enumerate(lanes):
            found[lane] = numbers
        used = (found[:counts] != 0).any(axis=0)
        return Rows(buckets, keys, found) if used.all() else Rows(buckets[used], keys[used], found[:, used])
    order = np.lexsort((keys, buckets))
    buckets, keys = buckets[order], keys[order]
    first = np.flatnonzero(np.append(True, (buckets[1:] != buckets[:-1]) | (keys[1:] != keys[:-1])))
    sums = np.stack([np.add.reduceat(numbers[order].astype(np.int64), first) for numbers in lanes])
    used = (sums[:counts] != 0).any(axis=0)
    return Rows(buckets[first[used]], keys[first[used]], sums[:, used])


class Queue:
    """Rows in the order of time: new ones are put behind, old ones let go in front, and few are ever moved."""

    def __init__(self, lanes: int) -> None:
        self._room = no_rows(lanes)
        self._begin, self._end = 0, 0

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def rows(self) -> Rows:
        return self._room.part(self._begin, self._end)

    def let_go(self, last: int) -> None:
        """Drop the rows up to this bucket."""
        self._begin += int(np.searchsorted(self.rows.buckets, last, side="right"))

    def put(self, new: Rows) -> None:
        if self._end + len(new.buckets) > len(self._room.buckets):
            self._move(2 * (len(self) + len(new.buckets)), len(new.lanes))
        begin, self._end = self._end, self._end + len(new.buckets)
        self._room.buckets[begin : self._end] = new.buckets
        self._room.keys[begin : self._end] = new.keys
        self._room.lanes[:, begin : self._end] = new.lanes

    def widen(self, lanes: int) -> None:
        """Have more lanes, with nothing in them so far."""
        self._move(2 * len(self), lanes)

    def _move(self, room: int, lanes: int) -> None:
        held, many = self.rows, len(self)
        self._room = Rows(np.empty(room, np.int64), np.empty(room, np.int32), np.zeros((lanes, room), np.int64))
        self._begin, self._end = 0, many
        self._room.buckets[:many], self._room.keys[:many] = held.buckets, held.keys
        self._room.lanes[: len(held.lanes), :many] = held.lanes

    def between(self, after: int, last: int, keys: int) -> ByKey:
        """The rows of the buckets (after, last], label set by label set."""
        begin, end = (int(place) for place in np.searchsorted(self.rows.buckets, (after, last), side="right"))
        return self._ordered(self._begin + begin, self._begin + end, keys)

    def by_key(self, keys: int) -> ByKey:
        """All rows, label set by label set."""
        return self._ordered(self._begin, self._end, keys)

    def _ordered(self, begin: int, end: int, keys: int) -> ByKey:
        room, many = self._room, end - begin
        bounds, lanes = np.empty(keys + 1, np.int64), np.empty((len(room.lanes), many), np.int64)
        found = ByKey(np.empty(many, np.int64), lanes, bounds)
        by_label_set(room.buckets, room.keys, room.lanes, begin, end, bounds, found.buckets, lanes)
        return found


class Base:
    """The base rows of one `by` and one width of buckets."""

    def __init__(self, grid: Grid, width_us: int, lanes: Lanes, keep: int) -> None:
        self.grid, self.width_us, self.lanes = grid, width_us, lanes
        self.keep = keep  # buckets that the longest window reaches back
        self.weighted = False
        self.queue = Queue(lanes.plain)
        self.new = no_rows(lanes.plain)
        self._open: list[Rows] = []
        self._merged = 0
        self._by_key: ByKey | None = None

    def take(self, batch: Batch) -> None:
        """Add events of ticks that are not closed yet."""
        if batch.weights is not None and not self.weighted:
            self.add_weights()
        lanes = self.lanes.of(batch, self.weighted)
        counts = len(self.lanes.counted)
        self.add(rows_at(self.grid, self.width_us, batch.times, batch.keys, batch.many, lanes, counts))

    def add(self, rows: Rows) -> None:
        """Add rows of ticks that are not closed yet."""
        self._open.append(rows)
        if sum(len(held.buckets) for held in self._open) > 4 * self._merged + 2**20:
            self._open = [self._merge()]
            self._merged = len(self._open[0].buckets)

    def _merge(self) -> Rows:
        if not self._open:
            return self.new.part(0, 0)
        if len(self._open) == 1:
            return self._open[0]
        if len(self._open) > 2:
            return self._added_up(self._open)
        one, other = sorted(self._open, key=lambda held: int(held.buckets[0]) if len(held.buckets) else 0)
        if not len(one.buckets) or not len(other.buckets):
            return other if len(other.buckets) else one
        # where one goes on behind the other, few buckets are in both
        begin = int(np.searchsorted(one.buckets, other.buckets[0]))
        end = int(np.searchsorted(other.buckets, one.buckets[-1], side="right"))
        both = [one.part(begin), other.part(0, end)]
        return in_a_row([one.part(0, begin), *([self._added_up(both)] if end else both), other.part(end)])

    def _added_up(self, parts: list[Rows]) -> Rows:
        held = in_a_row(parts)
        return rows_of(held.buckets, held.keys, list(held.lanes), len(self.lanes.counted))

    def add_weights(self) -> None:
        """Have lanes for events that stand for more or less than themselves."""
        self.weighted = True
        more = 2 * len(self.lanes.counted)
        self.queue.widen(self.lanes.weighted)
        self.new, *self._open = (
            Rows(held.buckets, held.keys, np.concatenate([held.lanes, np.zeros((more, len(held.keys)), np.int64)]))
            for held in (self.new, *self._open)
        )

    def last_bucket(self, tick: int) -> int:
        """The last bucket whose events are not after this tick."""
        return tick * self.grid.interval_us // self.width_us

    def close(self, span: Span) -> None:
        """Move the rows of the closing's ticks to the queue, and let go of those that no window holds any more."""
        merged = self._merge()
        end = int(np.searchsorted(merged.buckets, self.last_bucket(span.tick), side="right"))
        self.new = merged.part(0, end)
        rest = merged.part(end)
        self._open, self._merged = ([rest] if len(rest.buckets) else []), len(rest.buckets)
        self.queue.let_go(self.last_bucket(span.before) - self.keep)
        self.queue.put(self.new)
        self._by_key = None

    def by_key(self, keys: int) -> ByKey:
        """All rows in the queue, label set by label set; made once a closing."""
        if self._by_key is None:
            self._by_key = self.queue.by_key(keys)
        return self._by_key

    def state(self) -> Parts:
        parts: Parts = {"weighted": np.array([self.weighted])}
        for name, rows in (("rows", self.queue.rows), ("open", self._merge())):
            parts |= {f"{name}_buckets": rows.buckets, f"{name}_keys": rows.keys, f"{name}_lanes": rows.lanes}
        return parts

    def restore(self, parts: Parts) -> None:
        found = {name: np.asarray(part) for name, part in parts.items()}
        self.weighted = bool(found["weighted"][0])
        rows, held = (
            Rows(found[f"{name}_buckets"], found[f"{name}_keys"], found[f"{name}_lanes"]) for name in ("rows", "open")
        )
        self.queue, self.new = Queue(len(rows.lanes)), rows.part(0, 0)
        self.queue.put(rows)
        self._open = [held]
        self._by_key = None
