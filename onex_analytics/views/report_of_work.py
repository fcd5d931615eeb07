"""The part of the first report that is about time: how long work takes, what callers wait for, what never ended."""

from __future__ import annotations

import html
from datetime import datetime
from typing import NamedTuple

import polars as pl

from onex_analytics.views import profiling
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.tables import Column, html_facts, html_table, plain
from onex_analytics.views.theme import description

BANDS = (0.0, 0.25, 0.75, 0.95, 1.0)
"""How `critical_path` cuts the traces by their duration."""

_MOST = 60


class WorkFrames(NamedTuple):
    """Collected results of `profiling` and of `frames.open_spans`, over the spans of the log."""

    latency: pl.DataFrame
    """`profiling.latency_table` by node and operation, the slowest first."""
    critical_path: pl.DataFrame
    """`profiling.critical_path_profile` by node, with `BANDS`."""
    tail: pl.DataFrame
    """`profiling.profile_difference` of the middle half of the traces and the slowest twentieth."""
    open_spans: pl.DataFrame
    """`frames.open_spans`, the oldest ones."""
    open_work: pl.DataFrame
    """One row a node and operation: `node`, `operation`, `open`, `older` (than `older_than_ms`), `oldest` (a start),
    `longest_age_ms`, the oldest first."""
    older_than_ms: float
    """What was open for so long should have ended."""
    in_no_tree: pl.DataFrame
    """One row a reason: `word` and `spans`, of those that `frames.tree_states` says were left out."""


def work_sections(work: WorkFrames) -> list[Section]:
    """How long work takes, where the time goes, what makes the slow ones slow, and unfinished work."""
    return [
        latency_section(work.latency),
        Section("critical-path", "Where the time goes", _critical_path(work)),
        Section("tail", "What makes the slow requests slow", _tail(work)),
        Section("unfinished", "Unfinished work", _unfinished(work)),
    ]


def latency_section(table: pl.DataFrame) -> Section:
    """How long which work takes: `profiling.latency_table` by node and operation; `href`, where a click on it leads."""
    return Section("latency", "How long work takes", _latency(table))


def bands_section(found: pl.DataFrame, every: str) -> Section:
    """Percentiles over time: `profiling.latency_timeseries` in buckets of `every`."""
    title = "Percentiles over time"
    if found.is_empty():
        return Section("bands", title, '<p class="empty">No work ended that says how long it took.</p>')
    drawn = profiling.percentile_bands(found)
    lead = _read(f"Half, 95 % and 99 % of the work that began in {every} took at most so long.")
    return Section("bands", title, lead + html_figure(drawn, description(drawn)))


def by_node_section(cells: pl.DataFrame, every: str) -> Section:
    """`profiling.heatmap` by node, in buckets of `every`."""
    title = "How long, when, at which node"
    if cells.is_empty():
        return Section("by-node", title, '<p class="empty">No work ended that says how long it took.</p>')
    drawn = profiling.heatmap(cells)
    lead = _read(f"Each cell counts work that began in {every} and took about as long; darker is more.")
    return Section("by-node", title, lead + html_figure(drawn, description(drawn)))


def changes_section(found: pl.DataFrame, moment: datetime) -> Section:
    """What got slower and what faster from before a moment to after it: `profiling.compare`."""
    drawn = profiling.comparison_forest(found)
    lead = _read("Work that began in the last fifth of the time, from "
                 f"{plain(moment, 'time')} on, against what was before (<code>onex-analytics profile compare</code>).")
    return Section("slower", "What got slower", lead + html_figure(drawn, description(drawn)))


def _read(text: str) -> str:
    """How to read what follows."""
    return f'<p class="dim">{text}</p>'


def _latency(table: pl.DataFrame) -> str:
    if table.is_empty() or not table["n"].sum():
        return '<p class="empty">No operation ended that says how long it took.</p>'
    link = "href" if "href" in table.columns else ""
    columns = [Column("node", "node", "text", link), Column("operation", "operation"), Column("n", "ended", "count"),
               Column("errors", "failed", "count"), Column("open", "never ended", "count")]  # fmt: skip
    columns += [
        Column(f"{name}_ms", title, "duration")
        for name, title in (("mean", "mean"), ("p50", "half within"), ("p95", "95 % within"), ("p99", "99 % within"),
                            ("max", "longest"))
    ]  # fmt: skip
    drawn = profiling.latency_bars(table.drop("href", strict=False))
    listed = html_table(table.head(_MOST), columns, caption="Latency by node and operation", empty="")
    if table.height > _MOST:
        listed = f"<p>The {_MOST} slowest of {plain(table.height, 'count')} kinds of work:</p>" + listed
    return (
        _read("The slowest kinds of work are on top. Half of it is done at the first mark (p50), 19 of 20 at the "
              "second (p95), 99 of 100 at the third (p99). Far apart marks mean that the same work is sometimes much "
              "slower. Work that never ended is not in these numbers.")
        + html_figure(drawn, description(drawn)) + listed
    )  # fmt: skip


