"""The part of the first report that is about sizes: what events weigh, which field costs what, and how it grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views import sizing
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.sizing.byte_counts import told
from onex_analytics.views.tables import Column, html_facts, html_table
from onex_analytics.views.theme import description

_MOST = 40


class SizeFrames(NamedTuple):
    """Collected results of `sizing`."""

    by_type: pl.DataFrame
    """`sizing.size_report` by `event_type`."""
    by_field: pl.DataFrame
    """`sizing.size_report` by "field", of every `nth` event."""
    nth: int
    growth: pl.DataFrame
    """`sizing.size_report` by `event_type` in buckets of `every`."""
    every: str
    sizes: pl.DataFrame
    """`sizing.size_distribution`."""
    limits: Mapping[str, int]
    """Bytes by name; `by_type` counts the events over each."""


def size_sections(frames: SizeFrames) -> list[Section]:
    """What events weigh."""
    return [Section("sizes", "What events weigh", _sizes(frames))]


def _drawn(figure: go.Figure) -> str:
    return html_figure(figure, description(figure))


def _sizes(frames: SizeFrames) -> str:
    types = frames.by_type
    events, total = int(types["events"].sum()), int(types["total_bytes"].sum())
    largest = types["max_bytes"].max()
    facts = html_facts({
        "bytes": (told(total), "text"), "a mean event": (told(total / events) if events else "–", "text"),
        "the largest": (told(largest if isinstance(largest, int) else None), "text"),
        **{f"over {told(most)} ({name})": (int(types[f"over_{name}"].sum()), "count")
           for name, most in frames.limits.items()},
    })  # fmt: skip
    columns = [
        Column("event_type", "event type"), Column("events", "events", "count"),
        Column("share", "of all bytes", "share"), Column("total_bytes", "bytes", "count"),
        Column("mean_bytes", "mean", "count"), Column("p50_bytes", "half at most", "count"),
        Column("p99_bytes", "99 in 100 at most", "count"), Column("max_bytes", "largest", "count"),
    ]  # fmt: skip
    which = "all events" if frames.nth == 1 else f"one event in {frames.nth:,}"
    return (
        '<p class="dim">Bytes are those of an event\'s JSON without white space, as it is sent where it is not '
        "compressed (<code>onex-analytics size report</code>, <code>size compress</code>).</p>"
        + facts + _drawn(sizing.size_histogram(frames.sizes, frames.limits))
        + html_table(types.head(_MOST), columns, caption="Bytes by event type", empty="No events.")
        + f"<h3>Which field costs what, of {which}</h3>" + _drawn(sizing.byte_pareto(frames.by_field))
        + f"<h3>How it grows, in buckets of {frames.every}</h3>" + _drawn(sizing.growth(frames.growth))
    )  # fmt: skip
