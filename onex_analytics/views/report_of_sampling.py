"""The part of the first report that is about sampling: what volume buys, and which alerts it would cost."""

from __future__ import annotations

import html
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views import sampling
from onex_analytics.views.groups import count
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.sampling.words import share
from onex_analytics.views.tables import Column, html_facts, html_table
from onex_analytics.views.theme import description

_MOST = 40


class SamplingFrames(NamedTuple):
    """Collected results of `sampling`: policies that keep about one share of the log."""

    budget: float
    """The share of the events that is kept."""
    why_none: str
    """Why no policy was chosen; "" where one was."""
    frontier: pl.DataFrame | None
    """`sampling.choose(…).frontier`; None where none could be chosen."""
    rules: pl.DataFrame | None
    """What the chosen policy keeps: `events`, `probability`."""
    policies: pl.DataFrame
    """`Simulation.policies`."""
    errors: pl.DataFrame
    """`Simulation.errors` by node."""
    losses: pl.DataFrame
    """`Simulation.losses`."""
    alerts: pl.DataFrame | None = None
    """What becomes of alerts, as `onex-analytics sample alerts` tells it; None without rules."""
    incidents: pl.DataFrame | None = None
    """What becomes of labelled incidents."""


def sampling_sections(frames: SamplingFrames) -> list[Section]:
    """What a part of the log would tell, and which alerts would be lost."""
    found = [Section("sampling", f"What {share(frames.budget)} of the events would tell", _answers(frames))]
    found.append(Section("sampling-lost", "What would be lost", _lost(frames)))
    if frames.alerts is not None:
        found.append(Section("sampling-alerts", "Which alerts would be lost", _alerts(frames)))
    return found


def _read(text: str) -> str:
    return f'<p class="dim">{text}</p>'


def _drawn(figure: go.Figure) -> str:
    return html_figure(figure, description(figure))


def _answers(frames: SamplingFrames) -> str:
    parts = [_read(
        "Were only a part of the events kept, every answer would be an estimate. How far off each would be is reckoned "
        "exactly from this log, without drawing once: its standard error over draws of traces, and what is never seen, "
        "as a share of the true value (<code>onex-analytics sample choose</code>, <code>sample simulate</code>)."
    )]  # fmt: skip
    if frames.frontier is None:
        parts.append(f'<p class="empty">No policy could be chosen: {html.escape(frames.why_none)}</p>')
    else:
        chosen = frames.frontier.filter("chosen").row(0, named=True)
        parts.append(html_facts({
            "kept by the chosen policy": (chosen["volume_share"], "share"),
            "error rates off by at most": (chosen["worst_error"], "share"),
        }))  # fmt: skip
        parts.append(_drawn(sampling.frontier(frames.frontier)))
    parts.append(html_table(frames.policies, [
        Column("policy", "policy"), Column("events_kept", "events kept", "count"),
        Column("events_share", "of the events", "share"), Column("bytes_share", "of the bytes", "share"),
    ], caption="What each policy keeps, on average", empty="No policy was tried."))  # fmt: skip
    parts += ["<h3>Error rates by node</h3>", _drawn(sampling.group_errors(frames.errors, "error_rate"))]
    if frames.rules is not None:
        shown = frames.rules.head(_MOST)
        rest = frames.rules.height - shown.height
        parts += [
            "<h3>The chosen policy: the first rule that matches holds</h3>",
            html_table(shown, [Column("events", "events"), Column("probability", "kept", "share")],
                       caption="The chosen policy, rule by rule", empty=""),
            f"<p>{count(rest, 'more rule')}.</p>" if rest else "",
        ]  # fmt: skip
    return "".join(parts)


def _lost(frames: SamplingFrames) -> str:
    columns = [
        Column("what", "what", "word"), Column("node", "node"), Column("error", "error"),
        Column("events", "events of the log", "count"), Column("traces", "traces", "count"),
        Column("events_kept", "kept on average", "number"), Column("never_seen", "never seen, chance", "share"),
    ]  # fmt: skip
    last = frames.policies["policy"].to_list()[-1:]
    risky = frames.losses.filter(pl.col("policy").is_in(last) & (pl.col("never_seen") > 0.5))
    often = risky.sort("events", "never_seen", "what", "node", "error", descending=[True, True, False, False, False])
    rest = often.height - _MOST
    return "".join([
        _read("Rare things are the first to go: an error that came once, a code, work that began and never ended. "
              "Finished work of which only one end is kept is torn: a start alone looks unfinished."),
        _drawn(sampling.lost(frames.losses, frames.policies)),
        html_table(often.head(_MOST), columns, caption=f"More likely lost than not under “{'; '.join(last)}”",
                   empty=f"Nothing is more likely lost than not under “{'; '.join(last)}”."),
        f"<p>{count(rest, 'rarer one has', 'rarer ones have')} no row.</p>" if rest > 0 else "",
    ])  # fmt: skip


def _alerts(frames: SamplingFrames) -> str:
    assert frames.alerts is not None
    rules = [
        Column("policy", "policy"), Column("rule", "rule", "rule"),
        Column("full_firings", "alerts on the whole log", "count"), Column("on_time", "in time", "count"),
        Column("late", "late", "count"), Column("late_s_p50", "late by (half)", "seconds"),
        Column("lost", "lost", "count"), Column("false", "false", "count"),
        Column("full_pages", "pages on the whole log", "count"), Column("pages_right", "right pages", "count"),
        Column("pages_false", "false pages", "count"),
    ]  # fmt: skip
    fired = frames.alerts.filter((pl.col("full_firings") > 0) | (pl.col("false") > 0) | pl.col("rule").is_null())
    silent = frames.alerts.height - fired.height
    parts = [
        _read("The rules on what each policy keeps, with its weights, beside the whole log: exactly what the live "
              "engine would have done behind the live sampler. An alert that comes later is late; one of which the "
              "whole log knows nothing is false (<code>onex-analytics sample alerts</code>)."),
        _drawn(sampling.alert_impact(frames.alerts)),
        html_table(fired, rules, caption="Alerts and pages, rule by rule", empty="No rule was tried."),
        f"<p>{count(silent, 'row')} of rules that fire neither way: left out.</p>" if silent else "",
        *(f"<p>Bent by sampling, whatever the weights: {html.escape(rule)} ({html.escape(why)}).</p>"
          for rule, why in _bent(frames.alerts)),
    ]  # fmt: skip
    if frames.incidents is not None:
        columns = [
            Column("policy", "policy"), Column("incident", "incident"), Column("kind", "kind"),
            Column("start", "from", "time"), Column("full_delay_s", "known after, whole log", "seconds"),
            Column("delay_s_p50", "known after", "seconds"),
        ]  # fmt: skip
        lost = frames.incidents.filter(pl.col("full_delay_s").is_not_null() & (pl.col("found") < pl.col("draws")))
        parts.append("<h3>Labelled incidents that would be lost</h3>" + html_table(
            lost, columns, caption="Incidents that the rules catch on the whole log, and not on what is kept",
            empty="Every incident that the rules catch on the whole log is caught under each policy."))  # fmt: skip
    return "".join(parts)


def _bent(alerts: pl.DataFrame) -> list[tuple[str, str]]:
    """The rules whose values are not those of the whole log, even on average, and why; those of one reason together."""
    rules: dict[str, list[str]] = {}
    for rule, why in alerts.select("rule", "bias").unique(maintain_order=True).rows():
        if rule is not None and why is not None:
            rules.setdefault(why, []).append(rule)
    return [(", ".join(some), why) for why, some in rules.items()]
