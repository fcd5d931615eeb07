"""Results to draw: of a log of failures made by hand, with few groups and with many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import numpy as np
import polars as pl

from onex_analytics import error_patterns, profiling
from onex_analytics.frames import build_spans, contrast
from onex_analytics.model.shapes import EVENTS

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVIL = '<script>alert("pwned")</script><img src=x>'


def minutes(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def event(at: float | None, **more: Any) -> dict[str, Any]:
    """An operation that succeeded, so many minutes after noon; None has no time."""
    return {
        "timestamp": None if at is None else minutes(at), "family": "node", "outcome": "success", "node": "loader",
        "node_version": "1.0.0", "operation": "load", "adjusted_count": 1.0, **more,
    }  # fmt: skip


def failure(at: float | None, message: str | None, **more: Any) -> dict[str, Any]:
    return event(at, **{"outcome": "failure", "error_message": message, **more})


def log(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Events, each an operation of its own, in the trace that it names."""
    known = [{"event_id": f"e{i}", "correlation_id": f"c{i}", "trace_id": f"t{i}"} | row for i, row in enumerate(rows)]
    return pl.DataFrame(known, EVENTS, infer_schema_length=None)


@dataclass(frozen=True, eq=False)
class Case:
    """A log, and what figures draw of it."""

    events: pl.DataFrame
    by: str = "template"
    moment: datetime = NOON + timedelta(minutes=60)

    @cached_property
    def errors(self) -> pl.DataFrame:
        """With `fingerprint` and `template`."""
        return error_patterns.fingerprint(error_patterns.errors_of(self.events)).collect()

    @cached_property
    def groups(self) -> pl.DataFrame:
        return error_patterns.group_errors(self.errors)

    @cached_property
    def rates(self) -> pl.DataFrame:
        """Failures by the template of their message, or by type, in buckets of ten minutes."""
        told = error_patterns.mine_templates(self.events).transform(self.events)
        return error_patterns.error_rates(told, "10m", self.by).collect()

    @cached_property
    def bursts(self) -> pl.DataFrame:
        return error_patterns.detect_bursts(self.errors, "10m", self.by if self.groups.height < 100 else ())

    @cached_property
    def cascades(self) -> pl.DataFrame:
        return error_patterns.cascades(self.errors, ("node", "fingerprint"))

    @cached_property
    def errors_of_trace(self) -> pl.DataFrame:
        """Those of the trace with the most."""
        traces = self.errors["trace_id"].drop_nulls().mode().sort()
        return self.errors.filter(pl.col("trace_id") == traces[0]) if traces.len() else self.errors

    @cached_property
    def waterfall(self) -> pl.DataFrame:
        """Of that trace."""
        traces = self.errors_of_trace["trace_id"]
        trace = traces[0] if traces.len() else "none"
        return profiling.waterfall(build_spans(self.events), trace_id=trace or "none").collect()

    @cached_property
    def changes(self) -> pl.DataFrame:
        watched = {"since": minutes(-1), "until": max([minutes(121), *self.errors["timestamp"].drop_nulls()])}
        return error_patterns.compare_periods(self.errors, self.moment, "fingerprint", **watched)

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """Groups that come together, among all traces."""
        n_traces = max(frame["trace_id"].n_unique() for frame in (self.events, self.errors))
        return error_patterns.co_occurrence(self.errors, "fingerprint", n_traces=n_traces)

    @cached_property
    def contrast(self) -> pl.DataFrame:
        """What is different about failures."""
        who = ("node", "node_version", "operation", "family")
        return contrast(self.events, pl.col("outcome") == "failure", columns=who).collect()


def _words(n: int) -> str:
    """A word of letters only for each number, so that no two are one template."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(n))


def _few() -> list[dict[str, Any]]:
    """Over two hours: one that is there all the time, one that comes back, a burst of a new one, and two in a trace."""
    rows = [event(float(at)) for at in range(0, 120, 2)]
    rows += [failure(float(at), f"lost {at} rows", node="loader") for at in range(0, 120, 10)]
    rows += [failure(float(at), "no answer from peer", node="caller", error_type="TimeoutError") for at in (1, 2, 110)]
    rows += [failure(70 + i / 10, "[ONEX_SYS_901] disk full", node="writer", node_version="1.1.0", trace_id=f"d{i}")
             for i in range(40)]  # fmt: skip
    rows += [failure(70.05 + i / 10, "rolled back", node="caller", trace_id=f"d{i}") for i in range(0, 40, 2)]
    return [*rows, failure(30.0, "odd result", outcome="soft_failure")]


def _many(groups: int) -> list[dict[str, Any]]:
    draw = np.random.default_rng(7)
    rows = []
    for group in range(groups):
        for _ in range(1 + int(60 / (1 + group))):
            at = float(draw.uniform(0, 60 * 24 * 30))
            told = {"error_type": f"Failed{_words(group).title()}Error", "error_code": f"E{group}"}
            place = {"node": f"node_{group % 300}", "trace_id": f"t{group // 2}"}
            rows.append(failure(at, f"unable to go on with step {_words(group)}", **told, **place))
    return rows


@cache
def cases() -> dict[str, Case]:
    """By name: what a figure has to stand."""
    bare = dict.fromkeys(("node", "node_version", "operation", "trace_id", "correlation_id", "error_type"))
    return {
        "no event": Case(log([])),
        "no error": Case(log([event(0.0), event(5.0)])),
        "one error": Case(log([failure(3.0, "lost 4 rows")])),
        "nulls": Case(log([failure(1.0, None, **bare), failure(2.0, None, **bare), failure(9.0, "", **bare)])),
        "a few": Case(log(_few())),
        "2,000 groups": Case(log(_many(2000)), "error_type", minutes(60 * 24 * 15)),
        "markup": Case(log([
            failure(at, f"{EVIL} {EVIL}", node=EVIL, node_version=EVIL, operation=EVIL, error_type=EVIL)
            for at in (1.0, 2.0, 90.0)
        ] + [failure(at, EVIL, node=EVIL + "b", error_code=EVIL) for at in (1.0, 2.0, 90.0)])),
    }  # fmt: skip
