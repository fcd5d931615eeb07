"""Prometheus itself as the oracle: what our rules make of events is what promtool makes of the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.rules import RuleSet
from tests.alerting.arrivals import SCHEMA, when
from tests.alerting.promtool_alerts import Active, active_alerts

INTERVAL_S, TICKS = 60, 150
FOR_S = (0, 30, 60, 61, 120, 300)
KEEP_S = (0, 1, 60, 90, 240)
OPS: dict[str, Callable[[float, float], bool]] = {">": lambda v, t: v > t, "<=": lambda v, t: v <= t}


def random_log(seed: int) -> pl.DataFrame:
    """Bursts and silences of a few nodes, from the epoch on: promtool's first evaluation is at 0."""
    rng = np.random.default_rng(seed)
    rows = []
    for node in ["a", "b", 'quo"te', "näh"][: rng.integers(1, 5)]:
        at = rng.uniform(1, TICKS * INTERVAL_S * 0.5)
        while at < TICKS * INTERVAL_S:
            rows.append((f"{len(rows):06}", when(round(at, 6)), node, "success", None))
            at += rng.exponential(float(rng.choice([3.0, 40.0, 200.0])))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def states_of(result: Backtest) -> dict[tuple[int, str, tuple[tuple[str, str], ...]], tuple[str, float]]:
    return {
        (round(at.timestamp()) // INTERVAL_S, rule, tuple((label["name"], label["value"]) for label in labels)):
            (state, value)
        for at, rule, labels, state, value in result.states()
        .select("at", "rule", "labels", "state", "value").collect().iter_rows()
    }  # fmt: skip


def asked_of_promtool(promtool: Path, folder: Path, result: Backtest, rules: list[dict[str, object]]) -> Active:
    """The values of our first rule are the series; every other rule saw the same."""
    rows: dict[str, list[float | None]] = {}
    for (tick, rule, labels), (_, value) in states_of(result).items():
        if rule == "R0":
            text = ",".join(f'{name}="{v}"' for name, v in ((n, v.replace('"', r"\"")) for n, v in labels))
            rows.setdefault(f"cell{{{text}}}", [None] * (TICKS + 1))[tick] = value
    return active_alerts(promtool, folder, rules, rows, INTERVAL_S)


@pytest.mark.parametrize("seed", range(6))
def test_pending_and_firing_are_those_of_promtool_with_every_for_and_keep_firing_for(promtool, tmp_path, seed):
    rng = np.random.default_rng(100 + seed)
    op, threshold = (">", int(rng.integers(0, 6))) if seed % 2 else ("<=", int(rng.integers(1, 4)))
    window = int(rng.choice([60, 90, 300]))
    ours, theirs = [], []
    for number, (hold, keep) in enumerate(product(FOR_S, KEEP_S)):
        condition = {"count": {"window": f"{window}s"}, "op": op, "threshold": threshold}
        ours.append({"alert": f"R{number}", "by": ["node"], "when": condition, "for": f"{hold}s",
                     "keep_firing_for": f"{keep}s"})  # fmt: skip
        theirs.append({"alert": f"R{number}", "expr": f"cell {op} {threshold}", "for": f"{hold}s",
                       "keep_firing_for": f"{keep}s"})  # fmt: skip
    rules = RuleSet.model_validate({"groups": [{"name": "g", "interval": f"{INTERVAL_S}s", "rules": ours}]})
    result = backtest(rules, random_log(seed), until=when(TICKS * INTERVAL_S + 1))
    active = {key: state for key, (state, _) in states_of(result).items() if state != "inactive"}
    assert active == asked_of_promtool(promtool, tmp_path, result, theirs)
    assert set(active.values()) == {"pending", "firing"}


@pytest.mark.parametrize("seed", range(2))
def test_transitions_and_alerts_tell_the_same_as_every_single_evaluation(seed):
    rules = RuleSet.model_validate({"groups": [{"name": "g", "interval": "60s", "rules": [
        {"alert": f"R{hold}-{keep}", "by": ["node"], "when": {"count": {"window": "90s"}, "threshold": 2},
         "for": f"{hold}s", "keep_firing_for": f"{keep}s"}
        for hold, keep in product((0, 60, 90), (0, 120))
    ]}]})  # fmt: skip
    result = backtest(rules, random_log(seed), until=when(TICKS * INTERVAL_S + 1))
    shown, found = {}, set()
    for (tick, rule, labels), (state, _) in sorted(states_of(result).items()):
        was = shown.get((rule, labels), "inactive")
        if state != was:
            word = {"pending": "inactive", "firing": "resolved"}[was] if state == "inactive" else state
            found.add((rule, labels, tick * INTERVAL_S, word))
        shown[rule, labels] = state
    told = {
        (row["rule"], tuple((x["name"], x["value"]) for x in row["labels"]), round(row["at"].timestamp()), row["state"])
        for row in result.transitions.iter_rows(named=True)
    }
    assert told == found
    moments = [
        (row["rule"], tuple((x["name"], x["value"]) for x in row["labels"]), round(row[moment].timestamp()), word)
        for row in result.alerts.iter_rows(named=True)
        for moment, word in (
            ("pending", "pending"), ("fired", "firing"), ("resolved", "resolved" if row["fired"] else "inactive"),
        )
        if row[moment] is not None and not (moment == "pending" and row["pending"] == row["fired"])
    ]  # fmt: skip
    assert len(moments) == len(told)
    assert set(moments) == told
