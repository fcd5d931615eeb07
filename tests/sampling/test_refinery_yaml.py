"""Refinery's rules: its samplers are read as policies, and policies are written as its samplers."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings

from onex_analytics.exceptions import RuleError
from onex_analytics.sampling import DynamicPolicy, ProbabilityPolicy, TailPolicy, apply, dump_policies, load_policies
from tests.laws import examples
from tests.sampling import test_dynamic_sampler
from tests.sampling.drawn_tails import NOON, SCHEMA

EXAMPLE = """
RulesVersion: 2
Samplers:
  __default__:
    DeterministicSampler:
      SampleRate: 10
  production:
    EMADynamicSampler:
      GoalSampleRate: 20
      AdjustmentInterval: 30s
      Weight: 0.25
      AgeOutValue: 0
      BurstMultiple: -1
      FieldList: [service.name, http.method, outcome]
      UseTraceLength: true
  busy:
    EMAThroughputSampler: {GoalThroughputPerSec: 50, InitialSampleRate: 5, FieldList: [node]}
  old:
    DynamicSampler: {SampleRate: 4, ClearFrequency: 60s, FieldList: [node]}
  total:
    TotalThroughputSampler: {GoalThroughputPerSec: 100, FieldList: [node]}
  window:
    WindowedThroughputSampler: {GoalThroughputPerSec: 9, UpdateFrequency: 2s, LookbackFrequency: 1m, FieldList: [node]}
  rules:
    RulesBasedSampler:
      CheckNestedFields: true
      Rules:
        - Name: drop healthchecks
          Drop: true
          Conditions:
            - {Field: name, Operator: starts-with, Value: health.}
        - Name: keep errors
          SampleRate: 1
          Conditions:
            - {Field: error, Operator: exists}
        - Name: slow and large
          SampleRate: 4
          Conditions:
            - {Field: duration_ms, Operator: '>', Value: 1000, Datatype: int}
            - {Field: '?.NUM_DESCENDANTS', Operator: '>', Value: 2}
        - Name: by a sampler
          Conditions:
            - {Field: severity, Operator: in, Value: [ERROR, CRITICAL]}
          Sampler:
            EMADynamicSampler: {GoalSampleRate: 2, FieldList: [node]}
        - Name: not this
          SampleRate: 2
          Conditions:
            - {Field: node, Operator: '!=', Value: a}
        - Name: root
          SampleRate: 2
          Conditions:
            - {Operator: has-root-span, Value: false}
        - Name: one event
          SampleRate: 2
          Scope: span
          Conditions:
            - {Field: node, Operator: =, Value: a}
            - {Field: outcome, Operator: =, Value: failure}
        - Name: the rest
          SampleRate: 100
