"""Events become spans: which event tells of which, as places in the frame of events."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans.grouping import combined, in_order, sort_keys, tied
from onex_analytics.frames.spans.keys import Events, hashed, in_threads, numbered
from onex_analytics.frames.spans.pairing import BY_INPUT, BY_ORDER, NONE, PROFILE, START, Pairs, Rows, empty_pairs
from onex_analytics.frames.spans.telling import Found, nothing_found, standing, tell
from onex_analytics.frames.spans.witnesses import pair_in_order, pair_keys

_THREADS_FROM = 50_000


def found_spans(events: pl.DataFrame) -> Found:
    """Pair all events of a frame."""
    threads = threads_for(events.height)
    numbers = numbered(events, threads)
    rows = numbers.rows
    n = rows.key.size
    ties = np.zeros(n, np.int32)
    pairs = empty_pairs(n)
    parts = 1 << (threads.bit_length() - 1)  # a power of two
    orders: dict[int, tuple[NDArray[np.int32], ...]] = {}

    def sort(part: int) -> None:
        order, border = in_order(rows.key, rows.exact, rows.time, rows.role, ties, part, parts)
        orders[part] = order, border, *tied(order, border, rows.time)

    def pair(part: int) -> None:
        order, border, _, keys = orders[part]
        if keys.size:
            sort_keys(order, border, keys, rows.exact, rows.time, rows.role, ties)
        pair_keys(order, border, rows, pairs, ties)

    in_threads(sort, range(parts), parts)
    _break_ties(events, numbers, np.concatenate([same for _, _, same, _ in orders.values()]), ties)
    in_threads(pair, range(parts), parts)
    ordered = _pair_by_order(events, numbers, pairs, ties)
    return _found(numbers, pairs, ordered, threads)


def threads_for(rows: int) -> int:
    """How many threads so many rows are worth."""
    return min(pl.thread_pool_size(), 8) if rows >= _THREADS_FROM else 1


def _break_ties(events: pl.DataFrame, numbers: Events, rows: NDArray[np.integer], ties: NDArray[np.int32]) -> None:
    """Number some events by their ids."""
    if rows.size:
        ids = events["event_id"].gather(pl.Series(numbers.place[rows]))
        ties[rows] = ids.rank("dense").fill_null(0).to_numpy()


def _pair_by_order(
    events: pl.DataFrame, numbers: Events, pairs: Pairs, ties: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Without a correlation, and where no input state brought them together: order within node, family and trace.

    True for those that the order alone brought together, whatever they have in common.
    """
    rows = numbers.rows
    is_ordered = np.zeros(rows.key.size, np.bool_)
    left = np.flatnonzero((pairs.mate == NONE) & ~rows.correlated & (rows.role != PROFILE))
    if left.size < 2:
        return is_ordered
    places = numbers.place[left]
    pool = combined(hashed(events["node"].gather(places)), numbers.family[left].astype(np.uint64))
    if events["trace_id"].null_count() < events.height:
        pool = combined(pool, hashed(events["trace_id"].gather(places)))
    _break_ties(events, numbers, left, ties)
    # First those that have no input state at all, are alike in the rest, and whose end says how long it took: that both
    # lack something is no evidence by itself, and takes their true mates away from two whose metadata got lost.
    bare = events["input_hash"].gather(places).is_null().to_numpy()
    told = bare & ((rows.role[left] == START) | (rows.took[left] >= 0))
    _pair_groups(left[told], combined(pool, rows.exact[left])[told], rows, pairs, ties, BY_INPUT)
    alone = pairs.mate[left] == NONE
    _pair_groups(left[alone], pool[alone], rows, pairs, ties, BY_ORDER)
    is_ordered[left[alone]] = pairs.mate[left[alone]] != NONE
    # two without any input state that the order brought together have an equal one
    has_none = np.zeros(rows.key.size, np.bool_)
    has_none[left[bare]] = True
    ordered = left[alone & bare]
    ordered = ordered[pairs.mate[ordered] != NONE]
    mates = pairs.mate[ordered]
    alike = has_none[mates] & (rows.exact[ordered] == rows.exact[mates]) & (pairs.by[ordered] == BY_ORDER)
    pairs.by[ordered[alike]] = BY_INPUT
    return is_ordered


def _pair_groups(
    items: NDArray[np.integer], group: NDArray[np.uint64], rows: Rows, pairs: Pairs, ties: NDArray[np.int32], by: int
) -> None:
    order = np.argsort(group, kind="stable")
    border = np.concatenate([[0], np.flatnonzero(np.diff(group[order])) + 1, [order.size]])
    pair_in_order(items[order].astype(np.int32), border, rows, pairs, ties, by)


def _found(numbers: Events, pairs: Pairs, ordered: NDArray[np.bool_], threads: int) -> Found:
    """The spans that pairs amount to."""
    rows = numbers.rows
    stands = np.empty(rows.role.size + 1, np.int32)
    n = standing(rows.role, pairs.mate, pairs.absorbed, stands)
    found = nothing_found(n)
    cuts = np.linspace(0, n, threads + 1).astype(np.int64)

    def fill(part: int) -> None:
        tell(
            stands, cuts[part], cuts[part + 1], rows.time, rows.role, rows.correlated, rows.took,
            rows.severity, pairs.mate, pairs.by, pairs.state, pairs.second, pairs.profile, ordered, numbers.place,
            numbers.family, numbers.measured_ms, *found,
        )  # fmt: skip

    in_threads(fill, range(threads), threads)
    return found
