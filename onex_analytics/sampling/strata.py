"""Which events policies keep the same share of: read once for all that look at facts, else once for each policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from onex_analytics.sampling.deciding import IDS, AnyPolicy, apply, verdict_on
from onex_analytics.sampling.designs import distinct_strata
from onex_analytics.sampling.metrics import Metric
from onex_analytics.sampling.policies import FACTS, Policy, ProbabilityPolicy, RulePolicy, Scope
from onex_analytics.sampling.populations import Floats, Population, gathered

_WEIGHT = "adjusted_count before"


@dataclass(frozen=True, eq=False)
class Look:
    """Policies that look at the same columns of the same events and draw by the same ids."""

    which: list[int]
    """Their numbers among all."""
    policies: list[Policy]
    """Those that look at facts; none where `events` say the share already."""
    events: pl.LazyFrame
    scope: Scope
    facts: list[str]
    known: dict[int, dict[tuple[str | None, ...], float]] = field(default_factory=lambda: defaultdict(dict))
    """The shares that were asked for: by policy, of facts."""

    def over(self, events: pl.LazyFrame) -> Look:
        """The same look at these columns of the same events."""
        return replace(self, events=events)

    def population(
        self, by: Sequence[str] = (), metrics: Iterable[Metric] = (), further: Iterable[str] = (),
        where: pl.Expr | None = None,
    ) -> tuple[Population, Floats]:  # fmt: skip
        """The events, and the share that each policy keeps of each stratum: one row a policy."""
        chosen = self.events if where is None else self.events.filter(where)
        population = gathered(
            chosen, self.scope, self.facts, by, metrics, further, "adjusted_count" if self.policies else _WEIGHT
        )
        if not self.policies:
            return population, np.append(population.strata["probability"].to_numpy(), 1.0)[None]
        told = [[*self._shares(number, population.strata), 1.0] for number in range(len(self.policies))]
        shares, numbers = distinct_strata(np.array(told))
        return population.renumbered(numbers, shares.shape[1] - 1), shares

    def _shares(self, number: int, strata: pl.DataFrame) -> list[float]:
        """What a policy keeps of each stratum: asked once of each combination of the facts that it looks at."""
        policy, known = self.policies[number], self.known[number]
        columns = [strata[fact].to_list() for fact in policy.reads]
        combined = list(zip(*columns, strict=True)) if columns else [()] * strata.height
        for facts in dict.fromkeys(combined):
            if facts not in known:
                known[facts] = verdict_on(policy, facts).probability
        return [known[facts] for facts in combined]


def looks(policies: Sequence[AnyPolicy], events: pl.LazyFrame, keep: Iterable[str]) -> Iterator[Look]:
    """All policies, those together that one reading of the events serves.

    A policy that remembers is applied once, and the columns of `keep` that are there are held.
    """
    by_facts: dict[Scope, tuple[list[int], list[Policy]]] = {}
    for number, policy in enumerate(policies):
        if isinstance(policy, ProbabilityPolicy | RulePolicy):
            which, alike = by_facts.setdefault(policy.scope, ([], []))
            which.append(number)
            alike.append(policy)
            continue
        columns = events.collect_schema().names()
        before = {"adjusted_count": _WEIGHT} if "adjusted_count" in columns else {}
        held = {*keep, *IDS[policy.scope], *before.values(), "probability"}
        decided_of = apply(policy, events.rename(before)).select(
            name for name in (*columns, *before.values(), "probability") if name in held
        )  # fmt: skip
        yield Look([number], [], decided_of.collect().lazy(), policy.scope, ["probability"])
    for scope, (which, alike) in by_facts.items():
        read = {fact for policy in alike for fact in policy.reads}
        yield Look(which, alike, events, scope, [fact for fact in FACTS if fact in read])
