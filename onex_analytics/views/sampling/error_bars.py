"""How far off each group's answer would be, policy by policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.sampling.words import quantity, share
from onex_analytics.views.theme import PALETTE, RED, REST, blank, described, label, styled, with_long_legend

_OWN = {
    "policy", "metric", "level", "truth", "expected", "bias", "std_error", "rmse", "relative_error", "low", "high",
    "effective_n", "rests_on", "skewness", "kurtosis", "tail_index", "never_seen", "warning",
}  # fmt: skip
_POLICY_PX, _TITLE_PX, _PAGE_PX = 13, 24, 1040
_APART = 300.0
"""From the smallest to the largest value, times; beyond that the axis is logarithmic."""


def group_errors(
    errors: pl.DataFrame, metric: str | None = None, most_groups: int | None = None, most_policies: int = 6
) -> go.Figure:
    """The truth of each group, and within which bounds each policy would tell it, from `sampling.simulate(…).errors`.

    Args:
        errors: the rows of one metric or several; without groups the whole log is drawn.
        metric: which metric; by default the first.
        most_groups: those of the largest truth that are drawn; by default as many as a page holds.
        most_policies: the first that are drawn.

    >>> from onex_analytics import sampling
    >>> events = pl.LazyFrame({"event_id": list("abcd"), "trace_id": list("tuvw"), "correlation_id": None,
    ...                        "node": list("nnmm"), "outcome": ["failure", "success", "success", "success"]})
    >>> found = sampling.simulate(sampling.ProbabilityPolicy(probability=0.5), events, "error_rate", by="node")
    >>> [trace.name for trace in group_errors(found.errors).data if trace.name]
    ['probability', 'probability', 'probability', 'probability', 'the whole log']
    """
    if errors.is_empty():
        return blank("nothing was simulated")
    metric = errors["metric"][0] if metric is None else metric
    rows = errors.filter(pl.col("metric") == metric).to_dicts()
    if not rows:
        return blank(f"{metric} was not simulated")
    grouped = [row for row in rows if row["level"] == "group"]
    keys = [name for name in errors.columns if name not in _OWN] if grouped else []
    grouped = grouped or rows
    policies = list(dict.fromkeys(row["policy"] for row in grouped))
    drawn, hidden_policies = policies[:most_policies], max(len(policies) - most_policies, 0)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in grouped:
        groups.setdefault(name_of(row, keys), []).append(row)
    ranked = sorted(groups, key=lambda name: -_or_least(groups[name][0]["truth"]))
    lane = _TITLE_PX + _POLICY_PX * len(drawn)
    names = ranked[: _PAGE_PX // lane if most_groups is None else most_groups]
    hidden = len(ranked) - len(names)
    figure = go.Figure()
    values = _add_policies(figure, [groups[name] for name in names], drawn, lane)
    truths = [(groups[name][0]["truth"], place) for place, name in enumerate(names)]
    _add_truths(figure, truths, lane, len(drawn))
    rest = [count(hidden, "smaller group") if hidden else "", count(hidden_policies, "more policy", "more policies")
            if hidden_policies else ""]  # fmt: skip
    told = ", ".join(part for part in rest if part)
    styled(figure, height=140 + lane * len(names), x_title=label(metric) + note(f"{told} not drawn" if told else ""))
    _lanes(figure, names)
    if (reach := _apart([truth for truth, _ in truths], values)) is not None:
        powers = range(ceil(reach[0]), floor(reach[1]) + 1)
        figure.update_xaxes(type="log", range=reach, tickvals=[10.0**power for power in powers],
                            ticktext=[quantity(10.0**power) for power in powers])  # fmt: skip
    elif metric.endswith("_rate"):
        figure.update_xaxes(tickformat=".3~%")
    with_long_legend(figure)
    return described(figure, _words(metric, names, groups, drawn, told))


def _add_policies(
    figure: go.Figure, groups: Sequence[Sequence[Mapping[str, Any]]], policies: Sequence[str], lane: float
) -> list[float]:
    values: list[float] = []
    for number, policy in enumerate(policies):
        colour = PALETTE[number % len(PALETTE)]
        found = [(row, place + (_TITLE_PX + _POLICY_PX * number) / lane - 0.5)
                 for place, rows in enumerate(groups) for row in rows if row["policy"] == policy]  # fmt: skip
        claimed = [(row, y) for row, y in found if row["low"] is not None and row["high"] is not None]
        unclaimed = [(row, y) for row, y in found if row["expected"] is not None and (row, y) not in claimed]
        unseen = [(row, y) for row, y in found if row["expected"] is None and row["truth"] is not None]
        parts = (
            (claimed, "circle", 3.0, 7, [row["high"] - row["expected"] for row, _ in claimed],
             [row["expected"] - row["low"] for row, _ in claimed]),
            (unclaimed, "circle-open", 1.0, 7, [row["std_error"] or 0.0 for row, _ in unclaimed], None),
            (unseen, "x", 1.0, 7, None, None),
        )  # fmt: skip
        for part, (rows, symbol, width, size, above, below) in enumerate(parts):
            bars = {} if above is None else {"error_x": {
                "type": "data", "array": above, "arrayminus": below, "symmetric": below is None, "color": colour,
                "thickness": width, "width": 0,
            }}  # fmt: skip
            figure.add_scatter(
                x=[row["truth"] if part == 2 else row["expected"] for row, _ in rows], y=[y for _, y in rows],
                mode="markers", name=label(policy), legendgroup=f"policy {number}", showlegend=False,
                marker={"symbol": symbol, "size": size, "color": RED if part == 2 else colour},
                text=[_hover(policy, row) for row, _ in rows], hovertemplate="%{text}<extra></extra>", **bars,
            )  # fmt: skip
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=label(policy), legendgroup=f"policy {number}",
            marker={"color": colour, "size": 9},
        )  # fmt: skip
        values += [value for row, _ in found for value in _ends(row) if value is not None]
    return values


def _add_truths(
    figure: go.Figure, truths: Sequence[tuple[float | None, int]], lane: float, policies: int
) -> None:
    """A line across the rows of each group, where the truth lies."""
    below = (_TITLE_PX + _POLICY_PX * (policies - 0.5)) / lane - 0.5
    above = (_TITLE_PX - _POLICY_PX * 0.5) / lane - 0.5
    known = [(truth, place) for truth, place in truths if truth is not None]
    figure.add_scatter(
        x=[x for truth, _ in known for x in (truth, truth, None)],
        y=[y for _, place in known for y in (place + above, place + below, None)],
        mode="lines", line={"color": REST, "width": 1.5}, name="the whole log", hoverinfo="skip",
    )  # fmt: skip


def _lanes(figure: go.Figure, names: Sequence[str]) -> None:
    titles = [
        {"text": label(name, 44), "x": 0, "xref": "paper", "xanchor": "left", "y": place - 0.5, "yanchor": "top",
         "showarrow": False, "font": {"size": 12}} for place, name in enumerate(names)
    ]  # fmt: skip
    figure.update_layout(margin_l=16, annotations=titles)
    figure.update_yaxes(showticklabels=False, ticks="", showgrid=False, zeroline=False, range=[len(names) - 0.5, -0.6])


def _ends(row: Mapping[str, Any]) -> tuple[float | None, ...]:
    """The values that are drawn of a row; of one without an interval its standard error to either side."""
    middle, reach = row["expected"], row["std_error"] or 0.0
    if row["low"] is not None and row["high"] is not None:
        return row["low"], row["high"], row["truth"]
    return (row["truth"],) if middle is None else (middle - reach, middle + reach, row["truth"])


def _apart(truths: Sequence[float | None], values: Sequence[float]) -> list[float] | None:
    """The range of a logarithmic axis in powers of ten; None where all can be seen on a plain one."""
    known = [truth for truth in truths if truth is not None and truth > 0]
    if not known or max(known) < _APART * min(known):
        return None
    low = max(min(value for value in [*values, *known] if value > 0), min(known) / 10)
    ends = log10(low), log10(max([*values, *known]))
    margin = 0.05 * (ends[1] - ends[0])
    return [ends[0] - margin, ends[1] + margin]


def _hover(policy: str, row: Mapping[str, Any]) -> str:
    never = "" if not row["never_seen"] else f"<br>never seen with chance {share(row['never_seen'])}"
    truth = f"<b>{label(policy)}</b>: {quantity(row['truth'])} on the whole log"
    if row["expected"] is None:
        return f"{truth}<br>never seen"
    error = f"<br>off by {share(row['relative_error'])}" if row["relative_error"] is not None else ""
    if row["low"] is None or row["high"] is None:
        why = row["warning"] or "a bound lies beyond the values"
        return f"{truth}<br>told as {quantity(row['expected'])} on average, no interval: {label(why, 90)}{error}{never}"
    bounds = f"{quantity(row['low'])} to {quantity(row['high'])}"
    bias = "" if not row["bias"] else f"<br>bias {quantity(row['bias'])}: some of it is never kept"
    return f"{truth}<br>told as {bounds} in 95 of 100 draws{bias}{error}{never}"


def _words(
    metric: str, names: Sequence[str], groups: Mapping[str, Sequence[Mapping[str, Any]]], policies: Sequence[str],
    told: str,
) -> str:  # fmt: skip
    rows = [row for name in names for row in groups[name] if row["policy"] in policies]
    unclaimed = [row for row in rows if row["low"] is None or row["high"] is None]
    known = [row for row in rows if row["relative_error"] is not None]
    worst = max(known, key=lambda row: row["relative_error"]) if known else None
    where = next((name for name in names if worst is not None and worst in groups[name]), "")
    return sentence(
        f"{metric} of {count(len(names), 'group')} under {count(len(policies), 'policy', 'policies')}: the grey line "
        "is the whole log, a bar holds the answers of 95 of 100 draws.",
        f"Open marks, {len(unclaimed):,} of {len(rows):,}, claim no such bounds: their thin bar is one standard error."
        if unclaimed else "",
        f"The farthest off is {where} under {worst['policy']}: by {share(worst['relative_error'])}." if worst else "",
        f"{told} not drawn." if told else "",
    )  # fmt: skip


def _or_least(value: float | None) -> float:
    return float("-inf") if value is None else value
