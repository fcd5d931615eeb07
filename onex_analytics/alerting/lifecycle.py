"""What becomes of a condition: pending, firing, resolved, as `rules/alerting.go` of Prometheus has it.

At each evaluation of a label set:

1. true and nothing there → pending, active since this evaluation;
2. true → whatever kept it firing is forgotten;
3. false and pending → gone at once: one evaluation resets `for`;
4. false and firing → resolved, or kept while less than `keep_firing_for` has passed since the first false evaluation;
5. true again while kept → the same alert, `for` is not paid again;
6. pending for at least `for` → firing in this same evaluation (`for: 0` is never pending);
7. an evaluation that fails (`no_data: keep`) leaves everything as it was; more than `limit` active: all are dropped.

A condition is constant over a run of evaluations, so nothing here walks from tick to tick: within a run the tick at
which an alert fires or ends is known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting import lifecycle_kernels as kernels
from onex_analytics.alerting.lifecycle_kernels import FIRING, INACTIVE, NEVER, PENDING, RESOLVED
from onex_analytics.alerting.packing import packed, unpacked

STATES = {INACTIVE: "inactive", PENDING: "pending", FIRING: "firing", RESOLVED: "resolved"}
"""The words for the codes. A pending alert that ends becomes inactive, a firing one resolved."""


class Truths(Protocol):
    """Runs of evaluations with one truth, of one rule: those of `series[i]` are `bounds[i]` to `bounds[i + 1]`, in the
    order of time and without a hole."""

    @property
    def rule(self) -> int: ...
    @property
    def series(self) -> NDArray[np.int32]: ...
    @property
    def bounds(self) -> NDArray[np.int64]: ...
    @property
    def first(self) -> NDArray[np.int64]: ...
    @property
    def last(self) -> NDArray[np.int64]: ...
    @property
    def truth(self) -> NDArray[np.int8]: ...


@dataclass(frozen=True)
class Changes:
    """Changes of state, in no order: the series, the run in which each lies, its tick, the code of the new state."""

    series: NDArray[np.int32]
    run: NDArray[np.int64]
    tick: NDArray[np.int64]
    state: NDArray[np.int8]


class Lifecycle:
    """The state of every label set of the rules of one grid.

    Args:
        hold: for each rule, the least number of ticks between the first true evaluation and that which fires.
        keep: for each rule, the least number of ticks between the first false evaluation and that which resolves.
        limit: for each rule, how many label sets may be active; 0 for any number.
    """

    def __init__(self, hold: NDArray[np.int64], keep: NDArray[np.int64], limit: NDArray[np.int64]) -> None:
        self._hold, self._keep, self._limit = hold, keep, limit
        self._state = np.zeros(0, np.int8)
        self._active_at, self._kept_since = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.over_limit = np.zeros(hold.size, np.int64)
        """For each rule, the evaluations at which more than the limit would have been active."""

    def judge(self, runs: Truths, upto: int) -> Changes:
        """The changes of one rule in the runs of the ticks after its last call's up to `upto`."""
        self._grow(int(runs.series.max(initial=-1)) + 1)
        hold, keep, limit = int(self._hold[runs.rule]), int(self._keep[runs.rule]), int(self._limit[runs.rule])
        held = (self._state, self._active_at, self._kept_since)
        if limit:
            series = np.repeat(runs.series, np.diff(runs.bounds))
            order = np.argsort(runs.first, kind="stable")
            run, tick, state, over = kernels.limited_changes(
                series, runs.first, runs.truth, order, runs.series, upto, hold, keep, limit, *held
            )
            self.over_limit[runs.rule] += over
            return Changes(series[run], run, tick, state)
        most = 2 * runs.first.size
        out = np.empty(most, np.int32), np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int8)
        n = kernels.free_changes(
            runs.series, runs.bounds, runs.first, runs.last, runs.truth, hold, keep, *held, *out
        )
        return Changes(out[0][:n].copy(), out[1][:n].copy(), out[2][:n].copy(), out[3][:n].copy())

    def _grow(self, size: int) -> None:
        if (more := size - self._state.size) > 0:
            more = max(more, self._state.size // 2)
            self._state = np.concatenate([self._state, np.zeros(more, np.int8)])
            self._active_at = np.concatenate([self._active_at, np.zeros(more, np.int64)])
            self._kept_since = np.concatenate([self._kept_since, np.full(more, NEVER)])

    def state(self) -> bytes:
        """Everything that the next call needs, `keep_firing_for` included."""
        return packed({name: array.tobytes() for name, array in self._arrays().items()})

    def restore(self, state: bytes) -> None:
        """Go on where `state` was taken."""
        parts = unpacked(state)
        found = {
            name: np.frombuffer(parts[name], array.dtype).copy() for name, array in self._arrays().items()
        }
        self._state, self._active_at = found["state"], found["active_at"]
        self._kept_since, self.over_limit = found["kept_since"], found["over_limit"]

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        return {
            "state": self._state, "active_at": self._active_at, "kept_since": self._kept_since,
            "over_limit": self.over_limit,
        }  # fmt: skip
