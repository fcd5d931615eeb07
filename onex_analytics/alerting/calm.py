"""From which threshold on a rule stays silent while nothing is wrong, and how sure that is for times not yet seen.

The greatest value of each block of calm time is taken for a draw from a Gumbel distribution; its return level is the
threshold that so many blocks to come are expected to exceed. It is never below the greatest value that was seen.

Source: E. J. Gumbel (1958), Statistics of Extremes; fitted by moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.conditions import Cell, Expr
from onex_analytics.alerting.incidents import HARMLESS
from onex_analytics.alerting.levels import Levels
from onex_analytics.alerting.microseconds import microseconds_of
from onex_analytics.alerting.rules import Rule

BLOCKS = 24
_SELDOM = 0.01
_LEAST_BLOCKS = 6
_LEAST_CALM = 0.2
"""With less of the time calm, nothing can be said of a rule."""
_HOUR_US = 3_600_000_000
_EULER = 0.5772156649015329


def reach(rule: Rule) -> timedelta:
    """How long an event can move a rule's value, and what fires goes on firing."""
    return _reach(rule.when.cell) + rule.keep_firing_for


def _reach(cell: Cell) -> timedelta:
    if isinstance(cell, Expr):
        return max(_reach(inner) for inner in cell.cells.values())
    if cell.kind == "unfinished":  # type: ignore[attr-defined]
        return timedelta(hours=1)  # what hangs on is the incident's own, and is counted as long as it lasts
    return getattr(cell, "window", None) or timedelta(minutes=1)


def disturbed(incidents: pl.DataFrame, lead: timedelta, after: timedelta) -> list[tuple[int, int]]:
    """The times (microseconds) in which an incident may be seen: they say nothing about calm ones."""
    rows = incidents.filter(~pl.col("kind").is_in(list(HARMLESS))).select("start", "end").rows()
    return [
        (microseconds_of(start - lead), np.iinfo(np.int64).max if end is None else microseconds_of(end + after))
        for start, end in rows
    ]


def calm_events(events: pl.LazyFrame, incidents: pl.DataFrame, lead: timedelta) -> pl.LazyFrame:
    """The events outside of incidents."""
    calm: pl.Expr = pl.lit(True)
    for start, end in incidents.filter(~pl.col("kind").is_in(list(HARMLESS))).select("start", "end").iter_rows():
        inside = pl.col("timestamp") >= start - lead
        calm &= ~(inside if end is None else inside & (pl.col("timestamp") <= end))
    return events.filter(calm)


def calm_share(begin: int, end: int, busy: Sequence[tuple[int, int]]) -> float:
    """The share of a time outside of others."""
    covered, upto = 0, begin
    for start, stop in sorted(busy):
        start, stop = max(start, upto), min(stop, end)
        if stop > start:
            covered, upto = covered + stop - start, stop
    return 1 - covered / (end - begin) if end > begin else 0.0


def quiet_score(
    levels: Sequence[Levels], begin: int, end: int, busy: Sequence[tuple[int, int]], allowed: float
) -> float | None:
    """The least score (value, or its opposite where low ones are bad) above which rules hardly fire in calm times.

    Args:
        levels: of the rules, together.
        begin, end: the time to learn from, in microseconds.
        busy: times that do not count.
        allowed: how many hours with a firing may be expected in another time as long.

    Returns:
        The score; −∞ where nothing was ever seen; null where too little of the time was calm.
    """
    share = calm_share(begin, end, busy)
    if share < _LEAST_CALM:
        return None
    at = np.concatenate([np.empty(0, np.int64), *(some.at[some.rises] for some in levels)])
    level = np.concatenate([np.empty(0), *(some.level[some.rises] for some in levels)])
    calm = (at >= begin) & (at < end)
    for start, stop in busy:
        calm &= ~((at >= start) & (at <= stop))
    at, level = at[calm], level[calm]
    if not at.size:
        return -np.inf
    tolerated = int(allowed * share)
    hourly = -np.sort(-_maxima((at - begin) // _HOUR_US, level))
    seen = float(hourly[tolerated]) if tolerated < hourly.size else -np.inf
    blocks = _maxima((at - begin) * BLOCKS // (end - begin), level)
    if blocks.size < _LEAST_BLOCKS or not np.isfinite(blocks).all():
        return seen
    spread = float(blocks.std(ddof=1)) * np.sqrt(6) / np.pi
    rate = min(max(allowed, _SELDOM) / BLOCKS, 0.5)  # no level is never reached
    return max(seen, float(blocks.mean() - _EULER * spread - spread * np.log(-np.log1p(-rate))))


def _maxima(block: NDArray[np.int64], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """The greatest level of each block that has one."""
    some, place = np.unique(block, return_inverse=True)
    found = np.full(some.size, -np.inf)
    np.maximum.at(found, place, level)
    return found
