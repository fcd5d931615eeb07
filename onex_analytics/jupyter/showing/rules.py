"""Alert rules, what became of their tests, and pages."""

from __future__ import annotations

import polars as pl

from onex_analytics.alerting import Group, Page, Rule, RuleSet, RuleTestReport
from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.prometheus import PrometheusExport
from onex_analytics.alerting.prometheus_import import PrometheusImport
from onex_analytics.alerting.writing import rules_text
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.views.tables import Column

_RULES = (
    Column("group", "group", "word"), Column("rule", "rule", "word"), Column("condition", "condition", "code"),
    Column("for", "for", "word"), Column("by", "by"),
)  # fmt: skip
_UNMAPPED = (
    Column("group", "group", "word"), Column("rule", "rule", "word"), Column("field", "field", "code"),
    Column("reason", "reason"),
)  # fmt: skip


def rule_set(rules: RuleSet) -> Card:
    """One row a rule, and who is told."""
    return Card(
        "Rules",
        facts={
            "rules": (sum(len(group.rules) for group in rules.groups), "count"), "groups": (len(rules.groups), "count"),
            "silences": (len(rules.silences), "count"), "told to": (rules.notification.route.receiver, "text"),
        },
        tables=(CardTable(".rules", _rows(rules.groups), _RULES, "no rule", "the first", most=12),),
    )  # fmt: skip


def group(held: Group) -> Card:
    """How it is evaluated, and its rules."""
    return Card(
        f"Group {held.name}",
        facts={
            "rules": (len(held.rules), "count"), "every": (duration_text(held.interval), "text"),
            "waits for late events": (duration_text(held.allowed_lateness), "text"),
        },
        tables=(CardTable(".rules", _rows((held,)), _RULES[1:], "no rule", "the first", most=12),),
    )  # fmt: skip


def rule(held: Rule) -> Card:
    """As a rule file has it."""
    text = rules_text(RuleSet(groups=(Group(name="group", rules=(held,)),)))
    return Card(f"Rule {held.alert}", code=text)


def rule_test_report(report: RuleTestReport) -> Card:
    """What was not met, with the place in the file."""
    missed = report.checks.filter(~pl.col("passed"))
    columns = (
        Column("file", "file"), Column("line", "line", "count"), Column("test", "test"), Column("at", "at", "word"),
        Column("what", "what"), Column("expected", "expected"), Column("found", "found"),
    )  # fmt: skip
    return Card(
        "Tests of rules: passed" if report.passed else "Tests of rules: failed",
        facts={"expectations": (report.checks.height, "count"), "met": (report.checks.height - missed.height, "count"),
               "not met": (missed.height, "count")},
        tables=(CardTable(".checks, those not met", missed, columns, "all were met", "the first"),),
    )  # fmt: skip


def prometheus_export(told: PrometheusExport) -> Card:
    """The files, and what does not map."""
    frame = pl.DataFrame({"file": list(told.files), "size": [len(text.encode()) for text in told.files.values()]})
    columns = (Column("file", "file", "code"), Column("size", "size", "bytes"))
    return Card(
        "Export for Prometheus",
        tables=(CardTable(".files", frame, columns, "no file", most=10),
                CardTable(".unmapped", told.unmapped, _UNMAPPED, "everything has a counterpart", "the first")),
    )  # fmt: skip


def prometheus_import(told: PrometheusImport) -> Card:
    """The rules, and what did not come along."""
    card = rule_set(told.rules)
    unmapped = CardTable(".unmapped", told.unmapped, _UNMAPPED, "everything came along", "the first")
    return Card("Rules with the lifecycle of Prometheus", facts=card.facts, tables=(*card.tables, unmapped))


def page(held: Page) -> Card:
    """Who is told what about which alerts."""
    rows = [alert.row() | {"state": state} for state, alerts in (("firing", held.firing), ("resolved", held.resolved))
            for alert in alerts[:20]]  # fmt: skip
    columns = (
        Column("state", "state", "word"), Column("rule", "rule", "word"), Column("labels", "labels"),
        Column("value", "value", "number"), Column("starts_at", "since (UTC)", "time"),
    )  # fmt: skip
    frame = pl.DataFrame([{column.name: row[column.name] for column in columns} for row in rows])
    return Card(
        f"Page to {held.receiver}",
        facts={"at (UTC)": (held.at, "time"), "why now": (held.reason, "text"), "wakes somebody": (held.wakes, "flag"),
               "about": (", ".join(f"{name}={value}" for name, value in held.group_labels) or "all", "text")},
        tables=(CardTable(".firing and .resolved", frame, columns if rows else (), "no alert",
                          rows=len(held.firing) + len(held.resolved)),),
    )  # fmt: skip


def _rows(groups: tuple[Group, ...]) -> pl.DataFrame:
    rows = [
        (held.name, one.alert, _condition(one), duration_text(one.for_), ", ".join(one.by) or "–")
        for held in groups for one in held.rules[:20]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=[column.name for column in _RULES], orient="row")


def _condition(one: Rule) -> str:
    """Its cell and the comparison, such as `ratio over 5m >= 0.05`."""
    when = one.when
    window = getattr(when.cell, "window", None)
    over = "" if window is None else f" over {duration_text(window)}"
    return f"{when.cell.kind}{over} {when.op} {when.threshold:g}"
