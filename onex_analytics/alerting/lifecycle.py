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

import io
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting import lifecycle_kernels as kernels
from onex_analytics.alerting.lifecycle_kernels import FIRING, INACTIVE, NEVER, PENDING, RESOLVED

STATES = {INACTIVE: "inactive", PENDING: "pending", FIRING: "firing", RESOLVED: "resolved"}
"""The words for the codes. A pending alert that ends becomes inactive, a firing one resolved."""


class Truths(Protocol):
    """Runs of evaluations with one truth; sorted by series and first tick, each series without a hole."""

    @property
    def series(self) -> NDArray[np.int32]: ...
    @property
    def first(self) -> NDArray[np.int64]: ...
    @property
    def last(self) -> NDArray[np.int64]: ...
    @property
    def truth(self) -> NDArray[np.int8]: ...


@dataclass(frozen=True)
class Changes:
    """Changes of state, in no order: the run in which each lies (an index), its tick, and the code of the new state."""

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

    def judge(self, runs: Truths, rule_of: NDArray[np.int32], upto: int) -> Changes:
        """The changes of state in the runs, which are those of the ticks after the last call's up to `upto`.

        `rule_of` says for each series which rule it belongs to, and holds every series that the runs name.
        """
        self._grow(rule_of.size)
        n = runs.series.size
        run, tick, state = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64), np.empty(2 * n, np.int8)
        found = kernels.free_changes(
            runs.series, runs.first, runs.last, runs.truth, rule_of, self._hold, self._keep, self._limit,
            self._state, self._active_at, self._kept_since, run, tick, state,
        )  # fmt: skip
        parts = [Changes(run[:found], tick[:found], state[:found])]
        for rule in np.flatnonzero(self._limit > 0):
            parts.append(self._limited(int(rule), runs, rule_of, upto))
        return Changes(
            np.concatenate([p.run for p in parts]), np.concatenate([p.tick for p in parts]),
            np.concatenate([p.state for p in parts]),
        )  # fmt: skip

    def _limited(self, rule: int, runs: Truths, rule_of: NDArray[np.int32], upto: int) -> Changes:
        places = np.flatnonzero(rule_of[runs.series] == rule)
        series, first = runs.series[places], runs.first[places]
        run, tick, state, over = kernels.limited_changes(
            series, first, runs.truth[places], np.argsort(first, kind="stable"), np.unique(series), upto,
            int(self._hold[rule]), int(self._keep[rule]), int(self._limit[rule]),
            self._state, self._active_at, self._kept_since,
        )  # fmt: skip
        self.over_limit[rule] += over
        return Changes(places[run], tick, state)

    def _grow(self, size: int) -> None:
        more = size - self._state.size
        if more > 0:
            self._state = np.concatenate([self._state, np.zeros(more, np.int8)])
            self._active_at = np.concatenate([self._active_at, np.zeros(more, np.int64)])
            self._kept_since = np.concatenate([self._kept_since, np.full(more, NEVER)])

    def state(self) -> bytes:
        """Everything that the next call needs, `keep_firing_for` included."""
        file = io.BytesIO()
        np.savez(
            file, state=self._state, active_at=self._active_at, kept_since=self._kept_since,
            over_limit=self.over_limit,
        )
        return file.getvalue()

    def restore(self, state: bytes) -> None:
        """Go on where `state` was taken."""
        with np.load(io.BytesIO(state), allow_pickle=False) as held:
            self._state, self._active_at = held["state"], held["active_at"]
            self._kept_since, self.over_limit = held["kept_since"], held["over_limit"]
