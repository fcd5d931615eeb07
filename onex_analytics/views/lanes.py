"""Groups on lines of their own, named on the left, with one line below them for all others."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from onex_analytics.views.groups import count
from onex_analytics.views.theme import label, styled


def lane_axis(figure: go.Figure, names: Sequence[str], others: int, *, x_title: str, what: str = "group") -> go.Figure:
    """The figure with a line for each name from the top, and one for the `others`; `styled`."""
    ticks = [label(name, 50) for name in names] + ([f"<i>other: {count(others, what)}</i>"] if others else [])
    styled(figure, height=124 + 24 * len(ticks), x_title=x_title)
    return figure.update_yaxes(
        tickvals=list(range(len(ticks))), ticktext=ticks, range=[len(ticks) - 0.4, -0.6], zeroline=False
    )


def note(text: str) -> str:
    """A small line for the title of an axis, below it; "" where there is nothing to say.

    >>> note("")
    ''
    """
    return f'<br><span style="font-size:12px">{text}</span>' if text else ""


def titled_lanes(
    figure: go.Figure, names: Sequence[str], others: int, *, x_title: str, what: str = "group", most_letters: int = 46
) -> go.Figure:
    """As `lane_axis`, but the name stands above what its line shows: long names leave narrow pages room to draw.

    What a line shows belongs between its place and 0.45 below it.
    """
    ticks = [label(name, most_letters) for name in names]
    ticks += [f"<i>other: {count(others, what)}</i>"] if others else []
    styled(figure, height=124 + 36 * len(ticks), x_title=x_title)
    return figure.update_yaxes(
        tickvals=list(range(len(ticks))), ticktext=ticks, ticklabelposition="inside top", showgrid=False,
        tickfont={"size": 12}, range=[len(ticks) - 0.45, -0.6], zeroline=False, automargin=False,
    )  # fmt: skip
