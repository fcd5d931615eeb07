"""Latencies of groups side by side: percentiles of each, and whole distributions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import LogAxis, told
from onex_analytics.views.groups import (
    MOST_COLOURS,
    count,
    keys_of,
    name_of,
    parts_of,
    percentile,
    quantile_columns,
    sentence,
)
from onex_analytics.views.joining import thinned
from onex_analytics.views.lanes import lane_axis, note
from onex_analytics.views.theme import (
    BLUE,
    GREEN,
    ORANGE,
    PALETTE,
    RED,
    SKY,
    blank,
    described,
    label,
    styled,
    with_long_legend,
)

_TABLE = {
    "n", "errors", "weight", "error_rate", "mean_ms", "std_ms", "min_ms", "max_ms", "open", "negative", "unmeasured",
    "exact", "relative_error",
}  # fmt: skip
_ECDF = {"upper_ms", "share", "n", "spans", "exact", "relative_error"}
_MOST_OTHERS = 1_000
_COUNTS = (("n", "measured"), ("errors", "failed"), ("open", "open"))
"""What a table may count; one of a sketch has the first only."""
_ENDS = (("mean_ms", "mean"), ("max_ms", "longest"))
_MARKS = (("circle", SKY), ("square", GREEN), ("diamond", ORANGE), ("line-ns-open", RED), ("x-thin-open", BLUE))
_DASHES = ("solid", "dash", "dot", "dashdot")


def latency_bars(frame: pl.DataFrame, most: int = 30) -> go.Figure:
    """The percentiles of each group, from `profiling.latency_table`; the slowest by the highest percentile on top.

    Args:
        frame: the table; of a sketch, or exact.
        most: groups that get a line of their own. All others are drawn on one line below them, "other".
    """
    columns = quantile_columns(frame)
    if frame.is_empty() or not columns:
        return blank("the table has no percentiles" if frame.height else "no group of spans")
    keys = keys_of(frame, _TABLE)
    highest = columns[-1]
    measured = sorted((row for row in frame.to_dicts() if row[highest] is not None), key=lambda row: -row[highest])
    unmeasured = frame.height - len(measured)
    if not measured:
        return blank(f"{count(frame.height, 'group')} without a measured span: none has ended")
    own, (others, each) = measured[:most], thinned(measured[most:], _MOST_OTHERS)
    n_others = len(measured) - len(own)
    axis = LogAxis.of(row[column] for row in measured for column in columns)
    names = [name_of(row, keys) for row in [*own, *others]]
    hovers = [_hover(row, name, columns) for row, name in zip([*own, *others], names, strict=True)]
    figure = go.Figure(go.Scatter(
        x=list(chain.from_iterable((*axis.places([row[columns[0]], row[highest]]), None) for row in own)),
        y=list(chain.from_iterable((place, place, None) for place in range(len(own)))),
        mode="lines", line={"color": "rgba(128,128,128,0.5)", "width": 3}, hoverinfo="skip", showlegend=False,
    ))  # fmt: skip
    for i, column in enumerate(columns):
        symbol, colour = _MARKS[i % len(_MARKS)]
        mark = {"symbol": symbol, "color": colour, "line": {"width": 2.5 if "open" in symbol else 0}}
        said = {"mode": "markers", "name": percentile(column), "hovertemplate": "%{customdata}<extra></extra>"}
        figure.add_scatter(
            x=axis.places(row[column] for row in own), y=list(range(len(own))), customdata=hovers[: len(own)],
            marker=mark | {"size": 10}, **said,
        )  # fmt: skip
        if others:  # side by side on their line, so that no percentile hides another
            shift = 0.7 * ((i + 0.5) / len(columns) - 0.5)
            figure.add_scatter(
                x=axis.places(row[column] for row in others), y=[len(own) + shift] * len(others),
                customdata=hovers[len(own) :], marker=mark | {"size": 6, "opacity": 0.25}, showlegend=False, **said,
            )  # fmt: skip
    some = f"a mark of the other groups stands for {each:,} of them" if each > 1 else ""
    lane_axis(figure, names[: len(own)], n_others, x_title="duration (log scale)" + note("; ".join(filter(None, [
        f"{count(unmeasured, 'group')} without a measured span not drawn" if unmeasured else "", some]))))  # fmt: skip
    figure.update_xaxes(axis.layout())
    return described(figure, sentence(
        f"{', '.join(map(percentile, columns))} of durations of {count(len(measured), 'group')}; the slowest by "
        f"{percentile(highest)} is {names[0]} with {told(measured[0][highest])}.",
        f"{count(n_others, 'group')} beyond the first {most} share one line." if others else "",
        f"{some.capitalize()}." if some else "",
        f"{count(unmeasured, 'group')} without a measured span not drawn." if unmeasured else "",
    ))  # fmt: skip


def ecdf(frame: pl.DataFrame, most: int = MOST_COLOURS) -> go.Figure:
    """The share of the work that took at most so long, from `profiling.ecdf`: a line a group.

    Args:
        frame: the distributions.
        most: lines that are drawn: of the groups with the most spans. The axis says how many are not.
    """
    if frame.is_empty():
        return blank("no measured span")
    parts = sorted(parts_of(frame, keys_of(frame, _ECDF)), key=lambda named: -named[1]["spans"][0])
    shown = parts[:most]
    hidden = len(parts) - len(shown)
    axis = LogAxis.of(ms for _, part in shown for ms in part["upper_ms"])
    figure = go.Figure()
    for place, (name, part) in enumerate(shown):
        rows = part.to_dicts()
        figure.add_scatter(
            x=axis.places(part["upper_ms"]), y=part["share"].to_list(), name=label(name),
            mode="lines" if len(rows) > 1 else "markers",
            line={"shape": "hv", "width": 2, "color": PALETTE[place % len(PALETTE)],
                  "dash": _DASHES[place % len(_DASHES)]},
            marker={"size": 8},
            customdata=[(label(name, 200), told(row["upper_ms"]), row["n"], row["spans"]) for row in rows],
            hovertemplate="%{customdata[0]}<br>%{y:.2%} took at most %{customdata[1]}<br>"
                          "%{customdata[2]:,} of %{customdata[3]:,} spans<extra></extra>",
        )  # fmt: skip
    note_of_hidden = note(f"{count(hidden, 'more group')} with fewer spans not drawn" if hidden else "")
    x_title = "duration (log scale)" + note_of_hidden
    styled(figure, height=430, x_title=x_title, y_title="share that took at most so long", legend=len(parts) > 1)
    with_long_legend(figure)
    figure.update_xaxes(axis.layout())
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    error = max(frame["relative_error"])
    return described(figure, sentence(
        f"Distribution of durations of {count(len(shown), 'group')}, at the bounds of buckets that are "
        f"up to ±{error:.2%} wide.",
        *(f"{name}: {count(part['spans'][0], 'span')}, all within {told(part['upper_ms'][-1])}."
          for name, part in shown[:3]),
        f"{count(hidden, 'group')} with fewer spans not drawn." if hidden else "",
    ))  # fmt: skip


def _hover(row: dict[str, Any], name: str, columns: Sequence[str]) -> str:
    told_of = ", ".join(f"{percentile(column)} {told(row[column])}" for column in columns)
    counts = [f"{row[column]:,} {word}" for column, word in _COUNTS if column in row]
    ends = [f"{word} {told(row[column])}" for column, word in _ENDS if column in row]
    return "<br>".join(filter(None, [f"<b>{label(name, 200)}</b>", told_of, ", ".join(ends), ", ".join(counts)]))
