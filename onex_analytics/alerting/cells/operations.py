"""Operations with all their witnesses: in a window each speaks once, through the worst of its events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base import Span
from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.deltas import Deltas, ticks_at_or_after
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.order_kernels import speak_for_operations
from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Waiting, numbered

OPERATION = {"node": pl.String(), "correlation_id": pl.String(), "severity": pl.Int8()}
_WORST = {"start": 1, "success": 2, "soft_failure": 3, "failure": 4}


def operation_columns(batch: Batch) -> dict[str, pl.Series]:
    """What tells operations apart, and how bad an event is."""
    severity = pl.col("outcome").replace_strict(_WORST, default=0, return_dtype=pl.Int8).fill_null(0)
    found = batch.events.select("node", "correlation_id", severity.alias("severity"))
    return {one.name: one for one in found}


@dataclass(frozen=True)
class Spoken:
    """Events, and the ticks [begin, end) at which each speaks for its operation."""

    rows: pl.DataFrame
    begin: Int64
    end: Int64
    leave: Int64


def speaking(span: Span, rows: pl.DataFrame, width_us: int, lag_us: int = 0) -> Spoken:
    """When each event is the one that counts: the worst of its operation in (t − lag − width, t − lag]."""
    owner = ["key", "node", "correlation_id"]
    rows = rows.with_columns(one=pl.Series(numbered(rows, owner), dtype=pl.Int64)).sort("one", "at", "event_id")
    times = rows["at"].to_numpy()
    enter, leave = ticks_at_or_after(span, times + lag_us), ticks_at_or_after(span, times + lag_us + width_us)
    begin, end, stack = np.empty_like(times), np.empty_like(times), np.empty_like(times)
    alone = rows["correlation_id"].is_null().to_numpy()
    speak_for_operations(rows["one"].to_numpy(), alone, rows["severity"].to_numpy(), enter, leave, stack, begin, end)
    return Spoken(rows.drop("one"), begin, end, leave)


class OperationWindow:
    """Sums over (t − lag − width, t − lag] of the events that speak for their operations."""

    untracked = 0

    def __init__(self, wanted: Match, lanes: Lanes, width_us: int, lag_us: int) -> None:
        self._match, self._lanes, self._width_us, self._lag_us = wanted, lanes, width_us, lag_us
        self.matches = (wanted, *lanes.counted)
        self.columns = frozenset({"node", "correlation_id", "outcome", *(column for _, column in lanes.summed)})
        self._names = [f"lane{place}" for place in range(lanes.weighted)]
        self.waiting = Waiting({**OPERATION, **dict.fromkeys(self._names, pl.Int64())})
        self._held = pl.DataFrame(schema=self.waiting.schema)
        self._deltas = Deltas(lanes.weighted)

    def take(self, batch: Batch) -> None:
        lanes = [np.asarray(lane, np.int64) for lane in self._lanes.of(batch, weighted=True)]
        numbers = dict(zip(self._names, lanes, strict=True))
        self.waiting.add(batch, batch.flags(self._match), {**operation_columns(batch), **numbers})

    def close(self, span: Span) -> Steps:
        spoken = speaking(span, self.waiting.due(span.end, self._held), self._width_us, self._lag_us)
        self._held = spoken.rows.filter(pl.Series(spoken.leave > span.tick))
        keys = spoken.rows["key"].to_numpy().astype(np.int64)
        lanes = np.stack([spoken.rows[name].to_numpy() for name in self._names])
        return self._deltas.intervals(span, keys, spoken.begin, spoken.end, lanes)

    def state(self) -> Parts:
        return {"waiting": self.waiting.state(), "held": self._held, **below("deltas", self._deltas.state())}

    def restore(self, parts: Parts) -> None:
        held = parts["held"]
        assert isinstance(held, pl.DataFrame)
        self._held = held
        self.waiting.restore(parts["waiting"])
        self._deltas.restore(of("deltas", parts))
