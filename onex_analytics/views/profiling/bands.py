"""Percentiles over time: bands from one to the next, and where a level changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import LogAxis, told
from onex_analytics.views.groups import (
    count,
    keys_of,
    name_of,
    parts_of,
    percentile,
    quantile_columns,
    sentence,
)
from onex_analytics.views.joining import MOST_MARKS, extremes, joined, worst
from onex_analytics.views.panels import (
    MOST_PANELS,
    TICKS_OF_PANEL,
    bucket_width,
    busiest,
    outline,
    panels,
    runs,
    say_below,
    with_gaps,
)
from onex_analytics.views.theme import BLUE, RED, TEXT, blank, described, faded, label

_LATENCY = {
    "start", "n", "errors", "weight", "error_rate", "mean_ms", "std_ms", "min_ms", "max_ms", "open", "negative",
    "unmeasured", "exact", "relative_error",
}  # fmt: skip
_POINT = {"index", "before", "after", "ratio", "n_before", "n_after", "p", "q", "n_tests", "left_out"}
_Y_TITLE = "duration (log scale)"


def percentile_bands(frame: pl.DataFrame) -> go.Figure:
    """Percentiles over time with the bands between them, from `profiling.latency_timeseries`; a panel a group.

    A bucket without a measured span leaves a gap. The eight groups with the fullest buckets are drawn.
    """
    columns = quantile_columns(frame)
    known = frame.filter(pl.col("start").is_not_null()) if "start" in frame.columns else frame
    if known.is_empty() or not columns:
        return blank("no span with a known start" if columns else "the frame has no percentiles")
    parts = parts_of(known, keys_of(frame, _LATENCY))
    shown, hidden = busiest(parts)
    drawn = pl.concat(part for _, part in shown)
    keys = keys_of(frame, _LATENCY)
    drawn, many = joined(drawn, keys, lambda n: worst(columns), MOST_MARKS // (len(shown) * len(columns)))
    shown = parts_of(drawn, keys) if many > 1 else shown
    figure = panels([name for name, _ in shown], hidden, height=380, y_title=_Y_TITLE)
    together = f"each mark is the worst of {many:,} buckets" if many > 1 else ""
    say_below(figure, together)
    width = bucket_width(drawn["start"].to_list())
    for place, (_, part) in enumerate(shown, start=1):
        axis = LogAxis.of(value for column in columns for value in part[column])
        figure.update_yaxes(axis.layout(TICKS_OF_PANEL if len(shown) > 1 else 12), row=place, col=1)
        _add_bands(figure, part, columns, axis, place, runs(part["start"].to_list(), width))
    nowhere = frame.height - known.height
    return described(figure, sentence(
        f"{', '.join(map(percentile, columns))} of durations over time: {count(known.height, 'bucket')}"
        f" of {count(len(parts), 'group')}." if len(parts) > 1 else
        f"{', '.join(map(percentile, columns))} of durations in {count(known.height, 'bucket')} of time.",
        f"{percentile(columns[-1])} lies between {_reach(known[columns[-1]])}.",
        f"{together.capitalize()}." if together else "",
        f"{count(hidden, 'less busy group')} not drawn." if hidden else "",
        f"Spans without a known start are not drawn ({count(nowhere, 'row')})." if nowhere else "",
    ))  # fmt: skip


def change_points(
    series: pl.DataFrame, points: pl.DataFrame, value: str = "p50_ms", *, time: str = "start"
) -> go.Figure:
    """A series with the moments at which its level changed, from `profiling.change_points`; a panel a group.

    Args:
        series: what was given to `change_points`.
        points: what it returned; may be empty.
        value, time: as they were given there. A `value` in milliseconds, by its name, is drawn on a logarithmic axis.
    """
    if series.is_empty():
        return blank("the series has no point")
    keys = [name for name in points.columns if name not in {*_POINT, time}]
    by_group = {name: part.to_dicts() for name, part in parts_of(points, keys)} if points.height else {}
    parts = sorted(parts_of(series, keys), key=lambda named: named[0] not in by_group)
    shown = parts[:MOST_PANELS]
    in_ms = value.endswith("_ms")
    title = f"{percentile(value)} (log scale)" if in_ms else value
    hidden = len(parts) - len(shown)
    figure = panels([name for name, _ in shown], hidden, height=340, y_title=label(title), what="more group")
    many = 1
    for place, (name, part) in enumerate(shown, start=1):
        known = part.filter(pl.col(time).is_not_null()).sort(time)
        if known.height > MOST_MARKS // len(shown):
            known, some = extremes(known, [], value, MOST_MARKS // (2 * len(shown)), time)
            many = max(many, some)
        values, changes = known[value].to_list(), by_group.get(name, [])
        axis = LogAxis.of([*values, *(level for change in changes for level in (change["before"], change["after"]))])
        if in_ms:
            figure.update_yaxes(axis.layout(TICKS_OF_PANEL if len(shown) > 1 else 12), row=place, col=1)
        put = axis.places if in_ms else list
        stretches = runs(known[time].to_list(), many * bucket_width(known[time].to_list()))
        figure.add_scatter(
            x=with_gaps(known[time].to_list(), stretches), y=with_gaps(put(values), stretches), mode="lines+markers",
            line={"color": faded(BLUE, 0.55), "width": 1.5}, marker={"size": 4, "color": BLUE}, name=label(value),
            customdata=with_gaps([_level(v, in_ms) for v in values], stretches), showlegend=place == 1,
            hovertemplate="%{x|%d %b %H:%M:%S}<br>%{customdata}<extra></extra>", row=place, col=1,
        )  # fmt: skip
        if changes:
            _add_changes(figure, known[time].to_list(), changes, put, time, in_ms, place)
    together = f"of {many:,} points in a row the least and the greatest are drawn" if many > 1 else ""
    say_below(figure, together)
    changed = points.to_dicts()
    return described(figure, sentence(
        f"{label(value)} over time: {count(series.height, 'point')}, {count(len(changed), 'change')} of level.",
        *(f"{name_of(row, keys) + ': ' if keys else ''}{row[time]:%d %b %H:%M} from {_level(row['before'], in_ms)} to "
          f"{_level(row['after'], in_ms)}." for row in changed[:MOST_PANELS]),
        f"{together.capitalize()}." if together else "",
        f"{count(hidden, 'group')} not drawn." if hidden else "",
    ))  # fmt: skip


def _add_bands(
    figure: go.Figure, part: pl.DataFrame, columns: Sequence[str], axis: LogAxis, place: int,
    stretches: Sequence[tuple[int, int]],
) -> None:  # fmt: skip
    starts = part["start"].to_list()
    placed = {column: axis.places(part[column]) for column in columns}
    pale = [0.34 - 0.2 * i / max(len(columns) - 2, 1) for i in range(len(columns))]
    for i, (low, high) in enumerate(pairwise(columns)):
        x, y = outline(starts, placed[low], placed[high], stretches)
        figure.add_scatter(
            x=x, y=y, fill="toself", mode="lines", line={"width": 0}, fillcolor=faded(BLUE, pale[i]), hoverinfo="skip",
            name=f"{percentile(low)} to {percentile(high)}", showlegend=place == 1, row=place, col=1,
        )  # fmt: skip
    rows = part.to_dicts()
    counted = [f"{row['n']:,} measured, {row['errors']:,} failed, {row['open']:,} open" for row in rows]
    for i, column in enumerate(columns):
        figure.add_scatter(
            x=with_gaps(starts, stretches), y=with_gaps(placed[column], stretches), name=percentile(column),
            mode="lines+markers", showlegend=place == 1 and (i == 0 or len(columns) == 1),
            line={"color": BLUE if i == 0 else faded(BLUE, 0.75), "width": 2.5 if i == 0 else 1},
            marker={"size": 5 if i == 0 else 3},
            customdata=with_gaps([(told(row[column]), n) for row, n in zip(rows, counted, strict=True)], stretches),
            hovertemplate=f"%{{x|%d %b %H:%M:%S}}<br>{percentile(column)}: %{{customdata[0]}}<br>%{{customdata[1]}}"
                          "<extra></extra>", row=place, col=1,
        )  # fmt: skip


def _add_changes(
    figure: go.Figure, times: list[Any], changes: list[dict[str, Any]], put: Any, time: str, in_ms: bool, place: int
) -> None:
    x: list[Any] = []
    y: list[Any] = []
    for i, change in enumerate(changes):
        since = changes[i - 1][time] if i else times[0]
        until = changes[i + 1][time] if i + 1 < len(changes) else times[-1]
        x += [since, change[time], None, change[time], until, None]
        y += [*put([change["before"]] * 2), None, *put([change["after"]] * 2), None]
    figure.add_scatter(x=x, y=y, mode="lines", name="level", line={"color": TEXT, "width": 2, "dash": "dash"},
                       hoverinfo="skip", showlegend=place == 1, row=place, col=1)  # fmt: skip
    for rises, word, symbol, colour in ((True, "rises", "triangle-up", RED), (False, "falls", "triangle-down", BLUE)):
        found = [change for change in changes if (change["after"] > change["before"]) == rises]
        if found:
            figure.add_scatter(
                x=[change[time] for change in found], y=put([change["after"] for change in found]), mode="markers",
                name=f"the level {word}", legendgroup=word, showlegend=place == 1 or not _named(figure, word),
                marker={"symbol": symbol, "size": 14, "color": colour, "line": {"width": 1, "color": "white"}},
                customdata=[_told(change, in_ms) for change in found],
                hovertemplate="%{x|%d %b %H:%M:%S}<br>%{customdata}<extra></extra>", row=place, col=1,
            )  # fmt: skip
    for change in changes:
        figure.add_vline(x=change[time], line={"color": TEXT, "width": 1, "dash": "dot"}, row=place, col=1)


def _named(figure: go.Figure, word: str) -> bool:
    return any(trace.legendgroup == word and trace.showlegend for trace in figure.data)


def _told(change: dict[str, Any], in_ms: bool) -> str:
    ratio = "" if change["ratio"] is None else f" (× {change['ratio']:.3g})"
    return (
        f"from {_level(change['before'], in_ms)} to {_level(change['after'], in_ms)}{ratio}<br>"
        f"q = {change['q']:.2g}, {change['n_before']:,} points before, {change['n_after']:,} after"
    )


def _level(value: float | None, in_ms: bool) -> str:
    return told(value) if in_ms or value is None else f"{value:,.4g}"


def _reach(values: pl.Series) -> str:
    known = [value for value in values if value is not None]
    return f"{told(min(known))} and {told(max(known))}" if known else "– and –"
