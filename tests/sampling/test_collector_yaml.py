"""The collector's processors: the example of its documentation is read, and what we write it says the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import RuleError
from onex_analytics.sampling import ProbabilityPolicy, TailPolicy, dump_policies, load_policies
from onex_analytics.sampling.tail_policies import told_names
from tests.laws import examples
from tests.sampling import drawn_tails

EXAMPLE = """
processors:
  batch: {}
  probabilistic_sampler:
    sampling_percentage: 15.3
    hash_seed: 22
  tail_sampling:
    decision_wait: 10s
    num_traces: 100
    expected_new_traces_per_sec: 10
    decision_cache:
      sampled_cache_size: 100_000
      non_sampled_cache_size: 100_000
    policies:
      [
          {name: test-policy-1, type: always_sample},
          {name: test-policy-2, type: latency, latency: {threshold_ms: 5000, upper_threshold_ms: 0}},
          {name: test-policy-3, type: numeric_attribute,
           numeric_attribute: {key: execution_time_ms, min_value: 50, max_value: 100}},
          {name: test-policy-4, type: probabilistic, probabilistic: {sampling_percentage: 10, hash_salt: x}},
          {name: test-policy-5, type: status_code, status_code: {status_codes: [ERROR, UNSET]}},
          {name: test-policy-6, type: string_attribute,
           string_attribute: {key: service.name, values: [value1, value2]}},
          {name: test-policy-7, type: string_attribute, string_attribute:
           {key: http.route, values: [value1, val*], enabled_regex_matching: true, cache_max_size: 10}},
          {name: test-policy-8, type: rate_limiting, rate_limiting: {spans_per_second: 35}},
          {name: test-policy-9, type: string_attribute, string_attribute:
           {key: node_id, values: [a], invert_match: true}},
          {name: test-policy-10, type: ottl_condition, ottl_condition: {error_mode: ignore, span: [a]}},
          {name: test-policy-11, type: span_count, span_count: {min_spans: 2, max_spans: 20}},
          {name: test-policy-12, type: trace_state, trace_state: {key: key3, values: [value1]}},
          {name: test-policy-13, type: boolean_attribute, boolean_attribute: {key: success, value: false}},
          {name: and-policy-1, type: and, and: {and_sub_policy: [
             {name: p1, type: status_code, status_code: {status_codes: [ERROR]}},
             {name: p2, type: probabilistic, probabilistic: {sampling_percentage: 0.1}}]}},
          {name: drop-policy-1, type: drop, drop: {drop_sub_policy: [
             {name: p1, type: string_attribute, string_attribute: {key: operation, values: [health]}}]}},
          {name: drop-policy-2, type: drop, drop: {drop_sub_policy: [
             {name: p1, type: probabilistic, probabilistic: {sampling_percentage: 5}}]}},
          {name: composite-policy-1, type: composite, composite: {max_total_spans_per_second: 1000,
             policy_order: [c2, c1, c3], composite_sub_policy: [
               {name: c1, type: status_code, status_code: {status_codes: [ERROR]}},
               {name: c2, type: latency, latency: {threshold_ms: 10}}, {name: c3, type: always_sample}],
             rate_allocation: [{policy: c1, percent: 50}, {policy: c2, percent: 29}]}},
      ]
