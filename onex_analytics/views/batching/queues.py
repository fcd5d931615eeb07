"""What waits for the exporter over time, and what is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.batching.sizes import FEW
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.joining import QUEUES, joined
from onex_analytics.views.lanes import note
from onex_analytics.views.panels import TIME, bucket_width
from onex_analytics.views.theme import (
    BLUE,
    ORANGE,
    PINK,
    RED,
    TEXT,
    blank,
    described,
    faded,
    styled,
    with_long_legend,
)

_LOSSES = {"dropped_full": (RED, "no room"), "dropped_oversize": (PINK, "too large")}
_FLOWS = {"events": (ORANGE, "came"), "exported": (BLUE, "exported")}
_IN_SIGHT = 4


def queue_over_time(over_time: pl.DataFrame, queue_limit: int | None = None) -> go.Figure:
    """Events that come, are exported, wait and are lost, from `simulate_batching(…).over_time`.

    Args:
        over_time: one row a bucket of time.
        queue_limit: of the policy: a line across, where it is not far above all that waits.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.batching import BatchPolicy, simulate_batching
    >>> noon = datetime(2026, 11, 1, 12)
    >>> times = [noon + timedelta(milliseconds=50 * n) for n in range(5)]
    >>> events = pl.DataFrame({"timestamp": times, "size_bytes": 300})
    >>> found = simulate_batching(BatchPolicy(max_size=2), events)
    >>> [line.name for line in queue_over_time(found.over_time).data if line.name]
    ['came · 5', 'exported · 5']
    """
    if over_time.is_empty():
        return blank("no event came")
    over_time, many = joined(over_time.sort("start"), [], lambda n: QUEUES)
    rows = over_time.to_dicts()
    starts = [row["start"] for row in rows]
    width = bucket_width(starts) if len(starts) > 1 else timedelta(seconds=1)
    lost = {name: sum(row[name] for row in rows) for name in _LOSSES}
    titles = ["events a bucket", "events that wait, at most", *(["events lost a bucket"] if any(lost.values()) else [])]
    figure = make_subplots(rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=0.1, subplot_titles=titles)
    edges = [*starts, starts[-1] + width]
    for name, (colour, words) in _FLOWS.items():
        figure.add_scatter(
            x=edges, y=_to_edges([row[name] for row in rows]), mode="lines",
            line={"color": colour, "width": 2, "shape": "hv"}, row=1, col=1,
            name=f"{words} · {sum(row[name] for row in rows):,}",
            hovertemplate="%{x|%d %b %H:%M:%S}: %{y:,}<extra></extra>",
        )  # fmt: skip
    waits = [row["queue_max"] for row in rows]
    figure.add_scatter(
        x=edges, y=_to_edges(waits), mode="lines", line={"color": BLUE, "width": 1.5, "shape": "hv"}, fill="tozeroy",
        fillcolor=faded(BLUE, 0.3), showlegend=False, row=2, col=1,
        hovertemplate="%{x|%d %b %H:%M:%S}: %{y:,} wait<extra></extra>",
    )  # fmt: skip
    if queue_limit is not None and queue_limit <= _IN_SIGHT * max(waits):
        figure.add_scatter(
            x=[edges[0], edges[-1]], y=[queue_limit] * 2, mode="lines",
            line={"color": TEXT, "width": 1.5, "dash": "dash"}, hoverinfo="skip",
            name=f"room for {queue_limit:,}", row=2, col=1,
        )  # fmt: skip
    for name, (colour, words) in _LOSSES.items():
        if lost[name]:
            figure.add_bar(
                x=[start + width / 2 for start in starts], y=[row[name] for row in rows],
                width=width.total_seconds() * 1000, marker={"color": colour, "line": {"width": 0}},
                name=f"{words} · {lost[name]:,}", row=3, col=1,
                hovertemplate="%{x|%d %b %H:%M:%S}: %{y:,}<extra></extra>",
            )  # fmt: skip
    styled(figure, height=150 + 165 * len(titles))
    figure.update_annotations(font={"size": 12}, x=0, xanchor="left")
    figure.update_xaxes(type="date", range=[edges[0], edges[-1]])
    together = f"each bucket is {many:,} of the result together" if many > 1 else ""
    figure.update_xaxes(title_text=TIME + note(together), row=len(titles), col=1)
    figure.update_yaxes(rangemode="tozero", tickformat=",d", nticks=5)
    most_of = _largest(rows)
    highest = [max(most_of[name] for name in _FLOWS), most_of["queue_max"], sum(most_of[name] for name in _LOSSES)]
    for panel, most in enumerate(highest[: len(titles)], start=1):
        if most < FEW:
            figure.update_yaxes(dtick=1, row=panel, col=1)
    figure.update_layout(barmode="stack", bargap=0, margin_t=66, legend_traceorder="normal")
    with_long_legend(figure)
    fullest = max(rows, key=lambda row: row["queue_max"])
    return described(figure, sentence(
        f"{count(sum(row['events'] for row in rows), 'event')} over time, and how many wait for the exporter.",
        f"Most wait at {fullest['start']:%d %b %H:%M:%S}: {count(fullest['queue_max'], 'event')}"
        + ("." if queue_limit is None else f", of room for {queue_limit:,}."),
        f"{together.capitalize()}." if together else "",
        f"Lost are {count(sum(lost.values()), 'event')}." if any(lost.values()) else "None is lost.",
    ))  # fmt: skip


def _largest(rows: list[dict[str, Any]]) -> dict[str, int]:
    """The largest of each number."""
    return {name: max(row[name] for row in rows) for name in (*_FLOWS, "queue_max", *_LOSSES)}


def _to_edges(values: list[Any]) -> list[Any]:
    """A value for each edge of the buckets: the last holds up to the end."""
    return [*values, values[-1]]
