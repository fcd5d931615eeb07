"""What became of events on their way: every one accounted for."""

from __future__ import annotations

from typing import Any

import polars as pl

from onex_analytics.batching import AsyncEventBatcher, BatchCounts, EventBatcher
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.pipeline import EventPipeline, PipelineCounts, StageCounts
from onex_analytics.views.tables import Column

_STAGES = (
    Column("stage", "stage", "word"), Column("entered", "entered", "count"), Column("passed", "passed", "count"),
    Column("dropped", "dropped", "count"), Column("why", "why"), Column("pending", "pending", "count"),
)  # fmt: skip


def batch_counts(counts: BatchCounts) -> Card:
    """Added = exported + dropped + pending."""
    lost = sum(counts.dropped.values())
    return Card(
        "Batches: what became of the events",
        lead=f"added {counts.added:,} = exported {counts.exported:,} + dropped {lost:,} + pending {counts.pending:,}",
        facts={"batches": (counts.batches, "count"), "failed calls of the exporter": (counts.failures, "count")},
        left_out=_dropped(counts.dropped),
    )


def pipeline_counts(counts: PipelineCounts) -> Card:
    """Emitted = exported + dropped + pending, stage by stage."""
    lost = sum(counts.dropped.values())
    return Card(
        "Pipeline: what became of the events",
        lead=f"emitted {counts.emitted:,} = exported {counts.exported:,} + dropped {lost:,} "
             f"+ pending {counts.pending:,}",
        tables=(CardTable(".stages", _stages(counts.stages), _STAGES, "no stage"),),
        left_out=_dropped(counts.dropped),
    )  # fmt: skip


def stage_counts(counts: StageCounts) -> Card:
    """One stage of a pipeline."""
    return Card(f"Stage {counts.stage}", tables=(CardTable("", _stages((counts,)), _STAGES),))


def batcher(live: EventBatcher[Any] | AsyncEventBatcher[Any]) -> Card:
    """What became of the events so far, and the policy."""
    counts = batch_counts(live.counts())
    return Card(type(live).__name__, lead=counts.lead, facts={"policy": (live.policy.title, "text"), **counts.facts},
                left_out=counts.left_out)  # fmt: skip


def pipeline(live: EventPipeline) -> Card:
    """What became of the events so far."""
    told = pipeline_counts(live.counts())
    return Card("EventPipeline", lead=told.lead, tables=told.tables, left_out=told.left_out)


def _stages(stages: tuple[StageCounts, ...]) -> pl.DataFrame:
    rows = [
        (one.stage, one.entered, one.passed, sum(one.dropped.values()),
         ", ".join(f"{reason} {n:,}" for reason, n in one.dropped.items() if n) or "–", one.pending)
        for one in stages
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["stage", "entered", "passed", "dropped", "why", "pending"], orient="row")


def _dropped(dropped: Any) -> list[str]:
    return [f"{n:,} events were dropped: {reason}" for reason, n in dropped.items() if n]
