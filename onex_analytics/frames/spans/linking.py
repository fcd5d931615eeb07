"""Spans find their parents, and through them their traces.

A parent is, in this order: the span whose id was given as `parent_span_id` (within the same given trace id); the
innermost span of the parent's correlation id that was open when the child began; the span that one of whose events
is the cause. A given id is kept even where nobody bears it. What a span is called by comes from its own events alone;
so spans may be linked again, some at a time, when others arrive.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.spans.gathering import first_of
from onex_analytics.frames.spans.grouping import combined, in_order, sort_keys, spread, spread_key, tied
from onex_analytics.frames.spans.keys import hashed
from onex_analytics.frames.spans.pairing import CLOSED, CYCLE, NO_TIME, NONE, ORPHAN
from onex_analytics.frames.spans.parents import ends_for_nesting, innermost, roots, trace_bearers

_BITMAP_BITS, _SPARE_BITS = 24, 6
"""Bits that number the places of a bitmap: at most, and beyond those that number what is put into it. (Memory that is
touched for the first time costs more than the bitmap saves where little is linked.)"""


class Unlinked(NamedTuple):
    """What linking reads of spans: columns of text as they were given, and times in microseconds."""

    span_id: pl.Series
    trace_id: pl.Series              # as given
    parent_span_id: pl.Series        # as given
    correlation_id: pl.Series
    parent_correlation_id: pl.Series
    causation_id: pl.Series
    event_ids: tuple[pl.Series, ...]  # of its events, all that may be a cause
    own_event_id: pl.Series          # that names the trace of a root without any other id
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    state: NDArray[np.uint8]


class Linked(NamedTuple):
    """What linking found."""

    parent: NDArray[np.int32]        # a place among the spans, -1 where there is none
    trace_id: pl.Series
    parent_span_id: pl.Series
    state: NDArray[np.uint8]


def linked(spans: Unlinked) -> Linked:
    """Parents, trace ids, and the states orphan and cycle."""
    n = len(spans.span_id)
    parent = np.full(n, NONE, np.int32)
    named = _follow(spans, parent)
    if named is None:
        return Linked(parent, _own_trace(spans), spans.parent_span_id, spans.state)
    rank = np.zeros(n, np.int32)
    top, cyclic = roots(parent, rank)
    if cyclic.any():
        _rank(spans, np.flatnonzero(cyclic), rank)
        top, cyclic = roots(parent, rank)
    has_trace = spans.trace_id.is_not_null().to_numpy()
    _rank(spans, np.flatnonzero(has_trace & ~has_trace[top]), rank)
    bearer = trace_bearers(parent, top, cyclic, has_trace, rank)
    trace_id = _own_trace(spans, bearer)
    state = spans.state.copy()
    whole = state == CLOSED
    state[whole & named & (parent == NONE)] = ORPHAN
    state[whole & cyclic] = CYCLE
    adopted = np.flatnonzero((parent != NONE) & spans.parent_span_id.is_null().to_numpy())
    parent_id = spans.parent_span_id.clone().scatter(
        pl.Series(adopted, dtype=pl.UInt32), spans.span_id.gather(pl.Series(parent[adopted], dtype=pl.UInt32))
    )
    return Linked(parent, trace_id, parent_id, state)


def _own_trace(spans: Unlinked, bearers: NDArray[np.int32] | None = None) -> pl.Series:
    """The trace id that spans, or the bearers of theirs, have by themselves: as given, else correlation or event id."""
    return first_of([spans.trace_id, spans.correlation_id, spans.own_event_id], bearers).alias("trace_id")


def _follow(spans: Unlinked, parent: NDArray[np.int32]) -> NDArray[np.bool_] | None:
    """Fill in parents; true for the spans that name one, None where none does."""
    n = parent.size
    by_span, by_correlation, by_cause = (
        hashed(column) for column in (spans.parent_span_id, spans.parent_correlation_id, spans.causation_id)
    )
    own_correlation = hashed(spans.correlation_id) if by_correlation.any() or by_cause.any() else np.zeros(n, np.uint64)
    by_span_too: NDArray[np.bool_] = by_span != 0
    by_correlation_too = (by_correlation != 0) & (by_correlation != own_correlation) & ~by_span_too
    by_cause_too = (by_cause != 0) & (by_cause != own_correlation) & ~by_span_too & ~by_correlation_too
    named: NDArray[np.bool_] = by_span_too | by_correlation_too | by_cause_too
    if not named.any():
        return None
    if by_span_too.any():
        trace = hashed(spans.trace_id)
        own = combined(trace, hashed(spans.span_id))
        _adopt(spans, own, combined(trace, by_span), np.flatnonzero(by_span_too), parent)
    if by_correlation_too.any():
        _adopt(spans, own_correlation, by_correlation, np.flatnonzero(by_correlation_too), parent)
    if by_cause_too.any():
        own = np.concatenate([hashed(ids) for ids in spans.event_ids])
        _adopt(spans, own, by_cause, np.flatnonzero(by_cause_too), parent)
    return named


def _adopt(
    spans: Unlinked, own: NDArray[np.uint64], wanted: NDArray[np.uint64], children: NDArray[np.integer],
    parent: NDArray[np.int32],
) -> None:  # fmt: skip
    """Give the children the innermost of the spans that bear the key they want.

    `own` has the keys that spans bear, of all spans once or several times over; 0 is none.
    """
    wanted_keys = spread(wanted[children])
    bits = min(children.size.bit_length() + _SPARE_BITS, _BITMAP_BITS)
    asked = np.zeros(1 << bits, np.bool_)
    shift = np.uint64(64 - bits)
    asked[wanted_keys >> shift] = True
    owners, own = _asked_for(own, asked, shift, parent.size)
    place = np.concatenate([owners, children]).astype(np.int32)
    key = np.concatenate([own, wanted_keys])
    is_child = np.zeros(place.size, np.bool_)
    is_child[owners.size:] = True
    role, time = is_child.astype(np.uint8), spans.start[place]
    ties, none = np.zeros(place.size, np.int32), np.zeros(place.size, np.uint64)
    order, border = in_order(key, none, time, role, ties, 0, 1)
    same, keys = tied(order, border, time)
    same = same[~is_child[same]]
    if same.size > 1:
        _rank(spans, place[same], ties, same, outermost_first=True)
        sort_keys(order, border, keys, none, time, role, ties)
    innermost(order, border, is_child, place, spans.start, ends_for_nesting(spans.end), parent)


@njit(nogil=True, cache=True)
def _asked_for(own, asked, shift, n):  # type: ignore[no-untyped-def]
    """The spans that bear a key that may be asked for, and these keys."""
    who, keys = np.empty(own.size, np.int32), np.empty(own.size, np.uint64)
    count = 0
    for at in range(own.size):
        if own[at] != 0:
            key = spread_key(own[at])
            if asked[key >> shift]:
                who[count] = at % n
                keys[count] = key
                count += 1
    return who[:count].copy(), keys[:count].copy()


def innermost_of(key: pl.Series, start: pl.Series, end: pl.Series, is_child: pl.Series) -> pl.Series:
    """For each child the row of the innermost other row of its key, by times alone (-1 where there is none).

    Times are microseconds; keys are hashes. Of rows that begin together any may be given.
    """
    keys = spread(key.to_numpy().view(np.uint64).copy())
    starts, ends = (column.fill_null(NO_TIME).to_numpy(writable=True) for column in (start, end))
    child = is_child.to_numpy()
    none = np.zeros(keys.size, np.uint64)
    order, border = in_order(keys, none, starts, child.astype(np.uint8), np.zeros(keys.size, np.int32), 0, 1)
    parent = np.full(keys.size, NONE, np.int32)
    everyone = np.arange(keys.size, dtype=np.int32)
    innermost(order, border, child, everyone, starts, ends_for_nesting(ends), parent)
    return pl.Series("parent", parent)


def _rank(
    spans: Unlinked, chosen: NDArray[np.integer], rank: NDArray[np.int32], at: NDArray[np.integer] | None = None,
    *, outermost_first: bool = False,
) -> None:  # fmt: skip
    """Number some spans by start, end and id: an order that no order of rows can change."""
    if chosen.size == 0:
        return
    end = ends_for_nesting(spans.end[chosen])
    frame = pl.DataFrame({
        "start": spans.start[chosen], "end": -end if outermost_first else end,
        "id": spans.span_id.gather(pl.Series(chosen, dtype=pl.UInt32)),
        "event": spans.own_event_id.gather(pl.Series(chosen, dtype=pl.UInt32)),
    })  # fmt: skip
    by = frame.select(pl.arg_sort_by("start", "end", "id", "event")).to_series().to_numpy()
    rank[(chosen if at is None else at)[by]] = np.arange(chosen.size, dtype=np.int32)
