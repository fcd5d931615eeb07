"""Figures of the first look at a log. Each takes a collected frame of `frames.overview` or `frames.periods`."""

from __future__ import annotations

from datetime import datetime
from itertools import chain

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.joining import RATES, joined
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import BLUE, GREEN, GRID, ORANGE, PINK, RED, SKY, TEXT, blank, colours, label, styled

_TIME = "time (UTC)"
_COLOUR_OF_KIND = {
    "latency": ORANGE, "errors": RED, "new_error": PINK, "silence": BLUE, "unfinished": GREEN, "restarts": SKY,
}  # fmt: skip
_ALL_NODES = "all nodes"
_MOST_BARS = 20_000
_MOST_LINES = 1_000


def events_per_minute(counts: pl.DataFrame) -> go.Figure:
    """Stacked bars, one colour an event type, from `frames.overview.events_per_minute`."""
    if counts.is_empty():
        return blank("no events")
    most = _MOST_BARS // counts["event_type"].n_unique()
    counts, many = joined(counts, ["event_type"], lambda n: [pl.col("per_minute").sum() / n], most)
    parts = counts.partition_by("event_type", as_dict=True, maintain_order=True)
    of = colours(str(name) for (name,) in parts)
    figure = go.Figure([
        go.Bar(
            x=part["start"].to_list(), y=part["per_minute"].to_list(), name=label(name), marker_color=of[str(name)],
            marker_line_width=0, hovertemplate="%{x|%d %b %H:%M:%S}<br>%{y:,.4~g} a minute",
        )
        for (name,), part in parts.items()
    ])  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0, hovermode="closest")
    return styled(figure, height=420, x_title=_TIME + _together(many, "bar"), y_title="events a minute")


def error_rate(rates: pl.DataFrame) -> go.Figure:
    """Both error rates over time, from `frames.overview.error_overview(events, every)`."""
    if rates.is_empty():
        return blank("no events")
    rates, many = joined(rates, [], lambda n: RATES)
    lines = (
        ("of finished operations", "rate_of_finished", RED, "solid"),
        ("of all events", "rate_of_events", BLUE, "dot"),
    )
    counts = rates.select("failures", "finished", "events").rows()
    figure = go.Figure([
        go.Scatter(
            x=rates["start"].to_list(), y=rates[column].to_list(), name=name, mode="lines+markers", connectgaps=False,
            line={"color": colour, "dash": dash, "width": 2}, marker={"size": 4}, customdata=counts,
            hovertemplate="%{x|%d %b %H:%M:%S}<br>%{y:.2%}<br>%{customdata[0]:,} failed, %{customdata[1]:,} finished, "
                          "%{customdata[2]:,} events",
        )
        for name, column, colour, dash in lines
    ])  # fmt: skip
    figure.update_yaxes(tickformat=".1~%", rangemode="tozero")
    return styled(figure, height=340, x_title=_TIME + _together(many, "mark"), y_title="failed share")


