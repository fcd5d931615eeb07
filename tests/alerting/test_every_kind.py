"""Rules of every kind: what becomes of a stream does not depend on how it is cut, restarted, or read back as a log."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.notification import Notifier, pages_frame
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.shapes import TRANSITIONS
from onex_analytics.model.shapes import EVENTS
from tests.alerting.test_evidence import random_log

FAILED, ENDED = "outcome == 'failure'", "outcome in ('success', 'failure')"
KINDS = {
    "count": {"count": {"of": FAILED, "window": "5m"}, "threshold": 4},
    "rate": {"rate": {"window": "3m", "per": "1m"}, "threshold": 2.2},
    "ratio": {"ratio": {"of": FAILED, "over": ENDED, "window": "6m"}, "threshold": 0.4, "min_count": 3,
              "no_data": "keep"},
    "aggregate": {"aggregate": {"function": "avg", "column": "execution_time_ms", "window": "4m"}, "threshold": 52},
    "quantile": {"quantile": {"q": 0.9, "column": "execution_time_ms", "window": "4m"}, "threshold": 92,
                 "no_data": "alert"},
    "distinct": {"distinct": {"column": "error_code", "window": "90s"}, "threshold": 2},
    "absent": {"absent": {"of": FAILED, "window": "3m", "expect": [{"node": "a"}, {"node": "zz"}]}},
    "spike": {"spike": {"window": "2m", "reference": "10m"}, "threshold": 1.5},
    "new_value": {"new_value": {"column": "correlation_id", "learn": "20m", "forget_after": "40m", "window": "3m"}},
    "change": {"change": {"column": "outcome", "window": "4m"}, "threshold": 8},
    "sequence": {"sequence": {"steps": ["outcome == 'start'", FAILED], "within": "10m", "not": "outcome == 'success'"}},
    "burn_rate": {"burn_rate": {"of": FAILED, "over": ENDED, "objective": 0.7, "windows": [["20m", "4m", 1.1]]}},
    "unfinished": {"unfinished": {"older_than": "3m", "give_up_after": "15m"}, "threshold": 9},
    "expr": {"expr": {"cells": {"a": {"count": {"of": FAILED, "window": "5m"}}, "b": {"count": {"window": "5m"}}},
                      "value": "a / (b + 1)"}, "threshold": 0.3},
}  # fmt: skip
BY_OPERATION = ("count", "rate", "ratio", "aggregate", "quantile", "spike", "burn_rate")
LOG_SCHEMA = pl.Schema({**random_log(0).schema, "arrived_at": EVENTS["arrived_at"]})


def rules_of(kind: str) -> RuleSet:
    """One rule on a grid that waits a little, one at each event, and one that counts operations where that is one."""
    common = {"by": ["node"], "when": KINDS[kind], "keep_firing_for": "2m"}
    grid = [{"alert": "OnGrid", "for": "1m", **common}]
    if kind in BY_OPERATION:
        grid.append({"alert": "Operations", "unit": "operation", **common})
    return RuleSet.model_validate({
        "groups": [
            {"name": "grid", "interval": "1m", "offset": "7s", "allowed_lateness": "90s", "limit": 2, "rules": grid},
            {"name": "event", "allowed_lateness": "20s", "rules": [{"alert": "AtEach", "mode": "event", **common}]},
        ],
        "notification": {"route": {"receiver": "default", "group_by": ["node"], "group_wait": "10s"},
                         "receivers": [{"name": "default"}]},
    })  # fmt: skip


def lived(seed: int) -> pl.DataFrame:
    """A log in the order of its arrival: most events at once, some late, a few far too late."""
    log = random_log(seed)
    rng = np.random.default_rng(seed)
    lag = rng.choice([0.0, 0.0, 1.0, 15.0, 80.0, 400.0], log.height, p=[0.5, 0.2, 0.1, 0.1, 0.07, 0.03])
    arrived = [at + timedelta(seconds=float(s)) for at, s in zip(log["timestamp"], lag, strict=True)]
    found = log.with_columns(pl.Series("arrived_at", arrived, dtype=EVENTS["arrived_at"]))
    return found.sort("arrived_at", "timestamp", "event_id")


@pytest.mark.parametrize("kind", KINDS)
def test_live_in_pieces_with_restarts_is_the_backtest_of_what_arrived(kind):
    rules, log, rng = rules_of(kind), lived(11), np.random.default_rng(5)
    evaluation, notifier = Evaluation(rules, LOG_SCHEMA), Notifier(rules)
    told, pages = [pl.DataFrame(schema=TRANSITIONS)], []
    cuts = sorted({0, log.height, *rng.integers(0, log.height, 12).tolist()})
    for number, (begin, end) in enumerate(pairwise(cuts)):
        known = evaluation.process(log[begin:end])
        told.append(known)
        notifier.observe_all(known)
        if evaluation.clock is not None:
            pages += notifier.advance(evaluation.clock)
        if number % 3 == 0:
            state, evaluation = (evaluation.state(), notifier.state()), Evaluation(rules, LOG_SCHEMA)
            evaluation.restore(state[0])
            notifier = Notifier(rules)
            notifier.restore(state[1])
    result = backtest(rules, log.sample(fraction=1.0, shuffle=True, seed=1), as_of="arrival")
    assert result.transitions.equals(pl.concat(told))
    assert result.pages.equals(pages_frame(pages))
    assert result.accounts == evaluation.counts
    assert all(counts["late"] for counts in result.accounts.values())
    assert result.transitions["rule"].n_unique() == result.summary.height, "each rule has something to say"


@pytest.mark.parametrize("kind", KINDS)
def test_by_event_time_no_order_and_no_slice_changes_anything(kind, monkeypatch):
    from onex_analytics.alerting import feeding

    rules, log = rules_of(kind), random_log(12)
    whole = backtest(rules, log)
    monkeypatch.setattr(feeding.fed, "__defaults__", ((), 83))
    cut = backtest(rules, log.sample(fraction=1.0, shuffle=True, seed=2))
    assert cut.transitions.equals(whole.transitions)
    assert cut.alerts.equals(whole.alerts)
    assert cut.pages.equals(whole.pages)
    assert cut.stretches().equals(whole.stretches())
