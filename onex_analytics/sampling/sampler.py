"""The live sampler: the seed's `should_emit`, and decisions that can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from pydantic import BaseModel

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.event_rows import event_row
from onex_analytics.sampling.deciding import IDS, AnyPolicy, Decision, Verdict, of_verdict, verdict_on
from onex_analytics.sampling.policies import Policy, RulePolicy, SampleRule, Scope
from onex_analytics.sampling.trace_id_ratio import TraceIdRatioBased, ratio_decision

_MOST_VERDICTS = 4096


class EventSampler:
    """Decides of each event whether it is emitted.

    `should_emit` draws anew each time, as the seed has it. `decide` goes by the event's ids: it says the same of the
    same event wherever and whenever it is asked, and what `sampling.apply` says of it on history.

    Args:
        sample_rates: the share kept of each event type, in which `*`, `?` and `[…]` are wildcards (the first that
            matches holds), or a whole policy.
        default: the share of other types.
        seed: makes what `should_emit` draws repeatable.
        scope: whose id `decide` goes by: "event", or "trace" for all events of a trace alike.

    Raises:
        InvalidOption: a share is none, or the policy has a sampler of its own.

    >>> sampler = EventSampler({"NODE_START": 0.0, "TELEMETRY_*": 0.5}, seed=1)
    >>> sampler.should_emit("NODE_START"), sampler.should_emit("NODE_FAILURE")
    (False, True)
    >>> event = {"event_id": "c0ffee00-1234-4abc-8def-0123456789ab", "event_type": "TELEMETRY_OPERATION_START"}
    >>> sampler.decide(event)
    Decision(keep=True, probability=0.5, adjusted_count=2.0, policy='rates/TELEMETRY_*')
    """

    def __init__(
        self, sample_rates: Mapping[str, float] | AnyPolicy, *, default: float = 1.0, seed: int | None = None,
        scope: Scope = "event",
    ) -> None:  # fmt: skip
        if isinstance(sample_rates, Mapping):
            for what, share in (*sample_rates.items(), ("default", default)):
                if not 0 <= share <= 1:
                    raise InvalidOption(f"sample_rates[{what!r}]", share, "a share from 0 to 1")
            rules = tuple(SampleRule(name=name, event_type=(name,), probability=share)
                          for name, share in sample_rates.items())  # fmt: skip
            sample_rates = RulePolicy(name="rates", rules=rules, default=default, keep_failures=False, scope=scope)
        if not isinstance(sample_rates, Policy | TraceIdRatioBased):
            wanted = "rates by event type, or a policy about single events; TailPolicy and DynamicPolicy have samplers"
            raise InvalidOption("sample_rates", type(sample_rates).__name__, wanted)
        self.policy: Policy | TraceIdRatioBased = sample_rates
        self._draw = Random(seed).random
        self._rates: dict[str, float] = {}
        self._reads = self.policy.reads
        self._columns = (*IDS[self.policy.scope], *self._reads)
        self._verdicts: dict[tuple[str | None, ...], Verdict] = {}

    def should_emit(self, event_type: str) -> bool:
        """Whether an event of this type is emitted: drawn anew at each call, with the share of its type.

        Of a policy that looks at more than the type, the share of an event without those facts holds.
        """
        rate = self._rates.get(event_type)
        if rate is None:
            rate = self._rates[event_type] = self.policy.share_of({"event_type": event_type})[0]
        return self._draw() < rate

    def decide(self, event: BaseModel | Mapping[str, Any]) -> Decision:
        """What becomes of an event: by its ids, so that it can be repeated and simulated.

        Args:
            event: an event model, an event as JSON has it, or a row of the canonical frame.

        Raises:
            InvalidOption: it is no event.
        """
        row = event_row(event, self._columns)
        if isinstance(self.policy, TraceIdRatioBased):
            identifier = next((str(one) for one in row.values() if one not in (None, "")), None)
            return Decision(*ratio_decision(self.policy, identifier))
        facts = tuple([None if row[name] is None else str(row[name]) for name in self._reads])
        verdict = self._verdicts.get(facts)
        if verdict is None:
            if len(self._verdicts) >= _MOST_VERDICTS:  # such as of error codes that never come again
                self._verdicts.clear()
            verdict = self._verdicts[facts] = verdict_on(self.policy, facts)
        return of_verdict(verdict, self.policy, row)
