"""Call trees: times, retries, errors and what each call emits."""

from __future__ import annotations

import polars as pl

from onex_analytics.synthetic import generate

END = pl.col("start") + pl.duration(microseconds=(pl.col("duration_ms") * 1000).round().cast(pl.Int64))


def test_children_lie_inside_their_parents(week_calls):
    calls = week_calls.with_columns(end=END)
    pairs = calls.join(calls, left_on="parent_call", right_on="call", suffix="_above")
    assert len(pairs) > 10_000
    inside = (pl.col("start") >= pl.col("start_above")) & (pl.col("end") <= pl.col("end_above"))
    assert pairs.select(inside.all()).item()
    assert (pairs["trace_id"] == pairs["trace_id_above"]).all()


def test_every_parent_is_there(week_calls):
    assert week_calls.filter(pl.col("parent_call").is_not_null()).join(
        week_calls, left_on="parent_call", right_on="call", how="anti").is_empty()


def test_events_of_children_lie_between_the_node_events_of_their_parents(week):
    truth, calls = week.truth, pl.concat(week.calls())
    of_node = truth.filter(pl.col("event_type").is_in(["NODE_START", "NODE_SUCCESS", "NODE_FAILURE"]))
    node = of_node.group_by("call").agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max(), n=pl.len())
    node = node.filter(pl.col("n") == 2)
    below = truth.filter(pl.col("event_type") != "PERFORMANCE_PROFILE")
    below = below.join(calls.select("call", "parent_call"), on="call")
    pairs = below.join(node, left_on="parent_call", right_on="call")
    assert pairs.select(pl.col("timestamp").is_between("first", "last").all()).item()


def test_the_written_links_are_those_of_the_truth(week_events, week_calls):
    rows = week_events.filter(pl.col("parent").is_not_null() & pl.col("correlation").is_not_null()).select(
        "correlation", "parent", "trace").unique()
    joined = rows.join(week_calls, left_on="correlation", right_on="correlation_id", how="left")
    assert len(joined) == len(rows) > 1_000
    assert (joined["parent"] == joined["parent_correlation_id"]).all()
    assert (joined["trace"] == joined["trace_id"]).all()


def test_a_decorated_call_emits_four_events_and_an_undecorated_one_two(week_events):
    by_call = week_events.filter(pl.col("correlation").is_not_null()).group_by("correlation").agg(pl.col("type"))
    beside = ("STRUCTURED_LOG", "PERFORMANCE_PROFILE")
    shapes = {tuple(t for t in types if t not in beside) for types in by_call["type"]}
    assert ("TELEMETRY_OPERATION_START", "NODE_START", "NODE_SUCCESS", "TELEMETRY_OPERATION_SUCCESS") in shapes
    alone = week_events.filter((pl.col("node") == "logger_node") & pl.col("type").str.starts_with("NODE"))
    assert alone["correlation"].null_count() == len(alone)


def test_the_size_of_traces_is_heavy_tailed(week_calls):
    sizes = week_calls.group_by("trace_id").len()["len"]
    assert sizes.median() <= 4
    assert sizes.max() > 20 * sizes.mean()


def test_a_retry_follows_the_same_call_that_failed(week_calls):
    retries = week_calls.filter(pl.col("attempt") == 2)
    assert len(retries) > 20
    first = week_calls.filter(pl.col("attempt") == 1).with_columns(call=pl.col("call") + 1)
    pairs = retries.join(first, on="call", suffix="_first")
    assert len(pairs) == len(retries)
    assert (pairs["operation"] == pairs["operation_first"]).all()
    assert pairs["error_code_first"].null_count() == 0


def test_some_work_never_ends_even_on_an_ordinary_day():
    calls = pl.concat(generate(60_000, seed=2, incidents=None, traps=None).calls())
    assert 0 < calls["open"].mean() < 0.005


def test_ordinary_failures_are_few():
    calls = pl.concat(generate(60_000, seed=2, incidents=None, traps=None).calls())
    assert 0.002 < calls["error_code"].is_not_null().mean() < 0.03


def test_every_event_type_of_upstream_occurs(week_events):
    from onex_analytics.model.event_types import OnexEventType

    rare = {"TOOL_PROXY_REJECTED"}  # a tool that refuses is beyond this fleet
    assert set(OnexEventType) - set(week_events["type"]) <= rare | {"TOOL_PROXY_TIMEOUT", "NODE_ANNOUNCE_REJECTED"}


def test_every_way_to_fail_has_a_code_of_upstream():
    from onex_analytics.model.error_codes import ErrorCodeTaxonomy
    from onex_analytics.synthetic.failures import FAILURES

    known = set(ErrorCodeTaxonomy.default().frame()["code"])
    assert {failure.code for failure in FAILURES} <= known
