"""The events behind a transition are those that its value was reckoned from."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.model.shapes import EVENTS
from tests.alerting.arrivals import when

COLUMNS = ("event_id", "timestamp", "node", "outcome", "correlation_id", "family", "operation", "execution_time_ms",
           "error_code")  # fmt: skip


def random_log(seed: int, n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    at = np.sort(rng.uniform(0, 6000, n)).round(1)
    return pl.DataFrame({
        "event_id": [f"{i:05}" for i in range(n)],
        "timestamp": [when(float(t)) for t in at],
        "node": rng.choice(["a", "b"], n),
        "outcome": rng.choice(["start", "start", "success", "failure"], n),
        "correlation_id": [None if rng.random() < 0.1 else f"c{rng.integers(0, 60)}" for _ in range(n)],
        "family": ["node"] * n,
        "operation": rng.choice(["o", "p"], n),
        "execution_time_ms": rng.uniform(1, 100, n).round(),
        "error_code": rng.choice(["E1", "E2", "E3", "E4"], n),
    }, schema={name: EVENTS[name] for name in COLUMNS})  # fmt: skip


def counted(found: pl.DataFrame) -> float:
    return float(found.height)


CELLS = {
    "count": ({"count": {"of": "outcome == 'failure'", "window": "5m"}}, 1.0, counted),
    "rate": ({"rate": {"window": "5m", "per": "5m"}}, 5.0, counted),
    "aggregate": ({"aggregate": {"function": "sum", "column": "execution_time_ms", "window": "3m"}}, 300.0,
                  lambda found: found["execution_time_ms"].sum() if found.height else None),
    "distinct": ({"distinct": {"column": "error_code", "window": "2m"}}, 2.0,
                 lambda found: float(found["error_code"].n_unique())),
    "unfinished": ({"unfinished": {"older_than": "2m", "give_up_after": "20m"}}, 12.0, counted),
    "expr": ({"expr": {"cells": {"fast": {"count": {"of": "outcome == 'success'", "window": "2m"}},
                                 "slow": {"count": {"of": "outcome == 'failure'", "window": "9m"}}},
                       "value": "fast + slow"}}, 8.0, counted),
}  # fmt: skip


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("seed", range(2))
def test_the_value_of_every_transition_follows_from_its_evidence(kind, seed):
    cell, threshold, reckon = CELLS[kind]
    rule = {"alert": "A", "where": "operation != 'q'", "by": ["node"], "when": {**cell, "threshold": threshold}}
    rules = RuleSet.model_validate({"groups": [{"name": "g", "interval": "1m", "rules": [rule]}]})
    log = random_log(seed)
    result = backtest(rules, log)
    assert result.transitions.height > 2
    told = result.evidence.with_columns(node_of_alert=pl.col("labels").list.first().struct.field("value"))
    behind = told.join(log, on="event_id")
    assert behind["node"].equals(behind["node_of_alert"])
    parts = behind.partition_by("at", "state", "node", as_dict=True)
    for row in result.transitions.iter_rows(named=True):
        key = (row["at"], row["state"], row["labels"][0]["value"])
        assert reckon(parts.get(key, behind.head(0))) == row["value"], row


def test_of_a_ratio_the_numerator_is_the_evidence():
    cell = {"ratio": {"of": "outcome == 'failure'", "over": "outcome in ('success', 'failure')", "window": "5m"}}
    rule = {"alert": "A", "by": ["node"], "when": {**cell, "threshold": 0.5}}
    result = backtest(RuleSet.model_validate({"groups": [{"name": "g", "rules": [rule]}]}), random_log(3))
    told = result.evidence.join(random_log(3), on="event_id")
    assert set(told["outcome"]) == {"failure"}
    shares = result.evidence.group_by("at", "labels", "state").len()
    assert shares.height == result.transitions.filter(pl.col("value") > 0).height


def test_of_a_sequence_every_step_within_reach_is_evidence():
    cell = {"sequence": {"steps": ["outcome == 'start'", "outcome == 'failure'"], "within": "10m"}}
    rule = {"alert": "A", "when": cell}
    result = backtest(RuleSet.model_validate({"groups": [{"name": "g", "rules": [rule]}]}), random_log(4))
    fired = result.transitions.filter(pl.col("state") == "firing")
    behind = result.evidence_of(fired).group_by("at").len()
    assert behind.height == fired.height > 0


def test_evidence_comes_in_the_order_of_the_transitions_and_of_time():
    rule = {"alert": "A", "by": ["node"], "when": {"count": {"window": "5m"}, "threshold": 15}}
    result = backtest(RuleSet.model_validate({"groups": [{"name": "g", "rules": [rule]}]}), random_log(5))
    firsts = result.evidence.unique(["at", "state", "labels"], maintain_order=True)
    assert firsts.select("at", "state").rows() == result.transitions.select("at", "state").rows()
    for part in result.evidence.partition_by("at", "state", "labels"):
        assert part["timestamp"].is_sorted()