def _critical_path(work: WorkFrames) -> str:
    aside = _in_no_tree(work.in_no_tree)
    if work.critical_path.is_empty():
        return '<p class="empty">No operation ended that says when it began.</p>' + aside
    drawn = profiling.critical_path_bar(work.critical_path)
    return aside + (
        _read("Each bar is all the time that requests took from their start to their end, parted by whom they were "
              "waiting for at each moment. Only what is large here makes requests faster when it gets faster; work "
              "done beside it does not. From the top: the fastest quarter of the requests, the middle half, the "
              "slower fifth, and the slowest twentieth.")
        + html_figure(drawn, description(drawn))
    )  # fmt: skip


def _in_no_tree(left_out: pl.DataFrame) -> str:
    """What the paths do not know of, by reason, but for unfinished work, which has a section: a node whose clock is
    wrong may be missing from them altogether."""
    left_out = left_out.filter(pl.col("word") != "open")
    if left_out.is_empty():
        return ""
    reasons = ", ".join(
        f"{plain(spans, 'count')} {html.escape(word.replace('_', ' '))}" for word, spans in left_out.rows()
    )
    return (
        f'<p class="warn">{plain(left_out["spans"].sum(), "count")} spans stand in no tree, and are not in the times '
        f"below: {reasons}. Spans of negative duration come from clocks that disagree; "
        "<code>onex-analytics traces diagnostics</code> says where.</p>"
    )


def _tail(work: WorkFrames) -> str:
    slower = work.tail.filter(pl.col("delta_ms") > 0)
    if slower.is_empty():
        return '<p class="empty">The slowest requests take no longer than those in the middle.</p>'
    of_band = {row["band"]: row for row in work.critical_path.unique("band", keep="first").to_dicts()}
    facts = html_facts({
        "requests in the middle half": (of_band.get(1, {}).get("trees"), "count"),
        "a request of these takes": (work.tail["before_ms"].sum(), "duration"),
        "slowest requests (1 in 20)": (of_band.get(3, {}).get("trees"), "count"),
        "a request of those takes": (work.tail["after_ms"].sum(), "duration"),
    })  # fmt: skip
    columns = [
        Column("node", "waiting for node"), Column("operation", "operation"),
        Column("before_ms", "in a middle request", "duration"), Column("after_ms", "in a slow request", "duration"),
        Column("delta_ms", "longer by", "duration"), Column("before_share", "share, middle", "share"),
        Column("after_share", "share, slow", "share"),
    ]  # fmt: skip
    top = slower.row(0, named=True)
    where = " · ".join(str(top[c]) for c in ("node", "operation") if top[c] is not None)
    return (
        _read("The slowest twentieth of the requests beside the middle half. The first row is where most of the extra "
              f"time goes: {html.escape(where)}, {plain(top['delta_ms'], 'duration')} longer in each slow request. "
              "Mind that the slow ones may be requests of another kind: then it says what that kind waits for.")
        + facts + html_table(slower.head(15), columns, caption="Where the extra time of slow requests goes", empty="")
    )  # fmt: skip


def _unfinished(work: WorkFrames) -> str:
    total, old = (int(work.open_work[column].sum()) for column in ("open", "older"))
    if not total:
        return '<p class="empty">All work that began has ended.</p>'
    drawn = profiling.open_spans(work.open_spans, of=total)
    long = f"{work.older_than_ms / 60_000:,.0f} min"
    by_kind = [
        Column("node", "node"), Column("operation", "operation"), Column("open", "unfinished", "count"),
        Column("older", f"for over {long}", "count"),
        Column("oldest", "oldest began", "time"), Column("longest_age_ms", "its age", "duration"),
    ]  # fmt: skip
    each = [
        Column("node", "node"), Column("operation", "operation"), Column("start", "began", "time"),
        Column("age_ms", "age", "duration"), Column("last_sign_of_life", "last sign of life in its trace", "time"),
        Column("silent_ms", "silent for", "duration"), Column("trace_id", "trace", "code"),
    ]  # fmt: skip
    shown = work.open_spans.head(40)
    n_drawn = work.open_spans.height
    which = "" if n_drawn == total else f"<p>The figure shows the oldest {plain(n_drawn, 'count')}.</p>"
    return (
        _read(f"Work that began and of which the log holds no end, at the end of the log: {plain(total, 'count')}, "
              f"{plain(old, 'count')} of them for over {long}. It hangs, it crashed, "
              "or its end got lost; no average shows it. The oldest are on top: begin with what is old and silent.")
        + which + html_figure(drawn, description(drawn))
        + html_table(work.open_work.head(40), by_kind, caption="Unfinished work by node and operation", empty="")
        + f"<h3>The oldest {plain(shown.height, 'count')}</h3>"
        + html_table(shown, each, caption="Unfinished work, the oldest first", empty="")
    )  # fmt: skip
