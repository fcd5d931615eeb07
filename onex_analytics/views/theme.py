"""How our figures look: one palette that colour-blind readers can tell apart, one layout for light and dark.

Backgrounds are clear and lines are a half-transparent grey, so a figure stands on white and on black alike; a page
sets the colour of the text by its own style sheet.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

import plotly.graph_objects as go

PALETTE = ("#1F82C0", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#A08C00", "#8E6BBF", "#4FA3A5", "#B07C5A")
"""Okabe and Ito's colours: without their black, with a blue that shows on black and a yellow that shows on white."""

REST = "#8C8C8C"
BLUE, ORANGE, GREEN, PINK, SKY, RED = PALETTE[:6]
GRID = "rgba(128,128,128,0.22)"
TEXT = "#767676"

_COLOUR_OF_TYPE = {
    "NODE_START": BLUE, "NODE_SUCCESS": GREEN, "NODE_FAILURE": RED,
    "TELEMETRY_OPERATION_START": SKY, "TELEMETRY_OPERATION_SUCCESS": "#4FA3A5", "TELEMETRY_OPERATION_ERROR": ORANGE,
    "STRUCTURED_LOG": "#8E6BBF", "PERFORMANCE_PROFILE": PINK, "(other)": REST,
}  # fmt: skip


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name: the same one every time for the frequent event types, the palette for the others.

    >>> colours(["NODE_FAILURE", "mine"])["NODE_FAILURE"]
    '#D55E00'
    """
    wanted = list(dict.fromkeys(names))
    taken = {_COLOUR_OF_TYPE[name] for name in wanted if name in _COLOUR_OF_TYPE}
    free = [colour for colour in PALETTE if colour not in taken] or list(PALETTE)
    others = [name for name in wanted if name not in _COLOUR_OF_TYPE]
    return {name: _COLOUR_OF_TYPE[name] for name in wanted if name in _COLOUR_OF_TYPE} | {
        name: free[place % len(free)] for place, name in enumerate(others)
    }


def label(text: object, width: int = 44) -> str:
    """Text of a user for a figure: shortened in the middle, and escaped, for Plotly reads markup in labels.

    >>> label("<script>"), label("a" * 50, 9), label(None)
    ('&lt;script&gt;', 'aaaa…aaaa', '–')
    """
    plain = "–" if text is None else " ".join(str(text).split())
    if len(plain) > width:
        half = width // 2
        plain = plain[: width - half - 1] + "…" + plain[len(plain) - half :]
    return html.escape(plain, quote=False)


def styled(
    figure: go.Figure, *, height: int, x_title: str | None = None, y_title: str | None = None, legend: bool = True
) -> go.Figure:
    """The figure in our layout: clear ground, legend below the axis, units on the axes."""
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True, "title_standoff": 8}
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 13, "color": TEXT},
        margin={"l": 60, "r": 24, "t": 16, "b": 48},
        hoverlabel={"align": "left", "namelength": -1},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "rgba(128,128,128,0.6)", "activecolor": BLUE},
        showlegend=legend,
        legend={"orientation": "h", "yanchor": "top", "y": 1, "yref": "container", "xanchor": "left", "x": 0,
                "font": {"size": 12}},
    )  # fmt: skip
    figure.update_xaxes(**axis, title_text=x_title)
    figure.update_yaxes(**axis, title_text=y_title)
    return figure


def with_long_legend(figure: go.Figure) -> go.Figure:
    """The styled figure with its legend below the tools that a page lays over its top right corner."""
    return figure.update_layout(legend_y=1 - 28 / figure.layout.height)


def faded(colour: str, opacity: float) -> str:
    """A colour of the palette that lets the page shine through: pale on white, dim on black.

    >>> faded(BLUE, 0.4)
    'rgba(31,130,192,0.4)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.3g})"


def described(figure: go.Figure, text: str) -> go.Figure:
    """The figure with what it shows in words, for those who do not see it: `layout.meta["description"]`.

    >>> description(described(go.Figure(), "Two lines."))
    'Two lines.'
    """
    return figure.update_layout(meta={"description": text})


def description(figure: go.Figure) -> str:
    """What the figure shows in words; "" where it says nothing. A page gives it to `html_figure`."""
    meta = figure.layout.meta
    return str(meta.get("description", "")) if isinstance(meta, dict) else ""


def blank(message: str, *, height: int = 120) -> go.Figure:
    """A figure that says why it shows nothing."""
    figure = styled(go.Figure(), height=height, legend=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=label(message, 200), showarrow=False, font={"size": 15})
    return described(figure, f"Nothing is drawn: {message}.")
