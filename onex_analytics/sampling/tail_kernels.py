"""Traces as they are decided one after the other, and limits of a rate: what no expression over columns can say.

All times are microseconds since the epoch.
"""

from __future__ import annotations

import numpy as np

from onex_analytics.machine import lean
from onex_analytics.sampling.arrivals import BEFORE, NEVER

SECOND = 1_000_000
WITHOUT_ID, NEW, JOINED, LATE = 0, 1, 2, 3
OPENED, DECIDED, FORGOTTEN, HELD = 0, 1, 2, 3
"""Places in the state: rounds that were opened, decided and forgotten (each from the first on), and events held."""


@lean
def due_of(first, wait):  # type: ignore[no-untyped-def]
    """When a trace is decided whose first event came at `first`: at the first whole second after the wait."""
    return -(-(first + wait) // SECOND) * SECOND


@lean
def gather_rounds(  # type: ignore[no-untyped-def]
    trace, moment, asked, begin, end, options, last, of_event, how, due, early, size, met, start, stop, state,
):  # fmt: skip
    """Which round each event belongs to, and what each round knew when it was decided.

    A round is a trace from its first event until its decision is forgotten. Rounds are opened, decided and forgotten in
    one order, as all wait and are remembered equally long: three counts say where each of them stands.

    Args:
        trace: of each event, in the order of arrival, the number of its trace; -1 without an id.
        moment: when it arrived; `NEVER` where that is not known. A time before the clock counts as the clock's.
        asked: the conditions that it meets, as bits.
        begin, end: its time; `NEVER` where that is not known.
        options: wait, remember (microseconds), most traces, events and decisions held.
        last: of each trace its last round, -1 at first.
        of_event, how: out: of each event its round, and WITHOUT_ID, NEW, JOINED or LATE.
        due, early, size, met, start, stop: out, of each round: when it is decided, and whether that was early for want
            of room; of the events that were there by then their count, the conditions met, first begin and last end.
        state: out.
    """
    wait, remember, most_traces, most_events, most_decisions = options
    clock = np.int64(BEFORE)
    for i in range(trace.size):
        if moment[i] > clock:
            clock = moment[i]
        while state[DECIDED] < state[OPENED] and due[state[DECIDED]] <= clock:
            state[HELD] -= size[state[DECIDED]]
            state[DECIDED] += 1
        if trace[i] < 0:
            how[i] = WITHOUT_ID
            of_event[i] = -1
            continue
        _forget(due, clock, remember, most_decisions, state)
        r = last[trace[i]]
        known = r >= state[FORGOTTEN]
        undecided = r >= state[DECIDED]
        if not known or undecided:
            while state[HELD] >= most_events or (not known and state[OPENED] - state[DECIDED] >= most_traces):
                oldest = state[DECIDED]
                early[oldest] = True
                due[oldest] = clock
                state[HELD] -= size[oldest]
                state[DECIDED] += 1
            _forget(due, clock, remember, most_decisions, state)
            undecided = r >= state[DECIDED]
        if known and not undecided:
            of_event[i] = r
            how[i] = LATE
            continue
        if not known:
            r = state[OPENED]
            state[OPENED] += 1
            last[trace[i]] = r
            due[r] = due_of(clock, wait)
            early[r] = False
            size[r] = 0
            met[r] = 0
            start[r] = np.iinfo(np.int64).max
            stop[r] = NEVER
            how[i] = NEW
        else:
            how[i] = JOINED
        of_event[i] = r
        size[r] += 1
        state[HELD] += 1
        met[r] |= asked[i]
        if begin[i] != NEVER:
            start[r] = min(start[r], begin[i])
            stop[r] = max(stop[r], end[i])


@lean
def _forget(due, clock, remember, most_decisions, state):  # type: ignore[no-untyped-def]
    while state[FORGOTTEN] < state[DECIDED] and (
        due[state[FORGOTTEN]] + remember <= clock or state[DECIDED] - state[FORGOTTEN] > most_decisions
    ):
        state[FORGOTTEN] += 1


@lean
def let_through(  # type: ignore[no-untyped-def]
    second, size, wants, randomness, limits, offered, passed, passes, chance,
):  # fmt: skip
    """Which of the traces that are decided one after the other a limit lets through, and how likely that was.

    Args:
        second: when each is decided; those of one second stand together. Those of `NEVER` are not let through.
        size: its events.
        wants: thresholds of each of the limit's parts (columns) for each trace; 2^56 where the part does not want it.
            The first part whose threshold the randomness reaches asks for the trace.
        randomness: of each.
        limits: events a second, of each part.
        offered, passed: room for a number a part.
        passes: out: whether it is let through.
        chance: out: the share with which such traces are let through: of each part, the events let through of those
            that asked in this second, weighted by how likely it is the one that asks.
    """
    begin = 0
    while begin < second.size:
        stop = begin + 1
        while stop < second.size and second[stop] == second[begin]:
            stop += 1
        offered[:] = 0
        passed[:] = 0
        for i in range(begin, stop):
            passes[i] = False
            chance[i] = 0.0
            if second[i] == NEVER:
                continue
            for part in range(limits.size):
                if randomness[i] >= wants[i, part]:
                    offered[part] += size[i]
                    if passed[part] + size[i] <= limits[part]:
                        passed[part] += size[i]
                        passes[i] = True
                    break
        if second[begin] != NEVER:
            for i in range(begin, stop):
                above = np.uint64(1) << np.uint64(56)
                for part in range(limits.size):
                    if wants[i, part] < above:
                        weight = np.float64(above - wants[i, part]) / np.float64(1 << 56)
                        chance[i] += weight * (passed[part] / offered[part] if offered[part] > 0 else 1.0)
                        above = wants[i, part]
        begin = stop
