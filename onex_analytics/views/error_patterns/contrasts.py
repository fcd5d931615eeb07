"""What is different about some rows, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.ratios import add_intervals, drawable, ratio_axis, ratio_told
from onex_analytics.views.theme import BLUE, ORANGE, REST, TEXT, blank, described, faded, label, styled

Row = Mapping[str, Any]

_KINDS = (
    ("one value or range", BLUE, "circle"), ("two together", ORANGE, "diamond"),
    ("explained by another", REST, "circle-open"),
)  # fmt: skip
_ONE, _TWO, _EXPLAINED = range(3)
_TITLE, _MARK = 16, 22
"""Pixels of a line of text, and of what is drawn below it."""
_TOP, _FOOT, _BETWEEN = 40, 96, 64
_LETTERS = 46
_TOLD = 3
_NAMED = 5


def contrast_forest(frame: pl.DataFrame, target: str = "the target", most: int = 20) -> go.Figure:
    """How many times likelier the target is with each finding than without it, from `frames.contrast`.

    A line is Katz's 95 % interval; what another finding explains away is grey and names it. The larger a mark, the more
    of the target has the finding; its share follows the name. Quantities stand once more below: by how much more often
    they are larger in the target than in the rest (Cliff's delta, −1 to 1).

    Args:
        frame: the findings, best first, and the columns that took no part.
        target: what the findings are of, in words, such as "failed work".
        most: findings that are drawn, and half as many quantities. Axis and description say how many more there are.

    >>> from onex_analytics.frames import contrast
    >>> from onex_analytics.views.theme import description
    >>> rows = pl.LazyFrame({"host": ["a", "b"] * 50, "failed": [True, False] * 30 + [False] * 40})
    >>> findings = contrast(rows, "failed", columns="host").collect()
    >>> description(contrast_forest(findings, "failed work")).split(". ")[-1]
    'host=a: × 61 (95 %: 3.83 to 971), in 100.0% of failed work.'
    """
    findings = [row for row in frame.to_dicts() if row["left_out"] is None]
    aside = [row for row in frame.to_dicts() if row["left_out"] is not None]
    tests = count(frame["n_tests"][0], "test") if frame.height else ""
    if not findings:
        tried = f": {tests} tried" if tests else ""
        return described(blank(f"nothing stands out{tried}"), sentence(
            f"Nothing is drawn: no value or range is more frequent in {target} than in the rest{tried}.", *_told(aside)
        ))  # fmt: skip
    shown, quantities = findings[:most], _quantities(findings)
    drawn = quantities[: max(most // 2, 1)]
    tops, height = _stacked([_TITLE * (2 if row["shadowed_by"] else 1) + _MARK for row in shown])
    lower_tops, lower = _stacked([_TITLE + _MARK] * len(drawn))
    plot = height + (_BETWEEN + lower if drawn else 0)
    hidden = len(findings) - len(shown)
    notes = [
        f"beside the name: how much of {label(target, 24)} has it",
        f"found among {tests}",
        f"{count(hidden, 'more finding')} not drawn" if hidden else "",
        f"{count(len(quantities) - len(drawn), 'more quantity', 'more quantities')} not drawn"
        if len(quantities) > len(drawn) else "",
        _aside(aside).removeprefix("; "),
    ]  # fmt: skip
    lines = [line for line in notes if line]
    figure = go.Figure()
    axis = ratio_axis(row[name] for row in shown for name in ("risk_ratio", "ci_low", "ci_high"))
    _add_findings(figure, shown, tops, target, 10 ** axis["range"][1])
    titles = "times the risk, with ÷ without (log scale)"
    last = "".join(map(note, lines))
    styled(figure, height=plot + _TOP + _FOOT + 15 * (len(lines) - 1), x_title=titles if drawn else titles + last)
    figure.update_layout(margin={"l": 16, "t": _TOP, "b": _FOOT - 48 + 15 * (len(lines) - 1)})
    clear = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "automargin": False}
    figure.update_yaxes(**clear, range=[height, 0], domain=[1 - height / plot, 1])
    figure.update_xaxes(axis)
    _add_line_of_no_difference(figure, shown, tops)
    if drawn:
        _add_quantities(figure, drawn, lower_tops)
        grid = figure.layout.xaxis
        figure.update_layout(
            xaxis={"anchor": "y", "title_standoff": 4},
            yaxis2={**clear, "range": [lower, 0], "domain": [0, lower / plot], "anchor": "x2"},
            xaxis2={"range": [-1.05, 1.05], "anchor": "y2", "gridcolor": grid.gridcolor, "zerolinecolor": TEXT,
                    "tickvals": [-1, -0.5, 0, 0.5, 1], "automargin": True,
                    "title": {"text": "Cliff's delta: ← smaller · larger →" + last, "standoff": 8}},
        )  # fmt: skip
    own = [row for row in findings if not row["shadowed_by"]]
    explained = len(findings) - len(own)
    return described(figure, sentence(
        f"What is different about {target}: {count(len(findings), 'finding')} among {tests}"
        + (f", of which {count(explained, 'is', 'are')} explained by others." if explained else "."),
        *(f"{row['pattern']}: {_ratio(row)}, in {row['recall']:.1%} of {target}." for row in own[:_TOLD]),
        *(f"{row['columns'][0]} is {_tendency(row)} (Cliff's delta {_signed(row)})."
          for row in quantities[:_TOLD]),
        f"{count(hidden, 'more finding')} not drawn." if hidden else "",
        *_told(aside),
    ))  # fmt: skip


def _stacked(heights: Sequence[int]) -> tuple[list[int], int]:
    """Where each begins, and where the last one ends."""
    ends = [0]
    for height in heights:
        ends.append(ends[-1] + height)
    return ends[:-1], ends[-1]


def _quantities(findings: Sequence[Row]) -> list[Row]:
    """One finding of each quantity, that which tells the target best first."""
    first: dict[str, Row] = {}
    for row in findings:
        if row["cliffs_delta"] is not None and math.isfinite(row["cliffs_delta"]):
            first.setdefault(row["columns"][0], row)
    return sorted(first.values(), key=lambda row: -abs(row["cliffs_delta"]))


def _add_findings(figure: go.Figure, rows: Sequence[Row], tops: Sequence[int], target: str, edge: float) -> None:
    kinds = [_EXPLAINED if row["shadowed_by"] else _TWO if row["order"] > 1 else _ONE for row in rows]
    places = [top + _TITLE * (2 if row["shadowed_by"] else 1) + _MARK * 0.42
              for row, top in zip(rows, tops, strict=True)]  # fmt: skip
    for kind, (name, colour, symbol) in enumerate(_KINDS):
        at = [i for i, one in enumerate(kinds) if one == kind]
        if not at:
            continue
        figure.add_scatter(x=[None], y=[None], mode="markers", name=f"{name}: {len(at):,}",
                           marker={"symbol": symbol, "size": 10, "color": colour})  # fmt: skip
        add_intervals(figure, [(rows[i]["ci_low"], _within(rows[i]["ci_high"], edge), places[i]) for i in at], colour)
        figure.add_scatter(
            x=[drawable(_within(rows[i]["risk_ratio"], edge)) for i in at], y=[places[i] for i in at], mode="markers",
            showlegend=False, cliponaxis=False,
            customdata=[_hover(rows[i], target) for i in at], hovertemplate="%{customdata}<extra></extra>",
            marker={"symbol": ["triangle-right" if rows[i]["risk_ratio"] == math.inf else symbol for i in at],
                    "size": [_size(rows[i]["recall"]) for i in at],
                    "color": faded(colour, 0.85), "line": {"width": 1.5 if kind == _EXPLAINED else 0,
                                                           "color": colour}},
        )  # fmt: skip
    for row, kind, top, place in zip(rows, kinds, tops, places, strict=True):
        _write(figure, top, f"{label(row['pattern'], _LETTERS - 7)} · {_share(row['recall'])}")
        if kind == _EXPLAINED:
            _write(figure, top + _TITLE - 2, f"<i>explained by {label(row['shadowed_by'], _LETTERS - 12)}</i>", size=11)
        if drawable(_within(row["risk_ratio"], edge)) is None:
            _write(figure, place - _TITLE / 2, "no ratio", size=11)


def _add_line_of_no_difference(figure: go.Figure, rows: Sequence[Row], tops: Sequence[int]) -> None:
    """Beside the marks only: through the names it would strike them out."""
    for row, top in zip(rows, tops, strict=True):
        begin = top + _TITLE * (2 if row["shadowed_by"] else 1)
        figure.add_shape(
            type="line", x0=1, x1=1, y0=begin, y1=begin + _MARK - 2, layer="below",
            line={"color": TEXT, "width": 1.5, "dash": "4px,3px"},
        )  # fmt: skip


def _add_quantities(figure: go.Figure, rows: Sequence[Row], tops: Sequence[int]) -> None:
    figure.add_bar(
        x=[row["cliffs_delta"] for row in rows], y=[top + _TITLE + _MARK * 0.4 for top in tops], xaxis="x2", yaxis="y2",
        base=0, width=9, orientation="h", showlegend=False, hovertemplate="%{customdata}<extra></extra>",
        customdata=[f"<b>{label(row['columns'][0], 100)}</b><br>{_tendency(row)}: Cliff's delta {_signed(row)}"
                    for row in rows],
        marker={"color": [REST if row["shadowed_by"] else BLUE for row in rows], "line_width": 0},
    )  # fmt: skip
    for row, top in zip(rows, tops, strict=True):
        _write(figure, top, f"{label(row['columns'][0], _LETTERS - 7)} · {_signed(row)}", yref="y2")


def _write(figure: go.Figure, top: float, text: str, *, yref: str = "y", size: int = 12) -> None:
    figure.add_annotation(
        text=text, x=0, xref="paper", xanchor="left", y=top, yref=yref, yanchor="top", showarrow=False,
        borderpad=0, font={"size": size}, align="left",
    )  # fmt: skip


def _within(ratio: float | None, edge: float) -> float | None:
    """A ratio or its end that the axis cannot hold stands at the edge."""
    return edge if ratio == math.inf else ratio


def _size(recall: float | None) -> float:
    """The area of a mark grows with the share of the target that it stands for."""
    return 6 + 12 * math.sqrt(recall or 0.0)


def _share(share: float | None) -> str:
    return "unknown" if share is None or math.isnan(share) else "< 1 %" if share < 0.01 else f"{share * 100:.0f} %"


def _tendency(row: Row) -> str:
    return "larger than in the rest" if row["cliffs_delta"] > 0 else "smaller than in the rest"


def _signed(row: Row) -> str:
    return f"{row['cliffs_delta']:+.2f}".replace("-", "−")


def _ratio(row: Row) -> str:
    ratio, low, high = (row[name] for name in ("risk_ratio", "ci_low", "ci_high"))
    if ratio is not None and math.isnan(ratio):
        return ratio_told(None, None, None)
    if ratio == math.inf:
        return "never without it" + ("" if drawable(low) is None else f" (95 %: × {low:.3g} or more)")
    return ratio_told(ratio, drawable(low), drawable(high))


def _whole(row: Row) -> str:
    """Why a column took no part, or how many rows did not."""
    name = (row["columns"] or [None])[0]
    return str(row["left_out"]) if name is None else f"{name} took no part: {row['left_out']}"


def _told(aside: Sequence[Row]) -> list[str]:
    rest = len(aside) - _NAMED
    more = [f"{count(rest, 'more column')} took no part."] if rest > 0 else []
    return [*(f"{_whole(row)}." for row in aside[:_NAMED]), *more]


def _aside(aside: Sequence[Row]) -> str:
    columns = [row for row in aside if row["columns"]]
    rows = "".join(f"; {row['left_out']}" for row in aside if not row["columns"])
    return (f"; {count(len(columns), 'column')} took no part" if columns else "") + rows


def _hover(row: Row, target: str) -> str:
    q = "" if row["q"] is None else f"<br>q = {row['q']:.2g} over {count(row['n_tests'], 'test')}"
    explained = f"<br>explained by {label(row['shadowed_by'], 100)}" if row["shadowed_by"] else ""
    delta = "" if row["cliffs_delta"] is None else f"<br>Cliff's delta {_signed(row)}"
    return (
        f"<b>{label(row['pattern'], 200)}</b><br>{_ratio(row)}<br>{label(target, 60)}: {row['precision']:.1%} of what "
        f"has it, {row['target_votes']:,.1f} of {row['votes']:,.1f} votes<br>has it: {row['recall']:.1%} of "
        f"{label(target, 60)}, {row['support']:.1%} of all{q}{delta}{explained}"
    )
