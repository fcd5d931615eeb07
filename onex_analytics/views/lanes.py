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
    figure: go.Figure, names: Sequence[str], others: int, *, x_title: str, counts: Sequence[int] = (),
    what: str = "group", most_letters: int = 38,
) -> go.Figure:  # fmt: skip
    """As `lane_axis`, but a name stands above what its line shows: long names leave narrow pages room to draw.

    What a line shows belongs between its place and 0.45 below it. `counts` follow the names, that of the others last.
    """
    titles = [label(name, most_letters) for name in names]
    titles += [f"<i>other: {count(others, what)}</i>"] if others else []
    numbers = [f" · {n:,}" for n in counts] or [""] * len(titles)
    styled(figure, height=124 + 36 * len(titles), x_title=x_title)
    above = [
        {"text": title + n, "x": 0, "xref": "paper", "xanchor": "left", "y": place, "yanchor": "bottom", "yshift": -3,
         "showarrow": False, "font": {"size": 12}} for place, (title, n) in enumerate(zip(titles, numbers, strict=True))
    ]  # fmt: skip
    figure.update_layout(margin_l=16, annotations=[*figure.layout.annotations, *above])
    return figure.update_yaxes(
        showticklabels=False, ticks="", showgrid=False, zeroline=False, range=[len(titles) - 0.45, -0.6]
    )  # fmt: skip
