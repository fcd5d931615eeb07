"""One in how many is kept of each kind of event, from the counts of the intervals before.

Both the live sampler and history ask this, with the same counts in the same order, and so have the same rates.

Source: Honeycomb, dynsampler-go. Its rates are whole numbers, and so are ours.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping

from onex_analytics.sampling.dynamic_policies import DynamicPolicy

Key = tuple[str | None, ...]
"""The values that make events of one kind."""

Counts = Mapping[Key, int]


class Rates:
    """The rates that hold, and what later ones will hang on.

    >>> rates = Rates(DynamicPolicy(by="node", goal_rate=10))
    >>> rates.of(("a",))
    10
    >>> rates.end_interval({("a",): 1000, ("b",): 10})
    >>> rates.of(("a",)), rates.of(("b",)), rates.of(("c",))
    (13, 1, 1)
    """

    def __init__(self, policy: DynamicPolicy) -> None:
        self._policy = policy
        self._averages: dict[Key, float] = {}
        self._rates: dict[Key, int] = {}
        self._unknown = self._first_rate()
        self._blocks: deque[Counts] = deque()
        self._within: Counter[Key] = Counter()
        self._burst_at = math.inf
        self.intervals = 0

    def of(self, key: Key) -> int:
        """One in how many is kept of such events."""
        return self._rates.get(key, self._unknown)

    @property
    def ends_at(self) -> float:
        """The count of events with which an interval ends at once; infinite where none does."""
        return self._burst_at if self.intervals >= self._policy.burst_delay else math.inf

    def end_interval(self, counts: Counts, *, burst: bool = False) -> None:
        """Take what was counted in an interval; the rates of the next are those after it."""
        self.intervals += not burst
        match self._policy.method:
            case "ema" | "ema_throughput" if counts:
                self._move_averages(counts)
                self._share_out(self._averages)
                if self._policy.burst_multiple is not None:
                    self._burst_at = self._policy.burst_multiple * sum(max(1.0, one) for one in self._averages.values())
            case "average":
                self._share_out(counts)
            case "total_throughput":
                self._split_evenly(counts, self._policy.interval_ms)
            case "windowed_throughput":
                self._look_back(counts)
                self._split_evenly(self._within, self._policy.lookback_ms)

    def pass_empty(self, intervals: int) -> None:
        """Take so many intervals in which nothing was counted."""
        if intervals > 0 and not self._policy.method.startswith("ema"):
            for _ in range(min(intervals, self._most_blocks)):
                self.end_interval({})
            intervals -= min(intervals, self._most_blocks)
        self.intervals += max(intervals, 0)

    @property
    def _most_blocks(self) -> int:
        """Intervals that have a say; a look back that ends within one counts it."""
        windowed = self._policy.method == "windowed_throughput"
        return -(-self._policy.lookback_ms // self._policy.interval_ms) if windowed else 1

    def _first_rate(self) -> int:
        match self._policy.method:
            case "ema" | "average":
                return self._policy.goal_rate
            case "ema_throughput":
                return self._policy.initial_rate
        return 1

    def _move_averages(self, counts: Counts) -> None:
        weight, least = self._policy.weight, self._policy.age_out
        moved = {key: weight * counts.get(key, 0) + (1 - weight) * held for key, held in self._averages.items()}
        moved.update((key, weight * count) for key, count in counts.items() if key not in moved)
        self._averages = {key: one for key, one in moved.items() if one >= least}

    def _share_out(self, counts: Mapping[Key, float]) -> None:
        """Give each kind a part of the events that may be kept by the logarithm of its count; what one needs less of
        goes to those after it."""
        self._unknown = 1
        count_of = {key: max(1.0, float(counts[key])) for key in sorted(counts, key=_in_order)}
        logarithms = sum(math.log10(one) for one in count_of.values())
        if self._policy.method == "ema_throughput":
            goal = self._policy.goal_events_per_second * self._policy.interval_ms / 1000
        else:
            goal = sum(count_of.values()) / self._policy.goal_rate
        self._rates = {}
        extra, left = 0.0, len(count_of)
        for key, count in count_of.items():
            if not logarithms:
                self._rates[key] = 1
                continue
            part = max(1.0, math.log10(count) * goal / logarithms) + extra / left
            extra -= extra / left
            left -= 1
            rate = 1 if count <= part else math.ceil(count / part)
            self._rates[key] = rate
            extra += part - count / rate

    def _split_evenly(self, counts: Counts, over_ms: int) -> None:
        """Give each kind the same part of the events that may be kept."""
        goal = self._policy.goal_events_per_second * over_ms / 1000
        part = goal / len(counts) if counts else 1.0
        if self._policy.method == "total_throughput":
            part = max(1.0, part)
        self._rates = {key: max(1, int(count / part)) for key, count in counts.items()}

    def _look_back(self, counts: Counts) -> None:
        self._blocks.append(counts)
        self._within.update(counts)
        while len(self._blocks) > self._most_blocks:
            for key, count in self._blocks.popleft().items():
                self._within[key] -= count
                if self._within[key] <= 0:
                    del self._within[key]


def _in_order(key: Key) -> tuple[tuple[str, bool], ...]:
    return tuple((value or "", value is None) for value in key)
