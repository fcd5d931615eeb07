"""A rule under every threshold: what each would cost, and what it would find."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.alerting.sweep_rows import line_of, row_of, share, told_of
from onex_analytics.views.alerting.words import number
from onex_analytics.views.durations import LogAxis
from onex_analytics.views.durations import told as duration
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import (
    BLUE,
    GREEN,
    ORANGE,
    PALETTE,
    PINK,
    RED,
    TEXT,
    blank,
    described,
    styled,
    with_long_legend,
)

_MOST_STEPS = 1500
_MOST_LINES = 6
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_NONE = 0.5
"""Where a logarithmic axis of counts has its zero."""


def sweep_curve(frame: pl.DataFrame, current: float | None = None) -> go.Figure:
    """What a rule would do with every threshold, from `alerting.sweep`: a step wherever anything changes.

    Panels of firings (and pages, where they were simulated), of the time in alert, and with incidents of recall and
    precision; a line a window and `for`, six at most.

    Args:
        frame: the sweep.
        current: the threshold that the rule has now: a line across all panels.
    """
    if frame.is_empty():
        return blank("no label set was evaluated, so that there is nothing to compare with a threshold")
    parts = [part.to_dicts() for part in frame.partition_by("window", "for", maintain_order=True)]
    shown, hidden = parts[:_MOST_LINES], max(len(parts) - _MOST_LINES, 0)
    judged = any(row["recall"] is not None for part in shown for row in part)
    paged = any(row["pages_per_day"] is not None for part in shown for row in part)
    titles = ["firings", "time in alert", *["recall", "precision"] * judged, *["pages a day"] * paged]
    figure = make_subplots(rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=0.16 / len(titles))
    axis = _ThresholdAxis(shown, current)
    for place, part in enumerate(shown):
        _add_steps(figure, part, place, len(shown), axis, titles)
    styled(figure, height=110 + 150 * len(titles))
    with_long_legend(figure)
    figure.update_layout(margin_t=64)
    if current is not None:
        at = axis.place(current)
        figure.add_vline(x=at, line={"color": TEXT, "width": 1.5, "dash": "dash"})
        figure.add_annotation(x=math.log10(at) if axis.log else at, y=1, xref="x", yref="paper", yanchor="bottom",
                              text=f"now {number(current)}", showarrow=False, font={"size": 12})  # fmt: skip
    _name_axes(figure, shown, titles, axis, hidden)
    return described(figure, _words(shown, parts, current, judged))


class _ThresholdAxis:
    """Thresholds from the lowest to the highest that changes anything; logarithmic where most lie close to zero."""

    def __init__(self, parts: Sequence[Sequence[Mapping[str, Any]]], current: float | None) -> None:
        edges = sorted({row[end] for part in parts for row in part for end in ("low", "high") if row[end] is not None})
        if not edges:
            edges = sorted({row["threshold"] for part in parts for row in part})
        if current is not None:
            edges = sorted({*edges, current})
        positive = [edge for edge in edges if edge > 0]
        self.log = bool(positive) and edges[0] >= 0 and edges[len(edges) // 2] < edges[-1] / 10 and len(positive) > 1
        self._foot = positive[0] / 1.5 if self.log and edges[0] == 0 else None
        self.low, self.high = edges[0], edges[-1]
        self._first = positive[0] if positive else 1.0

    def place(self, threshold: float) -> float:
        return max(threshold, self._foot or self._first) if self.log else threshold

    def layout(self) -> dict[str, Any]:
        if not self.log:
            margin = 0.03 * (self.high - self.low) or max(abs(self.high), 1.0) * 0.1
            return {"range": [self.low - margin, self.high + margin]}
        ends = [math.log10(self.place(self.low)), math.log10(self.high)]
        margin = 0.03 * (ends[1] - ends[0])
        step: Any = "D2" if ends[1] - ends[0] < 3 else 1
        return {"type": "log", "range": [ends[0] - margin, ends[1] + margin], "dtick": step, "tickformat": "~g"}


def _add_steps(
    figure: go.Figure, part: Sequence[Mapping[str, Any]], place: int, lines: int, axis: _ThresholdAxis,
    titles: Sequence[str],
) -> None:  # fmt: skip
    rows = _thinned(part, _MOST_STEPS // lines)
    name = line_of(part[0])
    x = [axis.place(axis.low if row["low"] is None else row["low"]) for row in rows]
    x.append(axis.place(axis.high if rows[-1]["high"] is None else rows[-1]["high"]))
    hovers = [told_of(row, name if lines > 1 else "") for row in rows]
    single = lines == 1

    def add(panel: str, values: list[float | None], what: str, colour: str, dash: str) -> None:
        figure.add_scatter(
            x=x, y=[*values, values[-1]], mode="lines", line={"shape": "hv", "color": colour, "width": 2, "dash": dash},
            name=what, customdata=[*hovers, hovers[-1]], hovertemplate="%{customdata}<extra></extra>",
            legendgroup=what, showlegend=single or panel == titles[0], row=titles.index(panel) + 1, col=1,
        )  # fmt: skip

    colour = PALETTE[place % len(PALETTE)]
    dash = _DASHES[place % len(_DASHES)] if lines > 1 else "solid"
    counts = [max(row["firings"], _NONE) for row in rows]
    lasting: list[float | None] = [row["firing_s"] * 1000 for row in rows]
    add("firings", counts, "firings" if single else name, BLUE if single else colour, dash)
    add("time in alert", LogAxis.of(lasting).places(lasting), "time in alert" if single else name,
        ORANGE if single else colour, dash)  # fmt: skip
    if "recall" in titles:
        add("recall", [row["recall"] for row in rows], "recall: of the incidents, caught" if single else name,
            GREEN if single else colour, dash)  # fmt: skip
        add("precision", [row["precision"] for row in rows], "precision: of the firings, right" if single else name,
            PINK if single else colour, dash)  # fmt: skip
    if "pages a day" in titles:
        told = [row for row in part if row["pages_per_day"] is not None]
        figure.add_scatter(
            x=[axis.place(row["threshold"]) for row in told], y=[row["pages_per_day"] for row in told],
            mode="lines+markers" if len(told) < 60 else "lines", name="pages a day" if single else name,
            line={"shape": "hv", "color": RED if single else colour, "width": 2, "dash": dash}, marker={"size": 6},
            legendgroup="pages a day" if single else name, showlegend=single,
            customdata=[told_of(row, "" if single else name) for row in told],
            hovertemplate="%{customdata}<extra></extra>", row=titles.index("pages a day") + 1, col=1,
        )  # fmt: skip


def _name_axes(
    figure: go.Figure, shown: Sequence[Sequence[Mapping[str, Any]]], titles: Sequence[str], axis: _ThresholdAxis,
    hidden: int,
) -> None:  # fmt: skip
    rows = [row for part in shown for row in part]
    for place, title in enumerate(titles, start=1):
        figure.update_yaxes(title={"text": title, "font": {"size": 12}}, row=place, col=1)
        figure.update_xaxes(title_text=None, row=place, col=1)
    most = max(row["firings"] for row in rows)
    steps = (1, 2, 5) if most < 100 else (1,)
    ticks = [step * 10**power for power in range(len(str(most))) for step in steps]
    figure.update_yaxes(
        type="log", tickvals=[_NONE, *ticks], ticktext=["0", *(f"{tick:,}" for tick in ticks)],
        range=[math.log10(_NONE) - 0.1, math.log10(max(most, 1) * 1.6)], row=1, col=1,
    )  # fmt: skip
    figure.update_yaxes(LogAxis.of(row["firing_s"] * 1000 for row in rows).layout(5), row=2, col=1)
    for place, title in enumerate(titles, start=1):
        if title in ("recall", "precision"):
            figure.update_yaxes(tickformat=".0%", range=[-0.05, 1.06], row=place, col=1)
    if "pages a day" in titles:
        figure.update_yaxes(rangemode="tozero", row=len(titles), col=1)
    most = _MOST_STEPS // len(shown)
    thinned = max(len(part) for part in shown) > most
    notes = [f"{count(hidden, 'more line')} not drawn"] * bool(hidden)
    notes += [f"{most:,} of {max(len(part) for part in shown):,} steps are drawn"] * thinned
    figure.update_xaxes(axis.layout())
    title = "threshold" + (" (log scale)" if axis.log else "") + note("; ".join(notes))
    figure.update_xaxes(title_text=title, row=len(titles), col=1)


def _words(
    shown: Sequence[Sequence[Mapping[str, Any]]], parts: Sequence[Any], current: float | None, judged: bool
) -> str:
    first = shown[0]
    now = None if current is None else row_of(first, current)
    return sentence(
        f"What a rule would do with every threshold: {count(len(first), 'row')} in which nothing changes"
        + (f", of {count(len(parts), 'window and for', 'windows and fors')}." if len(parts) > 1 else "."),
        f"Between none and {max(row['firings'] for row in first):,} firings.",
        f"With {number(current)}, as it is now, {count(now['firings'], 'firing')}, {duration(now['firing_s'] * 1000)} "
        "in alert" + (f", recall {share(now['recall'])}, precision {share(now['precision'])}." if judged else ".")
        if now is not None else "",
    )  # fmt: skip


def _thinned(part: Sequence[Mapping[str, Any]], most: int) -> Sequence[Mapping[str, Any]]:
    """At most so many of the steps as can be told apart, the first and the last among them."""
    if len(part) <= most:
        return part
    return [part[place * (len(part) - 1) // (most - 1)] for place in range(most)]
