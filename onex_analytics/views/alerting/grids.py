"""Threshold by `for`: what a rule would cost and find with each pair."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.alerting.sweep_rows import length, line_of, row_of, told_of
from onex_analytics.views.alerting.words import number
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import BLUE, RED, blank, described, faded, styled

_MOST_CELLS = 36
_MOST_WINDOWS = 4
_ALERTS = [[0.0, faded(RED, 0.06)], [1.0, faded(RED, 1.0)]]
_SHARES = [[0.0, faded(BLUE, 0.06)], [1.0, faded(BLUE, 1.0)]]


def threshold_by_for(frame: pl.DataFrame) -> go.Figure:
    """Threshold by `for`, from `alerting.sweep` with several `for_`: firings or pages a day, recall and precision.

    A row of panels a window, four at most. Of more than 36 thresholds, so many are drawn, evenly among those that
    change anything.
    """
    if frame.is_empty():
        return blank("no label set was evaluated, so that there is nothing to compare with a threshold")
    rows = frame.to_dicts()
    by_window: dict[Any, dict[Any, list[dict[str, Any]]]] = {}
    for row in rows:
        by_window.setdefault(row["window"], {}).setdefault(row["for"], []).append(row)
    windows = list(by_window)[:_MOST_WINDOWS]
    every = sorted({row["threshold"] for row in rows})
    if len(every) > _MOST_CELLS:  # those beyond all values say little
        every = sorted({row["threshold"] for row in rows if None not in (row["low"], row["high"])}) or every
    fors = sorted({row["for"] for row in rows})
    thresholds = every if len(every) <= _MOST_CELLS else [
        every[place * (len(every) - 1) // (_MOST_CELLS - 1)] for place in range(_MOST_CELLS)
    ]  # fmt: skip
    cost = "pages_per_day" if all(row["pages_per_day"] is not None for row in rows) else "firings"
    measures = [cost] + ["recall", "precision"] * any(row["recall"] is not None for row in rows)
    names = {"pages_per_day": "pages a day", "firings": "firings", "recall": "recall", "precision": "precision"}
    several = len(windows) > 1
    figure = make_subplots(
        rows=len(windows), cols=len(measures), shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.03,
        vertical_spacing=0.3 / (len(windows) + 1),
        subplot_titles=[names[measure] + (f", window {length(window)}" if several else "")
                        for window in windows for measure in measures],
    )  # fmt: skip
    most = max(row[cost] for row in rows)
    for line, window in enumerate(windows, start=1):
        cells = [[row_of(by_window[window].get(hold, []), threshold) for threshold in thresholds]
                 for hold in fors]  # fmt: skip
        for column, measure in enumerate(measures, start=1):
            z = [[None if cell is None or cell[measure] is None else cell[measure] for cell in row] for row in cells]
            figure.add_heatmap(
                x=list(range(len(thresholds))), y=list(range(len(fors))),
                z=[[None if value is None else math.log10(1 + value) for value in row] for row in z]
                if measure == cost else z,
                text=[["" if value is None or len(thresholds) > 12 else _cell(value, measure) for value in row]
                      for row in z],
                texttemplate="%{text}", colorscale=_ALERTS if measure == cost else _SHARES, showscale=False,
                zmin=0, zmax=math.log10(1 + (most or 1)) if measure == cost else 1, xgap=1, ygap=1, hoverongaps=False,
                customdata=[["" if cell is None else told_of(cell, line_of(cell)) for cell in row] for row in cells],
                hovertemplate="%{customdata}<extra></extra>", row=line, col=column,
            )  # fmt: skip
            figure.update_yaxes(tickvals=list(range(len(fors))), ticktext=[length(hold) for hold in fors],
                                row=line, col=column)  # fmt: skip
    styled(figure, height=int(130 + len(windows) * (60 + 28 * len(fors))), legend=False)
    figure.update_layout(margin_t=40)
    step = -(-len(thresholds) // (12 if len(measures) == 1 else 6))
    figure.update_xaxes(
        tickvals=list(range(0, len(thresholds), step)), ticktext=[number(one) for one in thresholds[::step]],
        showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_yaxes(showgrid=False, zeroline=False)
    dropped = len(by_window) - len(windows)
    for column in range(1, len(measures) + 1):
        more = note(f"{count(dropped, 'more window')} not drawn") if dropped and column == 1 else ""
        figure.update_xaxes(title_text="threshold" + more, row=len(windows), col=column)
    for line in range(1, len(windows) + 1):
        figure.update_yaxes(title_text="for", row=line, col=1)
    return described(figure, sentence(
        f"{names[cost].capitalize()}{', recall and precision' if len(measures) > 1 else ''} by threshold and for: "
        f"{count(len(thresholds), 'threshold')} from {number(thresholds[0])} to {number(thresholds[-1])}, for "
        f"{', '.join(map(length, fors))}.",
        f"At most {number(float(most))} {names[cost]}.",
        f"{len(every) - len(thresholds):,} thresholds between these are not drawn." if len(every) > len(thresholds)
        else "",
    ))  # fmt: skip


def _cell(value: float, measure: str) -> str:
    if measure in ("recall", "precision"):
        return f"{value:.0%}"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
