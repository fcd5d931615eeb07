"""Sums of what is active for a time of its own: they change where something begins or ends."""

from __future__ import annotations

import numpy as np

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.saving import Parts
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.window_kernels import add_up
from onex_analytics.alerting.cells.windows import grown


class Deltas:
    """Carried sums; a label set is born when its first lane has something."""

    def __init__(self, lanes: int) -> None:
        self.sums = np.zeros((0, lanes), np.int64)
        self.born = np.zeros(0, np.uint8)

    def intervals(self, span: Span, keys: Int64, begin: Int64, end: Int64, lanes: Int64) -> Steps:
        """The steps where each row is active at the ticks [begin, end); what lies outside of the closing is known."""
        some = begin < end
        entering = some & (begin > span.before) & (begin <= span.tick)
        leaving = some & (end > span.before) & (end <= span.tick)
        return self.steps(
            span,
            np.concatenate([keys[entering], keys[leaving]]),
            np.concatenate([begin[entering], end[leaving]]),
            np.concatenate([lanes[:, entering], -lanes[:, leaving]], axis=1),
        )

    def steps(self, span: Span, keys: Int64, ticks: Int64, changes: Int64) -> Steps:
        """The steps where the sums change so at these ticks, given in any order."""
        self.sums, self.born = grown(self.sums, span.keys), grown(self.born, span.keys)
        order = np.lexsort((ticks, keys))
        begin = np.searchsorted(keys[order], np.arange(span.keys + 1))
        most = len(order) + span.keys
        bounds, told = np.empty(span.keys + 1, np.int64), np.empty(most, np.int64)
        values = np.empty((len(changes), most), np.int64)
        n = add_up(
            begin, ticks[order], np.ascontiguousarray(changes[:, order]), span.before, self.sums, self.born, bounds,
            told, values,
        )  # fmt: skip
        return Steps(bounds, told[:n], tuple(values[:, :n]))

    def state(self) -> Parts:
        return {"sums": self.sums, "born": self.born}

    def restore(self, parts: Parts) -> None:
        self.sums, self.born = np.array(parts["sums"], np.int64), np.array(parts["born"], np.uint8)


def ticks_at_or_after(span: Span, times: Int64) -> Int64:
    """The first tick that sees an event of each time."""
    return -((span.grid.offset_us - times) // span.grid.interval_us)
