"""What the first report asks of alert rules: a backtest, its scores, and one rule under every threshold."""

from __future__ import annotations

import polars as pl

from onex_analytics.alerting import (
    Backtest,
    RuleSet,
    backtest,
    delay_distribution,
    incident_matrix,
    pages_by_hour,
    sweep,
)
from onex_analytics.exceptions import InvalidOption
from onex_analytics.views import AlertFrames, SweptRule


def alert_look(
    rules: RuleSet, events: pl.LazyFrame, incidents: pl.LazyFrame | None = None, *, name: str, period: pl.DataFrame
) -> AlertFrames:
    """Try the rules on the log.

    Args:
        rules: the rules.
        events: the log.
        incidents: the truth about it, where it is known.
        name: what the rules are called.
        period: `frames.main_period`: the few events far outside of it are left out, as in the other charts over time.
    """
    start, end, _ = period.row(0)
    inside = events if start is None else events.filter(pl.col("timestamp").is_between(start, end))
    result = backtest(rules, inside, incidents)
    known = result.incidents is not None and result.begin is not None
    return AlertFrames(
        rules=name,
        timeline=result,
        summary=result.summary,
        hours=pages_by_hour(result),
        scores=result.scores() if known else None,
        matrix=incident_matrix(result) if known else None,
        delays=delay_distribution(result) if known else None,
        swept=_swept(result, inside, incidents),
    )


def _swept(result: Backtest, events: pl.LazyFrame, incidents: pl.LazyFrame | None) -> SweptRule | None:
    """Of the rules that can be swept, the one that pages the most: there another threshold is worth the most."""
    order = result.summary.sort("pages", "firings", descending=True).select("group", "rule").rows()
    for group, rule in order:
        found = swept_rule(result, group, rule, events, incidents)
        if found is not None:
            return found
    return None


def swept_rule(
    result: Backtest, group: str, rule: str, events: pl.LazyFrame, incidents: pl.LazyFrame | None
) -> SweptRule | None:
    """One rule under every threshold; None where it cannot be swept: it compares by == or !=, is limited, or begins
    anew after a match."""
    alone = result.rules.model_copy(update={"groups": tuple(
        one.model_copy(update={"rules": tuple(r for r in one.rules if r.alert == rule)})
        for one in result.rules.groups if one.name == group
    )})  # fmt: skip
    try:
        found = sweep(alone, events, incidents=incidents)
    except InvalidOption:
        return None
    return SweptRule(rule, float(alone.groups[0].rules[0].when.threshold), found)
