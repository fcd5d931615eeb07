"""What got slower and what got faster, with how sure that is."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import told
from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.lanes import lane_axis, note
from onex_analytics.views.ratios import add_intervals, drawable, ratio_axis, ratio_told
from onex_analytics.views.theme import BLUE, GREEN, RED, REST, TEXT, blank, described, label

_VERDICTS = {
    "regression": RED, "improvement": BLUE, "equivalent": GREEN, "no evidence": REST, "insufficient data": REST,
}  # fmt: skip
_FILLED = ("regression", "improvement", "equivalent")
_MEASURES = (("p50", "circle", -0.16), ("p95", "diamond", 0.16))
_SIDES = ("baseline", "candidate")
_KEYS_END = "n_baseline"
"""The first column that `compare` makes; those of `by` stand before it."""


def comparison_forest(frame: pl.DataFrame, most: int = 40) -> go.Figure:
    """Ratios of p50 and p95 with their 95 % intervals, from `profiling.compare`; right of 1 is slower.

    Args:
        frame: the comparison.
        most: rows that get a line of their own: regressions first, then improvements, the largest change first. All
            others are drawn on one line below them, "other", without their intervals.
    """
    if frame.is_empty():
        return blank("neither side has a span")
    keys = frame.columns[: frame.columns.index(_KEYS_END)]
    rank = {verdict: place for place, verdict in enumerate(_VERDICTS)}
    rows = sorted(frame.to_dicts(), key=lambda row: (rank[row["verdict"]], -_size(row)))
    own, others = rows[:most], rows[most:]
    names = [name_of(row, keys) for row in rows]
    hovers = [_hover(row, name) for row, name in zip(rows, names, strict=True)]
    figure = go.Figure()
    for verdict, colour in _VERDICTS.items():
        at = [place for place, row in enumerate(rows) if row["verdict"] == verdict]
        if not at:
            continue
        figure.add_scatter(x=[None], y=[None], mode="markers", name=f"{verdict}: {len(at):,}",
                           marker={"symbol": "square" if verdict in _FILLED else "square-open", "color": colour,
                                   "size": 11})  # fmt: skip
        for measure, symbol, shift in _MEASURES:
            _add_measure(figure, rows, at, measure, symbol if verdict in _FILLED else f"{symbol}-open", shift, colour,
                         hovers, len(own))  # fmt: skip
    for measure, symbol, _ in _MEASURES:
        figure.add_scatter(x=[None], y=[None], mode="markers", name=measure,
                           marker={"symbol": symbol, "color": TEXT, "size": 9})  # fmt: skip
    blind = [place for place, row in enumerate(rows) if _size(row) < 0]
    figure.add_vline(x=1, line={"color": TEXT, "width": 1.5, "dash": "dash"})
    text = f"{count(len(blind), 'row')} without a ratio: too few spans on a side" if blind else ""
    titles = [f"{'▲ ' if row['verdict'] == 'regression' else '▼ ' if row['verdict'] == 'improvement' else ''}{name}"
              for row, name in zip(own, names, strict=False)]  # fmt: skip
    x_title = "duration, candidate ÷ baseline (log scale)" + note(text)
    lane_axis(figure, titles, len(others), x_title=x_title, what="row")
    for place in (place for place in blind if place < len(own)):
        figure.add_annotation(x=0, y=place, text="no ratio", showarrow=False, font={"size": 11})  # 0 is the log of 1
    figure.update_xaxes(_axis_of(rows, len(own)))
    words = [f"{count(sum(row['verdict'] == verdict for row in rows), verdict, verdict + 's')}" for verdict in
             ("regression", "improvement")]  # fmt: skip
    return described(figure, sentence(
        f"Comparison of {count(len(rows), 'row')}: {words[0]}, {words[1]}.",
        *(f"{name}: {row['verdict']} ({row['because']}), p95 {_ratio(row, 'p95')}."
          for row, name in zip(own[:5], names, strict=False) if row["verdict"] in ("regression", "improvement")),
        text + "." if text else "",
        f"{count(len(others), 'row')} beyond the first {most} share one line." if others else "",
    ))  # fmt: skip


def _add_measure(
    figure: go.Figure, rows: list[dict[str, Any]], at: list[int], measure: str, symbol: str, shift: float, colour: str,
    hovers: list[str], own: int,
) -> None:  # fmt: skip
    named = [place for place in at if place < own]
    ends = [(rows[i][f"{measure}_ratio_low"], rows[i][f"{measure}_ratio_high"], i + shift) for i in named]
    add_intervals(figure, ends, colour)
    figure.add_scatter(
        x=[drawable(rows[i][f"{measure}_ratio"]) for i in at], y=[min(i, own) + shift for i in at], mode="markers",
        showlegend=False, customdata=[hovers[i] for i in at], hovertemplate="%{customdata}<extra></extra>",
        marker={"symbol": symbol, "color": colour, "size": 9, "line": {"width": 1.5 if "open" in symbol else 0},
                "opacity": [1.0 if i < own else 0.35 for i in at]},
    )  # fmt: skip


def _axis_of(rows: list[dict[str, Any]], own: int) -> dict[str, Any]:
    """With room for all ratios, and for the intervals that are drawn."""
    ends = [row[f"{m}_ratio{end}"] for row in rows[:own] for m, *_ in _MEASURES for end in ("", "_low", "_high")]
    return ratio_axis([*ends, *(row[f"{m}_ratio"] for row in rows[own:] for m, *_ in _MEASURES)])


def _size(row: dict[str, Any]) -> float:
    """How far the ratios are from 1; below 0 where there is none."""
    ratios = [drawable(row[f"{measure}_ratio"]) for measure, *_ in _MEASURES]
    return max((abs(math.log(ratio)) for ratio in ratios if ratio is not None), default=-1.0)


def _ratio(row: dict[str, Any], measure: str) -> str:
    ratio, low, high = (row[f"{measure}_ratio{end}"] for end in ("", "_low", "_high"))
    return ratio_told(ratio, low, high)


def _hover(row: dict[str, Any], name: str) -> str:
    because = f" ({label(row['because'])})" if row["because"] else ""
    lines = [f"<b>{label(name, 200)}</b>", f"{row['verdict']}{because}"]
    for measure, *_ in _MEASURES:
        before, after = (told(row[f"{measure}_{side}_ms"]) for side in _SIDES)
        q = row[f"{measure}_q"]
        lines.append(f"{measure}: {before} → {after}, {_ratio(row, measure)}" + ("" if q is None else f", q = {q:.2g}"))
    for side in _SIDES:
        spans, traces, unended = (row[f"{what}_{side}"] for what in ("n", "traces", "open"))
        lines.append(f"{side}: {count(spans, 'span')} of {count(traces, 'trace')}, {unended:,} open")
    return "<br>".join(lines)
