"""What policies would keep of a log, and how far off each answer would be: exact, without drawing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.columns import names, require
from onex_analytics.sampling.deciding import apply, decided
from onex_analytics.sampling.designs import ERROR_NUMBERS, design_errors, distinct_strata, volumes
from onex_analytics.sampling.metrics import Metric, metrics_of
from onex_analytics.sampling.policies import FACTS, Policy, Scope
from onex_analytics.sampling.populations import Floats, Population, gathered

POLICIES = pl.Schema({
    "policy": pl.String(),           # its name; with a number where several have the same
    "kind": pl.String(),
    "scope": pl.String(),            # whose id is drawn by: trace, event
    "estimated": pl.Boolean(),       # its adjusted counts are estimates, and so are all errors told of it
    "events": pl.Int64(),            # of the log
    "events_kept": pl.Float64(),     # on average over draws
    "events_kept_std": pl.Float64(), # over draws
    "events_share": pl.Float64(),    # events_kept / events, 0 to 1
    "bytes_kept": pl.Float64(),      # null where the log does not say how large events are
    "bytes_kept_std": pl.Float64(),
    "bytes_share": pl.Float64(),
    "cost": pl.Float64(),            # of what is kept, by `Prices`; null without them
})  # fmt: skip
"""One row a policy, as given."""

_WEIGHT = "adjusted_count before"
_BY_FACTS = ("probability", "rules")
"""Kinds of policies whose share hangs on an event's facts alone."""


