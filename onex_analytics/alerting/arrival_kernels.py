"""Which arriving events may still be counted, and which ticks they close: one pass in the order of arrival."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

NEVER = np.iinfo(np.int64).min
ACCEPTED, LATE, AHEAD, UNTIMED = 0, 1, 2, 3
CLOCK, CLOSED = 0, 1
"""Places in the state: the latest time that was accepted, and the last tick before the watermark (clock less lateness);
NEVER before the first time. An event is late where the first tick that would see it lies before the watermark."""


@lean
def _tick_before(time: int, interval: int, offset: int) -> int:
    return (time - offset - 1) // interval


@lean
def _horizon(state: NDArray[np.int64], interval: int, offset: int) -> int:
    """The time up to which all is closed."""
    return NEVER if state[CLOSED] == NEVER else state[CLOSED] * interval + offset


@lean
def move_clock(to: int, interval: int, offset: int, lateness: int, state: NDArray[np.int64]) -> bool:
    """Do what an event without content at `to` would do; whether it would have been accepted."""
    if to <= _horizon(state, interval, offset):
        return False
    if to > state[CLOCK]:
        state[CLOCK] = to
        state[CLOSED] = _tick_before(to - lateness, interval, offset)
    return True


@lean
def judge_arrivals(
    time: NDArray[np.int64], arrived: NDArray[np.int64], interval: int, offset: int, lateness: int, max_ahead: int,
    state: NDArray[np.int64], verdict: NDArray[np.int8],
) -> int:  # fmt: skip
    """Judge each event by what had arrived before it; how many are set aside. A time or arrival of NEVER is null."""
    aside = 0
    horizon = _horizon(state, interval, offset)
    closes = NEVER                              # the clock must pass this before another tick closes
    if horizon != NEVER:
        closes = horizon + interval + lateness
    for i in range(time.size):
        t = time[i]
        if t == NEVER:
            verdict[i] = UNTIMED
        elif arrived[i] != NEVER and t - arrived[i] > max_ahead:
            verdict[i] = AHEAD
        elif t <= horizon:
            verdict[i] = LATE
        else:
            verdict[i] = ACCEPTED
            if t > state[CLOCK]:
                state[CLOCK] = t
                if t > closes:
                    state[CLOSED] = _tick_before(t - lateness, interval, offset)
                    horizon = state[CLOSED] * interval + offset
                    closes = horizon + interval + lateness
            continue
        aside += 1
    return aside


@lean
def judge_in_order(
    time: NDArray[np.int64], arrived: NDArray[np.int64], interval: int, offset: int, lateness: int, max_ahead: int,
    state: NDArray[np.int64], verdict: NDArray[np.int8],
) -> int:  # fmt: skip
    """The same for events that would arrive in the order of their times, given in any order: none of them is late for
    another."""
    aside, most = 0, NEVER
    horizon = _horizon(state, interval, offset)
    for i in range(time.size):
        t = time[i]
        if t == NEVER:
            verdict[i] = UNTIMED
        elif arrived[i] != NEVER and t - arrived[i] > max_ahead:
            verdict[i] = AHEAD
        elif t <= horizon:
            verdict[i] = LATE
        else:
            verdict[i] = ACCEPTED
            most = max(most, t)
            continue
        aside += 1
    if most > state[CLOCK]:
        state[CLOCK] = most
        state[CLOSED] = _tick_before(most - lateness, interval, offset)
    return aside
