"""Operations that began and have not ended."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.deltas import Deltas, ticks_at_or_after
from onex_analytics.alerting.cells.fixed_point import parted
from onex_analytics.alerting.cells.order_kernels import find_ends
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Keeper, Waiting, numbered

_NEVER = np.iinfo(np.int64).max
_OWNER = ["correlation_id", "node", "family", "operation"]
_ENDS = ("success", "soft_failure", "failure")


class OpenOperations(Keeper):
    """Counts the operations that began at (t − give up, t − older than] and have not ended at t.

    The first of the open starts with the same correlation id, node, family and operation is the one that ends. Events
    without a correlation id are not tracked.
    """

    sees_all = True  # an end may lie under other labels than its start

    def __init__(self, wanted: Match, older_us: int, give_up_us: int) -> None:
        self._match, self._older_us, self._give_up_us = wanted, older_us, give_up_us
        self.matches, self.columns = (wanted,), frozenset({*_OWNER, "outcome"})
        texts = dict.fromkeys(_OWNER, pl.String())
        self.waiting = Waiting({**texts, "begins": pl.Boolean(), "whole": pl.Int64(), "rest": pl.Int64()})
        self._open = pl.DataFrame(schema=self.waiting.schema)
        self._deltas = Deltas(3)

    def take(self, batch: Batch) -> None:
        begins = batch.events.select(pl.col("outcome").eq_missing(pl.lit("start"))).to_series()
        told = begins | batch.events.select(pl.col("outcome").is_in(_ENDS).fill_null(False)).to_series()
        named = batch.events.select(pl.col("correlation_id").is_not_null()).to_series().to_numpy()
        wanted = batch.flags(self._match) & told.to_numpy()
        self.untracked += int((wanted & ~named).sum())
        whole, rest = parted(np.ones(len(batch.keys)) if batch.weights is None else batch.weights)
        owner = {name: batch.events[name] for name in _OWNER}
        self.waiting.add(batch, wanted & named, {**owner, "begins": begins, "whole": whole, "rest": rest})

    def close(self, span: Span) -> Steps:
        rows = self.waiting.due(span.end, self._open)
        rows = rows.with_columns(one=pl.Series(numbered(rows, _OWNER), dtype=pl.Int64)).sort("one", "at", "event_id")
        times, begins = rows["at"].to_numpy(), rows["begins"].to_numpy()
        ended = np.full(len(times), _NEVER)
        find_ends(rows["one"].to_numpy(), times, begins, self._give_up_us, ended)
        given_up = times + self._give_up_us
        self._open = rows.filter(pl.Series(begins & (ended == _NEVER) & (given_up > span.end))).drop("one")
        begins &= rows["key"].to_numpy() >= 0
        starts = rows.filter(pl.Series(begins))
        lanes = np.stack([np.ones(starts.height, np.int64), starts["whole"].to_numpy(), starts["rest"].to_numpy()])
        return self._deltas.intervals(
            span, starts["key"].to_numpy().astype(np.int64),
            ticks_at_or_after(span, times[begins] + self._older_us),
            ticks_at_or_after(span, np.minimum(ended, given_up)[begins]), lanes,
        )  # fmt: skip

    def state(self) -> Parts:
        return {
            "waiting": self.waiting.state(), "open": self._open, "untracked": np.array([self.untracked]),
            **below("deltas", self._deltas.state()),
        }  # fmt: skip

    def restore(self, parts: Parts) -> None:
        held = parts["open"]
        assert isinstance(held, pl.DataFrame)
        self._open, self.untracked = held, int(np.asarray(parts["untracked"])[0])
        self.waiting.restore(parts["waiting"])
        self._deltas.restore(of("deltas", parts))
