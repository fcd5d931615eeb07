"""Moments that are found by looking at events in order: changes of a value, new values, completed sequences."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Base, Span, rows_of
from onex_analytics.alerting.cells.batches import Batch, Match, Present
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.order_kernels import complete_sequences
from onex_analytics.alerting.cells.runs import Int32, Int64
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import HEAD, Keeper, Waiting, numbered, text
from onex_analytics.alerting.cells.windows import Window
from onex_analytics.alerting.grid import Grid

_FIRST = np.iinfo(np.int64).min
_MOMENT: Match = frozenset()
COUNTED = Lanes((_MOMENT,))
"""The one lane of moments."""


class Points(Keeper):
    """Counts moments over windows."""

    matches: tuple[Match, ...] = ()
    columns: frozenset[str] = frozenset()

    def __init__(self, grid: Grid, width_us: int, schema: Mapping[str, pl.DataType]) -> None:
        bucket_us = int(np.gcd(grid.interval_us, width_us))
        self._base = Base(grid, bucket_us, COUNTED, width_us // bucket_us)
        self._window = Window(COUNTED, width_us)
        self._window.stand_on(self._base)
        self.waiting = Waiting(schema)

    @abstractmethod
    def take(self, batch: Batch) -> None:
        """Keep the events that matter."""

    @abstractmethod
    def _moments(self, span: Span) -> tuple[Int32, Int64]:
        """The label sets and times of the moments up to the end of the closing."""

    def close(self, span: Span) -> Steps:
        keys, times = self._moments(span)
        buckets = -((span.grid.offset_us - times) // self._base.width_us)
        self._base.add(rows_of(buckets, keys, [np.ones(len(keys), np.bool_)], 1))
        self._base.close(span)
        return self._window.close(span)

    def state(self) -> Parts:
        parts = {**below("base", self._base.state()), **below("window", self._window.state())}
        return {**parts, "waiting": self.waiting.state()}

    def restore(self, parts: Parts) -> None:
        self._base.restore(of("base", parts))
        self._window.restore(of("window", parts))
        self.waiting.restore(parts["waiting"])


class Values(Points):
    """Points that come of one column's values."""

    def __init__(self, grid: Grid, width_us: int, wanted: Match, column: str) -> None:
        super().__init__(grid, width_us, {"value": pl.String()})
        self._match, self._column = wanted | {Present(column)}, column
        self.matches, self.columns = (self._match,), frozenset({column})
        self._known = pl.DataFrame(schema=self.waiting.schema)

    def take(self, batch: Batch) -> None:
        values = batch.events.select(text(self._column)).to_series()
        self.waiting.add(batch, batch.flags(self._match), {"value": values})

    def state(self) -> Parts:
        return {**super().state(), "known": self._known}

    def restore(self, parts: Parts) -> None:
        super().restore(parts)
        known = parts["known"]
        assert isinstance(known, pl.DataFrame)
        self._known = known


class Changes(Values):
    """The events whose value is another than that of the one before."""

    def _moments(self, span: Span) -> tuple[Int32, Int64]:
        due = self.waiting.due(span.end)
        if not due.height:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        rows = pl.concat([self._known.with_columns(at=pl.lit(_FIRST)), due]).sort("key", "at", "event_id")
        self._known = rows.group_by("key", maintain_order=True).last().select(self._known.columns)
        same = pl.col("key") == pl.col("key").shift()
        changed = rows.filter(same & (pl.col("value") != pl.col("value").shift()))
        return changed["key"].to_numpy(), changed["at"].to_numpy()


class NewValues(Values):
    """The events with a value that was not known: never seen before, or not for `forget_us`.

    What is seen less than `learn_us` after the group's first event is known from the beginning.
    """

    def __init__(self, grid: Grid, width_us: int, wanted: Match, column: str, learn_us: int, forget_us: int) -> None:
        super().__init__(grid, width_us, wanted, column)
        self._learn_us, self._forget_us = learn_us, forget_us

    def _moments(self, span: Span) -> tuple[Int32, Int64]:
        due = self.waiting.due(span.end)
        if not due.height:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        old = pl.lit(True).alias("old")
        rows = pl.concat([self._known.with_columns(old), due.with_columns(~old)])
        rows = rows.sort("key", "value", "at", "event_id")
        same = (pl.struct("key", "value") == pl.struct("key", "value").shift()).fill_null(False)
        known = same & (pl.col("at") - pl.col("at").shift() < self._forget_us)
        new = rows.filter(~known & ~pl.col("old") & (pl.col("at") >= span.first_event + self._learn_us))
        last = rows.group_by("key", "value", maintain_order=True).last().select(self._known.columns)
        self._known = last.filter(span.end - pl.col("at") < self._forget_us)
        return new["key"].to_numpy(), new["at"].to_numpy()


