"""Sections about single traces: which took how long when, examples, and one of them as a waterfall."""

from __future__ import annotations

import html

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views import profiling
from onex_analytics.views.groups import count
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.tables import Column, html_facts, html_table
from onex_analytics.views.theme import description

CLICK_CELL = "cell"
"""What a figure's meta says under "click" where a click on a cell leads to what is in it."""

_EXAMPLES = [
    Column("trace_id", "trace", "code", "href"), Column("node", "node"), Column("operation", "operation"),
    Column("start", "began", "time"), Column("duration_ms", "took", "duration"), Column("outcome", "outcome", "word"),
    Column("error_code", "error", "code"),
]  # fmt: skip
_LINES = [
    Column("name", "span"), Column("node", "node"), Column("offset_ms", "from", "duration"),
    Column("duration_ms", "took", "duration"), Column("critical_ms", "on the critical path", "duration"),
    Column("status", "status", "word"), Column("state", "state", "word"), Column("error_code", "error", "code"),
]  # fmt: skip


def heat_section(cells: pl.DataFrame, every: str, what: str) -> Section:
    """`profiling.heatmap` in buckets of `every`, of `what`; a click on a cell says which."""
    if cells.is_empty():
        empty = f'<p class="empty">None of the {html.escape(what)} ended and says how long it took.</p>'
        return Section("heat", "How long, when", empty)
    drawn = profiling.heatmap(cells)
    meta = {"description": description(drawn), "click": CLICK_CELL}
    drawn.update_layout(meta=meta, clickmode="event", dragmode="pan")
    lead = (
        f'<p class="dim">Each cell counts {html.escape(what)} that began in {every} and took about as long; darker is '
        "more. Click a cell to see traces in it.</p>"
    )
    return Section("heat", "How long, when", lead + html_figure(drawn, description(drawn)))


def examples_table(rows: pl.DataFrame, caption: str, empty: str) -> str:
    """Spans that stand for others, each with its trace: `trace_id`, `href` (where a click on it leads), `node`,
    `operation`, `start`, `duration_ms`, `outcome` and `error_code`."""
    return html_table(rows, _EXAMPLES, caption=caption, empty=empty)


def waterfall_section(lines: pl.DataFrame, trace_id: str) -> Section:
    """`profiling.waterfall` of a trace."""
    title = "One trace"
    if lines.is_empty():
        text = f"There is no trace {html.escape(trace_id)} in the store, or none of its spans has a time."
        return Section("waterfall", title, f'<p class="empty">{text}</p>')
    first = lines.row(0, named=True)
    facts = html_facts({
        "spans": (first["spans"], "count"), "took": (lines["until_ms"].max(), "duration"),
        "failed": (lines["errors"].sum(), "count"), "never ended": (lines["open"].sum(), "count"),
        "began": (lines["start"].min(), "time"),
    })  # fmt: skip
    drawn: go.Figure = profiling.waterfall(lines)
    folded = int((lines["folded"] > 0).sum())
    names = lines.with_columns(
        pl.when(pl.col("folded") > 0).then(pl.format("{} more spans", "folded")).otherwise("name").alias("name")
    )
    table = html_table(names, _LINES, caption="The spans of the trace, line by line", empty="")
    return Section("waterfall", title, (
        f"<p>Trace <code>{html.escape(trace_id)}</code></p>" + facts + html_figure(drawn, description(drawn))
        + f"<h3>Line by line</h3>{table}"
        + (f"<p>{count(folded, 'line stands', 'lines stand')} for several spans.</p>" if folded else "")
    ))  # fmt: skip
