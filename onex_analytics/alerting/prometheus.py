"""To Prometheus and back: tune a rule here, run it there.

A rule asks the events; Prometheus asks series. What an evaluation of ours reckons goes out as a recorded series, and
the rule over it keeps its lifecycle, labels and texts: it fires at the same ticks (`promtool test rules` says so). What
has no counterpart is listed by name, never dropped in silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import yaml

from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.alerting.templates import plain
from onex_analytics.frames.columns import require

UNMAPPED = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),                     # null where it is said of a whole group or file
    "field": pl.String(),
    "reason": pl.String(),
})
"""One row a thing that has no counterpart on the other side."""

RULE_FILE = "rules.yml"
_LABEL_NAME = re.compile("(?!__)[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class PrometheusExport:
    """Files for Prometheus: `rules.yml`, and for each group its series and a test of promtool.

    `promtool test rules test-<group>.yml` shows that the alerts are the same; `promtool tsdb create-blocks-from
    openmetrics series-<group>.om` puts the series into a Prometheus.
    """

    files: Mapping[str, str]
    unmapped: pl.DataFrame

    def __repr__(self) -> str:
        return f"PrometheusExport({', '.join(self.files)}; {self.unmapped.height:,} without counterpart)"


def export_prometheus(rules: RuleSet, states: pl.DataFrame | pl.LazyFrame) -> PrometheusExport:
    """The rules for Prometheus, with the series that make them fire at the same ticks.

    Args:
        rules: the rules that were evaluated.
        states: what was reckoned: `Backtest.stretches()` or `Backtest.states()`; reads `group`, `rule`, `labels`,
            `state`, `value`, `events`, and `first`, `last`, `evaluations`, or `at`.

    Returns:
        The files by name and, as a frame of `UNMAPPED`, what does not map. A recorded value of NaN means no data.

    Source: the alerting rules and unit tests of rules in the Prometheus documentation.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> told = export_prometheus(rules, backtest(rules, log).stretches())
    >>> sorted(told.files)
    ['rules.yml', 'series-g.om', 'test-g.yml']
    """
    told = _stretches(states)
    unmapped: list[tuple[str, str | None, str, str]] = []
    if rules.notification.receivers and rules.notification.model_fields_set:
        unmapped.append(("", None, "notification", "routes stand in Alertmanager's own file"))
    if rules.silences:
        unmapped.append(("", None, "silences", "silences are held by Alertmanager"))
    groups: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    names, stems = _Names(), _Names()
    for group in rules.groups:
        if group.limit:
            reason = "exported, and the same in Prometheus; where it is exceeded, a test of promtool ends as failed"
            unmapped.append((group.name, None, "limit", reason))
        if group.offset:
            reason = "Prometheus chooses the moment within the interval itself"
            unmapped.append((group.name, None, "offset", reason))
        mapped = [rule for rule in group.rules if _maps(group, rule, unmapped)]
        series = {rule.alert: names.of(_metric(group.name, rule.alert)) for rule in mapped}
        groups.append(_group(group, mapped, series))
        own = told.filter((pl.col("group") == group.name) & pl.col("rule").is_in(list(series)))
        recorded = _recorded(group, own, series)
        name = stems.of(re.sub(r"[^A-Za-z0-9_.-]", "_", group.name))
        files[f"series-{name}.om"] = _openmetrics(recorded)
        files[f"test-{name}.yml"] = _dumped(_test(group, mapped, own, recorded))
    files = {RULE_FILE: _dumped({"groups": groups}), **files}
    return PrometheusExport(files, pl.DataFrame(unmapped, schema=UNMAPPED, orient="row"))


def _stretches(states: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    frame = require(states.lazy(), "group", "rule", "labels", "state", "value", "events")
    found = frame.collect_schema().names()
    if "first" not in found:
        require(frame, "at")
        frame = frame.with_columns(first="at", last="at", evaluations=pl.lit(1, pl.Int64))
    return require(frame, "first", "last", "evaluations").collect().sort("group", "rule", "first", maintain_order=True)


def _maps(group: Group, rule: Rule, unmapped: list[tuple[str, str | None, str, str]]) -> bool:
    """Whether a rule has a counterpart at all; fields that have none are noted."""
    if rule.mode == "event":
        reason = "Prometheus evaluates on a grid; the rule is left out"
        unmapped.append((group.name, rule.alert, "mode: event", reason))
        return False
    if rule.when.no_data == "keep":
        reason = "Prometheus knows no evaluation that leaves an alert as it was; the rule is left out"
        unmapped.append((group.name, rule.alert, "no_data: keep", reason))
        return False
    if refused := [name for name in (*rule.by, *rule.labels) if not _LABEL_NAME.fullmatch(name)]:
        reason = (f"Prometheus takes label names of letters, digits and _ only, such as {_label_name(refused[0])}; the "
                  "rule is left out until the label has such a name")  # fmt: skip
        unmapped.append((group.name, rule.alert, f"label {refused[0]}", reason))
        return False
    return True


def _label_name(refused: str) -> str:
    """A name near it that Prometheus takes; those that begin with two of _ are its own."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", refused).lstrip("_")
    return f"label_{name}" if not name or name[0].isdigit() else name


