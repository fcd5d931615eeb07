"""One `by`: its label sets, the base rows that its rules share, and everything else that is kept of its events."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from math import gcd
from typing import Protocol, TypeVar

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Base, Span
from onex_analytics.alerting.cells.batches import Batch, Bools, Condition, Judged, Match, Number, columns_of
from onex_analytics.alerting.cells.label_sets import LabelSets
from onex_analytics.alerting.cells.lanes import Lanes, all_lanes
from onex_analytics.alerting.cells.runs import Float64, Int32, Int64
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.windows import Value, Window, WindowAnew
from onex_analytics.alerting.conditions import When
from onex_analytics.alerting.grid import Grid


class Source(Protocol):
    """Something that gives steps at each closing."""

    @property
    def matches(self) -> tuple[Match, ...]: ...

    def close(self, span: Span) -> Steps: ...

    def state(self) -> Parts: ...

    def restore(self, parts: Parts) -> None: ...


class Keeper(Protocol):
    """Something that keeps events of its own, and gives steps or moments that others give steps of."""

    @property
    def matches(self) -> tuple[Match, ...]: ...

    @property
    def columns(self) -> frozenset[str]: ...

    @property
    def untracked(self) -> int: ...

    @property
    def sees_all(self) -> bool: ...

    def take(self, batch: Batch) -> None: ...

    def state(self) -> Parts: ...

    def restore(self, parts: Parts) -> None: ...


Made = TypeVar("Made", bound=Keeper)


class Side:
    """What the rules of one `by` share.

    While rules are planned, they ask for windows and keepers; `finish` then makes the bases, and events can be taken.
    """

    def __init__(
        self, by: tuple[str, ...], grid: Grid, schema: Mapping[str, pl.DataType], interval_us: int
    ) -> None:
        self.by, self.grid, self.schema = by, grid, schema
        self.interval_us = interval_us  # of the group, also where rules are evaluated at each event
        self.sets = LabelSets(by)
        self.bases: list[Base] = []
        self._windows: dict[Hashable, Window] = {}
        self._keepers: dict[Hashable, Keeper] = {}
        self._needs: list[Match] = []
        self._widest: list[Match] = []
        self._read: list[str] = []
        self._opening: list[Match] | None = None
        self._left_out: Bools | None = None

    def window(self, lanes: Lanes, width_us: int, lag_us: int = 0) -> Window:
        """The sums over (t − lag − width, t − lag]; the same window for all who ask."""
        key = (lanes, width_us, lag_us)
        if key not in self._windows:
            self._windows[key] = Window(lanes, width_us, lag_us)
        return self._windows[key]

    def window_anew(self, lanes: Lanes, width_us: int, value: Value, when: When) -> WindowAnew:
        """The sums for one rule, which begin anew whenever its condition is met."""
        made = WindowAnew(lanes, width_us, value, when)
        self._windows[lanes, width_us, len(self._windows), "anew"] = made
        return made

    def keeper(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """The keeper of that name; made where it is new."""
        if key not in self._keepers:
            self._keepers[key] = make()
        return self._keepers[key]  # type: ignore[return-value]  # each name is that of one class

    def finish(self) -> None:
        """Make the bases: one for each width of buckets, with the lanes of all windows over it."""
        by_width: dict[int, list[Window]] = {}
        for window in self._windows.values():
            width = gcd(self.grid.interval_us, window.width_us, window.lag_us)
            by_width.setdefault(width, []).append(window)
        for width, windows in by_width.items():
            keep = max(window.width_us + window.lag_us for window in windows) // width
            base = Base(self.grid, width, all_lanes(window.lanes for window in windows), keep)
            self.bases.append(base)
            for window in windows:
                window.stand_on(base)
        matches = [one for base in self.bases for one in base.lanes.counted]
        matches += [one for keeper in self._keepers.values() for one in keeper.matches]
        self._needs = list(dict.fromkeys(matches))
        self._read = sorted(self.columns | {"event_id"})
        self._widest = _widest(self._needs)

    def bound(self, opening: Iterable[Match] | None, left_out: Bools | None) -> None:
        """Hold no more label sets than rules can have.

        Args:
            opening: events that bring new label sets; None: all.
            left_out: which label sets no rule evaluates, now or ever; None: none.
        """
        self._opening = None if opening is None else _widest(list(dict.fromkeys(opening)))
        self._left_out = None if left_out is None or not left_out.any() else left_out

    @property
    def bounded(self) -> bool:
        """Whether some label sets are not held."""
        return self._opening is not None

    @property
    def conditions(self) -> Iterator[Condition]:
        """What has to be judged of each event."""
        return (condition for one in self._needs for condition in one)

    @property
    def columns(self) -> frozenset[str]:
        """What is read of the events."""
        summed = {column for base in self.bases for _, column in base.lanes.summed}
        kept = (keeper.columns for keeper in self._keepers.values())
        return columns_of(self._needs) | summed | set(self.by) | frozenset().union(*kept)

    @property
    def new_rows(self) -> int:
        """How many base rows the last closing brought."""
        return max((len(base.new.buckets) for base in self.bases), default=0)

    @property
    def number_columns(self) -> frozenset[str]:
        """The columns whose values are reckoned with."""
        return frozenset(one.column for conditions in self._needs for one in conditions if isinstance(one, Number))

    @property
    def untracked(self) -> int:
        """Events that a keeper could not follow."""
        return sum(keeper.untracked for keeper in self._keepers.values())

    def take(
        self, events: pl.DataFrame, times: Int64, weights: Float64 | None, judged: Judged,
        early: Future[Int32 | None] | None = None,
    ) -> None:  # fmt: skip
        """Add events of ticks that are not closed yet; `early`: their label sets, if these are looked for already."""
        rows = None
        if frozenset() not in self._widest:
            first, *more = (judged.flags(one) for one in self._widest)
            here = np.logical_or.reduce([first, *more]) if more else first
            many = np.count_nonzero(here)
            if not many:
                if early is not None:
                    early.result()
                return
            if many <= events.height // 2:  # otherwise the rest adds nothing anywhere; leaving it out would cost more
                rows = np.flatnonzero(here)
                events, times = events.select(self._read)[rows], times[rows]
                weights = None if weights is None else weights[rows]
        found = early.result() if early is not None else None
        if found is None:
            found = self.sets.of(events) if self._opening is None else self._numbers(events, judged, rows)
        elif rows is not None:
            found = found[rows]
        some = self.bounded or self._left_out is not None
        if some:
            held = self._held_rows(found)
            self._show_all(Batch(events, _only(found, held), times, weights, judged, len(self.sets), rows))
            if not len(held):
                return
            rows = held if rows is None else rows[held]
            events, times, found = events[held], times[held], found[held]
            weights = None if weights is None else weights[held]
        batch = Batch(events, found, times, weights, judged, len(self.sets), rows)
        for base in self.bases:
            base.take(batch)
        for keeper in self._keepers.values():
            if not (some and keeper.sees_all):
                keeper.take(batch)

    def _show_all(self, batch: Batch) -> None:
        for keeper in self._keepers.values():
            if keeper.sees_all:
                keeper.take(batch)

    def _numbers(self, events: pl.DataFrame, judged: Judged, rows: Int64 | None) -> Int32:
        """The label sets of events where not every event brings a new one; -1 where there is none."""
        found = self.sets.known(events)
        new = found < 0
        if new.any() and self._opening:
            opening = np.logical_or.reduce([judged.flags(one) for one in self._opening])
            new &= opening if rows is None else opening[rows]
            if new.any():
                found[new] = self.sets.of(events.filter(pl.Series(new)))
        return found

    def _held_rows(self, label_sets: Int32) -> Int64:
        """The events whose label sets a rule may evaluate."""
        held = label_sets >= 0
        if self._left_out is not None:
            held &= ~np.append(self._left_out, np.zeros(len(self.sets) - len(self._left_out), np.bool_))[label_sets]
        return np.flatnonzero(held)

    def close(self, span: Span) -> None:
        """Move what belongs to the closing's ticks into the queues; steps can be asked for then."""
        for base in self.bases:
            base.close(span)

    def state(self) -> Parts:
        texts = pl.DataFrame([
            pl.Series(f"{place}", [row[place] for row in self.sets.texts], pl.String) for place in range(len(self.by))
        ])  # fmt: skip
        parts: Parts = {"texts": texts}
        for name, held in self._held():
            parts |= below(name, held.state())
        return parts

    def restore(self, parts: Parts) -> None:
        texts = parts["texts"]
        assert isinstance(texts, pl.DataFrame)
        self.sets.add(dict(zip(self.by, row, strict=True)) for row in texts.iter_rows())
        for name, held in self._held():
            held.restore(of(name, parts))

    def _held(self) -> list[tuple[str, Base | Window | Keeper]]:
        held: list[list[Base | Window | Keeper]] = [
            [*self.bases], [*self._windows.values()], [*self._keepers.values()]
        ]
        parts = zip("bwk", held, strict=True)
        return [(f"{kind}{place}", one) for kind, part in parts for place, one in enumerate(part)]


def _widest(needs: list[Match]) -> list[Match]:
    """An event matches one of all needs where it matches one of those that ask for the least."""
    return [one for one in needs if not any(other < one for other in needs)]


def _only(label_sets: Int32, held: Int64) -> Int32:
    """The label sets of the rows that are held, -1 in the others."""
    found = np.full(len(label_sets), -1, np.int32)
    found[held] = label_sets[held]
    return found
