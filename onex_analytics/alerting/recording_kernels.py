"""Runs beside the changes of state in them: the extreme of each alert, and stretches of one value and one state.

Changes are those of the label sets in their order, and in the order of time: those of `series[i]` are
`low[i]` to `high[i]`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.lifecycle_kernels import FIRING, INACTIVE, PENDING
from onex_analytics.machine import lean


@lean
def peaks(
    series: NDArray[np.int32], bounds: NDArray[np.int64], first: NDArray[np.int64], value: NDArray[np.float64],
    low: NDArray[np.int64], high: NDArray[np.int64], run: NDArray[np.int64], tick: NDArray[np.int64],
    new_state: NDArray[np.int8], sign: float, active: NDArray[np.int8], peak: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:  # fmt: skip
    """The extreme value of each alert that ends, beside the change that ends it, and so far in `peak` where it lasts.

    `sign` is 1 where high values are bad and -1 where low ones are. Values at which nothing was active do not count.
    """
    for i in range(series.size):
        s, change = series[i], low[i]
        if change == high[i] and active[s] == 0:
            continue
        for r in range(bounds[i], bounds[i + 1]):
            begin = first[r]
            while change < high[i] and run[change] == r:
                if active[s] and tick[change] > begin and not value[r] * sign <= peak[s] * sign:
                    peak[s] = value[r] if value[r] == value[r] else peak[s]
                begin = tick[change]
                if new_state[change] == PENDING or new_state[change] == FIRING:
                    if active[s] == 0:
                        active[s], peak[s] = 1, np.nan
                else:
                    active[s], found[change] = 0, peak[s]
                change += 1
            if active[s] and not value[r] * sign <= peak[s] * sign:
                peak[s] = value[r] if value[r] == value[r] else peak[s]


@lean
def stretches(
    series: NDArray[np.int32], bounds: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64],
    low: NDArray[np.int64], high: NDArray[np.int64], run: NDArray[np.int64], tick: NDArray[np.int64],
    new_state: NDArray[np.int8], state: NDArray[np.int8],
    out_series: NDArray[np.int32], out_run: NDArray[np.int64], out_first: NDArray[np.int64],
    out_last: NDArray[np.int64], out_state: NDArray[np.int8],
) -> int:  # fmt: skip
    """Runs, cut where the state changes; how many there are. `state` is carried from call to call."""
    n = 0
    for i in range(series.size):
        s, change = series[i], low[i]
        for r in range(bounds[i], bounds[i + 1]):
            begin = first[r]
            while change < high[i] and run[change] == r:
                if tick[change] > begin:
                    out_series[n], out_run[n], out_state[n] = s, r, state[s]
                    out_first[n], out_last[n] = begin, tick[change] - 1
                    n += 1
                    begin = tick[change]
                state[s] = new_state[change] if new_state[change] <= FIRING else INACTIVE
                change += 1
            out_series[n], out_run[n], out_state[n] = s, r, state[s]
            out_first[n], out_last[n] = begin, last[r]
            n += 1
    return n
