"""The part of the first report that is about the log as a whole: how much, how well, what stands out, what is odd.

Each function draws one section from collected results of `frames.overview` and `frames.periods`; the report and the
dashboard show the same ones.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from onex_analytics.views import overview
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.tables import Column, html_table, plain

_NO_EVENTS = '<p class="empty">No events.</p>'


def events_section(counts: pl.DataFrame, totals: pl.DataFrame, every: str) -> Section:
    """How much happened: `frames.events_per_minute` in buckets of `every`, and `frames.totals`."""
    return Section("events", "Events a minute", _events(counts, totals, every))


def _events(counts: pl.DataFrame, totals: pl.DataFrame, every: str) -> str:
    total = totals.row(0, named=True)
    if counts.is_empty():
        return _NO_EVENTS
    return html_figure(
        overview.events_per_minute(counts),
        f"Events a minute by type, in buckets of {every}: {plain(total['events'], 'count')} events of "
        f"{plain(total['event_types'], 'count')} types. Types beyond the most frequent are one, “(other)”.",
    )


def error_rate_section(total: pl.DataFrame, rates: pl.DataFrame, by_node: pl.DataFrame, every: str) -> Section:
    """How well it went: `frames.error_overview` in all, in buckets of `every`, and by node."""
    return Section("errors", "Error rate", _error_rate(total, rates, by_node, every))


def _error_rate(total: pl.DataFrame, over_time: pl.DataFrame, by_node: pl.DataFrame, every: str) -> str:
    rates = total.row(0, named=True)
    caption = (
        f"Failed share in buckets of {every}; over the whole time {plain(rates['rate_of_finished'], 'share')} of "
        f"finished operations and {plain(rates['rate_of_events'], 'share')} of all events. "
        "A failure counts once, however many events tell of it."
    )
    listed = html_table(
        by_node,
        [
            Column("node", "node"), Column("failures", "failures", "count"),
            Column("rate_of_finished", "of finished", "share"), Column("rate_of_events", "of all events", "share"),
            Column("soft_failures", "soft failures", "count"), Column("finished", "finished", "count"),
            Column("events", "events", "count"),
        ],
        caption="Error rate by node", empty="No events.",
    )  # fmt: skip
    if over_time.is_empty():
        return _NO_EVENTS
    return html_figure(overview.error_rate(over_time), caption) + "<h3>By node</h3>" + listed


def notable_section(
    notable: pl.DataFrame, between: tuple[datetime | None, datetime | None], incidents: pl.DataFrame | None = None
) -> Section:
    """What stands out: `frames.notable`, in the time that the axis shows; `frames.incidents_seen` where known."""
    return Section("notable", "What stands out", _notable(notable, between, incidents))


def _notable(
    notable: pl.DataFrame, between: tuple[datetime | None, datetime | None], incidents: pl.DataFrame | None
) -> str:
    columns = [
        Column("score", "score", "number"), Column("kind", "kind", "word"), Column("node", "node", "whom"),
        Column("what", "operation or error", "code"), Column("observed", "observed", "number"),
        Column("usual", "usual", "number"), Column("measure", "measure"), Column("n", "n", "count"),
        Column("start", "from", "time"), Column("end", "to", "time"),
    ]  # fmt: skip
    caption = (
        f"{notable.height} periods in which a node was unlike its own usual, or failed more than others, the "
        "most notable first in the table. They begin and end with the buckets in which they were sought. For latency "
        "and restarts, observed is the worst bucket; for all else the whole period, as n is for each. Typical ms are "
        "a geometric mean."
    )
    parts = []
    if notable.height or (incidents is not None and incidents.height):
        parts.append(html_figure(overview.notable_periods(notable, incidents, between), caption))
    parts.append(html_table(notable, columns, caption="Periods that stand out", empty="Nothing stands out."))
    if incidents is not None:
        seen = [
            Column("incident_id", "incident"), Column("node", "node", "whom"), Column("operation", "operation"),
            Column("cause", "cause", "code"), Column("start", "from", "time"), Column("end", "to", "time"),
            Column("events", "events", "count"), Column("verdict", "visible"),
            Column("seen_as", "seen as", "list"),
        ]  # fmt: skip
        listed = html_table(incidents, seen, caption="Labelled incidents", empty="No incident is labelled.")
        parts += ["<h3>Labelled incidents: the truth about this log</h3>", listed]
    return "\n".join(parts)


def rejected_section(rejected: pl.DataFrame, repairs: pl.DataFrame, violations: pl.DataFrame) -> Section:
    """What was odd about the rows: `frames.rejected_reasons`, `frames.repairs` and `frames.violations`."""
    return Section("rejected", "Rejected and repaired rows", _rejected(rejected, repairs, violations))


def _rejected(rejected: pl.DataFrame, repairs: pl.DataFrame, violations: pl.DataFrame) -> str:
    set_aside = html_table(
        rejected,
        [Column("reason", "reason", "code"), Column("lines", "lines", "count"), Column("sources", "sources", "count"),
         Column("example", "example")],
        caption="Rejected lines by reason", empty="No line was rejected.",
    )  # fmt: skip
    repaired = html_table(
        repairs,
        [Column("node", "node"), Column("clock", "clock set right", "count"),
         Column("clock_offsets_ms", "clock was off by", "hours"),
         Column("timestamp_form", "other form of time", "count"),
         Column("event_type", "other spelling of type", "count"), Column("events", "of events", "count")],
        caption="Repaired rows by node", empty="No row needed a repair.",
    )  # fmt: skip
    broken = html_table(
        violations,
        [Column("violation", "rule broken"), Column("events", "events", "count"), Column("nodes", "nodes", "count"),
         Column("example", "example", "code")],
        caption="Violations of the specification", empty="No event breaks a rule.",
    )  # fmt: skip
    return f"<h3>Rejected</h3>{set_aside}<h3>Repaired</h3>{repaired}<h3>Stored, but against a rule</h3>{broken}"


def schema_section(shares: pl.DataFrame, every: str) -> Section:
    """Which schema versions were spoken: `frames.schema_adoption` in buckets of `every`."""
    return Section("schema", "Schema versions", _schema(shares, every))


def _schema(shares: pl.DataFrame, every: str) -> str:
    if shares.is_empty():
        return _NO_EVENTS
    caption = f"Share of events by schema version, in buckets of {every}. An event that names none counts as 1.0.0."
    return html_figure(overview.schema_adoption(shares), caption)


def coverage_section(holes: pl.DataFrame) -> Section:
    """Where events are missing: `frames.coverage.coverage`."""
    return Section("coverage", "Coverage", _coverage(holes))


def _coverage(holes: pl.DataFrame) -> str:
    return html_table(
        holes,
        [
            Column("node", "node"), Column("kind", "kind"), Column("start", "from", "time"),
            Column("end", "to", "time"), Column("expected_events", "events expected", "count"),
            Column("source", "source"),
        ],
        caption="Holes: times without a sign of a producer, against its own rhythm",
        empty="No producer paused or fell silent against its own rhythm.",
    )  # fmt: skip
