"""How many events have which size, and how many of the bytes they make."""

from __future__ import annotations

import math
from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.sizing.byte_counts import doublings, keys_of, told
from onex_analytics.views.theme import BLUE, ORANGE, RED, blank, described, faded, label, styled, with_long_legend


def size_histogram(distribution: pl.DataFrame, limits: Mapping[str, int] | None = None) -> go.Figure:
    """The share of events and of bytes by size, from `sizing.size_distribution` without `by`; lines are limits.

    Where the two part, a few events make most of the bytes. The axis of sizes is logarithmic.

    Args:
        distribution: the sizes.
        limits: bytes by name, such as `sizing.LIMITS`.

    >>> from onex_analytics import EventStore, generate, sizing
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = generate(500, seed=1).write(f"{folder}/log.jsonl")
    ...     store = EventStore(f"{folder}/events")
    ...     _ = store.append(f"{folder}/log.jsonl")
    ...     sizes = sizing.size_distribution(store.scan()).collect()
    >>> [trace.name for trace in size_histogram(sizes).data]
    ['of the events', 'of the bytes']
    """
    if keys_of(distribution):
        return blank("the distribution tells groups apart: ask for it without by=")
    if distribution.is_empty():
        return blank("no event")
    rows = distribution.to_dicts()
    events, total = sum(row["events"] for row in rows), sum(row["total_bytes"] for row in rows)
    middles = [(row["low_bytes"] + row["high_bytes"]) / 2 for row in rows]
    hovers = [
        f"<b>{told(row['low_bytes'])} to {told(row['high_bytes'])}</b><br>{count(row['events'], 'event')}, "
        f"{row['events'] / events:.2%} of all<br>"
        f"{told(row['total_bytes'])}, {row['total_bytes'] / total:.2%} of all bytes"
        for row in rows
    ]
    of_events = [row["events"] / events for row in rows]
    of_bytes = [row["total_bytes"] / total for row in rows]
    figure = go.Figure([
        go.Bar(
            x=middles, y=of_events, width=[row["high_bytes"] - row["low_bytes"] for row in rows], name="of the events",
            marker={"color": faded(BLUE, 0.75), "line_width": 0}, customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
        ),
        go.Scatter(
            x=middles, y=of_bytes, mode="lines+markers", name="of the bytes", customdata=hovers,
            marker={"color": ORANGE, "size": 7, "symbol": "diamond"}, line={"color": faded(ORANGE, 0.7), "width": 2},
            hovertemplate="%{customdata}<extra></extra>",
        ),
    ])  # fmt: skip
    figure.update_layout(bargap=0.02)
    shown = dict(sorted((limits or {}).items(), key=lambda item: item[1]))
    low, high = rows[0]["low_bytes"], rows[-1]["high_bytes"]
    ticks = doublings(min([low, *shown.values()]), max([high, *shown.values()]))
    styled(figure, height=400, x_title="bytes of an event" + note("logarithmic, a bucket is a quarter of a doubling"),
           y_title="share")  # fmt: skip
    with_long_legend(figure)
    top = max([*of_events, *of_bytes])
    ends = math.log10(min([ticks[0], low])), math.log10(max([ticks[-1], high, *shown.values()]))
    margin = 0.03 * max(ends[1] - ends[0], 0.3)
    for place, (name, size) in enumerate(shown.items()):
        figure.add_vline(x=size, line={"color": RED, "width": 1.5, "dash": "dash"})
        right = math.log10(size) > sum(ends) / 2
        figure.add_annotation(
            x=math.log10(size), y=top * (1.12 - 0.09 * (place % 2)), text=f"{label(name, 20)} {told(size)}",
            showarrow=False, xanchor="right" if right else "left", xshift=-4 if right else 4,
            font={"color": RED, "size": 12},
        )  # fmt: skip
    figure.update_xaxes(
        type="log", range=[ends[0] - margin, ends[1] + margin], tickvals=ticks, ticktext=[told(tick) for tick in ticks],
        tickangle=0 if len(ticks) < 7 else -45,
    )  # fmt: skip
    figure.update_yaxes(tickformat=".2~%", range=[0, top * 1.18])
    fullest = max(rows, key=lambda row: row["events"])
    heaviest = max(rows, key=lambda row: row["total_bytes"])
    return described(figure, sentence(
        f"{count(events, 'event')} with {told(total)} by size, from {told(low)} to {told(high)}.",
        f"Most events have {told(fullest['low_bytes'])} to {told(fullest['high_bytes'])}; most bytes are of events "
        f"with {told(heaviest['low_bytes'])} to {told(heaviest['high_bytes'])}.",
        "Limits: " + ", ".join(f"{name} {told(size)}" for name, size in shown.items()) + "." if shown else "",
    ))  # fmt: skip
