"""The JSON Schema of rule files marks in an editor what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from onex_analytics.alerting import load_rules
from onex_analytics.alerting.checking import keys_of
from onex_analytics.alerting.conditions import KINDS
from onex_analytics.alerting.file_schema import rule_file_schema
from onex_analytics.alerting.loading import presets_text
from onex_analytics.alerting.writing import rules_text

CASES = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("=== ")[1:]
MISTAKES = {name: rest.rpartition("---\n")[0] for name, _, rest in (case.partition("\n") for case in CASES)}


@pytest.fixture(scope="module")
def schema() -> Any:
    import jsonschema  # takes more than a second, in which it builds grammars of addresses

    return jsonschema.Draft202012Validator(rule_file_schema())


def test_the_schema_is_one_and_the_presets_fit_it(schema: Any) -> None:
    schema.check_schema(rule_file_schema())
    schema.validate(yaml.safe_load(presets_text()))


@pytest.mark.parametrize("name", [
    "a misspelt key of a rule", "a misspelt key of a group", "a misspelt key of the file", "a misspelt key of a cell",
    "a misspelt kind", "a duration in words", "a duration without a unit", "a threshold as text", "no threshold",
    "a comparison turned round", "labels that are no list", "no condition", "two kinds at once", "an unknown aggregate",
    "a quantile in per cent", "a sequence of one step", "a burn window of two parts", "a threshold in a cell",
    "a negative duration", "how the models hold a cell", "a kind inside its kind", "a name of Python", "no kind",
])  # fmt: skip
def test_mistakes_that_an_editor_can_see_are_marked(schema: Any, name: str) -> None:
    assert not schema.is_valid(yaml.safe_load(MISTAKES[name]))


def test_every_key_is_described() -> None:
    parts = rule_file_schema()["$defs"]
    for kind, cell in KINDS.items():
        described = parts[cell.__name__]["properties"]
        assert sorted(described) == sorted(keys_of(cell))
        assert all("description" in field for field in described.values()), kind


def test_what_is_written_fits_the_schema_and_is_read_as_it_was(schema: Any) -> None:
    text = """
groups:
- name: a
  interval: 30s
  rules:
  - {alert: b, where: "node != 'it''s'", when: {burn_rate: {of: success, objective: 0.9, windows: [[1h, 5m, 2]]}}}
  - alert: c
    mode: event
    when: {expr: {cells: {x: {count: {window: 5m}}, y: {ratio: {of: success, window: 5m}}}, value: x * y}, threshold: 2}
    for: 90s
    labels: {severity: "5"}
notification:
  route: {receiver: ops, group_by: [node], routes: [{matchers: ['node =~ "a.*"'], receiver: ops, continue: true}]}
  receivers: [{name: ops, webhook: "http://127.0.0.1:9/"}]
  time_intervals:
  - {name: nights, time_intervals: [{times: [{start_time: "00:00", end_time: "06:00"}], weekdays: ["monday:friday"]}]}
silences: [{matchers: [node = a], start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00:00Z}]
dimensions: {tenant: str}
"""
    rules = load_rules(text)
    written = rules_text(rules)
    assert load_rules(written) == rules
    assert rules_text(load_rules(written)) == written
    schema.validate(yaml.safe_load(written))


def test_examples_for_python_are_none_of_an_editors_business() -> None:
    told = json.dumps(rule_file_schema())
    assert "one alert per value of these columns" in told
    assert ">>>" not in told