class Prices(BaseModel):
    """What keeping costs, in a currency of yours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    million_events: float = Field(default=0.0, ge=0, description="of a million events that are kept")
    gigabyte: float = Field(default=0.0, ge=0, description="of a gigabyte, 10^9 bytes, that is kept")


@dataclass(frozen=True, eq=False)
class Simulation:
    """What policies keep, and what that does to answers; made by `simulate`."""

    policies: pl.DataFrame
    """`POLICIES`."""
    errors: pl.DataFrame
    """One row a policy, metric and group: `policy`, `metric`, `level` ("all" or "group"), the columns of `by` (null at
    level "all"), and `designs.ERROR_NUMBERS`."""

    def __repr__(self) -> str:
        return f"Simulation({self.policies.height} policies, {self.errors.height} rows of errors)"


def simulate(
    policies: Iterable[Policy] | Policy, events: pl.LazyFrame | pl.DataFrame,
    metrics: Iterable[Metric | str] | Metric | str = ("count", "error_rate"), by: str | Iterable[str] = (), *,
    size: str = "size_bytes", prices: Prices | None = None,
) -> Simulation:  # fmt: skip
    """What each policy would keep of a log, and the design error of each metric: exact, in closed form, a trace a draw.

    The log is taken as the truth; where it was sampled before, each event stands for its `adjusted_count`, and the
    errors are those that the policy adds.

    Args:
        policies: what might be kept.
        events: one row an event, in any order; reads the ids, what the policies look at, what the metrics read and the
            columns of `by`; `size` and `adjusted_count` where they are there.
        metrics: what is to be known; as text, see `metric_of`.
        by: columns to tell apart, beside the whole.
        size: the column of an event's bytes.
        prices: what keeping costs.

    Returns:
        A `Simulation`, whose frames say what policies keep and how far off each metric is.

    Raises:
        InvalidOption: no policy, or a metric that is none.
        MissingColumns: the events lack a column that is read.

    >>> from onex_analytics.sampling import ProbabilityPolicy
    >>> events = pl.LazyFrame({"event_id": ["a", "b", "c", "d"], "trace_id": ["t", "t", "u", "v"],
    ...                        "correlation_id": None, "outcome": ["failure", "success", "success", "success"]})
    >>> found = simulate(ProbabilityPolicy(probability=0.5), events, ["count"])
    >>> found.errors.select("truth", "bias", (pl.col("std_error") ** 2).round(9).alias("variance")).row(0)
    (4.0, 0.0, 6.0)
    >>> found.policies.select("events", "events_kept", "events_share").row(0)
    (4, 2.0, 0.5)

    Source: Horvitz and Thompson, J. Am. Stat. Assoc. 47 (1952) 663; the module `designs` says which formulas.
    """
    chosen = [policies] if isinstance(policies, BaseModel) else list(policies)
    if not chosen:
        raise InvalidOption("policies", chosen, "one policy or more")
    asked, keys, frame = metrics_of(metrics), names(by), events.lazy()
    schema = frame.collect_schema()
    if taken := {"policy", "metric", "level", *ERROR_NUMBERS} & set(keys):
        raise InvalidOption("by", sorted(taken), "columns whose names the result does not use; rename them")
    require(frame, *keys)
    sizes = [size] if size in schema else []
    if prices is not None and prices.gigabyte and not sizes:
        raise MissingColumns([size], schema.names(), "Mend: name the column of sizes by `size=`, or a price of events.")
    labels = _labels(chosen)
    volume: list[pl.DataFrame] = []
    errors: list[pl.DataFrame] = []
    for part in _looked_at(chosen, frame, keys, asked, sizes):
        volume.append(_volumes(part, size))
        errors += [
            _errors(part, metric, rank, grouped) for rank, metric in enumerate(asked)
            for grouped in (False, True)[: 1 + bool(keys)]
        ]  # fmt: skip
    cost = pl.lit(None, pl.Float64) if prices is None else (
        pl.col("events_kept") / 1e6 * prices.million_events
        + (pl.col("bytes_kept") / 1e9 * prices.gigabyte if prices.gigabyte else 0.0)
    )  # fmt: skip
    told = pl.DataFrame({
        "_policy": range(len(chosen)), "policy": labels, "kind": [one.kind for one in chosen],
        "scope": [one.scope for one in chosen], "estimated": [one.estimated for one in chosen],
    })  # fmt: skip
    table = pl.concat(errors, how="diagonal").sort("_policy", "_metric", "level", *keys, nulls_last=True)
    return Simulation(
        told.join(pl.concat(volume), on="_policy").sort("_policy").with_columns(cost=cost)
        .select(pl.col(name).cast(dtype) for name, dtype in POLICIES.items()),
        table.with_columns(policy=told["policy"].gather(table["_policy"]))
        .select("policy", "metric", "level", *keys, *ERROR_NUMBERS)
        .cast({key: schema[key] for key in keys}),
    )  # fmt: skip


class _Part(NamedTuple):
    """Policies that look at one population, and the share that each keeps of its strata."""

    which: list[int]
    population: Population
    shares: Floats


def _labels(policies: Sequence[Policy]) -> list[str]:
    """The names of policies, numbered where several have one."""
    often, seen = Counter(policy.name for policy in policies), Counter[str]()
    labels = []
    for policy in policies:
        seen[policy.name] += 1
        labels.append(policy.name if often[policy.name] == 1 else f"{policy.name} {seen[policy.name]}")
    return labels


def _looked_at(
    policies: Sequence[Policy], events: pl.LazyFrame, by: list[str], metrics: list[Metric], sizes: list[str]
) -> Iterator[_Part]:
    """The events, read once for all policies that look at facts and draw by the same ids, and once for each other."""
    by_facts: dict[Scope, list[int]] = {}
    for number, policy in enumerate(policies):
        if policy.kind in _BY_FACTS:
            by_facts.setdefault(policy.scope, []).append(number)
            continue
        before = {"adjusted_count": _WEIGHT} if "adjusted_count" in events.collect_schema() else {}
        decided_of = apply(policy, events.rename(before))
        population = gathered(decided_of, policy.scope, ["probability"], by, metrics, sizes, weight=_WEIGHT)
        yield _Part([number], population, np.append(population.strata["probability"].to_numpy(), 1.0)[None])
    for scope, which in by_facts.items():
        read = {fact for number in which for fact in policies[number].reads}
        population = gathered(events, scope, [fact for fact in FACTS if fact in read], by, metrics, sizes)
        shares, numbers = distinct_strata(
            np.array([[*_shares(policies[number], population.strata), 1.0] for number in which])
        )
        yield _Part(which, population.renumbered(numbers, shares.shape[1] - 1), shares)


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


def _volumes(part: _Part, size: str) -> pl.DataFrame:
    population = part.population
    kept, spread = volumes(population, part.shares, np.ones(population.size))
    told = pl.DataFrame({"_policy": part.which, "events_kept": kept, "events_kept_std": spread}).with_columns(
        events=population.size, events_share=pl.col("events_kept") / (population.size or None)
    )
    if size not in population.columns:
        nothing = pl.lit(None, pl.Float64)
        return told.with_columns(bytes_kept=nothing, bytes_kept_std=nothing, bytes_share=nothing)
    of = population.numbers(size)
    kept, spread = volumes(population, part.shares, of)
    return told.with_columns(
        bytes_kept=kept, bytes_kept_std=spread, bytes_share=pl.Series(kept) / (float(of.sum()) or None)
    )


def _errors(part: _Part, metric: Metric, rank: int, grouped: bool) -> pl.DataFrame:
    """The errors of a metric under each policy, with the numbers by which they are put in order."""
    found = design_errors(part.population, part.shares, metric, grouped)
    groups = part.population.groups if grouped else pl.DataFrame({"_all": [True]})
    head = pl.concat([groups.with_columns(_policy=pl.lit(number, pl.Int64)) for number in part.which])
    return pl.concat([head, found], how="horizontal").with_columns(
        _metric=pl.lit(rank), metric=pl.lit(metric.name), level=pl.lit("group" if grouped else "all")
    )
