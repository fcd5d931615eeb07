"""How much fails over time, group by group, and when that comes in bursts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.alerting.words import period
from onex_analytics.views.error_patterns.buckets import MEASURES, Buckets, Line, width_of
from onex_analytics.views.groups import count, keys_of, name_of, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.panels import TIME, outline, runs, with_gaps
from onex_analytics.views.theme import (
    BLUE,
    PALETTE,
    REST,
    TEXT,
    blank,
    described,
    faded,
    label,
    styled,
    with_long_legend,
)

_MOST_COLUMNS = 240
_MOST_BANDS = 25
"""More would make a carpet; all bursts stand on the line above."""


def stacked_rates(rates: pl.DataFrame, bursts: pl.DataFrame | None = None, most: int = 8) -> go.Figure:
    """Failures over time, the groups one upon the other, from `error_patterns.error_rates` with `every` and `by`.

    Of a single group it is the failed share, with the interval that so few cases allow. Of more than 240 buckets, so
    many are added that no more columns are drawn.

    Args:
        rates: the rates.
        bursts: from `error_patterns.detect_bursts`: bands behind the bars, and a line above them.
        most: groups that get a colour of their own: those with the most failures. All others share one, "other".

    >>> from datetime import datetime
    >>> from onex_analytics.error_patterns import error_rates
    >>> from onex_analytics.model.shapes import EVENTS
    >>> from onex_analytics.views.theme import description
    >>> told = [{"event_id": str(hour), "family": "node", "outcome": "failure" if hour < 3 else "success",
    ...          "node": "ab"[hour % 2], "timestamp": datetime(2026, 11, 2, hour)} for hour in range(9)]
    >>> rows = pl.LazyFrame(told).with_columns(pl.col("timestamp").cast(EVENTS["timestamp"]))
    >>> rates = error_rates(rows.match_to_schema(EVENTS, missing_columns="insert"), "1h", "node").collect()
    >>> description(stacked_rates(rates))
    '3 failures over time, of 2 groups; most are of a: 2. The fullest 60 min begin at 02 Nov 00:00: 1 failure.'
    """
    if "start" not in rates.columns:
        return blank('the rates are of the whole time: give a bucket width, such as every="1h"')
    keys = keys_of(rates, MEASURES)
    timed = rates.filter(pl.col("start").is_not_null())
    if timed.is_empty():
        return blank("no event with a time")
    if not keys or timed.select(keys).n_unique() == 1:
        figure, words = _share(timed, keys)
    else:
        buckets = Buckets.of_rates(rates, ("failures",), _MOST_COLUMNS)
        if not buckets.lines:
            return blank("nothing failed")
        figure, words = _stack(buckets, most)
    told = _add_bursts(figure, bursts) if bursts is not None else ""
    with_long_legend(figure)
    return described(figure, sentence(words, told))


def _share(rates: pl.DataFrame, keys: list[str]) -> tuple[go.Figure, str]:
    """The line of one group, and the band that it could lie in."""
    rows = rates.sort("start").to_dicts()
    named = f" of {name_of(rows[0], keys)}" if any(rows[0][key] is not None for key in keys) else ""
    starts = [row["start"] for row in rows]
    width = width_of(rows)
    stretches = runs(starts, width)
    figure = go.Figure()
    if "low" in rates.columns:
        x, y = outline(starts, [row["low"] for row in rows], [row["high"] for row in rows], stretches)
        figure.add_scatter(
            x=x, y=y, fill="toself", mode="lines", line={"width": 0}, fillcolor=faded(BLUE, 0.22), hoverinfo="skip",
            name="Wilson interval",
        )  # fmt: skip
    figure.add_scatter(
        x=with_gaps(starts, stretches), y=with_gaps([row["error_rate"] for row in rows], stretches),
        mode="lines+markers", name=label(f"failed share{named}", 50), marker={"size": 5},
        line={"color": BLUE, "width": 2}, hovertemplate="%{customdata}<extra></extra>",
        customdata=with_gaps([f"{row['start']:%d %b %H:%M}<br>{_rate(row)}" for row in rows], stretches),
        error_y=_intervals(rows, stretches),
    )  # fmt: skip
    styled(figure, height=380, x_title=TIME, y_title="failed share")
    figure.update_yaxes(tickformat=".1~%", rangemode="tozero")
    figure.update_xaxes(range=[starts[0] - width, starts[-1] + width])
    failures = sum(row["failures"] for row in rows)
    known = [row for row in rows if row["error_rate"] is not None]
    worst = max(known, key=lambda row: row["error_rate"], default=None)
    return figure, sentence(
        f"The failed share over time{named}, {count(len(rows), 'bucket')} with {count(failures, 'failure')}.",
        f"It is highest at {worst['start']:%d %b %H:%M}: {worst['error_rate']:.1%}." if worst and failures else "",
    )


def _intervals(rows: Sequence[Mapping[str, Any]], stretches: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The intervals of buckets that stand alone, as bars: a band has no width there."""
    alone = [first for first, end in stretches if end - first == 1 and rows[first].get("low") is not None]
    if not alone:
        return {"visible": False}
    reach: dict[str, list[float | None]] = {bound: [None] * len(rows) for bound in ("high", "low")}
    for place in alone:
        for bound, told in reach.items():
            told[place] = abs(rows[place][bound] - rows[place]["error_rate"])
    up, down = (with_gaps(told, stretches) for told in reach.values())
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 6, "width": 0,
            "color": faded(BLUE, 0.22)}  # fmt: skip


