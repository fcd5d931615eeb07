"""Tests of rules: what they check, and what is said where they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from onex_analytics.alerting import load_rules
from onex_analytics.alerting.rule_tests import run_rule_tests
from onex_analytics.exceptions import InvalidOption, RuleError

RULES = """
groups:
- name: nodes
  interval: 1m
  rules:
  - alert: Failures
    by: [node]
    when: {count: {of: outcome == 'failure', window: 5m}, op: ">=", threshold: 3}
    for: 2m
    labels: {severity: critical}
"""
HEAD = """
rule_files: [rules.yaml]
tests:
- name: a node that fails
  input_events:
  - {event: {node: a, outcome: failure}, at: 30s, every: 1m, times: 10}
  - {event: {node: b, outcome: failure}, at: [1s, 2m]}
"""
EXPECT = """  expect:
  - {at: 2m, alert: Failures, pending: [], firing: [], resolved: []}
  - {at: 3m, alert: Failures, pending: [{node: a}]}
  - {at: 5m, alert: Failures, pending: [], firing: [{node: a}]}
  - {at: 13m, alert: Failures, firing: [], resolved: [{node: a}]}
  pages:
  - {at: 5m30s, receiver: default, firing: [{alertname: Failures, node: a, severity: critical}]}
  - {at: 15m30s, receiver: default, resolved: [{alertname: Failures, node: a, severity: critical}]}
"""


def run(text: str) -> list[str]:
    return run_rule_tests(text, rules=load_rules(RULES)).failures


def test_expectations_that_hold_pass() -> None:
    report = run_rule_tests(HEAD + EXPECT, rules=load_rules(RULES))
    assert report.failures == []
    assert report.passed
    assert report.checks.height == 10


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("{at: 3m, alert: Failures, pending: [{node: a}]}", "{at: 3m, alert: Failures, pending: [{node: b}]}",
         "<text>:10: a node that fails: Failures pending at 3m: expected [{node: b}], found [{node: a}]"),
        ("firing: [{node: a}]}", "firing: []}",
         "<text>:11: a node that fails: Failures firing at 5m: expected [], found [{node: a}]"),
        ("{at: 3m,", "{at: 2m59s,", ("<text>:10: a node that fails: Failures pending at 2m59s: "
         "expected [{node: a}], found []")),
        ("at: 5m30s", "at: 5m31s", ("<text>:14: a node that fails: page 1 at 5m31s: "
         "expected default at 5m31s, firing [{alertname: Failures, node: a, severity: critical}], resolved [], "
         "found default at 5m30s, firing [{alertname: Failures, node: a, severity: critical}], resolved []")),
        ("  - {at: 15m30s, receiver: default, resolved: [{alertname: Failures, node: a, severity: critical}]}\n",
         "  until: 20m\n", ("<text>:14: a node that fails: page 2 at 15m30s: expected no page, "
         "found default at 15m30s, firing [], resolved [{alertname: Failures, node: a, severity: critical}]")),
    ],
)  # fmt: skip
def test_a_wrong_expectation_is_told_with_its_line(right: str, wrong: str, says: str) -> None:
    assert right in EXPECT
    assert run(HEAD + EXPECT.replace(right, wrong)) == [says]


def test_rules_are_read_beside_the_test_file(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "rules_test.yaml").write_text(HEAD + EXPECT, encoding="utf-8")
    assert run_rule_tests(tmp_path / "rules_test.yaml").passed
    (tmp_path / "rules.yaml").write_text(RULES.replace("2m", "3m"), encoding="utf-8")
    report = run_rule_tests(tmp_path / "rules_test.yaml")
    assert not report.passed
    assert report.failures[0].startswith(f"{tmp_path}/rules_test.yaml:11: a node that fails: Failures pending at 5m:")


def test_several_rule_files_are_tested_together(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    both = (HEAD + EXPECT).replace("[rules.yaml]", "[rules.yaml, presets]")
    both = both[: both.index("  pages:")] + "  - {at: 13m, alert: RestartLoop, firing: [], pending: []}\n"
    (tmp_path / "rules_test.yaml").write_text(both, encoding="utf-8")
    assert run_rule_tests(tmp_path / "rules_test.yaml").failures == []
    (tmp_path / "rules_test.yaml").write_text(both.replace("presets", "rules.yaml"), encoding="utf-8")
    with pytest.raises(InvalidOption, match="'nodes' stands in two"):
        run_rule_tests(tmp_path / "rules_test.yaml")


def test_late_ticks_are_waited_for() -> None:
    rules = load_rules(RULES.replace("interval: 1m", "interval: 1m\n  allowed_lateness: 4m"))
    text = (HEAD + EXPECT)[: (HEAD + EXPECT).index("  pages:")]
    assert run_rule_tests(text, rules=rules).failures == []


def test_what_an_event_does_not_say_follows_from_its_type() -> None:
    rules = RULES.replace("outcome == 'failure'", "family == 'telemetry' and outcome == 'failure' and $.tenant == 'x'")
    event = "{node: a, event_type: TELEMETRY_OPERATION_ERROR, metadata: {tenant: x}}"
    text = HEAD.replace("{node: a, outcome: failure}", event) + EXPECT
    assert run_rule_tests(text, rules=load_rules(rules)).failures == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("expect:", "expects:", "<text>:8: unknown key 'expects' in a rule test. Mend: write expect."),
        ("alert: Failures, pending: [],", "alert: Failure, pending: [],",
         "<text>:9: rule is 'Failure'; wanted Failures. Mend: name an alert of the rules."),
        ("{node: a, outcome", "{nod: a, outcome", ("<text>:6: event: no column is named 'nod'. Mend: write node or "
         "node_id; a value of the metadata is read by $.nod, or declared under `dimensions`.")),
        ("node: a, outcome: failure}", "node: 5, outcome: failure}",
         "<text>:6: event: node is 5, and the column holds String. Mend: write node: '…'."),
        ("every: 1m, times: 10", "times: 10",
         "<text>:6: times and every belong together. Mend: write both, such as every: 20s, times: 40."),
        ("at: 30s, every", "at: 30, every", ('<text>:6: at is \'30\'. Mend: write a duration such as "30s", "10m" or '
         '"1h30m" (units y w d h m s ms, the largest first); a number alone has no unit: 30s is 30 seconds.')),
        (", pending: [{node: a}]}", "}",
         "<text>:10: nothing is expected. Mend: write pending, firing or resolved, [] for none."),
        ("{node: a, outcome", "{timestamp: 2026-01-01, node: a, outcome",
         "<text>:6: event: no column is named 'timestamp'. Mend: say when by `at`, beside `event`."),
        ("rule_files: [rules.yaml]", "rule_files: []", ("<text>:2: rule_files is empty or too short. "
         "Mend: write rule_files: [rules.yaml].")),
        ("tests:", "tests: []\ntest:", "<text>:4: unknown key 'test' in the file. Mend: write tests."),
    ],
)  # fmt: skip
def test_a_mistake_in_a_test_file_is_told_with_its_line(right: str, wrong: str, says: str) -> None:
    text = HEAD + EXPECT
    assert right in text
    with pytest.raises(RuleError) as caught:
        run(text.replace(right, wrong, 1))
    assert str(caught.value) == says


def test_a_test_file_that_says_nothing_is_told_what_to_say() -> None:
    with pytest.raises(RuleError, match=r"Mend: write rule_files: \[rules\.yaml\] and tests: "):
        run("# nothing\n")
