"""How many different values there are in a window: each counts from its first event in it to the last one's leaving."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Batch, Match, Present
from onex_analytics.alerting.cells.deltas import Deltas, ticks_at_or_after
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Keeper, Waiting, text


class DistinctValues(Keeper):
    """Counts the values of a column over a window; keeps the last event of each value until it leaves."""

    def __init__(self, wanted: Match, column: str, width_us: int) -> None:
        self._match, self._column, self._width_us = wanted | {Present(column)}, column, width_us
        self.matches, self.columns = (self._match,), frozenset({column})
        self.waiting = Waiting({"value": pl.String()})
        self._held = pl.DataFrame(schema=self.waiting.schema)
        self._deltas = Deltas(1)

    def take(self, batch: Batch) -> None:
        values = batch.events.select(text(self._column)).to_series()
        self.waiting.add(batch, batch.flags(self._match), {"value": values})

    def close(self, span: Span) -> Steps:
        rows = self.waiting.due(span.end, self._held).sort("key", "value", "at")
        times = rows["at"].to_numpy()
        enter, leave = ticks_at_or_after(span, times), ticks_at_or_after(span, times + self._width_us)
        same = rows.select(
            ((pl.col("key") == pl.col("key").shift()) & (pl.col("value") == pl.col("value").shift())).fill_null(False)
        ).to_series().to_numpy()  # fmt: skip
        joined = np.append(False, same[1:] & (enter[1:] <= leave[:-1]))[: len(times)]  # nothing lies between
        begins, ends = np.flatnonzero(~joined), np.flatnonzero(~np.append(joined[1:], False)[: len(times)])
        self._held = rows.filter(pl.Series(~np.append(same[1:], False)[: len(times)] & (leave > span.tick)))
        keys = rows["key"].to_numpy().astype(np.int64)
        ones = np.ones((1, len(begins)), np.int64)
        return self._deltas.intervals(span, keys[begins], enter[begins], leave[ends], ones)

    def state(self) -> Parts:
        return {"waiting": self.waiting.state(), "held": self._held, **below("deltas", self._deltas.state())}

    def restore(self, parts: Parts) -> None:
        held = parts["held"]
        assert isinstance(held, pl.DataFrame)
        self._held = held
        self.waiting.restore(parts["waiting"])
        self._deltas.restore(of("deltas", parts))
