"""The lifecycle of Prometheus' alerts for rules of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onex_analytics.alerting import load_rules
from onex_analytics.alerting.prometheus_import import import_lifecycle
from onex_analytics.exceptions import RuleError

OURS = load_rules("""
groups:
- name: nodes
  rules:
  - {alert: A, by: [node], when: {count: {window: 5m}, threshold: 1}, for: 1m, labels: {team: core}}
  - {alert: B, by: [node], when: {count: {window: 5m}, threshold: 1}}
""")
THEIRS = """
groups:
- name: fleet
  interval: 30s
  limit: 7
  query_offset: 1m
  rules:
  - record: job:up:sum
    expr: sum(up)
  - alert: A
    expr: up == 0
    for: 10m
    keep_firing_for: 5m
    labels: {severity: page, node: x, zone: "{{ $labels.zone }}"}
    annotations: {summary: "{{ $labels.node }} is down: {{ $value | humanize }}", more: "{{ query \\"up\\" }}"}
  - alert: B
    expr: up == 1
    for: soon
  - alert: C
    expr: up == 2
"""


def test_waits_labels_and_texts_come_along_and_the_condition_stays() -> None:
    told = import_lifecycle(THEIRS, OURS)
    (group,) = told.rules.groups
    a, b = group.rules
    assert (group.name, group.interval, group.limit) == ("nodes", timedelta(seconds=30), 7)
    assert (a.for_, a.keep_firing_for) == (timedelta(minutes=10), timedelta(minutes=5))
    assert a.labels == {"severity": "page"}
    assert a.annotations == {"summary": "{{ $labels.node }} is down: {{ $value | humanize }}"}
    assert (a.when, a.by, b) == (OURS.rule("A").when, ("node",), OURS.rule("B"))
    assert load_rules(told.rules.model_dump_json(exclude_defaults=True)) == told.rules


def test_what_does_not_come_along_is_listed_by_name() -> None:
    found = import_lifecycle(THEIRS, OURS).unmapped
    assert set(found.select("rule", "field").rows()) == {
        (None, "query_offset"), ("job:up:sum", "record"), ("A", "expr"), ("B", "expr"), ("C", "alert"),
        ("A", "labels.node"), ("A", "labels.zone"), ("A", "annotations.more"), ("B", "for"),
    }  # fmt: skip
    assert found["reason"].null_count() == 0


def test_a_groups_interval_comes_along_only_for_all_its_rules() -> None:
    only_a = THEIRS[: THEIRS.index("  - alert: B")]
    told = import_lifecycle(only_a, OURS)
    assert told.rules.groups[0].interval == timedelta(minutes=1)
    assert told.rules.rule("A").for_ == timedelta(minutes=10)
    assert {"interval", "limit"} <= set(told.unmapped["field"])


@pytest.mark.parametrize(
    ("text", "says"),
    [("groups: 5\n", "<text>:1: no groups"), ("a: b\n", "<text>:1: no groups"), ("- a\n", "<text>:1: no groups"),
     ("groups:\n- name: a\n  rules:\n  - expr: up\n", "<text>:4: neither an alert nor a recorded series"),
     ("groups:\n\t- a\n", "<text>:2: no YAML: found a tab")],
)  # fmt: skip
def test_a_file_that_is_none_of_prometheus_is_refused(text: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        import_lifecycle(text, OURS)
    assert str(caught.value).startswith(says)
