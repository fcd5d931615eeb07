"""Rules that sampling bends are marked; those that weights put right are not."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.biases import bias
from onex_analytics.alerting.rules import Rule
from onex_analytics.alerting.sampled_logs import what_if_sampled
from tests.alerting.test_evaluating import rule_set
from tests.alerting.test_every_kind import KINDS, lived, rules_of


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_sampling_bends_are_marked(kind):
    log, rules = lived(3), rules_of(kind)
    found = what_if_sampled(rules, log, pl.lit(0.5), seeds=1, as_of="arrival")
    marked = found.rules.filter(pl.col("rule").is_not_null()).select("rule", pl.col("bias").is_not_null()).rows()
    known = backtest(rules, log.with_columns(adjusted_count=2.0)).summary.select("rule", "biased").rows()
    assert all(ours for (_, ours), (_, theirs) in zip(marked, known, strict=True) if theirs)
    bends = {"ratio", "distinct", "absent", "new_value", "change", "sequence", "unfinished"}  # this ratio has min_count
    assert dict(marked)["OnGrid"] == (kind in bends)
    assert all(ours for name, ours in marked if name == "Operations")
    assert found.rules["bias"].is_not_null().to_list()[-1] == any(ours for _, ours in marked)


@pytest.mark.parametrize("function", ["min", "max", "sum"])
def test_the_extremes_of_a_sample_are_not_those_of_all(function):
    when = {"aggregate": {"function": function, "column": "execution_time_ms", "window": "5m"}, "threshold": 1}
    found = what_if_sampled(rule_set({"alert": "A", "when": when}), lived(3), pl.lit(0.5), seeds=1)
    assert (found.rules["bias"][0] is None) == (function == "sum")


def test_every_reason_is_told_once():
    cells = {"a": {"distinct": {"column": "node", "window": "5m"}}, "b": {"distinct": {"column": "x", "window": "9m"}}}
    when = {"expr": {"cells": cells, "value": "a / b"}, "threshold": 1, "min_count": 3}
    told = bias(Rule.model_validate({"alert": "A", "when": when}))
    assert told is not None and told.split("; ") == [
        "distinct looks at the events that are kept, whatever they stand for",
        "min_count counts the events that are kept",
    ]
