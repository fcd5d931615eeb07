"""Work that began and has not ended, by its age."""

from __future__ import annotations

from collections import Counter
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import LogAxis, told
from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.joining import thinned
from onex_analytics.views.lanes import lane_axis, note
from onex_analytics.views.theme import BLUE, ORANGE, blank, described, faded, label

_KEYS = ("node", "operation")
_MOST_MARKS = 3_000


def open_spans(frame: pl.DataFrame, most: int = 30, *, of: int | None = None) -> go.Figure:
    """The age of each open span, from `frames.spans.open_spans`: a line a node and operation, the oldest on top.

    Args:
        frame: the open spans.
        most: groups that get a line of their own. All others are drawn on one line below them, "other".
        of: how many are open in all, where the frame has only the oldest of them.
    """
    if frame.is_empty():
        return blank("all that began has ended")
    rows = sorted(frame.to_dicts(), key=lambda row: -row["age_ms"])
    names = [name_of(row, _KEYS) for row in rows]
    groups = list(dict.fromkeys(names))
    lane_of = {name: min(place, most) for place, name in enumerate(groups)}
    axis = LogAxis.of(ms for row in rows for ms in (row["age_ms"], row["silent_ms"]))
    figure = go.Figure()
    drawn, each = thinned(list(zip(rows, names, strict=True)), _MOST_MARKS)
    hovers = [_hover(row, name) for row, name in drawn]
    for column, title, symbol, colour in (
        ("silent_ms", "time since its trace last gave a sign of life", "line-ns-open", BLUE),
        ("age_ms", "age: time since it began", "circle", ORANGE),
    ):
        figure.add_scatter(
            x=axis.places(row[column] for row, _ in drawn), y=[lane_of[name] for _, name in drawn], mode="markers",
            name=title,
            marker={"symbol": symbol, "color": faded(colour, 0.55), "size": 11,
                    "line": {"width": 2 if "open" in symbol else 1, "color": colour}},
            customdata=hovers, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    others = max(len(groups) - most, 0)
    all_drawn = of is None or of <= len(rows)
    counts = Counter(names)
    titles = [f"{name} ({counts[name]:,})" if all_drawn else name for name in groups[:most]]
    some = f"a mark stands for {each:,} spans of about its age" if each > 1 else ""
    lane_axis(figure, titles, others, x_title="time up to now (log scale)" + note(some))
    figure.update_xaxes(axis.layout())
    oldest = rows[0]
    return described(figure, sentence(
        f"{count(len(rows), 'open span') if all_drawn else f'The {len(rows):,} oldest of {of:,} open spans'} by age, "
        f"of {count(len(groups), 'group')} (node and operation).",
        f"The oldest is {names[0]}, open for {told(oldest['age_ms'])}; its trace has been silent for "
        f"{told(oldest['silent_ms'])}.",
        f"{some.capitalize()}." if some else "",
        f"{count(others, 'group')} beyond the first {most} share one line." if others else "",
    ))  # fmt: skip


def _hover(row: dict[str, Any], name: str) -> str:
    return (
        f"<b>{label(name, 200)}</b><br>open for {told(row['age_ms'])}, its trace silent for {told(row['silent_ms'])}"
        f"<br>began {row['start']:%d %b %Y %H:%M:%S}<br>trace: {label(row['trace_id'], 80)}"
        f"<br>span: {label(row['span_id'], 80)}"
    )
