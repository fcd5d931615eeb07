"""Operations with all their witnesses: in a window each speaks once, through the worst of its events."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Base, Span, rows_of
from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.order_kernels import speak_for_operations
from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Waiting, numbered
from onex_analytics.alerting.cells.windows import Window
from onex_analytics.alerting.grid import Grid

OPERATION = {"node": pl.String(), "correlation_id": pl.String(), "severity": pl.Int8()}
_WORST = {"start": 1, "success": 2, "soft_failure": 3, "failure": 4}


def operation_columns(batch: Batch) -> dict[str, pl.Series]:
    """What tells operations apart, and how bad an event is."""
    severity = pl.col("outcome").replace_strict(_WORST, default=0, return_dtype=pl.Int8).fill_null(0)
    found = batch.events.select("node", "correlation_id", severity.alias("severity"))
    return {one.name: one for one in found}


@dataclass(frozen=True)
class Spoken:
    """Events, and the times [begin, end) at which each speaks for its operation, in microseconds."""

    rows: pl.DataFrame
    begin: Int64
    end: Int64
    leave: Int64  # when it is out of the window


def speaking(rows: pl.DataFrame, width_us: int) -> Spoken:
    """When each event is the one that counts: the worst of its operation in (t − width, t]."""
    owner = ["key", "node", "correlation_id"]
    rows = rows.with_columns(one=pl.Series(numbered(rows, owner), dtype=pl.Int64)).sort("one", "at", "event_id")
    times = rows["at"].to_numpy()
    leave = times + width_us
    begin, end, stack = np.empty_like(times), np.empty_like(times), np.empty_like(times)
    alone = rows["correlation_id"].is_null().to_numpy()
    speak_for_operations(rows["one"].to_numpy(), alone, rows["severity"].to_numpy(), times, leave, stack, begin, end)
    return Spoken(rows.drop("one"), begin, end, leave)


class Operations:
    """The events that speak for their operations in windows of one width; keeps events until they leave the window.

    An event begins to speak and ends to; these two moments are the rows of a base. The sum over (t − lag − width,
    t − lag] is that of all moments up to t − lag.
    """

    untracked = 0

    def __init__(self, grid: Grid, wanted: Match, lanes: Lanes, width_us: int) -> None:
        self._grid, self._match, self._lanes, self._width_us = grid, wanted, lanes, width_us
        self.matches = (wanted, *lanes.counted)
        self.columns = frozenset({"node", "correlation_id", "outcome", *(column for _, column in lanes.summed)})
        self._names = [f"lane{place}" for place in range(lanes.weighted)]
        self.waiting = Waiting({**OPERATION, **dict.fromkeys(self._names, pl.Int64())})
        self._held = pl.DataFrame(schema=self.waiting.schema)
        self._windows: dict[int, OperationWindow] = {}
        self._base: Base | None = None
        self._closed: int | None = None

    def window(self, lag_us: int) -> OperationWindow:
        """The sums over (t − lag − width, t − lag]; asked for before the first event."""
        return self._windows.setdefault(lag_us, OperationWindow(self, self._lanes, lag_us))

    def _made_base(self) -> Base:
        if self._base is None:
            width = gcd(self._grid.interval_us, *self._windows)
            self._base = Base(self._grid, width, self._lanes, max(self._windows) // width)
            self._base.add_weights()
            for window in self._windows.values():
                window.stand_on(self._base)
        return self._base

    def take(self, batch: Batch) -> None:
        lanes = [np.asarray(lane, np.int64) for lane in self._lanes.of(batch, weighted=True)]
        numbers = dict(zip(self._names, lanes, strict=True))
        self.waiting.add(batch, batch.flags(self._match), {**operation_columns(batch), **numbers})

    def close(self, span: Span) -> None:
        """Find the moments of the closing, once."""
        if self._closed == span.tick:
            return
        self._closed = span.tick
        base, after = self._made_base(), span.grid.time(span.before)
        spoken = speaking(self.waiting.due(span.end, self._held), self._width_us)
        self._held = spoken.rows.filter(pl.Series(spoken.leave > span.end))
        some = spoken.begin < spoken.end
        begins = some & (spoken.begin > after) & (spoken.begin <= span.end)
        ends = some & (spoken.end > after) & (spoken.end <= span.end)
        keys, lanes = spoken.rows["key"].to_numpy(), [spoken.rows[name].to_numpy() for name in self._names]
        times = np.concatenate([spoken.begin[begins], spoken.end[ends]])
        base.add(rows_of(
            -((span.grid.offset_us - times) // base.width_us), np.concatenate([keys[begins], keys[ends]]),
            [np.concatenate([lane[begins], -lane[ends]]) for lane in lanes], len(lanes),
        ))  # fmt: skip
        base.close(span)

    def state(self) -> Parts:
        windows = (below(f"w{lag}", window.state()) for lag, window in self._windows.items())
        parts: Parts = {"waiting": self.waiting.state(), "held": self._held}
        parts |= below("base", self._made_base().state())
        return parts | {name: part for window in windows for name, part in window.items()}

    def restore(self, parts: Parts) -> None:
        held = parts["held"]
        assert isinstance(held, pl.DataFrame)
        self._held, self._closed = held, None
        self.waiting.restore(parts["waiting"])
        self._made_base().restore(of("base", parts))
        for lag, window in self._windows.items():
            window.restore(of(f"w{lag}", parts))


class OperationWindow(Window):
    """All moments up to t − lag."""

    def __init__(self, operations: Operations, lanes: Lanes, lag_us: int) -> None:
        super().__init__(lanes, 2**61, lag_us)  # what has come never leaves: its end is a moment of its own
        self._operations = operations

    def close(self, span: Span) -> Steps:
        self._operations.close(span)
        return super().close(span)
