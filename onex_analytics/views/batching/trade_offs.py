"""What fewer exports cost: the delay of events, policy by policy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import LogAxis, number
from onex_analytics.views.durations import told as duration
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import BLUE, RED, REST, blank, described, faded, label, styled, with_long_legend

_NARROW, _HIGH = 300, 340
_BESIDE = 9
_KINDS = {
    "beaten": (REST, "circle"),
    "loses events": (RED, "x"),
    "nothing beats it": (BLUE, "circle"),
}
"""The last lies above the others."""


def delay_by_rate(policies: pl.DataFrame) -> go.Figure:
    """Delay against batches a second, from `compare_policies`: the mark is the 95 % that are sooner, the line reaches
    from the median to 99 %.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.batching import BatchPolicy, compare_policies
    >>> noon = datetime(2026, 11, 1, 12)
    >>> times = [noon + timedelta(milliseconds=50 * n) for n in range(5)]
    >>> events = pl.DataFrame({"timestamp": times, "size_bytes": 300})
    >>> found = compare_policies([BatchPolicy(max_size=2), BatchPolicy(max_size=4)], events)
    >>> [mark.name for mark in delay_by_rate(found).data if mark.name]
    ['beaten · 1', 'nothing beats it · 1']
    """
    rows = [row for row in policies.to_dicts() if row["delay_p95_ms"] is not None and row["batches_per_s"]]
    if not rows:
        return blank("no policy made batches over any time")
    axis = LogAxis.of([row[f"delay_{share}_ms"] for row in rows for share in ("p50", "p95", "p99")])
    figure = go.Figure()
    for kind, (colour, symbol) in _KINDS.items():
        part = [row for row in rows if _kind(row) == kind]
        if not part:
            continue
        ends = [axis.places([row["delay_p50_ms"], row["delay_p99_ms"]]) for row in part]
        figure.add_scatter(
            x=[x for row in part for x in (row["batches_per_s"], row["batches_per_s"], None)],
            y=[y for low, high in ends for y in (low, high, None)], mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": faded(colour, 0.45), "width": 3},
        )  # fmt: skip
        figure.add_scatter(
            x=[row["batches_per_s"] for row in part], y=axis.places([row["delay_p95_ms"] for row in part]),
            mode="markers", name=f"{kind} · {len(part):,}", legendrank=1 if kind == "nothing beats it" else 2,
            marker={"color": colour, "size": 11, "symbol": symbol}, customdata=[_told(row) for row in part],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    rates = [math.log10(row["batches_per_s"]) for row in rows]
    margin = max(0.15, 0.08 * (max(rates) - min(rates)))
    hidden = policies.height - len(rows)
    rest = note(f"{count(hidden, 'policy', 'policies')} without batches or rate not drawn" if hidden else "")
    styled(figure, height=500, x_title="batches a second" + rest, y_title="delay: p50 to p99, mark at p95")
    figure.update_xaxes(type="log", range=[min(rates) - margin, max(rates) + margin], **_decades(rates))
    figure.update_yaxes(**axis.layout())
    for text, x, y, side in _names(rows, axis, figure.layout.xaxis.range, figure.layout.yaxis.range):
        figure.add_annotation(
            x=x, y=y, text=text, showarrow=False, font={"size": 12}, xanchor="left" if side > 0 else "right",
            xshift=_BESIDE * side,
        )  # fmt: skip
    with_long_legend(figure)
    best = min((row for row in rows if row["best"]), key=lambda row: row["delay_p95_ms"], default=rows[0])
    losing = sum(_kind(row) == "loses events" for row in rows)
    return described(figure, sentence(
        f"Delay by batches a second of {count(len(rows), 'policy', 'policies')}.",
        f"The soonest that nothing beats is {best['policy']}: {number(best['batches_per_s'])} batches a second, 95 % "
        f"of the events within {duration(best['delay_p95_ms'])}.",
        f"{count(losing, 'policy loses', 'policies lose')} events." if losing else "",
    ))  # fmt: skip


def _kind(row: Mapping[str, Any]) -> str:
    if row["dropped_full"] or row["dropped_oversize"]:
        return "loses events"
    return "nothing beats it" if row["best"] else "beaten"


def _names(
    rows: Sequence[Mapping[str, Any]], axis: LogAxis, across: tuple[float, float], up: tuple[float, float]
) -> list[tuple[str, float, float, int]]:
    """Names that lie upon no mark and no other name, not on a telephone either, the best policies first: the text,
    where its mark is on the axes, and whether it stands to the right of it (1) or to the left (−1)."""
    marks = []
    for row in sorted(rows, key=lambda row: (not row["best"], row["delay_p95_ms"])):
        place = axis.places([row["delay_p95_ms"]])[0]
        marks.append((row, math.log10(row["batches_per_s"]), math.log10(place or 1)))
    points = [_pixels(x, y, across, up) for _, x, y in marks]
    taken = [(left - 6, left + 6, top - 7, top + 7) for left, top in points]
    found = []
    for (row, x, y), (left, top) in zip(marks, points, strict=True):
        text = label(row["policy"], 26)
        wide = 6.7 * len(text)
        for side in (1, -1):
            low, high = sorted((left + side * _BESIDE, left + side * (_BESIDE + wide)))
            free = all(high < a or b < low or top + 8 < c or d < top - 8 for a, b, c, d in taken)
            if free and low >= 0 and high <= _NARROW:
                taken.append((low, high, top - 8, top + 8))
                found.append((text, x, y, side))
                break
    return found


def _pixels(x: float, y: float, across: tuple[float, float], up: tuple[float, float]) -> tuple[float, float]:
    """Where a mark stands on a narrow page."""
    return (x - across[0]) / (across[1] - across[0]) * _NARROW, (y - up[0]) / (up[1] - up[0]) * _HIGH


def _decades(rates: Sequence[float]) -> dict[str, Any]:
    """Marks of the axis: whole decades, with 2 and 5 between where there are few."""
    low, high = math.floor(min(rates)), math.ceil(max(rates))
    steps = (1, 2, 5) if max(rates) - min(rates) < 2.5 else (1,)
    ticks = [step * 10.0**power for power in range(low - 1, high + 1) for step in steps]
    return {"tickvals": ticks, "ticktext": [number(tick) for tick in ticks]}


def _told(row: Mapping[str, Any]) -> str:
    lost = row["dropped_full"] + row["dropped_oversize"]
    used = "" if row["utilisation"] is None else f", the exporter works {row['utilisation']:.0%} of the time"
    waited = f"<br>{count(row['blocked'], 'event')} waited for room" if row["blocked"] else ""
    return (
        f"<b>{label(row['policy'])}</b><br>{number(row['batches_per_s'])} batches a second of "
        f"{number(row['size_mean'])} events{used}<br>delay: half within {duration(row['delay_p50_ms'])}, 95 % within "
        f"{duration(row['delay_p95_ms'])}, 99 % within {duration(row['delay_p99_ms'])}, all within "
        f"{duration(row['delay_max_ms'])}<br>{count(lost, 'event')} lost of {row['events']:,}{waited}"
    )
