"""What each span is, from the pairs that were found: a compiled kernel over the events that stand for spans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onex_analytics.frames.spans.pairing import BY_KEY, CLOSED, NO_START, NO_TIME, NONE, PROFILE, START
from onex_analytics.machine import lean
from onex_analytics.model.shapes import WIRE_NULL

LONGEST_MS = 1e12
"""The first duration that one cannot reckon with: 30 years."""

_SOFT_FAILURE = 2


class Found(NamedTuple):
    """Spans as the events that tell of them: places in the frame of events, -1 where there is none."""

    told_by: NDArray[np.int32]       # five rows: end, start, end and start of the second witness, profile
    worst: NDArray[np.int32]         # of its two ends those that tell of a failure, and of the worst
    began: NDArray[np.int64]         # microseconds, `NO_TIME` where unknown
    ended: NDArray[np.int64]
    duration_ms: NDArray[np.float64]  # what the node measured, else what the clocks say; NaN where unknown
    state: NDArray[np.uint8]
    by: NDArray[np.int16]            # a place in `PAIRED_BY`, -1 where unpaired
    severity: NDArray[np.uint8]      # a place in `OUTCOMES_OF_SPANS`
    family: NDArray[np.uint8]
    loose: NDArray[np.bool_]         # no correlation, and paired by the order alone or not at all

    @property
    def end(self) -> NDArray[np.int32]:
        return self.told_by[0]

    @property
    def start(self) -> NDArray[np.int32]:
        return self.told_by[1]

    @property
    def second_end(self) -> NDArray[np.int32]:
        return self.told_by[2]

    @property
    def second_start(self) -> NDArray[np.int32]:
        return self.told_by[3]

    @property
    def profile(self) -> NDArray[np.int32]:
        return self.told_by[4]


def nothing_found(n: int) -> Found:
    """Room for so many spans."""
    return Found(
        np.empty((5, n), np.int32), np.empty((2, n), np.int32), np.empty(n, np.int64), np.empty(n, np.int64),
        np.empty(n, np.float64), np.empty(n, np.uint8), np.empty(n, np.int16), np.empty(n, np.uint8),
        np.empty(n, np.uint8), np.empty(n, np.bool_),
    )  # fmt: skip


@lean
def standing(role, mate, absorbed, out):  # type: ignore[no-untyped-def]
    """How many events stand for spans: the end of each, else its start. They are told in `out`."""
    count = 0
    for i in range(role.size):
        out[count] = i
        count += (not absorbed[i]) & ((role[i] != START) | (mate[i] == NONE))
    return count


@lean
def tell(  # type: ignore[no-untyped-def]
    stands, first, last, time, role, correlated, took, severities, mate, pair_by, pair_state, pair_second,
    pair_profile, ordered, place, families, measured_ms, told_by, worst, began, ended, duration_ms, state, by, severity,
    family, loose,
):
    """Fill in some of the spans."""
    for at in range(first, last):
        i = stands[at]
        family[at] = families[i]
        of_profile = role[i] == PROFILE
        end, start = (NONE, i) if role[i] == START else (i, mate[i])
        second_end, second_start = NONE, pair_second[i]
        if second_start != NONE and role[second_start] != START:
            second_end = second_start
            second_start = mate[second_end]
        profile = i if of_profile else pair_profile[i]

        ended[at] = time[end] if end != NONE else time[second_end] if second_end != NONE else NO_TIME
        begin = NO_TIME
        if start != NONE:
            begin = time[start]
        else:
            begin = _reckoned(end, time, took)
            if begin == NO_TIME and second_start != NONE:
                begin = time[second_start]
            if begin == NO_TIME:
                begin = _reckoned(second_end, time, took)
        began[at] = begin

        a = severities[end] if end != NONE else 0
        b = severities[second_end] if second_end != NONE else 0
        severity[at] = max(a, b)
        failed = max(a, b) >= _SOFT_FAILURE
        worst[0, at] = place[end] if failed and a >= b else NONE
        worst[1, at] = place[second_end] if failed and b >= a else NONE

        state[at] = pair_state[i] if not of_profile else CLOSED if took[i] >= 0 else NO_START
        way = pair_by[i] if mate[i] != NONE else NONE
        if way == NONE and pair_second[i] != NONE:
            if mate[pair_second[i]] != NONE:
                way = pair_by[pair_second[i]]
            elif state[at] == CLOSED and (start != NONE or second_start != NONE):
                way = BY_KEY
        by[at] = way
        loose[at] = not correlated[i] and not of_profile and (mate[i] == NONE or ordered[i])
        told_by[0, at] = NONE if end == NONE else place[end]
        told_by[1, at] = NONE if start == NONE else place[start]
        told_by[2, at] = NONE if second_end == NONE else place[second_end]
        told_by[3, at] = NONE if second_start == NONE else place[second_start]
        told_by[4, at] = NONE if profile == NONE else place[profile]

        duration = _measured(end, measured_ms)
        if np.isnan(duration):
            duration = _measured(second_end, measured_ms)
        if np.isnan(duration):
            duration = _measured(profile, measured_ms)
        if np.isnan(duration) and begin != NO_TIME and ended[at] != NO_TIME:
            duration = (ended[at] - begin) / 1000
        duration_ms[at] = duration


@lean
def _reckoned(i, time, took):  # type: ignore[no-untyped-def]
    """When an event began by its execution time."""
    if i != NONE and took[i] >= 0 and time[i] != NO_TIME:
        return time[i] - took[i]
    return NO_TIME


@lean
def _measured(i, measured_ms):  # type: ignore[no-untyped-def]
    """The duration that an event tells; NaN where it tells none that one can reckon with."""
    return measured_ms[i] if i != NONE and measured_ms[i] >= 0 and measured_ms[i] < LONGEST_MS else np.nan


@lean
def named_elsewhere(by, start, end, second_end, wire, bits, out):  # type: ignore[no-untyped-def]
    """How many pairs by key have no event with a correlation id that came as one; they are told in `out`.

    `bits` of the wire fields stand before those that say how it came. It may have stood in their input states only.
    """
    count = 0
    for at in range(by.size):
        a, b = start[at], end[at]
        if by[at] != BY_KEY or a == NONE or b == NONE or second_end[at] != NONE:
            continue
        if (wire[a] >> bits) & 3 <= WIRE_NULL and (wire[b] >> bits) & 3 <= WIRE_NULL:
            out[count] = at
            count += 1
    return count
