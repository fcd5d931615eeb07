"""Keep or drop: the one decision that a live sampler and a simulation share.

The policy says the share of events with such facts, and its threshold is compared with the randomness of the id. Live,
this is done for one event; on history for the distinct facts of many, and the randomness of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.sampling.arrivals import ARRIVAL, require_times
from onex_analytics.sampling.dynamic_deciding import dynamic_decisions, require_texts
from onex_analytics.sampling.dynamic_policies import DynamicPolicy
from onex_analytics.sampling.policies import Policy, Scope
from onex_analytics.sampling.randomness import randomness, randomness_of
from onex_analytics.sampling.tail_asking import require_kinds
from onex_analytics.sampling.tail_deciding import tail_decisions
from onex_analytics.sampling.tail_policies import TailPolicy
from onex_analytics.sampling.thresholds import adjusted_count_of, probability_of, threshold_of
from onex_analytics.sampling.trace_id_ratio import TraceIdRatioBased, ratio_decisions

IDS: dict[Scope, tuple[str, ...]] = {"trace": ("trace_id", "correlation_id", "event_id"), "event": ("event_id",)}
"""The columns whose first that is there, and not empty, is drawn by."""

DECISION = pl.Schema({
    "keep": pl.Boolean(),
    "probability": pl.Float64(),     # with which such an event is kept, 0 to 1
    "adjusted_count": pl.Float64(),  # events this one stands for; null where it is dropped
    "policy": pl.String(),           # what decided: the policy's name, and that of its rule
})  # fmt: skip
"""What `apply` adds to each event."""

AnyPolicy = Policy | TailPolicy | DynamicPolicy | TraceIdRatioBased
"""What `apply` takes."""

_POLICIES: tuple[Any, ...] = get_args(AnyPolicy)

Upstream = Literal["independent", "consistent"]


class Decision(NamedTuple):
    """What becomes of one event; see `DECISION`."""

    keep: bool
    probability: float
    adjusted_count: float | None
    policy: str


class Verdict(NamedTuple):
    """What a policy says of events with some facts."""

    threshold: int
    probability: float
    adjusted_count: float | None
    policy: str


@lru_cache(maxsize=4096)
def verdict_on(policy: Policy, facts: tuple[str | None, ...]) -> Verdict:
    share, name = policy.share_of(dict(zip(policy.reads, facts, strict=True)))
    threshold = threshold_of(share, policy.precision)
    return Verdict(threshold, probability_of(threshold), adjusted_count_of(threshold), name)


def decided(policy: Policy, row: Mapping[str, object]) -> Decision:
    """What becomes of one event, given as a row of the canonical frame.

    An event without any id is kept: nothing says what it belongs to.

    >>> from onex_analytics.sampling import ProbabilityPolicy
    >>> decided(ProbabilityPolicy(probability=0.25), {"trace_id": "c0ffee00-1234-4abc-8def-0123456789ab"})
    Decision(keep=True, probability=0.25, adjusted_count=4.0, policy='probability')
    """
    facts = tuple(None if row.get(name) is None else str(row[name]) for name in policy.reads)
    return of_verdict(verdict_on(policy, facts), policy, row)


def of_verdict(verdict: Verdict, policy: Policy, row: Mapping[str, object]) -> Decision:
    """What becomes of one event, by what a policy says of such."""
    for name in IDS[policy.scope]:
        identifier = row.get(name)
        if identifier not in (None, ""):
            keep = randomness(str(identifier)) >= verdict.threshold
            return Decision(keep, verdict.probability, verdict.adjusted_count if keep else None, verdict.policy)
    return Decision(True, 1.0, 1.0, f"{policy.name}/without id")


def apply(
    policy: AnyPolicy, events: pl.LazyFrame | pl.DataFrame, *, upstream: Upstream = "independent"
) -> pl.LazyFrame:
    """The events with what a policy makes of each: exactly what the live sampler does.

    Args:
        policy: what is kept.
        events: one row an event; reads `trace_id`, `correlation_id` and `event_id` (`event_id` alone where the scope is
            "event"), and what the policy looks at. A policy that remembers reads `timestamp`, `event_id` and, where it
            is there, `arrived_at`, for the order of arrival, and holds what it reads of the whole log in memory. Of
            `adjusted_count`, where it is there, see `upstream`.
        upstream: how a log that was sampled before was: "independent" of this policy (the counts multiply), or
            "consistent" with it (by the same randomness: what is there would be kept at any share not below that of
            before, and the greater count holds).

    Returns:
        The same rows and columns with those of `DECISION`, in place of such that are there already. Those that are kept
        stand for all: their adjusted counts add up to the events of the log on average.

    Raises:
        MissingColumns: the frame lacks a column that is read.
        InvalidOption: it is no policy; a column holds what the policy cannot look at, such as a time that is none; or
            `upstream="consistent"` with TraceIdRatioBased, which is not.

    >>> import polars as pl
    >>> from onex_analytics.sampling import ProbabilityPolicy
    >>> ids = ["c0ffee00-1234-4abc-8def-0123456789ab", "c0ffee00-1234-4abc-8d00-0123456789ab"]
    >>> events = pl.LazyFrame({"event_id": ids})
    >>> policy = ProbabilityPolicy(probability=0.25, scope="event")
    >>> apply(policy, events).select("keep", "adjusted_count").collect().rows()
    [(True, 4.0), (False, None)]

    Source: OpenTelemetry, "Probability sampling": keep if R ≥ T, adjusted count 2^56 / (2^56 − T).
    """
    if not isinstance(policy, _POLICIES):
        wanted = "a policy such as ProbabilityPolicy(probability=0.1), or one that `load_policies` read"
        raise InvalidOption("policy", type(policy).__name__, wanted)
    if upstream not in ("independent", "consistent"):
        raise InvalidOption("upstream", upstream, '"independent" or "consistent"')
    events, ids = events.lazy(), IDS[policy.scope]
    columns = require(events, *ids, *policy.reads).collect_schema()
    given = "adjusted_count" in columns
    identifier = pl.coalesce(
        pl.when(pl.col(name).cast(pl.String) != "").then(pl.col(name).cast(pl.String)) for name in ids
    ).alias("_id")
    if isinstance(policy, TraceIdRatioBased):
        if upstream == "consistent":
            raise InvalidOption("upstream", upstream, '"independent": TraceIdRatioBased reads other bits of an id')
        found = identifier.map_batches(lambda ids: ratio_decisions(policy, ids).to_struct(ids.name),
                                       pl.Struct(DECISION), is_elementwise=True)  # fmt: skip
    elif isinstance(policy, TailPolicy):
        require_times(columns)
        require_kinds(policy.conditions, columns)
        read = pl.struct(identifier, *(name for name in columns if name in {*ARRIVAL, *policy.reads}))
        found = read.map_batches(lambda rows: tail_decisions(policy, rows.struct.unnest()).to_struct(rows.name),
                                 pl.Struct(DECISION))  # fmt: skip
    elif isinstance(policy, DynamicPolicy):
        require_times(columns)
        require_texts(policy, columns)
        read = pl.struct(identifier, *(name for name in columns if name in {*ARRIVAL, *policy.reads}))
        found = read.map_batches(lambda rows: dynamic_decisions(policy, rows.struct.unnest()).to_struct(rows.name),
                                 pl.Struct(DECISION))  # fmt: skip
    else:
        read = pl.struct(identifier, *(pl.col(name).cast(pl.String) for name in policy.reads))
        found = read.map_batches(lambda rows: _of_rows(policy, rows), pl.Struct(DECISION), is_elementwise=True)
    decision = events.with_columns(_decision=found)
    before = pl.col("adjusted_count").fill_null(1.0) if given else pl.lit(1.0)
    own = pl.col("_decision").struct.field("adjusted_count")
    together = own * before if upstream == "independent" else pl.max_horizontal(
        own, pl.when(own.is_not_null()).then(before)
    )  # fmt: skip
    return decision.with_columns(
        pl.col("_decision").struct.field("keep"), pl.col("_decision").struct.field("probability"),
        together.alias("adjusted_count"), pl.col("_decision").struct.field("policy"),
    ).drop("_decision")  # fmt: skip


def _of_rows(policy: Policy, rows: pl.Series) -> pl.Series:
    frame = rows.struct.unnest()
    facts = list(policy.reads)
    if facts:
        distinct = frame.select(facts).unique()
        verdicts = [verdict_on(policy, one) for one in distinct.iter_rows()]
        numbered = distinct.with_row_index("verdict")
        which = frame.select(facts).join(
            numbered, on=facts, how="left", nulls_equal=True, maintain_order="left"
        )["verdict"].to_numpy()  # fmt: skip
    else:
        verdicts, which = [verdict_on(policy, ())], np.zeros(frame.height, np.int64)
    thresholds = np.array([one.threshold for one in verdicts], np.uint64)
    keep = pl.Series(randomness_of(frame["_id"]) >= thresholds[which], dtype=pl.Boolean)
    told = pl.DataFrame(
        [(one.probability, one.adjusted_count, one.policy) for one in verdicts],
        schema={name: DECISION[name] for name in ("probability", "adjusted_count", "policy")}, orient="row",
    )[which]  # fmt: skip
    without_id = frame["_id"].is_null()
    return (
        told.with_columns(keep=keep, without_id=without_id)
        .select(
            keep=pl.col("keep") | pl.col("without_id"),
            probability=pl.when("without_id").then(1.0).otherwise("probability"),
            adjusted_count=pl.when("without_id").then(1.0).when("keep").then("adjusted_count"),
            policy=pl.when("without_id").then(pl.lit(f"{policy.name}/without id")).otherwise("policy"),
        )
        .to_struct(rows.name)
    )
