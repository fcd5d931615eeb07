"""Since when each group of errors is there, until when, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.error_patterns.group_words import moment_of, title_of, told_of
from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.lanes import note, titled_lanes
from onex_analytics.views.panels import TIME
from onex_analytics.views.theme import (
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    RED,
    REST,
    TEXT,
    blank,
    described,
    faded,
    label,
    with_long_legend,
)

Row = Mapping[str, Any]

_SEEN = "seen"
_LOOKS = {
    "new": (RED, "star"), "regressed": (ORANGE, "triangle-up"), "escalating": (PINK, "diamond"),
    "ongoing": (BLUE, "circle"), "gone": (GREEN, "x"), "insufficient": (REST, "circle-open"),
    _SEEN: (BLUE, "circle"),
}  # fmt: skip
"""What became of a group, in the order of `compare_periods`; `seen` where nobody compared."""
_FOOT, _HEIGHT = 0.42, 0.36
_END = "change"
"""The first column that `compare_periods` makes; those of `by` stand before it."""


def first_seen_timeline(
    frame: pl.DataFrame, changes: pl.DataFrame | None = None, moment: datetime | None = None, most: int = 30
) -> go.Figure:
    """Each group from when it was first seen to when it was last seen; the first seen on top.

    Above the line of a group of `group_errors` stands how many came when, each line by a scale of its own.

    Args:
        frame: from `error_patterns.group_errors`, or from `error_patterns.compare_periods`.
        changes: from `compare_periods`, by columns of the frame such as "fingerprint": what became of each group.
        moment: what `compare_periods` was asked about, such as a deploy: a line.
        most: groups that get a line of their own: where something is known to have become of them the new ones, those
            that are back and those that come more often; then those with the most errors. All others share the last
            line, "other": a mark where each was first seen.

    >>> from onex_analytics.error_patterns import group_errors
    >>> from onex_analytics.views.theme import description
    >>> at = [datetime(2026, 11, 2, hour) for hour in range(3)]
    >>> rows = pl.DataFrame({"timestamp": at, "error_message": ["lost 4 rows", "lost 9 rows", "no route"]})
    >>> description(first_seen_timeline(group_errors(rows))).split(". ")[-1]
    'The latest to appear is no route, 02 Nov 2026 02:00.'
    """
    given = frame.to_dicts()
    if not given:
        return blank("no error")
    rows = [row for row in given if row["first_seen"] is not None]
    if not rows:
        return blank(f"no time is known of {count(len(given), 'group of errors', 'groups of errors')}")
    words = _words(rows, changes)
    names = _names(frame, rows)
    sizes = [row["errors"] if "errors" in row else row["errors_before"] + row["errors_after"] for row in rows]
    urgent = list(_LOOKS)[:3]
    by_rank = sorted(range(len(rows)), key=lambda i: (
        urgent.index(words[i]) if words[i] in urgent else len(urgent), -sizes[i]
    ))  # fmt: skip
    own = sorted(by_rank[:most], key=lambda i: (rows[i]["first_seen"], -sizes[i]))
    others = by_rank[most:]
    begin, end = min(row["first_seen"] for row in rows), max(row["last_seen"] for row in rows)
    hovers = [_hover(row, name, word) for row, name, word in zip(rows, names, words, strict=True)]
    figure = go.Figure()
    for word, (colour, symbol) in _LOOKS.items():
        at = [(place, i) for place, i in enumerate(own) if words[i] == word]
        if at:
            _add_lines(figure, rows, at, hovers, word, colour, symbol, begin, end)
    if others:
        figure.add_scatter(
            x=[rows[i]["first_seen"] for i in others], y=[len(own) + _FOOT - _HEIGHT / 2] * len(others), mode="markers",
            name="other: first seen", customdata=[hovers[i] for i in others] if len(others) <= _TOLD_OTHERS else
            [_short(rows[i], names[i], words[i]) for i in others], hovertemplate="%{customdata}<extra></extra>",
            marker={"symbol": "line-ns", "size": 11, "line": {"width": 1.5, "color": faded(TEXT, 0.4)}},
        )  # fmt: skip
    untimed = len(given) - len(rows)
    text = f"{count(untimed, 'group')} without a time not drawn" if untimed else ""
    titles = [names[i] if words[i] == _SEEN else f"{words[i]}: {names[i]}" for i in own]
    counts = [*(sizes[i] for i in own), *([sum(sizes[i] for i in others)] if others else [])]
    titled_lanes(figure, titles, len(others), counts=counts, x_title=TIME + note(text))
    with_long_legend(figure.update_layout(height=figure.layout.height + 28))
    margin = max((end - begin) * 0.015, timedelta(seconds=1))
    reach = [begin, end, *([_utc(moment, begin)] if moment else [])]
    figure.update_xaxes(type="date", range=[min(reach) - margin, max(reach) + margin])
    if moment is not None:
        figure.add_vline(x=_utc(moment, begin), line={"color": TEXT, "width": 1.5, "dash": "dash"})
        figure.add_scatter(x=[None], y=[None], mode="lines", name=f"the moment: {moment_of(moment)}",
                           line={"color": TEXT, "width": 1.5, "dash": "dash"})  # fmt: skip
    told = [f"{words.count(word):,} {word}" for word in _LOOKS if word in words and word != _SEEN]
    newest = max(range(len(rows)), key=lambda i: rows[i]["first_seen"])
    return described(figure, sentence(
        f"When each of {count(len(rows), 'group of errors', 'groups of errors')} was first and last seen, from "
        f"{moment_of(begin)} to {moment_of(end)}.",
        f"{', '.join(told)}." if told else "",
        *(f"{word.capitalize()}: {', '.join(names[i] for i in own if words[i] == word)}." for word in urgent[:2]
          if 0 < words.count(word) <= _NAMED),
        f"The latest to appear is {names[newest]}, {moment_of(rows[newest]['first_seen'])}.",
        f"{count(len(others), 'group')} beyond the first {most} share one line: {count(counts[-1], 'error')}."
        if others else "",
        text + "." if text else "",
    ))  # fmt: skip


_NAMED = 5
_TOLD_OTHERS = 300
"""More of them would make the file heavy: these are told of in a line."""


def _words(rows: Sequence[Row], changes: pl.DataFrame | None) -> list[str]:
    """What became of each group; `seen` where that is not known."""
    if changes is None:
        return [row.get(_END) or _SEEN for row in rows]
    keys = changes.columns[: changes.columns.index(_END)]
    became = {tuple(row[key] for key in keys): row[_END] for row in changes.to_dicts()}
    return [became.get(tuple(row[key] for key in keys)) or _SEEN for row in rows]


def _names(frame: pl.DataFrame, rows: Sequence[Row]) -> list[str]:
    if "title" in frame.columns:
        return [title_of(row) for row in rows]
    keys = frame.columns[: frame.columns.index(_END)]
    return [name_of(row, keys) for row in rows]


def _add_lines(
    figure: go.Figure, rows: Sequence[Row], at: Sequence[tuple[int, int]], hovers: Sequence[str], word: str,
    colour: str, symbol: str, begin: datetime, end: datetime,
) -> None:  # fmt: skip
    """The lifelines of the groups of which the same became, with what came when above them."""
    x: list[Any] = []
    y: list[Any] = []
    for place, i in at:
        xs, heights = _steps(rows[i], begin, end)
        x += [*([None] if x and xs else []), *xs]
        y += [*([None] if y and xs else []), *(place + _FOOT - _HEIGHT * height for height in heights)]
    if x:
        figure.add_scatter(
            x=x, y=y, mode="lines", fill="toself", fillcolor=faded(colour, 0.35), line={"width": 0}, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip
    figure.add_scatter(
        x=list(chain.from_iterable((rows[i]["first_seen"], rows[i]["last_seen"], None) for _, i in at)),
        y=list(chain.from_iterable((place + _FOOT, place + _FOOT, None) for place, _ in at)), mode="lines",
        line={"color": faded(colour, 0.8), "width": 2}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=[rows[i]["last_seen"] for _, i in at], y=[place + _FOOT for place, _ in at], mode="markers",
        customdata=[hovers[i] for _, i in at], hovertemplate="%{customdata}<extra></extra>", showlegend=False,
        marker={"symbol": "line-ns", "size": 8, "line": {"color": colour, "width": 2}},
    )  # fmt: skip
    figure.add_scatter(
        x=[rows[i]["first_seen"] for _, i in at], y=[place + _FOOT for place, _ in at], mode="markers",
        name="first seen" if word == _SEEN else word, customdata=[hovers[i] for _, i in at],
        hovertemplate="%{customdata}<extra></extra>", marker={"symbol": symbol, "color": colour, "size": 10},
    )  # fmt: skip


def _steps(row: Row, begin: datetime, end: datetime) -> tuple[list[datetime], list[float]]:
    """The outline of a sparkline, its highest part 1; nothing where it does not fit the times, as of a part of a frame.

    The parts are of the time from the first to the last of all errors: a frame that lacks some groups may have another.
    """
    parts = row.get("sparkline") or []
    seen = [place for place, n in enumerate(parts) if n]
    if not seen or end <= begin:
        return [], []
    ends = [min(int((row[name] - begin) / (end - begin) * len(parts)), len(parts) - 1)
            for name in ("first_seen", "last_seen")]  # fmt: skip
    if ends != [seen[0], seen[-1]]:
        return [], []
    step = (end - begin) / len(parts)
    most = max(parts)
    edges = [begin + place * step for place in range(seen[0], seen[-1] + 2)]
    tops = [parts[place] / most for place in range(seen[0], seen[-1] + 1)]
    xs = [edges[0], *chain.from_iterable((edges[i], edges[i + 1]) for i in range(len(tops))), edges[-1], edges[0]]
    return xs, [0.0, *chain.from_iterable((top, top) for top in tops), 0.0, 0.0]


def _hover(row: Row, name: str, word: str) -> str:
    lines = [told_of(row)] if "title" in row else [
        f"<b>{label(name, 100)}</b>",
        f"{count(row['errors_before'], 'error')} before, {row['errors_after']:,} after",
        f"an hour: {row['rate_before']:.3g} before, {row['rate_after']:.3g} after"
        + ("" if row["ratio"] is None else f", × {row['ratio']:.3g}"),
        f"first seen {moment_of(row['first_seen'])}, last {moment_of(row['last_seen'])}",
    ]  # fmt: skip
    return "<br>".join([*lines, *([] if word == _SEEN else [f"{word} since the moment"])])


def _short(row: Row, name: str, word: str) -> str:
    became = "" if word == _SEEN else f" ({word})"
    return f"<b>{label(name, 60)}</b>{became}<br>first seen {moment_of(row['first_seen'])}"


def _utc(moment: datetime, like: datetime) -> datetime:
    """Naive means UTC."""
    return moment.replace(tzinfo=like.tzinfo) if moment.tzinfo is None else moment.astimezone(like.tzinfo)
