"""One operation, several witnesses: the node's own events, the telemetry around them, a profile of what it used.

A node pair that lies inside a telemetry pair of the same node and correlation is the same operation. The innermost
telemetry pair chooses first, among the node pairs that begin no earlier: one that went as well or as badly before one
that did not, the earliest before a later one. At most `_CHOICES` are looked at, so that a key of any size is paired in
time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from onex_analytics.frames.spans.pairing import (
    BY_INPUT,
    BY_KEY,
    BY_ORDER,
    CLOSED,
    END,
    NEGATIVE,
    NO_TIME,
    NODE,
    NONE,
    PROFILE,
    REQUEST,
    START,
    TELEMETRY,
    judge,
    pair_backwards,
    pair_exact,
    pair_left_over,
)
from onex_analytics.machine import lean

_CHOICES = 32
_FAILED = 3
_FOREVER = np.iinfo(np.int64).max
_SLACK_US = 10_000


@njit(nogil=True, cache=True)
def pair_keys(order, border, rows, found, ties):  # type: ignore[no-untyped-def]
    """Pair all events of some keys, merge witnesses, attach profiles. Keys share nothing: they may go to threads."""
    left = np.empty(border.size, np.int32)
    count = _pair_plain(
        order, border, rows.exact, rows.time, rows.role, rows.family, rows.correlated, found.mate, found.by,
        found.second, found.absorbed, left,
    )  # fmt: skip
    for key in left[:count]:
        _pair_key(order, border[key], border[key + 1], rows, found, ties)


@lean
def _pair_plain(  # type: ignore[no-untyped-def]
    order, border, exact, time, role, family, correlated, mate, by, second, absorbed, left
):
    """Pair the keys that are one start and its end, or those of a node within those of telemetry, as nearly all are.

    How many others there are, which are told in `left`.
    """
    count = 0
    for key in range(border.size - 1):
        begin, end = border[key], border[key + 1]
        if end - begin == 2 or end - begin == 4:
            a, b = order[begin], order[begin + 1]
            if role[a] == START and role[b] == END and exact[a] == exact[b]:
                by_key = BY_KEY if correlated[a] else BY_INPUT
                if end - begin == 2:
                    mate[a], mate[b], by[b] = b, a, by_key
                    continue
                c, d = order[begin + 2], order[begin + 3]
                if role[c] == START and role[d] == END and exact[c] == exact[d] and exact[a] != exact[c]:
                    mate[a], mate[b], by[b] = b, a, by_key
                    mate[c], mate[d], by[d] = d, c, by_key
                    if family[a] == TELEMETRY:
                        a, b, c, d = c, d, a, b  # the telemetry is c and d
                    if family[c] == TELEMETRY and family[a] == NODE and time[c] <= time[a] and time[b] <= time[d]:
                        second[d], absorbed[b] = b, True
                    continue
        left[count] = key
        count += 1
    return count


@njit(nogil=True, cache=True)
def _pair_key(order, begin, end, rows, found, ties):  # type: ignore[no-untyped-def]
    """The events of one key, whatever they are."""
    correlated = rows.correlated[order[begin]]
    by_key = BY_KEY if correlated else BY_INPUT
    at = begin
    left_starts, left_ends = 0, 0
    while at < end:
        stop = _exact_until(order, at, end, rows)
        if stop - at > 1:
            pair_exact(order, at, stop, rows, found, by_key)
        for place in range(at, stop):
            i = order[place]
            if found.mate[i] == NONE:
                left_starts += rows.role[i] == START
                left_ends += rows.role[i] == END
        at = stop
    if correlated and left_starts > 0 and left_ends > 0:
        for family in (REQUEST, NODE, TELEMETRY):
            left = _unpaired(order, begin, end, family, rows, found)
            if left.size > 1:
                pair_left_over(left, rows, found, ties, BY_KEY)
                left = _unpaired(order, begin, end, family, rows, found)
                if left.size > 1:
                    pair_backwards(left, rows, found, ties)
    if left_starts > 0 or left_ends > 0:
        at = begin
        while at < end:
            stop = _exact_until(order, at, end, rows)
            judge(order, at, stop, rows, found)
            at = stop
    if correlated and end - begin > 1:
        merge_witnesses(order, begin, end, rows, found, ties)
        attach_profiles(order, begin, end, rows, found, ties)


@njit(nogil=True, cache=True)
def _exact_until(order, at, end, rows):  # type: ignore[no-untyped-def]
    exact = rows.exact[order[at]]
    stop = at + 1
    while stop < end and rows.exact[order[stop]] == exact:
        stop += 1
    return stop


@njit(nogil=True, cache=True)
def pair_in_order(items, border, rows, found, ties, by_key):  # type: ignore[no-untyped-def]
    """Pair by their order what has no correlation and what no input state brought together, group by group."""
    for group in range(border.size - 1):
        here = items[border[group] : border[group + 1]]
        if here.size < 2:
            continue
        pair_left_over(here, rows, found, ties, BY_ORDER)
        for i in here:
            if found.mate[i] != NONE:
                found.state[i] = CLOSED
                if found.by[i] == BY_ORDER:
                    found.by[i] = by_key


@njit(nogil=True, cache=True)
def _unpaired(order, begin, end, family, rows, found):  # type: ignore[no-untyped-def]
    out = np.empty(end - begin, np.int32)
    count = 0
    for at in range(begin, end):
        i = order[at]
        if found.mate[i] == NONE and rows.role[i] != PROFILE and rows.family[i] == family:
            out[count] = i
            count += 1
    return out[:count].copy()


@njit(nogil=True, cache=True)
def _stands(i, rows, found):  # type: ignore[no-untyped-def]
    """Whether an event stands for its span: its end does, else its start."""
    return rows.role[i] == END or (rows.role[i] == START and found.mate[i] == NONE)


@njit(nogil=True, cache=True)
def began(i, rows, found):  # type: ignore[no-untyped-def]
    """When the span that an event stands for began; `NO_TIME` where nobody knows."""
    if rows.role[i] != END:
        return rows.time[i]
    mate = found.mate[i]
    if mate != NONE and found.state[i] != NEGATIVE:
        return rows.time[mate]
    if rows.took[i] >= 0 and rows.time[i] != NO_TIME:
        return rows.time[i] - rows.took[i]
    return NO_TIME if mate == NONE else rows.time[mate]


@njit(nogil=True, cache=True)
def ended(i, rows):  # type: ignore[no-untyped-def]
    """When the span that an event stands for ended; never, where it is a start."""
    return rows.time[i] if rows.role[i] == END else _FOREVER


@njit(nogil=True, cache=True)
def merge_witnesses(order, begin, end, rows, found, ties):  # type: ignore[no-untyped-def]
    """Let each telemetry span of a key take the node span that is the same operation."""
    tellers, doers = 0, 0
    for at in range(begin, end):
        i = order[at]
        if _stands(i, rows, found):
            tellers += rows.family[i] == TELEMETRY
            doers += rows.family[i] == NODE
    if tellers == 0 or doers == 0:
        return
    telemetry, nodes = np.empty(tellers, np.int32), np.empty(doers, np.int32)
    t, n = 0, 0
    for at in range(begin, end):
        i = order[at]
        if _stands(i, rows, found):
            if rows.family[i] == TELEMETRY:
                telemetry[t] = i
                t += 1
            elif rows.family[i] == NODE:
                nodes[n] = i
                n += 1
    telemetry, nodes = by_beginning(telemetry, rows, found, ties, False), by_beginning(nodes, rows, found, ties, True)
    beginnings = np.empty(doers, np.int64)
    for place in range(doers):
        beginnings[place] = _began_at_latest(nodes[place], rows, found)
    following = np.arange(doers + 1)
    for place in range(tellers - 1, -1, -1):
        i = telemetry[place]
        start, stop = began(i, rows, found), ended(i, rows)
        if rows.role[i] == END and (found.mate[i] == NONE or found.state[i] == NEGATIVE) and start != NO_TIME:
            start -= max(_SLACK_US, rows.took[i] // 20)  # reckoned from a rounded execution time
        at = np.searchsorted(beginnings, start)
        best, best_score, looked = NONE, -1, 0
        at = _next(following, at, doers)
        while at < doers and looked < _CHOICES:
            j = nodes[at]
            if beginnings[at] > stop:
                break
            inside = ended(j, rows) <= stop or rows.role[j] == START
            if inside:
                alike = (rows.severity[j] == _FAILED) == (rows.severity[i] == _FAILED)
                score = 2 * (rows.role[i] == rows.role[j]) + (alike and rows.role[i] == rows.role[j])
                if score > best_score:
                    best, best_score = at, score
                    if score == 3:
                        break
            looked += 1
            at = _next(following, at + 1, doers)
        if best != NONE:
            following[best] = best + 1
            _merge(i, nodes[best], rows, found)


@njit(nogil=True, cache=True)
def _began_at_latest(i, rows, found):  # type: ignore[no-untyped-def]
    start = began(i, rows, found)
    return rows.time[i] if start == NO_TIME else start


@njit(nogil=True, cache=True)
def _next(following, place, count):  # type: ignore[no-untyped-def]
    while place < count and following[place] != place:
        following[place] = following[following[place]]
        place = following[place]
    return place


@njit(nogil=True, cache=True)
def _merge(i, j, rows, found):  # type: ignore[no-untyped-def]
    found.second[i] = j
    found.absorbed[j] = True
    if found.state[i] == NEGATIVE or found.state[i] == CLOSED:
        return
    has_start = rows.role[i] == START or found.mate[i] != NONE or rows.role[j] == START or found.mate[j] != NONE
    has_end = rows.role[i] == END or rows.role[j] == END
    if (has_start and has_end) or found.state[j] == CLOSED:
        found.state[i] = CLOSED  # what the one witness lacks the other gives


@njit(nogil=True, cache=True)
def by_beginning(items, rows, found, ties, at_latest):  # type: ignore[no-untyped-def]
    """Spans by their beginning; of those that begin together the one that ends last comes first."""
    begins, ends = np.empty(items.size, np.int64), np.empty(items.size, np.int64)
    for place in range(items.size):
        i = items[place]
        begins[place] = _began_at_latest(i, rows, found) if at_latest else began(i, rows, found)
        ends[place] = -ended(i, rows)
    if items.size == 1:
        return items
    rank = np.argsort(ties[items], kind="mergesort")
    rank = rank[np.argsort(ends[rank], kind="mergesort")]
    return items[rank[np.argsort(begins[rank], kind="mergesort")]]


@njit(nogil=True, cache=True)
def attach_profiles(order, begin, end, rows, found, ties):  # type: ignore[no-untyped-def]
    """Give each profile of a key, in order of time, to the span of its operation that ended nearest to it."""
    profiles, spans = 0, 0
    for at in range(begin, end):
        i = order[at]
        profiles += rows.role[i] == PROFILE
        spans += _stands(i, rows, found) and not found.absorbed[i]
    if profiles == 0 or spans == 0:
        return
    told, work = np.empty(profiles, np.int32), np.empty(spans, np.int32)
    p, s = 0, 0
    for at in range(begin, end):
        i = order[at]
        if rows.role[i] == PROFILE:
            told[p] = i
            p += 1
        elif _stands(i, rows, found) and not found.absorbed[i]:
            work[s] = i
            s += 1
    told = in_time_of_end(told, rows, ties)
    work = in_time_of_end(work, rows, ties)
    ends = np.empty(spans, np.int64)
    for place in range(spans):
        ends[place] = ended(work[place], rows)
    for i in told:
        middle = np.searchsorted(ends, rows.time[i])
        best, nearest = NONE, np.int64(0)
        for place in range(max(middle - _CHOICES, 0), min(middle + _CHOICES, spans)):
            j = work[place]
            if found.profile[j] != NONE or not _same_work(i, j, rows, found):
                continue
            if ends[place] == _FOREVER:
                if rows.time[j] > rows.time[i]:
                    continue
                off = _FOREVER
            else:
                off = abs(ends[place] - rows.time[i])
            if best == NONE or off < nearest:
                best, nearest = place, off
        if best != NONE:
            found.profile[work[best]] = i
            found.absorbed[i] = True


@njit(nogil=True, cache=True)
def in_time_of_end(items, rows, ties):  # type: ignore[no-untyped-def]
    """Spans by the time of their end, the open ones last; profiles by their time."""
    if items.size == 1:
        return items
    times = np.empty(items.size, np.int64)
    for place in range(items.size):
        i = items[place]
        times[place] = rows.time[i] if rows.role[i] == PROFILE else ended(i, rows)
    rank = np.argsort(ties[items], kind="mergesort")
    return items[rank[np.argsort(times[rank], kind="mergesort")]]


@njit(nogil=True, cache=True)
def _same_work(i, j, rows, found):  # type: ignore[no-untyped-def]
    """Whether a profile may be of a span: its operation is that of one of the span's events, or either says none."""
    wanted = rows.operation[i]
    if wanted == 0:
        return True
    given = rows.operation[j]
    if given == 0 and found.mate[j] != NONE:
        given = rows.operation[found.mate[j]]
    other = found.second[j]
    if given == 0 and other != NONE:
        given = rows.operation[other]
    return given == 0 or given == wanted
