"""How much is under way at once, over time."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, keys_of, parts_of, sentence
from onex_analytics.views.joining import MOST_MARKS, UNDER_WAY, extremes, joined
from onex_analytics.views.lanes import note
from onex_analytics.views.panels import TIME
from onex_analytics.views.theme import ORANGE, PALETTE, blank, described, faded, label, styled, with_long_legend

_STEPS = {"at", "in_flight", "started", "ended", "open", "weight", "left_out", "exact", "relative_error"}
_BUCKETS = {"start", "mean_in_flight", "peak", "least", "mean_weight", "open", "left_out", "exact", "relative_error"}
def concurrency(frame: pl.DataFrame, most: int = 6) -> go.Figure:
    """Spans under way over time, from `profiling.in_flight`, step by step or by buckets (`every=`): a line a group.

    Of buckets the line is the mean, and the band around the line of a single group reaches from the least to the peak.

    Args:
        frame: the concurrency.
        most: lines that are drawn: of the groups with the highest peaks. The axis says how many are not.
    """
    by_steps = "at" in frame.columns
    time, value, peak = ("at", "in_flight", "in_flight") if by_steps else ("start", "mean_in_flight", "peak")
    known = frame.filter(pl.col(time).is_not_null()) if time in frame.columns else frame
    if known.is_empty():
        return blank("no span with a known start")
    parts = parts_of(known, keys_of(frame, _STEPS if by_steps else _BUCKETS))
    parts.sort(key=lambda named: -max(named[1][peak]))
    shown = parts[:most]
    hidden = len(parts) - len(shown)
    keys = keys_of(frame, _STEPS if by_steps else _BUCKETS)
    drawn = pl.concat(part for _, part in shown)
    if by_steps:
        drawn, many = extremes(drawn, keys, value, MOST_MARKS // len(shown), time)
    else:
        drawn, many = joined(drawn, keys, lambda n: UNDER_WAY, MOST_MARKS // len(shown))
    shown = parts_of(drawn, keys) if many > 1 else shown
    figure = go.Figure()
    alone = len(parts) == 1
    for place, (name, part) in enumerate(shown):
        colour = PALETTE[place % len(PALETTE)]
        at = part[time].to_list()
        if alone and not by_steps:
            figure.add_scatter(
                x=[*at, *reversed(at)], y=[*part["peak"], *reversed(part["least"].to_list())], fill="toself",
                mode="lines", line={"width": 0}, fillcolor=faded(colour, 0.22), hoverinfo="skip",
                name="from the least to the peak",
            )  # fmt: skip
        figure.add_scatter(
            x=at, y=part[value].to_list(), mode="lines" if len(at) > 1 else "markers",
            name=("under way" if by_steps else "mean under way") if alone else label(name),
            line={"shape": "hv" if by_steps else "linear", "color": colour, "width": 2},
            customdata=_hovers(part, name, by_steps),
            hovertemplate="%{x|%d %b %H:%M:%S}<br>%{customdata}<extra></extra>",
        )  # fmt: skip
        if alone and any(part["open"]):
            figure.add_scatter(
                x=at, y=part["open"].to_list(), mode="lines" if len(at) > 1 else "markers",
                name="of those, open: they have not ended", hoverinfo="skip",
                line={"shape": "hv", "color": ORANGE, "width": 2, "dash": "dot"},
            )  # fmt: skip
    together = ("" if many == 1 else f"of {many:,} steps in a row the least and the greatest are drawn" if by_steps
                else f"each mark is {many:,} buckets together")  # fmt: skip
    text = "; ".join(filter(None, [
        f"{count(hidden, 'more group')} with lower peaks not drawn" if hidden else "", together,
    ]))  # fmt: skip
    styled(figure, height=380, x_title=TIME + note(text), y_title="spans under way")
    figure.update_yaxes(rangemode="tozero")
    if not alone:
        with_long_legend(figure)
    top = max(parts[0][1][peak])
    left_out = [part["left_out"][0] for _, part in shown if part["left_out"][0]]
    return described(figure, sentence(
        f"Spans under way over time, of {count(len(parts), 'group')}: at most {top:,} at once"
        + ("." if alone else f", in {shown[0][0]}."),
        f"{left_out[0]:,} left out: their times are not known or make no sense." if alone and left_out else "",
        text + "." if text else "",
    ))  # fmt: skip


def _hovers(part: pl.DataFrame, name: str, by_steps: bool) -> list[str]:
    said = label(name, 160)
    if by_steps:
        columns = part.select("in_flight", "started", "ended", "open").rows()
        return [f"{said}: {n:,} under way<br>{begun:,} began, {ended:,} ended just then, {unended:,} open"
                for n, begun, ended, unended in columns]  # fmt: skip
    columns = part.select("mean_in_flight", "least", "peak", "open").rows()
    return [f"{said}: {mean:,.3g} under way on average<br>from {least:,} to {peak:,}, {unended:,} open at its end"
            for mean, least, peak, unended in columns]  # fmt: skip
