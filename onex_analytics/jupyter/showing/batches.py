"""What a batching policy would have made of a log."""

from __future__ import annotations

from functools import partial

import plotly.graph_objects as go
import polars as pl

from onex_analytics.batching import BatchingResult, CompressionCurve
from onex_analytics.batching.presets import Preset
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.jupyter.showing.models import settings
from onex_analytics.views.tables import Column


def batching_result(result: BatchingResult) -> Card:
    """Its one row of numbers, what was lost, and the sizes of the batches."""
    told = result.summary.row(0, named=True)
    columns = (
        Column("reason", "closed by", "word"), Column("size_from", "events from", "count"),
        Column("size_to", "to", "count"), Column("batches", "batches", "count"), Column("events", "events", "count"),
    )  # fmt: skip
    left_out = [
        f"{told[name]:,} events {words}"
        for name, words in (
            ("dropped_full", "found no room and were dropped"), ("dropped_oversize", "were refused as too large"),
            ("pending", "were not exported yet when the last one came"),
            ("unsized", "are of unknown size, and were taken as large as the mean of the others"),
        ) if told[name]
    ]  # fmt: skip
    return Card(
        f"Batching: {told['policy']}",
        facts={
            "events": (told["events"], "count"), "exported": (told["exported"], "count"),
            "batches": (told["batches"], "count"), "batches a second": (told["batches_per_s"], "number"),
            "events a batch": (told["size_mean"], "number"), "delay p50": (told["delay_p50_ms"], "duration"),
            "delay p95": (told["delay_p95_ms"], "duration"), "longest queue": (told["queue_max"], "count"),
            "bytes": (told["bytes"], "bytes"), "compressed": (told["compressed_bytes"], "bytes"),
        },
        tables=(
            CardTable(".sizes", result.sizes.sort("batches", descending=True), columns, "no batch",
                      "the most frequent"),
        ),
        left_out=left_out, figure=partial(_sizes, result.sizes),
    )  # fmt: skip


def preset(held: Preset) -> Card:
    """Its policy, where its numbers come from, and how it differs."""
    card = settings(held.policy)
    return Card(f"Preset {held.policy.title}", lead=held.source, tables=card.tables,
                left_out=[f"what it stands for differs: {one}" for one in held.differs])  # fmt: skip


def compression_curve(curve: CompressionCurve) -> Card:
    """What is left of batches, by their bytes."""
    frame = pl.DataFrame({"bytes": curve.batch_bytes, "share": curve.shares})
    columns = (Column("bytes", "bytes of a batch", "bytes"), Column("share", "left of them", "share"))
    return Card("Compression of batches", facts={"codec": (curve.codec, "text"), "level": (curve.level, "number")},
                tables=(CardTable("", frame, columns, most=10),))  # fmt: skip


def _sizes(sizes: pl.DataFrame) -> go.Figure:
    from onex_analytics.views.batching import batch_sizes

    return batch_sizes(sizes)
