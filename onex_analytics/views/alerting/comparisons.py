"""Two rule files on one log: before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.alerting.words import delay, names_of, pairs_of
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.panels import TIME
from onex_analytics.views.theme import BLUE, GREEN, RED, REST, blank, described, label, styled

_CHANGES = (
    ("won", "won: caught now only", GREEN, "triangle-up"),
    ("lost", "lost: caught before only", RED, "x"),
    ("both", "caught by both", BLUE, "circle"),
    ("neither", "caught by neither", REST, "circle-open"),
)  # fmt: skip
_MEASURES = (("pages", "pages"), ("night_pages", "pages at night"), ("firings", "firings"))


class ComparedFrames(Protocol):
    """What the figure reads of a `Comparison`."""

    @property
    def rules(self) -> pl.DataFrame: ...
    @property
    def incidents(self) -> pl.DataFrame | None: ...


def before_after(compared: ComparedFrames, most: int = 30) -> go.Figure:
    """What another rule file changes, from `alerting.compare_rules`: pages and firings rule by rule, and the incidents
    that are won and lost.

    Args:
        compared: the comparison.
        most: rules that are drawn: of those that changed what they do, the first of the file.
    """
    rules = compared.rules.to_dicts()
    incidents = [] if compared.incidents is None else compared.incidents.to_dicts()
    if not rules and not incidents:
        return blank("neither file has a rule")
    moved = [row for row in rules if _moved(row)]
    ordered = [*moved, *(row for row in rules if not _moved(row))]
    shown, hidden = ordered[:most], max(len(ordered) - most, 0)
    changes = [kind for kind in _CHANGES if any(row["change"] == kind[0] for row in incidents)]
    heights = [26 * max(len(shown), 1), 34 * len(changes)]
    figure = make_subplots(
        rows=1 + bool(changes), cols=3, shared_yaxes=True, column_widths=[0.4, 0.3, 0.3], horizontal_spacing=0.03,
        row_heights=heights[: 1 + bool(changes)], vertical_spacing=90 / (sum(heights) + 90) if changes else 0,
        specs=[[{}, {}, {}]] + [[{"colspan": 3}, None, None]] * bool(changes),
    )  # fmt: skip
    names = dict(zip(_keys(rules), names_of(_keys(rules)), strict=True))
    for column, (measure, title) in enumerate(_MEASURES, start=1):
        _add_rules(figure, shown, names, measure, title, column)
    for place, (change, name, colour, symbol) in enumerate(changes):
        _add_incidents(figure, [row for row in incidents if row["change"] == change], place, name, colour, symbol)
    styled(figure, height=int(150 + sum(heights) + 90 * bool(changes)))
    ticks = [label(f"{names[key]}{_mark(row)}", 48) for key, row in zip(_keys(shown), shown, strict=True)]
    for column, (measure, title) in enumerate(_MEASURES, start=1):
        more = note(f"{count(hidden, 'more rule')} not drawn") if hidden and column == 1 else ""
        most = max((row[f"{measure}_{side}"] or 0 for row in shown for side in ("before", "after")), default=0) or 1
        figure.update_xaxes(title_text=title + more, range=[-0.06 * most, 1.08 * most], row=1, col=column)
        figure.update_yaxes(tickvals=list(range(len(shown))), range=[len(shown) - 0.4, -0.6], zeroline=False, row=1,
                            col=column)  # fmt: skip
    figure.update_yaxes(ticktext=ticks, row=1, col=1)
    if changes:
        figure.update_xaxes(title_text=TIME, row=2, col=1)
        figure.update_yaxes(tickvals=list(range(len(changes))), ticktext=[name for _, name, _, _ in changes],
                            range=[len(changes) - 0.4, -0.6], zeroline=False, row=2, col=1)  # fmt: skip
    return described(figure, _words(rules, moved, incidents, hidden))


def _add_rules(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], names: Mapping[tuple[str, str], str], measure: str,
    title: str, column: int,
) -> None:  # fmt: skip
    pairs = [(row[f"{measure}_before"], row[f"{measure}_after"]) for row in rows]
    texts = [
        f"<b>{label(names[key], 120)}</b> ({row['change']})<br>{title}: {_told(before)} → {_told(after)}"
        for key, row, (before, after) in zip(_keys(rows), rows, pairs, strict=True)
    ]
    figure.add_scatter(
        x=list(chain.from_iterable((*pair, None) for pair in pairs)),
        y=list(chain.from_iterable((place, place, None) for place in range(len(pairs)))),
        mode="lines", line={"color": "rgba(128,128,128,0.5)", "width": 3}, hoverinfo="skip", showlegend=False,
        row=1, col=column,
    )  # fmt: skip
    sides = (("before", 0, {"symbol": "circle-open", "size": 12, "color": REST, "line": {"width": 2}}),
             ("after", 1, {"symbol": "circle", "size": 8, "color": BLUE}))  # fmt: skip
    for name, side, marker in sides:
        figure.add_scatter(
            x=[pair[side] for pair in pairs], y=list(range(len(pairs))), mode="markers", name=name, marker=marker,
            cliponaxis=False, text=texts, hovertemplate="%{text}<extra></extra>", legendgroup=name,
            showlegend=column == 1, row=1, col=column,
        )  # fmt: skip


def _add_incidents(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], place: int, name: str, colour: str, symbol: str
) -> None:
    texts = [
        f"<b>{label(row['incident'], 80)}</b> ({label(row['kind'])}), {row['start']:%d %b %H:%M}<br>"
        f"{pairs_of(row['labels'])}<br>known after: {delay(row['delay_s_before'])} → {delay(row['delay_s_after'])}"
        for row in rows
    ]
    crowded = len(rows) > 60
    figure.add_scatter(
        x=[row["start"] for row in rows], y=[place] * len(rows), mode="markers", name=name, text=texts,
        marker={"symbol": symbol, "color": colour, "size": 8 if crowded else 12, "opacity": 0.6 if crowded else 1},
        hovertemplate="%{text}<extra></extra>", showlegend=False, row=2, col=1,
    )  # fmt: skip


def _words(
    rules: Sequence[Mapping[str, Any]], moved: Sequence[Mapping[str, Any]], incidents: Sequence[Mapping[str, Any]],
    hidden: int,
) -> str:  # fmt: skip
    tally = {change: sum(row["change"] == change for row in incidents) for change in ("won", "lost")}
    return sentence(
        f"{count(len(rules), 'rule')} before and after; {len(moved):,} of them with another outcome now.",
        f"Incidents won: {tally['won']:,}, lost: {tally['lost']:,}, of {len(incidents):,}." if incidents else "",
        f"{count(hidden, 'more rule')} not drawn." if hidden else "",
    )  # fmt: skip


def _moved(row: Mapping[str, Any]) -> bool:
    return any(row[f"{measure}_before"] != row[f"{measure}_after"] for measure, _ in _MEASURES)


def _mark(row: Mapping[str, Any]) -> str:
    return "" if row["change"] == "same" else f" ({row['change']})"


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(row["group"], row["rule"]) for row in rows]


def _told(n: int | None) -> str:
    return "–" if n is None else f"{n:,}"
