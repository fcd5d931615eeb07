"""The part of the first report that is about alert rules: what they would have done, and what others would."""

from __future__ import annotations

import html
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views import alerting
from onex_analytics.views.alerting.timelines import TimelineFrames
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.tables import Column, html_facts, html_table, plain
from onex_analytics.views.theme import description


class SweptRule(NamedTuple):
    """A rule under every threshold."""

    rule: str
    threshold: float
    """The one that it has."""
    sweep: pl.DataFrame
    """`alerting.sweep`."""


class AlertFrames(NamedTuple):
    """Collected results of `alerting`: a set of rules on the log."""

    rules: str
    """What the rules are called, such as a file's name."""
    timeline: TimelineFrames
    """The `alerting.Backtest`."""
    summary: pl.DataFrame
    """`Backtest.summary`."""
    hours: pl.DataFrame
    """`alerting.pages_by_hour`."""
    scores: pl.DataFrame | None = None
    """`Backtest.scores`, where incidents are known."""
    matrix: pl.DataFrame | None = None
    """`alerting.incident_matrix`."""
    delays: pl.DataFrame | None = None
    """`alerting.delay_distribution`."""
    swept: SweptRule | None = None


def alert_sections(alerts: AlertFrames) -> list[Section]:
    """What the rules would have done, how well they find incidents, and what another threshold would do."""
    found = [Section("alerts", "What alert rules would have done", _backtest(alerts))]
    if alerts.scores is not None:
        found.append(Section("detection", "Which incidents the rules find", _detection(alerts)))
    if alerts.swept is not None:
        found.append(sweep_section(alerts.swept))
    return found


def sweep_section(swept: SweptRule) -> Section:
    """What another threshold of a rule would do."""
    return Section("sweep", "What another threshold would do", _sweep(swept))


def values_section(values: pl.DataFrame, rule: str) -> Section:
    """The value of a rule beside its threshold: `alerting.values_over_time`."""
    title = "The value beside the threshold"
    if values.is_empty():
        return Section("values", title, f'<p class="empty">Nothing of {html.escape(rule)} was evaluated then.</p>')
    lead = (f"What the rule {html.escape(rule)} compares with its threshold, over time: of the label sets that fired "
            "for the longest, and of all others together.")  # fmt: skip
    return Section("values", title, _read(lead) + _drawn(alerting.value_against_threshold(values)))


def firings_table(rows: pl.DataFrame, of: int, rule: str | None) -> str:
    """Alerts that fired, of so many in all: rows of `Backtest.alerts`, and `href`, where a click leads."""
    label = pl.element().struct
    pair = pl.format("{}={}", label.field("name"), label.field("value").fill_null("–"))
    lasted = (pl.col("resolved") - pl.col("fired")).dt.total_microseconds() / 1e6
    shown = rows.with_columns(
        pl.col("labels").list.eval(pair).list.join(", ").alias("labels"), lasted.alias("lasted_s"),
        pl.lit("traces then").alias("look"),
    )
    columns = [
        Column("fired", "fired", "time"), Column("rule", "rule"), Column("labels", "of"),
        Column("lasted_s", "for", "seconds"), Column("value", "value", "number"), Column("peak", "worst", "number"),
        Column("threshold", "threshold", "number"), Column("look", "look at", "word", "href"),
    ]  # fmt: skip
    which = "" if rule is None else f" of {html.escape(rule)}"
    empty = "No rule fired in this time." if rule is None else "This rule did not fire in this time."
    more = f"<p>Shown are the newest {rows.height:,} of {of:,}{which}.</p>" if of > rows.height else ""
    return more + html_table(shown, columns, caption="Firings, the newest first", empty=empty)


def _read(text: str) -> str:
    return f'<p class="dim">{text}</p>'


def _drawn(figure: go.Figure) -> str:
    return html_figure(figure, description(figure))


def _backtest(alerts: AlertFrames) -> str:
    rules = [
        Column("rule", "rule", "text", "href" if "href" in alerts.summary.columns else ""),
        Column("firings", "firings", "count"),
        Column("firing_label_sets", "label sets that fired", "count"), Column("label_sets", "watched", "count"),
        Column("firing_s", "time in alert", "seconds"),
        Column("longest_s", "longest", "seconds"), Column("flaps", "again within 30 min", "count"),
        Column("pages", "pages", "count"), Column("pages_per_day", "pages a day", "number"),
    ]  # fmt: skip
    return (
        _read(f"{html.escape(alerts.rules)} on this log, evaluated exactly as the live engine would have done it "
              "(<code>onex-analytics alerts backtest</code>). Each line is a rule and what it watches; blue is firing. "
              "A page is a message that a person would have had: several alerts may share one, and one that goes on is "
              "told again.")
        + _drawn(alerting.timeline(alerts.timeline))
        + html_table(alerts.summary, rules, caption="What each rule did", empty="There is no rule.")
        + "<h3>When people would have been paged</h3>" + _drawn(alerting.pages_by_hour(alerts.hours))
    )  # fmt: skip


def _detection(alerts: AlertFrames) -> str:
    assert alerts.scores is not None
    columns = [
        Column("rule", "rule", "rule"), Column("firings", "firings", "count"),
        Column("precision", "right", "share"), Column("random_precision", "right, by chance", "share"),
        Column("caught", "caught", "count"), Column("incidents", "of incidents", "count"),
        Column("recall", "caught, share", "share"), Column("random_recall", "by chance", "share"),
        Column("delay_s_p50", "half known after", "seconds"), Column("only", "by it alone", "count"),
        Column("pages_per_day", "pages a day", "number"),
    ]  # fmt: skip
    together = alerts.scores.filter(pl.col("rule").is_null()).to_dicts()
    facts = html_facts({
        "incidents": (together[0]["incidents"], "count"), "caught": (together[0]["caught"], "count"),
        "of the firings, right": (together[0]["precision"], "share"),
        "half known after": (together[0]["delay_s_p50"], "seconds"),
        "pages a day": (together[0]["pages_per_day"], "number"),
    }) if together else ""  # fmt: skip
    figures = "".join(
        _drawn(drawn)
        for drawn in (
            *(() if alerts.matrix is None else (alerting.incident_matrix(alerts.matrix),)),
            *(() if alerts.delays is None else (alerting.delay_ecdf(alerts.delays),)),
        )
    )
    return (
        _read("A firing is right if it begins up to 15 minutes before a labelled incident, or in it, and names nothing "
              "that the incident does not. Beside each score stands what as many alerts at random times would have: a "
              "rule that is no better tells nothing.")
        + facts + figures + html_table(alerts.scores, columns, caption="How well each rule finds incidents",
                                       empty="Nothing was evaluated.")
    )  # fmt: skip


def _sweep(swept: SweptRule) -> str:
    return (
        _read(f"The rule {html.escape(swept.rule)} with every threshold that makes a difference, each reckoned "
              f"exactly. Now it is {plain(swept.threshold, 'number')}: read off how many firings another would cost, "
              "and what it would find.")
        + _drawn(alerting.sweep_curve(swept.sweep, swept.threshold))
    )  # fmt: skip
