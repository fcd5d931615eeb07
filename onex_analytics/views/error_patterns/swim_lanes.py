"""One trace, a lane for each node: what ran when, where it went wrong, and what drew what after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.exceptions import MissingColumns
from onex_analytics.views.durations import told, unit
from onex_analytics.views.error_patterns.flow_links import DIRECT
from onex_analytics.views.error_patterns.lane_places import GAP, SUB, Mark, Places
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.span_bars import TAIL, add_bars, add_tails, hover_of
from onex_analytics.views.theme import PALETTE, REST, TEXT, blank, described, faded, label, styled, with_long_legend

_MOST_LANES = 20
_MOST_GROUPS = 8
_FEW = 12  # errors that are numbered, and arrows
_MOST_MARKS = 1000
_SYMBOLS = ("x", "diamond", "square", "triangle-up", "star", "cross", "hexagon", "triangle-down")
_BAR = 12.0  # pixels
_BESIDE = {-1: "top right", 0: "middle right", 1: "bottom right"}


def trace_lanes(
    rows: pl.DataFrame, errors: pl.DataFrame, cascades: pl.DataFrame | None = None, by: str = "error_code"
) -> go.Figure:  # fmt: skip
    """The spans of one trace as bars in the lane of their node, from `profiling.waterfall`, and its errors as marks.

    A mark has the colour and sign of its error's group. Up to twelve errors are numbered and joined in the order of
    time; where `cascades` has direct pairs of them there are arrows instead, from a group's first error to the first of
    the one that it draws after it. More than 20 nodes share a last lane, "other": those with the fewest errors, then
    the fewest spans.

    Args:
        rows: the waterfall. Empty where no span of the trace is known.
        errors: the errors of the trace, of `error_patterns.errors_of`, in any order.
        cascades: from `error_patterns.cascades`; errors need the columns that it went by.
        by: the column of `errors` that names their groups. Where it is null their code, type or message does.

    Raises:
        MissingColumns: errors lack `by`, or a column that the cascades went by.

    >>> from datetime import datetime
    >>> from onex_analytics.error_patterns.failures import ERRORS
    >>> from onex_analytics.model.shapes import SPANS
    >>> from onex_analytics.profiling import waterfall
    >>> from onex_analytics.views.theme import description
    >>> told = [{"timestamp": datetime(2026, 11, 2, 0, 0, place), "node": node, "error_code": code, "kind": "failure"}
    ...         for place, (node, code) in enumerate([("cache", "ONEX_SYS_904"), ("reader", "ONEX_CORE_081")])]
    >>> rows = pl.DataFrame(told).with_columns(pl.col("timestamp").cast(ERRORS["timestamp"]))
    >>> errors = rows.match_to_schema(ERRORS, missing_columns="insert")
    >>> of_trace = waterfall(SPANS.to_frame(eager=False), trace_id="t").collect()
    >>> for words in description(trace_lanes(of_trace, errors)).split(". ")[:2]: print(words)
    0 spans and 2 errors of one trace, in 2 lanes, over 1 s
    The errors are of 2 groups
    """
    places = Places.of_trace(rows, errors, by, _MOST_LANES)
    if not places.lanes:
        return blank("the trace has no span with a time, and no error with one")
    width = places.high_ms - places.low_ms or 1.0
    name, size = unit(width)
    since = "first error" if rows.is_empty() else "first sign of life"
    figure = go.Figure()
    bars = [(line, lane.middle(sub)) for lane in places.lanes for line, sub in zip(lane.lines, lane.subs, strict=True)]
    lines, heights = [line for line, _ in bars], [y for _, y in bars]
    add_bars(figure, lines, heights, [hover_of(line) for line in lines], size, [_BAR] * len(bars))
    unended = [place for place, line in enumerate(lines) if line["open"]]
    add_tails(figure, unended, lines, heights, width / size, size, _BAR)
    groups = [group for group, _ in Counter(mark.group for mark in places.marks).most_common()]
    marks = places.marks[:_MOST_MARKS]
    arrows = [] if cascades is None else _arrows(cascades, errors, places.marks)
    if not arrows and 1 < len(places.marks) <= _FEW:
        figure.add_scatter(
            x=[mark.at_ms / size for mark in marks], y=[mark.y for mark in marks], mode="lines", hoverinfo="skip",
            line={"color": TEXT, "width": 1.2, "dash": "dot"}, name="in order of time",
        )  # fmt: skip
    _add_marks(figure, marks, groups, size, since, numbered=len(places.marks) <= _FEW)
    for first, last in arrows[:_FEW]:
        figure.add_annotation(
            x=last.at_ms / size, y=last.y, ax=first.at_ms / size, ay=first.y, xref="x", yref="y", axref="x", ayref="y",
            showarrow=True, arrowhead=2, arrowsize=1.1, arrowwidth=1.4, arrowcolor=TEXT, standoff=6, startstandoff=6,
            text="",
        )  # fmt: skip
    missing = _not_drawn(rows, places)
    bottom = places.lanes[-1].bottom + GAP
    styled(figure, height=round(bottom) + 112 + 19 * sum(trace.showlegend is not False for trace in figure.data),
           x_title=f"since the {since} of the trace, {name}" + note(missing))  # fmt: skip
    with_long_legend(figure).update_layout(margin_l=16, margin_r=16)
    _add_lanes(figure, places)
    figure.update_xaxes(
        range=[(places.low_ms - 0.02 * width) / size, (places.high_ms + (TAIL if unended else 0.04) * width) / size],
        zeroline=False,
    )
    figure.update_yaxes(visible=False, range=[bottom, 0])
    return described(figure, _in_words(rows, places, groups, arrows if cascades is not None else None, missing))


def _add_lanes(figure: go.Figure, places: Places) -> None:
    for lane in places.lanes:
        is_rest = bool(places.others) and lane is places.lanes[-1]
        title = f"<i>other: {count(places.others, 'lane')}</i>" if is_rest else label(lane.name, 32)
        wrong = f" · {count(len(lane.errors), 'error')}" if lane.errors else ""
        figure.add_annotation(
            text=title + wrong, x=0, xref="paper", xanchor="left", y=lane.y, yanchor="top", yshift=3, showarrow=False,
            font={"size": 12}, borderpad=0,
        )  # fmt: skip
        figure.add_shape(
            type="rect", xref="paper", x0=0, x1=1, y0=lane.bottom - lane.deep * SUB, y1=lane.bottom, layer="below",
            fillcolor=faded(REST, 0.1), line_width=0,
        )  # fmt: skip


def _add_marks(
    figure: go.Figure, marks: Sequence[Mark], groups: Sequence[str], size: float, since: str, *, numbered: bool
) -> None:  # fmt: skip
    own, others = groups[:_MOST_GROUPS], groups[_MOST_GROUPS:]
    looks: list[tuple[set[str], str, str, str]] = [
        ({group}, label(group, 30), PALETTE[(place + 5) % len(PALETTE)], _SYMBOLS[place])
        for place, group in enumerate(own)
    ]
    if others:
        looks.append((set(others), f"other: {count(len(others), 'group')}", REST, "circle"))
    for members, title, colour, symbol in looks:
        at = [place for place, mark in enumerate(marks) if mark.group in members]
        figure.add_scatter(
            x=[marks[i].at_ms / size for i in at], y=[marks[i].y for i in at], name=f"{title} · {len(at):,}",
            mode="markers+text" if numbered else "markers", text=[f" {i + 1}" for i in at] if numbered else None,
            textposition=[_BESIDE[(marks[i].shift > 0) - (marks[i].shift < 0)] for i in at], textfont={"size": 12},
            cliponaxis=False,
            marker={"symbol": symbol, "color": colour, "size": 10, "line": {"width": 1, "color": "white"}},
            customdata=[_hover(marks[i], i, since) for i in at], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip


def _hover(mark: Mark, place: int, since: str) -> str:
    row = mark.row
    lines = [
        f"<b>{label(mark.group, 100)}</b>",
        f"error {place + 1:,}, {told(mark.at_ms)} after the {since}",
        f"node: {label(row['node'], 100)}",
        *(f"{name.removeprefix('error_')}: {label(row[name], 100)}"
          for name in ("kind", "operation", "error_code", "error_type", "error_message") if row.get(name)),
    ]  # fmt: skip
    return "<br>".join(lines)


def _arrows(cascades: pl.DataFrame, errors: pl.DataFrame, marks: Sequence[Mark]) -> list[tuple[Mark, Mark]]:
    """From the first error of a group to the first of the next, for all direct pairs that come in this trace."""
    rows = cascades.filter(pl.col("length") == 2).to_dicts()
    keys = list(rows[0]["chain"][0]) if rows else []
    if missing := [name for name in keys if name not in errors.columns]:
        raise MissingColumns(missing, errors.columns)
    first_of: dict[tuple[Any, ...], Mark] = {}
    for mark in marks:
        first_of.setdefault(tuple(mark.row[key] for key in keys), mark)
    found = []
    for row in rows:
        first, last = (first_of.get(tuple(group.values())) for group in row["chain"])
        if row["share_direct"] >= DIRECT and first is not None and last is not None and first.at_ms < last.at_ms:
            found.append((first, last))
    return found


def _not_drawn(rows: pl.DataFrame, places: Places) -> str:
    spans = 0 if rows.is_empty() else rows["left_out"][0]
    later = max(len(places.marks) - _MOST_MARKS, 0)
    told_of = [
        f"{count(spans, 'span')} without any time" if spans else "",
        f"{count(places.untimed, 'error')} without a time" if places.untimed else "",
        f"{count(later, 'later error')}" if later else "",
    ]
    parts = ", ".join(filter(None, told_of))
    return f"not drawn: {parts}" if parts else ""


def _in_words(
    rows: pl.DataFrame, places: Places, groups: Sequence[str], arrows: list[tuple[Mark, Mark]] | None, missing: str
) -> str:  # fmt: skip
    marks = places.marks
    spans = 0 if rows.is_empty() else rows["spans"][0]
    unended = sum(line["open"] for lane in places.lanes for line in lane.lines)
    lanes = len(places.lanes) - bool(places.others) + places.others
    first = marks[0] if marks else None
    since = "first error" if rows.is_empty() else "first sign of life"
    joined = len(arrows) if arrows else 0
    return sentence(
        f"{count(spans, 'span')} and {count(len(marks) + places.untimed, 'error')} of one trace, in "
        f"{count(lanes, 'lane')}, over {told(places.high_ms - places.low_ms)}.",
        f"The errors are of {count(len(groups), 'group')}. The first is {first.group}, at {first.row['node'] or '–'}, "
        f"{told(first.at_ms)} after the {since}." if first else "No error with a time.",
        f"In order: {', '.join(mark.group for mark in marks)}." if 1 < len(marks) <= _FEW else "",
        "" if arrows is None
        else "No two of them are a direct pair of the cascades, in this order." if not joined
        else f"{count(joined, 'arrow leads', 'arrows lead')} from an error to the one that it draws after it, such as "
        f"{arrows[0][0].group}, then {arrows[0][1].group}.",
        f"{count(joined - _FEW, 'arrow')} not drawn." if joined > _FEW else "",
        f"{count(unended, 'span has', 'spans have')} not ended." if unended else "",
        f"{count(places.others, 'lane')} beyond the first {_MOST_LANES} share one." if places.others else "",
        f"{count(places.piled, 'span')} lie upon others." if places.piled else "",
        missing[:1].upper() + missing[1:] + "." if missing else "",
    )  # fmt: skip