class _Names:
    """Names of which each is given once, and with it the one with `_events` behind it: a metric for each rule, so that
    its series have the rule's labels and no others, and files for each group."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, wanted: str) -> str:
        name, i = wanted, 1
        while not self._taken.isdisjoint(both := {name.lower(), f"{name}_events".lower()}):
            i += 1
            name = f"{wanted}_{i}"
        self._taken |= both  # in small letters: there are disks to which capitals are nothing
        return name


def _metric(group: str, alert: str) -> str:
    return "onex_rule_" + re.sub(r"[^A-Za-z0-9_]", "_", f"{group}_{alert}")


def expression(rule: Rule, series: str) -> str:
    """The rule's condition over its recorded series, in PromQL.

    A value of NaN is no data: no comparison with it is true in PromQL but `!=`.
    """
    when = rule.when
    known = f"({series} == {series}) " if when.op == "!=" else f"{series} "
    text = f"{known}{when.op} {plain(when.threshold)}"
    if when.min_count:
        text = f"({text}) and {series}_events >= {when.min_count}"
    if when.no_data == "alert":
        text = f"({text}) or {series} != {series}"
    return text


def _group(group: Group, rules: Iterable[Rule], series: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": group.name, "interval": duration_text(group.interval)}
    if group.limit:
        told["limit"] = group.limit
    return {**told, "rules": [_rule(rule, series[rule.alert]) for rule in rules]}


def _rule(rule: Rule, series: str) -> dict[str, Any]:
    told: dict[str, Any] = {"alert": rule.alert, "expr": expression(rule, series)}
    if rule.for_:
        told["for"] = duration_text(rule.for_)
    if rule.keep_firing_for:
        told["keep_firing_for"] = duration_text(rule.keep_firing_for)
    if rule.labels:
        told["labels"] = {name: _literal(value) for name, value in rule.labels.items()}
    if rule.annotations:
        told["annotations"] = {name: _template(text) for name, text in rule.annotations.items()}
    return told


def _literal(text: str) -> str:
    """Prometheus fills templates into labels too; ours are plain texts."""
    return text.replace("{{", '{{ "{{" }}')


def _template(text: str) -> str:
    return re.sub(r"\{\{(-?\s*)\$?(labels\.|value\b)", r"{{\1$\2", text)


# ---------------------------------------------------------------------- series


@dataclass(frozen=True)
class _Recorded:
    """One series from the first tick of its group on: runs of (evaluations, value), None before it begins."""

    name: str
    labels: tuple[tuple[str, str], ...]
    begin: datetime
    interval: timedelta
    runs: tuple[tuple[int, float | None], ...]

    @property
    def text(self) -> str:
        inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels)
        return f"{self.name}{{{inner}}}" if inner else self.name


def _recorded(group: Group, told: pl.DataFrame, series: Mapping[str, str]) -> list[_Recorded]:
    if told.is_empty():
        return []
    begin: datetime = told["first"].min()  # type: ignore[assignment]
    values: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[int, float | None]]] = {}
    numbers: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[int, float | None]]] = {}
    for row in told.iter_rows(named=True):
        key = series[row["rule"]], _labels(row["labels"])
        if key not in values:
            before = (row["first"] - begin) // group.interval
            values[key], numbers[key] = [(before, None)], [(before, None)]
        values[key].append((row["evaluations"], math.nan if row["value"] is None else row["value"]))
        numbers[key].append((row["evaluations"], float(row["events"])))
    counted = {series[rule.alert] for rule in group.rules if rule.when.min_count and rule.alert in series}
    found = [_Recorded(name, labels, begin, group.interval, tuple(runs)) for (name, labels), runs in values.items()]
    found += [
        _Recorded(f"{name}_events", labels, begin, group.interval, tuple(runs))
        for (name, labels), runs in numbers.items() if name in counted
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.name, one.labels))


def _labels(found: Iterable[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """A label whose value is empty is none in Prometheus."""
    return tuple((label["name"], label["value"]) for label in found if label["value"] != "")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _openmetrics(recorded: Iterable[_Recorded]) -> str:
    lines: list[str] = []
    family = ""
    for one in recorded:
        if one.name != family:
            family = one.name
            lines.append(f"# TYPE {family} gauge")
        at = one.begin
        for evaluations, value in one.runs:
            if value is not None:
                for i in range(evaluations):
                    lines.append(f"{one.text} {_number(value)} {(at + i * one.interval).timestamp()!r}")
            at += evaluations * one.interval
    return "\n".join([*lines, "# EOF"]) + "\n"


def _number(value: float) -> str:
    return plain(value) if not math.isfinite(value) else repr(value)


# ---------------------------------------------------------------------- a test for promtool


def _test(group: Group, rules: Iterable[Rule], told: pl.DataFrame, recorded: list[_Recorded]) -> dict[str, Any]:
    """What `promtool test rules` needs to check that each alert is what it was, wherever anything changed."""
    step = duration_text(group.interval)
    begin = recorded[0].begin if recorded else None
    statics = {rule.alert: dict(rule.labels) for rule in rules}
    test: dict[str, Any] = {"name": group.name, "interval": step, "input_series": [
        {"series": one.text, "values": " ".join(_run(n, value) for n, value in one.runs if n)} for one in recorded
    ]}  # fmt: skip
    if begin is not None:
        test["promql_expr_test"] = [
            {
                "expr": "ALERTS", "eval_time": duration_text(at - begin),
                "exp_samples": [{"labels": text, "value": 1} for text in active],
            }
            for at, active in _active(told, group.interval, statics)
        ]  # fmt: skip
    return {"rule_files": [RULE_FILE], "evaluation_interval": step, "tests": [test]}


def _active(
    told: pl.DataFrame, interval: timedelta, statics: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[datetime, list[str]]]:
    """The alerts that are pending or firing, at each tick where that changes."""
    begins: dict[datetime, list[str]] = {}
    ends: dict[datetime, list[str]] = {}
    for row in told.filter(pl.col("state") != "inactive").iter_rows(named=True):
        text = _alert_text(row["rule"], _labels(row["labels"]), statics[row["rule"]], row["state"])
        begins.setdefault(row["first"], []).append(text)
        ends.setdefault(row["last"] + interval, []).append(text)
    last = max(told["last"])
    active: set[str] = set()
    for at in sorted(begins.keys() | ends.keys()):
        active = (active - set(ends.get(at, ()))) | set(begins.get(at, ()))
        if at <= last:
            yield at, sorted(active)


def _run(evaluations: int, value: float | None) -> str:
    if value is None:
        return f"_x{evaluations}"
    if math.isnan(value):
        return " ".join(["NaN"] * evaluations)
    return _number(value) if evaluations == 1 else f"{_number(value)}x{evaluations - 1}"


def _alert_text(rule: str, labels: Iterable[tuple[str, str]], statics: Mapping[str, str], state: str) -> str:
    every = {"alertname": rule, "alertstate": state, **dict(labels), **statics}
    return "ALERTS{" + ", ".join(f'{name}="{_escaped(value)}"' for name, value in sorted(every.items())) + "}"


def _dumped(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10**9)
