"""Design errors are exact: they are what drawing again and again comes to, and what all pairs of a trace add up to."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from onex_analytics.sampling import ProbabilityPolicy, RulePolicy
from onex_analytics.sampling.simulation import simulate
from tests.laws import examples
from tests.sampling.drawn import EVENTS, POLICIES
from tests.sampling.monte_carlo import kept_in_draws, log_of, shares_of, weighted_quantiles


def by_pairs(events, policy, y):
    """The variance of the estimate of Σy, over all pairs of events that share a randomness: slow and obvious."""
    shares = [policy.share_of(row)[0] for row in events.iter_rows(named=True)]
    ids = events["trace_id" if policy.scope == "trace" else "event_id"].to_list()
    pairs = ((i, j) for i in range(len(ids)) for j in range(len(ids)) if ids[i] == ids[j] and shares[i] and shares[j])
    return sum(y[i] * y[j] * (1 / max(shares[i], shares[j]) - 1) for i, j in pairs)


TORN = RulePolicy(precision=14, default=0.5, rules=[
    {"node": "node_0", "probability": 0.1}, {"event_type": "TYPE_1", "probability": 0.25},
    {"event_type": "TYPE_2", "probability": 0.0},
])  # fmt: skip


@pytest.mark.parametrize("scope", ["trace", "event"])
@pytest.mark.parametrize("policy", [ProbabilityPolicy(probability=0.3, precision=14), TORN])
@pytest.mark.parametrize("events_a_trace", [1, 5, 40])
def test_the_variance_of_a_sum_is_that_of_all_pairs_within_a_trace(policy, scope, events_a_trace):
    policy = policy.model_copy(update={"scope": scope})
    events = log_of(6, events_a_trace)
    found = simulate(policy, events, ["sum(execution_time_ms)", "count"]).errors
    values = (events["execution_time_ms"].to_list(), [1] * len(events))
    for row, y in zip(found.iter_rows(named=True), values, strict=True):
        assert row["std_error"] ** 2 == pytest.approx(by_pairs(events, policy, y), rel=1e-9)
        lost = [y for y, row in zip(y, events.iter_rows(named=True), strict=True) if policy.share_of(row)[0] == 0]
        assert row["bias"] == pytest.approx(-sum(lost), abs=1e-9)


ONE_SHARE = ProbabilityPolicy(probability=0.3, precision=14)
SEVERAL = RulePolicy(precision=14, default=0.5, rules=[
    {"node": "node_0", "probability": 0.1}, {"event_type": "TYPE_1", "probability": 0.25},
])  # fmt: skip


@pytest.mark.parametrize("policy", [ONE_SHARE, SEVERAL], ids=["one share", "several shares in a trace"])
def test_closed_forms_are_within_three_percent_of_what_ten_thousand_draws_come_to(policy):
    events = log_of(400, 3)
    shares = shares_of(policy, events)
    weights = (kept_in_draws(events, shares, 10_000) / shares).astype(np.float32)
    values, fails = events["execution_time_ms"].to_numpy(), (events["outcome"] == "failure").to_numpy()
    totals = weights @ np.column_stack([np.ones(len(values)), values, fails]).astype(np.float32)
    drawn = {
        "count": totals[:, 0], "sum(execution_time_ms)": totals[:, 1],
        "mean(execution_time_ms)": totals[:, 1] / totals[:, 0], "error_rate": totals[:, 2] / totals[:, 0],
    }  # fmt: skip
    found = simulate(policy, events, list(drawn)).errors
    for row in found.iter_rows(named=True):
        told = drawn[row["metric"]]
        assert row["std_error"] == pytest.approx(told.std(), rel=0.03)
        assert row["expected"] == pytest.approx(told.mean(), abs=0.1 * row["std_error"])
        if row["low"] is not None:
            assert 0.94 < np.mean((told >= row["low"]) & (told <= row["high"])) < 0.96


def test_skewness_and_kurtosis_of_a_sum_are_those_of_the_draws():
    events = log_of(40, 3, values=np.arange(120.0) ** 2)
    shares = shares_of(SEVERAL, events)
    drawn = (kept_in_draws(events, shares, 60_000) / shares) @ events["execution_time_ms"].to_numpy()
    scaled = (drawn - drawn.mean()) / drawn.std()
    row = simulate(SEVERAL, events, "sum(execution_time_ms)").errors.row(0, named=True)
    assert row["skewness"] == pytest.approx((scaled**3).mean(), abs=0.03)
    assert row["kurtosis"] == pytest.approx((scaled**4).mean() - 3, abs=0.1)


@pytest.mark.parametrize("policy", [ONE_SHARE, SEVERAL], ids=["one share", "several shares in a trace"])
def test_the_error_of_a_quantile_is_within_three_percent_of_the_draws_where_values_lie_close(policy):
    events = log_of(5000, 1, values=np.random.default_rng(7).permutation(np.exp(np.linspace(1, 5, 5000))))
    shares = shares_of(policy, events)
    weights = (kept_in_draws(events, shares, 3000) / shares).astype(np.float32)
    drawn = weighted_quantiles(events["execution_time_ms"].to_numpy(), weights, 0.75)
    row = simulate(policy, events, "p75(execution_time_ms)").errors.row(0, named=True)
    assert row["std_error"] == pytest.approx(drawn.std(), rel=0.03)
    assert 0.93 < np.mean((drawn >= row["low"]) & (drawn <= row["high"])) < 0.97


def test_a_formula_by_events_instead_of_traces_is_wrong():
    events, p = log_of(300, 20), 0.3
    drawn = (kept_in_draws(events, np.full(6000, p), 2000) / p).sum(axis=1).std()
    by_event = (6000 * (1 - p) / p) ** 0.5
    row = simulate(ProbabilityPolicy(probability=p, precision=14), events, "count").errors.row(0, named=True)
    assert row["std_error"] == pytest.approx(drawn, rel=0.05)
    assert drawn > 4 * by_event


def test_what_has_a_share_of_zero_is_bias_and_nobody_sees_a_group_of_it_alone():
    events = log_of(200, 1, nodes=2).sort("node")
    policy = RulePolicy(keep_failures=False, default=0.5, rules=[{"node": "node_0", "probability": 0}])
    found = simulate(policy, events, ["count", "error_rate", "p50(execution_time_ms)"], by="node").errors
    lost = events.filter(pl.col("node") == "node_0")
    everywhere, here, there = found.filter(pl.col("metric") == "count").iter_rows(named=True)
    assert (everywhere["bias"], here["bias"], there["bias"]) == (-lost.height, -lost.height, 0)
    assert (here["std_error"], here["rmse"], here["never_seen"]) == (0, lost.height, 1)
    for metric in ("error_rate", "p50(execution_time_ms)"):
        everywhere, here, there = found.filter(pl.col("metric") == metric).iter_rows(named=True)
        assert here["expected"] is None and here["bias"] is None and here["never_seen"] == 1
        assert everywhere["expected"] == pytest.approx(there["truth"])


@pytest.mark.parametrize("scope", ["trace", "event"])
def test_the_chance_that_a_group_is_never_seen_is_the_product_over_its_draws(scope):
    events = log_of(4, 3, nodes=2)
    policy = RulePolicy(precision=14, scope=scope, keep_failures=False, default=0.2, rules=[
        {"event_type": "TYPE_1", "probability": 0.3},
    ])  # fmt: skip
    found = simulate(policy, events, "count", by="node").errors.filter(pl.col("level") == "group")
    drawn = events.with_columns(p=pl.Series(shares_of(policy, events)))
    id_ = "trace_id" if scope == "trace" else "event_id"
    of_draws = drawn.group_by("node", id_).agg(pl.col("p").max())
    missed = of_draws.group_by("node").agg(chance=(1 - pl.col("p")).product()).sort("node")
    assert found["never_seen"].to_list() == pytest.approx(missed["chance"].to_list())


def test_a_weighted_sample_amounts_to_fewer_traces_and_fewer_than_thirty_are_said():
    events = log_of(100, 1, nodes=2)
    policy = RulePolicy(precision=14, keep_failures=False, default=0.9, rules=[{"node": "node_0", "probability": 0.05}])
    row = simulate(policy, events, "count").errors.row(0, named=True)
    shares = shares_of(policy, events)
    assert row["effective_n"] == pytest.approx(100**2 / (1 / shares).sum())
    assert row["warning"].startswith(f"amounts to {row['effective_n']:.1f} traces") and row["low"] is None


@settings(max_examples=examples(50))
@given(POLICIES, EVENTS)
def test_what_is_expected_to_be_kept_is_the_sum_of_shares_whatever_the_log(policy, events):
    from onex_analytics.sampling import apply

    found = simulate(policy, events, ["count"], by="node")
    shares = apply(policy, events.lazy()).collect()
    assert found.policies["events_kept"].item() == pytest.approx(shares["probability"].sum())
    groups = found.errors.filter(pl.col("level") == "group")
    reached = shares.filter(pl.col("probability") > 0)
    assert found.errors["expected"][0] == pytest.approx(reached.height)
    assert groups["truth"].sum() == events.height
    assert groups["node"].n_unique() == groups.height == events["node"].n_unique()
