"""Who fired when, over the incidents of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.alerting.words import delay, name_of, number, pairs_of, period
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.panels import TIME
from onex_analytics.views.theme import BLUE, GREEN, ORANGE, RED, REST, blank, described, faded, label, styled

_LANE, _STRIP = 26, 22
_VERDICTS = (
    ("caught", "incidents, caught", GREEN, "square"),
    ("missed", "incidents, missed", RED, "x"),
    ("harmless", "deploys and the like", REST, "square"),
    ("unjudged", "holes, maintenance", REST, "square"),
)  # fmt: skip
_STATES = (("pending", faded(ORANGE, 0.85), 6), ("firing", BLUE, 13))
_FEW = 25
"""Incidents that are shaded over all lanes; more would make a carpet."""


class TimelineFrames(Protocol):
    """What the figure reads of a `Backtest`."""

    @property
    def lanes(self) -> pl.DataFrame: ...
    @property
    def at_once(self) -> pl.DataFrame: ...
    @property
    def incidents(self) -> pl.DataFrame | None: ...
    @property
    def verdicts(self) -> pl.DataFrame: ...
    @property
    def matches(self) -> pl.DataFrame: ...
    @property
    def begin(self) -> datetime | None: ...
    @property
    def end(self) -> datetime | None: ...


def timeline(result: TimelineFrames) -> go.Figure:
    """When each label set was pending and firing, under the incidents: the result of `alerting.backtest`.

    The thirty label sets that fired for the longest have a lane, rule by rule. Where there are more, a panel below says
    how many of all fire at once. A frame in a lane is an incident that the alerts in it caught; incidents have lines
    of their own on top, caught and missed ones apart.
    """
    if result.begin is None or result.end is None:
        return blank("no rule was evaluated: the log holds no event")
    told = [] if result.incidents is None else result.verdicts.to_dicts()
    lanes = result.lanes.to_dicts()
    if not lanes and not told:
        return blank("no alert began")
    strips = [kind for kind in _VERDICTS if any(row["verdict"] == kind[0] for row in told)]
    own = _by_rule(lanes)
    hidden = lanes[0]["of"] - len(own) if lanes else 0
    heights = (_STRIP * len(strips) + _LANE * max(len(own), 1), 120)
    figure = _panels(heights, several=bool(hidden))
    for place, (verdict, name, colour, symbol) in enumerate(strips):
        _add_incidents(figure, [row for row in told if row["verdict"] == verdict], place, name, colour, symbol)
    first = len(strips)
    _add_shades(figure, [row for row in told if row["verdict"] in ("caught", "missed")], first, first + len(own))
    _add_frames(figure, result, told, own, first)
    place_of = {rank: first + place for place, rank in enumerate(own)}
    for state, colour, width in _STATES:
        _add_state(figure, [row for row in lanes if row["state"] == state], state, colour, width, place_of)
    if hidden:
        _add_load(figure, result.at_once)
    names = [name_of(row["rule"], row["labels"]) for row in own.values()]
    ticks = [f"<i>{name}</i>" for _, name, _, _ in strips] + [label(name, 50) for name in names]
    ticks += [] if own else ["<i>no alert began</i>"]
    styled(figure, height=int(120 + sum(heights[: 1 + bool(hidden)]) + 50 * bool(hidden)))
    figure.update_yaxes(tickvals=list(range(len(ticks))), ticktext=ticks, range=[len(ticks) - 0.4, -0.6],
                        zeroline=False, row=1, col=1)  # fmt: skip
    figure.update_xaxes(range=[result.begin, result.end])
    figure.update_xaxes(title_text=TIME + note(
        f"{count(hidden, 'more label set')} had alerts; the panel counts all" if hidden else ""
    ), row=2 if hidden else 1, col=1)  # fmt: skip
    if hidden:
        figure.update_yaxes(title={"text": "at once", "font": {"size": 12}}, rangemode="tozero", row=2, col=1)
    return described(figure, _words(result, told, names, hidden, lanes))


def _by_rule(lanes: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The first row of each label set by rank: rule by rule, the rule that fired for the longest on top."""
    rules: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for row in lanes:
        rules.setdefault((row["group"], row["rule"]), {}).setdefault(row["rank"], row)
    return {rank: row for its in rules.values() for rank, row in its.items()}


def _panels(heights: tuple[int, int], *, several: bool) -> go.Figure:
    if not several:
        return make_subplots(rows=1, cols=1)
    return make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=list(heights),
                         vertical_spacing=30 / (sum(heights) + 30))  # fmt: skip


def _add_incidents(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], place: int, name: str, colour: str, symbol: str
) -> None:
    texts = [
        f"<b>{label(row['incident'], 80)}</b> ({label(row['kind'])})<br>{pairs_of(row['labels'])}<br>"
        f"{period(row['start'], row['end'])}"
        + (f"<br>known after {delay(row['delay_s'])}, by {count(row['rules'], 'rule')}" if row["rules"] else "")
        for row in rows
    ]
    crowded = len(rows) > _FEW
    figure.add_scatter(
        x=_broken(rows), y=_at([place] * len(rows)), mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": faded(colour, 0.35 if crowded else 0.7), "width": 11}, row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=[row["start"] for row in rows], y=[place] * len(rows), text=texts, name=name, mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 5 if crowded else 8, "opacity": 0.6 if crowded else 1},
        hovertemplate="%{text}<extra></extra>", showlegend=False, row=1, col=1,
    )  # fmt: skip


