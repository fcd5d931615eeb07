"""One group's rules on one grid, as a fold: events in, changes of state out.

It judges arrivals, hands what may be counted to the cells, closes ticks and runs the lifecycle. A group has one such
fold for its grid and, where it has rules of `mode: event`, another whose ticks are the microseconds: there, every event
and every expiry is an evaluation of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting import arrival_kernels as arrivals
from onex_analytics.alerting.arrival_kernels import ACCEPTED, AHEAD, CLOCK, CLOSED, LATE, NEVER, UNTIMED
from onex_analytics.alerting.cells import Fold, RuleRuns
from onex_analytics.alerting.lifecycle import Changes, Lifecycle
from onex_analytics.alerting.packing import packed, unpacked
from onex_analytics.alerting.rules import Group

MICROSECOND = timedelta(microseconds=1)
_REASONS = {LATE: "late", AHEAD: "ahead", UNTIMED: "untimed"}
_AT_ONCE = 2**18
"""Events of `mode: event` between two closings: each brings two runs, whose arrays are better small and used again."""
Listener = Callable[["GroupEvaluation", RuleRuns, Changes], None]
"""Is told of a rule's runs and of the changes in them."""


@dataclass(frozen=True)
class GroupChanges:
    """Changes of state, in no order; times are microseconds."""

    rule: NDArray[np.int32]
    series: NDArray[np.int32]
    at: NDArray[np.int64]
    state: NDArray[np.int8]
    value: NDArray[np.float64]


class GroupEvaluation:
    """The state of one group's rules of one mode.

    Args:
        number: the group's place in the rule file.
        group: the group; its rules of the other mode are left alone.
        fold: the cells of the group's rules of this mode.
    """

    def __init__(self, number: int, group: Group, mode: Literal["grid", "event"], fold: Fold) -> None:
        self.number, self.group, self.mode, self.fold = number, group, mode, fold
        self.interval, self.offset = fold.grid.interval_us, fold.grid.offset_us
        self.lateness = group.allowed_lateness // MICROSECOND
        self._max_ahead = group.max_ahead // MICROSECOND
        ours = [rule.mode == mode for rule in group.rules]
        self._lifecycle = Lifecycle(
            _ticks([rule.for_ for rule in group.rules], self.interval),
            _ticks([rule.keep_firing_for for rule in group.rules], self.interval),
            np.array([group.limit if own else 0 for own in ours], dtype=np.int64),
        )
        self._arrivals = np.full(2, NEVER)
        self._last = NEVER
        self.counts = {"events": 0, "late": 0, "ahead": 0, "untimed": 0, "evaluations": 0}
        self.listener: Listener | None = None
        """For those who want values and not only changes."""

    @property
    def clock(self) -> int | None:
        """The latest time of an event that was accepted, or to which the clock was moved."""
        return None if self._arrivals[CLOCK] == NEVER else int(self._arrivals[CLOCK])

    @property
    def over_limit(self) -> dict[str, int]:
        """By rule: the evaluations that went over the group's limit."""
        over = self._lifecycle.over_limit.tolist()
        return {rule.alert: n for rule, n in zip(self.group.rules, over, strict=True) if n}

    def take(
        self, events: pl.DataFrame, time: NDArray[np.int64], arrived: NDArray[np.int64], *, in_order: bool
    ) -> tuple[GroupChanges, NDArray[np.int8] | None]:
        """Fold events in the order of arrival (`in_order`: as if they had arrived in the order of their times).

        Returns:
            The changes that they brought about; and why each was set aside (`ACCEPTED` where not), None if none was.
        """
        many = time.size
        if self.mode == "grid" or many <= _AT_ONCE or (in_order and not (time[1:] >= time[:-1]).all()):
            return self._take(events, time, arrived, in_order)
        parts = [
            (end - begin, self._take(events[begin:end], time[begin:end], arrived[begin:end], in_order))
            for begin, end in pairwise([*range(0, many, _AT_ONCE), many])
        ]
        changes = [found for _, (found, _) in parts]
        if all(verdict is None for _, (_, verdict) in parts):
            return _together(changes), None
        verdicts = [np.full(rows, ACCEPTED, np.int8) if verdict is None else verdict for rows, (_, verdict) in parts]
        return _together(changes), np.concatenate(verdicts)

    def _take(
        self, events: pl.DataFrame, time: NDArray[np.int64], arrived: NDArray[np.int64], in_order: bool
    ) -> tuple[GroupChanges, NDArray[np.int8] | None]:
        verdict = np.empty(time.size, np.int8)
        judge = arrivals.judge_in_order if in_order else arrivals.judge_arrivals
        aside = judge(
            time, arrived, self.interval, self.offset, self.lateness, self._max_ahead, self._arrivals, verdict
        )
        self.counts["events"] += time.size
        if aside:
            for code, reason in _REASONS.items():
                self.counts[reason] += int(np.count_nonzero(verdict == code))
            events = events.filter(pl.Series(verdict == ACCEPTED))
        if events.height:
            self.fold.take(events)
        return self._close(), verdict if aside else None

    def advance(self, to: int) -> GroupChanges:
        """Do what an event without content at `to` would do."""
        if arrivals.move_clock(to, self.interval, self.offset, self.lateness, self._arrivals):
            self.fold.begin(to)
        return self._close()

    def _close(self) -> GroupChanges:
        closed = int(self._arrivals[CLOSED])
        found: list[tuple[int, Changes, NDArray[np.float64]]] = []
        if closed != NEVER and closed != self._last:
            self._last = closed
            for runs in self.fold.close(closed):
                changes = self._lifecycle.judge(runs, closed)
                found.append((runs.rule, changes, runs.value[changes.run]))
                if self.mode == "grid":
                    self.counts["evaluations"] += int((runs.last - runs.first + 1).sum())
                if self.listener is not None:
                    self.listener(self, runs, changes)
        return GroupChanges(
            np.repeat(np.array([rule for rule, *_ in found], np.int32), [changes.run.size for _, changes, _ in found]),
            _joined([changes.series for _, changes, _ in found], np.int32),
            _joined([changes.tick for _, changes, _ in found], np.int64) * self.interval + self.offset,
            _joined([changes.state for _, changes, _ in found], np.int8),
            _joined([value for *_, value in found], np.float64),
        )

    def state(self) -> bytes:
        """Everything that the next call needs."""
        return packed({
            "arrivals": self._arrivals.tobytes(), "counts": json.dumps(self.counts).encode(),
            "lifecycle": self._lifecycle.state(), "fold": self.fold.state(),
        })  # fmt: skip

    def restore(self, state: bytes) -> None:
        """Go on where `state` was taken."""
        parts = unpacked(state)
        self._arrivals = np.frombuffer(parts["arrivals"], np.int64).copy()
        self.counts = json.loads(parts["counts"])
        self._lifecycle.restore(parts["lifecycle"])
        self.fold.restore(parts["fold"])
        self._last = int(self._arrivals[CLOSED])


def _together(parts: list[GroupChanges]) -> GroupChanges:
    return GroupChanges(*(
        np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(GroupChanges)
    ))  # fmt: skip


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *parts])


def _ticks(durations: list[timedelta], interval: int) -> NDArray[np.int64]:
    """The least number of ticks that last so long."""
    return np.array([-(-(d // MICROSECOND) // interval) for d in durations], dtype=np.int64)
