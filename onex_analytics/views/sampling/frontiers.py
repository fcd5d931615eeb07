"""What volume buys: the error of policies against what they keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from onex_analytics.views.groups import count, name_of, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.sampling.share_axes import ShareAxis
from onex_analytics.views.sampling.words import share
from onex_analytics.views.theme import (
    PALETTE,
    RED,
    REST,
    blank,
    described,
    faded,
    label,
    styled,
    with_long_legend,
)

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "hexagon")
_MOST_DOTS = 3_000


def frontier(frame: pl.DataFrame) -> go.Figure:
    """The worst error of each policy that was tried against its volume, from `sampling.choose(…).frontier`.

    A line a design; what nothing beats is filled, the one that was chosen has a ring.

    >>> from onex_analytics import sampling
    >>> events = pl.LazyFrame({"event_id": list("abcd"), "trace_id": list("tuvw"), "correlation_id": None,
    ...                        "node": list("nnmm"), "outcome": ["failure", "success", "success", "success"]})
    >>> choice = sampling.choose(events, "error_rate", by="node", budget=0.6, least_share=0.1)
    >>> frontier(choice.frontier).layout.yaxis.title.text
    'worst relative error'
    """
    rows = frame.to_dicts()
    if not rows:
        return blank("no policy was tried")
    figure = go.Figure()
    volume, error = (ShareAxis(row[name] for row in rows) for name in ("volume_share", "worst_error"))
    designs = list(dict.fromkeys(row["design"] for row in rows))
    for place, design in enumerate(designs):
        mine = [row for row in rows if row["design"] == design]
        colour = PALETTE[place % len(PALETTE)]
        figure.add_scatter(
            x=volume.places(row["volume_share"] for row in mine), y=error.places(row["worst_error"] for row in mine),
            mode="lines+markers", name=label(design), line={"color": faded(colour, 0.45), "width": 1.5},
            marker={"symbol": [_SYMBOLS[place % len(_SYMBOLS)] + ("" if row["efficient"] else "-open") for row in mine],
                    "size": 9, "color": colour, "line": {"width": 1.5}},
            text=[_tried(row) for row in mine], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    chosen = [row for row in rows if row["chosen"]]
    figure.add_scatter(
        x=volume.places(row["volume_share"] for row in chosen), y=error.places(row["worst_error"] for row in chosen),
        mode="markers", name="chosen", text=[_tried(row) for row in chosen],
        marker={"symbol": "circle-open", "size": 20, "color": RED, "line": {"width": 2.5}},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    styled(figure, height=480, x_title="volume kept" + note("filled: nothing that was tried beats it"),
           y_title="worst relative error")  # fmt: skip
    figure.update_xaxes(**volume.layout())
    figure.update_yaxes(**error.layout())
    figure.update_layout(showlegend=len(designs) <= len(PALETTE))
    with_long_legend(figure)
    best = sum(row["efficient"] for row in rows)
    return described(figure, sentence(
        f"Worst relative error by volume: {count(len(rows), 'policy', 'policies')} of "
        f"{count(len(designs), 'design')}, {best:,} of them beaten by none.",
        *(f"Chosen is {row['design']}: it keeps {share(row['volume_share'])} and is off by at most "
          f"{share(row['worst_error'])} ({_of(row)})." for row in chosen),
    ))  # fmt: skip


def volume_and_error(policies: pl.DataFrame, errors: pl.DataFrame, most_metrics: int = 4) -> go.Figure:
    """The relative error of each metric against the volume that a policy keeps, from a `sampling.simulate`.

    Args:
        policies: `Simulation.policies`.
        errors: `Simulation.errors`: the whole log a mark, each group a dot.
        most_metrics: the first that are drawn, a panel each.

    >>> from onex_analytics import sampling
    >>> events = pl.LazyFrame({"event_id": list("abcd"), "trace_id": list("tuvw"), "correlation_id": None,
    ...                        "node": list("nnmm"), "outcome": ["failure", "success", "success", "success"]})
    >>> found = sampling.simulate(sampling.ProbabilityPolicy(probability=0.5), events, ["count", "error_rate"])
    >>> len(volume_and_error(found.policies, found.errors).layout.annotations)
    2
    """
    named = list(enumerate(policies.select("policy", "events_share").rows()))
    metrics = errors["metric"].unique(maintain_order=True).to_list()
    if not named or not metrics:
        return blank("nothing was simulated")
    drawn, hidden = metrics[:most_metrics], max(len(metrics) - most_metrics, 0)
    figure = make_subplots(
        rows=len(drawn), cols=1, shared_xaxes=True, vertical_spacing=0.26 / len(drawn),
        subplot_titles=[label(metric, 60) for metric in drawn],
    )  # fmt: skip
    rows = errors.filter(pl.col("metric").is_in(drawn)).to_dicts()
    grouped = [row for row in rows if row["level"] == "group"]
    keys = [name for name in errors.columns[3:] if name not in _NUMBERS]
    shares = {policy: kept for _, (policy, kept) in named}
    volume = ShareAxis(shares.values())
    error = ShareAxis(1.0 if _is_never_seen(row) else row["relative_error"] for row in rows)
    for panel, metric in enumerate(drawn, start=1):
        mine = [row for row in rows if row["metric"] == metric]
        if len(grouped) <= _MOST_DOTS:
            _add_groups(figure, [row for row in mine if row["level"] == "group"], shares, keys, (volume, error), panel)
        whole = {row["policy"]: row for row in mine if row["level"] == "all"}
        alike = [named] if len(named) > len(PALETTE) else [[one] for one in named]
        for some in alike:
            place, (policy, _) = some[0]
            name = label(policy) if len(some) == 1 else "a policy"
            figure.add_scatter(
                x=volume.places(kept for _, (_, kept) in some),
                y=error.places(whole[one]["relative_error"] for _, (one, _) in some), mode="markers", name=name,
                legendgroup=name, showlegend=panel == 1, hovertemplate="%{text}<extra></extra>",
                text=[_simulated(whole[one], "the whole log", kept) for _, (one, kept) in some],
                marker={"color": PALETTE[place % len(PALETTE)], "symbol": _SYMBOLS[place % len(_SYMBOLS)], "size": 12,
                        "line": {"width": 1, "color": "#ffffff"}}, row=panel, col=1,
            )  # fmt: skip
    styled(figure, height=130 + 230 * len(drawn), y_title="relative error")
    figure.update_annotations(font={"size": 12}, x=0, xanchor="left")
    rest = [f"{count(hidden, 'more metric')} not drawn"] if hidden else []
    rest += ["groups are not drawn: too many"] if len(grouped) > _MOST_DOTS else ["dots: groups"] if grouped else []
    figure.update_xaxes(**volume.layout())
    figure.update_xaxes(title_text="events kept" + note(", ".join(rest)), row=len(drawn), col=1)
    figure.update_yaxes(**error.layout())
    figure.update_layout(margin_t=76)
    with_long_legend(figure)
    return described(figure, _words(policies, rows, drawn, hidden))


_NUMBERS = {
    "truth", "expected", "bias", "std_error", "rmse", "relative_error", "low", "high", "effective_n", "rests_on",
    "skewness", "kurtosis", "tail_index", "never_seen", "warning",
}  # fmt: skip


def _add_groups(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], shares: Mapping[str, float | None], keys: Sequence[str],
    axes: tuple[ShareAxis, ShareAxis], panel: int,
) -> None:  # fmt: skip
    seen = [row for row in rows if row["relative_error"] is not None]
    never = [row for row in rows if _is_never_seen(row)]
    for part, symbol, colour, name, size in ((seen, "circle", faded(REST, 0.45), "a group", 5),
                                             (never, "x", RED, "a group that is never seen", 7)):  # fmt: skip
        figure.add_scatter(
            x=axes[0].places(shares[row["policy"]] for row in part),
            y=axes[1].places(1.0 if row["relative_error"] is None else row["relative_error"] for row in part),
            mode="markers", name=name, showlegend=False, marker={"symbol": symbol, "size": size, "color": colour},
            text=[_simulated(row, name_of(row, keys), shares[row["policy"]]) for row in part],
            hovertemplate="%{text}<extra></extra>", row=panel, col=1,
        )  # fmt: skip


def _is_never_seen(row: Mapping[str, Any]) -> bool:
    return row["expected"] is None and row["truth"] is not None


def _of(row: Mapping[str, Any]) -> str:
    return f"{row['worst_metric']} of {'the whole log' if row['worst_group'] is None else row['worst_group']}"


def _tried(row: Mapping[str, Any]) -> str:
    return (
        f"<b>{label(row['design'])}</b>{', chosen' if row['chosen'] else ''}<br>{share(row['volume_share'])} kept, of "
        f"{share(row['budget'])} allowed<br>off by at most {share(row['worst_error'])}: {label(_of(row), 90)}<br>"
        f"mean error {share(row['mean_error'])}"
    )


def _simulated(row: Mapping[str, Any], group: str, kept: float | None) -> str:
    told = "never seen" if row["expected"] is None else f"off by {share(row['relative_error'])}"
    return f"<b>{label(row['policy'])}</b>, {share(kept)} kept<br>{label(group, 80)}: {told}"


def _words(
    policies: pl.DataFrame, rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], hidden: int
) -> str:
    whole = [row for row in rows if row["level"] == "all" and row["metric"] == metrics[0]]
    kept = dict(policies.select("policy", "events_share").rows())
    told = "; ".join(f"{row['policy']} keeps {share(kept[row['policy']])} and is off by {share(row['relative_error'])}"
                     for row in whole[:6])  # fmt: skip
    never = sum(row["level"] == "group" and _is_never_seen(row) for row in rows)
    return sentence(
        f"Relative error by share of events kept. {metrics[0]} of the whole log: {told}.",
        f"{count(len(whole) - 6, 'more policy', 'more policies')} drawn." if len(whole) > 6 else "",
        f"Groups that are never seen: {never:,}, red crosses." if never else "",
        f"{count(hidden, 'more metric')} not drawn." if hidden else "",
    )  # fmt: skip
