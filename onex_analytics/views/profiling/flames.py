"""Flame graphs, hanging from their roots: what each call path weighs, and how two sets of traces differ."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import number, told
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.theme import BLUE, blank, described, label, styled

_HUES = (BLUE, "#00866A", "#8E6BBF", "#BF6636", "#4C7F8C", "#8A7400")
"""Dark enough for white letters, light enough for a dark page."""
_GREY = "#737373"
_LEVELS = 32
_LEVEL = 24  # pixels
_LETTERS, _FEWEST_LETTERS = 145, 4
_SAME = "#787878"
_CHANGE = ((0.0, "#1F6FB0"), (0.5, _SAME), (1.0, "#C85200"))
_ROOT = "all"
_MOST_NODES = 2_500
_TOO_MANY = "{} are too many for a picture. Mend: ask for {}(…, max_nodes=2000), which folds the lightest"


def flame_graph(frame: pl.DataFrame) -> go.Figure:
    """An icicle, from `profiling.flame_graph`: the roots above, what they called below, as wide as it weighs.

    A colour is that of a name, the same wherever it stands; grey is what stands for many. A click makes a part of it
    fill the figure.
    """
    if frame.is_empty():
        return blank("no span stands in a tree")
    if not any(frame["own_ms"]):
        return blank("these calls weigh nothing: none took any time")
    if frame.height > _MOST_NODES:
        return blank(_TOO_MANY.format(count(frame.height, "call path"), "flame_graph"))
    nodes = frame.to_dicts()
    icicle = _icicle(nodes, [node["own_ms"] for node in nodes], [_hue(node) for node in nodes], "total_ms")
    icicle.customdata = _with_root(nodes, [_hover(node) for node in nodes], "all trees")
    height = _height(nodes)
    figure = _bare(go.Figure(icicle), height)
    heaviest = max(nodes, key=lambda node: node["own_ms"])
    return described(figure, sentence(
        f"Flame graph of {count(len(nodes), 'call path')}, {count(1 + max(n['depth'] for n in nodes), 'level')} deep.",
        f"The heaviest by itself is {' › '.join(heaviest['path'])} with {told(heaviest['own_ms'])}.",
        _folded_in_words(nodes), _deep_in_words(nodes),
    ))  # fmt: skip


def diff_flame_graph(frame: pl.DataFrame) -> go.Figure:
    """Two icicles one above the other, from `profiling.diff_flame_graph`: before and after, each as wide as it weighed.

    Weights are those of a tree, so that the sides may hold unlike numbers of traces. The colour is the change of a call
    path by itself: orange is more, blue is less, grey is the same. What is on one side only shows there.
    """
    if frame.is_empty():
        return blank("no span stands in a tree, neither before nor after")
    if not any(frame["before_own_ms"]) and not any(frame["after_own_ms"]):
        return blank("these calls weigh nothing: none took any time")
    if frame.height > _MOST_NODES:
        return blank(_TOO_MANY.format(count(frame.height, "call path"), "diff_flame_graph"))
    nodes = frame.to_dicts()
    height = 2 * _height(nodes) + 30
    most = max(abs(node["delta_own_per_tree_ms"]) for node in nodes) or 1.0
    hovers = [_difference_hover(node) for node in nodes]
    figure = go.Figure()
    for side, domain in (("before", (0.54, 0.96)), ("after", (0.0, 0.42))):
        shown = [node for node in nodes if node[f"{side}_n"]]
        figure.add_annotation(text=f"{side}, time a tree", x=0, y=domain[1], xref="paper", yref="paper",
                              xanchor="left", yanchor="bottom", showarrow=False)  # fmt: skip
        if not shown:
            continue
        icicle = _icicle(shown, [node[f"{side}_own_per_tree_ms"] for node in shown],
                         [node["delta_own_per_tree_ms"] for node in shown], f"{side}_total_per_tree_ms")  # fmt: skip
        icicle.customdata = _with_root(shown, [hovers[node["node_id"]] for node in shown], "all trees")
        icicle.domain = {"x": [0, 1], "y": domain}
        icicle.marker.update(
            colorscale=[list(stop) for stop in _CHANGE], cmin=-most, cmax=most, cmid=0, showscale=side == "before",
            colorbar={"title": {"text": "change by itself,<br>ms a tree", "side": "top", "font": {"size": 12}},
                      "thickness": 12, "lenmode": "pixels", "len": min(300, height - 40), "y": 1, "yanchor": "top",
                      "tickformat": "+,~g"},
        )  # fmt: skip
        figure.add_trace(icicle)
    _bare(figure, height)
    more, less = (choose(nodes, key=lambda node: node["delta_own_per_tree_ms"]) for choose in (max, min))
    return described(figure, sentence(
        f"Difference of two flame graphs over {count(len(nodes), 'call path')}.",
        _change_in_words(more, "grew most"), _change_in_words(less, "shrank most"),
        _folded_in_words(nodes), _deep_in_words(nodes),
    ))  # fmt: skip


def _icicle(nodes: list[dict[str, Any]], weights: list[float], colours: Sequence[Any], total: str) -> go.Icicle:
    """Each node with its own weight: Plotly adds up what is below, which gives the totals of the frame."""
    ids = {node["node_id"] for node in nodes}
    whole = sum(node[total] for node in nodes if node["parent_id"] not in ids) or 1.0
    above = [_ROOT if node["parent_id"] not in ids else str(node["parent_id"]) for node in nodes]
    return go.Icicle(
        ids=[_ROOT, *(str(node["node_id"]) for node in nodes)],
        parents=["", *above],
        labels=["all trees", *(_fitting(node, node[total] / whole) for node in nodes)],
        values=[0, *weights],
        branchvalues="remainder",
        sort=False,
        maxdepth=_LEVELS + 1,
        tiling={"orientation": "v", "pad": 1},
        pathbar={"visible": False},
        marker={"colors": [_GREY if isinstance(colours[0], str) else 0.0, *colours], "line": {"width": 0}},
        textfont={"color": "white", "size": 12},
        leaf={"opacity": 1},
        textposition="middle left",
        hovertemplate="%{customdata}<extra></extra>",
    )


def _with_root(nodes: list[dict[str, Any]], hovers: list[str], root: str) -> list[str]:
    return [f"<b>{root}</b><br>{count(len(nodes), 'call path')}", *hovers]


def _bare(figure: go.Figure, height: int) -> go.Figure:
    styled(figure, height=height, legend=False)
    return figure.update_layout(margin={"l": 8, "r": 8, "t": 30, "b": 8}, uniformtext={"minsize": 10, "mode": "hide"})


def _height(nodes: list[dict[str, Any]]) -> int:
    deepest: int = max(node["depth"] for node in nodes)
    return 46 + _LEVEL * min(2 + deepest, _LEVELS + 1)


def _fitting(node: dict[str, Any], share: float) -> str:
    """The name, cut to what its box can hold on a page of usual width."""
    room = int(share * _LETTERS)
    return label(_title(node), min(room, 60)) if room >= _FEWEST_LETTERS else ""


def _title(node: dict[str, Any]) -> str:
    return f"{node['folded']:,} others" if node["folded"] else node["name"] or "–"


def _hue(node: dict[str, Any]) -> str:
    """The colour of a name: always the same one."""
    digest = hashlib.sha256(str(node["name"]).encode()).digest()
    return _GREY if node["folded"] else _HUES[digest[0] % len(_HUES)]


def _where(node: dict[str, Any]) -> list[str]:
    folded = f"stands for {count(node['folded'], 'call path')}" if node["folded"] else ""
    return [f"<b>{label(_title(node), 200)}</b>", label(" › ".join(name or "–" for name in node["path"]), 160), folded]


def _hover(node: dict[str, Any]) -> str:
    share = "" if node["share"] is None else f", {number(node['share'] * 100)} % of all"
    return "<br>".join(filter(None, [
        *_where(node), f"with all below it: {told(node['total_ms'])}{share}", f"by itself: {told(node['own_ms'])}",
        f"a tree: {told(node['total_per_tree_ms'])}, by itself {told(node['own_per_tree_ms'])}",
        count(node["n"], "span"),
    ]))  # fmt: skip


def _difference_hover(node: dict[str, Any]) -> str:
    change = node["delta_own_per_tree_ms"]
    sides = [
        f"{side}: {told(node[f'{side}_own_per_tree_ms'])} by itself, {told(node[f'{side}_total_per_tree_ms'])} "
        f"with all below it, a tree ({count(node[f'{side}_n'], 'span')})"
        for side in ("before", "after")
    ]
    return "<br>".join(filter(None, [*_where(node), *sides, f"change by itself: {_signed(change)} a tree"]))


def _signed(ms: float) -> str:
    return f"{'+' if ms > 0 else '−' if ms < 0 else ''}{told(abs(ms))}"


def _change_in_words(node: dict[str, Any], what: str) -> str:
    change = node["delta_own_per_tree_ms"]
    return f"{' › '.join(name or '–' for name in node['path'])} {what}, by {_signed(change)} a tree." if change else ""


def _folded_in_words(nodes: list[dict[str, Any]]) -> str:
    folded = [node for node in nodes if node["folded"]]
    return f"{count(len(folded), 'node stands', 'nodes stand')} for the many light call paths." if folded else ""


def _deep_in_words(nodes: list[dict[str, Any]]) -> str:
    deepest = max(node["depth"] for node in nodes)
    return f"Levels beyond {_LEVELS} show after a click on one above." if deepest >= _LEVELS else ""