def _stack(buckets: Buckets, most: int) -> tuple[go.Figure, str]:
    own, others, rest = buckets.parted(most)
    lengths = [(end - start).total_seconds() * 1000 for start, end in buckets.columns]
    middles = [start + (end - start) / 2 for start, end in buckets.columns]
    figure = go.Figure()
    for place, line in enumerate([*own, *([rest] if rest else [])]):
        at = sorted(line.cells)
        is_rest = line is rest
        name = f"other: {count(len(others), 'group')}" if is_rest else label(line.name, 30)
        figure.add_bar(
            x=[middles[column] for column in at], y=[buckets.count(line, column) for column in at],
            width=[lengths[column] for column in at], name=f"{name} · {line.n:,}", marker_line_width=0,
            marker_color=REST if is_rest else PALETTE[place % len(PALETTE)],
            customdata=[_hover(buckets, line, column, is_rest) for column in at],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    untimed = f"{count(buckets.untimed, 'failure')} without a time not drawn" if buckets.untimed else ""
    styled(figure, height=380 + 19 * len(figure.data), x_title=TIME + note(untimed),
           y_title=f"failures in {buckets.width}")  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0, legend_traceorder="normal")
    figure.update_xaxes(type="date", range=[buckets.columns[0][0], buckets.columns[-1][1]])
    totals = [sum(buckets.count(line, column) for line in buckets.lines) for column in range(len(buckets.columns))]
    fullest = max(range(len(totals)), key=lambda column: totals[column])
    top = own[0]
    return figure, sentence(
        f"{count(buckets.n, 'failure')} over time, of {count(len(buckets.lines), 'group')}; most are of {top.name}: "
        f"{top.n:,}.",
        f"The fullest {buckets.width} begin at {buckets.columns[fullest][0]:%d %b %H:%M}: "
        f"{count(totals[fullest], 'failure')}.",
        f"{count(len(others), 'group')} beyond the first {most} share one colour: {count(rest.n, 'failure')}."
        if rest else "",
        f"{count(buckets.silent, 'group')} without a failure not drawn." if buckets.silent else "",
        untimed + "." if untimed else "",
        f"A bar is {buckets.joined:,} buckets." if buckets.joined > 1 else "",
    )  # fmt: skip


def _hover(buckets: Buckets, line: Line, column: int, is_rest: bool) -> str:
    name = "<b>other</b>" if is_rest else f"<b>{label(line.name, 100)}</b>"
    rows = line.cells[column]
    told = _rate(rows[0]) if len(rows) == 1 else count(buckets.count(line, column), "failure")
    return f"{name}<br>{period(*buckets.columns[column])}<br>{told}"


def _rate(row: Mapping[str, Any]) -> str:
    counts = f"{row['failures']:,} failed, {row['finished']:,} finished, {row['events']:,} events"
    if row["error_rate"] is None:
        return f"no share: nothing to divide by<br>{counts}"
    has_bounds = row.get("low") is not None
    bounds = f" (Wilson interval {row['low']:.2%} to {row['high']:.2%})" if has_bounds else ""
    return f"failed share {row['error_rate']:.2%}{bounds}<br>{counts}"


def _add_bursts(figure: go.Figure, bursts: pl.DataFrame) -> str:
    """Bands behind the figure and a line on top of it; what they are in words."""
    rows = sorted(bursts.to_dicts(), key=lambda row: -row["score"])
    if not rows:
        return "No burst."
    keys = bursts.columns[: bursts.columns.index("start")]
    for row in rows[:_MOST_BANDS]:
        figure.add_vrect(x0=row["start"], x1=row["end"], fillcolor="rgba(128,128,128,0.2)", line_width=0, layer="below")
    figure.update_layout(yaxis2={"overlaying": "y", "visible": False, "range": [0, 1], "fixedrange": True})
    figure.add_scatter(
        x=list(chain.from_iterable((row["start"], row["end"], None) for row in rows)), y=[0.99, 0.99, None] * len(rows),
        yaxis="y2", mode="lines", line={"color": TEXT, "width": 4}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=[row["start"] + (row["end"] - row["start"]) / 2 for row in rows], y=[0.975] * len(rows), yaxis="y2",
        mode="markers", name=f"burst · {len(rows):,}", marker={"symbol": "triangle-down", "color": TEXT, "size": 10},
        customdata=[_told(row, name_of(row, keys) if keys else "") for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    first = rows[0]
    return (
        f"{count(len(rows), 'burst')}; the strongest{f', of {name_of(first, keys)},' if keys else ''} began at "
        f"{first['start']:%d %b %H:%M}: {count(first['errors'], 'error')} where {first['expected']:.3g} are usual."
    )


def _told(row: Mapping[str, Any], name: str) -> str:
    sure = "" if row["q"] is None else f", q = {row['q']:.2g}"
    return (
        f"<b>burst{f' of {label(name, 100)}' if name else ''}</b><br>{period(row['start'], row['end'])}<br>"
        f"{count(row['errors'], 'error')}, usual are {row['expected']:.3g}: × {row['ratio']:.3g}{sure}"
    )
