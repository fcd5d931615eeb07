"""Latencies over time as a grid: every mode and every tail is seen."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import LogAxis, told
from onex_analytics.views.groups import count, keys_of, parts_of, sentence
from onex_analytics.views.joining import joined_cells
from onex_analytics.views.panels import TICKS_OF_PANEL, busiest, panels, say_below
from onex_analytics.views.theme import RED, blank, described, faded

_KNOWN = {"start", "end", "lower_ms", "upper_ms", "bucket", "n", "weight", "exact", "relative_error"}
_MOST_CELLS = 8_000
"""Each says what it is and where, in about two hundred bytes."""
_SCALE = [[0.0, faded(RED, 0.2)], [0.5, faded(RED, 0.55)], [1.0, faded(RED, 1.0)]]


def heatmap(frame: pl.DataFrame) -> go.Figure:
    """Spans by time and duration, from `profiling.heatmap`; a panel a group. Both scales are logarithmic.

    A cell without spans stays clear. The eight groups with the fullest cells are drawn. Each cell tells a page where it
    is, behind its text: `customdata` is the text, from when, to when, above and up to how many milliseconds.
    """
    known = frame.filter(pl.col("start").is_not_null()) if "start" in frame.columns else frame
    if known.is_empty():
        return blank("no measured span with a known start")
    parts = parts_of(known, keys_of(frame, _KNOWN))
    shown, hidden = busiest(parts)
    keys = keys_of(frame, _KNOWN)
    drawn = pl.concat(part for _, part in shown)
    rows = max(part["bucket"].n_unique() for _, part in shown)
    drawn, many = joined_cells(drawn, keys, max(_MOST_CELLS // (len(shown) * rows), 24))
    shown = parts_of(drawn, keys) if many > 1 else shown
    figure = panels([name for name, _ in shown], hidden, height=400, y_title="duration (log scale)")
    together = f"each cell is {many:,} buckets of time together" if many > 1 else ""
    say_below(figure, together)
    most: int = max(n for _, part in shown for n in part["n"])
    for place, (_, part) in enumerate(shown, start=1):
        _add_cells(figure, part, place, TICKS_OF_PANEL if len(shown) > 1 else 12)
    ticks = [*(10**power for power in range(9) if 10**power < most / 1.5), most]
    figure.update_layout(coloraxis={
        "colorscale": _SCALE, "cmin": 0, "cmax": math.log10(most) or 1,
        "colorbar": {"title": {"text": "spans", "side": "top", "font": {"size": 12}}, "thickness": 12,
                     "lenmode": "pixels", "len": 260, "y": 1, "yanchor": "top",
                     "tickvals": [math.log10(n) for n in ticks], "ticktext": [f"{n:,}" for n in ticks]},
    })  # fmt: skip
    nowhere = frame.height - known.height
    fullest = max((cell for _, part in shown for cell in part.to_dicts()), key=lambda cell: cell["n"])
    return described(figure, sentence(
        f"Heat map of durations over time: {count(known.height, 'cell')} with spans"
        + (f" of {count(len(parts), 'group')}." if len(parts) > 1 else "."),
        f"The fullest cell has {count(fullest['n'], 'span')} that took up to {told(fullest['upper_ms'])} "
        f"at {fullest['start']:%d %b %H:%M}.",
        f"{together.capitalize()}." if together else "",
        f"{count(hidden, 'less busy group')} not drawn." if hidden else "",
        f"Spans without a known start are not drawn ({count(nowhere, 'cell')})." if nowhere else "",
    ))  # fmt: skip


def _add_cells(figure: go.Figure, part: pl.DataFrame, place: int, ticks: int) -> None:
    """The cells of one group, laid out on a grid whose empty places stay empty."""
    rows = part.to_dicts()
    axis = LogAxis.of(ms for row in rows for ms in (row["lower_ms"], row["upper_ms"]))
    bounds = {row["bucket"]: (row["lower_ms"], row["upper_ms"]) for row in rows if row["upper_ms"] > 0}
    edges = sorted({edge for pair in bounds.values() for edge in pair})
    row_of = {bucket: edges.index(low) for bucket, (low, _) in bounds.items()}
    has_zero = axis.foot is not None
    if has_zero:  # a row of its own below all others
        foot = axis.foot or 0.0
        edges = [foot / 1.2, foot * 1.2, *edges]
        row_of = {bucket: at + 2 for bucket, at in row_of.items()}
    times = sorted({time for row in rows for time in (row["start"], row["end"])})
    column_of = {moment: at for at, moment in enumerate(times)}
    counts: list[list[float | None]] = [[None] * (len(times) - 1) for _ in edges[1:]]
    nothing: list[Any] = []
    told_of: list[list[Any]] = [[nothing] * (len(times) - 1) for _ in edges[1:]]
    for row in rows:
        at = 0 if row["upper_ms"] == 0 else row_of[row["bucket"]]
        column = column_of[row["start"]]
        counts[at][column] = math.log10(row["n"]) if row["n"] else None
        took = "0 ms" if row["upper_ms"] == 0 else f"above {told(row['lower_ms'])} up to {told(row['upper_ms'])}"
        text = f"{row['start']:%d %b %H:%M:%S}<br>{took}<br>{count(row['n'], 'span')}"
        where = [time.replace(tzinfo=None).isoformat() for time in (row["start"], row["end"])]
        told_of[at][column] = [text, *where, row["lower_ms"], row["upper_ms"]]
    figure.add_heatmap(
        x=times, y=edges, z=counts, customdata=told_of, coloraxis="coloraxis", hoverongaps=False,
        hovertemplate="%{customdata[0]}<extra></extra>", row=place, col=1,
    )  # fmt: skip
    figure.update_yaxes(axis.layout(ticks), row=place, col=1)
