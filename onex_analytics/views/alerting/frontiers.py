"""What precision, recall and delay a rule can have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.alerting.sweep_rows import half, line_of, share
from onex_analytics.views.alerting.words import number
from onex_analytics.views.durations import told as duration
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import BLUE, REST, blank, described, faded, styled, with_long_legend


def frontier(frame: pl.DataFrame) -> go.Figure:
    """Precision, recall and delay that a rule can have, from `alerting.frontier`: what nothing beats is coloured.

    The darker, the sooner half of the incidents are known of; grey marks are beaten by a coloured one.
    """
    if frame.is_empty():
        return blank("no threshold fires, so that there is no precision")
    best = [row for row in frame.to_dicts() if row["best"]]
    rest = [row for row in frame.to_dicts() if not row["best"]]
    figure = go.Figure()
    figure.add_scatter(
        x=[row["recall"] for row in rest], y=[row["precision"] for row in rest], mode="markers", name="beaten",
        marker={"color": faded(REST, 0.4), "size": 6}, customdata=[_score(row) for row in rest],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    known = [row for row in best if row["delay_s_p50"] is not None]
    never = [row for row in best if row["delay_s_p50"] is None]
    seconds = [max(row["delay_s_p50"], 1.0) for row in known]
    figure.add_scatter(
        x=[row["recall"] for row in never], y=[row["precision"] for row in never], mode="markers",
        name="unbeaten; fewer than half are ever known of",
        marker={"color": BLUE, "size": 11, "symbol": "circle-open", "line": {"width": 2}},
        customdata=[_score(row) for row in never], hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    if known:
        low, high = min(seconds), max(*seconds, 2 * min(seconds))
        ticks = sorted({low, high, math.sqrt(low * high)})
        figure.add_scatter(
            x=[row["recall"] for row in known], y=[row["precision"] for row in known], mode="markers",
            name="unbeaten",
            customdata=[_score(row) for row in known], hovertemplate="%{customdata}<extra></extra>",
            marker={"size": 13, "color": [math.log10(second) for second in seconds], "cmin": math.log10(low),
                    "cmax": math.log10(high), "colorscale": [[0.0, faded(BLUE, 1.0)], [1.0, faded(BLUE, 0.3)]],
                    "line": {"color": BLUE, "width": 1.5},
                    "colorbar": {"title": {"text": "half known after", "side": "top", "font": {"size": 12}},
                                 "thickness": 12, "lenmode": "pixels", "len": 170, "y": 1, "yanchor": "top",
                                 "tickvals": [math.log10(tick) for tick in ticks],
                                 "ticktext": [duration(tick * 1000) for tick in ticks]}},
        )  # fmt: skip
    for row in _told_apart(best):
        figure.add_annotation(
            x=row["recall"], y=row["precision"], text=number(row["threshold"]), showarrow=False, yshift=15,
            font={"size": 12},
        )  # fmt: skip
    x_title = "recall: of the incidents, caught" + note("above the marks: the threshold")
    styled(figure, height=500, x_title=x_title, y_title="precision: of the firings, right")
    with_long_legend(figure)
    figure.update_xaxes(tickformat=".0%", range=[-0.03, 1.05])
    figure.update_yaxes(tickformat=".0%", range=[-0.03, 1.1])
    top = best[0]
    return described(figure, sentence(
        f"Precision by recall: {count(len(best), 'choice')} that nothing beats, and {len(rest):,} that are beaten.",
        f"The highest recall is {share(top['recall'])}, at precision {share(top['precision'])} with threshold "
        f"{number(top['threshold'])}; half of the incidents are then known after {half(top)}.",
    ))  # fmt: skip


def _told_apart(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose marks lie far enough from each other to be named."""
    kept: list[Mapping[str, Any]] = []
    for row in rows:
        if all(abs(row["recall"] - one["recall"]) > 0.05 or abs(row["precision"] - one["precision"]) > 0.13
               for one in kept):  # fmt: skip
            kept.append(row)
    return kept


def _score(row: Mapping[str, Any]) -> str:
    pages = "" if row["pages_per_day"] is None else f", {number(row['pages_per_day'])} pages a day"
    return (
        f"<b>threshold {number(row['threshold'])}</b>, {line_of(row)}<br>recall {share(row['recall'])}, precision "
        f"{share(row['precision'])}<br>half known after {half(row)}<br>{count(row['firings'], 'firing')}{pages}"
    )
