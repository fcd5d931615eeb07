"""How each kind of cell is reckoned: which steps it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.base import Span
from onex_analytics.alerting.cells.batches import Number, match
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.runs import Float64, Int32, Int64
from onex_analytics.alerting.cells.side import Side, Source
from onex_analytics.alerting.conditions import Aggregate, BurnRate, Cell, Count, Rate, Ratio
from onex_analytics.alerting.durations import microseconds
from onex_analytics.alerting.rules import Rule
from onex_analytics.exceptions import InvalidOption

Columns = tuple[NDArray[np.generic], ...]
Found = tuple[Float64, Int64]
"""Values (NaN: no data), and the number of events behind each."""


@dataclass(frozen=True)
class Reckoning:
    """The steps that a cell needs, and its value and number of events from their columns."""

    sources: Sequence[Source]
    finish: Callable[[Span, Int64, Sequence[Columns]], Found]
    expected: Int32 | None = None  # the only label sets to evaluate, from the first tick on
    turns_at: Callable[[Span], int] | None = None  # a tick at which values change without an event
    biased: bool = False  # wrong where events stand for others

    whole: bool = field(default=True)


def reckoning(rule: Rule, cell: Cell, side: Side) -> Reckoning:
    """How the cell of a rule is reckoned."""
    known = _KINDS.get(cell.kind)  # type: ignore[attr-defined]  # every cell has its word
    if known is None:
        raise InvalidOption("when", cell, f"one of {', '.join(_KINDS)}")
    return known(rule, cell, side)


def _sums(rule: Rule, side: Side, lanes: Lanes, width_us: int, lag_us: int = 0) -> Source:
    return side.window(lanes, width_us, lag_us)


def _count(rule: Rule, cell: Count, side: Side, factor: float = 1.0) -> Reckoning:
    wanted = match(rule.where, cell.of)
    lanes = Lanes((wanted,))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        found = lanes.weight(parts[0], wanted)
        return (found if factor == 1 else found * factor), lanes.n(parts[0], wanted)

    return Reckoning([_sums(rule, side, lanes, microseconds(cell.window))], finish)


def _rate(rule: Rule, cell: Rate, side: Side) -> Reckoning:
    return _count(rule, Count(of=cell.of, window=cell.window), side, cell.per / cell.window)


def _ratio(rule: Rule, cell: Ratio, side: Side) -> Reckoning:
    over, of = match(rule.where, cell.over), match(rule.where, cell.over, cell.of)
    lanes = Lanes(tuple(dict.fromkeys((over, of))))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        return share(lanes.weight(parts[0], of), lanes.weight(parts[0], over)), lanes.n(parts[0], over)

    return Reckoning([_sums(rule, side, lanes, microseconds(cell.window))], finish)


def _aggregate(rule: Rule, cell: Aggregate, side: Side) -> Reckoning:
    wanted = match(rule.where, cell.of, Number(cell.column))
    lanes = Lanes((wanted,), ((wanted, cell.column),))

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        n, total = lanes.n(parts[0], wanted), lanes.total(parts[0], (wanted, cell.column))
        if cell.function == "avg":
            return share(total, lanes.weight(parts[0], wanted)), n
        return np.where(n > 0, total, np.nan), n

    return Reckoning([_sums(rule, side, lanes, microseconds(cell.window))], finish)


def _burn_rate(rule: Rule, cell: BurnRate, side: Side) -> Reckoning:
    over, of = match(rule.where, cell.over), match(rule.where, cell.over, cell.of)
    lanes = Lanes(tuple(dict.fromkeys((over, of))))
    widths = sorted({microseconds(width) for pair in cell.windows for width in (pair.long, pair.short)}, reverse=True)

    def finish(span: Span, ticks: Int64, parts: Sequence[Columns]) -> Found:
        burnt = {
            width: share(lanes.weight(part, of), lanes.weight(part, over)) / (1 - cell.objective)
            for width, part in zip(widths, parts, strict=True)
        }
        pairs = [
            np.minimum(burnt[microseconds(pair.long)], burnt[microseconds(pair.short)]) / pair.factor
            for pair in cell.windows
        ]
        return np.fmax.reduce(pairs), lanes.n(parts[0], over)  # a pair without data says nothing

    return Reckoning([_sums(rule, side, lanes, width) for width in widths], finish)


def share(part: Float64, all_: Float64) -> Float64:
    """part / all, and no data where there is nothing."""
    found = np.full(len(part), np.nan)
    np.divide(part, all_, out=found, where=all_ > 0)
    return found


_KINDS: dict[str, Callable[..., Reckoning]] = {
    "count": _count,
    "rate": _rate,
    "ratio": _ratio,
    "aggregate": _aggregate,
    "burn_rate": _burn_rate,
}
_ = partial
