"""When which message comes: templates by time."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal, get_args

import plotly.graph_objects as go
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.views.alerting.words import period
from onex_analytics.views.error_patterns.buckets import Buckets
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note, titled_lanes
from onex_analytics.views.panels import TIME
from onex_analytics.views.theme import RED, blank, described, faded, label

_MOST_COLUMNS = 240
_SCALE = [[0.0, faded(RED, 0.4)], [0.5, faded(RED, 0.7)], [1.0, faded(RED, 1.0)]]
_TOP, _FOOT = 0.06, 0.44

Counted = Literal["errors", "failures", "events"]
Order = Literal["count", "first_seen"]
_COLUMNS_OF = {"errors": ("failures", "soft_failures"), "failures": ("failures",), "events": ("events",)}


def template_heatmap(
    rates: pl.DataFrame, of: Counted = "errors", order: Order = "count", most: int = 30
) -> go.Figure:  # fmt: skip
    """Templates by time, from `error_patterns.error_rates` with `every` and `by="template"`, or any other columns.

    The scale is logarithmic. A cell in which nothing came stays clear. Of more than 240 buckets, so many are added that
    no more columns are drawn.

    Args:
        rates: the rates. For templates: `error_rates(model.transform(events), "1h", "template")`.
        of: what is counted: "errors" (failures and soft failures), "failures", or "events": all that came, such as the
            entries of a log.
        order: the fullest line on top ("count"), or the one that was seen first ("first_seen").
        most: groups that get a line of their own: those that count most. All others share the last one, "other".

    Raises:
        InvalidOption: another `of` or `order`.

    >>> from onex_analytics.error_patterns import error_rates
    >>> from onex_analytics.model.shapes import EVENTS
    >>> from onex_analytics.views.theme import description
    >>> told = [{"event_id": str(hour), "family": "node", "outcome": "failure" if hour < 3 else "success",
    ...          "node": "ab"[hour % 2], "timestamp": datetime(2026, 11, 2, hour)} for hour in range(9)]
    >>> rows = pl.LazyFrame(told).with_columns(pl.col("timestamp").cast(EVENTS["timestamp"]))
    >>> rates = error_rates(rows.match_to_schema(EVENTS, missing_columns="insert"), "1h", "node").collect()
    >>> description(template_heatmap(rates))
    '3 errors by message and time, of 2 groups: the fullest line is a with 2; the fullest cell, of 60 min, has 1.'
    """
    if of not in _COLUMNS_OF:
        raise InvalidOption("of", of, f"one of {', '.join(_COLUMNS_OF)}")
    if order not in get_args(Order):
        raise InvalidOption("order", order, '"count" or "first_seen"')
    if "start" not in rates.columns:
        return blank('the rates are of the whole time: give a bucket width, such as every="1h"')
    buckets = Buckets.of_rates(rates, _COLUMNS_OF[of], _MOST_COLUMNS)
    one = of.removesuffix("s")
    if not buckets.lines:
        return blank(f"no {one} with a time")
    own, others, rest = buckets.parted(most)
    if order == "first_seen":
        own = sorted(own, key=lambda line: line.first)
    lines = [*own, *([rest] if rest else [])]
    times: list[datetime] = []
    for span in buckets.columns:
        times += [moment for moment in span if not times or moment > times[-1]]
    place_of = {moment: place for place, moment in enumerate(times)}
    edges = [place + edge for place in range(len(lines)) for edge in (_TOP, _FOOT)]
    z: list[list[float | None]] = [[None] * (len(times) - 1) for _ in edges[1:]]
    told: list[list[Any]] = [[""] * (len(times) - 1) for _ in edges[1:]]
    fullest = 1
    for place, line in enumerate(lines):
        name = "other" if line is rest else label(line.name, 100)
        for column in line.cells:
            n = buckets.count(line, column)
            fullest = max(fullest, n)
            at = place_of[buckets.columns[column][0]]
            z[2 * place][at] = math.log10(n)
            told[2 * place][at] = f"<b>{name}</b><br>{period(*buckets.columns[column])}<br>{count(n, one)}"
    figure = go.Figure(go.Heatmap(
        x=times, y=edges, z=z, customdata=told, coloraxis="coloraxis", hoverongaps=False,
        hovertemplate="%{customdata}<extra></extra>",
    ))  # fmt: skip
    untimed = f"{count(buckets.untimed, one)} without a time not drawn" if buckets.untimed else ""
    titled_lanes(figure, [line.name for line in own], len(others), counts=[line.n for line in lines],
                 x_title=TIME + note(untimed))  # fmt: skip
    ticks = [*(10**power for power in range(9) if 10**power < fullest / 1.5), fullest]
    figure.update_layout(height=figure.layout.height + 30, margin_t=76, coloraxis={
        "colorscale": _SCALE, "cmin": 0, "cmax": math.log10(fullest) or 1,
        "colorbar": {"title": {"text": f"{of} in {buckets.width}", "side": "top", "font": {"size": 12}},
                     "orientation": "h", "thickness": 10, "lenmode": "pixels", "len": 230, "x": 0, "xanchor": "left",
                     "y": 1, "yref": "container", "yanchor": "top", "xpad": 0,
                     "tickvals": [math.log10(n) for n in ticks], "ticktext": [f"{n:,}" for n in ticks]},
    })  # fmt: skip
    first = buckets.lines[0]
    return described(figure, sentence(
        f"{count(buckets.n, one)} by message and time, of {count(len(buckets.lines), 'group')}: the fullest line is "
        f"{first.name} with {first.n:,}; the fullest cell, of {buckets.width}, has {fullest:,}.",
        f"{count(len(others), 'group')} beyond the first {most} share one line: {count(rest.n, one)}." if rest else "",
        untimed + "." if untimed else "",
        f"A cell is {buckets.joined:,} buckets wide." if buckets.joined > 1 else "",
    ))  # fmt: skip
