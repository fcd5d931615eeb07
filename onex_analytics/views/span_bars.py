"""Spans as bars: what colour tells, and all that is known of one, as `profiling.waterfall` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from onex_analytics.views.durations import told
from onex_analytics.views.groups import count
from onex_analytics.views.theme import BLUE, ORANGE, RED, REST, faded, label

THICKNESS = 0.74
COLOUR_OF_KIND = {"span": BLUE, "failed": RED, "open": ORANGE, "other": REST}
TAIL = 0.07
"""The room for what is not known of open spans, of the figure's width."""
_PALE = 0.38
_FADING = 8  # steps from the colour of an open span to nothing
_TITLES = {"span": "span", "failed": "failed", "open": "open: no end yet", "other": "several spans"}

Line = Mapping[str, Any]
"""A row of the waterfall."""


def kind_of(line: Line) -> str:
    """Which of the colours a bar has."""
    return "other" if line["folded"] else "open" if line["open"] else "failed" if line["errors"] else "span"


def add_bars(
    figure: go.Figure, lines: Sequence[Line], places: Sequence[float], hovers: Sequence[str], size: float,
    thickness: Sequence[float] | None = None,
) -> None:  # fmt: skip
    """A pale bar for each line at its place, from its offset on; `size` is the milliseconds of the axis's unit."""
    kinds = [kind_of(line) for line in lines]
    for kind, title in _TITLES.items():
        at = [place for place, found in enumerate(kinds) if found == kind]
        if at:
            figure.add_bar(
                base=[lines[i]["offset_ms"] / size for i in at], x=[lines[i]["length_ms"] / size for i in at],
                y=[places[i] for i in at], orientation="h", name=title, customdata=[hovers[i] for i in at],
                width=THICKNESS if thickness is None else [thickness[i] for i in at],
                marker={"color": faded(COLOUR_OF_KIND[kind], _PALE),
                        "line": {"width": 1, "color": faded(COLOUR_OF_KIND[kind], 0.8)},
                        "pattern": {"shape": "/" if kind == "other" else "", "fgcolor": REST, "size": 6}},
                hovertemplate="%{customdata}<extra></extra>",
            )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)


def add_tails(
    figure: go.Figure, at: Sequence[int], lines: Sequence[Line], places: Sequence[float], width: float, size: float,
    thickness: float = THICKNESS,
) -> None:  # fmt: skip
    """What is not known of open spans, those `at`: they go on beyond the last sign of life, fading.

    `width` is the axis's, in its unit, of which `size` is the milliseconds.
    """
    step = width * TAIL / _FADING
    steps = [(place, i) for place in at for i in range(_FADING)]
    if steps:
        figure.add_bar(
            base=[lines[place]["until_ms"] / size + i * step for place, i in steps], x=[step] * len(steps),
            y=[places[place] for place, _ in steps], orientation="h", width=thickness, showlegend=False,
            hoverinfo="skip",
            marker={"color": [faded(ORANGE, 0.75 * (1 - (i + 0.5) / _FADING)) for _, i in steps], "line": {"width": 0}},
        )  # fmt: skip


def hover_of(line: Line) -> str:
    """All that is known of a line."""
    if line["folded"]:
        what = [f"<b>{count(line['folded'], 'span')}</b> below the same one, short or ordinary",
                f"{line['errors']:,} failed, {line['open']:,} open"]  # fmt: skip
    else:
        what = [f"<b>{label(line['name'], 200)}</b>", f"node: {label(line['node'], 200)}"]
        ended = "has not ended" if line["open"] else f"took {told(line['duration_ms'])}"
        what += [ended + ("" if line["state"] in ("closed", "open") else f" ({label(line['state'])})")]
        if line["errors"]:
            what += [f"failed: {label(line['error_code'] or line['status'], 120)}"]
        what += [f"span id: {label(line['span_id'], 80)}"]
    what += [f"drawn from {told(line['offset_ms'])} to {told(line['until_ms'])}",
             f"on the critical path: {told(line['critical_ms'])}"]  # fmt: skip
    return "<br>".join(what)
