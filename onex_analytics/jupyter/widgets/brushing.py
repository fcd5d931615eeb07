"""What a brush and filters stand at: the selection, the time that is shown, the counts, and all of it as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.jupyter.widgets.event_counts import EventCounts, columns_of, period_of
from onex_analytics.jupyter.widgets.event_logs import EventLog
from onex_analytics.jupyter.widgets.selections import Period, Selection, Value
from onex_analytics.jupyter.widgets.words import milliseconds_of, text_of
from onex_analytics.store.selection import time_of

_NEVER = Period(datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1), 0)
"""What is shown of a log without a time."""
_PRUNED = ("event_type", "node")
"""Columns by which a store leaves files out."""


class Brushing:
    """A log, what of it is selected, and which time of it is shown."""

    def __init__(self, log: EventLog, by: Sequence[str], buckets: int, most: int, selection: Selection) -> None:
        self.log, self.by = log, tuple(by)
        self._buckets, self._most = buckets, most
        self.columns = tuple(columns_of(log.scan(), by, most, selection.filters))
        self.whole = period_of(log.scan(), buckets) or _NEVER
        self.selection, self.period = Selection(), self.whole
        self.counts = self._of_whole = self._counted(self.whole, selection)
        self.total = self.counts.total
        self._outside = self.counts.outside()
        self.show(selection, self.whole)

    # ------------------------------------------------------------------ what can be chosen

    def fitting(self, wanted: Selection) -> Selection:
        """The selection as it is kept: times in UTC, and no filter that leaves out nothing.

        Raises:
            InvalidOption: a time that is none, an end before the begin, a column that is no filter here, or a filter
                without a value, or with one of another type.
        """
        if unknown := [name for name in wanted.filters if name not in self.by]:
            raise InvalidOption("filters", unknown, f"columns to filter by, of {list(self.by)}; name more as `by`")
        since, until = time_of("since", wanted.since), time_of("until", wanted.until)
        filters = wanted.filters
        if empty := [name for name, values in filters.items() if not values]:
            raise InvalidOption("filters", dict.fromkeys(empty, ()), "some values, or no word of that column")
        for name, chosen in filters.items():
            self.columns[self.by.index(name)].typed(chosen)
        kept = {name: chosen for name, chosen in filters.items() if not set(self._places(name)) <= set(chosen)}
        if since is not None and until is not None and since >= until:
            raise InvalidOption("since", since, f"a time before `until`, which is {until}")
        return Selection(since, until, kept)

    def _places(self, name: str) -> tuple[Value, ...]:
        return self.columns[self.by.index(name)].places

    def picked(self, column: int, places: Iterable[int]) -> Selection:
        """The selection with other values of a column, by their places in the list; none of them: no filter."""
        listed = self.columns[column].places
        values = tuple(listed[place] for place in sorted(set(places)) if 0 <= place < len(listed))
        filters = {**self.selection.filters, self.by[column]: values}
        return self.fitting(Selection(self.selection.since, self.selection.until,
                                      {name: chosen for name, chosen in filters.items() if chosen}))  # fmt: skip

    def brushed(self, low: int, high: int) -> Selection:
        """The selection of the bars [low, high) of those that are shown; of no bar, of all that is shown."""
        period, filters = self.period, self.selection.filters
        low, high = max(0, min(low, high)), min(period.buckets, max(low, high))
        if low < high and (low, high) != (0, period.buckets):
            return Selection(period.edge(low), period.edge(high), filters)
        return Selection(None, None, filters) if period is self.whole else Selection(period.begin, period.end, filters)

    def closer(self) -> Period | None:
        """The selected time in finer bars; None where there is none."""
        since, until = self.selection.since, self.selection.until
        if since is None or until is None:
            return None
        finer = Period.of(since, until - timedelta(microseconds=1), self._buckets)
        return finer if finer.width < self.period.width else None

    # ------------------------------------------------------------------ choosing

    def show(self, selection: Selection, period: Period) -> None:
        """Select and show; what is not counted yet is counted. A selection that is not inside shows the whole time."""
        if any(set(chosen) - {*self._places(name), None, ...} for name, chosen in selection.filters.items()):
            self.columns = tuple(columns_of(self.log.scan(), self.by, self._most, selection.filters))
        inside = (
            selection.since is not None and selection.until is not None
            and period.begin <= selection.since and selection.until <= period.end
        )  # fmt: skip
        if not inside:
            period = self.whole
        if period is self.whole:
            self.counts = self._of_whole
        if self.counts.columns != self.columns or self.counts.period != period or not self.counts.knows(selection):
            self.counts = self._counted(period, selection)
        if period is self.whole:
            self._of_whole = self.counts
        self.selection, self.period = selection, period

    def _counted(self, period: Period, selection: Selection) -> EventCounts:
        closer = () if period is self.whole else (period.begin, period.end)
        return EventCounts.of(self.log.scan(*closer), period, self.columns, selection)

    # ------------------------------------------------------------------ what is chosen

    @property
    def selected(self) -> int:
        """How many events are selected."""
        return self.counts.selected(self.selection)

    def events(self) -> pl.LazyFrame:
        """The selected events."""
        chosen = self.selection
        pruned = {
            name: [value for value in values if isinstance(value, str)] for name, values in chosen.filters.items()
            if name in _PRUNED and all(isinstance(value, str) for value in values)
        }  # fmt: skip
        lazy = self.log.scan(
            chosen.since, chosen.until, event_types=pruned.get("event_type"), nodes=pruned.get("node")
        )
        known = dict(zip(self.by, self.columns, strict=True))
        rows = [known[name].has(values) for name, values in chosen.filters.items() if name not in pruned]
        return lazy.filter(rows) if rows else lazy

    def picture(self) -> dict[str, Any]:
        """All that the browser draws. Times are milliseconds since 1970."""
        since, until = (milliseconds_of(bound) for bound in (self.selection.since, self.selection.until))
        before, after, untimed = self._outside
        return {
            "begin": milliseconds_of(self.period.begin), "width": self.period.width / timedelta(milliseconds=1),
            "all": self.counts.bars(Selection()).tolist(), "bars": self.counts.bars(self.selection).tolist(),
            "since": since, "until": until, "selected": self.selected, "total": self.total,
            "before": before, "after": after, "untimed": untimed,
            "closer": self.closer() is not None, "close": self.period is not self.whole,
            "columns": [self._list(place) for place in range(len(self.columns))],
        }  # fmt: skip

    def _list(self, place: int) -> Mapping[str, Any]:
        column = self.columns[place]
        chosen = self.selection.filters.get(column.name, ())
        counts = self.counts.values(place, self.selection).tolist()
        rows = [
            {"kind": "none" if value is None else "others" if value is ... else "value",
             "text": "" if value is None or value is ... else text_of(value), "n": n, "on": value in chosen}
            for value, n in zip(column.places, counts, strict=True)
        ]  # fmt: skip
        return {"name": column.name, "others": column.others, "values": rows}
