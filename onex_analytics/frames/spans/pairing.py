"""Which end belongs to which start: a compiled kernel over the events of one key after another.

Rows come ordered by (key, exact key, time, starts before ends). Within one exact key the ends, in order of time, take
the nearest start that their execution time fits, else the last one that is still unpaired: O(log n) an end, by two
chains that jump over what is taken. What is left over within a key is paired by time where nothing contradicts (a
missing operation matches any), looking back `_LOOK_BACK` rows at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

START, END, PROFILE = 0, 1, 2
"""Roles of an event."""

REQUEST, NODE, TELEMETRY, PROFILED = 0, 1, 2, 3
"""What kind of family it is of."""

PAIRED_BY = ("correlation", "execution_time", "input_state", "order")
BY_KEY, BY_TIME, BY_INPUT, BY_ORDER = 0, 1, 2, 3

STATES = (
    "closed", "open", "end_without_start", "duplicate_start", "duplicate_end", "negative_duration", "orphan", "cycle",
)  # fmt: skip
CLOSED, OPEN, NO_START, AGAIN_START, AGAIN_END, NEGATIVE, ORPHAN, CYCLE = range(8)

NONE = -1
NO_TIME = np.iinfo(np.int64).min
_LOOK_BACK = 64
_TOLERANCE_US = 10_000
ORDER_SLACK_US = 1_000_000  # a time may come in whole seconds


class Rows(NamedTuple):
    """Events as arrays of numbers, one place an event."""

    key: NDArray[np.uint64]
    exact: NDArray[np.uint64]        # within the key: what a start and its end have in common at best
    time: NDArray[np.int64]          # microseconds; `NO_TIME` where there is none
    role: NDArray[np.uint8]
    family: NDArray[np.uint8]
    correlated: NDArray[np.bool_]    # whether the key is a correlation
    operation: NDArray[np.uint64]    # 0 where not given
    span: NDArray[np.uint64]         # a given span id; 0 where not given
    took: NDArray[np.int64]          # execution time in microseconds, -1 where not given
    severity: NDArray[np.uint8]      # of the outcome


class Pairs(NamedTuple):
    """What was found, one place an event."""

    mate: NDArray[np.int32]          # of a start its end, of an end its start
    by: NDArray[np.uint8]            # a place in `PAIRED_BY`, at both
    state: NDArray[np.uint8]         # a place in `STATES`, at the event that stands for its span
    second: NDArray[np.int32]        # at a telemetry span: the node span that it was merged with
    profile: NDArray[np.int32]       # the PERFORMANCE_PROFILE of a span
    absorbed: NDArray[np.bool_]      # true where another event stands for this one's span


def empty_pairs(n: int) -> Pairs:
    """Nothing found yet."""
    return Pairs(
        np.full(n, NONE, np.int32), np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.full(n, NONE, np.int32),
        np.full(n, NONE, np.int32), np.zeros(n, np.bool_),
    )  # fmt: skip


@njit(nogil=True, cache=True)
def fits(difference: int, took: int) -> bool:
    """Whether a start so far from where the execution time puts it may be its start: max(10 ms, 5 %).

    >>> bool(fits(10_000, 1_000)), bool(fits(10_001, 1_000)), bool(fits(50_000, 1_000_000))
    (True, False, True)
    """
    return abs(difference) <= max(_TOLERANCE_US, took // 20)


@njit(nogil=True, cache=True)
def _left(jump, place):  # type: ignore[no-untyped-def]
    """The last place at or before this one that is not taken; -1 where there is none."""
    while place >= 0 and jump[place] != place:
        above = jump[place]
        if above >= 0:
            jump[place] = jump[above]
        place = above
    return place


@njit(nogil=True, cache=True)
def _right(jump, place, count):  # type: ignore[no-untyped-def]
    """The first place at or after this one that is not taken; `count` where there is none."""
    while place < count and jump[place] != place:
        above = jump[place]
        if above < count:
            jump[place] = jump[above]
        place = above
    return place


@njit(nogil=True, cache=True)
def pair_exact(order, begin, end, rows, found, by_key):  # type: ignore[no-untyped-def]
    """Pair the events of one exact key."""
    starts = np.empty(end - begin, np.int32)
    before, after = np.empty(end - begin, np.int32), np.empty(end - begin, np.int32)
    count, free = 0, 0
    for at in range(begin, end):
        i = order[at]
        role = rows.role[i]
        if role == START:
            starts[count] = i
            before[count] = count
            after[count] = count
            count += 1
            free += 1
        elif role == END and free > 0:
            chosen = _left(before, count - 1)
            by = by_key
            took = rows.took[i]
            if took >= 0 and free > 1:
                wanted = rows.time[i] - took
                low, high = 0, count
                while low < high:
                    middle = (low + high) // 2
                    if rows.time[starts[middle]] < wanted:
                        low = middle + 1
                    else:
                        high = middle
                later = _right(after, low, count)
                earlier = _left(before, low - 1)
                nearest = NONE
                if later < count:
                    nearest = later
                if earlier >= 0 and (
                    nearest == NONE
                    or wanted - rows.time[starts[earlier]] < rows.time[starts[nearest]] - wanted
                ):
                    nearest = earlier
                if nearest != NONE and fits(rows.time[starts[nearest]] - wanted, took):
                    chosen, by = nearest, BY_TIME
            mate = starts[chosen]
            found.mate[i] = mate
            found.mate[mate] = i
            found.by[i] = by
            before[chosen] = chosen - 1
            after[chosen] = chosen + 1
            free -= 1


@njit(nogil=True, cache=True)
def may_pair(i, j, rows):  # type: ignore[no-untyped-def]
    """Whether nothing that two events of one key say speaks against their being one operation."""
    a, b = rows.operation[i], rows.operation[j]
    c, d = rows.span[i], rows.span[j]
    return (a == b or a == 0 or b == 0) and (c == d or c == 0 or d == 0)


@njit(nogil=True, cache=True)
def in_time(items, rows, ties):  # type: ignore[no-untyped-def]
    """Sort a few rows by time, role and tie."""
    if items.size > 64:
        items = items[np.argsort(ties[items], kind="mergesort")]
        items = items[np.argsort(rows.role[items], kind="mergesort")]
        return items[np.argsort(rows.time[items], kind="mergesort")]
    for at in range(1, items.size):
        i, to = items[at], at
        while to > 0:
            j = items[to - 1]
            if rows.time[j] != rows.time[i]:
                stays = rows.time[j] < rows.time[i]
            elif rows.role[j] != rows.role[i]:
                stays = rows.role[j] < rows.role[i]
            else:
                stays = ties[j] <= ties[i]
            if stays:
                break
            items[to] = j
            to -= 1
        items[to] = i
    return items


@njit(nogil=True, cache=True)
def pair_left_over(items, rows, found, ties, by_key):  # type: ignore[no-untyped-def]
    """Pair starts and ends of one key that found none of their exact key; `items` are of one family.

    Where only the order speaks for a pair, an execution time may not speak against it: such an end takes no start that
    lies more than `ORDER_SLACK_US` beside where it should. (Work that never ended would otherwise hide behind the end
    of other work, days later.)
    """
    items = in_time(items, rows, ties)
    waiting = np.empty(items.size, np.int32)
    count = 0
    for i in items:
        if rows.role[i] == START:
            waiting[count] = i
            count += 1
            continue
        took, chosen, nearest, choices = rows.took[i], NONE, np.int64(-1), 0
        fitting = NONE
        for back in range(count - 1, max(count - 1 - _LOOK_BACK, -1), -1):
            j = waiting[back]
            if not may_pair(i, j, rows):
                continue
            if by_key == BY_ORDER and took >= 0:
                off = abs(rows.time[i] - took - rows.time[j])
                if off > max(ORDER_SLACK_US, took // 20):
                    continue
            choices += 1
            if chosen == NONE:
                chosen = back
            if took >= 0:
                off = abs(rows.time[i] - took - rows.time[j])
                if fits(off, took) and (fitting == NONE or off < nearest):
                    fitting, nearest = back, off
        if chosen == NONE:
            continue
        by = by_key
        if fitting != NONE and choices > 1:
            chosen, by = fitting, BY_TIME
        j = waiting[chosen]
        found.mate[i] = j
        found.mate[j] = i
        found.by[i] = by
        for place in range(chosen, count - 1):
            waiting[place] = waiting[place + 1]
        count -= 1


@njit(nogil=True, cache=True)
def pair_backwards(items, rows, found, ties):  # type: ignore[no-untyped-def]
    """Ends of one key take the nearest later start that is left: a clock went backwards between them."""
    items = in_time(items, rows, ties)
    for at in range(items.size - 1, -1, -1):
        i = items[at]
        if rows.role[i] != END or found.mate[i] != NONE:
            continue
        for ahead in range(at + 1, min(at + 1 + _LOOK_BACK, items.size)):
            j = items[ahead]
            if rows.role[j] == START and found.mate[j] == NONE and may_pair(i, j, rows):
                found.mate[i] = j
                found.mate[j] = i
                found.by[i] = BY_KEY
                found.state[i] = NEGATIVE
                break


@njit(nogil=True, cache=True)
def judge(order, begin, end, rows, found):  # type: ignore[no-untyped-def]
    """States of the events of one exact key, once all pairs are made."""
    first_pair, last_end, open_yet = NONE, NO_TIME, False
    for at in range(begin, end):
        i = order[at]
        if rows.role[i] == END and found.mate[i] != NONE:
            first_pair = i
            last_end = max(last_end, rows.time[i])
    for at in range(begin, end):
        i = order[at]
        if rows.role[i] == PROFILE or found.mate[i] != NONE:
            continue
        if rows.role[i] == START:
            again = rows.correlated[i] and (open_yet or (first_pair != NONE and rows.time[i] <= last_end))
            found.state[i] = AGAIN_START if again else OPEN
            open_yet = True
        else:
            found.state[i] = CLOSED if rows.took[i] >= 0 else NO_START
            if rows.correlated[i] and first_pair != NONE and _ended_already(order, begin, end, i, rows, found):
                found.state[i] = AGAIN_END


@njit(nogil=True, cache=True)
def _ended_already(order, begin, end, i, rows, found):  # type: ignore[no-untyped-def]
    """Whether an end without a start tells of work that ended already: by its execution time, where it has one."""
    if rows.took[i] < 0:
        return True
    wanted = rows.time[i] - rows.took[i]
    looked = 0
    for at in range(begin, end):
        j = order[at]
        if rows.role[j] == START and found.mate[j] != NONE:
            if fits(rows.time[j] - wanted, rows.took[i]):
                return True
            looked += 1
            if looked > _LOOK_BACK:
                break
    return False
