"""Which few types, nodes or fields make most of the bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.lanes import titled_lanes
from onex_analytics.views.sizing.byte_counts import byte_axis, keys_of, told
from onex_analytics.views.theme import BLUE, ORANGE, REST, blank, described, faded, label

_MOST_OF_THEM = 0.8


def byte_pareto(report: pl.DataFrame, most: int = 20) -> go.Figure:
    """Bytes by group, the heaviest on top, and what share those down to it make: from `sizing.size_report`.

    Bars and line have one scale, so that the line begins at the end of the first bar and ends at all bytes.

    Args:
        report: the sizes, without `every`.
        most: groups that get a bar of their own. All others share the last one, "other".

    >>> from onex_analytics import EventStore, generate, sizing
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = generate(500, seed=1).write(f"{folder}/log.jsonl")
    ...     store = EventStore(f"{folder}/events")
    ...     _ = store.append(f"{folder}/log.jsonl")
    ...     sizes = sizing.size_report(store.scan(), by="event_type").collect()
    >>> [trace.type for trace in byte_pareto(sizes).data]
    ['bar', 'scatter']
    """
    if "start" in report.columns:
        return blank("the report is cut into buckets of time: draw it as `growth`, or leave out every=")
    if report.is_empty() or not report["total_bytes"].sum():
        return blank("no event")
    keys = keys_of(report)
    rows = sorted(report.to_dicts(), key=lambda row: -row["total_bytes"])
    own, others = rows[:most], rows[most:]
    rest = sum(row["total_bytes"] for row in others)
    sizes = [*(row["total_bytes"] for row in own), *([rest] if others else [])]
    sums = list(accumulate(sizes))
    total = sums[-1]
    shares = [part / total for part in sums]
    hovers = [_told_of(row, keys) for row in own]
    if others:
        hovers.append(f"<b>other</b><br>{told(rest)} of {count(len(others), 'group')}, {rest / total:.2%} of all")
    hovers = [f"{text}<br>down to here: {share:.1%} of all bytes" for text, share in zip(hovers, shares, strict=True)]
    places = list(range(len(sizes)))
    figure = go.Figure([
        go.Bar(
            x=sizes, y=places, base=0, offset=0.06, width=0.34, orientation="h", name="bytes", customdata=hovers,
            marker={"color": [BLUE] * len(own) + [REST] * bool(others), "line_width": 0},
            hovertemplate="%{customdata}<extra></extra>",
        ),
        go.Scatter(
            x=shares, y=[place + 0.23 for place in places], xaxis="x2", mode="lines+markers", name="share so far",
            marker={"color": ORANGE, "size": 7, "symbol": "diamond"}, line={"color": faded(ORANGE, 0.55), "width": 1.5},
            customdata=hovers, cliponaxis=False, hovertemplate="%{customdata}<extra></extra>",
        ),
    ])  # fmt: skip
    figure.update_layout(xaxis2={"overlaying": "x", "side": "top"}, yaxis={}, barmode="overlay")
    names = [name_of(row, keys) for row in own]
    titled_lanes(figure, _sized(names, own), len(others), x_title="bytes", most_letters=50)
    figure.update_layout(
        xaxis={**byte_axis(total), "range": [0, total * 1.02], "zeroline": False},
        xaxis2={"range": [0, 1.02], "tickformat": ".0%", "dtick": 0.2, "showgrid": False, "zeroline": False,
                "title_text": "share of all bytes", "title_standoff": 6},
    )  # fmt: skip
    vital = min(next(place for place, share in enumerate(shares) if share >= _MOST_OF_THEM), len(own) - 1)
    return described(figure, sentence(
        f"{told(total)} by group, of {count(len(rows), 'group')}: the heaviest is {names[0]} with {told(sizes[0])} "
        f"({shares[0]:.0%}).",
        f"The first {count(vital + 1, 'group makes', 'groups make')} {shares[vital]:.0%} of them.",
        f"{count(len(others), 'group')} beyond the first {most} share one bar: {told(rest)}." if others else "",
    ))  # fmt: skip


def _sized(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{name} · {told(row['total_bytes'])}" for name, row in zip(names, rows, strict=True)]


def _told_of(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    over = [f"{count(row[name], 'event')} over the limit of {label(name.removeprefix('over_'), 30)}"
            for name in row if name.startswith("over_") and row[name]]  # fmt: skip
    quantiles = ", ".join(
        f"{name.removesuffix('_bytes').replace('_', '.')} {told(row[name])}"
        for name in row if name.endswith("_bytes") and name.startswith("p") and name[1:2].isdigit()
    )  # fmt: skip
    return "<br>".join([
        f"<b>{label(name_of(row, keys), 100)}</b>",
        f"{told(row['total_bytes'])} in {count(row['events'], 'event')}, {row['share']:.2%} of all",
        f"mean {told(row['mean_bytes'])}{', ' if quantiles else ''}{quantiles}, largest {told(row['max_bytes'])}",
        *over,
    ])  # fmt: skip
