"""Panels one above the other, one a group, that share their axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.groups import count
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import label, styled

MOST_PANELS = 8
TICKS_OF_PANEL = 5
_HEIGHT = 150
TIME = "time (UTC)"


def busiest(parts: Sequence[tuple[str, pl.DataFrame]]) -> tuple[list[tuple[str, pl.DataFrame]], int]:
    """The groups that get a panel, those with the largest `n` in any row, and how many get none."""
    ranked = sorted(parts, key=lambda named: -max(named[1]["n"]))
    return ranked[:MOST_PANELS], max(len(parts) - MOST_PANELS, 0)


def panels(
    titles: Sequence[str], hidden: int, *, height: int, y_title: str, what: str = "less busy group"
) -> go.Figure:
    """An empty figure with a panel for each title; the axis below says how many groups have none."""
    several = len(titles) > 1
    figure = make_subplots(
        rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=0.26 / len(titles),
        subplot_titles=[label(title, 100) for title in titles] if several else None,
    )  # fmt: skip
    styled(figure, height=120 + (_HEIGHT if several else height) * len(titles), y_title=y_title)
    if several:
        figure.update_annotations(font={"size": 12}, x=0, xanchor="left")
        figure.update_yaxes(title_font_size=11, title_text=y_title.split(" (")[0])
        figure.update_layout(margin_t=46)
    figure.update_xaxes(title_text=None)
    rest = note(f"{count(hidden, what)} not drawn" if hidden else "")
    figure.update_xaxes(title_text=TIME + rest, row=len(titles), col=1)
    return figure


def say_below(figure: go.Figure, text: str) -> None:
    """One more line below the axis of time, where there is something to say."""
    if text:
        axis = figure.select_xaxes(lambda one: bool(one.title.text))
        for one in axis:
            one.title.text += note(text)


def bucket_width(starts: Sequence[datetime]) -> timedelta:
    """How far the buckets of a frame reach: the least distance of two; a minute where there is one only."""
    return min((b - a for a, b in pairwise(sorted(set(starts)))), default=timedelta(minutes=1))


def runs(starts: Sequence[datetime], width: timedelta) -> list[tuple[int, int]]:
    """Stretches [from, to) of buckets that follow each other without a gap.

    >>> at = [datetime(2026, 1, 1, 12, minute) for minute in (0, 1, 5)]
    >>> runs(at, timedelta(minutes=1))
    [(0, 2), (2, 3)]
    """
    cuts = [i for i, (a, b) in enumerate(pairwise(starts), start=1) if b - a > 1.5 * width]
    return [(a, b) for a, b in pairwise([0, *cuts, len(starts)]) if a < b]


def with_gaps(values: Sequence[Any], stretches: Sequence[tuple[int, int]]) -> list[Any]:
    """The values with None between stretches, so that a line breaks there.

    >>> with_gaps([1, 2, 3], [(0, 2), (2, 3)])
    [1, 2, None, 3]
    """
    broken: list[Any] = []
    for low, high in stretches:
        broken += [*([None] if broken else []), *values[low:high]]
    return broken


def outline(
    starts: Sequence[Any], low: Sequence[float | None], high: Sequence[float | None],
    stretches: Sequence[tuple[int, int]],
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """The outline of a band, stretch by stretch; buckets without bounds part it, too.

    >>> outline(["a", "b", "c"], [1, 2, None], [5, 6, None], [(0, 3)])
    (['a', 'b', 'b', 'a', 'a'], [1, 2, 6, 5, 1])
    """
    x: list[Any] = []
    y: list[Any] = []
    for first, end in stretches:
        at: list[int] = []
        for place in [*range(first, end), None]:
            if place is not None and low[place] is not None and high[place] is not None:
                at.append(place)
            elif at:
                there, back = at, at[::-1]
                x += [*([None] if x else []), *(starts[i] for i in [*there, *back, at[0]])]
                y += [*([None] if y else []), *(low[i] for i in there), *(high[i] for i in back), low[at[0]]]
                at = []
    return x, y
