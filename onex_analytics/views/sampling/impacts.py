"""What sampling does to alerts: which come in time, late or not at all, and which are false."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.sampling.words import per_draw, share
from onex_analytics.views.theme import BLUE, ORANGE, PINK, RED, REST, blank, described, label, styled, with_long_legend

_LANE_PX = 40
_PARTS = (
    ("in time; pages: right", BLUE, ""), ("late", ORANGE, ""), ("lost", RED, "/"), ("false", PINK, "x"),
)  # fmt: skip
_PANELS = (
    ("alerts", "full_firings", ("on_time", "late", "lost", "false"), "alerts that fired"),
    ("pages", "full_pages", ("pages_right", None, None, "pages_false"), "pages that wake somebody"),
    ("incidents", "incidents", ("incidents_on_time", "incidents_late", "incidents_lost", None), "incidents caught"),
)  # fmt: skip


def alert_impact(losses: pl.DataFrame, most: int = 12) -> go.Figure:
    """Alerts, pages and caught incidents of the whole log, and what becomes of them under each policy.

    Args:
        losses: one row a policy and rule, as `onex-analytics sample alerts` makes them; those of all rules together,
            whose `rule` is null, are drawn. Reads `policy`, `rule`, `events_share`, `full_firings`, `on_time`, `late`,
            `lost`, `false`, `full_pages`, `pages_right`, `pages_false`, and `incidents` with its parts where they are
            known, else null.
        most: policies that are drawn, the first.

    >>> told = {"policy": ["10 %"], "rule": [None], "events_share": [0.1], "full_firings": [4], "on_time": [2.0],
    ...         "late": [1.0], "lost": [1.0], "false": [0.0], "full_pages": [3], "pages_right": [2.0],
    ...         "pages_false": [0.0], "incidents": [None], "incidents_on_time": [None], "incidents_late": [None],
    ...         "incidents_lost": [None]}
    >>> [trace.name for trace in alert_impact(pl.DataFrame(told)).data if trace.name]
    ['in time; pages: right', 'late', 'lost', 'false', 'the whole log',
     'in time; pages: right', 'false', 'the whole log']
    """
    rows = losses.filter(pl.col("rule").is_null()).to_dicts()
    if not rows:
        return blank("no policy was tried on any rule")
    shown, hidden = rows[:most], max(len(rows) - most, 0)
    panels = [panel for panel in _PANELS if any(row[panel[1]] is not None for row in shown)]
    figure = make_subplots(
        rows=len(panels), cols=1, vertical_spacing=min(0.3, 76 / (76 + _LANE_PX * len(shown)) / len(panels)),
    )  # fmt: skip
    styled(figure, height=110 + len(panels) * (_LANE_PX * len(shown) + 56))
    for row, (_, whole, parts, title) in enumerate(panels, start=1):
        _add(figure, shown, whole, parts, row)
        rest = note(f"{count(hidden, 'more policy', 'more policies')} not drawn" if hidden else "")
        most_of_all = max([_end(one, whole, parts) for one in shown] + [1.0])
        figure.update_xaxes(title_text=title + (rest if row == len(panels) else ""), range=[0, 1.05 * most_of_all],
                            row=row, col=1)  # fmt: skip
        figure.update_yaxes(range=[len(shown) - 0.45, -0.6], row=row, col=1)
    named = [f"{label(one['policy'], 34)} · {share(one['events_share'])} kept" for one in shown]
    titles = [
        {"text": text, "x": 0, "xref": f"x{axis} domain", "xanchor": "left", "y": place, "yref": f"y{axis}",
         "yanchor": "bottom", "yshift": -3, "showarrow": False, "font": {"size": 12}}
        for axis in ("", *range(2, len(panels) + 1)) for place, text in enumerate(named)
    ]  # fmt: skip
    figure.update_layout(barmode="stack", margin_l=16, annotations=titles)
    figure.update_yaxes(showticklabels=False, ticks="", showgrid=False, zeroline=False)
    with_long_legend(figure)
    return described(figure, _words(shown, hidden))


def _add(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], whole: str, parts: Sequence[str | None], panel: int
) -> None:
    begins = [0.0] * len(rows)
    for column, (name, colour, pattern) in zip(parts, _PARTS, strict=True):
        if column is None:
            continue
        values = [row[column] or 0.0 for row in rows]
        figure.add_bar(
            x=values, y=[place + 0.22 for place in range(len(rows))], base=list(begins), width=0.36, orientation="h",
            name=name, legendgroup=name, showlegend=panel == 1, marker={
                "color": colour, "line": {"width": 0},
                "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": "#ffffff", "fgopacity": 0.5, "size": 6},
            }, text=[_hover(row, whole, name, value) for row, value in zip(rows, values, strict=True)],
            textposition="none", hovertemplate="%{text}<extra></extra>", row=panel, col=1,
        )  # fmt: skip
        begins = [begin + value for begin, value in zip(begins, values, strict=True)]
    known = [(row[whole], place) for place, row in enumerate(rows) if row[whole] is not None]
    figure.add_scatter(
        x=[x for value, _ in known for x in (value, value, None)],
        y=[y for _, place in known for y in (place - 0.02, place + 0.46, None)],
        mode="lines", line={"color": REST, "width": 2}, name="the whole log", legendgroup="whole",
        showlegend=panel == 1, hoverinfo="skip", row=panel, col=1,
    )  # fmt: skip


def _end(row: Mapping[str, Any], whole: str, parts: Sequence[str | None]) -> float:
    return float(max(row[whole] or 0.0, sum(row[part] or 0.0 for part in parts if part is not None)))


def _hover(row: Mapping[str, Any], whole: str, name: str, value: float) -> str:
    of = per_draw(row[whole] or 0)
    return f"<b>{label(row['policy'])}</b><br>{name}: {per_draw(value)}<br>of {of} on the whole log"


def _words(rows: Sequence[Mapping[str, Any]], hidden: int) -> str:
    told = [
        f"{row['policy']} keeps {share(row['events_share'])} of the events; of {count(row['full_firings'], 'alert')} "
        f"{per_draw(row['on_time'])} come in time, {per_draw(row['late'])} late, {per_draw(row['lost'])} are lost, and "
        f"{per_draw(row['false'])} are false"
        + ("" if row["incidents"] is None
           else f"; of {count(row['incidents'], 'caught incident')} {per_draw(row['incidents_lost'])} are lost")
        + "." for row in rows[:3]
    ]  # fmt: skip
    more = len(rows) - len(told)
    return sentence(
        *told, f"{count(more, 'further policy is', 'further policies are')} drawn." if more else "",
        f"{count(hidden, 'more policy', 'more policies')} not drawn." if hidden else "",
    )  # fmt: skip
