"""Quantiles, least and greatest values over windows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.deltas import ticks_at_or_after
from onex_analytics.alerting.cells.operations import OPERATION, operation_columns, speaking
from onex_analytics.alerting.cells.rank_kernels import slide_ranks
from onex_analytics.alerting.cells.saving import Parts
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Columns, Waiting
from onex_analytics.alerting.cells.windows import grown

_UNITS = 2.0**32


class RankedValues:
    """The value at a share of all values in a window, by nearest rank; steps have the columns value and n.

    Args:
        seen: the events from which each operation's is chosen, where `operations` is set.
        wanted: the events whose numbers take part.
        share: which value; 0 is the least, 1 the greatest.
        weighted: each value counts as often as its event stands for; otherwise once.
    """

    untracked = 0

    def __init__(
        self, seen: Match, wanted: Match, column: str, width_us: int, share: Fraction, *, weighted: bool,
        operations: bool,
    ) -> None:  # fmt: skip
        self._seen, self._match, self._column, self._width_us = seen, wanted, column, width_us
        self._share, self._weighted, self._operations = share.limit_denominator(10**9), weighted, operations
        self.matches = (seen, wanted) if operations else (wanted,)
        self.columns = frozenset({column, "node", "correlation_id", "outcome"} if operations else {column})
        more = {**OPERATION, "counts": pl.Boolean()} if operations else {}
        self.waiting = Waiting({"value": pl.Float64(), "units": pl.Int64(), **more})
        self._held = pl.DataFrame(schema=self.waiting.schema)
        self._born = np.zeros(0, np.uint8)

    def take(self, batch: Batch) -> None:
        flags = batch.flags(self._match)
        units = np.full(len(batch.keys), int(_UNITS))
        if self._weighted and batch.weights is not None:
            units = np.rint(batch.weights * _UNITS).astype(np.int64)
        columns: Columns = {"value": batch.numbers(self._column), "units": units}
        if self._operations:
            columns = {**columns, **operation_columns(batch), "counts": flags}
            flags = batch.flags(self._seen)
        self.waiting.add(batch, flags, columns)

    def close(self, span: Span) -> Steps:
        rows = self.waiting.due(span.end, self._held)
        if self._operations:
            spoken = speaking(rows, self._width_us)
            rows, leave = spoken.rows, spoken.leave
            begin, end = ticks_at_or_after(span, spoken.begin), ticks_at_or_after(span, spoken.end)
        else:
            times = rows["at"].to_numpy()
            leave = times + self._width_us
            begin, end = ticks_at_or_after(span, times), ticks_at_or_after(span, leave)
        self._held = rows.filter(pl.Series(leave > span.end))
        here = (begin < end) & (end > span.before)
        if self._operations:
            here &= rows["counts"].to_numpy()
        rows, begin, end = rows.filter(pl.Series(here)), begin[here], end[here]
        return self._steps(span, rows, begin, end)

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
        return {"waiting": self.waiting.state(), "held": self._held, "born": self._born}

    def restore(self, parts: Parts) -> None:
        held = parts["held"]
        assert isinstance(held, pl.DataFrame)
        self._held, self._born = held, np.array(parts["born"], np.uint8)
        self.waiting.restore(parts["waiting"])
