"""What traces add up to is the same however many they are, however alike, and in however many strata."""

from __future__ import annotations

import numpy as np
import pytest

from onex_analytics.sampling import ProbabilityPolicy, RulePolicy, simulate
from tests.sampling.monte_carlo import log_of, shares_of


@pytest.mark.parametrize("different", [3, 40_000])
def test_traces_that_are_alike_are_counted_as_often_as_they_are(different):
    values = np.random.default_rng(1).permutation(np.arange(40_000.0) % different)
    events = log_of(40_000, 1, values=values, nodes=2)
    found = simulate(ProbabilityPolicy(probability=0.25), events, "sum(execution_time_ms)", by="node").errors
    for row in found.iter_rows(named=True):
        of_group = values if row["level"] == "all" else values[(events["node"] == row["node"]).to_numpy()]
        assert row["truth"] == pytest.approx(of_group.sum())
        assert row["std_error"] ** 2 == pytest.approx(3 * (of_group**2).sum())


def test_a_trace_of_many_shares_varies_as_all_its_pairs_do():
    rng = np.random.default_rng(2)
    events = log_of(3, 200, nodes=60)
    policy = RulePolicy(precision=14, default=0.5, keep_failures=False, rules=[
        {"node": f"node_{number}", "probability": float(rng.uniform(0.05, 1))} for number in range(60)
    ])  # fmt: skip
    row = simulate(policy, events, "sum(execution_time_ms)").errors.row(0, named=True)
    p, y = shares_of(policy, events), events["execution_time_ms"].to_numpy()
    trace = events["trace_id"].to_numpy()
    together = trace[:, None] == trace[None, :]
    variance = (np.outer(y, y) * (1 / np.maximum.outer(p, p) - 1) * together).sum()
    assert row["std_error"] ** 2 == pytest.approx(variance)


def test_traces_come_in_any_order():
    events = log_of(200, 4)
    policy = RulePolicy(default=0.4, rules=[{"node": "node_0", "probability": 0.1}])
    metrics = ["count", "error_rate", "p90(execution_time_ms)"]
    one, other = (
        simulate(policy, part, metrics, by="node").errors.select("truth", "std_error", "never_seen", "effective_n")
        for part in (events, events.sample(fraction=1, shuffle=True, seed=1))
    )  # fmt: skip
    for column in one.columns:
        assert one[column].to_list() == pytest.approx(other[column].to_list())
