"""Up to which threshold an alert would fire, for every threshold at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean


@lean
def firing_levels(
    bounds: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], score: NDArray[np.float64],
    hold: int, keep: int, low: NDArray[np.int64], high: NDArray[np.int64],
    out_set: NDArray[np.int64], out_tick: NDArray[np.int64], out_level: NDArray[np.float64],
) -> int:  # fmt: skip
    """Where the firing level of each label set changes, and to what; how many changes there are.

    The runs of label set i are `bounds[i]` to `bounds[i + 1]`; `score` is above the threshold where the condition
    holds. An evaluation fires at the thresholds below f(t) = max(m(t), min(f(t − 1), d(t))), where m is the least score
    of the evaluations since the last one at or before t − hold (−∞ without one), and d the greatest of those since the
    last one at or before t − keep. Both are kept in monotone queues of runs, `low` and `high`, so that every run enters
    and leaves each once: at most three changes a run. A run has left once the run after it began `hold` (`keep`) ago.
    """
    n = 0
    for i in range(bounds.size - 1):
        begin = bounds[i]
        nothing = begin - 1  # stands in `low` for the time before the label set's first evaluation
        low[0] = nothing
        low_head, low_tail, high_head, high_tail = 0, 1, 0, 0
        level = -np.inf
        for run in range(begin, bounds[i + 1]):
            s, end = score[run], last[run]
            while low_tail > low_head and low[low_tail - 1] != nothing and score[low[low_tail - 1]] >= s:
                low_tail -= 1
            low[low_tail] = run
            low_tail += 1
            while high_tail > high_head and score[high[high_tail - 1]] <= s:
                high_tail -= 1
            high[high_tail] = run
            high_tail += 1
            t = first[run]
            while t <= end:
                while low[low_head] != run and first[low[low_head] + 1] + hold <= t:
                    low_head += 1
                while high[high_head] != run and first[high[high_head] + 1] + keep <= t:
                    high_head += 1
                least = -np.inf if low[low_head] == nothing else score[low[low_head]]
                new = max(least, min(level, score[high[high_head]]))
                if new != level:
                    out_set[n], out_tick[n], out_level[n] = i, t, new
                    n += 1
                    level = new
                t = end + 1
                if low[low_head] != run:
                    t = min(t, first[low[low_head] + 1] + hold)
                if high[high_head] != run:
                    t = min(t, first[high[high_head] + 1] + keep)
    return n


@lean
def earliest(
    incident: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], delay: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:  # fmt: skip
    """The least delay of each incident in each row: firing k tells of it in the rows `low[k]` to `high[k]`."""
    for k in range(incident.size):
        i, least = incident[k], delay[k]
        for row in range(low[k], high[k]):
            if least < found[i, row]:
                found[i, row] = least
