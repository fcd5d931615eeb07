"""What the roots waited for, added up: a bar a band of latency."""

from __future__ import annotations

from typing import Any, Literal

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import number, told, unit
from onex_analytics.views.groups import count, keys_of, name_of, sentence
from onex_analytics.views.theme import PALETTE, REST, blank, described, label, styled, with_long_legend

_KNOWN = {
    "band", "band_from", "band_to", "trees", "sections", "critical_ms", "mean_ms", "share", "ambiguous_share",
}  # fmt: skip
_PATTERNS = ("", "/", ".")
MOST_NAMED = 9


def critical_path_bar(frame: pl.DataFrame, measure: Literal["share", "mean_ms"] = "share") -> go.Figure:
    """Critical paths added up, from `profiling.critical_path_profile`: a bar a band, a piece for each name.

    Args:
        frame: the profile.
        measure: "share" (of all time of the band's roots) or "mean_ms" (a tree of the band, so that bands compare).

    The nine largest of any band have colours; every other is a grey piece of its own at the end of its bar.
    """
    if frame.is_empty():
        return blank("no span stands in a tree")
    keys = keys_of(frame, _KNOWN)
    rows = [row | {"name_": name_of(row, keys)} for row in frame.to_dicts()]
    drawn = [row for row in rows if row[measure] is not None]
    if not any(row[measure] for row in drawn):
        return blank("no root took any time")
    named = list(dict.fromkeys(row["name_"] for row in sorted(drawn, key=lambda row: -row[measure])))
    own = named[:MOST_NAMED]
    bands = sorted({(row["band"], row["band_from"], row["band_to"]) for row in rows})
    place_of = {band: place for place, (band, _, _) in enumerate(bands)}
    name, size = ("", 1.0) if measure == "share" else unit(max(row[measure] for row in drawn))
    figure = go.Figure()
    pieces = [(one, [row for row in drawn if row["name_"] == one]) for one in own]
    if len(named) > len(own):
        others = set(named[MOST_NAMED:])
        pieces.append((f"other: {count(len(others), 'name')}", [row for row in drawn if row["name_"] in others]))
    for at, (title, parts) in enumerate(pieces):
        is_other = at >= len(own)
        figure.add_bar(
            x=[row[measure] / size for row in parts], y=[place_of[row["band"]] for row in parts], orientation="h",
            name=label(title), customdata=[_hover(row) for row in parts], hovertemplate="%{customdata}<extra></extra>",
            marker={"color": REST if is_other else PALETTE[at % len(PALETTE)],
                    "line": {"width": 0.5, "color": "rgba(255,255,255,0.3)" if is_other else "white"}},
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.3, legend_traceorder="normal")
    title = "share of the roots' time" if measure == "share" else f"time on the critical path a tree, {name}"
    styled(figure, height=150 + 54 * len(bands), x_title=title)
    with_long_legend(figure)
    if measure == "share":
        figure.update_xaxes(tickformat=".0%", range=[0, 1.005])
    figure.update_yaxes(
        tickvals=list(place_of.values()), ticktext=[_band(*band, rows) for band in bands],
        range=[len(bands) - 0.4, -0.6], showgrid=False, zeroline=False,
    )  # fmt: skip
    return described(figure, sentence(
        f"Critical paths by {', '.join(keys) or 'all'}: {count(len(named), 'name')} in {count(len(bands), 'band')}.",
        *(_largest(band, rows, measure) for band in bands),
        f"{count(len(named) - len(own), 'name')} beyond the first {MOST_NAMED} are grey."
        if len(named) > len(own) else "",
    ))  # fmt: skip


def _band(band: int, low: float, high: float, rows: list[dict[str, Any]]) -> str:
    """What a band is called.

    >>> _band(0, 0.0, 0.5, [{"band": 0, "trees": 7}])
    'p0 to p50<br>7 trees'
    """
    trees = next(row["trees"] for row in rows if row["band"] == band)
    where = "all" if (low, high) == (0, 1) else f"p{number(low * 100)} to p{number(high * 100)}"
    return f"{where}<br>{count(trees, 'tree')}"


def _hover(row: dict[str, Any]) -> str:
    return (
        f"<b>{label(row['name_'], 160)}</b><br>{told(row['mean_ms'])} a tree"
        + ("" if row["share"] is None else f", {number(row['share'] * 100)} % of the roots' time")
        + f"<br>{told(row['critical_ms'])} in {count(row['sections'], 'section')} of {count(row['trees'], 'tree')}"
        + ("" if row["ambiguous_share"] is None else f"<br>{number(row['ambiguous_share'] * 100)} % of it ambiguous")
    )


def _largest(band: tuple[int, float, float], rows: list[dict[str, Any]], measure: str) -> str:
    found = [row for row in rows if row["band"] == band[0] and row[measure] is not None]
    if not found:
        return ""
    top = max(found, key=lambda row: row[measure])
    share = "" if top["share"] is None else f" ({number(top['share'] * 100)} %)"
    title = _band(*band, rows).replace("<br>", ", ")
    return f"{title}: {top['name_']} is largest, {told(top['mean_ms'])} a tree{share}."
