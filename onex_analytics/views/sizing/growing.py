"""How many bytes come over time, of which groups, and whether events get larger."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import told as duration
from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.joining import SIZES, joined
from onex_analytics.views.lanes import note
from onex_analytics.views.panels import TIME, bucket_width, runs, with_gaps
from onex_analytics.views.sizing.byte_counts import byte_axis, keys_of, told
from onex_analytics.views.theme import (
    ORANGE,
    PALETTE,
    REST,
    blank,
    colours,
    described,
    label,
    styled,
    with_long_legend,
)

_MOST_BUCKETS = 700
"""Of ten bars each, which say what they are."""


def growth(report: pl.DataFrame, most: int = 8) -> go.Figure:
    """Bytes over time, the groups one upon the other, from `sizing.size_report` with `every`; a line is the mean size.

    Args:
        report: the sizes.
        most: groups that get a colour of their own: those with the most bytes. All others share one, "other".

    >>> from onex_analytics import EventStore, generate, sizing
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = generate(500, seed=1).write(f"{folder}/log.jsonl")
    ...     store = EventStore(f"{folder}/events")
    ...     _ = store.append(f"{folder}/log.jsonl")
    ...     sizes = sizing.size_report(store.scan(), every="1d").collect()
    >>> [trace.type for trace in growth(sizes).data]
    ['bar', 'bar', 'bar', 'bar', 'bar', 'bar', 'bar', 'bar', 'bar', 'scatter']
    """
    if "start" not in report.columns:
        return blank('the report is of the whole time: give a bucket width, such as every="1h"')
    known = report.filter(pl.col("start").is_not_null())
    if known.is_empty():
        return blank("no event with a time")
    keys = keys_of(report)
    known, many = joined(known, keys, lambda n: SIZES, _MOST_BUCKETS)
    timed = known.to_dicts()
    cells: dict[str, dict[datetime, dict[str, Any]]] = defaultdict(dict)
    for row in timed:
        cells[name_of(row, keys)][row["start"]] = row
    ranked = sorted(cells, key=lambda name: (-_bytes(cells[name]), name))
    own, others = ranked[:most], ranked[most:]
    starts = sorted({row["start"] for row in timed})
    width = bucket_width(starts)
    milliseconds = width.total_seconds() * 1000
    colour = colours(own) if len(own) > 1 else {own[0]: PALETTE[0]}
    figure = go.Figure()
    for name in own:
        at = sorted(cells[name])
        rows = [cells[name][start] for start in at]
        figure.add_bar(
            x=[start + width / 2 for start in at], y=[row["total_bytes"] for row in rows], width=milliseconds,
            name=f"{label(name, 30)} · {told(_bytes(cells[name]))}", marker={"color": colour[name], "line_width": 0},
            customdata=[_hover(name, row) for row in rows], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    columns = {start: [cells[name][start] for name in ranked if start in cells[name]] for start in starts}
    if others:
        rest = {start: sum(cells[name][start]["total_bytes"] for name in others if start in cells[name])
                for start in starts}  # fmt: skip
        figure.add_bar(
            x=[start + width / 2 for start in starts], y=list(rest.values()), width=milliseconds,
            name=f"other: {count(len(others), 'group')} · {told(sum(rest.values()))}",
            marker={"color": REST, "line_width": 0}, hovertemplate="%{customdata}<extra></extra>",
            customdata=[f"<b>other</b><br>{start:%d %b %H:%M}<br>{told(size)}" for start, size in rest.items()],
        )  # fmt: skip
    totals = {start: sum(row["total_bytes"] for row in rows) for start, rows in columns.items()}
    events = {start: max(sum(row["events"] for row in rows), 1) for start, rows in columns.items()}
    means = [totals[start] / events[start] for start in starts]
    by_field = "field" in keys
    if not by_field:
        parts = runs(starts, width)
        hovers = [f"{start:%d %b %H:%M}<br>mean {told(mean)} of {count(events[start], 'event')}"
                  for start, mean in zip(starts, means, strict=True)]  # fmt: skip
        figure.add_scatter(
            x=with_gaps([start + width / 2 for start in starts], parts), y=with_gaps(means, parts), yaxis="y2",
            mode="lines+markers", name="mean size", marker={"color": ORANGE, "size": 6},
            line={"color": ORANGE, "width": 2}, customdata=with_gaps(hovers, parts),
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    untimed = sum(row["total_bytes"] for row in report.to_dicts() if row["start"] is None)
    lost = "; ".join(filter(None, [
        f"{told(untimed)} of events without a time not drawn" if untimed else "",
        f"each bar is {many:,} buckets together" if many > 1 else "",
    ]))  # fmt: skip
    each = duration(milliseconds)
    styled(figure, height=380 + 19 * len(figure.data), x_title=TIME + note(lost), y_title=f"bytes in {each}")
    figure.update_layout(
        barmode="stack", bargap=0, legend_traceorder="normal", margin_r=64,
        yaxis=byte_axis(max(totals.values())),
        yaxis2={"overlaying": "y", "side": "right", "title_text": "mean bytes of an event", "showgrid": False,
                "automargin": True, "title_standoff": 12, "visible": not by_field, **byte_axis(max(means))},
    )  # fmt: skip
    figure.update_xaxes(type="date", range=[starts[0], starts[-1] + width])
    with_long_legend(figure)
    fullest = max(starts, key=lambda start: totals[start])
    return described(figure, sentence(
        f"{told(sum(totals.values()))} over time, of {count(len(ranked), 'group')}; most are of {ranked[0]}: "
        f"{told(_bytes(cells[ranked[0]]))}.",
        f"The fullest {each} begin at {fullest:%d %b %H:%M}: {told(totals[fullest])}.",
        "" if by_field else
        f"An event has {told(means[0])} on average in the first bucket, {told(means[-1])} in the last.",
        f"{count(len(others), 'group')} beyond the first {most} share one colour." if others else "",
        lost + "." if lost else "",
    ))  # fmt: skip


def _bytes(cells: dict[datetime, dict[str, Any]]) -> int:
    return sum(row["total_bytes"] for row in cells.values())


def _hover(name: str, row: dict[str, Any]) -> str:
    return (
        f"<b>{label(name, 100)}</b><br>{row['start']:%d %b %H:%M}<br>{told(row['total_bytes'])} in "
        f"{count(row['events'], 'event')}<br>mean {told(row['mean_bytes'])}, largest {told(row['max_bytes'])}"
    )
