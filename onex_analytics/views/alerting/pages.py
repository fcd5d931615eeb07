"""When people are paged."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.theme import RED, TEXT, blank, described, faded, label, styled

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SCALE = [[0.0, faded(RED, 0.0)], [0.001, faded(RED, 0.2)], [1.0, faded(RED, 1.0)]]


def pages_by_hour(frame: pl.DataFrame) -> go.Figure:
    """Pages by hour and weekday, from `alerting.pages_by_hour`; nights lie outside the dotted lines.

    An hour that the log does not hold is clear and has no number.
    """
    rows = frame.to_dicts()
    if not any(row["pages"] for row in rows):
        return blank("nobody was paged")
    cells = {(row["weekday"], row["hour"]): row for row in rows}
    week = [[cells[day, hour] for hour in range(24)] for day in range(1, 8)]
    tz = rows[0]["tz"]
    figure = go.Figure(go.Heatmap(
        x=list(range(24)), y=list(range(7)),
        z=[[cell["pages"] if cell["hours"] else None for cell in day] for day in week],
        text=[[f"{cell['pages']:,}" if cell["pages"] else "·" if cell["hours"] else "" for cell in day]
              for day in week],
        texttemplate="%{text}", textfont={"size": 11}, colorscale=_SCALE, zmin=0, xgap=2, ygap=2, hoverongaps=False,
        zmax=max(row["pages"] for row in rows),
        customdata=[[
            f"{_DAYS[cell['weekday'] - 1]}, {cell['hour']:02}:00 to {cell['hour'] + 1:02}:00 {label(tz)}<br>"
            f"{count(cell['pages'], 'page')} in {count(cell['hours'], 'such hour')} of the log" for cell in day
        ] for day in week],
        hovertemplate="%{customdata}<extra></extra>",
        colorbar={"title": {"text": "pages", "side": "top", "font": {"size": 12}}, "thickness": 12,
                  "lenmode": "pixels", "len": 150, "y": 0.92, "yanchor": "top"},
    ))  # fmt: skip
    styled(figure, height=340, x_title=f"hour of the day ({label(tz)})", legend=False)
    for hour in (5.5, 21.5):
        figure.add_vline(x=hour, line={"color": TEXT, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(tickvals=list(range(0, 24, 2)), ticktext=[f"{hour:02}:00" for hour in range(0, 24, 2)],
                        showgrid=False, zeroline=False)  # fmt: skip
    figure.update_yaxes(tickvals=list(range(7)), ticktext=list(_DAYS), range=[6.5, -0.5], showgrid=False,
                        zeroline=False)  # fmt: skip
    total = sum(row["pages"] for row in rows)
    nights = sum(row["pages"] for row in rows if row["night"])
    worst = max(rows, key=lambda row: row["pages"])
    return described(figure, sentence(
        f"{count(total, 'page')} by hour and weekday in {tz}, {nights:,} of them at night (22:00 to 06:00).",
        f"The fullest hour is {_DAYS[worst['weekday'] - 1]} {worst['hour']:02}:00: {count(worst['pages'], 'page')}.",
    ))  # fmt: skip
