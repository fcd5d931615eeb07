"""A brush over time, and filters: choose the events that the next cell is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import traitlets

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names
from onex_analytics.jupyter.widgets.brushing import Brushing
from onex_analytics.jupyter.widgets.event_logs import EventLog, Log
from onex_analytics.jupyter.widgets.selections import Period, Selection, Value
from onex_analytics.jupyter.widgets.shown import Shown, browser_text
from onex_analytics.store.selection import time_of

USUAL = ("event_type", "node", "outcome", "severity")
"""The columns to filter by, as far as they are there."""


class TimeRange(Shown):
    """Events over time with a brush, and filters by the most frequent values of some columns.

    Drag over the bars, or use the arrow keys; tick values. What is selected is rounded to the bars that are shown;
    "Look closer" cuts the selection into finer ones. "Undo" takes back one step, also one that was made from Python.

    Args:
        log: a store, of which the version of now is read from then on (`refresh` takes in what is new), or a frame of
            events (naive times are UTC). Reads `timestamp` and the columns of `by`.
        by: columns to filter by; as far as they are there: event_type, node, outcome and severity.
        buckets: about how many bars at most.
        most: how many values of a column are listed; all others are one.

    Raises:
        NotAStore: nothing was stored there yet.
        MissingColumns: there is no `timestamp`, or no column of `by`.
        InvalidOption: a bad option.

    >>> from datetime import timedelta
    >>> start = datetime(2026, 11, 1, 12)
    >>> log = pl.DataFrame({"timestamp": [start + timedelta(minutes=m) for m in range(60)], "node": ["a", "b"] * 30})
    >>> widget = TimeRange(log)
    >>> widget.select(since="2026-11-01T12:10", until="2026-11-01T12:20", filters={"node": ["a"]})
    >>> widget.selected, widget.total, widget.events.collect().height
    (5, 60, 5)
    """

    _esm = browser_text("drawing.js", "time_range.js")

    selection = traitlets.Instance(Selection, args=())
    """What is selected: observe it to be told of every change, or set it."""

    def __init__(
        self, log: Log, *, by: str | Iterable[str] | None = None, buckets: int = 240, most: int = 10
    ) -> None:
        for option, found in (("buckets", buckets), ("most", most)):
            if isinstance(found, bool) or found < 1:
                raise InvalidOption(option, found, "a whole number from 1")
        self._log, self._buckets, self._most = log, buckets, most
        self._by = None if by is None else names(by)
        self._past: list[tuple[Selection, Period]] = []
        self._is_showing = False
        self._brushing = self._opened(Selection())
        super().__init__()
        self._tell()

    def __repr__(self) -> str:
        return f"TimeRange({self.selected:,} of {self.total:,} events selected)"

    # ------------------------------------------------------------------ what is chosen

    @property
    def events(self) -> pl.LazyFrame:
        """The selected events with all columns. Of a store, files that cannot hold any of them are not opened."""
        return self._brushing.events()

    @property
    def selected(self) -> int:
        """How many events are selected."""
        return self._brushing.selected

    @property
    def total(self) -> int:
        """How many events there are in all."""
        return self._brushing.total

    # ------------------------------------------------------------------ choosing

    def select(
        self, since: datetime | str | None = None, until: datetime | str | None = None,
        filters: Mapping[str, Sequence[Value]] | None = None,
    ) -> None:  # fmt: skip
        """Select the events of [since, until) with some values; what is not said is not bounded.

        Args:
            since, until: aware times or ISO text (naive means UTC); they may lie within a bar.
            filters: by column of `by` the values that count: None stands for no value, `...` for all that are not
                listed. A value that was not listed will be.

        Raises:
            InvalidOption: a time that is none, an end before the begin, or a column that is no filter here.
        """
        self.selection = Selection(time_of("since", since), time_of("until", until), filters or {})

    def undo(self) -> None:
        """Take back the last step: a selection, or a closer look."""
        if self._past:
            self._show(*self._past.pop())

    def reset(self) -> None:
        """Select everything, and show the whole time."""
        self._step(Selection(), self._brushing.whole)

    def look_closer(self) -> None:
        """Show the selected time alone, in finer bars."""
        if (closer := self._brushing.closer()) is not None:
            self._step(self.selection, closer)

    def look_at_all(self) -> None:
        """Show the whole time again; the selection stays."""
        self._step(self.selection, self._brushing.whole)

    def refresh(self) -> None:
        """Read what the store has got since. The selection stays, steps before it are forgotten."""
        self._brushing = self._opened(self.selection)
        self._past.clear()
        self._tell()

    # ------------------------------------------------------------------ inside

    def _opened(self, selection: Selection) -> Brushing:
        log = EventLog(self._log)
        there = log.scan().collect_schema()
        by = [name for name in USUAL if name in there] if self._by is None else self._by
        return Brushing(log, by, self._buckets, self._most, selection)

    @traitlets.validate("selection")
    def _fitting(self, proposal: Mapping[str, Any]) -> Selection:
        wanted: Selection = proposal["value"]
        return self._brushing.fitting(wanted)

    @traitlets.observe("selection")
    def _selected_anew(self, change: Mapping[str, Any]) -> None:
        if not self._is_showing:
            self._past.append((self._brushing.selection, self._brushing.period))
            self._brushing.show(change["new"], self._brushing.period)
            self._tell()

    def _step(self, selection: Selection, period: Period) -> None:
        before = (self._brushing.selection, self._brushing.period)
        if before != (selection, period):
            self._past.append(before)
            self._show(selection, period)

    def _show(self, selection: Selection, period: Period) -> None:
        self._brushing.show(selection, period)
        self._is_showing = True
        try:
            self.selection = selection
        finally:
            self._is_showing = False
        self._tell()

    def _tell(self) -> None:
        self._told = {**self._brushing.picture(), "undo": len(self._past)}

    @property
    def _actions(self) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
        return {
            "brush": lambda asked: self._step(
                self._brushing.brushed(int(asked["from"]), int(asked["to"])), self._brushing.period
            ),
            "pick": lambda asked: self._step(
                self._brushing.picked(int(asked["column"]), asked["places"]), self._brushing.period
            ),
            "undo": lambda _: self.undo(),
            "reset": lambda _: self.reset(),
            "closer": lambda _: self.look_closer(),
            "all": lambda _: self.look_at_all(),
        }
