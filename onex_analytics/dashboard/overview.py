"""The overview: how much, how well, what stands out, what is odd. It reads counts, and the log for what counts lack."""

from __future__ import annotations

from pathlib import PurePosixPath

import polars as pl

from onex_analytics import frames
from onex_analytics.dashboard import tallies
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import View
from onex_analytics.views.report_of_log import (
    coverage_section,
    error_rate_section,
    events_section,
    notable_section,
    rejected_section,
    schema_section,
)
from onex_analytics.views.tables import html_facts, plain

_BY_SHARE = ("latency", "errors", "unfinished", "new_error")
_BY_COUNT = ("silence", "restarts")
_READ = ("timestamp", "event_id", "event_type", "family", "outcome", "node", "correlation_id", "operation",
         "execution_time_ms", "error_type", "error_code", "error_message")  # fmt: skip


def counts(asking: Asking, view: View) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, str]:
    """The counts of the events and of the operations that were chosen, `frames.main_period`, and a bucket width."""

    def reckon() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, str]:
        events = asking.holding.chosen_counts(view.selection)
        period = tallies.main_period(events)
        every = tallies.width_of(_drawn(events, period))
        return events, asking.holding.chosen_work(view.selection), period, every

    return asking.kept("counts", view.selection, reckon=reckon)


def _drawn(found: pl.DataFrame, period: pl.DataFrame) -> pl.DataFrame:
    """What lies in the time in which nearly everything happened."""
    start, end, _ = period.row(0)
    if start is None:
        return found
    return found.filter(pl.col("minute").is_between(start.replace(second=0, microsecond=0), end))


def _facts(asking: Asking, view: View) -> str:
    events, work, period, _ = counts(asking, view)
    total = tallies.totals(events, work).row(0, named=True)
    if not total["events"]:
        return ('<p class="empty">No events pass the filters. Widen the time, or clear a filter above.</p>'
                if asking.holding.events else
                '<p class="empty">The store holds no events yet. Fill it with '
                "<code>onex-analytics ingest LOG --store STORE</code>; this page takes up what comes.</p>")  # fmt: skip
    rates = tallies.error_overview(events, work).row(0, named=True)
    outside = period.row(0, named=True)["outside"]
    warning = (
        f'<p class="warn">Events far outside the period of nearly all others: {plain(outside, "count")}. They are '
        "counted in all tables, and left out of the charts over time.</p>" if outside else ""
    )  # fmt: skip
    return (
        f"<p>{plain(total['first'], 'time')} – {plain(total['last'], 'time')} UTC</p>"
        + html_facts({
            "events": (total["events"], "count"), "nodes": (total["nodes"], "count"),
            "event types": (total["event_types"], "count"), "finished operations": (total["finished"], "count"),
            "failures": (total["failures"], "count"), "soft failures": (total["soft_failures"], "count"),
            "failed, of finished": (rates["rate_of_finished"], "share"),
            "failed, of all events": (rates["rate_of_events"], "share"),
            "never ended": (total["unfinished"], "count"),
        }) + warning
    )  # fmt: skip


def _events(asking: Asking, view: View) -> str:
    events, work, period, every = counts(asking, view)
    found = tallies.events_per_minute(_drawn(events, period), every)
    return events_section(found, tallies.totals(events, work), every).body


def _errors(asking: Asking, view: View) -> str:
    events, work, period, every = counts(asking, view)
    over_time = tallies.error_overview(_drawn(events, period), _drawn(work, period), every)
    by_node = tallies.error_overview(events, work, by_node=True)
    return error_rate_section(tallies.error_overview(events, work), over_time, by_node, every).body


def _notable(asking: Asking, view: View) -> str:
    *_, period, _ = counts(asking, view)
    start, end, _ = period.row(0)
    if start is None:
        return '<p class="empty">No events.</p>'
    events = asking.holding.scan(view.selection).select(_READ).filter(pl.col("timestamp").is_between(start, end))
    told_at = pl.coalesce("finished_at", "timestamp")
    work = frames.operations_of(asking.holding.spans(view.selection)).filter(told_at.is_between(start, end))
    work = work.collect().lazy()
    span = end - start
    found = pl.concat([
        frames.notable(events, frames.fitting_width(span, 96), kinds=_BY_SHARE, work=work),
        frames.notable(events, frames.fitting_width(span, 240), kinds=_BY_COUNT, work=work),
    ]).sort("score", "start", "kind", "node", descending=[True, False, False, False]).head(40)  # fmt: skip
    return notable_section(found.collect(), (start, end)).body


def _rejected(asking: Asking, view: View) -> str:
    events = asking.holding.scan(view.selection)
    found = pl.collect_all([
        frames.rejected_reasons(asking.holding.rejected), frames.repairs(events), frames.violations(events),
    ])  # fmt: skip
    note = "" if view.selection.is_everything else (
        '<p class="dim">Rejected lines are those of the whole store: a line that gave no event has no time or node to '
        "choose it by.</p>"
    )  # fmt: skip
    return note + rejected_section(*found).body


def _schema(asking: Asking, view: View) -> str:
    events, _, period, every = counts(asking, view)
    return schema_section(tallies.schema_adoption(_drawn(events, period), every), every).body


def _coverage(asking: Asking, view: View) -> str:
    *_, period, _ = counts(asking, view)
    start, end, _ = period.row(0)
    if start is None:
        return '<p class="empty">No events.</p>'
    events = asking.holding.scan(view.selection).filter(pl.col("timestamp").is_between(start, end))
    holes = frames.coverage.coverage(events, also_read=asking.holding.rejected).head(40).collect()
    return coverage_section(holes.with_columns(_file_names("source"))).body


def _file_names(column: str) -> pl.Expr:
    """Where a log was read from, without the folders of whoever read it."""
    return pl.col(column).map_elements(lambda text: PurePosixPath(text.replace("\\", "/")).name, pl.String)


SLOTS = (
    Slot("facts", "At a glance", _facts),
    Slot("events", "Events a minute", _events),
    Slot("errors", "Error rate", _errors),
    Slot("notable", "What stands out", _notable, slow=True),
    Slot("schema", "Schema versions", _schema),
    Slot("rejected", "Rejected and repaired rows", _rejected, slow=True),
    Slot("coverage", "Coverage", _coverage, slow=True),
)
