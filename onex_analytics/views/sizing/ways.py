"""How small events get: codecs, dictionaries, batches, Parquet and policies beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note, titled_lanes
from onex_analytics.views.sizing.byte_counts import told
from onex_analytics.views.theme import BLUE, GREEN, ORANGE, PINK, REST, blank, described

_WAYS: Mapping[str, tuple[str, str]] = {
    "event": ("each event by itself", BLUE), "batch": ("many together", GREEN),
    "parquet": ("a file of columns", PINK), "policy": ("a policy", ORANGE),
}  # fmt: skip


def codec_bars(report: pl.DataFrame) -> go.Figure:
    """What is left of the bytes by each way of making them smaller, from `sizing.compression_report`.

    >>> from onex_analytics import EventStore, generate, sizing
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = generate(500, seed=1).write(f"{folder}/log.jsonl")
    ...     store = EventStore(f"{folder}/events")
    ...     _ = store.append(f"{folder}/log.jsonl")
    ...     ways = sizing.compression_report(store.scan()).collect()
    >>> [trace.name for trace in codec_bars(ways).data if trace.name]
    ['each event by itself', 'many together', 'a file of columns']
    """
    rows = [row for row in report.to_dicts() if row["ratio"] is not None]
    if not rows:
        return blank("no event to be made smaller")
    figure = go.Figure()
    for way, (name, colour) in _WAYS.items():
        at = [place for place, row in enumerate(rows) if row["way"] == way]
        if at:
            figure.add_bar(
                x=[1 / rows[place]["ratio"] for place in at], y=at, base=0, offset=0.06, width=0.34, orientation="h",
                name=name, marker={"color": colour, "line_width": 0}, hovertemplate="%{customdata}<extra></extra>",
                customdata=[_told_of(rows[place]) for place in at],
            )  # fmt: skip
    left_out = report.height - len(rows)
    names = [f"{row['name']} · {row['ratio']:.3g} ×" for row in rows]
    n = max(row["events"] for row in rows)
    lost = f"{count(left_out, 'way')} without a byte not drawn" if left_out else ""
    titled_lanes(figure, names, 0, x_title="of the plain bytes" + note(lost), most_letters=60)
    figure.update_layout(barmode="overlay", showlegend=True)
    figure.add_vline(x=1, line={"color": REST, "width": 1.5, "dash": "dash"})
    most = max(1.0, *(1 / row["ratio"] for row in rows))
    figure.update_xaxes(tickformat=".2~%", range=[0, most * 1.03], zeroline=False)
    best = max(rows, key=lambda row: row["ratio"])
    single = [(row["name"], row["ratio"]) for row in rows if row["way"] == "event"]
    return described(figure, sentence(
        f"What {count(len(rows), 'way leaves', 'ways leave')} of {count(n, 'event')}: the least is left by "
        f"{best['name']}, {best['ratio']:.3g} times smaller.",
        f"Each by itself: {', '.join(f'{name} {ratio:.3g} times' for name, ratio in single)}." if single else "",
        lost + "." if lost else "",
    ))  # fmt: skip


def _told_of(row: Mapping[str, Any]) -> str:
    trained = f"<br>dictionary of {told(row['dictionary_bytes'])}" if row["dictionary_bytes"] is not None else ""
    trained += f", trained on {count(row['trained_events'], 'earlier event')}" if row["trained_events"] else ""
    refused = f"<br>{count(row['refused_events'], 'event')} refused, in no bytes" if row["refused_events"] else ""
    return (
        f"<b>{row['ratio']:.3g} times smaller</b>, {row['codec']} at level {row['level']}<br>"
        f"{told(row['plain_bytes'])} → {told(row['stored_bytes'])}, {count(row['events'], 'event')}{trained}{refused}"
    )
