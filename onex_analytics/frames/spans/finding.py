"""Events become spans: which event tells of which, as places in the frame of events."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans.grouping import borders, in_order, tied
from onex_analytics.frames.spans.keys import Events, in_threads, numbered
from onex_analytics.frames.spans.pairing import (
    BY_KEY,
    CLOSED,
    END,
    NO_TIME,
    NONE,
    PROFILE,
    START,
    STATES,
    Pairs,
    empty_pairs,
)  # fmt: skip
from onex_analytics.frames.spans.witnesses import pair_in_order, pair_keys

_THREADS_FROM = 50_000


class Found(NamedTuple):
    """Spans as the events that tell of them: places in the frame of events, -1 where there is none."""

    end: NDArray[np.int32]
    start: NDArray[np.int32]
    second_end: NDArray[np.int32]
    second_start: NDArray[np.int32]
    profile: NDArray[np.int32]
    began: NDArray[np.int64]         # microseconds, `NO_TIME` where unknown
    ended: NDArray[np.int64]
    state: NDArray[np.uint8]
    by: NDArray[np.int16]            # a place in `PAIRED_BY`, -1 where unpaired
    severity: NDArray[np.uint8]      # a place in `OUTCOMES_OF_SPANS`
    tells_worst: NDArray[np.bool_]   # of each of its two ends whether it tells of a failure, and of the worst
    family: NDArray[np.uint8]
    loose: NDArray[np.bool_]         # no correlation, and paired by the order or not at all

    @property
    def told_by(self) -> NDArray[np.int32]:
        """The events of each span, those of telemetry before those of the node, ends before starts."""
        return np.stack([self.end, self.start, self.second_end, self.second_start])


def found_spans(events: pl.DataFrame) -> Found:
    """Pair all events of a frame."""
    threads = threads_for(events.height)
    numbers = numbered(events, threads)
    rows = numbers.rows
    n = rows.key.size
    ties = np.zeros(n, np.int32)
    pairs = empty_pairs(n)
    parts = 1 << (threads.bit_length() - 1)  # a power of two
    orders: dict[int, tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.intp]]] = {}

    def sort(part: int) -> None:
        order = in_order(rows.key, rows.exact, rows.time, rows.role, ties, part, parts)
        border = borders(order, rows.key)
        orders[part] = order, border, np.flatnonzero(tied(order, border, rows.time))

    def pair(part: int) -> None:
        order, border, _ = orders[part]
        pair_keys(order, border, 0, border.size - 1, rows, pairs, ties)

    in_threads(sort, range(parts), parts)
    if _break_ties(events, numbers, np.concatenate([same for _, _, same in orders.values()]), ties):
        in_threads(sort, range(parts), parts)
    in_threads(pair, range(parts), parts)
    _pair_by_order(events, numbers, pairs, ties)
    return _found(numbers, pairs)


def threads_for(rows: int) -> int:
    """How many threads so many rows are worth."""
    return min(pl.thread_pool_size(), 8) if rows >= _THREADS_FROM else 1


def _break_ties(events: pl.DataFrame, numbers: Events, rows: NDArray[np.intp], ties: NDArray[np.int32]) -> bool:
    """Number some events by their ids; false where there are none."""
    if rows.size:
        ids = events["event_id"].gather(pl.Series(numbers.place[rows]))
        ties[rows] = ids.rank("dense").fill_null(0).to_numpy()
    return bool(rows.size)


def _pair_by_order(events: pl.DataFrame, numbers: Events, pairs: Pairs, ties: NDArray[np.int32]) -> None:
    """Without a correlation, and where no input state brought them together: order within node and family."""
    rows = numbers.rows
    left = np.flatnonzero((pairs.mate == NONE) & ~rows.correlated & (rows.role != PROFILE))
    if left.size < 2:
        return
    pool = numbers.pool[left]
    by_pool = np.argsort(pool, kind="stable")
    left, pool = left[by_pool], pool[by_pool]
    _break_ties(events, numbers, left, ties)
    for items in np.split(left, np.flatnonzero(np.diff(pool)) + 1):
        roles = rows.role[items]
        if (roles == START).any() and (roles == END).any():
            pair_in_order(items.astype(np.int32), rows, pairs, ties)


def _found(numbers: Events, pairs: Pairs) -> Found:
    """The spans that pairs amount to."""
    rows, mate = numbers.rows, pairs.mate
    stands = ~pairs.absorbed & ((rows.role != START) | (mate == NONE))
    a = np.flatnonzero(stands)
    is_start = rows.role[a] == START
    end, start = np.where(is_start, NONE, a), np.where(is_start, a, mate[a])
    second = pairs.second[a]
    merged = second != NONE
    second_is_start = merged & (rows.role[second] == START)
    second_end = np.where(merged & ~second_is_start, second, NONE)
    second_start = np.where(second_is_start, second, np.where(merged, mate[second], NONE))
    own_profile = rows.role[a] == PROFILE
    profile = np.where(own_profile, a, pairs.profile[a])

    def at(array: NDArray[np.integer], which: NDArray[np.integer], absent: int) -> NDArray[np.int64]:
        return np.where(which == NONE, np.int64(absent), array[which])

    time, took = rows.time, rows.took
    ended = at(time, end, NO_TIME)
    ended = np.where(end == NONE, at(time, second_end, NO_TIME), ended)

    def reckoned(which: NDArray[np.integer]) -> NDArray[np.int64]:
        known = (at(took, which, -1) >= 0) & (at(time, which, NO_TIME) != NO_TIME)
        return np.where(known, time[which] - took[which], NO_TIME)

    began = at(time, start, NO_TIME)
    for candidate in (reckoned(end), at(time, second_start, NO_TIME), reckoned(second_end)):
        began = np.where((start == NONE) & (began == NO_TIME), candidate, began)
    severities = np.stack([at(rows.severity, end, 0), at(rows.severity, second_end, 0)]).astype(np.uint8)
    severity = severities.max(axis=0)
    state = pairs.state[a].copy()
    state[own_profile] = np.where(took[a[own_profile]] >= 0, CLOSED, STATES.index("end_without_start"))
    by_all = np.where(mate != NONE, pairs.by.astype(np.int16), np.int16(NONE))
    by = by_all[a]
    by_second = merged & (by == NONE)
    by[by_second] = by_all[second[by_second]]
    by[by_second & (by == NONE) & (state == CLOSED) & ((start != NONE) | (second_start != NONE))] = BY_KEY

    def place(which: NDArray[np.integer]) -> NDArray[np.int32]:
        return np.where(which == NONE, NONE, numbers.place[which].astype(np.int64)).astype(np.int32)

    return Found(
        place(end), place(start), place(second_end), place(second_start), place(profile), began, ended, state, by,
        severity, (severities == severity) & (severity >= 2), numbers.family[a],
        ~rows.correlated[a] & ~own_profile & ((mate[a] == NONE) | (rows.exact[a] != rows.exact[mate[a]])),
    )  # fmt: skip
