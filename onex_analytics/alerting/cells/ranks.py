"""Quantiles, least and greatest values over windows."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.deltas import ticks_at_or_after
from onex_analytics.alerting.cells.rank_kernels import slide_ranks
from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.speaking import COLUMNS, Speakers
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Columns, Keeper, Waiting
from onex_analytics.alerting.cells.windows import grown

_UNITS = 2.0**32
_VALUES = {"value": pl.Float64(), "units": pl.Int64()}
_LATE = 2**61


class _Stays(NamedTuple):
    """Rows of values, and from when until when each takes part, in microseconds."""

    rows: pl.DataFrame
    begin: Int64
    end: Int64


class RankedValues(Keeper):
    """The value at a share of all values in a window, by nearest rank; steps have the columns value and n.

    Args:
        seen: the events from which each operation's is chosen, where `operations` is set.
        wanted: the events whose numbers take part.
        share: which value; 0 is the least, 1 the greatest.
        weighted: each value counts as often as its event stands for; otherwise once.
    """

    def __init__(
        self, seen: Match, wanted: Match, column: str, width_us: int, share: Fraction, *, weighted: bool,
        operations: bool,
    ) -> None:  # fmt: skip
        self._seen, self._match, self._column, self._width_us = seen, wanted, column, width_us
        self._share, self._weighted, self._operations = share.limit_denominator(10**9), weighted, operations
        self.matches = (seen, wanted) if operations else (wanted,)
        self.columns = COLUMNS | {column} if operations else frozenset({column})
        self.waiting = Waiting(_VALUES)
        self._held = pl.DataFrame(schema=self.waiting.schema)
        self._speakers = Speakers({**_VALUES, "counts": pl.Boolean()})
        self._speakers.need(width_us)
        self._born = np.zeros(0, np.uint8)

    def take(self, batch: Batch) -> None:
        flags = batch.flags(self._match)
        units = np.full(len(batch.keys), int(_UNITS))
        if self._weighted and batch.weights is not None:
            units = np.rint(batch.weights * _UNITS).astype(np.int64)
        columns: Columns = {"value": batch.numbers(self._column), "units": units}
        if self._operations:
            self._speakers.take(batch, batch.flags(self._seen), {**columns, "counts": flags})
        else:
            self.waiting.add(batch, flags, columns)

    def close(self, span: Span) -> Steps:
        rows, begin, end = self._speaking(span) if self._operations else self._in_window(span)
        begin, end = ticks_at_or_after(span, begin), ticks_at_or_after(span, end)
        here = (begin < end) & (end > span.before)
        return self._steps(span, rows.filter(pl.Series(here)), begin[here], end[here])

    def _in_window(self, span: Span) -> _Stays:
        rows = self.waiting.due(span.end, self._held)
        times = rows["at"].to_numpy()
        leave = times + self._width_us
        self._held = rows.filter(pl.Series(leave > span.end))
        return _Stays(rows, times, leave)

    def _speaking(self, span: Span) -> _Stays:
        """Those that speak for their operations; what does not count itself keeps the others silent."""
        speakers = self._speakers
        speakers.forget()
        before = speakers.speaking()
        (moments,) = speakers.close(span)
        begins, ends = moments.signs > 0, moments.signs < 0
        slots = np.concatenate([before, moments.slots[begins]])
        begin = np.concatenate([np.full(len(before), span.grid.time(span.before)), moments.times[begins]])
        place = np.empty(speakers.slots, np.int64)
        place[slots] = np.arange(len(slots))
        end = np.full(len(slots), _LATE)
        end[place[moments.slots[ends]]] = moments.times[ends]
        counts = speakers.column("counts", slots)
        slots, begin, end = slots[counts], begin[counts], end[counts]
        rows = pl.DataFrame({name: speakers.column(name, slots) for name in ("key", "value", "units")})
        return _Stays(rows, begin, end)

    def _steps(self, span: Span, rows: pl.DataFrame, begin: np.ndarray, end: np.ndarray) -> Steps:
        self._born = grown(self._born, span.keys)
        keys, values = rows["key"].to_numpy(), rows["value"].to_numpy()
        by_value = np.lexsort((values, keys))
        bounds = np.searchsorted(keys[by_value], np.arange(span.keys + 1))
        rank = np.empty(len(keys), np.int64)
        rank[by_value] = np.arange(len(keys)) - bounds[keys[by_value]]
        by_begin, by_end = np.lexsort((begin, keys)), np.lexsort((end, keys))
        most = 2 * len(keys) + span.keys
        told, ticks = np.empty(span.keys + 1, np.int64), np.empty(most, np.int64)
        found, n = np.empty(most), np.empty(most, np.int64)
        tree = np.empty(int(np.diff(bounds).max(initial=0)) + 1, np.int64)
        a, b = self._share.as_integer_ratio()
        many = slide_ranks(
            bounds, by_begin, begin, by_end, end, rank, rows["units"].to_numpy(), values[by_value], a, b, span.before,
            span.tick, self._born, tree, told, ticks, found, n,
        )  # fmt: skip
        return Steps(told, ticks[:many], (found[:many], n[:many]))

    def state(self) -> Parts:
        speakers = below("speakers", self._speakers.state()) if self._operations else {}
        return {"waiting": self.waiting.state(), "held": self._held, "born": self._born, **speakers}

    def restore(self, parts: Parts) -> None:
        held = parts["held"]
        assert isinstance(held, pl.DataFrame)
        self._held, self._born = held, np.array(parts["born"], np.uint8)
        self.waiting.restore(parts["waiting"])
        if self._operations:
            self._speakers.restore(of("speakers", parts))
