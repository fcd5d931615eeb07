"""Files of policies: what is written is read again, mistakes say their line and mend, what is lost is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, RuleError, SourceError
from onex_analytics.sampling import (
    DynamicPolicy,
    ProbabilityPolicy,
    RulePolicy,
    TailPolicy,
    TraceIdRatioBased,
    dump_policies,
    load_policies,
)
from tests.laws import examples
from tests.sampling import drawn, drawn_tails, test_collector_yaml, test_dynamic_sampler, test_refinery_yaml

ANY = st.one_of(
    drawn.POLICIES, drawn_tails.POLICIES, test_dynamic_sampler.POLICIES,
    st.builds(TraceIdRatioBased, probability=st.floats(0, 1)),
)  # fmt: skip


def named(policies: list) -> list:
    return [policy.model_copy(update={"name": f"p{number}"}) for number, policy in enumerate(policies)]


@settings(max_examples=examples(50))
@given(st.lists(ANY, min_size=1, max_size=3).map(named))
def test_what_is_written_is_read_again(policies):
    written = dump_policies(policies)
    assert written.unmapped.is_empty()
    found = load_policies(written.text)
    assert list(found.policies) == policies
    assert found.unmapped.is_empty()


def test_a_file_is_read_by_its_path(tmp_path: Path):
    path = tmp_path / "policies.yaml"
    path.write_text("policies:\n- {kind: dynamic, by: node, weight: 0.25}\n")
    assert load_policies(path).policies == (DynamicPolicy(by="node", weight=0.25),)
    with pytest.raises(SourceError, match=r"policies\.yaml"):
        load_policies(tmp_path / "none.yaml")
    path.write_bytes(b"policies:\n- \xff\n")
    with pytest.raises(RuleError, match="UTF-8"):
        load_policies(str(path))


@pytest.mark.parametrize(("text", "line", "told"), [
    ("", 1, "says nothing"), ("policies: []", 1, "policies is empty"), ("other: 1\n", 1, "lacks `policies`"),
    ("policies:\n- {kind: probability}", 2, "lacks `probability`.*add probability: 0.1"),
    ("policies:\n- kind: probability\n  probability: 1.5", 3, r"probability is 1.5. Mend: write 0 \(keep"),
    ("policies:\n- kind: probability\n  probability: .nan", 3, "wanted a number"),
    ("policies:\n- kind: probability\n  probability: often", 3,
     "probability is 'often'; wanted a number.*probability: 0.1"),
    ("policies:\n- kind: probabilty\n  probability: 1", 2, "kind is 'probabilty'; wanted one of.*write probability"),
    ("policies:\n- name: a", 2, "lacks `kind`"),
    ("policies:\n- kind: tail\n  policies:\n  - kind: latency\n    treshold_ms: 5", 4, "lacks `threshold_ms`"),
    ("policies:\n- kind: tail\n  policies:\n  - kind: latency\n    threshold_ms: 5\n    upper: 4", 6,
     "no key is named 'upper'"),
    ("policies:\n- kind: tail\n  policies:\n  - kind: latency\n    threshold_ms: 5\n    upper_threshold_ms: 4", 6,
     "upper_threshold_ms is 4, below threshold_ms"),
    ("policies:\n- kind: tail\n  policies:\n  - {kind: drop, policies: [{kind: always_sample}]}", 3, "nothing is kept"),
    ("policies:\n- kind: tail\n  policies:\n  - kind: status_code\n    status_codes: [BAD]", 5,
     "wanted one of ERROR, OK"),
    ("policies:\n- kind: tail\n  max_traces: 0\n  policies: [{kind: status_code}]", 3,
     "max_traces is 0; wanted at least 1"),
    ("policies:\n- kind: dynamic\n  by: node\n  goal_events_per_second: 5", 4, "not an option of 'ema'"),
    ("policies:\n- kind: rules\n  rules:\n  - probability: 0.5\n  - probability: -1", 5, "write 0"),
    ("policies:\n- kind: rules\n  keep_failures: maybe", 3, "wanted true or false"),
    ("policies:\n- {kind: rules}\n- {kind: rules}", 3, "two policies are named 'rules'.*name: rules_2"),
    ("policies: 3", 1, "wanted a list"), ("policies:\n- 3", 2, "wanted keys and values"),
])  # fmt: skip
def test_a_mistake_says_its_line_what_was_wanted_and_the_mend(text, line, told):
    with pytest.raises(RuleError, match=told) as raised:
        load_policies(text + "\n")
    assert ". Mend: " in str(raised.value)
    assert raised.value.line == line


OURS = """
policies:
- {kind: probability, probability: 0.1, scope: event}
- {kind: rules, rules: [{event_type: [NODE_*], probability: 0.5, name: a}], default: 0.2}
- kind: tail
  decision_wait_ms: 1000
  policies:
  - {kind: status_code, status_codes: [ERROR]}
  - kind: composite
    events_per_second: 10
    policies:
    - {kind: latency, threshold_ms: 5, name: x}
    - {kind: and, policies: [{kind: probabilistic, probability: 1}]}
    rate_allocation: {x: 0.5}
- {kind: dynamic, by: [node], method: windowed_throughput, lookback_ms: 5000}
"""
OTHERS = st.sampled_from(
    ["null", "[]", "{}", "-1", "0", "1.5", "text", "[1, 2]", "{a: b}", "true", "''", ".nan", "9" * 30]
)


@settings(max_examples=examples(50))
@given(st.sampled_from([OURS, test_collector_yaml.EXAMPLE, test_refinery_yaml.EXAMPLE]), OTHERS, st.data())
def test_whatever_stands_for_a_value_the_file_is_read_or_the_mistake_told_with_a_line_of_it(text, other, data):
    values = list(re.finditer(r"(?<=: )(\[[^\[\]]*\]|\{[^{}]*\}|[^\s,{}\[\]]+)", text))
    value = data.draw(st.sampled_from(values))
    text = text[: value.start()] + other + text[value.end() :]
    try:
        load_policies(text)
    except RuleError as mistake:
        assert 1 <= mistake.line <= text.count("\n") + 1
        assert "Node(" not in str(mistake)


def test_policies_that_cannot_stand_in_one_file_are_not_written():
    one = ProbabilityPolicy(probability=0.1)
    for policies in ([], [one, one]):
        with pytest.raises(InvalidOption, match="a name of its own"):
            dump_policies(policies)
    with pytest.raises(InvalidOption, match="onex, collector or refinery"):
        dump_policies(one, "jaeger")
    assert load_policies(dump_policies(one).text).policies == (one,)


def test_what_another_has_no_counterpart_for_is_told_by_name():
    policies = [RulePolicy(), DynamicPolicy(by="node"), TraceIdRatioBased(probability=1),
                TailPolicy(policies=[{"kind": "latency", "threshold_ms": 0.5}, {"kind": "always_sample"}])]  # fmt: skip
    assert dump_policies(policies, "collector").unmapped.select("policy", "field").rows() == [
        ("rules", "rules"), ("dynamic", "dynamic"), ("trace_id_ratio_based", "trace_id_ratio_based"),
        ("tail: latency", "threshold_ms"),
    ]  # fmt: skip
    assert dump_policies(policies, "refinery").unmapped.select("policy", "field").rows() == [
        ("rules", "rules"), ("trace_id_ratio_based", "trace_id_ratio_based"), ("tail", "match"),
    ]  # fmt: skip
