"""Latency: how long which work takes, how that moved, and when. It reads the durations in memory, never the log."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta

import polars as pl

from onex_analytics import profiling
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import View, names_of
from onex_analytics.dashboard.traces import main_time
from onex_analytics.frames import fitting_width
from onex_analytics.views.report_of_work import bands_section, by_node_section, changes_section, latency_section

_KEYS = ("node", "operation")
_QUANTILES = (0.5, 0.95, 0.99)
_BUCKETS = 240
_CELLS = 48
_LAST = 0.2


def table(asking: Asking, view: View) -> pl.DataFrame:
    """`profiling.latency_table` by node and operation, the slowest first."""
    return asking.kept("latency", view.selection, reckon=lambda: profiling.latency_table(
        asking.holding.durations(view.selection), _KEYS, _QUANTILES
    ).sort("p99_ms", *_KEYS, descending=[True, False, False], nulls_last=True).collect())  # fmt: skip


def _table(asking: Asking, view: View) -> str:
    found = table(asking, view)
    links = [
        replace(view, selection=replace(view.selection, node=names_of([node]), operation=names_of([operation]))).query()
        for node, operation in found.select(_KEYS).rows()
    ]
    return latency_section(found.with_columns(pl.Series("href", links, pl.String))).body


def _bands(asking: Asking, view: View) -> str:
    start, end = main_time(asking, view)
    if start is None or end is None:
        return '<p class="empty">No events.</p>'
    every = fitting_width(end - start, _BUCKETS)
    spans = asking.holding.durations(view.selection).filter(pl.col("start").is_between(start, end))
    return bands_section(profiling.latency_timeseries(spans, every, quantiles=_QUANTILES).collect(), every).body


def _by_node(asking: Asking, view: View) -> str:
    start, end = main_time(asking, view)
    if start is None or end is None:
        return '<p class="empty">No events.</p>'
    every = fitting_width(end - start, _CELLS)
    spans = asking.holding.durations(view.selection).filter(pl.col("start").is_between(start, end))
    drawn = by_node_section(profiling.heatmap(spans, every, "node", scale=1).collect(), every).body
    traces = html.escape(replace(view.on("traces"), spans=True).query())
    return f'{drawn}<p><a href="{traces}">The traces of this selection</a></p>'


def _changes(asking: Asking, view: View) -> str:
    """The last fifth of the time against what was before."""
    start, end = main_time(asking, view)
    if start is None or end is None or end - start < timedelta(minutes=5):
        return '<p class="empty">This time is too short to be divided.</p>'
    moment = (end - _LAST * (end - start)).replace(second=0, microsecond=0)
    spans = asking.holding.spans(view.selection).filter(pl.col("start").is_between(start, end))
    return changes_section(profiling.compare(spans, moment, _KEYS).collect(), moment).body


SLOTS = (
    Slot("latency", "How long work takes", _table),
    Slot("bands", "Percentiles over time", _bands),
    Slot("by-node", "How long, when, at which node", _by_node),
    Slot("slower", "What got slower", _changes, slow=True),
)
