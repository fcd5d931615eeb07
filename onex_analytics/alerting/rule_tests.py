"""Tests of rules, as promtool has them: events go in, and it is said which alerts are pending and firing when.

    rule_files: [rules.yaml]                   # beside this file; or "presets"
    tests:
    - name: a node that fails again and again
      input_events:
      - {event: {node: a, outcome: failure}, at: 0s, every: 20s, times: 40}
      expect:
      - {at: 5m, alert: Failures, firing: [{node: a}]}
      - {at: 40m, alert: Failures, resolved: [{node: a}], pending: [], firing: []}
      pages:
      - {at: 2m30s, receiver: default, firing: [{alertname: Failures, node: a}]}

Rules are run by `backtest`, and so as they run live. Times count from `begin`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.filters.kinds import kind_of, mend_of_name
from onex_analytics.alerting.loading import load_rules, presets, rule_schema
from onex_analytics.alerting.rule_test_files import MOST_EVENTS, STATES, Expectation, RuleTest, read_rule_tests
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.exceptions import InvalidOption, RuleError
from onex_analytics.model.event_rows import event_row
from onex_analytics.model.shapes import EVENTS
from onex_analytics.model.yaml_tree import Node, line_at

CHECKS = pl.Schema({
    "file": pl.String(),
    "line": pl.Int64(),                      # of the expectation
    "test": pl.String(),
    "at": pl.String(),                       # since `begin`, such as 5m
    "what": pl.String(),                     # the alert and what is said of it, or "pages"
    "passed": pl.Boolean(),
    "expected": pl.String(),
    "found": pl.String(),
})
"""One row an expectation."""

PRESETS = "presets"
_OF_OUTCOME = {"start": "NODE_START", "failure": "NODE_FAILURE"}


@dataclass(frozen=True)
class RuleTestReport:
    """What became of the expectations.

    >>> RuleTestReport(pl.DataFrame(schema=CHECKS)).passed
    True
    """

    checks: pl.DataFrame
    """`CHECKS`: one row an expectation."""

    def __repr__(self) -> str:
        met = self.checks["passed"].sum()
        return f"RuleTestReport({met:,} of {self.checks.height:,} expectations met)"

    @property
    def passed(self) -> bool:
        """Whether all were met."""
        return bool(self.checks["passed"].all())

    @property
    def failures(self) -> list[str]:
        """What was not met, a line each: the place, what was expected and what was found."""
        missed = self.checks.filter(~pl.col("passed"))
        return [
            f"{row['file']}:{row['line']}: {row['test'] or 'test'}: {row['what']} at {row['at']}: "
            f"expected {row['expected']}, found {row['found']}"
            for row in missed.iter_rows(named=True)
        ]  # fmt: skip


def run_rule_tests(source: str | os.PathLike[str], *, rules: RuleSet | None = None) -> RuleTestReport:
    """Run a test file.

    Args:
        source: a path, or the YAML itself.
        rules: the rules to test, in the place of the `rule_files` that it names.

    Returns:
        One row an expectation: whether it was met, what was expected and what was found.

    Raises:
        RuleError: a mistake in the test file or in a rule file, with its line.

    >>> report = run_rule_tests('''
    ... rule_files: [presets]
    ... tests:
    ... - name: four starts in five minutes
    ...   input_events:
    ...   - {event: {node: a, event_type: NODE_REGISTER}, at: 1s, every: 1m, times: 10}
    ...   expect:
    ...   - {at: 4m, alert: RestartLoop, pending: [{node: a}], firing: []}
    ...   - {at: 6m, alert: RestartLoop, firing: [{node: a}]}
    ... ''')
    >>> report.passed, report.checks.height
    (True, 3)
    """
    file, tree, told = read_rule_tests(source)
    tested = _rules(file, told.rule_files) if rules is None else rules
    checks: list[tuple[Any, ...]] = []
    for i, test in enumerate(told.tests):
        checks += _run(file, tree, ("tests", i), test, tested)
    return RuleTestReport(pl.DataFrame(checks, schema=CHECKS, orient="row"))


def _rules(file: str, names: Iterable[str]) -> RuleSet:
    """The rules of all files as one set; how alerts are told is said by the first."""
    folder = Path(file).parent if file != "<text>" else Path()
    read = [presets() if name == PRESETS else load_rules(folder / name) for name in names]
    groups = [group.name for rules in read for group in rules.groups]
    if twice := {name for name in groups if groups.count(name) > 1}:
        wanted = f"files without a group in common; {min(twice)!r} stands in two"
        raise InvalidOption("rule_files", ", ".join(names), wanted)
    dimensions = {name: said for rules in read for name, said in rules.dimensions.items()}
    merged = tuple(group for rules in read for group in rules.groups)
    return read[0].model_copy(update={"groups": merged, "dimensions": dimensions})


# ---------------------------------------------------------------------- events


def _events(file: str, tree: Node, place: tuple[str | int, ...], test: RuleTest, rules: RuleSet) -> pl.DataFrame:
    schema = rule_schema(rules)
    rows: list[dict[str, Any]] = []
    for i, one in enumerate(test.input_events):
        row = _row(file, line_at(tree, (*place, "input_events", i, "event")), one.event, schema)
        rows += [{**row, "timestamp": test.begin + moment} for moment in one.moments()]
        if len(rows) > MOST_EVENTS:
            line = line_at(tree, (*place, "input_events", i))
            raise RuleError(file, line, f"more than {MOST_EVENTS:,} events", "test with fewer; backtest a log instead")
    for i, row in enumerate(sorted(rows, key=lambda row: row["timestamp"])):
        row["event_id"] = row["event_id"] or f"event-{i:06}"
    return pl.DataFrame(rows, schema=schema, orient="row")


def _row(file: str, line: int, event: Mapping[str, Any], schema: Mapping[str, pl.DataType]) -> dict[str, Any]:
    """The event as a row of the canonical frame: what it says, and what follows from its type."""
    for name, value in event.items():
        if name not in schema or name == "timestamp":
            mend = "say when by `at`, beside `event`" if name == "timestamp" else mend_of_name(name, schema)
            raise RuleError(file, line, f"event: no column is named {name!r}", mend)
        if not _fits(schema[name], value):
            problem = f"event: {name} is {value!r}, and the column holds {schema[name]}"
            raise RuleError(file, line, problem, f"write {name}: {_LIKE.get(str(schema[name]), '…')}")
    outcome = event.get("outcome", "success")
    kind = _OF_OUTCOME.get(outcome, "NODE_SUCCESS")
    wire: dict[str, Any] = {"event_type": kind, "node_id": event.get("node"), "metadata": {}}
    derived = event_row({**wire, **event}, [name for name in EVENTS if name not in ("timestamp", "metadata")])
    given = {name: json.dumps(value) if isinstance(value, Mapping) else value for name, value in event.items()}
    return {"adjusted_count": 1.0, **{n: v for n, v in derived.items() if v is not None or n == "event_id"}, **given}


_LIKE = {"String": "'…'", "Boolean": "true", "Float64": "1.5", "Int64": "1", "UInt32": "1", "UInt64": "1"}


def _fits(dtype: pl.DataType, value: Any) -> bool:
    match kind_of(dtype), value:
        case _, None:
            return True
        case "text", str() | Mapping():
            return True
        case "bool", bool():
            return True
        case "number", int() | float():
            return not isinstance(value, bool) and (isinstance(value, int) or dtype.is_float())
        case "list", list():
            return all(isinstance(entry, str) for entry in value)
    return False


# ---------------------------------------------------------------------- expectations


def _run(
    file: str, tree: Node, place: tuple[str | int, ...], test: RuleTest, rules: RuleSet
) -> Iterator[tuple[Any, ...]]:
    events = _events(file, tree, place, test, rules)
    late = max((group.allowed_lateness for group in rules.groups), default=timedelta())
    # a tick is evaluated once the clock is past it, and past what it waits for late events
    clock = test.begin + test.end + late + timedelta(microseconds=1)
    result = backtest(rules, events, until=clock)
    for i, one in enumerate(test.expect):
        line = line_at(tree, (*place, "expect", i))
        try:
            rules.rule(one.alert, one.group)
        except InvalidOption as error:
            raise RuleError(file, line, str(error).rstrip("."), "name an alert of the rules") from None
        now = _states(result, one, test.begin + one.at)
        for state in STATES:
            wanted = getattr(one, state)
            if wanted is not None:
                expected, found = _said(map(dict, wanted)), _said(now[state])
                what = f"{one.alert} {state}"
                yield file, line, test.name, duration_text(one.at), what, expected == found, expected, found
    if test.pages is not None:
        awaited = [(p.at, p.receiver, _said(map(dict, p.firing)), _said(map(dict, p.resolved))) for p in test.pages]
        told = _pages(result, rules, test)
        for i in range(max(len(awaited), len(told))):
            pair = [held[i] if i < len(held) else None for held in (awaited, told)]
            line = line_at(tree, (*place, "pages", min(i, max(len(awaited) - 1, 0))))
            at = next(page[0] for page in pair if page is not None)
            words = [_page_text(page) for page in pair]
            yield file, line, test.name, duration_text(at), f"page {i + 1}", pair[0] == pair[1], *words


def _states(result: Backtest, one: Expectation, at: datetime) -> dict[str, list[dict[str, str]]]:
    """The label sets by the last that became of their alert up to a time."""
    of_rule = (pl.col("rule") == one.alert) & (pl.col("at") <= at)
    if one.group is not None:
        of_rule &= pl.col("group") == one.group
    last: dict[tuple[tuple[str, str], ...], str] = {}
    for labels, state in result.transitions.filter(of_rule).sort("at", maintain_order=True).select(
        "labels", "state"
    ).iter_rows():
        last[tuple((label["name"], label["value"]) for label in labels)] = state
    return {state: [dict(labels) for labels, found in last.items() if found == state] for state in STATES}


PageText = tuple[timedelta, str, str, str]


def _pages(result: Backtest, rules: RuleSet, test: RuleTest) -> list[PageText]:
    """The pages up to the end of the test, by time and receiver."""
    statics = {(group.name, rule.alert): dict(rule.labels) for group, rule in rules.rules}

    def texts(alerts: Iterable[Mapping[str, Any]]) -> str:
        return _said(
            {
                "alertname": alert["rule"], **{label["name"]: label["value"] for label in alert["labels"]},
                **statics[alert["group"], alert["rule"]],
            }
            for alert in alerts
        )  # fmt: skip

    told = result.pages.filter(pl.col("at") <= test.begin + test.end)
    return [
        (row["at"] - test.begin, row["receiver"], texts(row["firing"]), texts(row["resolved"]))
        for row in told.sort("at", "receiver", maintain_order=True).iter_rows(named=True)
    ]


def _page_text(page: PageText | None) -> str:
    if page is None:
        return "no page"
    at, receiver, firing, resolved = page
    return f"{receiver} at {duration_text(at)}, firing {firing}, resolved {resolved}"


def _said(labels: Iterable[Mapping[str, str]]) -> str:
    """Label sets as text, in an order of their own."""
    every = sorted("{" + ", ".join(f"{name}: {one[name]}" for name in sorted(one)) + "}" for one in labels)
    return f"[{', '.join(every)}]"
