"""From a heat map to a trace: pick a slow, a typical or a failed one, and see where its time went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import traitlets

from onex_analytics.frames.columns import require
from onex_analytics.frames.spans import complete_spans
from onex_analytics.jupyter.widgets.event_logs import EventLog, Log
from onex_analytics.jupyter.widgets.shown import Shown, browser_text
from onex_analytics.jupyter.widgets.span_pictures import (
    EXEMPLARS,
    MOST_OF_CELL,
    Scope,
    SpanPicture,
    listed,
    of_cell,
    worth_a_look,
)
from onex_analytics.jupyter.widgets.trace_pictures import TracePicture, events_of
from onex_analytics.jupyter.widgets.words import text_of

_MOST_NAMES = 30


class TraceExplorer(Shown):
    """A heat map of how long work took over time, traces that are worth a look, and the waterfall of the one picked.

    The table lists the slowest, those at the 95th percentile, typical ones, the latest failed and open ones and those
    with the most spans; after a click into the heat map, the slowest of that cell. In the waterfall a bar is full where
    it is on the critical path. Of a trace with more than 200 spans, those that are short and ordinary are put together,
    and it is said.

    Args:
        spans: `store.spans()`, or one row a span from elsewhere, as every function of `profiling` takes it.
        events: the store, or the events that the spans were made from: with them, a span says what the metadata of its
            events say, too. Reads `timestamp`, `event_id`, `event_type` and `metadata`.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or one of the events, is absent.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": list("aab"), "span_id": list("xyz"), "parent_span_id": [None, "x", None],
    ...     "name": ["page", "query", "page"], "start": [noon] * 3,
    ...     "end": [noon + timedelta(milliseconds=ms) for ms in (50, 40, 20)],
    ... })
    >>> widget = TraceExplorer(spans)
    >>> widget.exemplars.select("why", "trace_id", "duration_ms").rows()
    [('slowest', 'a', 50.0), ('slowest', 'b', 20.0)]
    >>> widget.trace_id = "a"
    >>> widget.waterfall.select("name", "critical_ms").rows()
    [('page', 10.0), ('query', 40.0)]
    """

    _esm = browser_text("drawing.js", "trace_explorer.js")

    trace_id = traitlets.Unicode(default_value=None, allow_none=True)
    """The trace that is shown; observe it, or set it."""
    _trace: traitlets.Dict[str, Any] = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    _span: traitlets.Dict[str, Any] = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)

    def __init__(self, spans: pl.LazyFrame | pl.DataFrame, events: Log | None = None) -> None:
        self._spans = complete_spans(spans)
        self._log = None if events is None else EventLog(events)
        if self._log is not None:
            require(self._log.scan(), "event_id", "event_type", "metadata")
        names = self._spans.group_by("name").agg(pl.len().alias("n")).drop_nulls("name").collect()
        ranked = names.sort("n", "name", descending=[True, False])
        self._names: list[str] = ranked["name"].head(_MOST_NAMES).to_list()
        self._unlisted = max(ranked.height - _MOST_NAMES, 0)
        self._found: TracePicture | None = None
        self._lane: int | None = None
        self._listed = pl.DataFrame(schema=EXEMPLARS)
        super().__init__()
        self.look_at()

    def __repr__(self) -> str:
        shown = "" if self.trace_id is None else f", showing {text_of(self.trace_id, 60)}"
        return f"TraceExplorer({self._picture.spans:,} spans, {self._listed.height} traces to look at{shown})"

    # ------------------------------------------------------------------ what is shown

    @property
    def exemplars(self) -> pl.DataFrame:
        """The traces of the table, one row each: `EXEMPLARS`."""
        return self._listed

    @property
    def waterfall(self) -> pl.DataFrame:
        """The lines of the trace that is shown, as `profiling.waterfall` gives them; empty where none is."""
        return TracePicture.of(self._spans, "").lines if self._found is None else self._found.lines

    @property
    def spans(self) -> pl.LazyFrame:
        """The spans of the trace that is shown, with all their columns; of none, none."""
        return self._spans.filter(pl.lit(False) if self.trace_id is None else pl.col("trace_id") == self.trace_id)

    @property
    def span(self) -> dict[str, Any]:
        """What the span says that is chosen in the waterfall; empty where none is."""
        return {} if self._found is None or self._lane is None else self._found.attributes(self._lane)

    @property
    def span_events(self) -> pl.DataFrame:
        """The events that this span was made from, all columns; none where the events were not given."""
        return pl.DataFrame() if self._log is None else events_of(self._log, self.span)

    # ------------------------------------------------------------------ choosing

    def look_at(self, *, whole_traces: bool = True, only_failed: bool = False, name: str | None = None) -> None:
        """Draw the heat map and fill the table.

        Args:
            whole_traces: the roots alone, so how long whole traces took; else every span.
            only_failed: those with status "error" alone.
            name: those of this name alone.
        """
        self._scope = Scope(whole_traces, only_failed, name)
        self._picture = SpanPicture.of(self._spans, self._scope)
        self._list(worth_a_look(self._spans, self._scope), None)

    def next(self) -> None:
        """Show the next trace of the table; from none, the first."""
        self._go(1)

    def previous(self) -> None:
        """Show the trace before, of the table."""
        self._go(-1)

    # ------------------------------------------------------------------ inside

    def _go(self, by: int) -> None:
        place = self._place()
        if self._listed.height:
            wanted = 0 if place is None else max(0, min(place + by, self._listed.height - 1))
            self.trace_id = self._listed["trace_id"][wanted]

    def _place(self) -> int | None:
        traces = self._listed["trace_id"].to_list()
        return traces.index(self.trace_id) if self.trace_id in traces else None

    @traitlets.observe("trace_id")
    def _opened(self, _: object) -> None:
        self._lane = None
        self.set_trait("_span", None)
        self._found = None if self.trace_id is None else TracePicture.of(self._spans, self.trace_id)
        self.set_trait("_trace", None if self._found is None else self._found.picture())
        self._told = {**self._told, "place": self._place()}

    def _list(self, found: pl.DataFrame, cell: tuple[int, int] | None) -> None:
        self._listed = found
        scope = self._scope
        self._told = {
            "map": self._picture.picture(), "cell": cell, "rows": listed(found), "place": self._place(),
            "most": MOST_OF_CELL, "whole": scope.whole_traces, "failed": scope.only_failed,
            "names": [text_of(name, 120) for name in self._names], "unlisted": self._unlisted,
            "name": self._names.index(scope.name) if scope.name in self._names else None,
            "other_name": None if scope.name in (None, *self._names) else text_of(scope.name, 120),
        }  # fmt: skip

    def _pick_cell(self, asked: Mapping[str, Any]) -> None:
        cell = (int(asked["column"]), int(asked["row"]))
        self._list(of_cell(self._spans, self._picture, *cell), cell)

    def _pick_trace(self, asked: Mapping[str, Any]) -> None:
        place = int(asked["place"])
        if 0 <= place < self._listed.height:
            self.trace_id = self._listed["trace_id"][place]

    def _pick_span(self, asked: Mapping[str, Any]) -> None:
        if self._found is not None:
            self._lane = int(asked["lane"])
            self._span = {"lane": self._lane, "attributes": self._found.details(self._lane, self.span_events)}

    def _rescope(self, asked: Mapping[str, Any]) -> None:
        place = asked.get("name")
        listed_name = isinstance(place, int) and 0 <= place < len(self._names)
        self.look_at(
            whole_traces=bool(asked["whole"]), only_failed=bool(asked["failed"]),
            name=self._names[place] if isinstance(place, int) and listed_name else None,
        )  # fmt: skip

    @property
    def _actions(self) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
        return {
            "cell": self._pick_cell, "trace": self._pick_trace, "span": self._pick_span, "scope": self._rescope,
            "list": lambda _: self._list(worth_a_look(self._spans, self._scope), None),
            "next": lambda _: self.next(), "previous": lambda _: self.previous(),
        }  # fmt: skip
