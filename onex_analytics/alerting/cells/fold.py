"""The fold: accepted events in, runs of values out, tick by tick, the same however the stream is cut."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Literal

import numpy as np
import polars as pl

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Bools, Conditions, number
from onex_analytics.alerting.cells.cell import Cell, aligned, steps_made, thread_beside
from onex_analytics.alerting.cells.fixed_point import MOST
from onex_analytics.alerting.cells.judging import last_ticks, only, truth
from onex_analytics.alerting.cells.reckoning import reckoning
from onex_analytics.alerting.cells.runs import Float64, Int32, Int64, RuleRuns, Runs
from onex_analytics.alerting.cells.saving import Parts, below, of, packed, unpacked
from onex_analytics.alerting.cells.series import LEFT_OUT, UNKNOWN, Births, SeriesTable
from onex_analytics.alerting.cells.side import Side
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.windows import grown
from onex_analytics.alerting.durations import microseconds
from onex_analytics.alerting.grid import EVENT_GRID, Grid
from onex_analytics.alerting.rules import Group
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require

_MANY, _MANY_ROWS = 50_000, 10_000
_NEVER = np.iinfo(np.int64).min
_TOLD_APART = 10_000  # label sets over the limit that are counted at least


class Fold:
    """The cells of one group's rules of one mode.

    Events are taken in any order; a closing says what every rule's cell was at the ticks since the last one. A rule
    is known by its place in the group.

    Args:
        group: the rules, and the grid of those of `mode: grid`.
        schema: the columns that the events will have; `timestamp` is in microseconds, UTC.
        mode: which rules: those of the group's grid, or those that are evaluated at each event.

    Raises:
        MissingColumns: a rule reads a column that is not there.
        FilterError: a filter does not fit the columns.
    """

    def __init__(self, group: Group, schema: pl.Schema, *, mode: Literal["grid", "event"] = "grid") -> None:
        self.group, self.mode = group, mode
        self.grid = EVENT_GRID if mode == "event" else Grid(microseconds(group.interval), microseconds(group.offset))
        self.rules = tuple(place for place, rule in enumerate(group.rules) if rule.mode == mode)
        self.closed: int | None = None
        self.first_tick: int | None = None
        self._earliest: int | None = None
        self._last = _NEVER  # time of the closed tick
        self._sides: dict[tuple[str, ...], Side] = {}
        self._cells: dict[object, Cell] = {}
        for place in self.rules:
            self._plan(place, schema)
        for side in self._sides.values():
            side.finish()
        self._conditions = Conditions((c for side in self._sides.values() for c in side.conditions), schema)
        read = frozenset(("timestamp", "event_id")) | ({"adjusted_count"} & set(schema))
        self.columns = read.union(*(side.columns for side in self._sides.values()))
        require(pl.LazyFrame(schema=schema), *sorted(self.columns))
        self._users = Counter(id(source) for cell in self._cells.values() for source in cell.reckoning.sources)
        self.series = SeriesTable([self._side(place).sets for place in range(len(group.rules))])
        self._series_of = {place: np.empty(0, np.int32) for place in self.rules}
        self._whens = {place: group.rules[place].when for place in self.rules}
        self._complete = dict.fromkeys(self.rules, 0)  # as many label sets as there are: all of them have series
        self._refused = dict.fromkeys(self.rules, 0)
        self._counts = Counter({"skipped": 0, "over_series_limit": 0, "untracked": 0})
        self._numbers = sorted({column for side in self._sides.values() for column in side.number_columns})
        self._weighted = False
        self._open: Iterator[RuleRuns] = iter(())
        self._bound()

    def _side(self, rule: int) -> Side:
        by = self.group.rules[rule].by
        return self._sides[by] if by in self._sides else Side((), self.grid, {}, 1)

    def _plan(self, place: int, schema: pl.Schema) -> None:
        rule = self.group.rules[place]
        require(pl.LazyFrame(schema=schema), *rule.by)
        if rule.by not in self._sides:
            self._sides[rule.by] = Side(rule.by, self.grid, schema, microseconds(self.group.interval))
        side = self._sides[rule.by]
        key: object = (rule.by, rule.where, rule.unit, rule.when.cell)
        if rule.reset_after_match:
            key = (key, place)
        if key not in self._cells:
            self._cells[key] = Cell(side, reckoning(rule, rule.when.cell, side))
        self._cells[key].rules.append(place)

    # ------------------------------------------------------------------ events in

    def take(self, events: pl.DataFrame) -> None:
        """Add events, in any order; each is later than the last closed tick.

        Raises:
            InvalidOption: an event lies at or before the last closed tick.
        """
        self._drain()
        if not events.height:
            return
        times = events["timestamp"].to_numpy().view(np.int64)
        earliest = int(times.min())
        if earliest <= self._last:
            raise InvalidOption("events", f"one at {earliest} µs", f"events after the closed tick at {self._last} µs")
        if self.closed is None:
            self._earliest = earliest if self._earliest is None else min(earliest, self._earliest)
        weights = _weights(events)
        if weights is not None:
            usable = np.isfinite(weights) & (weights >= 0) & (weights < MOST)
            self._weighted = True
            if not usable.all():
                self._counts["skipped"] += int((~usable).sum())
                events, times, weights = events.filter(pl.Series(usable)), times[usable], weights[usable]
        if not events.height:
            return
        if self._numbers:
            odd = [number(c, events.schema).abs().ge(MOST).sum() for c in self._numbers]  # NaN is above all
            self._counts["skipped"] += sum(events.select(o.alias(str(i)) for i, o in enumerate(odd)).row(0))
        early = [self._early(side, events) for side in self._sides.values()]
        judged = self._conditions.judge(events)
        for side, labels in zip(self._sides.values(), early, strict=True):
            side.take(events, times, weights, judged, labels)

    @staticmethod
    def _early(side: Side, events: pl.DataFrame) -> Future[Int32 | None] | None:
        """The label sets of many events, found beside the judging of conditions."""
        large = side.by and events.height >= _MANY and not side.bounded
        return thread_beside().submit(side.sets.of_few, events) if large else None

    def begin(self, us: int) -> None:
        """Do what an event without content at `us` would do: ticks from there on are evaluated."""
        if self.closed is None:
            self._earliest = us if self._earliest is None else min(us, self._earliest)

    # ------------------------------------------------------------------ runs out

    def close(self, tick: int) -> Runs:
        """Close the ticks after the last closed one, up to `tick`.

        The runs are made while one iterates over them, in no order of rules.

        Raises:
            InvalidOption: the tick is closed already.
        """
        self._drain()
        if self.closed is not None and tick < self.closed:
            raise InvalidOption("tick", tick, f"one at or after the closed tick {self.closed}")
        if self._earliest is None or tick == self.closed:
            return Runs(())
        first = self.grid.tick_at_or_after(self._earliest)
        if self.closed is None:
            if tick < first:
                return Runs(())
            self.first_tick = first
        before = first - 1 if self.closed is None else self.closed
        span = Span(self.grid, before, tick, self._earliest)
        for side in self._sides.values():
            side.close(span)
        self.closed, self._last = tick, span.end
        self._open = self._runs(span)
        return Runs(self._open)

    def _drain(self) -> None:
        """Make what is left of the last closing: the sums of windows move on as their runs are made."""
        for _ in self._open:
            pass

    def _runs(self, span: Span) -> Iterator[RuleRuns]:
        left = self._users.copy()
        cells = [
            (cell, Span(span.grid, span.before, span.tick, span.first_event, len(cell.side.sets)))
            for cell in self._cells.values()
        ]
        made: dict[int, Callable[[], Steps]] = {}
        large = any(side.new_rows > _MANY_ROWS for side in self._sides.values())
        for place, (cell, here) in enumerate(cells):
            for ahead, of_ahead in cells[place : place + 1 + large]:  # the next cell is made beside this one's rules
                for source in ahead.reckoning.sources:
                    if id(source) not in made:
                        made[id(source)] = steps_made(source, of_ahead, beside=large)
            parts = [made[id(source)]() for source in cell.reckoning.sources]
            for source in cell.reckoning.sources:
                left[id(source)] -= 1
                if not left[id(source)]:
                    del made[id(source)]
            yield from self._of_cell(cell, here, parts)
        if self._more_refused:
            self._bound()

    def _of_cell(self, cell: Cell, span: Span, parts: list[Steps]) -> Iterator[RuleRuns]:
        steps, columns = aligned(cell, span, parts)
        value, n = cell.reckoning.finish(span, steps.ticks, columns)
        bounds, first = steps.bounds, steps.ticks
        if cell.reckoning.expected is not None:
            kept = np.zeros(span.keys, np.bool_)
            kept[cell.reckoning.expected] = True
            bounds_kept, first, value, n = only(bounds, kept, first, value, n)
            here = np.flatnonzero(kept)
            bounds = bounds_kept
        else:
            here = np.flatnonzero(np.diff(bounds))
            bounds = np.append(bounds[here], bounds[-1])
        last = last_ticks(bounds, first, span.tick)
        label_sets, born = here.astype(np.int32), Births(first, bounds, cell.side.sets.texts)
        every = len(cell.side.sets)
        for rule in cell.rules:
            if self._complete[rule] == every:  # as it mostly is where rules are many: new label sets are rare
                known = self._series_of[rule]
                series = known[:every] if len(label_sets) == every else known[label_sets]
                yield RuleRuns(rule, series, bounds, first, last, value, n, truth(self._whens[rule], value, n))
            else:
                yield self._of_rule(rule, cell, label_sets, born, bounds, first, last, value, n)

    def _of_rule(
        self, rule: int, cell: Cell, here: Int32, born: Births, bounds: Int64, first: Int64, last: Int64,
        value: Float64, n: Int64,
    ) -> RuleRuns:  # fmt: skip
        series = self._numbered(rule, cell.side, here, born)
        if len(series) and series.min() < 0:
            left_out = series == LEFT_OUT
            bounds, first, last, value, n = only(bounds, ~left_out, first, last, value, n)
            series = series[~left_out]
        return RuleRuns(rule, series, bounds, first, last, value, n, truth(self._whens[rule], value, n))

    def _numbered(self, rule: int, side: Side, label_sets: Int32, born: Births) -> Int32:
        """The series of a rule's label sets; new ones in the order of birth and of their labels, up to `max_series`."""
        known, every = self._series_of[rule], len(side.sets)
        if len(known) < every:
            more = grown(known, every)
            more[len(known) :] = UNKNOWN
            self._series_of[rule] = known = more
        found: Int32 = known[label_sets]
        if not len(found) or found.min() >= 0:
            return found
        new = np.flatnonzero(found == UNKNOWN)
        if len(new):
            order = born.ordered(new, label_sets)
            room = max(self.group.rules[rule].max_series - int((known >= 0).sum()), 0)
            taken, refused = label_sets[order[:room]], label_sets[order[room:]]
            known[taken] = self.series.add(rule, taken)
            known[refused] = LEFT_OUT
            self._refuse(rule, len(refused))
            if known[:every].min() >= 0:
                self._complete[rule] = every
        return known[label_sets]

    def _refuse(self, rule: int, label_sets: int) -> None:
        """Count label sets over the limit; no more than these are told apart, however many come."""
        if label_sets:
            before, most = self._refused[rule], self._most_refused(rule)
            self._refused[rule] = min(before + label_sets, most)
            self._counts["over_series_limit"] += self._refused[rule] - before
            self._more_refused = True

    def _most_refused(self, rule: int) -> int:
        return max(self.group.rules[rule].max_series, _TOLD_APART)

    def _bound(self) -> None:
        """Have the sides hold no label sets that nobody evaluates or counts: memory does not grow with the log."""
        self._more_refused = False
        for side in self._sides.values():
            cells = [cell for cell in self._cells.values() if cell.side is side]
            opening = [cell for cell in cells if self._may_grow(cell)]
            anywhere = len(opening) == len(cells)
            side.bound(
                None if anywhere else [one for cell in opening for one in cell.matches], self._left_out(side, cells)
            )

    def _may_grow(self, cell: Cell) -> bool:
        """Whether a rule of a cell evaluates or counts further label sets."""
        full = (self._refused[rule] == self._most_refused(rule) for rule in cell.rules)
        return cell.reckoning.expected is None and not all(full)

    def _left_out(self, side: Side, cells: list[Cell]) -> Bools | None:
        """Label sets that every rule has refused, or does not expect."""
        rules = [rule for cell in cells for rule in cell.rules]
        if not any(self._refused[rule] for rule in rules):
            return None
        found = np.ones(len(side.sets), np.bool_)
        for cell in cells:
            if cell.reckoning.expected is not None:
                found[cell.reckoning.expected] = False
                continue
            for rule in cell.rules:
                known = self._series_of[rule][: len(found)]
                found[: len(known)] &= known == LEFT_OUT
                found[len(known) :] = False
        return found

    # ------------------------------------------------------------------ what it saw

    @property
    def counts(self) -> dict[str, int]:
        """`skipped`: values that are no numbers to add up, and events with an impossible weight;
        `over_series_limit`: label sets beyond `max_series`, as far as that many again (and 10,000 at least);
        `untracked`: events that a rule could not follow."""
        self._drain()
        untracked = sum(side.untracked for side in self._sides.values())
        return {**self._counts, "untracked": untracked}

    @property
    def limits(self) -> list[str]:
        """What to say of the rules that have more label sets than they may."""
        self._drain()
        found = []
        for place, refused in self._refused.items():
            if refused:
                rule = self.group.rules[place]
                found.append(
                    f"{self.group.name} / {rule.alert}: more than {rule.max_series:,} label sets of "
                    f"{', '.join(rule.by)}; further ones are not evaluated. "
                    "Raise max_series, or take a column out of `by`."
                )
        return found

    @property
    def biased(self) -> frozenset[int]:
        """Rules whose values are not those of the whole log, since some events stand for others that are not there."""
        if not self._weighted:
            return frozenset()
        return frozenset(rule for cell in self._cells.values() if cell.reckoning.biased for rule in cell.rules)

    # ------------------------------------------------------------------ a restart

    def state(self) -> bytes:
        """Everything that the next call needs: exact, and without code in it."""
        self._drain()
        ticks = [_NEVER if tick is None else tick for tick in (self.closed, self.first_tick, self._earliest)]
        names = [*self._counts]
        parts: Parts = {
            "rules": np.frombuffer(self._fingerprint(), np.uint8),
            "ticks": np.array([*ticks, self._last, self._weighted], np.int64),
            "refused": np.array([self._refused[rule] for rule in self.rules], np.int64),
            "counts": np.array([self._counts[name] for name in names], np.int64),
            "series_rule": self.series.rule,
            "series_label_set": self.series.label_set,
            **{f"series_of_{rule}": known for rule, known in self._series_of.items()},
        }
        for place, side in enumerate(self._sides.values()):
            parts |= below(f"side{place}", side.state())
        return packed(parts)

    def restore(self, state: bytes) -> None:
        """Go on where `state` was taken.

        Raises:
            InvalidOption: it is the state of other rules.
        """
        self._open = iter(())
        self._complete = dict.fromkeys(self.rules, 0)
        parts = unpacked(state)
        arrays = {name: part for name, part in parts.items() if isinstance(part, np.ndarray)}
        if arrays["rules"].tobytes() != self._fingerprint():
            raise InvalidOption("state", "that of other rules", "the state of these rules, or a new start")
        closed, first, earliest, last, weighted = arrays["ticks"].tolist()
        self.closed, self.first_tick, self._earliest = (None if t == _NEVER else t for t in (closed, first, earliest))
        self._last, self._weighted = last, bool(weighted)
        self._counts = Counter(dict(zip(self._counts, arrays["counts"].tolist(), strict=True)))
        self.series.rule, self.series.label_set = (
            np.asarray(arrays[f"series_{name}"], np.int32) for name in ("rule", "label_set")
        )
        self._series_of = {rule: np.array(arrays[f"series_of_{rule}"], np.int32) for rule in self.rules}
        for place, side in enumerate(self._sides.values()):
            side.restore(of(f"side{place}", parts))
        self._refused = dict(zip(self.rules, arrays["refused"].tolist(), strict=True))
        self._bound()

    def _fingerprint(self) -> bytes:
        return hashlib.sha256(f"{self.mode}\n{self.group.model_dump_json(by_alias=True)}".encode()).digest()


def _weights(events: pl.DataFrame) -> Float64 | None:
    """How many events each one stands for; None where each is one."""
    if "adjusted_count" not in events.columns:
        return None
    weights = events["adjusted_count"].cast(pl.Float64)
    found = (weights.fill_null(1.0) if weights.null_count() else weights).to_numpy()
    return None if found.min() == 1 == found.max() else found
