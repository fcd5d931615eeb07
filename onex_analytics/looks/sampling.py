"""What a page asks of sampling: what a share of the events would tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.sampling import Choice, RulePolicy
    from onex_analytics.sampling.deciding import AnyPolicy
    from onex_analytics.views import SamplingFrames


def plain_policy(share: float, scope: str = "trace") -> AnyPolicy:
    """One share of all.

    >>> plain_policy(0.1).name
    '10 %'
    """
    from onex_analytics.sampling import ProbabilityPolicy

    return ProbabilityPolicy.model_validate({"name": _percent(share), "probability": share, "scope": scope})


def ruled_policy(
    rules: Sequence[dict[str, Any]], share: float, keep_failures: bool = True, scope: str = "trace"
) -> AnyPolicy:
    """Shares by rule, and one of what these do not speak of.

    >>> ruled_policy([], 0.1).name
    'failures and 10 %'
    """
    from onex_analytics.sampling import RulePolicy

    parts = ["failures"] * (keep_failures and not rules) + ["rules"] * bool(rules)
    joint = ", else " if rules else " and "
    name = f"{parts[0]}{joint}{_percent(share)}" if parts else _percent(share)
    return RulePolicy.model_validate({
        "name": name, "rules": rules, "default": share, "keep_failures": keep_failures, "scope": scope,
    })  # fmt: skip


def rules_of(policy: RulePolicy) -> pl.DataFrame:
    """A policy as a table: what is meant, and the share that is kept of it."""
    import polars as pl

    rows: list[dict[str, Any]] = [{"events": "failures", "probability": 1.0}] if policy.keep_failures else []
    for rule in policy.rules:
        facts = [f"{name} {' or '.join(getattr(rule, name))}" for name in rule.reads]
        rows.append({"events": ", ".join(facts) or "all", "probability": rule.probability})
    rows.append({"events": "all others" if rows else "all", "probability": policy.default})
    return pl.DataFrame(rows, schema={"events": pl.String, "probability": pl.Float64})


def columns_read(schema: pl.Schema) -> list[str]:
    """The columns that policies and the metrics of a page look at."""
    from onex_analytics.sampling.deciding import IDS
    from onex_analytics.sampling.policies import FACTS

    known = {"timestamp", "family", "error_type", "size_bytes", "adjusted_count", *FACTS, *IDS["trace"]}
    return [name for name in schema if name in known]


def share_frames(events: pl.LazyFrame, budget: float) -> tuple[SamplingFrames, list[AnyPolicy]]:
    """One share, one with all failures, and the policy that is chosen for this budget, against the whole log.

    Args:
        events: the log; reads `columns_read`.
        budget: the share of the events that is kept, above 0, up to 1.

    Returns:
        What a page shows, without alerts, and the policies.
    """
    from onex_analytics.sampling import simulate
    from onex_analytics.views import SamplingFrames

    choice, why = _chosen(events, budget)
    chosen = [choice.policy] if choice is not None else []
    policies: list[Any] = [plain_policy(budget), ruled_policy([], budget), *chosen]
    simulated = simulate(policies, events, ["error_rate", "count"], "node")
    return SamplingFrames(
        budget=budget, why_none=why, frontier=None if choice is None else choice.frontier,
        rules=None if choice is None else rules_of(choice.policy), policies=simulated.policies,
        errors=simulated.errors, losses=simulated.losses,
    ), policies  # fmt: skip


def _chosen(events: pl.LazyFrame, budget: float) -> tuple[Choice | None, str]:
    """The policy for the budget, or why there is none: nothing fails, or failures alone are more."""
    from onex_analytics.exceptions import InvalidOption
    from onex_analytics.sampling import choose

    try:
        return choose(events, ["error_rate"], budget=budget), ""
    except InvalidOption as problem:
        return None, str(problem)


def _percent(share: float) -> str:
    return f"{100 * share:.6g} %"
