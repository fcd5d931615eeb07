"""Every policy is told beside the others: what it keeps, what it costs, and which counts are estimates."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.sampling import DynamicPolicy, ProbabilityPolicy, RulePolicy, TailPolicy, apply, simulate
from onex_analytics.sampling.simulation import POLICIES, Prices
from tests.sampling.monte_carlo import log_of

SEVERAL = [
    ProbabilityPolicy(probability=0.5, precision=14), ProbabilityPolicy(probability=0.25, precision=14, scope="event"),
    RulePolicy(default=0.1, rules=[{"node": "node_1", "probability": 0.9}]),
    TailPolicy(policies=[{"kind": "status_code"}, {"kind": "probabilistic", "probability": 0.25}]),
    DynamicPolicy(by=["node"], goal_rate=4),
]  # fmt: skip


@pytest.fixture(scope="module")
def events():
    start = pl.datetime(2026, 11, 1, time_zone="UTC")
    log = log_of(300, 3).with_row_index("second").with_columns(size_bytes=pl.lit(200))
    return log.with_columns(timestamp=start + pl.duration(seconds=pl.col("second"))).drop("second")


def test_policies_are_told_in_their_order_with_names_that_differ(events):
    found = simulate(SEVERAL, events, ["count", "error_rate"], by="node")
    told = found.policies
    assert told.schema == POLICIES
    assert told["policy"].to_list() == ["probability 1", "probability 2", "rules", "tail", "dynamic"]
    assert told["estimated"].to_list() == [False, False, False, False, True]
    assert found.errors.select("policy", "metric").unique(maintain_order=True).rows() == [
        (name, metric) for name in told["policy"] for metric in ("count", "error_rate")
    ]
    assert found.errors.filter(pl.col("policy") == "tail")["node"].to_list() == [None, "node_0", "node_1", "node_2"] * 2


def test_what_each_policy_keeps_is_what_apply_says(events):
    found = simulate(SEVERAL, events, "count")
    for policy, kept in zip(SEVERAL, found.policies["events_kept"], strict=True):
        assert kept == pytest.approx(apply(policy, events.lazy()).collect()["probability"].sum())


def test_a_policy_is_told_alike_alone_and_beside_others(events):
    together = simulate(SEVERAL, events, ["count", "p90(execution_time_ms)"], by="node")
    for policy, name in zip(SEVERAL, together.policies["policy"], strict=True):
        alone = simulate(policy, events, ["count", "p90(execution_time_ms)"], by="node").errors.drop("policy")
        beside = together.errors.filter(pl.col("policy") == name).drop("policy")
        assert alone.select("node", "warning").equals(beside.select("node", "warning"))
        for column in ("truth", "expected", "std_error", "effective_n", "rests_on", "never_seen"):
            assert alone[column].to_list() == pytest.approx(beside[column].to_list())


def test_bytes_and_cost_are_those_of_what_is_kept(events):
    found = simulate(SEVERAL[0], events, "count", prices=Prices(million_events=2, gigabyte=5)).policies
    row = found.row(0, named=True)
    assert (row["events_kept"], row["bytes_kept"], row["bytes_share"]) == (450, 90_000, 0.5)
    assert row["cost"] == pytest.approx(450 / 1e6 * 2 + 90_000 / 1e9 * 5)
    assert row["events_kept_std"] == pytest.approx((300 * 9 * 0.25) ** 0.5)
    without = simulate(SEVERAL[0], events.drop("size_bytes"), "count").policies
    assert without.select("bytes_kept", "bytes_share", "cost").row(0) == (None, None, None)


def test_a_log_that_was_sampled_before_is_told_for_what_it_stands_for(events):
    before = events.with_columns(adjusted_count=pl.lit(4.0))
    plain, weighed = (
        simulate(SEVERAL[:4], one, ["count", "sum(execution_time_ms)", "error_rate", "p50(execution_time_ms)"]).errors
        for one in (events, before)
    )  # fmt: skip
    sums = pl.col("metric").is_in(["count", "sum(execution_time_ms)"])
    for column in ("truth", "std_error"):
        scaled = weighed.select(pl.when(sums).then(pl.col(column) / 4).otherwise(column))[column]
        assert scaled.to_list() == pytest.approx(plain[column].to_list())


def test_a_rate_is_a_count_over_the_time_of_the_log(events):
    rate, count = simulate(SEVERAL[0], events, ["rate", "count"]).errors.iter_rows(named=True)
    assert rate["truth"] == pytest.approx(900 / 899)
    assert rate["relative_error"] == pytest.approx(count["relative_error"])


@pytest.mark.parametrize("log", ["empty", "one event", "without ids", "without values"])
def test_a_log_of_any_kind_is_told_of(events, log):
    some = {
        "empty": events.clear(), "one event": events.head(1),
        "without ids": events.with_columns(pl.lit(None, pl.String).alias("trace_id"), pl.lit("").alias("event_id")),
        "without values": events.with_columns(pl.lit(None, pl.Float64).alias("execution_time_ms")),
    }[log]  # fmt: skip
    metrics = ["count", "rate", "error_rate", *(f"{of}(execution_time_ms)" for of in ("sum", "mean", "p5"))]
    found = simulate(SEVERAL[:3], some, metrics, by="node")
    assert found.errors.filter((pl.col("metric") == "count") & (pl.col("level") == "all"))["truth"].to_list() == [
        some.height
    ] * 3
    if log == "without ids":
        assert (found.policies["events_share"] == 1).all()
        assert (found.errors.filter(pl.col("metric") != "rate")["std_error"] == 0).all()


def test_what_cannot_be_simulated_is_refused_with_the_mend(events):
    with pytest.raises(InvalidOption, match="one policy or more"):
        simulate([], events)
    with pytest.raises(InvalidOption, match="p95"):
        simulate(SEVERAL[0], events, "median")
    with pytest.raises(InvalidOption, match="name of its own"):
        simulate(SEVERAL[0], events, ["count", "count"])
    with pytest.raises(MissingColumns, match="severity"):
        simulate(SEVERAL[0], events, by="severity")
    with pytest.raises(MissingColumns, match="numbers"):
        simulate(SEVERAL[0], events, "sum(node)")
    with pytest.raises(MissingColumns, match="size="):
        simulate(SEVERAL[0], events.drop("size_bytes"), prices=Prices(gigabyte=1))
    with pytest.raises(InvalidOption, match="rename"):
        simulate(SEVERAL[0], events.with_columns(truth=1), by="truth")
