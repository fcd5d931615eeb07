"""The first report of a log as one HTML file: what came in, how much, how well, how fast, and what stands out.

It draws result frames and reckons nothing: `onex-analytics report` asks the questions of `frames.overview`,
`frames.periods` and `profiling`, collects the answers and hands them over as `ReportFrames`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from onex_analytics.views.page import html_page
from onex_analytics.views.report_of_alerts import AlertFrames, alert_sections
from onex_analytics.views.report_of_errors import ErrorFrames, error_sections
from onex_analytics.views.report_of_log import (
    coverage_section,
    error_rate_section,
    events_section,
    notable_section,
    rejected_section,
    schema_section,
)
from onex_analytics.views.report_of_sampling import SamplingFrames, sampling_sections
from onex_analytics.views.report_of_sizes import SizeFrames, size_sections
from onex_analytics.views.report_of_work import WorkFrames, work_sections
from onex_analytics.views.tables import html_facts, plain


@dataclass(frozen=True)
class ReportFrames:
    """What a report shows: the collected results, each of the shape that its function in `frames` documents."""

    totals: pl.DataFrame
    period: pl.DataFrame
    events_per_minute: pl.DataFrame
    error_rate_total: pl.DataFrame
    error_rate: pl.DataFrame
    error_rate_by_node: pl.DataFrame
    notable: pl.DataFrame
    rejected: pl.DataFrame
    repairs: pl.DataFrame
    violations: pl.DataFrame
    schema_adoption: pl.DataFrame
    work: WorkFrames
    errors: ErrorFrames
    holes: pl.DataFrame
    incidents: pl.DataFrame | None = None
    """`frames.periods.incidents_seen`, where the truth is known."""
    alerts: AlertFrames | None = None
    """Alert rules on the log, where there are any."""
    sampling: SamplingFrames | None = None
    """What a part of the events would tell, where that was asked."""
    sizes: SizeFrames | None = None
    """What events weigh, where that was asked."""
    ingest: Mapping[str, int] | None = None
    """`read`, `stored`, `duplicate`, `rejected`, where the report follows an append."""


def report_page(frames: ReportFrames, *, title: str, every: str, source: str) -> str:
    """One stand-alone HTML file.

    Args:
        frames: the collected results.
        title: heading of the file.
        every: the width of the buckets over time, as a Polars duration; said in the captions.
        source: what was read, such as the store's name and version.
    """
    period = frames.period.row(0, named=True)
    return html_page(title, _lead(frames, source), [
        events_section(frames.events_per_minute, frames.totals, every),
        error_rate_section(frames.error_rate_total, frames.error_rate, frames.error_rate_by_node, every),
        notable_section(frames.notable, (period["start"], period["end"]), frames.incidents),
        *error_sections(frames.errors),
        *work_sections(frames.work),
        *([] if frames.alerts is None else alert_sections(frames.alerts)),
        *([] if frames.sampling is None else sampling_sections(frames.sampling)),
        *([] if frames.sizes is None else size_sections(frames.sizes)),
        rejected_section(frames.rejected, frames.repairs, frames.violations),
        schema_section(frames.schema_adoption, every),
        coverage_section(frames.holes),
    ])  # fmt: skip


def _lead(frames: ReportFrames, source: str) -> str:
    total = frames.totals.row(0, named=True)
    rates = frames.error_rate_total.row(0, named=True)
    lines = [f'<p class="dim">{html.escape(source)}. All times are UTC.</p>']
    if total["events"]:
        lines.append(f"<p>{plain(total['first'], 'time')} – {plain(total['last'], 'time')}</p>")
    if frames.ingest is not None:
        came = {name: plain(frames.ingest[name], "count") for name in ("read", "stored", "duplicate", "rejected")}
        lines.append(
            f"<p>Read {came['read']} = {came['stored']} stored + {came['duplicate']} duplicate + "
            f"{came['rejected']} rejected.</p>"
        )
    lines.append(html_facts({
        "events": (total["events"], "count"),
        "nodes": (total["nodes"], "count"),
        "event types": (total["event_types"], "count"),
        "correlation ids": (total["correlations"], "count"),
        "finished operations": (total["finished"], "count"),
        "failures": (total["failures"], "count"),
        "soft failures": (total["soft_failures"], "count"),
        "failed, of finished": (rates["rate_of_finished"], "share"),
        "failed, of all events": (rates["rate_of_events"], "share"),
        "never ended": (frames.work.open_work["open"].sum(), "count"),
    }))  # fmt: skip
    outside = frames.period.row(0, named=True)["outside"]
    if outside:
        lines.append(
            f'<p class="warn">Events far outside the period of nearly all others: {plain(outside, "count")}. '
            "They are counted in all tables, and left out of the charts over time and of what stands out.</p>"
        )
    return "\n".join(lines)
