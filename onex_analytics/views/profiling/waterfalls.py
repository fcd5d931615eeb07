"""One trace, a line for each span: what ran when, what the root was waiting for, what failed and what never ended."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import told, unit
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.span_bars import COLOUR_OF_KIND, TAIL, THICKNESS, add_bars, add_tails, hover_of, kind_of
from onex_analytics.views.theme import RED, blank, described, label, styled

_DEEPEST = 14  # levels that are told by indenting
_NAMES = 0.27  # of the figure's width, for the names
_MOST_LINES = 2_000
_SLIM = 60  # lines above which they are set closer


def waterfall(rows: pl.DataFrame) -> go.Figure:
    """The bars of one trace, from `profiling.waterfall`: a line a span, those that it called below it.

    A bar is pale, and full where it is on the critical path. A failed span is marked by a cross, an open one fades out
    beyond the last sign of life of its trace, and a hatched bar stands for several spans.
    """
    if rows.is_empty():
        return blank("there is no such trace, or none of its spans has a time")
    if rows.height > _MOST_LINES:
        mend = "ask for waterfall(…, max_lanes=200), which folds the shortest"
        return blank(f"{count(rows.height, 'line')} are too many for a picture. Mend: {mend}")
    lines = rows.to_dicts()
    last = max(line["until_ms"] for line in lines)
    name, size = unit(last)
    width = (last or 1.0) / size
    hovers = [hover_of(line) for line in lines]
    figure = go.Figure()
    kinds = [kind_of(line) for line in lines]
    add_bars(figure, lines, list(range(len(lines))), hovers, size)
    _add_critical(figure, lines, kinds, hovers, size)
    unended = [place for place, kind in enumerate(kinds) if kind == "open"]
    add_tails(figure, unended, lines, list(range(len(lines))), width, size)
    failed = [place for place, line in enumerate(lines) if line["errors"]]
    if failed:
        figure.add_scatter(
            x=[lines[i]["until_ms"] / size for i in failed], y=failed, mode="markers", name="a failure",
            marker={"symbol": "x", "color": RED, "size": 9, "line": {"width": 1, "color": "white"}},
            customdata=[hovers[i] for i in failed], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    slim = len(lines) > _SLIM
    height = 120 + (15 if slim else 22) * len(lines)
    styled(figure, height=height, x_title=f"time since the first sign of life of the trace, {name}")
    figure.update_xaxes(range=[-0.01 * width, width * (1 + TAIL)], zeroline=False, domain=[_NAMES + 0.01, 1])
    figure.update_yaxes(visible=False, range=[len(lines) - 0.4, -0.6])
    _add_names(figure, lines, hovers, 11 if slim else 12)
    figure.update_layout(margin={"l": 8})
    return described(figure, _in_words(lines, last))


def _add_critical(
    figure: go.Figure, lines: list[dict[str, Any]], kinds: list[str], hovers: list[str], size: float
) -> None:
    sections = [(place, section) for place, line in enumerate(lines) for section in line["critical"]]
    if not sections:
        return
    figure.add_bar(
        base=[section["from_ms"] / size for _, section in sections],
        x=[(section["to_ms"] - section["from_ms"]) / size for _, section in sections],
        y=[place for place, _ in sections],
        orientation="h", width=THICKNESS, name="on the critical path",
        customdata=[hovers[place] for place, _ in sections],
        marker={"color": [COLOUR_OF_KIND[kinds[place]] for place, _ in sections], "line": {"width": 0}},
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _add_names(figure: go.Figure, lines: list[dict[str, Any]], hovers: list[str], font_size: int) -> None:
    """The names on the left, each set in as deep as its span lies; what is too long is cut off by the bars."""
    figure.add_scatter(
        x=[min(line["depth"], _DEEPEST) for line in lines], y=list(range(len(lines))), text=[*map(_name, lines)],
        mode="text", textposition="middle right", textfont={"size": font_size}, showlegend=False, xaxis="x2",
        customdata=hovers, hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        xaxis2={"domain": [0, _NAMES], "range": [-0.4, 24], "visible": False, "fixedrange": True, "anchor": "y"}
    )


def _name(line: dict[str, Any]) -> str:
    if line["folded"]:
        return f"<i>{count(line['folded'], 'more span')}</i>"
    node = line["node"]
    deep = "… " if line["depth"] > _DEEPEST else ""
    return deep + label(line["name"], 34) + ("" if node in (None, line["name"]) else f" · {label(node, 28)}")


def _in_words(lines: list[dict[str, Any]], last: float) -> str:
    first = lines[0]
    errors, unended, folded = (sum(line[what] > 0 for line in lines) for what in ("errors", "open", "folded"))
    longest = max(lines, key=lambda line: line["critical_ms"])
    return sentence(
        f"Waterfall of trace {first['trace_id']}: {count(first['spans'], 'span')} over {told(last)}, "
        f"in {count(len(lines), 'line')}.",
        f"The longest part of the critical path is {longest['name']} with {told(longest['critical_ms'])}."
        if longest["critical_ms"] else "No span is on a critical path.",
        f"Failed spans are on {count(errors, 'line')}." if errors else "None failed.",
        f"Open spans are on {count(unended, 'line')}." if unended else "All have ended.",
        f"{count(folded, 'line stands', 'lines stand')} for several spans each, the shortest below the same one."
        if folded else "",
        f"{count(first['left_out'], 'span')} without any time {'is' if first['left_out'] == 1 else 'are'} not drawn."
        if first["left_out"] else "",
    )  # fmt: skip
