"""How each kind of cell is reckoned: which steps it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Match, Number, Present, match
from onex_analytics.alerting.cells.distinct import DistinctValues
from onex_analytics.alerting.cells.fixed_point import joined
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.operations import Operations
from onex_analytics.alerting.cells.points import Changes, NewValues, Sequences
from onex_analytics.alerting.cells.ranks import RankedValues
from onex_analytics.alerting.cells.runs import Float64, Int32, Int64
from onex_analytics.alerting.cells.side import Side, Source
from onex_analytics.alerting.cells.unfinished import OpenOperations
from onex_analytics.alerting.cells.windows import Value
from onex_analytics.alerting.conditions import (
    Absent,
    Aggregate,
    BurnRate,
    Cell,
    Change,
    Count,
    Distinct,
    Expr,
    NewValue,
    Quantile,
    Rate,
    Ratio,
    Spike,
    Unfinished,
)
from onex_analytics.alerting.conditions import Sequence as SequenceCell
from onex_analytics.alerting.durations import microseconds
from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.rules import Rule
from onex_analytics.frames.quantiles import exact_share

Columns: TypeAlias = tuple[NDArray[Any], ...]
Found = tuple[Float64, Int64]
"""Values (NaN: no data), and the number of events behind each."""


@dataclass(frozen=True)
class Reckoning:
    """The steps that a cell needs, and its value and number of events from their columns."""

    sources: Sequence[Source]
    finish: Callable[[Span, Int64, Sequence[Columns]], Found]
    expected: Int32 | None = None  # the only label sets to evaluate, from the first tick on
    turns_us: tuple[int, ...] = ()  # so long after the first event values change without another one
    biased: bool = False  # wrong where events stand for others


def reckoning(rule: Rule, cell: Cell, side: Side) -> Reckoning:
    """How the cell of a rule is reckoned."""
    return _KINDS[type(cell)](rule, cell, side)


# ---------------------------------------------------------------------- counts and sums


def _count(rule: Rule, cell: Count, side: Side) -> Reckoning:
    wanted = match(rule.where, cell.of)
    lanes = Lanes((wanted,))
    return _window(rule, side, lanes, microseconds(cell.window), Value(lanes.weight(wanted)))


def _rate(rule: Rule, cell: Rate, side: Side) -> Reckoning:
    wanted = match(rule.where, cell.of)
    lanes = Lanes((wanted,))
    value = Value(lanes.weight(wanted), factor=cell.per / cell.window)
    return _window(rule, side, lanes, microseconds(cell.window), value)


def _share_of(rule: Rule, of: Filter, over: Filter | None) -> tuple[Lanes, Value]:
    whole, part = match(rule.where, over), match(rule.where, over, of)
    lanes = Lanes(tuple(dict.fromkeys((whole, part))))
    return lanes, Value(lanes.weight(part), lanes.weight(whole))


def _ratio(rule: Rule, cell: Ratio, side: Side) -> Reckoning:
    lanes, value = _share_of(rule, cell.of, cell.over)
    return _window(rule, side, lanes, microseconds(cell.window), value)


def _aggregate(rule: Rule, cell: Aggregate, side: Side) -> Reckoning:
    if cell.function in ("min", "max"):
        return _ranked(rule, cell, side, Fraction(cell.function == "max"), weighted=False)
    wanted = match(rule.where, cell.of, Number(cell.column))
    lanes = Lanes((wanted,), ((wanted, cell.column),))
    total = lanes.total((wanted, cell.column))
    value = Value(total, lanes.weight(wanted)) if cell.function == "avg" else Value(total, empty_is_none=True)
    return _window(rule, side, lanes, microseconds(cell.window), value)


def _window(rule: Rule, side: Side, lanes: Lanes, width_us: int, value: Value) -> Reckoning:
    """A value of one window; its first lane counts the events behind it."""

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        return value.of(parts[0]), parts[0][0]

    if rule.reset_after_match:
        return Reckoning([side.window_anew(lanes, width_us, value, rule.when)], finish)
    return Reckoning(_sums(rule, side, lanes, width_us), finish)


def _sums(rule: Rule, side: Side, lanes: Lanes, width_us: int, lag_us: int = 0) -> list[Source]:
    """Sums over (t − lag − width, t − lag], of events or of the ones that speak for their operations.

    A label set is evaluated from its first matching event on, whether that speaks or not: hence the second source.
    """
    if rule.unit == "event":
        return [side.window(lanes, width_us, lag_us)]
    seen = match(rule.where)
    operations = side.keeper(("operations", seen, lanes), lambda: Operations(side.grid, seen, lanes))
    return [operations.window(width_us, lag_us), _births(side, lanes.counted[0])]


def _births(side: Side, wanted: Match) -> Source:
    return side.window(Lanes((wanted,)), side.grid.interval_us)


def _burn_rate(rule: Rule, cell: BurnRate, side: Side) -> Reckoning:
    lanes, value = _share_of(rule, cell.of, cell.over)
    widths = sorted({microseconds(width) for pair in cell.windows for width in (pair.long, pair.short)}, reverse=True)
    sources = [_sums(rule, side, lanes, width) for width in widths]

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        firsts = parts[:: len(sources[0])]
        burnt = {w: value.of(columns) / (1 - cell.objective) for w, columns in zip(widths, firsts, strict=True)}
        pairs = [
            np.minimum(burnt[microseconds(pair.long)], burnt[microseconds(pair.short)]) / pair.factor
            for pair in cell.windows
        ]
        return np.fmax.reduce(pairs), parts[0][0]  # a pair without data says nothing

    return Reckoning([source for part in sources for source in part], finish)


def _spike(rule: Rule, cell: Spike, side: Side) -> Reckoning:
    """The windows of every reference that may be asked for; which one counts is a matter of how long the log is.

    A reference counts once all of it lies after the group's first event.
    """
    wanted = match(rule.where, cell.of)
    lanes = Lanes((wanted,))
    width = microseconds(cell.window)
    season, reference = cell.season, cell.reference
    if season is None and reference is None:
        season, reference = timedelta(weeks=1), 6 * cell.window
    directly = 0 if reference is None else microseconds(reference)
    back = () if season is None else tuple(microseconds(season) * place for place in range(1, cell.seasons + 1))
    windows = [(width, 0), *([(directly, width)] if directly else []), *((width, lag) for lag in back)]
    sources = [_sums(rule, side, lanes, *window) for window in windows]

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        seen = ticks * span.grid.interval_us + span.grid.offset_us - span.first_event
        usual = np.full(len(ticks), np.nan)
        weights = [lanes.weight(wanted).of(columns) for columns in parts[:: len(sources[0])]]
        if directly:
            usual = np.where(seen >= width + directly, weights[1] * (width / directly), usual)
        if back:
            seasonal = sum(weights[-len(back) :], np.zeros(len(ticks))) / len(back)
            usual = np.where(seen >= back[-1] + width, seasonal, usual)
        value = np.full(len(ticks), np.nan)
        np.divide(weights[0], usual, out=value, where=usual >= cell.min_reference)
        return value, parts[0][0]

    turns = [width + directly] * bool(directly) + [back[-1] + width] * bool(back) if back else [width + directly]
    return Reckoning([source for part in sources for source in part], finish, turns_us=tuple(turns))


# ---------------------------------------------------------------------- ranks and values


def _quantile(rule: Rule, cell: Quantile, side: Side) -> Reckoning:
    return _ranked(rule, cell, side, exact_share(cell.q), weighted=True)


def _ranked(rule: Rule, cell: Quantile | Aggregate, side: Side, at: Fraction, *, weighted: bool) -> Reckoning:
    seen, wanted = match(rule.where), match(rule.where, cell.of, Number(cell.column))
    width, operations = microseconds(cell.window), rule.unit == "operation"
    source = side.keeper(
        ("ranks", seen if operations else None, wanted, cell.column, width, at, weighted),
        lambda: RankedValues(seen, wanted, cell.column, width, at, weighted=weighted, operations=operations),
    )

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        value, n = parts[0]
        return value, n

    return Reckoning([source, _births(side, wanted)] if operations else [source], finish)


def _distinct(rule: Rule, cell: Distinct, side: Side) -> Reckoning:
    wanted, width = match(rule.where, cell.of), microseconds(cell.window)
    source = side.keeper(("distinct", wanted, cell.column, width), lambda: DistinctValues(wanted, cell.column, width))
    return _with_events(side, source, wanted | {Present(cell.column)}, width)


def _absent(rule: Rule, cell: Absent, side: Side) -> Reckoning:
    wanted = match(rule.where, cell.of)
    lanes = Lanes((wanted,))
    expected = None if cell.expect is None else side.sets.add(cell.expect)
    always = expected is not None or not rule.by
    widths = [microseconds(cell.window)] + ([] if always else [microseconds(cell.lookback)])

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        n = parts[0][0]
        watched = True if always else parts[1][0] > 0
        return ((n == 0) & watched).astype(np.float64), n

    sources = [side.window(lanes, width) for width in widths]
    return Reckoning(sources, finish, expected=expected, biased=True)


# ---------------------------------------------------------------------- moments


def _new_value(rule: Rule, cell: NewValue, side: Side) -> Reckoning:
    wanted, width = match(rule.where, cell.of), _width(cell.window, side)
    learn, forget = microseconds(cell.learn), microseconds(cell.forget_after)
    source = side.keeper(
        ("new", wanted, cell.column, width, learn, forget),
        lambda: NewValues(side.grid, width, wanted, cell.column, learn, forget),
    )
    return _with_events(side, source, wanted | {Present(cell.column)}, width)


def _change(rule: Rule, cell: Change, side: Side) -> Reckoning:
    wanted, width = match(rule.where, cell.of), microseconds(cell.window)
    source = side.keeper(
        ("changes", wanted, cell.column, width), lambda: Changes(side.grid, width, wanted, cell.column)
    )
    return _with_events(side, source, wanted | {Present(cell.column)}, width)


def _sequence(rule: Rule, cell: SequenceCell, side: Side) -> Reckoning:
    width = _width(cell.window, side)
    steps = tuple(match(rule.where, step) for step in cell.steps)
    breaks = None if cell.not_ is None else match(rule.where, cell.not_)
    within, ordered = microseconds(cell.within), cell.order == "ordered"
    source = side.keeper(
        ("sequences", steps, breaks, cell.by, width, within, ordered),
        lambda: Sequences(side.grid, width, steps, breaks, cell.by, within, ordered),
    )
    found = _with_events(side, source, match(rule.where), width)

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        return parts[0][0].astype(np.float64), parts[0][0]

    return replace(found, finish=finish)


def _unfinished(rule: Rule, cell: Unfinished, side: Side) -> Reckoning:
    wanted = match(rule.where, cell.of)
    older, give_up = microseconds(cell.older_than), microseconds(cell.give_up_after)
    source = side.keeper(("unfinished", wanted, older, give_up), lambda: OpenOperations(wanted, older, give_up))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        n, whole, rest = parts[0]
        return joined(whole, rest), n

    return Reckoning([source, _births(side, wanted)], finish)


def _with_events(side: Side, source: Source, wanted: Match, width_us: int) -> Reckoning:
    """The first number of a source as the value; a label set is evaluated from its first matching event on."""
    lanes = Lanes((wanted,))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        return parts[0][0].astype(np.float64), parts[1][0]

    return Reckoning([source, side.window(lanes, width_us)], finish, biased=True)


def _width(window: timedelta | None, side: Side) -> int:
    return side.interval_us if window is None else microseconds(window)


# ---------------------------------------------------------------------- arithmetic


def _expr(rule: Rule, cell: Expr, side: Side) -> Reckoning:
    parts_of = {name: reckoning(rule, inner, side) for name, inner in cell.cells.items()}

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        values, most, begin = {}, np.zeros(len(ticks), np.int64), 0
        for name, part in parts_of.items():
            values[name], n = part.finish(span, ticks, parts[begin : begin + len(part.sources)])
            most, begin = np.maximum(most, n), begin + len(part.sources)
        return np.broadcast_to(cell.value.evaluate(values), len(ticks)), most

    return Reckoning(
        [source for part in parts_of.values() for source in part.sources], finish,
        expected=next((part.expected for part in parts_of.values() if part.expected is not None), None),
        turns_us=tuple(turn for part in parts_of.values() for turn in part.turns_us),
        biased=any(part.biased for part in parts_of.values()),
    )  # fmt: skip


_KINDS: Mapping[type[Cell], Callable[..., Reckoning]] = {
    Count: _count, Rate: _rate, Ratio: _ratio, Aggregate: _aggregate, Quantile: _quantile, Distinct: _distinct,
    Absent: _absent, Spike: _spike, NewValue: _new_value, Change: _change, SequenceCell: _sequence,
    BurnRate: _burn_rate, Unfinished: _unfinished, Expr: _expr,
}  # fmt: skip
