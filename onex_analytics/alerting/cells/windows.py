"""Sums over windows: what entered less what left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from onex_analytics.alerting.cells.anew_kernels import slide_anew, slide_anew_counts
from onex_analytics.alerting.cells.base_rows import Base, Span
from onex_analytics.alerting.cells.batches import Match
from onex_analytics.alerting.cells.lanes import Columns, Lanes, LaneSum, share
from onex_analytics.alerting.cells.runs import Float64, Int64
from onex_analytics.alerting.cells.saving import Parts
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.window_kernels import places_after, slide
from onex_analytics.alerting.conditions import When

OPS = (">", ">=", "<", "<=", "==", "!=")
_WORTH = 8  # all rows are laid out label set by label set only where that many times the new ones are not more


def grown(array: np.ndarray, rows: int) -> np.ndarray:
    """The array with at least so many rows, zeros behind what it had."""
    if len(array) >= rows:
        return array
    found = np.zeros((max(rows, 2 * len(array)), *array.shape[1:]), array.dtype)
    found[: len(array)] = array
    return found


class MovingRows(NamedTuple):
    """The rows that enter a window in a closing, and those that leave it: of each label set from begin to end."""

    buckets_in: Int64
    lanes_in: Int64
    in_begin: Int64
    in_end: Int64
    buckets_out: Int64
    lanes_out: Int64
    out_begin: Int64
    out_end: Int64


class Window:
    """The sums of some lanes of a base over (t − lag − width, t − lag]."""

    def __init__(self, lanes: Lanes, width_us: int, lag_us: int = 0) -> None:
        self.lanes, self.width_us, self.lag_us = lanes, width_us, lag_us
        self.base: Base
        self.sums = np.zeros((0, lanes.weighted), np.int64)
        self.born = np.zeros(0, np.uint8)

    def stand_on(self, base: Base) -> None:
        """Take the rows of this base, whose buckets divide the window."""
        self.base = base
        self._enter = self.lag_us // base.width_us
        self._leave = (self.lag_us + self.width_us) // base.width_us

    @property
    def matches(self) -> tuple[Match, ...]:
        """What an event has to be to be seen."""
        return self.lanes.counted

    def close(self, span: Span) -> Steps:
        """The steps of the closing's ticks; a label set is born with the first event that the first lane counts."""
        base, keys = self.base, span.keys
        self.sums, self.born = grown(self.sums, keys), grown(self.born, keys)
        chosen = self.lanes.within(base.lanes, base.weighted)
        rows = self._rows(span)
        most = self.steps_at_most(rows) + keys
        bounds, ticks = np.empty(keys + 1, np.int64), np.empty(most, np.int64)
        values = np.empty((len(chosen), most), np.int64)
        n = slide(
            *rows, chosen, base.grid.interval_us // base.width_us, self._enter, self._leave, span.before, self.sums,
            self.born, bounds, ticks, values,
        )  # fmt: skip
        return Steps(bounds, ticks[:n], tuple(values[:, :n]))

    def steps_at_most(self, rows: MovingRows) -> int:
        """How many steps the rows can make, beside one of each label set."""
        return int((rows.in_end - rows.in_begin).sum() + (rows.out_end - rows.out_begin).sum())

    def _rows(self, span: Span) -> MovingRows:
        base, keys = self.base, span.keys
        before, last = base.last_bucket(span.before), base.last_bucket(span.tick)
        if len(base.queue) <= _WORTH * len(base.new.buckets):
            entering = leaving = base.by_key(keys)
            places = [
                _places(entering.buckets, entering.bounds, bucket)
                for bucket in (before - self._enter, last - self._enter, before - self._leave, last - self._leave)
            ]
        else:
            entering = base.queue.between(before - self._enter, last - self._enter, keys)
            leaving = base.queue.between(before - self._leave, last - self._leave, keys)
            places = [entering.bounds[:-1], entering.bounds[1:], leaving.bounds[:-1], leaving.bounds[1:]]
        return MovingRows(
            entering.buckets, entering.lanes, places[0], places[1], leaving.buckets, leaving.lanes, places[2], places[3]
        )

    def state(self) -> Parts:
        return {"sums": self.sums, "born": self.born}

    def restore(self, parts: Parts) -> None:
        self.sums, self.born = np.array(parts["sums"]), np.array(parts["born"])


@dataclass(frozen=True)
class Value:
    """How a value comes of lanes: the sum of some of them, over that of others where there are any."""

    part: LaneSum
    over: LaneSum | None = None
    factor: float = 1.0
    empty_is_none: bool = False

    def of(self, columns: Columns) -> Float64:
        """The values of all steps; NaN where there is no data."""
        found = self.part.of(columns)
        if self.over is not None:
            return share(found, self.over.of(columns))
        if self.empty_is_none:
            found = np.where(columns[0] > 0, found, np.nan)
        return found if self.factor == 1 else found * self.factor


class WindowAnew(Window):
    """As a window, for one rule that is evaluated at each event: what was there when it matched is forgotten."""

    def __init__(self, lanes: Lanes, width_us: int, value: Value, when: When) -> None:
        super().__init__(lanes, width_us)
        self._value, self._when = value, when
        self._matched = np.zeros(0, np.int64)

    def close(self, span: Span) -> Steps:
        base, keys, value, when = self.base, span.keys, self._value, self._when
        self.sums, self.born = grown(self.sums, keys), grown(self.born, keys)
        self._matched = grown(self._matched, keys)
        chosen = self.lanes.within(base.lanes, base.weighted)
        rows = self._rows(span)
        most = 2 * self.steps_at_most(rows) + keys
        bounds, ticks = np.empty(keys + 1, np.int64), np.empty(most, np.int64)
        values = np.empty((len(chosen), most), np.int64)
        if len(chosen) == 1 and value.over is None and not value.empty_is_none:
            lanes = (rows.lanes_in[chosen[0]], rows.lanes_out[chosen[0]])
            n = slide_anew_counts(
                rows.buckets_in, lanes[0], rows.in_begin, rows.in_end, rows.buckets_out, lanes[1], rows.out_begin,
                rows.out_end, self._leave, span.before, span.tick, value.factor, OPS.index(when.op), when.threshold,
                when.min_count, self.sums, self.born, self._matched, bounds, ticks, values[0],
            )  # fmt: skip
            return Steps(bounds, ticks[:n], (values[0, :n],))
        over = LaneSum((), ()) if value.over is None else value.over
        n = slide_anew(
            *rows, chosen, self._leave, span.before, span.tick, *value.part.within(len(chosen)),
            *over.within(len(chosen)), value.factor, value.empty_is_none, OPS.index(when.op), when.threshold,
            when.min_count, when.no_data == "alert", self.sums, self.born, self._matched, bounds, ticks, values,
        )  # fmt: skip
        return Steps(bounds, ticks[:n], tuple(values[:, :n]))

    def state(self) -> Parts:
        return {**super().state(), "matched": self._matched}

    def restore(self, parts: Parts) -> None:
        super().restore(parts)
        self._matched = np.array(parts["matched"])


def _places(buckets: Int64, bounds: Int64, last: int) -> Int64:
    found = np.empty(len(bounds) - 1, np.int64)
    places_after(buckets, bounds, last, found)
    return found
