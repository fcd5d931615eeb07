"""The first report of a log as one HTML file: what came in, how much, how well, how fast, and what stands out.

It draws result frames and reckons nothing: `onex-analytics report` asks the questions of `frames.overview`,
`frames.periods` and `profiling`, collects the answers and hands them over as `ReportFrames`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from onex_analytics.views import overview
from onex_analytics.views.page import Section, html_figure, html_page
from onex_analytics.views.report_of_alerts import AlertFrames, alert_sections
from onex_analytics.views.report_of_errors import ErrorFrames, error_sections
from onex_analytics.views.report_of_sampling import SamplingFrames, sampling_sections
from onex_analytics.views.report_of_sizes import SizeFrames, size_sections
from onex_analytics.views.report_of_work import WorkFrames, work_sections
from onex_analytics.views.tables import Column, html_facts, html_table, plain

_NO_EVENTS = '<p class="empty">No events.</p>'


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
    return html_page(title, _lead(frames, source), [
        Section("events", "Events a minute", _events(frames, every)),
        Section("errors", "Error rate", _error_rate(frames, every)),
        Section("notable", "What stands out", _notable(frames)),
        *error_sections(frames.errors),
        *work_sections(frames.work),
        *([] if frames.alerts is None else alert_sections(frames.alerts)),
        *([] if frames.sampling is None else sampling_sections(frames.sampling)),
        *([] if frames.sizes is None else size_sections(frames.sizes)),
        Section("rejected", "Rejected and repaired rows", _rejected(frames)),
        Section("schema", "Schema versions", _schema(frames, every)),
        Section("coverage", "Coverage", _coverage(frames)),
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


def _events(frames: ReportFrames, every: str) -> str:
    total = frames.totals.row(0, named=True)
    if frames.events_per_minute.is_empty():
        return _NO_EVENTS
    return html_figure(
        overview.events_per_minute(frames.events_per_minute),
        f"Events a minute by type, in buckets of {every}: {plain(total['events'], 'count')} events of "
        f"{plain(total['event_types'], 'count')} types. Types beyond the most frequent are one, “(other)”.",
    )


def _error_rate(frames: ReportFrames, every: str) -> str:
    rates = frames.error_rate_total.row(0, named=True)
    caption = (
        f"Failed share in buckets of {every}; over the whole time {plain(rates['rate_of_finished'], 'share')} of "
        f"finished operations and {plain(rates['rate_of_events'], 'share')} of all events. "
        "A failure counts once, however many events tell of it."
    )
    by_node = html_table(
        frames.error_rate_by_node,
        [
            Column("node", "node"), Column("failures", "failures", "count"),
            Column("rate_of_finished", "of finished", "share"), Column("rate_of_events", "of all events", "share"),
            Column("soft_failures", "soft failures", "count"), Column("finished", "finished", "count"),
            Column("events", "events", "count"),
        ],
        caption="Error rate by node", empty="No events.",
    )  # fmt: skip
    if frames.error_rate.is_empty():
        return _NO_EVENTS
    return html_figure(overview.error_rate(frames.error_rate), caption) + "<h3>By node</h3>" + by_node


def _notable(frames: ReportFrames) -> str:
    columns = [
        Column("score", "score", "number"), Column("kind", "kind", "word"), Column("node", "node", "whom"),
        Column("what", "operation or error", "code"), Column("observed", "observed", "number"),
        Column("usual", "usual", "number"), Column("measure", "measure"), Column("n", "n", "count"),
        Column("start", "from", "time"), Column("end", "to", "time"),
    ]  # fmt: skip
    caption = (
        f"{frames.notable.height} periods in which a node was unlike its own usual, or failed more than others, the "
        "most notable first in the table."
    )
    period = frames.period.row(0, named=True)
    parts = []
    if frames.notable.height or (frames.incidents is not None and frames.incidents.height):
        between = (period["start"], period["end"])
        parts.append(html_figure(overview.notable_periods(frames.notable, frames.incidents, between), caption))
    parts.append(html_table(frames.notable, columns, caption="Periods that stand out", empty="Nothing stands out."))
    if frames.incidents is not None:
        seen = [
            Column("incident_id", "incident"), Column("node", "node", "whom"), Column("operation", "operation"),
            Column("cause", "cause", "code"), Column("start", "from", "time"), Column("end", "to", "time"),
            Column("events", "events", "count"), Column("verdict", "visible"),
            Column("seen_as", "seen as", "list"),
        ]  # fmt: skip
        listed = html_table(frames.incidents, seen, caption="Labelled incidents", empty="No incident is labelled.")
        parts += ["<h3>Labelled incidents: the truth about this log</h3>", listed]
    return "\n".join(parts)


def _rejected(frames: ReportFrames) -> str:
    rejected = html_table(
        frames.rejected,
        [Column("reason", "reason", "code"), Column("lines", "lines", "count"), Column("sources", "sources", "count"),
         Column("example", "example")],
        caption="Rejected lines by reason", empty="No line was rejected.",
    )  # fmt: skip
    repaired = html_table(
        frames.repairs,
        [Column("node", "node"), Column("clock", "clock set right", "count"),
         Column("clock_offsets_ms", "clock was off by", "hours"),
         Column("timestamp_form", "other form of time", "count"),
         Column("event_type", "other spelling of type", "count"), Column("events", "of events", "count")],
        caption="Repaired rows by node", empty="No row needed a repair.",
    )  # fmt: skip
    broken = html_table(
        frames.violations,
        [Column("violation", "rule broken"), Column("events", "events", "count"), Column("nodes", "nodes", "count"),
         Column("example", "example", "code")],
        caption="Violations of the specification", empty="No event breaks a rule.",
    )  # fmt: skip
    return f"<h3>Rejected</h3>{rejected}<h3>Repaired</h3>{repaired}<h3>Stored, but against a rule</h3>{broken}"


def _schema(frames: ReportFrames, every: str) -> str:
    if frames.schema_adoption.is_empty():
        return _NO_EVENTS
    caption = f"Share of events by schema version, in buckets of {every}. An event that names none counts as 1.0.0."
    return html_figure(overview.schema_adoption(frames.schema_adoption), caption)


def _coverage(frames: ReportFrames) -> str:
    return html_table(
        frames.holes,
        [
            Column("node", "node"), Column("kind", "kind"), Column("start", "from", "time"),
            Column("end", "to", "time"), Column("expected_events", "events expected", "count"),
            Column("source", "source"),
        ],
        caption="Holes: times without a sign of a producer, against its own rhythm",
        empty="No producer paused or fell silent against its own rhythm.",
    )  # fmt: skip
