"""What a rule saw: its value beside the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.alerting.words import name_of, number
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.joining import joined_values
from onex_analytics.views.panels import panels, say_below
from onex_analytics.views.theme import BLUE, GREEN, ORANGE, RED, blank, described, faded, label

_STATES = (("pending", ORANGE, 4), ("firing", BLUE, 7))
_MOST_ROWS = 4_000
_LOW_IS_BAD = ("<", "<=")


def value_against_threshold(frame: pl.DataFrame, rule: str = "") -> go.Figure:
    """The values of a rule over time, from `alerting.values_over_time`: a panel a label set, one for all others.

    The line is the worst value of each bucket, the band around it reaches from the least to the greatest. The line of
    the threshold is thick where the alert is pending or fires.

    Args:
        frame: the values.
        rule: its name, for the words.
    """
    if frame.is_empty():
        return blank("no label set was evaluated")
    frame, many = joined_values(frame, max(_MOST_ROWS // frame["rank"].n_unique(), 24))
    parts = [part.to_dicts() for part in frame.partition_by("rank", maintain_order=True)]
    op, threshold = parts[0][0]["op"], parts[0][0]["threshold"]
    min_count = parts[0][0]["min_count"]
    worst = "low" if op in _LOW_IS_BAD else "high"
    titles = [_title(part[0]) for part in parts]
    figure = panels(titles, 0, height=340, y_title="value")
    together = f"each step is {many:,} buckets together" if many > 1 else ""
    say_below(figure, together)
    figure.update_xaxes(range=[min(part[0]["start"] for part in parts), max(part[-1]["end"] for part in parts)])
    seen: set[str] = set()
    for place, (part, title) in enumerate(zip(parts, titles, strict=True), start=1):
        _add_values(figure, part, title, worst, place, seen)
        _add_threshold(figure, part, op, threshold, place, seen)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(showlegend=True)
    fired = [title for part, title in zip(parts, titles, strict=True) if any(row["firing"] for row in part)]
    others = parts[-1][0]["label_sets"] if parts[-1][0]["rank"] is None else 0
    return described(figure, sentence(
        f"Values of {label(rule) or 'a rule'} over time; it fires where they are {op} {number(threshold)}"
        f" for long enough, over {count(len(parts) - bool(others) + others, 'label set')}.",
        f"It fired for {', '.join(map(label, fired[:4]))}{' and others' if len(fired) > 4 else ''}."
        if fired else "It fired for none.",
        f"{count(others, 'label set')} share the last panel." if others else "",
        f"{together.capitalize()}." if together else "",
        f"Evaluations of fewer than {min_count:,} events do not count and are not drawn." if min_count > 1 else "",
    ))  # fmt: skip


def _title(row: Mapping[str, Any]) -> str:
    if row["rank"] is None:
        return f"all {row['label_sets']:,} others, the worst of them"
    return name_of("", row["labels"]) or "all events"


def _add_values(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], title: str, worst: str, place: int, seen: set[str]
) -> None:
    x: list[Any] = []
    y: list[Any] = []
    for stretch in _with_data(rows):
        x += [None] if x else []
        y += [None] if y else []
        upper = [(row[at], row["high"]) for row in stretch for at in ("start", "end")]
        lower = [(row[at], row["low"]) for row in reversed(stretch) for at in ("end", "start")]
        x += [at for at, _ in (*upper, *lower, upper[0])]
        y += [value for _, value in (*upper, *lower, upper[0])]
    figure.add_scatter(
        x=x, y=y, fill="toself", mode="lines", line={"width": 0}, fillcolor=faded(GREEN, 0.25), hoverinfo="skip",
        name="from the least to the greatest value", **_legend("band", seen), row=place, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=[row["start"] for row in rows], y=[row[worst] for row in rows], mode="lines",
        line={"shape": "hv", "color": GREEN, "width": 1.5}, name="worst value", **_legend("value", seen),
        customdata=[
            f"<b>{label(title, 160)}</b><br>{row['start']:%d %b %H:%M} – {row['end']:%H:%M}<br>"
            f"from {number(row['low'])} to {number(row['high'])}<br>{row['state']}"
            + (f" ({row['firing']:,} of {row['label_sets']:,} fire)" if row["rank"] is None else "")
            for row in rows
        ],
        hovertemplate="%{customdata}<extra></extra>", row=place, col=1,
    )  # fmt: skip


def _add_threshold(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], op: str, threshold: float, place: int, seen: set[str]
) -> None:
    figure.add_scatter(
        x=[rows[0]["start"], rows[-1]["end"]], y=[threshold, threshold], mode="lines", hoverinfo="skip",
        line={"color": RED, "width": 1.5, "dash": "dash"}, name=f"threshold: {label(op)} {number(threshold)}",
        **_legend("threshold", seen), row=place, col=1,
    )  # fmt: skip
    for state, colour, width in _STATES:
        x: list[Any] = []
        for row in rows:
            if row["state"] == state and x and x[-2] == row["start"]:
                x[-2] = row["end"]  # one stroke, that stripes would break
            elif row["state"] == state:
                x += [row["start"], row["end"], None]
        if x:
            figure.add_scatter(
                x=x, y=[threshold if at is not None else None for at in x], mode="lines", hoverinfo="skip", name=state,
                line={"color": colour, "width": width}, **_legend(state, seen), row=place, col=1,
            )  # fmt: skip


def _with_data(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Stretches of buckets that have a value and follow each other."""
    found: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if row["low"] is None:
            continue
        if found and found[-1][-1]["end"] == row["start"]:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _legend(what: str, seen: set[str]) -> dict[str, Any]:
    """One entry for all panels."""
    first = what not in seen
    seen.add(what)
    return {"legendgroup": what, "showlegend": first}
