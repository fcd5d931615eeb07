"""One log, and the same rules as we, promtool and ElastAlert2 write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.race import FOLDER
from onex_analytics.alerting.rules import RuleSet

KEYS, TICKS, RULES, GRID_EVENTS = 200, 1440, 10, 120_000
END = "1970-01-02T00:00:00.000001+00:00"
FREQUENT, TIMEFRAME = 35, "5m"


def log_of(many: int, hours: float, name: str) -> Path:
    """Events of 200 nodes, each at a time of its own, from the epoch on (there promtool begins), in order."""
    file = FOLDER / f"alert-rules-{name}-{many}.parquet"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(7)
        times = np.sort(draw.choice(int(hours * 3600e6) // 10, many, replace=False)) * 10 + 1
        pl.DataFrame({
            "event_id": [f"{place:08}" for place in range(many)],
            "timestamp": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            "node": pl.Series([f"worker_{place:03}" for place in range(KEYS)]).gather(draw.integers(0, KEYS, many)),
        }).write_parquet(file)
    return file


def lifecycles() -> list[tuple[int, str, str]]:
    """(threshold, for, keep_firing_for) of each rule. Two events are usual in a window; seven are rare."""
    return [(6 + place % 4, f"{place % 3}m", f"{2 * (place % 2)}m") for place in range(RULES)]


def grid_rules() -> RuleSet:
    rules: list[dict[str, Any]] = [
        {"alert": f"R{place}", "by": ["node"], "for": hold, "keep_firing_for": keep,
         "when": {"count": {"window": "5m"}, "op": ">", "threshold": threshold}}
        for place, (threshold, hold, keep) in enumerate(lifecycles())
    ]  # fmt: skip
    return RuleSet.model_validate({"groups": [{"name": "g", "interval": "1m", "rules": rules}]})


def frequency_rules() -> RuleSet:
    """ElastAlert2's frequency: so many events of a key within the timeframe; a match begins to count anew."""
    rule = {"alert": "Frequent", "by": ["node"], "mode": "event", "reset_after_match": True,
            "when": {"count": {"window": TIMEFRAME}, "op": ">=", "threshold": FREQUENT}}  # fmt: skip
    return RuleSet.model_validate({"groups": [{"name": "g", "rules": [rule]}]})


def write_for_promtool(log: Path, folder: Path) -> None:
    """The counts that our rules see as series, and the rules: test.json and rules.json."""
    from onex_analytics.alerting import backtest

    result = backtest(grid_rules(), pl.scan_parquet(log), until=END)
    states = result.states("R0").select("at", "labels", "value").collect()
    found: dict[str, list[str]] = {}
    for at, labels, value in states.iter_rows():
        found.setdefault(labels[0]["value"], ["_"] * (TICKS + 1))[round(at.timestamp()) // 60] = f"{value:g}"
    series = [{"series": f'cell{{node="{node}"}}', "values": " ".join(row)} for node, row in found.items()]
    asked = {"expr": 'count(ALERTS{alertstate="firing"}) or vector(0)', "eval_time": f"{TICKS}m", "exp_samples": []}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    rules = [
        {"alert": f"R{place}", "expr": f"cell > {threshold}", "for": hold, "keep_firing_for": keep}
        for place, (threshold, hold, keep) in enumerate(lifecycles())
    ]
    group = {"name": "g", "interval": "1m", "rules": rules}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.json").write_text(json.dumps({"groups": [group]}))
    whole = {"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.json").write_text(json.dumps(whole))