"""


def test_the_example_of_its_documentation_is_read_and_what_has_no_counterpart_is_told_with_its_line():
    found = load_policies(EXAMPLE)
    head, tail = found.policies
    assert head == ProbabilityPolicy(name="probabilistic_sampler", probability=0.153)
    assert (tail.decision_wait_ms, tail.max_traces, tail.max_remembered) == (10_000, 100, 100_000)
    assert tail.match == "any"
    parts = {part.name.removeprefix("test-policy-"): part for part in tail.policies}
    assert list(parts) == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "11", "13", "and-policy-1", "drop-policy-1",
                           "composite-policy-1"]  # fmt: skip
    assert (parts["2"].threshold_ms, parts["2"].upper_threshold_ms) == (5000, None)
    assert parts["4"].probability == 0.1
    assert (parts["6"].key, parts["6"].values) == ("node", ("value1", "value2"))
    assert parts["7"].regex
    assert parts["8"].events_per_second == 34  # fewer than 35
    assert parts["9"].invert
    assert parts["and-policy-1"].policies[1].probability == 0.001
    composite = parts["composite-policy-1"]
    assert [part.name for part in composite.policies] == ["c2", "c1", "c3"]
    assert composite.limits == (290, 500, 0)
    told = {(policy.removeprefix("tail_sampling: test-"), field) for policy, field, *_ in found.unmapped.rows()}
    assert told == {
        ("batch", "processor"), ("probabilistic_sampler", "hash_seed"),
        ("tail_sampling", "expected_new_traces_per_sec"),
        ("policy-4", "hash_salt"), ("policy-7", "http.route"), ("policy-7", "cache_max_size"),
        ("policy-10", "ottl_condition"), ("policy-12", "trace_state"), ("tail_sampling: drop-policy-2", "drop"),
    }  # fmt: skip
    lines = EXAMPLE.splitlines()
    for line, field in found.unmapped.filter(field="hash_seed").select("line", "field").rows():
        assert lines[line - 1].strip().startswith(field)


@pytest.mark.parametrize(("text", "line", "told"), [
    ("probabilistic_sampler:\n  sampling_percentage: -1", 2, "is -1; wanted a number from 0 to 100"),
    ("probabilistic_sampler:\n  sampling_percentage: most", 2, "sampling_percentage is 'most'; wanted a number"),
    ("tail_sampling:\n  decision_wait: 10 seconds\n  policies:\n  - {type: always_sample}", 2,
     "wanted one such as 30s"),
    ("tail_sampling:\n  policies:\n  - {type: ottl_condition}", 2, "no policy of tail_sampling"),
    ("tail_sampling:\n  policies:\n  - type: latency\n    latency:\n      threshold_ms: fast", 5,
     "threshold_ms is 'fast'"),
    ("tail_sampling:\n  policies:\n  - type: rate_limiting\n    rate_limiting:\n      spans_per_second: 1", 5,
     "spans_per_second is 1, and fewer than that are let through: none"),
    ("processors:\n  batch:", 1, "no policy in the file"),
])  # fmt: skip
def test_a_value_that_it_would_not_take_either_is_told_with_its_line(text, line, told):
    with pytest.raises(RuleError, match=told) as raised:
        load_policies(text + "\n")
    assert raised.value.line == line


def test_policies_alone_and_processors_with_names_of_their_own_are_read():
    text = "decision_wait: 1m0.5s\npolicies:\n- {name: a, type: always_sample}\n"
    assert load_policies(text).policies[0].decision_wait_ms == 60_500
    text = "processors:\n  tail_sampling/one:\n    policies: [{name: a, type: always_sample}]\n"
    assert load_policies(text).policies[0].name == "one"


WHOLE = drawn_tails.POLICIES.filter(lambda policy: policy.match == "any")


@settings(max_examples=examples(40))
@given(st.builds(ProbabilityPolicy, probability=st.integers(0, 1000).map(lambda share: share / 1000)))
def test_a_share_comes_back_as_it_was(policy):
    written = dump_policies(policy.model_copy(update={"name": "head"}), "collector")
    assert load_policies(written.text).policies[0].probability == policy.probability


@settings(max_examples=examples(40))
@given(WHOLE)
def test_a_tail_policy_comes_back_with_all_that_was_not_told_as_lost(policy):
    written = dump_policies(policy, "collector")
    lost = {told.partition(": ")[2].partition(": ")[0] for told in written.unmapped["policy"]} - {""}
    kept = [one for name, one in zip(told_names(policy.policies), policy.policies, strict=True) if name not in lost]
    found = load_policies(written.text).policies[0]
    assert found.decision_wait_ms == policy.decision_wait_ms
    assert [one.kind for one in found.policies] == [one.kind for one in kept]
    for one, other in zip(found.policies, kept, strict=True):
        assert bare(one) == bare(other)


def bare(part: object) -> object:
    """A policy without names, which all have when they come back; of a composite the limits are what its names say."""
    if isinstance(part, tuple | list):
        return [bare(one) for one in part]
    if not hasattr(part, "kind"):
        return part
    told = [name for name in type(part).model_fields if name not in ("name", "rate_allocation")]
    limits = {"limits": part.limits} if part.kind == "composite" else {}
    return {name: bare(getattr(part, name)) for name in told} | limits


def test_it_is_told_what_of_a_policy_the_collector_does_not_know():
    policy = TailPolicy(policies=[{"kind": "always_sample"}], remember_ms=5, max_events=7, match="any")
    told = dump_policies([policy, policy.model_copy(update={"name": "b", "match": "first"})], "collector").unmapped
    assert told.select("policy", "field").rows() == [("tail", "remember_ms"), ("tail", "max_events"), ("b", "match")]
