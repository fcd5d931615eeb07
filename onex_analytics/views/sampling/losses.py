"""What would never be seen again: groups of errors, codes, unfinished work, and finished work that is torn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.sampling.words import per_draw, share
from onex_analytics.views.theme import (
    BLUE,
    ORANGE,
    PINK,
    RED,
    REST,
    SKY,
    blank,
    described,
    label,
    styled,
    with_long_legend,
)

_LANE_PX = 40
_CHANCES = (
    (0.05, "seen", BLUE, ""), (0.5, "rather seen", SKY, ""),
    (0.95, "rather lost", ORANGE, "/"), (1.01, "lost", RED, "x"),
)  # fmt: skip
"""Up to which chance of never being seen, what that is called, and how it is drawn."""
_KINDS = (
    ("error", "groups of errors, by node and code"), ("code", "error codes"),
    ("unfinished", "nodes with work that never ended"),
)  # fmt: skip
_EXAMPLES = 6


def lost(losses: pl.DataFrame, policies: pl.DataFrame | None = None, most: int = 8) -> go.Figure:
    """How many things of a log each policy would lose, by how likely that is, from `sampling.simulate(…)`.

    Args:
        losses: `Simulation.losses`.
        policies: `Simulation.policies`, for a panel of finished work of which only one end would be kept, where there
            is such.
        most: policies that are drawn, the first.

    >>> from onex_analytics import sampling
    >>> events = pl.LazyFrame({"event_id": list("abcd"), "trace_id": list("tuvw"), "correlation_id": None,
    ...                        "node": list("nnmm"), "outcome": ["failure", "success", "success", "success"]})
    >>> found = sampling.simulate(sampling.ProbabilityPolicy(probability=0.5), events, "count")
    >>> [trace.name for trace in lost(found.losses, found.policies).data]
    ['seen', 'rather seen', 'rather lost', 'lost']
    """
    rows = losses.to_dicts()
    known = [] if policies is None else [row for row in policies.to_dicts() if row["torn_starts"] is not None]
    torn = {row["policy"]: row for row in known} if any(row["torn_starts"] or row["torn_ends"] for row in known) else {}
    if not rows and not torn:
        return blank("nothing failed and nothing is unfinished: nothing rare can be lost")
    every = list(dict.fromkeys([*(policies["policy"] if policies is not None else []), *losses["policy"]]))
    names, hidden = every[:most], max(len(every) - most, 0)
    panels = [(kind, title) for kind, title in _KINDS if any(row["what"] == kind for row in rows)]
    titles = [title for _, title in panels] + ["finished work kept in part"] * bool(torn)
    figure = make_subplots(
        rows=len(titles), cols=1, vertical_spacing=min(0.3, 76 / (76 + _LANE_PX * len(names)) / len(titles)),
    )  # fmt: skip
    styled(figure, height=110 + len(titles) * (_LANE_PX * len(names) + 56))
    told: list[list[str]] = []
    for panel, (kind, _) in enumerate(panels, start=1):
        of = {name: [row for row in rows if row["what"] == kind and row["policy"] == name] for name in names}
        _add_things(figure, of, panel)
        told.append([_mean_lost(of[name]) for name in names])
    if torn:
        _add_torn(figure, [torn.get(name) for name in names], len(titles))
        told.append([_torn_told(torn.get(name)) for name in names])
    rest = note(f"{count(hidden, 'more policy', 'more policies')} not drawn" if hidden else "")
    for panel, title in enumerate(titles, start=1):
        figure.update_xaxes(title_text=title + (rest if panel == len(titles) else ""), rangemode="tozero", row=panel,
                            col=1)  # fmt: skip
    axes = ["", *range(2, len(titles) + 1)]
    figure.update_layout(barmode="stack", margin_l=16, annotations=[
        {"text": f"{label(name, 30)} · {text}", "x": 0, "xref": f"x{axis} domain", "xanchor": "left", "y": place,
         "yref": f"y{axis}", "yanchor": "bottom", "yshift": -3, "showarrow": False, "font": {"size": 12}}
        for axis, texts in zip(axes, told, strict=True)
        for place, (name, text) in enumerate(zip(names, texts, strict=True))
    ])  # fmt: skip
    figure.update_yaxes(
        showticklabels=False, ticks="", showgrid=False, zeroline=False, range=[len(names) - 0.45, -0.6]
    )  # fmt: skip
    with_long_legend(figure)
    return described(figure, sentence(
        "Seen and lost are so in 95 of 100 draws or more, the others more often than not.",
        *(f"{title[0].upper()}{title[1:]}: {'; '.join(map(': '.join, zip(names, texts, strict=True)))}."
          for title, texts in zip(titles, told, strict=True)),
        f"{count(hidden, 'more policy', 'more policies')} not drawn." if hidden else "",
    ))  # fmt: skip


def _add_things(figure: go.Figure, of: Mapping[str, Sequence[Mapping[str, Any]]], panel: int) -> None:
    least = -1.0
    for most, name, colour, pattern in _CHANCES:
        some = {policy: [row for row in rows if least < row["never_seen"] <= most] for policy, rows in of.items()}
        least = most
        figure.add_bar(
            x=[len(rows) for rows in some.values()], y=[place + 0.22 for place in range(len(some))], width=0.36,
            orientation="h", name=name, legendgroup=name, showlegend=panel == 1, marker=_filled(colour, pattern),
            text=[_hover(policy, name, rows) for policy, rows in some.items()], textposition="none",
            hovertemplate="%{text}<extra></extra>", row=panel, col=1,
        )  # fmt: skip


def _add_torn(figure: go.Figure, rows: Sequence[Mapping[str, Any] | None], panel: int) -> None:
    for column, name, colour in (("torn_starts", "start alone", PINK),
                                 ("torn_ends", "end alone", REST)):  # fmt: skip
        values = [0.0 if row is None else row[column] or 0.0 for row in rows]
        figure.add_bar(
            x=values, y=[place + 0.22 for place in range(len(rows))], width=0.36, orientation="h", name=name,
            marker=_filled(colour, ""), text=[f"{name}: {per_draw(value)} on average" for value in values],
            textposition="none", hovertemplate="%{text}<extra></extra>", row=panel, col=1,
        )  # fmt: skip


def _filled(colour: str, pattern: str) -> dict[str, Any]:
    return {"color": colour, "line": {"width": 0}, "pattern": {
        "shape": pattern, "fillmode": "overlay", "fgcolor": "#ffffff", "fgopacity": 0.5, "size": 6,
    }}  # fmt: skip


def _mean_lost(rows: Sequence[Mapping[str, Any]]) -> str:
    return f"{per_draw(round(sum(row['never_seen'] for row in rows), 1))} of {len(rows):,} lost on average"


def _torn_told(row: Mapping[str, Any] | None) -> str:
    return "unknown" if row is None else (
        f"{per_draw(round(row['torn_starts'], 1))} starts, {per_draw(round(row['torn_ends'], 1))} ends alone"
    )  # fmt: skip


def _hover(policy: str, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    often = sorted(rows, key=lambda row: -row["events"])
    examples = "".join(f"<br>{label(_name(row), 60)}: {row['events']:,}, never seen {share(row['never_seen'])}"
                       for row in often[:_EXAMPLES])  # fmt: skip
    more = f"<br>and {len(rows) - _EXAMPLES:,} more" if len(rows) > _EXAMPLES else ""
    return f"<b>{label(policy)}</b>, {name}: {len(rows):,}{examples}{more}"


def _name(row: Mapping[str, Any]) -> str:
    return " · ".join(part for part in (row["node"], row["error"]) if part is not None) or "–"
