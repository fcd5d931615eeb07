"""How soon incidents are known of."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views.alerting.words import delay, names_of
from onex_analytics.views.durations import LogAxis
from onex_analytics.views.groups import count, sentence
from onex_analytics.views.lanes import note
from onex_analytics.views.theme import PALETTE, blank, described, label, styled, with_long_legend

_DASHES = ("solid", "dash", "dot", "dashdot")


def delay_ecdf(frame: pl.DataFrame, most: int = 9) -> go.Figure:
    """How soon incidents are known of, from `alerting.delay_distribution`: a step a catch, a line a rule.

    A line ends at the share that was caught at all: those that were missed never come.

    Args:
        frame: the delays.
        most: rules that get a line, those that caught the most, beside the line of all together.
    """
    if frame.is_empty():
        return blank("no incident was caught")
    parts = [part.to_dicts() for part in frame.partition_by("group", "rule", maintain_order=True)]
    parts.sort(key=lambda part: (part[0]["rule"] is not None, -part[-1]["caught"]))
    shown, hidden = parts[: most + 1], max(len(parts) - most - 1, 0)
    told = [row["delay_s"] * 1000 for part in shown for row in part]
    last = max(*told, 1000.0)
    room = 1.5 if last > 10 * min(told) else 4.0  # so that the last step is seen
    axis = LogAxis.of([*told, last * room, *([min(told) / room] if room > 2 and min(told) > 0 else [])])
    last *= room
    rules = [(part[0]["group"], part[0]["rule"]) for part in parts if part[0]["rule"] is not None]
    names = dict(zip(rules, names_of(rules), strict=True))
    figure = go.Figure()
    for place, part in enumerate(shown):
        together = part[0]["rule"] is None
        name = "all rules together" if together else names[part[0]["group"], part[0]["rule"]]
        ends = [*part, part[-1] | {"delay_s": last / 1000}]
        figure.add_scatter(
            x=axis.places(row["delay_s"] * 1000 for row in ends), y=[row["share"] for row in ends], name=label(name),
            mode="lines+markers" if len(part) <= 60 else "lines",
            line={"shape": "hv", "width": 3.5 if together else 1.8, "color": PALETTE[place % len(PALETTE)],
                  "dash": "solid" if together else _DASHES[place % len(_DASHES)]},
            marker={"size": [8 if together else 6] * len(part) + [0]},
            customdata=[f"<b>{label(name, 160)}</b><br>{row['caught']:,} of {count(row['incidents'], 'incident')} "
                        f"known after {delay(row['delay_s'])}" for row in ends],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    text = f"{count(hidden, 'more rule')} that caught fewer not drawn" if hidden else ""
    styled(figure, height=430, x_title="time from the start of the incident until the alert is known (log scale; 0: or "
           "before it began)" + note(text), y_title="share of incidents known by then")  # fmt: skip
    with_long_legend(figure)
    figure.update_xaxes(axis.layout())
    figure.update_yaxes(tickformat=".0%", range=[0, 1.03])
    all_rules = shown[0]
    half = next((row for row in all_rules if row["share"] >= 0.5), None)
    return described(figure, sentence(
        f"Delays of {count(all_rules[-1]['caught'], 'caught incident')} of {all_rules[-1]['incidents']:,}.",
        f"Half of all incidents are known of after {delay(half['delay_s'])}." if half
        else "Fewer than half are ever known of.",
        text + "." if text else "",
    ))  # fmt: skip
