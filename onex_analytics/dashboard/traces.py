"""Traces: how long they took when, the traces of a cell, one of them as a waterfall, and where their time goes."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl

import polars as pl

from onex_analytics import profiling
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.overview import counts
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import Cell, Selection, View
from onex_analytics.frames import fitting_width
from onex_analytics.looks.work import work_frames
from onex_analytics.views import WorkFrames
from onex_analytics.views.report_of_traces import examples_table, heat_section, waterfall_section
from onex_analytics.views.report_of_work import work_sections
from onex_analytics.views.tables import plain

_BUCKETS = 120
_EXAMPLES = 12
_SLOWEST = 15
_TOLD = ("trace_id", "span_id", "node", "operation", "start", "duration_ms", "outcome", "error_code", "state",
         "adjusted_count", "parent_span_id", "end", "name")  # fmt: skip


def _what(view: View) -> str:
    return "spans" if view.spans else "requests"


def _heat(asking: Asking, view: View) -> str:
    start, end = main_time(asking, view)
    spans = asking.holding.durations(view.selection, roots=not view.spans)
    every = fitting_width(end - start, _BUCKETS) if start is not None and end is not None else "1m"
    if start is not None:
        spans = spans.filter(pl.col("start").is_between(start, end))
    cells = profiling.heatmap(spans, every).collect()
    other = replace(view, spans=not view.spans, cell=None, trace=None)
    switch = (
        '<p>Shown are all spans, requests and what they call. '
        f'<a href="{html.escape(other.query())}">Show requests alone</a></p>' if view.spans else
        "<p>Shown are requests: the roots of traces. "
        f'<a href="{html.escape(other.query())}">Show every span</a></p>'
    )  # fmt: skip
    return switch + heat_section(cells, every, _what(view)).body + _form(view, start, end)


def _form(view: View, start: datetime | None, end: datetime | None) -> str:
    """The same as a click on a cell, for those who would rather type, or do not see the figure."""
    if start is None or end is None:
        return ""
    chosen = view.selection
    at = f"{chosen.since or start:%Y-%m-%dT%H:%M}/{chosen.until or end:%Y-%m-%dT%H:%M:%S.%f}"
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in [*_pairs(replace(view, cell=None, trace=None)), ("at", at)]
    )
    cell = view.cell
    above, up_to = ("", "") if cell is None else (f"{cell.above_ms:.6g}", f"{cell.up_to_ms:.6g}")
    return (
        f'<form class="inline" data-view aria-label="Traces by how long they took">{hidden}'
        f'<label>Took over, ms<input name="ms_above" inputmode="decimal" size="9" value="{above}"></label>'
        f'<label>up to, ms<input name="ms_up_to" inputmode="decimal" size="9" value="{up_to}"></label>'
        "<button>Find traces</button></form>"
    )


def _pairs(view: View) -> list[tuple[str, str]]:
    return parse_qsl(view.query().removeprefix("?"), keep_blank_values=True)


def examples(asking: Asking, selection: Selection, cell: Cell, *, spans: bool) -> tuple[pl.DataFrame, int]:
    """Traces of a cell of the heat map, and how many spans are in it: the middle one of each of a dozen equal parts."""
    inside = asking.holding.spans(selection).filter(cell.rows())
    if not spans:
        inside = inside.filter(pl.col("parent_span_id").is_null())
    found = inside.select(_TOLD).collect()
    shares = [(2 * place + 1) / (2 * _EXAMPLES) for place in range(_EXAMPLES)]
    chosen = profiling.exemplars(found, at=shares, k=1, by=()).collect()
    ids = chosen.select("trace_id", "span_id").unique(maintain_order=True)
    rows = ids.join(found, on=["trace_id", "span_id"], how="left", maintain_order="left", nulls_equal=True)
    return rows.unique("trace_id", keep="first", maintain_order=True).sort("duration_ms", descending=True), found.height


def slowest(asking: Asking, view: View) -> pl.DataFrame:
    """The requests, or spans, that took longest."""
    known = asking.holding.durations(view.selection, roots=not view.spans).filter(pl.col("duration_ms").is_finite())
    top = known.select(pl.col("duration_ms").top_k(_SLOWEST)).collect()["duration_ms"]
    if top.is_empty():
        return pl.DataFrame(schema={name: asking.holding.all_spans.collect_schema()[name] for name in _TOLD})
    spans = asking.holding.spans(view.selection).filter(pl.col("duration_ms") >= top.min())
    if not view.spans:
        spans = spans.filter(pl.col("parent_span_id").is_null())
    rows = spans.filter(pl.col("duration_ms").is_finite()).select(_TOLD).collect()
    return rows.sort("duration_ms", "trace_id", "span_id", descending=[True, False, False]).head(_SLOWEST)


def _examples(asking: Asking, view: View) -> str:
    cell = view.cell
    if cell is None:
        rows = _with_links(slowest(asking, view), view)
        lead = f"<p>Those that took longest. Click a cell above to see {_what(view)} of any other time and length.</p>"
        return lead + examples_table(rows, "The slowest", "No work ended that says how long it took.")
    rows, n = examples(asking, view.selection, cell, spans=view.spans)
    long = (f"over {plain(cell.above_ms, 'duration')}, up to {plain(cell.up_to_ms, 'duration')}"
            if cell.up_to_ms < 1e11 else f"over {plain(cell.above_ms, 'duration')}")  # fmt: skip
    back = replace(view, cell=None, trace=None).query()
    lead = (
        f"<p>{n:,} {_what(view)} began from {plain(cell.start, 'time')} to {plain(cell.end, 'time')} and took {long}; "
        f'{rows.height:,} of them, spread over these lengths. <a href="{html.escape(back)}">Leave the cell</a></p>'
    )
    return lead + examples_table(_with_links(rows, view), "Traces of the cell", "Nothing is in this cell.")


def _with_links(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    links = [replace(view, trace=trace).query() for trace in rows["trace_id"].to_list()]
    return rows.with_columns(pl.Series("href", links, pl.String))


def _waterfall(asking: Asking, view: View) -> str:
    if view.trace is None:
        return '<p class="empty">Choose a trace above, by its id.</p>'
    spans = asking.holding.all_spans.filter(pl.col("trace_id") == view.trace)
    back = f'<p><a href="{html.escape(replace(view, trace=None).query())}">Close the trace</a></p>'
    return back + waterfall_section(profiling.waterfall(spans, trace_id=view.trace).collect(), view.trace).body


def work(asking: Asking, view: View) -> WorkFrames:
    """How long work takes, what callers wait for, what never ended; for all sections that show a part of it."""
    _, end = asking.holding.period
    until = view.selection.until
    now = min(end, until) if end is not None and until is not None else end
    spans = asking.holding.spans(view.selection)
    return asking.kept("work", view.selection, reckon=lambda: work_frames(spans, now=now))


def _of_work(anchor: str) -> Slot:
    titles = {"critical-path": "Where the time goes", "tail": "What makes the slow requests slow",
              "unfinished": "Unfinished work"}  # fmt: skip

    def drawn(asking: Asking, view: View) -> str:
        return next(one.body for one in work_sections(work(asking, view)) if one.anchor == anchor)

    return Slot(anchor, titles[anchor], drawn, slow=True)


def main_time(asking: Asking, view: View) -> tuple[datetime | None, datetime | None]:
    """The time in which nearly everything happened that was chosen; of any type, for spans have none."""
    chosen = replace(view, selection=replace(view.selection, event_type=(), outcome=(), operation=(), node=()))
    start, end, _ = counts(asking, chosen)[2].row(0)
    return start, end


SLOTS = (
    Slot("heat", "How long, when", _heat, of=lambda view: (view.selection, view.spans, view.cell)),
    Slot("exemplars", "Examples", _examples, of=lambda view: (view.selection, view.spans, view.cell)),
    Slot("waterfall", "One trace", _waterfall, of=lambda view: (view.trace, replace(view, trace=None))),
    _of_work("critical-path"),
    _of_work("tail"),
    _of_work("unfinished"),
)
