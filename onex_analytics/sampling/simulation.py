"""What policies would keep of a log, and how far off each answer would be: exact, without drawing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.columns import names, require
from onex_analytics.sampling.deciding import AnyPolicy
from onex_analytics.sampling.designs import ERROR_NUMBERS, design_errors, of_each, volumes
from onex_analytics.sampling.losses import LOSSES, lost
from onex_analytics.sampling.metrics import Metric, metrics_of
from onex_analytics.sampling.populations import Floats, Population
from onex_analytics.sampling.strata import looks

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
    "torn_starts": pl.Float64(),     # pieces of finished work kept without their end, on average; see `losses`
    "torn_ends": pl.Float64(),       # the same without their start
    "cost": pl.Float64(),            # of what is kept, by `Prices`; null without them
})  # fmt: skip
"""One row a policy, as given."""

_LOSS_READS = ("outcome", "node", "family", "correlation_id", "error_code", "error_type")
_TORN = pl.Schema({"_policy": pl.Int64(), "torn_starts": pl.Float64(), "torn_ends": pl.Float64()})


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
    losses: pl.DataFrame
    """`losses.LOSSES`: groups of errors, codes and unfinished work, as far as the columns tell of them."""

    def __repr__(self) -> str:
        return f"Simulation({self.policies.height} policies, {self.errors.height} rows of errors)"


def simulate(
    policies: Iterable[AnyPolicy] | AnyPolicy, events: pl.LazyFrame | pl.DataFrame,
    metrics: Iterable[Metric | str] | Metric | str = ("count", "error_rate"), by: str | Iterable[str] = (), *,
    size: str = "size_bytes", prices: Prices | None = None,
) -> Simulation:  # fmt: skip
    """What each policy would keep of a log, and the design error of each metric: exact, in closed form, a trace a draw.

    The log is taken as the truth; where it was sampled before, each event stands for its `adjusted_count`, and the
    errors are those that the policy adds.

    Args:
        policies: what might be kept.
        events: one row an event, in any order; reads the ids, what the policies look at, what the metrics read and the
            columns of `by`; where they are there, `size`, `adjusted_count`, and for what is lost `family`,
            `error_code` and `error_type`.
        metrics: what is to be known; as text, see `metric_of`.
        by: columns to tell apart, beside the whole.
        size: the column of an event's bytes.
        prices: what keeping costs.

    Returns:
        A `Simulation`, whose frames say what policies keep, how far off each metric is, and what is lost.

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
    volume, errors, losses, torn = [], [], [], []
    held = {*_LOSS_READS, *keys, *sizes, *(name for metric in asked for name in metric.reads)}
    for look in looks(chosen, frame, held):
        population, shares = look.population(keys, asked, sizes)
        volume.append(_volumes(population, shares, look.which, size))
        errors += [
            _errors(population, shares, look.which, metric, grouped).with_columns(_metric=pl.lit(rank))
            for rank, metric in enumerate(asked) for grouped in (False, True)[: 1 + bool(keys)]
        ]  # fmt: skip
        del population
        tables, of_work = lost(look)
        losses += tables
        torn += [] if of_work is None else [of_work]
    policy_of = pl.DataFrame({
        "_policy": range(len(chosen)), "policy": labels, "kind": [one.kind for one in chosen],
        "scope": [one.scope for one in chosen], "estimated": [one.estimated for one in chosen],
    })  # fmt: skip
    cost = pl.lit(None, pl.Float64) if prices is None else (
        pl.col("events_kept") / 1e6 * prices.million_events
        + (pl.col("bytes_kept") / 1e9 * prices.gigabyte if prices.gigabyte else 0.0)
    )  # fmt: skip
    torn_of = pl.concat(torn) if torn else pl.DataFrame(schema=_TORN)
    kept = policy_of.join(pl.concat(volume), on="_policy").join(torn_of, on="_policy", how="left").sort("_policy")
    told = pl.concat(errors, how="diagonal").sort("_policy", "_metric", "level", *keys, nulls_last=True)
    gone = pl.concat([pl.DataFrame(schema={**LOSSES, "_policy": pl.Int64}), *losses], how="diagonal").sort(
        "_policy", "what", "events", "node", "error", nulls_last=True
    )  # fmt: skip
    return Simulation(
        kept.with_columns(cost=cost).select(pl.col(name).cast(dtype) for name, dtype in POLICIES.items()),
        told.join(policy_of, on="_policy", how="left", maintain_order="left")
        .select("policy", "metric", "level", *(pl.col(key).cast(schema[key]) for key in keys), *ERROR_NUMBERS),
        gone.with_columns(policy=policy_of["policy"].gather(gone["_policy"])).select(*LOSSES),
    )  # fmt: skip


def _labels(policies: Sequence[AnyPolicy]) -> list[str]:
    """The names of policies, numbered where several have one."""
    often, seen = Counter(policy.name for policy in policies), Counter[str]()
    labels = []
    for policy in policies:
        seen[policy.name] += 1
        labels.append(policy.name if often[policy.name] == 1 else f"{policy.name} {seen[policy.name]}")
    return labels


def _volumes(population: Population, shares: Floats, which: list[int], size: str) -> pl.DataFrame:
    kept, spread = volumes(population, shares, np.ones(population.size))
    told = pl.DataFrame({"_policy": which, "events_kept": kept, "events_kept_std": spread}).with_columns(
        events=population.size, events_share=pl.col("events_kept") / (population.size or None)
    )
    if size not in population.columns:
        nothing = pl.lit(None, pl.Float64)
        return told.with_columns(bytes_kept=nothing, bytes_kept_std=nothing, bytes_share=nothing)
    of = population.numbers(size)
    kept, spread = volumes(population, shares, of)
    return told.with_columns(
        bytes_kept=kept, bytes_kept_std=spread, bytes_share=pl.Series(kept) / (float(of.sum()) or None)
    )


def _errors(
    population: Population, shares: Floats, which: list[int], metric: Metric, grouped: bool
) -> pl.DataFrame:
    """The errors of a metric under each policy."""
    found = design_errors(population, shares, metric, grouped)
    groups = population.groups if grouped else pl.DataFrame({"_all": [True]})
    return pl.concat([of_each(which, groups), found], how="horizontal").with_columns(
        metric=pl.lit(metric.name), level=pl.lit("group" if grouped else "all")
    )
