"""What the first report asks of sampling: what a share of the events would tell, and which alerts it would cost."""

from __future__ import annotations

from typing import Any

import polars as pl

from onex_analytics.alerting import Backtest
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.cli.sample.alert_losses import alert_losses
from onex_analytics.cli.sample.options import policies_of
from onex_analytics.cli.sample.searching import rules_of
from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import Choice, choose, simulate
from onex_analytics.sampling.deciding import IDS
from onex_analytics.sampling.policies import FACTS
from onex_analytics.views import AlertFrames, SamplingFrames

BUDGET = 0.1
"""The share of the events that the demo keeps."""


def sample_look(
    events: pl.LazyFrame, alerts: AlertFrames | None, *, period: pl.DataFrame, budget: float
) -> SamplingFrames:
    """Hold one share, one with all failures, and the policy that is chosen for this budget against the whole log.

    Args:
        events: the log.
        alerts: rules on it, where there are any: their `timeline` is a `Backtest`.
        period: `frames.main_period`: the few events far outside of it are left out, as the alerts leave them out.
        budget: the share of the events that is kept, above 0, up to 1.
    """
    start, end, _ = period.row(0)
    full = alerts.timeline if alerts is not None and isinstance(alerts.timeline, Backtest) else None
    whole = events if start is None else events.filter(pl.col("timestamp").is_between(start, end))
    inside = whole.select(_read(whole.collect_schema(), full)).collect().lazy()  # most questions read it
    choice, why = _chosen(inside, budget)
    policies: list[Any] = [
        *policies_of([budget], None, None, False), *policies_of([budget], None, True, False),
        *([choice.policy] if choice is not None else []),
    ]  # fmt: skip
    simulated = simulate(policies, inside, ["error_rate", "count"], "node")
    losses = None if full is None else alert_losses(full.rules, inside, policies, full.incidents, full=full)
    return SamplingFrames(
        budget=budget, why_none=why,
        frontier=None if choice is None else choice.frontier,
        rules=None if choice is None else rules_of(choice.policy),
        policies=simulated.policies, errors=simulated.errors, losses=simulated.losses,
        alerts=None if losses is None else losses.rules,
        incidents=None if losses is None else losses.incidents,
    )  # fmt: skip


def _read(schema: pl.Schema, full: Backtest | None) -> list[str]:
    """The columns that policies, metrics and rules look at."""
    of_rules = set() if full is None else set(Evaluation(full.rules, schema).columns)
    known = {"timestamp", "family", "error_type", "size_bytes", "adjusted_count", *FACTS, *IDS["trace"]}
    return [name for name in schema if name in known | of_rules]


def _chosen(events: pl.LazyFrame, budget: float) -> tuple[Choice | None, str]:
    """The policy for the budget, or why there is none: nothing fails, or failures alone are more."""
    try:
        return choose(events, ["error_rate"], budget=budget), ""
    except InvalidOption as problem:
        return None, str(problem)
