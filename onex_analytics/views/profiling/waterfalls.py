"""One trace, a line for each span: what ran when, what the root was waiting for, what failed and what never ended."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import told, unit
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.theme import BLUE, ORANGE, RED, REST, blank, described, faded, label, styled

_PALE = 0.38
_COLOURS = {"span": BLUE, "failed": RED, "open": ORANGE, "other": REST}
_TITLES = {"span": "span", "failed": "failed", "open": "open: no end yet", "other": "several spans"}
_FADING = 8  # steps from the colour of an open span to nothing
_TAIL = 0.07  # of the figure's width
_DEEPEST = 14  # levels that are told by indenting
_NAMES = 0.27  # of the figure's width, for the names
_SLIM = 60  # lines above which they are set closer


def waterfall(rows: pl.DataFrame) -> go.Figure:
    """The bars of one trace, from `profiling.waterfall`: a line a span, those that it called below it.

    A bar is pale, and full where it is on the critical path. A failed span is marked by a cross, an open one fades out
    beyond the last sign of life of its trace, and a hatched bar stands for several spans.
    """
    if rows.is_empty():
        return blank("there is no such trace, or none of its spans has a time")
    lines = rows.to_dicts()
    last = max(line["until_ms"] for line in lines)
    name, size = unit(last)
    width = (last or 1.0) / size
    hovers = [_hover(line) for line in lines]
    figure = go.Figure()
    kinds = [_kind(line) for line in lines]
    for kind, title in _TITLES.items():
        at = [place for place, found in enumerate(kinds) if found == kind]
        if at:
            figure.add_bar(
                base=[lines[i]["offset_ms"] / size for i in at], x=[lines[i]["length_ms"] / size for i in at], y=at,
                orientation="h", width=0.74, name=title, customdata=[hovers[i] for i in at],
                marker={"color": faded(_COLOURS[kind], _PALE),
                        "line": {"width": 1, "color": faded(_COLOURS[kind], 0.8)},
                        "pattern": {"shape": "/" if kind == "other" else "", "fgcolor": REST, "size": 6}},
                hovertemplate="%{customdata}<extra></extra>",
            )  # fmt: skip
    _add_critical(figure, lines, kinds, hovers, size)
    _add_tails(figure, [place for place, kind in enumerate(kinds) if kind == "open"], lines, width, size)
    failed = [place for place, line in enumerate(lines) if line["errors"]]
    if failed:
        figure.add_scatter(
            x=[lines[i]["until_ms"] / size for i in failed], y=failed, mode="markers", name="a failure",
            marker={"symbol": "x", "color": RED, "size": 9, "line": {"width": 1, "color": "white"}},
            customdata=[hovers[i] for i in failed], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    slim = len(lines) > _SLIM
    height = 120 + (15 if slim else 22) * len(lines)
    styled(figure, height=height, x_title=f"time since the first sign of life of the trace, {name}")
    figure.update_xaxes(range=[-0.01 * width, width * (1 + _TAIL)], zeroline=False, domain=[_NAMES + 0.01, 1])
    figure.update_yaxes(visible=False, range=[len(lines) - 0.4, -0.6])
    _add_names(figure, lines, hovers, 11 if slim else 12)
    figure.update_layout(margin={"l": 8})
    return described(figure, _in_words(lines, last))


def _kind(line: dict[str, Any]) -> str:
    return "other" if line["folded"] else "open" if line["open"] else "failed" if line["errors"] else "span"


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
        orientation="h", width=0.74, name="on the critical path", customdata=[hovers[place] for place, _ in sections],
        marker={"color": [_COLOURS[kinds[place]] for place, _ in sections], "line": {"width": 0}},
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _add_tails(
    figure: go.Figure, at: list[int], lines: list[dict[str, Any]], width: float, size: float
) -> None:
    """What is not known of open spans: they go on beyond the last sign of life, fading."""
    step = width * _TAIL / _FADING
    steps = [(place, i) for place in at for i in range(_FADING)]
    if steps:
        figure.add_bar(
            base=[lines[place]["until_ms"] / size + i * step for place, i in steps], x=[step] * len(steps),
            y=[place for place, _ in steps], orientation="h", width=0.74, showlegend=False, hoverinfo="skip",
            marker={"color": [faded(ORANGE, 0.75 * (1 - (i + 0.5) / _FADING)) for _, i in steps], "line": {"width": 0}},
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


def _hover(line: dict[str, Any]) -> str:
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
