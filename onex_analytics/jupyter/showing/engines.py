"""Live objects: how far they are, and what they counted."""

from __future__ import annotations

import polars as pl

from onex_analytics.alerting import AlertEngine, Evaluation, EventAlertingEngine
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.jupyter.showing.alerts import unseen
from onex_analytics.jupyter.showing.models import settings
from onex_analytics.jupyter.showing.samples import rule_policy
from onex_analytics.sampling import DynamicSampler, EventSampler, RulePolicy, TailSampler
from onex_analytics.views.tables import Column

_FIRING = (
    Column("rule", "rule", "word"), Column("labels", "labels"), Column("value", "value", "number"),
    Column("starts_at", "fires since (UTC)", "time"),
)  # fmt: skip


def alert_engine(engine: AlertEngine) -> Card:
    """The alerts that fire now, and what was counted."""
    rows = [alert.row() for alert in engine.firing[:20]]
    firing = pl.DataFrame([{column.name: row[column.name] for column in _FIRING} for row in rows])
    return Card(
        "AlertEngine",
        facts={
            "rules": (len(list(engine.rules.rules)), "count"), "known up to (UTC)": (engine.clock, "time"),
            "firing": (len(engine.firing), "count"),
            **{name: (count, "count") for name, count in engine.counts.items()},
        },
        tables=(CardTable(".firing", firing, _FIRING, "no alert fires", rows=len(engine.firing)),),
        left_out=[*unseen(engine.by_group), *engine.limits],
    )  # fmt: skip


def event_alerting(engine: EventAlertingEngine) -> Card:
    """What it counted, and its rules."""
    return Card(
        "EventAlertingEngine",
        facts={
            "rules": (len(list(engine.rules.rules)), "count"),
            **{name: (count, "count") for name, count in engine.counts.items()},
        },
        left_out=[f"{engine.counts['failed']:,} calls of an action failed"] * bool(engine.counts["failed"]),
    )


def evaluation(held: Evaluation) -> Card:
    """How far it is."""
    return Card(
        "Evaluation",
        facts={
            "groups": (len(held.groups), "count"), "known up to (UTC)": (held.clock, "time"),
            "events": (max((account["events"] for account in held.counts.values()), default=0), "count"),
        },
        left_out=[*unseen(held.counts), *held.limits],
    )  # fmt: skip


def event_sampler(sampler: EventSampler) -> Card:
    """Its policy."""
    card = rule_policy(sampler.policy) if isinstance(sampler.policy, RulePolicy) else settings(sampler.policy)
    return Card("EventSampler", lead=f"decides by {card.title}", facts=card.facts, tables=card.tables)


def tail_sampler(sampler: TailSampler) -> Card:
    """What it holds, and its policy."""
    card = settings(sampler.policy)
    return Card(
        "TailSampler", lead=f"decides by {card.title}", tables=card.tables,
        facts={
            "received": (sampler.received, "count"), "kept": (sampler.kept, "count"),
            "dropped": (sampler.dropped, "count"), "pending": (sampler.pending, "count"),
            "came after their decision": (sampler.late, "count"),
            "traces decided early": (sampler.decided_early, "count"),
        },
    )  # fmt: skip


def dynamic_sampler(sampler: DynamicSampler) -> Card:
    """The kinds that it counts, and its policy."""
    card = settings(sampler.policy)
    return Card("DynamicSampler", lead=f"decides by {card.title}", tables=card.tables,
                facts={"kinds in this interval": (sampler.kinds, "count")})  # fmt: skip
