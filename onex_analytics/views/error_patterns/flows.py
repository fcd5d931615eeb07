"""Which error draws which after it: a band from one to the next, the wider the more often."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.durations import told
from onex_analytics.views.error_patterns.flow_links import End, Flow, Link
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import BLUE, ORANGE, REST, blank, described, faded, label, styled, with_long_legend

_MOST_LINKS = 25
_MOST_ENDS = 20
_LETTERS, _FIRST = 30, 12
_THICK, _ALL, _SLOT = 28.0, 200.0, 13.0  # pixels: the widest band, all of them, and the room of a number
_NAME, _GAP = 18.0, 8.0
_BLOCK = 0.018  # of the figure's width
_STEPS = 16
_MOST_ROOTS = 3


def cascade_sankey(cascades: pl.DataFrame, within: str = "trace") -> go.Figure:
    """Pairs of errors that come in one order, from `error_patterns.cascades`, as bands from the first to the next.

    A pair between which mostly other errors come is hatched, and drawn only where no direct pairs lead from one to the
    other. One that would lead back ends at a copy, "↺". At most 25 pairs and 20 ends are drawn, the most frequent;
    every end has a height of its own, so that long names find room on narrow pages.

    Args:
        cascades: the chains. Only pairs are drawn, for a longer chain is a path over them.
        within: what held the chains together, in one word: "trace" or "episode".

    >>> from datetime import datetime
    >>> from onex_analytics.error_patterns import cascades
    >>> from onex_analytics.views.theme import description
    >>> told = [(str(trace), datetime(2026, 11, 2, trace, 0, place), code)
    ...         for trace in range(8) for place, code in enumerate("AB")]
    >>> errors = pl.DataFrame(told, ["trace_id", "timestamp", "error_code"], orient="row")
    >>> for words in description(cascade_sankey(cascades(errors, "error_code"))).split(". "): print(words)
    1 pair of errors that come in one order, between 2 groups
    The most frequent is A, then B: in 8 traces, half of them within 1 s
    Mostly nothing went wrong before A.
    """
    flow = Flow.of_cascades(cascades, _MOST_LINKS, _MOST_ENDS)
    if not flow.links:
        return blank("no error draws another after it in one order")
    order, layers = flow.order(), flow.layers()
    deepest = max(layers.values())
    lefts = {end: layers[end] / deepest * (1 - _BLOCK) for end in order}
    traces = [link.traces for link in flow.links]
    scale = min(_THICK / max(traces), _ALL / sum(traces))
    place_of = {end: place for place, end in enumerate(order)}
    comes = {end: sorted((link for link in flow.links if link.target == end), key=lambda link: place_of[link.source])
             for end in order}  # fmt: skip
    goes = {end: sorted((link for link in flow.links if link.source == end), key=lambda link: place_of[link.target])
            for end in order}  # fmt: skip
    heights = [max(_room(comes[end], scale), _room(goes[end], scale)) for end in order]
    bottoms = list(accumulate(_NAME + height + _GAP for height in heights))
    tops = {end: bottom - _GAP - height for end, bottom, height in zip(order, bottoms, heights, strict=True)}
    starts = {link.pair: y for end in order for link, y in _middles(goes[end], tops[end], scale)}
    stops = {link.pair: y for end in order for link, y in _middles(comes[end], tops[end], scale)}
    figure = go.Figure()
    _add_bands(figure, flow, lefts, starts, stops, scale, within)
    _add_ends(figure, flow, order, lefts, tops, heights, within)
    shown = f"not drawn: {count(len(flow.left_out), 'further pair')}" if flow.left_out else ""
    styled(figure, height=round(bottoms[-1]) + 150, x_title=f"→ later; width: {within}s" + note(shown))
    with_long_legend(figure).update_layout(barmode="overlay", bargap=0, margin_l=16, margin_r=16)
    figure.update_xaxes(range=[-0.005, 1.005], showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(visible=False, range=[bottoms[-1], 0])
    return described(figure, _in_words(flow, within))


def _room(links: Sequence[Link], scale: float) -> float:
    return sum(max(link.traces * scale, _SLOT) for link in links)


def _middles(links: Sequence[Link], top: float, scale: float) -> list[tuple[Link, float]]:
    """Where on its side of an end each band has its middle."""
    rooms = [max(link.traces * scale, _SLOT) for link in links]
    return [(link, top + end - room / 2) for link, room, end in zip(links, rooms, accumulate(rooms), strict=True)]


def _add_bands(
    figure: go.Figure, flow: Flow, lefts: dict[End, float], starts: dict[tuple[End, End], float],
    stops: dict[tuple[End, End], float], scale: float, within: str,
) -> None:  # fmt: skip
    named: set[bool] = set()
    for link in sorted(flow.links, key=lambda link: not link.is_direct):
        left, right = lefts[link.source] + _BLOCK, lefts[link.target]
        half = max(link.traces * scale, 1.5) / 2
        parts = [step / _STEPS for step in range(_STEPS + 1)]
        x = [left + (right - left) * part for part in parts]
        begin, fall = starts[link.pair], stops[link.pair] - starts[link.pair]
        middle = [begin + fall * part * part * (3 - 2 * part) for part in parts]
        title = f"the next error, in so many {within}s" if link.is_direct else "a later error, others come in between"
        figure.add_scatter(
            x=[*x, *reversed(x)], y=[*(y - half for y in middle), *(y + half for y in reversed(middle))],
            mode="lines", fill="toself", line={"width": 0.5, "color": faded(BLUE, 0.5) if link.is_direct else REST},
            fillcolor=faded(BLUE, 0.3) if link.is_direct else faded(REST, 0.25), hoverinfo="skip", name=title,
            fillpattern={"shape": "" if link.is_direct else "/", "size": 6, "fgcolor": REST, "fillmode": "overlay"},
            legendgroup=title, showlegend=link.is_direct not in named,
        )  # fmt: skip
        named.add(link.is_direct)
    figure.add_scatter(
        x=[lefts[link.target] for link in flow.links], y=[stops[link.pair] for link in flow.links],
        mode="markers+text", text=[f"{link.traces:,} " for link in flow.links], textposition="middle left",
        textfont={"size": 11}, marker={"symbol": "triangle-right", "size": 8, "color": BLUE}, cliponaxis=False,
        customdata=[_hover(flow, link, within) for link in flow.links], showlegend=False, name="pairs",
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _add_ends(
    figure: go.Figure, flow: Flow, order: Sequence[End], lefts: dict[End, float], tops: dict[End, float],
    heights: Sequence[float], within: str,
) -> None:  # fmt: skip
    roots = set(flow.roots())
    kinds = {end: "copy" if end.is_copy else "root" if end in roots else "other" for end in order}
    titles = {"root": f"◆ begins it in half of its {within}s or more", "other": "mostly follows others",
              "copy": "↺ leads back to the group of this name"}  # fmt: skip
    colours = {"root": ORANGE, "other": BLUE, "copy": REST}
    for kind, title in titles.items():
        at = [place for place, end in enumerate(order) if kinds[end] == kind]
        if at:
            figure.add_bar(
                base=[lefts[order[i]] for i in at], x=[_BLOCK] * len(at), orientation="h", name=title,
                y=[tops[order[i]] + heights[i] / 2 for i in at], width=[heights[i] for i in at],
                marker={"color": colours[kind], "line_width": 0},
                customdata=[_told(flow, order[i], within) for i in at], hovertemplate="%{customdata}<extra></extra>",
            )  # fmt: skip
    for end in order:
        left = lefts[end]
        anchor, x = ("left", left) if left < 0.34 else ("right", left + _BLOCK) if left > 0.66 else ("center", left)
        mark = "◆ " if kinds[end] == "root" else ""
        figure.add_annotation(
            text=mark + _brief(flow.called(end)), x=x, xanchor=anchor, y=tops[end], yanchor="bottom",
            showarrow=False, font={"size": 12}, borderpad=0, yshift=-1,
        )  # fmt: skip


def _brief(name: str) -> str:
    """A name in so many letters. Of one such as "node · code" the code keeps its beginning, which tells most."""
    first, _, last = name.rpartition(" · ")
    if not first or len(name) <= _LETTERS:
        return label(name, _LETTERS)
    shown = " ".join(first.split())
    kept = _LETTERS - min(len(shown), _FIRST) - len(" · ")
    return f"{label(shown, _FIRST)} · {label(last if len(last) <= kept else last[: kept - 1] + '…', kept)}"


def _hover(flow: Flow, link: Link, within: str) -> str:
    row = link.row
    joined = row.get("joined_traces") or 0
    return "<br>".join([
        f"<b>{label(flow.called(link.source), 100)}</b><br>→ <b>{label(flow.called(link.target), 100)}</b>",
        f"in this order in {count(link.traces, within)}, the other way in {row['reversed_traces'] or 0:,}",
        *([f"no node told of {joined:,} of these: one error came during the work of the other"] if joined else []),
        f"half of the times within {told(row['lag_p50_ms'])}",
        f"followed by it in {row['share_followed']:.0%}, × {row['lift']:.3g} of its usual share",
        f"directly in {row['share_direct']:.0%}; nothing went wrong before in {row['share_root']:.0%}",
        f"q = {row['q']:.2g}",
    ])  # fmt: skip


def _told(flow: Flow, end: End, within: str) -> str:
    lines = [f"<b>{label(flow.called(end), 100)}</b>"]
    for link in flow.links:
        if link.source == end:
            lines.append(f"→ {label(flow.called(link.target), 60)}: {count(link.traces, within)}")
        if link.target == end:
            lines.append(f"after {label(flow.called(link.source), 60)}: {count(link.traces, within)}")
    return "<br>".join(lines)


def _in_words(flow: Flow, within: str) -> str:
    first = flow.links[0]
    roots = [flow.called(end) for end in flow.roots()]
    more = len(roots) - _MOST_ROOTS
    indirect = sum(not link.is_direct for link in flow.links)
    back = sum(link.target.is_copy for link in flow.links)
    rest = max((link.traces for link in flow.left_out), default=0)
    return sentence(
        f"{count(len(flow.links), 'pair')} of errors that come in one order, between "
        f"{count(len({end.key for link in flow.links for end in (link.source, link.target)}), 'group')}.",
        f"The most frequent is {flow.called(first.source)}, then {flow.called(first.target)}: in "
        f"{count(first.traces, within)}, half of them within {told(first.row['lag_p50_ms'])}.",
        f"Mostly nothing went wrong before {', '.join(roots[:_MOST_ROOTS])}"
        f"{f' and {more:,} more' if more > 0 else ''}." if roots else "No group mostly comes first.",
        f"Between {count(indirect, 'pair')} mostly other errors come." if indirect else "",
        f"{count(back, 'pair leads', 'pairs lead')} back, to a copy of an earlier group." if back else "",
        f"{count(flow.over_others, 'pair')} not drawn: direct ones lead from the first to the last."
        if flow.over_others else "",
        f"{count(len(flow.left_out), 'further pair')} not drawn, of at most {count(rest, within)} each."
        if flow.left_out else "",
    )  # fmt: skip
