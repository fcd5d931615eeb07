"""Which events policies keep the same share of: read once for all that look at facts, else once for each policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onex_analytics.sampling.deciding import IDS, AnyPolicy, apply, decided
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
        told = np.array([[*_shares(policy, population.strata), 1.0] for policy in self.policies])
        shares, numbers = distinct_strata(told)
        return population.renumbered(numbers, shares.shape[1] - 1), shares


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


def _shares(policy: Policy, strata: pl.DataFrame) -> list[float]:
    """What a policy keeps of each stratum: asked once of each combination of the facts that it looks at."""
    facts = list(policy.reads)
    if not facts:
        return [decided(policy, {"event_id": "any"}).probability] * strata.height
    distinct = strata.select(facts).unique(maintain_order=True)
    told = [decided(policy, {**row, "event_id": "any"}).probability for row in distinct.iter_rows(named=True)]
    asked = distinct.with_columns(_share=pl.Series(told, dtype=pl.Float64))
    found = strata.select(facts).join(asked, on=facts, how="left", nulls_equal=True, maintain_order="left")
    return found["_share"].to_list()