class Sequences(Points):
    """The events that complete a sequence of steps, each sequence among the events that share the columns of `by`."""

    sees_all = True  # those that cannot be followed are counted

    def __init__(
        self, grid: Grid, width_us: int, steps: tuple[Match, ...], breaks: Match | None, by: tuple[str, ...],
        within_us: int, ordered: bool,
    ) -> None:  # fmt: skip
        self._steps, self._breaks, self._by = steps, breaks, by
        self._within_us, self._ordered = within_us, ordered
        self._names = [f"by{place}" for place in range(len(by))]
        self._flags = [f"step{place}" for place in range(len(steps))]
        texts = {name: pl.String() for name in self._names}
        super().__init__(grid, width_us, {**texts, **{name: pl.Boolean() for name in [*self._flags, "breaks"]}})
        self.matches = steps if breaks is None else (*steps, breaks)
        self.columns = frozenset(by)
        self._begun = pl.DataFrame(schema={"key": HEAD["key"], **texts, **{name: pl.Int64() for name in self._flags}})

    def take(self, batch: Batch) -> None:
        flags = [batch.flags(step) for step in self._steps]
        breaks = np.zeros(len(batch.keys), np.bool_) if self._breaks is None else batch.flags(self._breaks)
        wanted = np.logical_or.reduce([*flags, breaks])
        named = zip(self._by, self._names, strict=True)
        texts = batch.events.select(text(column).alias(name) for column, name in named)
        if self._by:
            whole = texts.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy()
            self.untracked += int((wanted & ~whole).sum())
            wanted = wanted & whole
        wanted = wanted & (batch.keys >= 0)
        columns = dict(zip(self._flags, flags, strict=True))
        self.waiting.add(batch, wanted, {**columns, "breaks": breaks, **{one.name: one for one in texts}})

    def _moments(self, span: Span) -> tuple[Int32, Int64]:
        due = self.waiting.due(span.end)
        if not due.height:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        owner = ["key", *self._names]
        held = self._begun.height
        instances = numbered(pl.concat([self._begun.select(owner), due.select(owner)]), owner)
        begun = np.full((int(instances.max()) + 1, len(self._steps)), _FIRST)
        begun[:held] = self._begun.select(self._flags).to_numpy()
        rows = due.with_columns(one=pl.Series(instances[held:])).sort("one", "at", "event_id")
        completed = np.empty(rows.height, np.bool_)
        steps = np.stack([rows[name].to_numpy() for name in self._flags])
        complete_sequences(
            rows["one"].to_numpy(), rows["at"].to_numpy(), steps, rows["breaks"].to_numpy(), self._within_us,
            self._ordered, begun, completed,
        )  # fmt: skip
        alive = (begun != _FIRST) & (span.end - begun < self._within_us)
        owners = pl.concat([self._begun.select(owner), due.select(owner)])[np.unique(instances, return_index=True)[1]]
        starts = [pl.Series(name, begun[:, place]) for place, name in enumerate(self._flags)]
        self._begun = owners.with_columns(starts).filter(pl.Series(alive.any(axis=1)))
        found = rows.filter(pl.Series(completed))
        return found["key"].to_numpy(), found["at"].to_numpy()

    def state(self) -> Parts:
        return {**super().state(), "begun": self._begun, "untracked": np.array([self.untracked])}

    def restore(self, parts: Parts) -> None:
        super().restore(parts)
        begun = parts["begun"]
        assert isinstance(begun, pl.DataFrame)
        self._begun, self.untracked = begun, int(np.asarray(parts["untracked"])[0])
