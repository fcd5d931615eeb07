"""Which rule caught which incident."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.alerting.words import delay, names_of, pairs_of, period
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import BLUE, GREEN, RED, blank, described, faded, label, styled

_SCALE = [[0.0, faded(BLUE, 1.0)], [0.5, faded(BLUE, 0.6)], [1.0, faded(BLUE, 0.25)]]
_MOST_RULES = 40
_MOST_NAMES = 40
_MOST_TEXTS = 14


def incident_matrix(frame: pl.DataFrame) -> go.Figure:
    """Rules by incidents, from `alerting.incident_matrix`: the sooner a rule told of an incident, the darker the cell.

    The marks on top say which incidents no rule caught.
    """
    if frame.is_empty():
        return blank("no incident that a rule could catch, or no rule")
    rows = frame.to_dicts()
    incidents = {row["incident"]: row for row in rows}
    rules = list(dict.fromkeys((row["group"], row["rule"]) for row in rows))
    hits = {(row["group"], row["rule"], row["incident"]): row for row in rows if row["firings"]}
    useful = {(group, rule) for group, rule, _ in hits}
    shown = rules if len(rules) <= _MOST_RULES else [rule for rule in rules if rule in useful][:_MOST_RULES]
    hidden = len(rules) - len(shown)
    names = dict(zip(rules, names_of(rules), strict=True))
    cells = [[hits.get((*rule, incident)) for incident in incidents] for rule in shown]
    few = len(incidents) <= _MOST_TEXTS
    figure = go.Figure()
    if hits:
        figure.add_heatmap(
            z=[[None if cell is None else math.log10(max(cell["delay_s"], 1.0)) for cell in row] for row in cells],
            customdata=[["" if cell is None else _told(cell, names[rule]) for cell in row]
                        for rule, row in zip(shown, cells, strict=True)],
            text=[["" if cell is None or not few else _short(cell["delay_s"]) for cell in row] for row in cells],
            texttemplate="%{text}" if few else None, coloraxis="coloraxis", hoverongaps=False,
            hovertemplate="%{customdata}<extra></extra>", xgap=2 if len(incidents) <= 60 else 0, ygap=2,
        )  # fmt: skip
    _add_verdicts(figure, incidents)
    seconds = [max(row["delay_s"], 1.0) for row in hits.values()] or [1.0]
    low, high = min(seconds), max(*seconds, 2 * min(seconds))
    ticks = sorted({low, math.sqrt(low * high), high})
    figure.update_layout(coloraxis={
        "colorscale": _SCALE, "cmin": math.log10(low), "cmax": math.log10(high),
        "colorbar": {"title": {"text": "known after", "side": "top", "font": {"size": 12}}, "thickness": 12,
                     "lenmode": "pixels", "len": 130, "y": 1, "yanchor": "top",
                     "tickvals": [math.log10(at) for at in ticks], "ticktext": [delay(at) for at in ticks]},
    })  # fmt: skip
    named = len(incidents) <= _MOST_NAMES
    longest = max(len(name) for name in incidents) if named else 0
    rest = f"{count(hidden, 'rule')} that caught none, or beyond the first {_MOST_RULES}, not drawn" if hidden else ""
    height = 150 + 26 * len(shown) + min(longest, 30) * 6
    styled(figure, height=height, x_title="incidents, by their start" + note(rest))
    figure.update_xaxes(showgrid=False, zeroline=False, range=[-0.5, len(incidents) - 0.5])
    figure.update_xaxes(
        tickvals=list(range(len(incidents))) if named else [],
        ticktext=[label(name, 30) for name in incidents] if named else [],
        tickangle=-40 if len(incidents) > 3 else 0,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(-1, len(shown))), ticktext=["<i>any rule</i>", *(label(names[rule], 40) for rule in shown)],
        range=[len(shown) - 0.5, -1.7], showgrid=False, zeroline=False,
    )  # fmt: skip
    missed = [name for name, row in incidents.items() if not row["rules"]]
    return described(figure, sentence(
        f"Which of {count(len(rules), 'rule')} caught which of {count(len(incidents), 'incident')}.",
        f"{count(len(missed), 'incident was', 'incidents were')} caught by none: "
        f"{', '.join(missed[:8])}{' and more' if len(missed) > 8 else ''}." if missed else "Each was caught.",
        f"{count(len(rules) - len(useful), 'rule')} caught none." if len(useful) < len(rules) else "",
    ))  # fmt: skip


def _add_verdicts(figure: go.Figure, incidents: Mapping[str, Mapping[str, Any]]) -> None:
    small = len(incidents) > 100
    for found, name, colour, symbol in ((True, "caught", GREEN, "circle"), (False, "missed by all", RED, "x")):
        places = [place for place, row in enumerate(incidents.values()) if bool(row["rules"]) is found]
        texts = [f"{_incident(row)}<br>" + (f"caught by {count(row['rules'], 'rule')}" if found else "missed by all")
                 for row in incidents.values() if bool(row["rules"]) is found]  # fmt: skip
        if places:
            figure.add_scatter(
                x=places, y=[-1] * len(places), mode="markers", name=name, text=texts,
                hovertemplate="%{text}<extra></extra>",
                marker={"symbol": symbol, "color": colour, "size": 5 if small else 10},
            )  # fmt: skip


def _incident(row: Mapping[str, Any]) -> str:
    when = period(row["start"], row["end"]) if row["end"] is not None else f"from {row['start']:%d %b %H:%M} on"
    return f"<b>{label(row['incident'], 80)}</b> ({label(row['kind'])})<br>{pairs_of(row['labels'])}<br>{when}"


def _told(row: Mapping[str, Any], rule: str) -> str:
    return (
        f"{_incident(row)}<br>{label(rule, 80)}: known after {delay(row['delay_s'])}, {count(row['firings'], 'firing')}"
    )


def _short(seconds: float) -> str:
    """For a cell: 90 s, 12 min, 3.5 h."""
    return delay(seconds) if seconds >= 0 else "before"
