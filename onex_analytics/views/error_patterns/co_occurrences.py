"""Which errors come in the same traces, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.lanes import note, titled_lanes
from onex_analytics.views.ratios import drawable, ratio_tick, ratio_told
from onex_analytics.views.theme import RED, REST, blank, described, faded, label

MOST_ERRORS = 30
_KEYS_END = "together"
"""The first column that `co_occurrence` makes; the groups of both sides stand before it."""
_SCALE = [[0.0, faded(RED, 0.22)], [1.0, faded(RED, 1.0)]]
_PALE = 0.3
_TOP, _FOOT, _MIDDLE = 0.06, 0.46, 0.26
"""Where the cells of a line are, below its name."""
_BAR = 56
"""Pixels of the scale."""
_TEXTED = 8
"""Errors up to which cells have room for their counts; of fewer the cells grow no wider."""
_STEPS = [step * 10.0**power for power in range(10) for step in (1, 2, 5)]
_MOST_TICKS = 6
_TOLD = 3

Pair = dict[str, Any]


def co_occurrence_matrix(frame: pl.DataFrame, most: int = MOST_ERRORS, *, max_q: float = 0.05) -> go.Figure:
    """How many times as often as by chance two errors come in one trace, from `error_patterns.co_occurrence`.

    A cell is a pair: coloured by its lift where that is no chance, grey where chance explains it, clear where the two
    never came together. In how many traces an error comes at all stands behind its name. What comes together stands
    together: errors are joined by the strongest pairs first, ends that know each other next to each other.

    Args:
        frame: the pairs, as they come, the most significant first.
        most: errors that are drawn, those of the most significant pairs. Axis and description say how many are not.
        max_q: the largest false-discovery rate at which a pair is coloured.

    >>> from onex_analytics.error_patterns import co_occurrence
    >>> from onex_analytics.views.theme import description
    >>> rows = pl.DataFrame({"trace_id": ["1", "1", "2", "2", "3", "3", "4"], "error_code": list("ABABABC")})
    >>> description(co_occurrence_matrix(co_occurrence(rows, n_traces=100))).split(". ")[-1]
    'A and B: × 33.3 as often as by chance, in 3 traces.'
    """
    if frame.is_empty():
        return blank("no two errors came together in a trace")
    keys = frame.columns[: frame.columns.index(_KEYS_END)]
    sides = [[key for key in keys if key.endswith(side)] for side in ("_left", "_right")]
    pairs = frame.to_dicts()
    for pair in pairs:
        pair["names"] = tuple(name_of(pair, side) for side in sides)
        pair["errors"] = tuple(tuple(pair[key] for key in side) for side in sides)
        pair["sure"] = pair["q"] is not None and pair["q"] <= max_q
    pairs.sort(key=lambda pair: not pair["sure"])  # which keeps their order else
    every = {error: name for pair in pairs for error, name in zip(pair["errors"], pair["names"], strict=True)}
    counts = ("left_traces", "right_traces")
    traces = {error: pair[n] for pair in pairs for error, n in zip(pair["errors"], counts, strict=True)}
    chosen = set(list(every)[:most])
    shown = [pair for pair in pairs if chosen.issuperset(pair["errors"])]
    order = _in_order(list(every)[:most], shown)
    place = {error: at for at, error in enumerate(order)}
    figure = go.Figure()
    _add_diagonal(figure, [every[error] for error in order], [traces[error] for error in order])
    for sure in (True, False):
        _add_cells(figure, [pair for pair in shown if pair["sure"] is sure], place, sure)
    hidden = len(every) - len(order)
    unseen = len(pairs) - len(shown)
    rest = f"{count(hidden, 'more error')} with {count(unseen, 'pair')} not drawn" if hidden else ""
    titles = [f"{at}  {every[error]}" for at, error in enumerate(order, start=1)]
    titled_lanes(figure, titles, 0, counts=[traces[error] for error in order], what="error",
                 x_title="other error: number on the diagonal" + note(rest))  # fmt: skip
    width = max(len(order), _TEXTED)
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False, zeroline=False, range=[-0.5, width - 0.5])
    lifts = [lift for pair in shown if pair["sure"] and (lift := drawable(pair["lift"]))]
    head = _BAR if lifts else 0
    figure.update_layout(height=figure.layout.height + head, margin_t=30 + head)
    _add_scale(figure, lifts)
    sure_pairs = [pair for pair in pairs if pair["sure"]]
    never = pairs[0]["n_tests"] - len(pairs)
    return described(figure, sentence(
        f"Heat map of {count(len(order), 'error')} that come in the same traces: of {count(len(pairs), 'pair')} that "
        f"came together, {count(len(sure_pairs), 'does', 'do') if sure_pairs else 'none does'} so more often than by "
        f"chance (q at most {max_q:g}, over "
        f"{count(pairs[0]['n_tests'], 'test')}).",
        f"{count(never, 'pair')} of those tested never came together." if never > 0 else "",
        *(f"{' and '.join(pair['names'])}: {_lift(pair)} as often as by chance, in {count(pair['together'], 'trace')}."
          for pair in sure_pairs[:_TOLD]),
        f"{count(hidden, 'more error')} with {count(unseen, 'pair')} not drawn." if hidden else "",
    ))  # fmt: skip


def _in_order(errors: Sequence[Any], pairs: Sequence[Pair]) -> list[Any]:
    """The errors in one row, so that those of strong pairs are near each other.

    Single linkage: from the strongest pair on, the two rows that its errors stand in become one, turned so that the two
    come as close as they can. Rows that nothing joins follow by their first error.
    """
    row_of = {error: [error] for error in errors}
    for pair in sorted(pairs, key=lambda pair: (not pair["sure"], -(pair["phi"] or 0.0))):
        left, right = (row_of[error] for error in pair["errors"])
        if left is right:
            continue
        first, second = pair["errors"]
        if left.index(first) < len(left) / 2 and len(left) > 1:
            left.reverse()
        if right.index(second) >= len(right) / 2 and len(right) > 1:
            right.reverse()
        left += right
        row_of.update(dict.fromkeys(right, left))
    return list(dict.fromkeys(error for first in errors for error in row_of[first]))


def _add_diagonal(figure: go.Figure, names: Sequence[str], traces: Sequence[int]) -> None:
    places = list(range(len(traces)))
    figure.add_scatter(
        x=places, y=[place + _MIDDLE for place in places], mode="text", showlegend=False,
        text=[str(place + 1) for place in places], textposition="middle center", textfont={"size": 10},
        customdata=[f"<b>{label(name, 200)}</b><br>in {count(n, 'trace')}"
                    for name, n in zip(names, traces, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _add_cells(figure: go.Figure, pairs: Sequence[Pair], place: dict[Any, int], sure: bool) -> None:
    """Below the diagonal: under the name of the later error, in the column of the earlier one."""
    if not pairs:
        return
    n = len(place)
    z: list[list[float | None]] = [[None] * n for _ in range(2 * n - 1)]
    text = [[""] * n for _ in z]
    hover = [[""] * n for _ in z]
    for pair in pairs:
        column, row = sorted(place[error] for error in pair["errors"])
        lift = drawable(pair["lift"])
        z[2 * row][column] = 0.0 if not sure or lift is None else math.log10(lift)
        text[2 * row][column] = f"{pair['together']:,}" if n <= _TEXTED else ""
        hover[2 * row][column] = _hover(pair)
    colour = {"coloraxis": "coloraxis"} if sure else {
        "colorscale": [[0, faded(REST, _PALE)], [1, faded(REST, _PALE)]], "showscale": False,
    }  # fmt: skip
    figure.add_heatmap(
        x=list(range(n)), y=[row + edge for row in range(n) for edge in (_TOP, _FOOT)], z=z, text=text,
        texttemplate="%{text}", textfont={"size": 11}, customdata=hover, hoverongaps=False, xgap=2,
        hovertemplate="%{customdata}<extra></extra>", **colour,
    )  # fmt: skip
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name="times as often as by chance" if sure else "no more than by chance",
        marker={"symbol": "square", "size": 11, "color": faded(RED, 0.8) if sure else faded(REST, _PALE)},
    )  # fmt: skip


def _add_scale(figure: go.Figure, lifts: Sequence[float]) -> None:
    if not lifts:
        return
    low, high = min([1.0, *lifts]), max(lifts)
    steps = [step for step in _STEPS if low <= step <= high * 1.001]
    if len(steps) > _MOST_TICKS:
        steps = [step for step in steps if math.log10(step) == round(math.log10(step))]
    ticks = steps[:: -(-len(steps) // _MOST_TICKS)]
    figure.update_layout(coloraxis={
        "colorscale": _SCALE, "cmin": math.log10(low), "cmax": math.log10(high) or 1,
        "colorbar": {"orientation": "h", "thickness": 10, "lenmode": "pixels", "len": 230, "x": 0, "xanchor": "left",
                     "y": 1 - 38 / figure.layout.height, "yref": "container", "yanchor": "top", "xpad": 12,
                     "tickvals": [math.log10(tick) for tick in ticks], "ticktext": [*map(ratio_tick, ticks)]},
    })  # fmt: skip


def _lift(pair: Pair) -> str:
    return ratio_told(pair["lift"], None, None)


def _hover(pair: Pair) -> str:
    left, right = (label(name, 120) for name in pair["names"])
    q = "" if pair["q"] is None else f"q = {pair['q']:.2g} over {count(pair['n_tests'], 'test')}<br>"
    phi = "" if pair["phi"] is None else f", phi {pair['phi']:.2g}"
    return (
        f"<b>{left}</b><br><b>{right}</b><br>together in {count(pair['together'], 'trace')}, "
        f"of {pair['left_traces']:,} and {pair['right_traces']:,}<br>{_lift(pair)} as often as by chance (lift)<br>{q}"
        f"Jaccard {pair['jaccard']:.1%}{phi}"
    )
