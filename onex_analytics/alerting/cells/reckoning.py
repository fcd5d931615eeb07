"""How each kind of cell is reckoned: which steps it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.base import Span
from onex_analytics.alerting.cells.batches import Match, Number, Present, match
from onex_analytics.alerting.cells.distinct import DistinctValues
from onex_analytics.alerting.cells.fixed_point import joined
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.operations import OperationWindow
from onex_analytics.alerting.cells.points import Changes, NewValues, Sequences
from onex_analytics.alerting.cells.ranks import RankedValues
from onex_analytics.alerting.cells.runs import Float64, Int32, Int64
from onex_analytics.alerting.cells.side import Side, Source
from onex_analytics.alerting.cells.unfinished import OpenOperations
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

Columns = tuple[NDArray[np.generic], ...]
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


def _sums(rule: Rule, side: Side, lanes: Lanes, width_us: int, lag_us: int = 0) -> Source:
    """Sums over (t − lag − width, t − lag], of events or of the ones that speak for their operations."""
    if rule.unit == "event":
        return side.window(lanes, width_us, lag_us)
    seen = match(rule.where)
    key = ("operations", seen, lanes, width_us, lag_us)
    return side.keeper(key, lambda: OperationWindow(seen, lanes, width_us, lag_us))


# ---------------------------------------------------------------------- counts and sums


def _count(rule: Rule, cell: Count, side: Side, factor: float = 1.0) -> Reckoning:
    wanted = match(rule.where, cell.of)
    lanes = Lanes((wanted,))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        found = lanes.weight(parts[0], wanted)
        return (found if factor == 1 else found * factor), lanes.n(parts[0], wanted)

    return Reckoning([_sums(rule, side, lanes, microseconds(cell.window))], finish)


def _rate(rule: Rule, cell: Rate, side: Side) -> Reckoning:
    return _count(rule, Count(of=cell.of, window=cell.window), side, cell.per / cell.window)


def _share_lanes(rule: Rule, of: Filter, over: Filter | None) -> tuple[Match, Match, Lanes]:
    whole, part = match(rule.where, over), match(rule.where, over, of)
    return part, whole, Lanes(tuple(dict.fromkeys((whole, part))))


def _ratio(rule: Rule, cell: Ratio, side: Side) -> Reckoning:
    part, whole, lanes = _share_lanes(rule, cell.of, cell.over)

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        return share(lanes.weight(parts[0], part), lanes.weight(parts[0], whole)), lanes.n(parts[0], whole)

    return Reckoning([_sums(rule, side, lanes, microseconds(cell.window))], finish)


def _burn_rate(rule: Rule, cell: BurnRate, side: Side) -> Reckoning:
    part, whole, lanes = _share_lanes(rule, cell.of, cell.over)
    widths = sorted({microseconds(width) for pair in cell.windows for width in (pair.long, pair.short)}, reverse=True)

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        burnt = {
            width: share(lanes.weight(columns, part), lanes.weight(columns, whole)) / (1 - cell.objective)
            for width, columns in zip(widths, parts, strict=True)
        }
        pairs = [
            np.minimum(burnt[microseconds(pair.long)], burnt[microseconds(pair.short)]) / pair.factor
            for pair in cell.windows
        ]
        return np.fmax.reduce(pairs), lanes.n(parts[0], whole)  # a pair without data says nothing

    return Reckoning([_sums(rule, side, lanes, width) for width in widths], finish)


def _aggregate(rule: Rule, cell: Aggregate, side: Side) -> Reckoning:
    if cell.function in ("min", "max"):
        return _ranked(rule, cell, side, Fraction(cell.function == "max"), weighted=False)
    wanted = match(rule.where, cell.of, Number(cell.column))
    lanes = Lanes((wanted,), ((wanted, cell.column),))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        n, total = lanes.n(parts[0], wanted), lanes.total(parts[0], (wanted, cell.column))
        if cell.function == "avg":
            return share(total, lanes.weight(parts[0], wanted)), n
        return np.where(n > 0, total, np.nan), n

    return Reckoning([_sums(rule, side, lanes, microseconds(cell.window))], finish)


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
    sources = [_sums(rule, side, lanes, width)]
    sources += [_sums(rule, side, lanes, directly, width)] if directly else []
    sources += [_sums(rule, side, lanes, width, lag) for lag in back]

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        seen = ticks * span.grid.interval_us + span.grid.offset_us - span.first_event
        usual = np.full(len(ticks), np.nan)
        weights = [lanes.weight(columns, wanted) for columns in parts]
        if directly:
            usual = np.where(seen >= width + directly, weights[1] * (width / directly), usual)
        if back:
            seasonal = sum(weights[-len(back) :], np.zeros(len(ticks))) / len(back)
            usual = np.where(seen >= back[-1] + width, seasonal, usual)
        value = np.full(len(ticks), np.nan)
        np.divide(weights[0], usual, out=value, where=usual >= cell.min_reference)
        return value, lanes.n(parts[0], wanted)

    turns = [width + directly] * bool(directly) + [back[-1] + width] * bool(back) if back else [width + directly]
    return Reckoning(sources, finish, turns_us=tuple(turns))


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
        return value.astype(np.float64), n.astype(np.int64)

    return Reckoning([source], finish)


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
        n = lanes.n(parts[0], wanted)
        watched = True if always else lanes.n(parts[1], wanted) > 0
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
        return parts[0][0].astype(np.float64), parts[0][0].astype(np.int64)

    return replace(found, finish=finish)


def _unfinished(rule: Rule, cell: Unfinished, side: Side) -> Reckoning:
    wanted = match(rule.where, cell.of)
    older, give_up = microseconds(cell.older_than), microseconds(cell.give_up_after)
    source = side.keeper(("unfinished", wanted, older, give_up), lambda: OpenOperations(wanted, older, give_up))
    births = side.window(Lanes((wanted,)), side.grid.interval_us)

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        n, whole, rest = parts[0]
        return joined(whole.astype(np.int64), rest.astype(np.int64)), n.astype(np.int64)

    return Reckoning([source, births], finish)


def _with_events(side: Side, source: Source, wanted: Match, width_us: int) -> Reckoning:
    """The first number of a source as the value; a label set is evaluated from its first matching event on."""
    lanes = Lanes((wanted,))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        return parts[0][0].astype(np.float64), lanes.n(parts[1], wanted)

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


def share(part: Float64, whole: Float64) -> Float64:
    """part / whole, and no data where there is nothing."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


_KINDS: Mapping[type[Cell], Callable[..., Reckoning]] = {
    Count: _count, Rate: _rate, Ratio: _ratio, Aggregate: _aggregate, Quantile: _quantile, Distinct: _distinct,
    Absent: _absent, Spike: _spike, NewValue: _new_value, Change: _change, SequenceCell: _sequence,
    BurnRate: _burn_rate, Unfinished: _unfinished, Expr: _expr,
}  # fmt: skip
