"""Design errors are exact: they are what drawing again and again comes to, and what all pairs of a trace add up to."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given

from onex_analytics.sampling import ProbabilityPolicy, RulePolicy
from onex_analytics.sampling.simulation import simulate
from tests.sampling.drawn import EVENTS, POLICIES

COLUMNS = {"outcome": pl.String, "execution_time_ms": pl.Float64}


def log_of(traces, events_a_trace=1, seed=1, values=None, failing=0.1, nodes=3):
    """A log of whole traces, whose events have nodes, outcomes and values."""
    rng = np.random.default_rng(seed)
    n = traces * events_a_trace
    trace = np.repeat(np.arange(traces), events_a_trace)
    return pl.DataFrame({
        "event_id": [f"e{i}" for i in range(n)], "trace_id": [f"t{i}" for i in trace],
        "correlation_id": pl.Series([None] * n, dtype=pl.String),
        "node": [f"node_{i}" for i in rng.integers(0, nodes, n)],
        "event_type": [f"TYPE_{i}" for i in rng.integers(0, 4, n)],
        "outcome": np.where(rng.random(n) < failing, "failure", "success"),
        "execution_time_ms": rng.lognormal(3, 0.8, n) if values is None else values,
    })  # fmt: skip


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