def latency(table: pl.DataFrame) -> go.Figure:
    """One line a node and operation from p50 to p99, from `frames.overview.latency`; the slowest on top."""
    if table.is_empty():
        return blank("no operation says how long it took")
    rows = table.head(_MOST_LINES).to_dicts()
    hidden = table.height - len(rows)
    names = [label(" · ".join(str(row[c]) for c in ("node", "operation") if row[c] is not None), 56) for row in rows]
    places = list(range(len(rows)))
    told = [(name, row["n"], row["errors"], row["max_ms"]) for name, row in zip(names, rows, strict=True)]
    marks = (("p50", "circle", SKY), ("p95", "diamond", ORANGE), ("p99", "line-ns-open", RED))
    figure = go.Figure(
        go.Scatter(
            x=list(chain.from_iterable((row["p50_ms"], row["p99_ms"], None) for row in rows)),
            y=list(chain.from_iterable((place, place, None) for place in places)),
            mode="lines", line={"color": "rgba(128,128,128,0.5)", "width": 3}, hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    for name, symbol, colour in marks:
        figure.add_scatter(
            x=[row[f"{name}_ms"] for row in rows], y=places, name=name, mode="markers", customdata=told,
            marker={"symbol": symbol, "color": colour, "size": 11, "line": {"width": 3 if "open" in symbol else 0}},
            hovertemplate=f"%{{customdata[0]}}<br>{name} %{{x:,.4~g}} ms<br>%{{customdata[1]:,}} operations, "
                          "%{customdata[2]:,} failed, longest %{customdata[3]:,.4~g} ms<extra></extra>",
        )  # fmt: skip
    positive = all(row["p50_ms"] > 0 for row in rows)
    figure.update_xaxes(type="log" if positive else "linear", tickformat=",~g")
    if positive:
        wide = rows[0]["p99_ms"] > 500 * min(row["p50_ms"] for row in rows)  # then 1, 2, 5 would run into each other
        figure.update_xaxes(dtick=1 if wide else "D2")
    styled(figure, height=110 + 24 * len(rows), x_title="execution time, ms" + (" (log scale)" if positive else "")
           + note(f"{hidden:,} more operations, faster ones, not drawn" if hidden else ""))  # fmt: skip
    return figure.update_yaxes(tickvals=places, ticktext=names, range=[len(rows) - 0.4, -0.6], zeroline=False)


def notable_periods(
    periods: pl.DataFrame,
    incidents: pl.DataFrame | None = None,
    between: tuple[datetime | None, datetime | None] = (None, None),
) -> go.Figure:
    """When which node was unlike itself, from `frames.periods.notable`; labelled incidents are framed.

    Args:
        periods: shape `frames.periods.NOTABLE`.
        incidents: shape `model.LABELS`, where the truth is known.
        between: the time that the axis shows; as far as the periods reach where None.
    """
    if periods.is_empty() and (incidents is None or incidents.is_empty()):
        return blank("nothing stands out")
    spans = periods.head(_MOST_LINES).to_dicts()
    hidden = periods.height - len(spans)
    framed = [] if incidents is None else incidents.to_dicts()
    nodes = list(dict.fromkeys(row["node"] or _ALL_NODES for row in [*spans, *framed]))
    place_of = {node: place for place, node in enumerate(nodes)}
    figure = go.Figure()
    kinds = [kind for kind in _COLOUR_OF_KIND if any(row["kind"] == kind for row in spans)]
    for lane, kind in enumerate(kinds):
        offset = 0.8 * ((lane + 1) / (len(kinds) + 1) - 0.5)
        rows = [row for row in spans if row["kind"] == kind]
        heights = [place_of[row["node"] or _ALL_NODES] + offset for row in rows]
        figure.add_scatter(
            x=list(chain.from_iterable((row["start"], row["end"], None) for row in rows)),
            y=list(chain.from_iterable((height, height, None) for height in heights)),
            text=list(chain.from_iterable((told, told, None) for told in map(_told, rows))),
            name=kind.replace("_", " "), mode="lines+markers", hovertemplate="%{text}<extra></extra>",
            line={"color": _COLOUR_OF_KIND[kind], "width": 5}, marker={"size": 6, "symbol": "square"},
        )  # fmt: skip
    for row in framed:
        place = place_of[row["node"] or _ALL_NODES]
        figure.add_shape(
            type="rect", x0=row["start"], x1=row["end"], y0=place - 0.44, y1=place + 0.44, layer="below",
            line={"color": TEXT, "width": 1.2, "dash": "dot"}, fillcolor="rgba(128,128,128,0.16)",
        )  # fmt: skip
    if framed:
        figure.add_scatter(
            x=[_middle(row["start"], row["end"]) for row in framed],
            y=[place_of[row["node"] or _ALL_NODES] - 0.44 for row in framed],
            text=[f"labelled: {label(row['kind'])}<br>{_span(row)}<br>{label(row['cause'] or '')}" for row in framed],
            name="labelled incident (frame)", mode="markers", hovertemplate="%{text}<extra></extra>",
            marker={"symbol": "triangle-down", "color": TEXT, "size": 8},
        )  # fmt: skip
    rest = note(f"{hidden:,} more periods, less notable ones, not drawn" if hidden else "")
    styled(figure, height=130 + 46 * len(nodes), x_title=_TIME + rest)
    if None not in between:
        figure.update_xaxes(range=list(between))
    figure.update_yaxes(
        tickvals=list(range(len(nodes))), ticktext=[label(node) for node in nodes], range=[len(nodes) - 0.45, -0.55],
        zeroline=False, showgrid=False,
    )  # fmt: skip
    between_nodes = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": place - 0.5, "y1": place - 0.5,
         "line": {"color": GRID, "width": 1}}
        for place in range(1, len(nodes))
    ]  # fmt: skip
    return figure.update_layout(shapes=[*figure.layout.shapes, *between_nodes])


def schema_adoption(shares: pl.DataFrame) -> go.Figure:
    """The share of each schema version over time, from `frames.overview.schema_adoption`."""
    if shares.is_empty():
        return blank("no events")
    shares, many = joined(
        shares, ["schema_version"], lambda n: [pl.col("events").sum()],
        _MOST_BARS // shares["schema_version"].n_unique(),
    )  # fmt: skip
    if many > 1:
        shares = shares.with_columns(share=pl.col("events") / pl.col("events").sum().over("start"))
    parts = shares.partition_by("schema_version", as_dict=True, maintain_order=True)
    of = colours(str(name) for (name,) in parts)
    figure = go.Figure([
        go.Bar(
            x=part["start"].to_list(), y=part["share"].to_list(), name=label(name), marker_color=of[str(name)],
            marker_line_width=0, customdata=part["events"].to_list(),
            hovertemplate="%{x|%d %b %H:%M}<br>%{y:.1%}, %{customdata:,} events",
        )
        for (name,), part in parts.items()
    ])  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_yaxes(tickformat=".0%", range=[0, 1])
    return styled(figure, height=300, x_title=_TIME + _together(many, "bar"), y_title="share of events")


def _together(many: int, mark: str) -> str:
    """What the axis says where buckets are joined."""
    return note(f"each {mark} is {many:,} buckets together" if many > 1 else "")


def _told(row: dict[str, object]) -> str:
    usual = "" if row["usual"] is None else f" (usual {row['usual']:,.4g})"
    what = "" if row["what"] is None else f" · {label(row['what'])}"
    return (
        f"{row['kind']}: {label(row['node'] or _ALL_NODES)}{what}<br>{_span(row)}"
        f"<br>{row['measure']}: {row['observed']:,.4g}{usual}, n = {row['n']:,}"
    )


def _span(row: dict[str, object]) -> str:
    start, end = row["start"], row["end"]
    assert isinstance(start, datetime) and isinstance(end, datetime)
    return f"{start:%d %b %H:%M} – " + (f"{end:%H:%M}" if start.date() == end.date() else f"{end:%d %b %H:%M}")


def _middle(start: datetime, end: datetime) -> datetime:
    return start + (end - start) / 2
