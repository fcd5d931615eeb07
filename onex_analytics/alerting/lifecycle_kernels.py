"""Prometheus' alert state machine over run lengths: closed form where no limit ties the label sets together."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.machine import lean

FALSE, TRUE, AS_IT_WAS = 0, 1, 2
"""What a condition came to at an evaluation."""
INACTIVE, PENDING, FIRING, RESOLVED = 0, 1, 2, 3
"""States; a change to RESOLVED is that of a firing alert to INACTIVE."""
NEVER = np.iinfo(np.int64).min


@lean
def free_changes(
    series: NDArray[np.int32], bounds: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64],
    truth: NDArray[np.int8], hold: int, keep: int,
    state: NDArray[np.int8], active_at: NDArray[np.int64], kept_since: NDArray[np.int64],
    out_series: NDArray[np.int32], out_run: NDArray[np.int64], out_tick: NDArray[np.int64], out_state: NDArray[np.int8],
) -> int:  # fmt: skip
    """The changes of a rule without a limit, label set after label set; how many they are (two a run at most)."""
    n = 0
    for i in range(series.size):
        s = series[i]
        for run in range(bounds[i], bounds[i + 1]):
            if truth[run] == AS_IT_WAS:
                continue
            f, end = first[run], last[run]
            if truth[run] == TRUE:
                kept_since[s] = NEVER
                if state[s] == INACTIVE:
                    state[s], active_at[s] = PENDING, f
                    if hold > 0:
                        out_series[n], out_run[n], out_tick[n], out_state[n] = s, run, f, PENDING
                        n += 1
                if state[s] == PENDING:
                    fires = max(f, active_at[s] + hold)
                    if fires <= end:
                        state[s] = FIRING
                        out_series[n], out_run[n], out_tick[n], out_state[n] = s, run, fires, FIRING
                        n += 1
            elif state[s] == PENDING:
                state[s] = INACTIVE
                out_series[n], out_run[n], out_tick[n], out_state[n] = s, run, f, INACTIVE
                n += 1
            elif state[s] == FIRING:
                if kept_since[s] == NEVER:
                    kept_since[s] = f
                ends = max(f, kept_since[s] + keep)
                if ends <= end:
                    state[s], kept_since[s] = INACTIVE, NEVER
                    out_series[n], out_run[n], out_tick[n], out_state[n] = s, run, ends, RESOLVED
                    n += 1
    return n


@njit(nogil=True, cache=True)
def limited_changes(
    series: NDArray[np.int32], first: NDArray[np.int64], truth: NDArray[np.int8], order: NDArray[np.int64],
    members: NDArray[np.int32], upto: int, hold: int, keep: int, limit: int,
    state: NDArray[np.int8], active_at: NDArray[np.int64], kept_since: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], int]:  # fmt: skip
    """The changes of one rule with a limit up to the tick `upto`, and at how many ticks there were too many.

    Evaluations at which nothing begins, ends or falls due change nothing and are not visited; `order` sorts the runs
    by their first tick, `members` are the rule's series. Where more than `limit` would be active, all are dropped,
    and those that are still true begin anew at the next evaluation at which they are few enough.
    """
    n_series = state.size
    now = np.zeros(n_series, np.int8)           # the truth of the run that each label set is in
    run_of = np.zeros(n_series, np.int64)
    before = np.zeros(n_series, np.int8)        # its state before this tick, where `seen` is this tick
    seen = np.full(n_series, NEVER)
    touched = np.zeros(n_series, np.int64)
    out: Any = [(np.int64(0), np.int64(0), np.int8(0))]
    timers: Any = [(np.int64(0), np.int64(0))]
    out.pop()
    timers.pop()
    active, true, over, at = 0, 0, 0, 0
    for s in members:
        active += state[s] != INACTIVE
    waiting = False                             # everything was dropped, and nothing has begun anew
    again, judged = NEVER, NEVER                # when it may begin anew, if that is known; the last tick visited
    while True:
        tick = upto + 1
        if at < order.size:
            tick = min(tick, first[order[at]])
        if len(timers) > 0:
            tick = min(tick, timers[0][0])
        if waiting and again != NEVER:
            tick = min(tick, again)
        if waiting and again == NEVER:          # too many all the time in between
            over += tick - judged - 1
        if tick > upto:
            break
        judged = tick
        mark, dues = len(out), 0
        while at < order.size and first[order[at]] == tick:
            run = order[at]
            s = series[run]
            true += (truth[run] == TRUE) - (now[s] == TRUE)
            now[s], run_of[s] = truth[run], run
            touched[dues] = s
            seen[s], before[s] = tick, state[s]
            dues += 1
            at += 1
        while len(timers) > 0 and timers[0][0] == tick:
            s = heapq.heappop(timers)[1]
            if seen[s] != tick:
                touched[dues] = s
                seen[s], before[s] = tick, state[s]
                dues += 1
        if waiting:
            if true > limit:
                again = NEVER
                over += 1
                continue
            waiting = False
            for s in members:
                if now[s] == TRUE and seen[s] != tick:
                    touched[dues] = s
                    seen[s], before[s] = tick, state[s]
                    dues += 1
        for j in range(dues):
            s = touched[j]
            if now[s] == TRUE:
                kept_since[s] = NEVER
                if state[s] == INACTIVE:
                    state[s], active_at[s] = PENDING, tick
                    active += 1
                    if hold > 0:
                        out.append((run_of[s], tick, np.int8(PENDING)))
                if state[s] == PENDING:
                    if tick - active_at[s] >= hold:
                        state[s] = FIRING
                        out.append((run_of[s], tick, np.int8(FIRING)))
                    else:
                        heapq.heappush(timers, (active_at[s] + hold, np.int64(s)))
            elif now[s] == FALSE:
                if state[s] == PENDING:
                    state[s] = INACTIVE
                    active -= 1
                    out.append((run_of[s], tick, np.int8(INACTIVE)))
                elif state[s] == FIRING:
                    if kept_since[s] == NEVER:
                        kept_since[s] = tick
                    if tick - kept_since[s] >= keep:
                        state[s], kept_since[s] = INACTIVE, NEVER
                        active -= 1
                        out.append((run_of[s], tick, np.int8(RESOLVED)))
                    else:
                        heapq.heappush(timers, (kept_since[s] + keep, np.int64(s)))
        if active > limit:
            over += 1
            while len(out) > mark:
                out.pop()
            for s in members:
                was = before[s] if seen[s] == tick else state[s]
                if was != INACTIVE:
                    out.append((run_of[s], tick, np.int8(INACTIVE if was == PENDING else RESOLVED)))
                state[s], kept_since[s] = INACTIVE, NEVER
            active = 0
            timers.clear()
            waiting, again = True, (tick + 1 if true <= limit else NEVER)
    runs, ticks, states = np.empty(len(out), np.int64), np.empty(len(out), np.int64), np.empty(len(out), np.int8)
    for i in range(len(out)):
        runs[i], ticks[i], states[i] = out[i]
    return runs, ticks, states, over
