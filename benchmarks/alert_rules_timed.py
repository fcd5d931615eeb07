"""Rules over a log: `python -m benchmarks.alert_rules_timed grid|frequency|backtest FILE`.

grid, frequency: from events to transitions, which is what the peers do. backtest: all of it, with alerts, pages and
the summary.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import polars as pl

from benchmarks.alert_rules_data import END, frequency_rules, grid_rules
from benchmarks.timed import timed
from onex_analytics.alerting import Evaluation, backtest

way, log = sys.argv[1:3]
RULES = frequency_rules() if way == "frequency" else grid_rules()


def transitions(events: pl.DataFrame) -> dict[str, Any]:
    evaluation = Evaluation(RULES, events.schema)
    found = [evaluation.process_in_order(events)]
    if way == "grid":
        found.append(evaluation.advance(datetime.fromisoformat(END)))
    state = pl.concat(found)["state"]
    began, ended = ((state == word).sum() for word in ("firing", "resolved"))
    return {"evaluations": evaluation.counts["g"]["evaluations"] if way == "grid" else 0, "matches": began,
            "firing": began - ended}  # fmt: skip


def whole(events: pl.DataFrame) -> dict[str, Any]:
    return {"pages": backtest(RULES, events, until=END).pages.height}


work = whole if way == "backtest" else transitions
held = pl.read_parquet(log)
work(held.head(600_000))  # kernels are loaded before the clock runs, those of a second closing at each event as well
timed(lambda: work(held))