def _add_shades(figure: go.Figure, incidents: Sequence[Mapping[str, Any]], first: int, last: int) -> None:
    """The times of a few incidents, behind all lanes."""
    for row in incidents if len(incidents) <= _FEW else ():
        figure.add_shape(
            type="rect", x0=row["start"], x1=row["end"], y0=first - 0.5, y1=last - 0.5, layer="below",
            line_width=0, fillcolor="rgba(128,128,128,0.13)", row=1, col=1,
        )  # fmt: skip


def _add_frames(
    figure: go.Figure, result: TimelineFrames, told: Sequence[Mapping[str, Any]], own: Mapping[int, Mapping[str, Any]],
    first: int,
) -> None:  # fmt: skip
    """Around the alerts of a lane, the incidents that they caught."""
    if not told:
        return
    times = {row["incident"]: row for row in told}
    place_of = {_key(row): first + place for place, row in enumerate(own.values())}
    pairs = {(place_of[_key(row)], row["incident"]): None for row in result.matches.to_dicts()
             if _key(row) in place_of}  # fmt: skip
    x: list[Any] = []
    y: list[Any] = []
    for place, incident in pairs:
        row = times[incident]
        x += [row["start"], row["end"], row["end"], row["start"], row["start"], None]
        y += [place - 0.4, place - 0.4, place + 0.4, place + 0.4, place - 0.4, None]
    if pairs:
        figure.add_scatter(
            x=x, y=y, mode="lines", name="an incident that was caught here", hoverinfo="skip",
            line={"color": GREEN, "width": 1.2}, row=1, col=1,
        )  # fmt: skip


def _add_state(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], state: str, colour: str, width: int,
    place_of: Mapping[int, int],
) -> None:  # fmt: skip
    if not rows:
        return
    places = [place_of[row["rank"]] for row in rows]
    texts = [
        f"<b>{label(row['rule'], 80)}</b>: {state}<br>{pairs_of(row['labels'])}<br>{period(row['start'], row['end'])}"
        + (" and on" if row["lasts"] else "")
        + (f"<br>{row['alerts']:,} alerts that follow each other closely" if row["alerts"] > 1 else "")
        + f"<br>worst value {number(row['peak'])}, threshold {number(row['threshold'])}"
        for row in rows
    ]
    figure.add_scatter(
        x=_broken(rows), y=_at(places), text=list(chain.from_iterable((text, text, None) for text in texts)),
        name=state, mode="lines", line={"color": colour, "width": width}, hovertemplate="%{text}<extra></extra>",
        row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(  # a minute of a month has no width of its own
        x=[row["start"] for row in rows], y=places, text=texts, mode="markers", showlegend=False, name=state,
        marker={"symbol": "line-ns", "size": width, "line": {"color": colour, "width": 2}},
        hovertemplate="%{text}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    going_on = [row for row in rows if row["lasts"]]
    if going_on:
        figure.add_scatter(
            x=[row["end"] for row in going_on], y=[place_of[row["rank"]] for row in going_on], mode="markers",
            name=f"still {state} at the end", hoverinfo="skip", cliponaxis=False,
            marker={"symbol": "triangle-right", "size": 15, "color": colour}, row=1, col=1,
        )  # fmt: skip


def _add_load(figure: go.Figure, frame: pl.DataFrame) -> None:
    if any(frame["pending"]):
        figure.add_scatter(
            x=frame["start"].to_list(), y=frame["pending"].to_list(), mode="lines", name="pending, at once",
            line={"shape": "hv", "color": ORANGE, "width": 1.5, "dash": "dot"}, showlegend=False,
            hovertemplate="%{x|%d %b %H:%M}<br>%{y:,} label sets pending<extra></extra>", row=2, col=1,
        )  # fmt: skip
    figure.add_scatter(
        x=frame["start"].to_list(), y=frame["firing"].to_list(), mode="lines", name="firing, at once", fill="tozeroy",
        line={"shape": "hv", "color": BLUE, "width": 1.5}, fillcolor=faded(BLUE, 0.25), showlegend=False,
        hovertemplate="%{x|%d %b %H:%M}<br>at most %{y:,} label sets fire at once<extra></extra>", row=2, col=1,
    )  # fmt: skip


def _words(
    result: TimelineFrames, told: Sequence[Mapping[str, Any]], names: Sequence[str], hidden: int,
    lanes: Sequence[Mapping[str, Any]],
) -> str:  # fmt: skip
    verdicts = [row["verdict"] for row in told]
    judged = verdicts.count("caught") + verdicts.count("missed")
    still = len({row["rank"] for row in lanes if row["lasts"] and row["state"] == "firing"})
    missed = [row["incident"] for row in told if row["verdict"] == "missed"]
    return sentence(
        f"When {count(len(names) + hidden, 'label set')} had alerts. {names[0]} was active for the longest."
        if names else "No alert began.",
        f"{count(still, 'label set')} of those drawn still {'fires' if still == 1 else 'fire'} at the end."
        if still else "",
        f"{verdicts.count('caught')} of {count(judged, 'incident')} caught"
        + (f"; missed: {', '.join(missed[:8])}{' and more' if len(missed) > 8 else ''}." if missed else ".")
        if judged else "",
        f"{count(hidden, 'more label set')} not drawn; at most {max(result.at_once['firing']):,} fire at once."
        if hidden else "",
    )  # fmt: skip


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["group"], row["rule"], *(pair["value"] for pair in row["labels"]))


def _broken(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    return list(chain.from_iterable((row["start"], row["end"], None) for row in rows))


def _at(places: Sequence[int]) -> list[Any]:
    return list(chain.from_iterable((place, place, None) for place in places))
