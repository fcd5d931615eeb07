"""Alerts: what rules would have done on the log, each firing, one rule closely, and what another threshold would do.

Rules are evaluated over the whole log, once a version, as the live engine would have; the time range and the filters
choose among what they did.
"""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from onex_analytics.alerting import Backtest, backtest, pages_by_hour, values_over_time
from onex_analytics.alerting.excerpts import excerpt
from onex_analytics.dashboard import tallies
from onex_analytics.dashboard.asking import Asking
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import Selection, View
from onex_analytics.looks.alerts import swept_rule
from onex_analytics.views import AlertFrames
from onex_analytics.views.report_of_alerts import alert_sections, firings_table, sweep_section, values_section

_NO_RULES = ('<p class="empty">No rules are tried. Start the dashboard with <code>--rules FILE</code>, or with '
             "<code>--rules presets</code> for those that come along.</p>")  # fmt: skip
_NO_RULE = '<p class="empty">Choose a rule above, by its name.</p>'
_AROUND = timedelta(minutes=30)
_MOST = 60


def whole(asking: Asking) -> Backtest | None:
    """The rules on the whole log; None without rules. The few events far outside of its main time are left out."""
    rules = asking.rules
    if rules is None:
        return None
    return asking.kept("backtest", reckon=lambda: backtest(rules, _inside(asking)))


def _inside(asking: Asking) -> pl.LazyFrame:
    start, end, _ = tallies.main_period(asking.holding.counts).row(0)
    events = asking.holding.scan(Selection())
    return events if start is None else events.filter(pl.col("timestamp").is_between(start, end))


def chosen(asking: Asking, view: View) -> Backtest | None:
    """The part of it that the time range, the nodes and the operations choose."""
    result = whole(asking)
    selection = view.selection
    if result is None or selection.is_everything:
        return result
    about = {name: getattr(selection, name) for name in ("node", "operation") if getattr(selection, name)}
    return excerpt(result, selection.since, selection.until, about)


def _rules(asking: Asking, view: View) -> str:
    result = chosen(asking, view)
    if result is None:
        return _NO_RULES
    links = [replace(view, rule=rule).query() for rule in result.summary["rule"].to_list()]
    summary = result.summary.with_columns(pl.Series("href", links, pl.String))
    frames = AlertFrames(rules=asking.rules_name, timeline=result, summary=summary, hours=pages_by_hour(result))
    unused = [name for name in ("event_type", "outcome") if getattr(view.selection, name)]
    note = (
        '<p class="dim">The filters of event type and outcome do not narrow alerts: rules have filters of their '
        "own.</p>" if unused else ""
    )  # fmt: skip
    return note + alert_sections(frames)[0].body


def firings(result: Backtest, rule: str | None = None) -> pl.DataFrame:
    """The alerts that fired, the newest first."""
    fired = result.alerts.filter(pl.col("fired").is_not_null())
    fired = fired if rule is None else fired.filter(pl.col("rule") == rule)
    return fired.sort("fired", "rule", descending=[True, False])


def _firings(asking: Asking, view: View) -> str:
    result = chosen(asking, view)
    if result is None:
        return _NO_RULES
    found = firings(result, view.rule)
    rows = found.head(_MOST)
    links = [_look_there(row, result.end) for row in rows.iter_rows(named=True)]
    table = firings_table(rows.with_columns(pl.Series("href", links, pl.String)), found.height, view.rule)
    if view.rule is None:
        return table
    back = html.escape(replace(view, rule=None).query())
    return f'<p>Of the rule {html.escape(view.rule)}. <a href="{back}">Of all rules</a></p>{table}'


def _look_there(row: dict[str, object], end: datetime | None) -> str:
    """The traces of the time of an alert, and of its node."""
    fired, resolved = row["fired"], row["resolved"] or end
    assert isinstance(fired, datetime) and isinstance(resolved, datetime)
    labels = {pair["name"]: pair["value"] for pair in row["labels"]}  # type: ignore[attr-defined]
    since = (fired - _AROUND).replace(second=0, microsecond=0)
    until = (resolved + _AROUND).replace(second=0, microsecond=0)
    nodes = (labels["node"],) if labels.get("node") else ()
    return View("traces", Selection(since, until, node=nodes), spans=bool(nodes)).query()


def _values(asking: Asking, view: View) -> str:
    result = whole(asking)
    if result is None or view.rule is None:
        return _NO_RULES if result is None else _NO_RULE
    rule = view.rule
    values = asking.kept("values", rule, reckon=lambda: values_over_time(result, rule))
    selection = view.selection
    if selection.since is not None:
        values = values.filter(pl.col("end") > selection.since)
    if selection.until is not None:
        values = values.filter(pl.col("start") < selection.until)
    return values_section(values, rule).body


def _sweep(asking: Asking, view: View) -> str:
    result = whole(asking)
    if result is None or view.rule is None:
        return _NO_RULES if result is None else _NO_RULE
    rule = view.rule
    group = next((g.name for g, r in result.rules.rules if r.alert == rule), None)
    if group is None:
        return _NO_RULE
    swept = asking.kept("sweep", rule, reckon=lambda: swept_rule(result, group, rule, _inside(asking), None))
    if swept is None:
        return ('<p class="empty">This rule has no curve: it compares by == or !=, is limited, or begins anew after a '
                "match.</p>")  # fmt: skip
    return sweep_section(swept).body


SLOTS = (
    Slot("alerts", "What alert rules would have done", _rules, slow=True),
    Slot("firings", "Each firing", _firings, of=lambda view: (view.selection, view.rule), slow=True),
    Slot("values", "One rule: its value beside its threshold", _values, slow=True,
         of=lambda view: (view.rule, view.selection.since, view.selection.until)),
    Slot("sweep", "One rule: what another threshold would do", _sweep, of=lambda view: view.rule, slow=True),
)  # fmt: skip
