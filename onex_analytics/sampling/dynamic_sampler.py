"""A dynamic policy live: each event is decided as it comes, by the rates of its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.event_rows import event_row
from onex_analytics.sampling.arrivals import ARRIVAL, Clock
from onex_analytics.sampling.deciding import IDS, Decision
from onex_analytics.sampling.dynamic_policies import DynamicPolicy
from onex_analytics.sampling.dynamic_rates import Key, Rates
from onex_analytics.sampling.randomness import randomness
from onex_analytics.sampling.thresholds import adjusted_count_of, probability_of, threshold_of


class DynamicSampler:
    """Decides of each event when it comes, and counts it for the rates of later intervals.

    What it decides is what `apply` says of the same events, where they come in the order of arrival. The first interval
    begins with the first event. Its clock is told by the events and does not go back. It is used by one thread at a
    time.

    >>> sampler = DynamicSampler(DynamicPolicy(by="node", goal_rate=4))
    >>> event = {"event_id": "c0ffee00-1234-4abc-8def-0123456789ab", "node_id": "a"}
    >>> sampler.decide({**event, "timestamp": "2026-11-01T09:00:00Z"})
    Decision(keep=True, probability=0.25, adjusted_count=4.0, policy='dynamic')
    """

    def __init__(self, policy: DynamicPolicy) -> None:
        if not isinstance(policy, DynamicPolicy):
            raise InvalidOption("policy", type(policy).__name__, "a DynamicPolicy; `EventSampler` takes others")
        self.policy = policy
        self._columns = tuple(dict.fromkeys((*IDS[policy.scope], *ARRIVAL, *policy.reads)))
        self._length = policy.interval_ms * 1000
        self._rates = Rates(policy)
        self._clock = Clock()
        self._started: int | None = None
        self._counts: dict[Key, int] = {}
        self._counted = 0

    def decide(self, event: BaseModel | Mapping[str, Any]) -> Decision:
        """What becomes of an event.

        Raises:
            InvalidOption: it is no event.
        """
        row = event_row(event, self._columns)
        self._clock.take(row)
        now = self._clock.shows
        if self._started is None:
            self._started = now
        passed = (now - self._started) // self._length
        if passed > 0:
            self._end_interval()
            self._rates.pass_empty(passed - 1)
            self._started += passed * self._length
        key = tuple(_text(row[name]) for name in self.policy.by)
        rate = self._rates.of(key)
        if key in self._counts or len(self._counts) < self.policy.max_keys:
            self._counts[key] = self._counts.get(key, 0) + 1
            self._counted += 1
            if self._counted >= self._rates.ends_at:
                self._end_interval(burst=True)
                self._started = now
        return self._decided(row, rate)

    @property
    def kinds(self) -> int:
        """Kinds of events that this interval has counted, at most the policy's `max_keys`."""
        return len(self._counts)

    def _end_interval(self, *, burst: bool = False) -> None:
        self._rates.end_interval(self._counts, burst=burst)
        self._counts = {}
        self._counted = 0

    def _decided(self, row: Mapping[str, Any], rate: int) -> Decision:
        identifier = next((str(row[name]) for name in IDS[self.policy.scope] if row.get(name) not in (None, "")), None)
        if identifier is None:
            return Decision(True, 1.0, 1.0, f"{self.policy.name}/without id")
        threshold = threshold_of(1 / rate, self.policy.precision)
        keep = randomness(identifier) >= threshold
        stands_for = adjusted_count_of(threshold) if keep else None
        return Decision(keep, probability_of(threshold), stands_for, self.policy.name)


def _text(value: object) -> str | None:
    """A value as Polars writes it: true and false in lower case."""
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
