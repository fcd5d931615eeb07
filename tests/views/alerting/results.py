"""Results to draw: backtests of a log made by hand, with few and with many nodes and incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import numpy as np
import polars as pl

from onex_analytics import alerting
from onex_analytics.alerting import Backtest, Comparison, RuleSet
from onex_analytics.alerting.sweeps import sweep

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVIL = '<script>alert("pwned")</script><img src=x>'


def minutes(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def busy(threshold: float = 3, name: str = "Busy", **more: object) -> dict[str, object]:
    """A rule that fires where a node has more events than the threshold in five minutes."""
    return {"alert": name, "by": ["node"], "when": {"count": {"window": "5m"}, "op": ">", "threshold": threshold},
            **more}  # fmt: skip


def rules(*some: dict[str, object]) -> RuleSet:
    return RuleSet.model_validate({"groups": [{"name": "g", "interval": "1m", "rules": list(some) or [busy()]}]})


def log(bursts: Sequence[tuple[str, float]], until: float = 120, size: int = 8) -> pl.DataFrame:
    """`size` events within a minute from each (node, minute) on, and a sign of life of another at both ends."""
    rows = [(node, minutes(at + i / size)) for node, at in bursts for i in range(size)]
    rows += [("clock", minutes(0)), ("clock", minutes(until))]
    return pl.DataFrame(
        [(str(i), at, node) for i, (node, at) in enumerate(rows)],
        schema={"event_id": pl.String, "timestamp": pl.Datetime("us", "UTC"), "node": pl.String}, orient="row",
    )  # fmt: skip


def incident(name: str, start: float, end: float, **labels: str) -> dict[str, Any]:
    return {"id": name, "start": minutes(start), "end": minutes(end), **labels}


@dataclass(frozen=True, eq=False)
class Case:
    """A log, its incidents, and what a figure draws of them."""

    events: pl.DataFrame
    incidents: list[dict[str, Any]] | None
    rule_file: RuleSet
    until: datetime | None = None

    @cached_property
    def result(self) -> Backtest:
        return alerting.backtest(self.rule_file, self.events, self.incidents, until=self.until)

    @cached_property
    def comparison(self) -> Comparison:
        after = rules(busy(5), busy(0, "Any"))
        return alerting.compare_rules(self.rule_file, after, self.events, self.incidents, until=self.until)

    @cached_property
    def sweep(self) -> pl.DataFrame:
        rule = self.rule_file.groups[0].rules[0]
        return sweep(rule, self.events, incidents=self.incidents, for_=["0s", "3m"], until=self.until)


def _many(nodes: int, days: int, incidents: int, each: int) -> Case:
    """So many bursts of each node."""
    draw = np.random.default_rng(7)
    bursts = [(f"node_{node:04}", float(draw.uniform(0, days * 1440))) for node in range(nodes) for _ in range(each)]
    told = []
    for i in range(incidents):  # most lie where a burst is, some where nothing happens
        node, at = bursts[i % len(bursts)]
        at = at - i % 15 if i % 5 else float(draw.uniform(0, days * 1440))
        told.append(incident(f"i{i:03}", at, at + 20, node=node))
    return Case(log(bursts, days * 1440), told, rules(busy(**{"for": "1m"}), busy(7, "Very busy")))


@cache
def cases() -> dict[str, Case]:
    """By name: what a figure has to stand."""
    two = [("a", 10.0), ("a", 50.0), ("b", 52.0)]
    both = [incident("caught", 45, 60, node="a"), incident("missed", 90, 95, node="c")]
    return {
        "no event": Case(log([]).clear(), [], rules()),
        "no alert": Case(log([]), None, rules()),
        "no alert, an incident": Case(log([]), both[1:], rules()),
        "one key": Case(log([("a", 10.0)]), None, rules()),
        "one incident": Case(log([("a", 10.0)]), [incident("one", 8, 20, node="a")], rules()),
        "a few": Case(log(two), both, rules(busy(**{"for": "1m"}), busy(90, "Never"))),
        "still firing": Case(log([("a", 118.5)]), None, rules()),
        "500 incidents": _many(40, 30, 500, 3),
        "2,000 keys": _many(2000, 7, 12, 1),
        "markup": Case(log([(EVIL, 10.0)]), [incident(EVIL, 8, 20, node=EVIL)], rules(busy(3, EVIL))),
    }  # fmt: skip
