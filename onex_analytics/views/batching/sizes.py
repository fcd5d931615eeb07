"""How large batches are, and why they closed."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.theme import BLUE, GREEN, ORANGE, blank, described, styled, with_long_legend

FEW = 6
"""Up to so many, an axis of counts marks each."""
_WHY = {
    "size": (BLUE, "enough events"),
    "bytes": (GREEN, "enough bytes"),
    "age": (ORANGE, "old enough"),
}
"""The colour of each reason and what it means."""


def batch_sizes(sizes: pl.DataFrame) -> go.Figure:
    """Batches by the events in them, coloured by why they closed, from `simulate_batching(…).sizes`.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.batching import BatchPolicy, simulate_batching
    >>> noon = datetime(2026, 11, 1, 12)
    >>> times = [noon + timedelta(milliseconds=50 * n) for n in range(5)]
    >>> events = pl.DataFrame({"timestamp": times, "size_bytes": 300})
    >>> found = simulate_batching(BatchPolicy(max_size=2), events)
    >>> [bar.name for bar in batch_sizes(found.sizes).data]
    ['enough events · 2', 'old enough · 1']
    """
    if sizes.is_empty():
        return blank("no batch was made")
    figure = go.Figure()
    width = max(row["size_to"] - row["size_from"] + 1 for row in sizes.to_dicts())  # full batches are seen as well
    told = []
    for reason, (colour, words) in _WHY.items():
        rows = sizes.filter(pl.col("reason") == reason).to_dicts()
        if not rows:
            continue
        batches = sum(row["batches"] for row in rows)
        told.append(f"{words}: {count(batches, 'batch', 'batches')}")
        figure.add_bar(
            x=[row["size_from"] + (width - 1) / 2 for row in rows], y=[row["batches"] for row in rows],
            width=width, name=f"{words} · {batches:,}",
            marker={"color": colour, "line": {"width": 0}}, hovertemplate="%{customdata}<extra></extra>",
            customdata=[f"{count(row['batches'], 'batch', 'batches')} of {_range(row)}, closed as {words}<br>"
                        f"{count(row['events'], 'event')} in them" for row in rows],
        )  # fmt: skip
    last = max(sizes["size_to"])
    styled(figure, height=380, x_title="events in a batch", y_title="batches")
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_xaxes(range=[0.4, max(sizes["size_from"]) + width - 0.4], tickformat=",d")
    figure.update_yaxes(rangemode="tozero", tickformat=",d")
    if last <= 12:
        figure.update_xaxes(dtick=1)
    if max(sum(one.y) for one in figure.data) < FEW:
        figure.update_yaxes(dtick=1)
    with_long_legend(figure)
    top = max(sizes.to_dicts(), key=lambda row: row["batches"])
    return described(figure, sentence(
        f"Batches by the events in them. Closed as {', '.join(told)}.",
        f"Most often they have {_range(top)}.",
    ))  # fmt: skip


def _range(row: dict[str, int]) -> str:
    low, high = row["size_from"], row["size_to"]
    return count(low, "event") if low == high else f"{low:,} to {high:,} events"
