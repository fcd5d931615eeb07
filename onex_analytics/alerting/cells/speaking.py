"""Events that speak for their operations: in a window each operation counts once, through the worst of its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Batch, Bools
from onex_analytics.alerting.cells.operation_kernels import speak
from onex_analytics.alerting.cells.operation_numbers import NONE, OperationNumbers
from onex_analytics.alerting.cells.runs import Int64
from onex_analytics.alerting.cells.saving import Parts
from onex_analytics.alerting.cells.waiting import Waiting
from onex_analytics.alerting.cells.windows import grown

COLUMNS = frozenset({"node", "correlation_id", "outcome"})
"""What is read of an event to know its operation, and how bad it is."""

_WORST = {"start": 1, "success": 2, "soft_failure": 3, "failure": 4}
_FEW = 4096
_Columns = Mapping[str, "NDArray[Any] | pl.Series"]


class Moments(NamedTuple):
    """When events begin (1) and end (-1) to speak in one window; in no order."""

    slots: Int64
    times: Int64  # microseconds
    signs: NDArray[np.int8]


class Speakers:
    """The events that can still speak in the widest of some windows, in the order of time.

    An event that a later and worse one of its operation has outdone never speaks again: it is forgotten. So each event
    is put in once, speaks at most once a window, and is taken out once, however long the windows are.

    Args:
        columns: what is kept of an event, beside what tells its operation and its time.
    """

    def __init__(self, columns: Mapping[str, pl.DataType]) -> None:
        self.widths: list[int] = []
        self.waiting = Waiting({"operation": pl.Int32(), "severity": pl.Int8(), **columns})
        self.numbers = OperationNumbers()
        self._remembered = 0  # operations after the last forgetting
        self._held = {name: np.zeros(0, np.bool_ if kind == pl.Boolean else _of(kind))
                      for name, kind in self.waiting.schema.items() if name != "event_id"}  # fmt: skip
        self._held |= {"dead": np.zeros(0, np.bool_), "following": np.zeros(0, np.int32),
                       "preceding": np.zeros(0, np.int32)}  # fmt: skip
        self._used = 0
        self._last = np.zeros(0, np.int32)
        self._heads: Int64 = np.zeros(0, np.int64)
        self._speaker = np.zeros((0, 0), np.int32)

    def need(self, width_us: int) -> None:
        """Look at windows of this width; asked for before the first event."""
        self.widths = sorted({*self.widths, width_us}, reverse=True)
        self._heads = np.zeros(len(self.widths), np.int64)
        self._speaker = np.zeros((0, len(self.widths)), np.int32)

    def take(self, batch: Batch, flags: Bools, columns: _Columns) -> None:
        """Add the chosen events of a batch, of ticks that are not closed yet; `columns` are of all of its events."""
        if not flags.any():
            return
        events, chosen = batch.events.select(*sorted(COLUMNS), "event_id"), pl.Series(flags)
        held = {"key": batch.keys, "at": batch.times, "event_id": events["event_id"], **columns}
        if not flags.all():
            events = events.filter(chosen)
            held = {
                name: one.filter(chosen) if isinstance(one, pl.Series) else one[flags] for name, one in held.items()
            }
        bad = events.select(pl.col("outcome").replace_strict(_WORST, default=0, return_dtype=pl.Int8).fill_null(0))
        operation = self.numbers.of(np.asarray(held["key"]), events["node"], events["correlation_id"])
        self.waiting.put({**held, "operation": operation, "severity": bad.to_series()})

    def close(self, span: Span) -> list[Moments]:
        """The moments of the closing, for each width; the slots are those of `column` until the next closing."""
        self.forget()
        first = self._put_in(_in_order(self.waiting.due(span.end)))
        at, widths = self._column("at"), np.array(self.widths, np.int64)
        passed = np.searchsorted(at, span.end - widths, side="right") - self._heads
        most = 2 * (self._used - first + int(max(passed.max(initial=0), 0)))
        self._know_operations()
        windows = len(widths)
        slots, times = np.empty((windows, most), np.int64), np.empty((windows, most), np.int64)
        signs, counts = np.empty((windows, most), np.int8), np.empty(windows, np.int64)
        links = (self._held[name] for name in ("dead", "following", "preceding"))
        speak(
            at, self._column("operation"), self._column("severity"), first, self._used, span.end, widths, self._heads,
            *links, self._last, self._speaker, slots, times, signs, counts,
        )  # fmt: skip
        return [Moments(slots[w, :n], times[w, :n], signs[w, :n]) for w, n in enumerate(counts)]

    def column(self, name: str, slots: Int64) -> NDArray[Any]:
        """What is kept of some events."""
        return self._held[name][slots]

    @property
    def slots(self) -> int:
        """How many there are."""
        return self._used

    def speaking(self) -> Int64:
        """The events that speak at the end of the last closing, in the widest window."""
        head = int(self._heads[0])
        alone = np.flatnonzero(self._column("operation")[head:] == NONE) + head
        first = self._speaker[:, 0]
        return np.concatenate([alone, first[first != NONE]]).astype(np.int64)

    # ------------------------------------------------------------------ slots and operations

    def _column(self, name: str) -> NDArray[Any]:
        return self._held[name][: self._used]

    def _put_in(self, rows: pl.DataFrame) -> int:
        """Put events behind the others; gives the slot of the first."""
        first, self._used = self._used, self._used + rows.height
        for name, column in self._held.items():
            self._held[name] = grown(column, self._used)
            if name in rows.columns:
                self._held[name][first : self._used] = rows[name].to_numpy()
        return first

    def _know_operations(self) -> None:
        many, known = self.numbers.many, len(self._last)
        if known < many:
            self._last, self._speaker = grown(self._last, many), grown(self._speaker, many)
            self._last[known:], self._speaker[known:] = NONE, NONE

    def forget(self) -> None:
        """Let go of events and operations, once half of them are of no use; a closing begins with that."""
        head = int(self._heads[0]) if len(self._heads) else 0
        gone = head + int(np.count_nonzero(self._column("dead")[head:]))
        if 2 * gone > self._used:
            self._let_go(head)
        if self.numbers.many > 2 * self._remembered + _FEW:
            self._let_go(head=int(self._heads[0]))
            self._let_go_of_operations()

    def _let_go(self, head: int) -> None:
        alive = ~self._column("dead")
        alive[:head] = False
        place = np.cumsum(alive, dtype=np.int64) - alive
        end = int(alive.sum())
        self._heads = np.append(place, end)[self._heads]
        places = np.append(np.where(alive, place, NONE), NONE).astype(np.int32)  # the last one is that of NONE
        self._held = {name: column[: self._used][alive] for name, column in self._held.items()}
        for name in ("following", "preceding"):
            self._held[name] = places[self._held[name]]
        self._last, self._speaker = places[self._last], places[self._speaker]
        self._used = end

    def _let_go_of_operations(self) -> None:
        waiting = self.waiting.state()
        used = [self._column("operation"), waiting["operation"].to_numpy()]
        wanted = np.unique(np.concatenate(used)).astype(np.int64)
        wanted = wanted[wanted != NONE]
        renamed = np.append(self.numbers.keep(wanted), np.int32(NONE))
        self._remembered = len(wanted)
        self._held["operation"] = renamed[self._column("operation")]
        self.waiting.restore(waiting.with_columns(operation=pl.Series(renamed[waiting["operation"].to_numpy()])))
        known = wanted[wanted < len(self._last)]
        self._last, self._speaker = self._last[known], self._speaker[known]

    # ------------------------------------------------------------------ a restart

    def state(self) -> Parts:
        held = pl.DataFrame({name: self._column(name) for name in self._held})
        return {
            "waiting": self.waiting.state(), "operations": self.numbers.frame(), "held": held, "last": self._last,
            "heads": self._heads, "speaker": self._speaker,
        }  # fmt: skip

    def restore(self, parts: Parts) -> None:
        held, operations = parts["held"], parts["operations"]
        assert isinstance(held, pl.DataFrame) and isinstance(operations, pl.DataFrame)
        self.waiting.restore(parts["waiting"])
        self.numbers.restore(operations)
        self._held = {name: held[name].to_numpy(writable=True) for name in self._held}
        self._used, self._remembered = held.height, operations.height
        self._last, self._speaker = np.array(parts["last"], np.int32), np.array(parts["speaker"], np.int32)
        self._heads = np.array(parts["heads"], np.int64)


def _of(kind: pl.DataType) -> Any:
    return pl.Series([], dtype=kind).to_numpy().dtype


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """By time; those of one operation and microsecond by their ids. Nothing depends on the order of the others."""
    at, operation = rows["at"].to_numpy(), rows["operation"].to_numpy()
    order = np.argsort(at, kind="stable")
    times = at[order]
    equal = times[1:] == times[:-1]
    if equal.any():
        alike = np.flatnonzero(np.append(equal, False) | np.append(False, equal))  # places in the order
        by_operation = alike[np.lexsort((operation[order[alike]], times[alike]))]
        one, at_one = operation[order[by_operation]], times[by_operation]
        equal = (one[1:] == one[:-1]) & (at_one[1:] == at_one[:-1]) & (one[1:] != NONE)
        if equal.any():
            places = by_operation[np.append(equal, False) | np.append(False, equal)]
            held = rows[order[places]].select("at", "operation", "event_id").with_row_index("row")
            sorted_ = held.sort("at", "operation", "event_id", "row")["row"].to_numpy()
            order[places] = order[places][sorted_]
    return rows.drop("event_id")[order]


