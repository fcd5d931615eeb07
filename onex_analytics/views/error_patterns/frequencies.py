"""Which few groups make most of the errors."""

from __future__ import annotations

from itertools import accumulate

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.error_patterns.group_words import title_of, told_of
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import titled_lanes
from onex_analytics.views.theme import BLUE, ORANGE, REST, blank, described, faded

_MOST_OF_THEM = 0.8


def pareto(groups: pl.DataFrame, most: int = 20) -> go.Figure:
    """Errors by group, the most frequent on top, and what share those down to it make: from `group_errors`.

    Bars and line have one scale, so that the line begins at the end of the first bar and ends at all errors.

    Args:
        groups: the groups.
        most: groups that get a bar of their own. All others share the last one, "other".

    >>> from onex_analytics.error_patterns import group_errors
    >>> from onex_analytics.views.theme import description
    >>> rows = pl.DataFrame({"error_message": ["lost 4 rows", "lost 9 rows", "[ONEX_SYS_901] 3 MB left"]})
    >>> for words in description(pareto(group_errors(rows))).split(": "): print(words)
    3 errors by group, of 2 groups
    the most frequent is lost <NUMBER> rows with 2 (67%). The first 2 groups make 100% of them.
    """
    if groups.is_empty():
        return blank("no error")
    rows = sorted(groups.to_dicts(), key=lambda row: -row["errors"])
    own, others = rows[:most], rows[most:]
    rest = sum(row["errors"] for row in others)
    errors = [*(row["errors"] for row in own), *([rest] if others else [])]
    sums = list(accumulate(errors))
    total = sums[-1]
    shares = [part / total for part in sums]
    names = [title_of(row) for row in own]
    hovers = [told_of(row) for row in own]
    if others:
        hovers.append(
            f"<b>other</b><br>{count(rest, 'error')} of {count(len(others), 'group')}, {rest / total:.2%} of all<br>"
            f"at most {others[0]['errors']:,} in one group"
        )
    hovers = [f"{text}<br>down to here: {share:.1%} of all errors" for text, share in zip(hovers, shares, strict=True)]
    places = list(range(len(errors)))
    figure = go.Figure([
        go.Bar(
            x=errors, y=places, base=0, offset=0.06, width=0.34, orientation="h", name="errors", customdata=hovers,
            marker={"color": [BLUE] * len(own) + [REST] * bool(others), "line_width": 0},
            hovertemplate="%{customdata}<extra></extra>",
        ),
        go.Scatter(
            x=shares, y=[place + 0.23 for place in places], xaxis="x2", mode="lines+markers",
            name="share so far", marker={"color": ORANGE, "size": 7, "symbol": "diamond"},
            line={"color": faded(ORANGE, 0.55), "width": 1.5}, customdata=hovers, cliponaxis=False,
            hovertemplate="%{customdata}<extra></extra>",
        ),
    ])  # fmt: skip
    figure.update_layout(xaxis2={"overlaying": "x", "side": "top"}, yaxis={}, barmode="overlay")
    titled_lanes(figure, names, len(others), counts=errors, x_title="errors")
    figure.update_layout(
        xaxis={"range": [0, total * 1.02], "zeroline": False, "tickformat": ",~d",
               "dtick": 1 if total < 8 else None},  # half an error would be told as one
        xaxis2={"range": [0, 1.02], "tickformat": ".0%", "dtick": 0.2, "showgrid": False, "zeroline": False,
                "title_text": "share of all errors", "title_standoff": 6},
    )  # fmt: skip
    enough = next(place for place, share in enumerate(shares) if share >= _MOST_OF_THEM)
    vital = min(enough, len(own) - 1)
    return described(figure, sentence(
        f"{count(total, 'error')} by group, of {count(len(rows), 'group')}: the most frequent is {names[0]} with "
        f"{errors[0]:,} ({shares[0]:.0%}).",
        f"The first {count(vital + 1, 'group makes', 'groups make')} {shares[vital]:.0%} of them.",
        f"{count(len(others), 'group')} beyond the first {most} share one bar: {count(rest, 'error')}."
        if others else "",
    ))  # fmt: skip
