"""A cell with the rules that judge it, and the steps of its sources side by side."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from onex_analytics.alerting.cells.base_rows import Span
from onex_analytics.alerting.cells.batches import Match
from onex_analytics.alerting.cells.reckoning import Reckoning
from onex_analytics.alerting.cells.side import Side, Source
from onex_analytics.alerting.cells.steps import Steps, steps_at, together

_NEVER = np.iinfo(np.int64).min


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "alert-cells")


def thread_beside() -> ThreadPoolExecutor:
    """A thread for work beside; a forked process has one of its own."""
    return _pool(os.getpid())


@dataclass
class Cell:
    """A cell, and the rules that judge its values."""

    side: Side
    reckoning: Reckoning
    rules: list[int] = field(default_factory=list)

    @property
    def matches(self) -> tuple[Match, ...]:
        """What an event has to be to be seen."""
        return tuple(one for source in self.reckoning.sources for one in source.matches)


def steps_made(source: Source, span: Span, *, beside: bool) -> Callable[[], Steps]:
    """The steps of a source, made now or in the thread beside."""
    if beside:
        return thread_beside().submit(source.close, span).result
    steps = source.close(span)
    return lambda: steps


def aligned(cell: Cell, span: Span, parts: list[Steps]) -> tuple[Steps, list[tuple[np.ndarray, ...]]]:
    """The steps of a cell's sources side by side, begun early or cut where the cell asks for it."""
    fixed = cell.reckoning.expected
    if fixed is None and not cell.side.by:
        fixed = np.zeros(1, np.int32)
    more = []
    if fixed is not None:
        begin = np.full(span.keys, _NEVER)
        begin[fixed] = span.before + 1
        more.append(steps_at(begin))
    for turn in cell.reckoning.turns_us:
        tick = span.grid.tick_at_or_after(span.first_event + turn)
        if span.before < tick <= span.tick:
            whole = together([*parts, *more])[0]
            there = np.diff(whole.bounds) > 0
            begin = np.full(span.keys, _NEVER)
            begin[there] = np.where(whole.ticks[whole.bounds[:-1][there]] <= tick, tick, _NEVER)
            more.append(steps_at(begin))
    if len(parts) == 1 and not more:
        return parts[0], [parts[0].columns]
    steps, columns = together([*parts, *more])
    return steps, columns[: len(parts)]
