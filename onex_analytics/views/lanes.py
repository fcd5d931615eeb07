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
