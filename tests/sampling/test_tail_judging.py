"""What each kind of policy wants of whole traces, who beats whom, and what those that are kept stand for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.sampling import DynamicPolicy, EventSampler, ProbabilityPolicy, TailPolicy, apply
from tests.laws import examples
from tests.sampling.drawn_tails import EVENTS, NOON, POLICIES, SCHEMA


def log(*rows: dict[str, object]) -> pl.LazyFrame:
    """Events of the fields given; else an event of the trace "t" at noon."""
    made = [{"event_id": str(n), "trace_id": "t", "timestamp": NOON, **row} for n, row in enumerate(rows)]
    return pl.LazyFrame(made, schema=SCHEMA)


def kept(events: pl.LazyFrame, *policies: dict[str, object], **more: object) -> bool:
    """Whether a trace is kept, which is to have one decision."""
    found = apply(TailPolicy(policies=policies, **more), events).collect()["keep"].unique().to_list()
    assert len(found) == 1
    return bool(found[0])


def second(number: float) -> dict[str, object]:
    return {"timestamp": NOON + timedelta(seconds=number)}


@pytest.mark.parametrize(("wanted", "rows"), [
    (True, [second(0), second(2)]), (False, [second(0), second(1.999999)]), (True, [second(3), second(1), second(2)]),
    (True, [{"execution_time_ms": 2000.0}]), (False, [{"execution_time_ms": 1999.9}]),
    (True, [{"execution_time_ms": 500.0}, {**second(3), "execution_time_ms": 1.0}]),
    (False, [{"execution_time_ms": float("nan")}]), (False, [{"execution_time_ms": -2000.0}]),
    (False, [{"timestamp": None}]),
])  # fmt: skip
def test_latency_is_from_the_first_start_to_the_last_end_and_the_threshold_counts(wanted, rows):
    assert kept(log(*rows), {"kind": "latency", "threshold_ms": 2000}) is wanted


def test_an_upper_threshold_counts_as_well():
    band = {"kind": "latency", "threshold_ms": 1000, "upper_threshold_ms": 2000}
    assert [kept(log(second(0), second(length)), band) for length in (0.9, 1, 2, 2.1)] == [False, True, True, False]


@pytest.mark.parametrize(("codes", "outcomes", "wanted"), [
    ("ERROR", ["start", "failure"], True), ("ERROR", ["start", "soft_failure"], False), ("OK", ["soft_failure"], True),
    ("OK", ["failure"], False), ("UNSET", ["start"], True), ("UNSET", [None], True),
    (["OK", "ERROR"], ["other"], False),
])  # fmt: skip
def test_a_status_is_that_of_the_outcome(codes, outcomes, wanted):
    events = log(*({"outcome": one} for one in outcomes))
    assert kept(events, {"kind": "status_code", "status_codes": codes}) is wanted


@pytest.mark.parametrize(("policy", "wanted"), [
    ({"kind": "string_attribute", "key": "node", "values": ["b", "c"]}, True),
    ({"kind": "string_attribute", "key": "node", "values": "B"}, False),
    ({"kind": "string_attribute", "key": "node", "values": "[bc]$", "regex": True}, True),
    ({"kind": "string_attribute", "key": "node", "values": "[bc]$"}, False),
    ({"kind": "string_attribute", "key": "node", "values": "b", "invert": True}, False),
    ({"kind": "string_attribute", "key": "node", "values": "x", "invert": True}, True),
    ({"kind": "numeric_attribute", "key": "memory_mb", "min_value": 2, "max_value": 2}, True),
    ({"kind": "numeric_attribute", "key": "memory_mb", "min_value": 2.1}, False),
    ({"kind": "numeric_attribute", "key": "memory_mb", "max_value": 0.9}, False),
    ({"kind": "numeric_attribute", "key": "memory_mb", "min_value": 3, "invert": True}, True),
    ({"kind": "boolean_attribute", "key": "success", "value": False}, True),
    ({"kind": "boolean_attribute", "key": "success", "value": True}, False),
    ({"kind": "span_count", "min_events": 3}, True), ({"kind": "span_count", "min_events": 4}, False),
    ({"kind": "span_count", "min_events": 1, "max_events": 2}, False), ({"kind": "always_sample"}, True),
])  # fmt: skip
def test_one_event_that_has_it_is_enough(policy, wanted):
    events = log({"node": "a", "memory_mb": 1.0}, {"node": "b", "memory_mb": 2.0, "success": False}, {})
    assert kept(events, policy) is wanted


FAILED = {"kind": "status_code"}
ALWAYS = {"kind": "always_sample"}
NEVER_ = {"kind": "probabilistic", "probability": 0}
TENTH, THIRD = ({"kind": "probabilistic", "probability": share} for share in (0.1, 0.3))
TWO = {"kind": "span_count", "min_events": 2}


@pytest.mark.parametrize(("policies", "match", "wanted"), [
    ([FAILED, {"kind": "drop", "policies": [FAILED]}], "any", "tail/drop"),
    ([ALWAYS, {"kind": "drop", "policies": [FAILED, TWO]}], "any", "tail/always_sample"),
    ([FAILED, {"kind": "drop", "policies": [FAILED]}], "first", "tail/status_code"),
    ([{"kind": "and", "policies": [FAILED, NEVER_]}, ALWAYS], "first", "tail/and"),
    ([{"kind": "and", "policies": [FAILED, NEVER_]}, ALWAYS], "any", "tail/always_sample"),
    ([{"kind": "and", "policies": [FAILED, TWO]}, NEVER_], "any", "tail/probabilistic"),
    ([{"kind": "latency", "threshold_ms": 1}], "any", "tail/no policy"),
])  # fmt: skip
def test_what_drops_beats_what_keeps_unless_the_first_that_matches_says(policies, match, wanted):
    found = apply(TailPolicy(policies=policies, match=match), log({"outcome": "failure"})).collect()
    assert found["policy"].to_list() == [wanted]


def many_traces(count: int, seed: int = 3) -> pl.LazyFrame:
    drawn = np.random.default_rng(seed).bytes(16 * count)
    return log(*(
        {"trace_id": str(UUID(bytes=drawn[16 * n : 16 * n + 16], version=4)), **second((n + 0.5) / 100),
         "outcome": "failure" if n % 10 == 0 else "success"} for n in range(count)
    ))  # fmt: skip


def test_a_share_of_the_traces_is_the_one_that_a_probability_policy_keeps_and_the_greatest_share_holds():
    events = many_traces(600)
    both = TailPolicy(policies=[TENTH, THIRD, FAILED])
    columns = ["keep", "probability", "adjusted_count"]
    found = apply(both, events).collect()
    alone = apply(ProbabilityPolicy(probability=0.3), events).collect()
    failed = pl.col("outcome") == "failure"
    assert found.filter(~failed).select(columns).equals(alone.filter(~failed).select(columns))
    assert found.filter(failed).select(*columns, "policy").unique().rows() == [(True, 1.0, 1.0, "tail/status_code")]
    assert not both.estimated


def test_a_limit_lets_so_many_events_through_in_each_second_and_their_counts_add_up_to_all():
    events = many_traces(1000)
    limited = TailPolicy(policies=[{"kind": "rate_limiting", "events_per_second": 20}])
    assert limited.estimated
    found = apply(limited, events).filter("keep").with_columns(pl.col("timestamp").dt.truncate("1s")).collect()
    a_second = found.group_by("timestamp").agg(pl.len(), pl.col("adjusted_count").sum())
    assert set(a_second["len"]) == {20}
    assert found["adjusted_count"].sum() == pytest.approx(1000)


def test_a_greater_trace_that_passes_no_more_leaves_room_for_a_smaller_one():
    events = log({"trace_id": "a"}, {"trace_id": "b"}, {"trace_id": "b"}, {"trace_id": "c"})
    found = apply(TailPolicy(policies=[{"kind": "rate_limiting", "events_per_second": 2}]), events).collect()
    assert found["keep"].to_list() == [True, False, False, True]
    assert found["probability"].to_list() == [0.5] * 4


def test_a_composite_gives_each_of_its_policies_its_part_of_the_rate():
    composite = {"kind": "composite", "events_per_second": 40, "policies": [FAILED, {**ALWAYS, "name": "rest"}],
                 "rate_allocation": {"rest": 0.25}}  # fmt: skip
    found = apply(TailPolicy(policies=[composite]), many_traces(300)).filter("keep").collect()
    count = found.group_by(failed=pl.col("outcome") == "failure").len().sort("failed")
    assert count["len"].to_list() == [30, 30]  # all of ten failures a second, which may be 20; ten of the rest
    assert found["adjusted_count"].sum() == pytest.approx(300)


def test_a_limit_within_and_is_asked_of_those_to_which_all_else_agrees():
    part = {"kind": "and", "policies": [{"kind": "rate_limiting", "events_per_second": 5}, FAILED]}
    found = apply(TailPolicy(policies=[part]), many_traces(300)).filter("keep").collect()
    assert found["outcome"].unique().to_list() == ["failure"]
    assert found.height == 15
    assert found["adjusted_count"].sum() == pytest.approx(30)


@settings(max_examples=examples(50))
@given(POLICIES, EVENTS)
def test_all_events_of_a_trace_that_is_remembered_have_one_decision(policy, events):
    long = policy.model_copy(update={"remember_ms": 10**9, "max_remembered": 10**6})
    whole = events.with_columns(pl.lit("a").alias("trace_id"))
    assert apply(long, whole.lazy()).collect().select("keep", "probability", "policy").n_unique() <= 1


@settings(max_examples=examples(50))
@given(POLICIES, EVENTS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(policy, events, random):
    numbered = events.with_columns(pl.Series("event_id", [f"{n:03}" for n in range(events.height)], dtype=pl.String))
    places = list(range(events.height))
    random.shuffle(places)
    mixed = apply(policy, numbered[places].lazy()).collect()
    assert mixed.sort("event_id").equals(apply(policy, numbered.lazy()).collect().sort("event_id"))


@settings(max_examples=examples(50))
@given(POLICIES, EVENTS)
def test_what_is_kept_has_a_share_and_stands_for_one_over_it_and_what_is_dropped_for_nothing(policy, events):
    found = apply(policy, events.lazy()).collect()
    assert found["keep"].len() == events.height
    one = found.filter("keep").select((pl.col("adjusted_count") * pl.col("probability") - 1).abs() < 1e-9)
    assert one.to_series().all()
    assert found.filter(~pl.col("keep"))["adjusted_count"].null_count() == (~found["keep"]).sum()
    assert found["probability"].is_between(0, 1).all()


@pytest.mark.parametrize(("policies", "told"), [
    ([], "at least 1"), ([{"kind": "drop", "policies": [ALWAYS]}], "nothing is kept"),
    ([{"kind": "latencies"}], "latency"),
    ([{"kind": "drop", "policies": [NEVER_]}], "always_sample"),
    ([{"kind": "and", "policies": []}], "at least 1"), ([{"kind": "latency", "threshold_ms": float("nan")}], "finite"),
    ([{"kind": "latency", "threshold_ms": 5, "upper_threshold_ms": 4}], "below threshold_ms"),
    ([{"kind": "probabilistic", "probability": 10}], r"2\^-56 to 1"),
    ([{"kind": "rate_limiting", "events_per_second": 0}], "greater than or equal to 1"),
    ([{"kind": "string_attribute", "key": "node", "values": "(", "regex": True}], "no pattern"),
    ([{"kind": "string_attribute", "key": "node", "values": []}], "at least 1"),
    ([{"kind": "numeric_attribute", "key": "n"}], "give at least one"),
    ([{"kind": "numeric_attribute", "key": "n", "min_value": float("nan")}], "NaN"),
    ([{"kind": "span_count", "min_events": 3, "max_events": 2}], "below min_events"),
    ([{"kind": "composite", "events_per_second": 9, "policies": [ALWAYS], "rate_allocation": {"x": 1}}], "names 'x'"),
    ([{"kind": "composite", "events_per_second": 9, "policies": [
        {"kind": "and", "policies": [{"kind": "rate_limiting", "events_per_second": 1}]}]}], "composite limits"),
    ([{"kind": "span_count", "min_events": n} for n in range(1, 64)], "63 conditions"),
])  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused_and_says_what_is_wanted(policies, told):
    with pytest.raises(ValueError, match=told):
        TailPolicy(policies=policies)


def test_a_condition_that_is_asked_twice_counts_once():
    assert len(TailPolicy(policies=[FAILED, {**FAILED, "name": "again"}]).conditions) == 1


def test_a_column_that_is_not_there_or_holds_something_else_is_refused():
    by_key = TailPolicy(policies=[{"kind": "string_attribute", "key": "region", "values": "eu"}])
    with pytest.raises(MissingColumns, match="region"):
        apply(by_key, log({}))
    with pytest.raises(MissingColumns, match="timestamp"):
        apply(TailPolicy(policies=[ALWAYS]), log({}).drop("timestamp"))
    by_truth = TailPolicy(policies=[{"kind": "boolean_attribute", "key": "region"}])
    for policy, wanted in ((by_key, "texts"), (by_truth, "true and false")):
        with pytest.raises(InvalidOption, match=f"a column of {wanted}"):
            apply(policy, log({}).with_columns(region=1.5))
    with pytest.raises(InvalidOption, match="a column of times"):
        apply(TailPolicy(policies=[ALWAYS]), log({}).with_columns(timestamp=pl.lit("noon")))


def test_the_sampler_of_single_events_does_not_take_it():
    with pytest.raises(InvalidOption, match="TailPolicy and DynamicPolicy have samplers"):
        EventSampler(TailPolicy(policies=[ALWAYS]))


@pytest.mark.parametrize("policy", [
    TailPolicy(policies=[FAILED, {"kind": "rate_limiting", "events_per_second": 3}]),
    DynamicPolicy(by="outcome", goal_rate=3),
])  # fmt: skip
def test_what_a_query_leaves_out_afterwards_was_there_when_it_was_decided(policy):
    events = many_traces(300).with_columns(node=pl.int_range(pl.len()).cast(pl.String))
    decided = apply(policy, events)
    whole = decided.collect()
    some = pl.col("node").is_in([str(n) for n in range(0, 300, 7)])
    assert decided.filter(some).collect().equals(whole.filter(some))
    assert decided.filter(some, "keep").select("node").collect().equals(whole.filter(some, "keep").select("node"))
    assert decided.head(10).collect().equals(whole.head(10))
    assert decided.tail(3).select("policy").collect().equals(whole.tail(3).select("policy"))
    assert decided.select("node").collect().equals(whole.select("node"))
    assert pl.concat([decided, decided]).collect().equals(pl.concat([whole, whole]))
