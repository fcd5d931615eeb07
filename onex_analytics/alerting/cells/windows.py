"""Sums over windows: what entered less what left."""

from __future__ import annotations

import numpy as np

from onex_analytics.alerting.cells.base import Base, Span
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.saving import Parts
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.window_kernels import places_after, slide

_WORTH = 8  # all rows are laid out label set by label set only where that many times the new ones are not more


def grown(array: np.ndarray, rows: int) -> np.ndarray:
    """The array with at least so many rows, zeros behind what it had."""
    if len(array) >= rows:
        return array
    found = np.zeros((max(rows, 2 * len(array)), *array.shape[1:]), array.dtype)
    found[: len(array)] = array
    return found


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

    def close(self, span: Span) -> Steps:
        """The steps of the closing's ticks; a label set is born with the first event that the first lane counts."""
        base, keys = self.base, span.keys
        self.sums, self.born = grown(self.sums, keys), grown(self.born, keys)
        chosen = self.lanes.within(base.lanes, base.weighted)
        before, last = base.last_bucket(span.before), base.last_bucket(span.tick)
        if len(base.rows.buckets) <= _WORTH * len(base.new.buckets):
            entering = leaving = base.all_by_key(keys)
            places = [
                _places(entering.buckets, entering.bounds, bucket)
                for bucket in (before - self._enter, last - self._enter, before - self._leave, last - self._leave)
            ]
        else:
            entering = base.between(before - self._enter, last - self._enter, keys)
            leaving = base.between(before - self._leave, last - self._leave, keys)
            places = [entering.bounds[:-1], entering.bounds[1:], leaving.bounds[:-1], leaving.bounds[1:]]
        most = int((places[1] - places[0]).sum() + (places[3] - places[2]).sum()) + keys
        bounds, ticks = np.empty(keys + 1, np.int64), np.empty(most, np.int64)
        values = np.empty((len(chosen), most), np.int64)
        n = slide(
            entering.buckets, entering.lanes, places[0], places[1], leaving.buckets, leaving.lanes, places[2],
            places[3], chosen, base.grid.interval_us // base.width_us, self._enter, self._leave, span.before,
            self.sums, self.born, bounds, ticks, values,
        )  # fmt: skip
        return Steps(bounds, ticks[:n], tuple(values[:, :n]))

    def state(self) -> Parts:
        return {"sums": self.sums, "born": self.born}

    def restore(self, parts: Parts) -> None:
        self.sums, self.born = np.array(parts["sums"]), np.array(parts["born"])


def _places(buckets: Int64, bounds: Int64, last: int) -> Int64:
    found = np.empty(len(bounds) - 1, np.int64)
    places_after(buckets, bounds, last, found)
    return found