"""


def test_its_samplers_are_read_and_what_has_no_counterpart_is_told_by_name():
    found = load_policies(EXAMPLE)
    by_name = {policy.name: policy for policy in found.policies}
    assert by_name["__default__"] == ProbabilityPolicy(name="__default__", probability=0.1)
    assert by_name["production"] == DynamicPolicy(
        name="production", goal_rate=20, interval_ms=30_000, weight=0.25, by=["node", "http.method", "outcome"],
    ).model_copy(update={"burst_multiple": None})  # fmt: skip
    assert by_name["busy"] == DynamicPolicy(
        name="busy", method="ema_throughput", goal_events_per_second=50, initial_rate=5, by="node"
    )
    assert by_name["old"] == DynamicPolicy(name="old", method="average", goal_rate=4, interval_ms=60_000, by="node")
    assert by_name["total"] == DynamicPolicy(name="total", method="total_throughput", by="node")
    assert by_name["window"] == DynamicPolicy(
        name="window", method="windowed_throughput", goal_events_per_second=9, interval_ms=2000, lookback_ms=60_000,
        by="node",
    )  # fmt: skip
    rules = by_name["rules"]
    assert rules.match == "first"
    assert [part.name for part in rules.policies] == ["drop healthchecks", "keep errors", "slow and large", "the rest",
                                                      "no rule matched"]  # fmt: skip
    told = found.unmapped.select("policy", "field").rows()
    assert told == [
        ("production", "UseTraceLength"), ("production", "http.method"), ("rules", "CheckNestedFields"),
        ("rules: by a sampler", "Sampler"), ("rules: not this", "node !="), ("rules: root", "None has-root-span"),
        ("rules: one event", "Scope"),
    ]  # fmt: skip
    lines = EXAMPLE.splitlines()
    assert "UseTraceLength" in lines[found.unmapped["line"][0] - 1]


def trace(name: str, **last: object) -> list[dict[str, object]]:
    rows = [{"event_id": f"{name}{n}", "trace_id": name, "timestamp": NOON + timedelta(seconds=n)} for n in range(3)]
    return [*rows[:2], {**rows[2], **last}]


def test_the_first_rule_that_matches_decides_as_refinery_has_it():
    policy = next(one for one in load_policies(EXAMPLE).policies if one.name == "rules")
    events = pl.LazyFrame([*trace("failed", outcome="failure"), *trace("slow", execution_time_ms=1000.5),
                           *trace("plain")], schema=SCHEMA).with_columns(operation=pl.lit("work"))  # fmt: skip
    found = apply(policy, events).select("trace_id", "probability", "policy").unique().sort("trace_id").collect()
    assert found.rows() == [
        ("failed", 1.0, "rules/keep errors"), ("plain", pytest.approx(0.01, rel=1e-3), "rules/the rest"),
        ("slow", 0.25, "rules/slow and large"),
    ]  # fmt: skip
    health = apply(policy, events.with_columns(operation=pl.lit("health.live"))).collect()
    assert health.select("keep", "probability", "policy").unique().rows() == [(False, 0.0, "rules/drop healthchecks")]


@pytest.mark.parametrize(("condition", "column", "wanted"), [
    ("{Field: node, Operator: =, Value: a.b}", "node", ["a.b"]),
    ("{Field: node, Operator: in, Value: [a.b, x]}", "node", ["a.b", "x"]),
    ("{Field: node, Operator: starts-with, Value: a.}", "node", ["a.b", "a.c"]),
    ("{Field: node, Operator: contains, Value: .c}", "node", ["a.c"]),
    ("{Field: node, Operator: matches, Value: '^.{3}$'}", "node", ["a.b", "a.c"]),
    ("{Field: node, Operator: exists}", "node", ["a.b", "a.c", "x"]),
    ("{Field: memory_mb, Operator: '>=', Value: 2}", "memory_mb", [2.0, 3.0]),
    ("{Field: memory_mb, Operator: '>', Value: 2}", "memory_mb", [3.0]),
    ("{Field: memory_mb, Operator: '<', Value: 2}", "memory_mb", [1.0]),
    ("{Field: memory_mb, Operator: '<=', Value: '2', Datatype: float}", "memory_mb", [1.0, 2.0]),
    ("{Fields: [memory_mb], Operator: =, Value: 2}", "memory_mb", [2.0]),
    ("{Field: success, Operator: =, Value: true}", "success", [True]),
])  # fmt: skip
def test_a_condition_means_what_refinery_means(condition, column, wanted):
    rule = f"{{Name: n, SampleRate: 1, Conditions: [{condition}]}}"
    text = f"Samplers: {{a: {{RulesBasedSampler: {{Rules: [{rule}, {{Name: none, Drop: true}}]}}}}}}\n"
    found = load_policies(text)
    assert found.unmapped["reason"].str.starts_with("kept, but").all()
    values = {"node": ["a.b", "a.c", "x", None], "memory_mb": [1.0, 2.0, 3.0, None], "success": [True, False, None]}
    rows = [{"event_id": str(n), "trace_id": str(n), column: value} for n, value in enumerate(values[column])]
    kept = apply(found.policies[0], pl.LazyFrame(rows, schema=SCHEMA)).filter("keep").collect()
    assert kept[column].to_list() == wanted
    again = load_policies(dump_policies(found.policies[0], "refinery").text).policies[0]
    assert apply(again, pl.LazyFrame(rows, schema=SCHEMA)).filter("keep").collect()[column].to_list() == wanted


@settings(max_examples=examples(40))
@given(test_dynamic_sampler.POLICIES)
def test_a_dynamic_policy_comes_back_as_it_was(policy):
    written = dump_policies(policy, "refinery")
    if policy.method != "ema" and policy.method != "average" and not float(policy.goal_events_per_second).is_integer():
        assert written.unmapped["field"].to_list() == ["goal_events_per_second"]
        return
    found = load_policies(written.text).policies[0]
    usual = {"scope": "trace", "precision": 4, "burst_delay": policy.burst_delay or 3}
    assert found == policy.model_copy(update=usual)
    assert set(written.unmapped["field"]) == {
        name for name, told in (("scope", policy.scope == "event"), ("burst_delay", policy.burst_delay == 0)) if told
    }


def test_what_is_written_has_a_default_and_tells_what_did_not_come_along():
    first = TailPolicy(match="first", name="first", policies=[
        {"kind": "drop", "policies": [{"kind": "string_attribute", "key": "node", "values": "a"}]},
        {"kind": "latency", "threshold_ms": 5}, {"kind": "and", "policies": [
            {"kind": "status_code"}, {"kind": "probabilistic", "probability": 0.3}]},
        {"kind": "and", "name": "half", "policies": [{"kind": "span_count", "min_events": 2},
                                                     {"kind": "probabilistic", "probability": 0.5}]},
    ])  # fmt: skip
    written = dump_policies([first, ProbabilityPolicy(probability=0.3)], "refinery")
    assert written.unmapped.select("policy", "field").rows() == [
        ("first: latency", "latency"), ("first: and", "probability"), ("probability", "probability"),
    ]  # fmt: skip
    found = load_policies(written.text)
    assert [policy.name for policy in found.policies] == ["first", "__default__"]
    assert [part.name for part in found.policies[0].policies] == ["drop", "half", "nothing else", "no rule matched"]


@pytest.mark.parametrize(("text", "line", "told"), [
    ("RulesVersion: 2", 1, "Samplers is missing"),
    ("Samplers:\n  a:\n    DeterministicSampler:\n      SampleRate: often", 4, "SampleRate is 'often'; wanted a whole"),
    ("Samplers:\n  a:\n    EMADynamicSampler:\n      GoalSampleRate: -5\n      FieldList: [a]", 4,
     "GoalSampleRate is -5; wanted"),
    ("Samplers:\n  a:\n    EMADynamicSampler:\n      AdjustmentInterval: soon\n      FieldList: [a]", 4, "such as 30s"),
    ("Samplers:\n  a:\n    EMADynamicSampler:\n      GoalSampleRate: 5", 3, "FieldList is empty"),
    ("Samplers:\n  a:\n    NewSampler: {}", 1, "no policy in the file"),
])  # fmt: skip
def test_a_value_that_it_would_not_take_either_is_told_with_its_line(text, line, told):
    with pytest.raises(RuleError, match=told) as raised:
        load_policies(text + "\n")
    assert abs(raised.value.line - line) <= 1
