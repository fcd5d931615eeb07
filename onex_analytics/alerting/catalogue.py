"""General rules that a log itself brings to mind: what fails, slows down, stops, restarts, gets stuck or falls silent.

Each rule compares a window with what was usual while nothing was wrong, so that one threshold holds for busy and for
quiet nodes alike. What is usual (the share that fails, how long each operation takes, each node's share of the events)
is learnt from the log; no name of a node or of a code is known beforehand. Observed over expected counts are shrunk
towards 1 by adding a constant to both, so that few events prove little.

Source of the shrinkage: the gamma-Poisson shrinker of DuMouchel (1999), The American Statistician 53(3), with a fixed
prior.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from onex_analytics.alerting.conditions import Expr, NewValue
from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.rules import Group, Rule
from onex_analytics.model.shapes import EVENTS

GROUP = "suggested"
SYMPTOM = "symptom"
"""A label of each rule: failures, slowness, restarts, hanging or silence."""
_ENDED = "outcome in ('success', 'soft_failure', 'failure')"
_FAILED = "outcome == 'failure'"
_TIMED = "execution_time_ms is not null"
_SLOW = 0.99
"""An operation is slow where it takes longer than this share of its like did."""
_LARGE = 0.9
"""A number in a dimension is large beyond this share of them."""
_MOST_OPERATIONS, _MOST_NODES, _MOST_DIMENSIONS = 64, 24, 4
_LEAST_CALLS = 100
"""An operation that was called less often has no usual duration."""


@dataclass(frozen=True)
class Family:
    """Rules that share a threshold. That of the rules as they stand is the least that makes sense."""

    rules: tuple[Rule, ...]

    @property
    def first(self) -> Rule:
        return self.rules[0]


@dataclass(frozen=True)
class _Usual:
    """What a log looks like while nothing is wrong."""

    failed: float                             # share of the operations that ended
    slow: str | None                          # a filter
    node_shares: Sequence[tuple[str, float]]  # of all events
    events_per_hour: float
    error_codes: bool
    numbers: Mapping[str, float]              # dimensions of numbers, and from where on they are large


def catalogue(calm: pl.LazyFrame, hours: float, learn: timedelta) -> tuple[Family, ...]:
    """The rules that make sense for a log, not yet tuned.

    Args:
        calm: events of a time in which nothing was wrong; reads `node`, `operation`, `outcome`, `error_code`,
            `execution_time_ms` and dimensions of numbers, as far as they are there.
        hours: how long that time is.
        learn: how long new values are learnt.

    Returns:
        Families of rules; those for whose columns the log has no values are left out.
    """
    schema = calm.collect_schema()
    usual = _usual(calm, schema, hours)
    families = [
        *_of_nodes(usual), *_of_large(usual), *_of_codes(usual, learn), *_of_starts(), *_of_silence(usual)
    ]
    known = set(schema)
    return tuple(family for family in families if all(known >= _reads(rule) for rule in family.rules))


def _reads(rule: Rule) -> set[str]:
    """The columns that a rule reads."""
    cell = rule.when.cell
    cells = cell.cells.values() if isinstance(cell, Expr) else (cell,)
    filters = [rule.where, *(getattr(one, name, None) for one in cells for name in ("of", "over"))]
    named = [one.column for one in cells if isinstance(one, NewValue)]
    operations = ("node", "correlation_id") if rule.unit == "operation" else ()
    return {*rule.by, *operations, *named, *(column for some in filters if some is not None for column in some.columns)}


def meaning(rule: Rule) -> object:
    """What a rule asks of a log, whatever its threshold and its name: two of the same are one too many.

    New values are the same news however long they are learnt, and however long they count as new.
    """
    cell = rule.when.cell
    asked: object = (cell.column, cell.of) if isinstance(cell, NewValue) else cell
    return type(cell), asked, rule.where, rule.by, rule.unit, rule.when.op


def group_of(rules: Sequence[Rule]) -> Group:
    """The group in which suggested rules stand."""
    return Group(name=GROUP, allowed_lateness=timedelta(seconds=30), rules=tuple(rules))


# ---------------------------------------------------------------------- what is usual


def _usual(calm: pl.LazyFrame, schema: pl.Schema, hours: float) -> _Usual:
    has = set(schema)
    dimensions = [name for name in schema if name not in EVENTS]
    numbers = [name for name in dimensions if schema[name].is_numeric()]
    outcome = pl.col("outcome") if "outcome" in has else pl.lit(None, pl.String)
    code = pl.col("error_code").is_not_null().any() if "error_code" in has else pl.lit(False)
    totals = calm.select(
        pl.len().alias("_n"), (outcome == "failure").sum().alias("_failed"),
        outcome.is_in(["success", "soft_failure", "failure"]).sum().alias("_ended"), code.alias("_codes"),
        *(pl.col(name).drop_nulls().quantile(_LARGE, "higher").alias(f"_{name}") for name in numbers),
    )  # fmt: skip
    queries = [totals]
    if {"node", "operation", "execution_time_ms"} <= has:
        queries.append(
            calm.filter(pl.col("execution_time_ms").is_finite()).group_by("node", "operation")
            .agg(pl.len(), pl.col("execution_time_ms").quantile(_SLOW, "higher").alias("slow"))
            .filter(pl.col("len") >= _LEAST_CALLS).sort("len", "node", "operation", descending=[True, False, False])
            .head(_MOST_OPERATIONS)
        )  # fmt: skip
    nodes = calm.group_by("node").len().drop_nulls().sort("len", "node", descending=[True, False]).head(_MOST_NODES)
    found, *tables = pl.collect_all([*queries, *([nodes] if "node" in has else [])])
    row = found.row(0, named=True)
    n, ended = int(row["_n"]), int(row["_ended"] or 0)
    by_node = tables[-1] if "node" in has else pl.DataFrame({"node": [], "len": []})
    return _Usual(
        failed=(int(row["_failed"] or 0) + 1) / (ended + 2) if ended else 0.0,
        slow=_slow(tables[0]) if len(queries) > 1 and tables[0].height else None,
        node_shares=[(node, count / n) for node, count in by_node.iter_rows()] if n else [],
        events_per_hour=n / hours if hours > 0 else 0.0,
        error_codes=bool(row["_codes"]),
        numbers={name: float(row[f"_{name}"]) for name in numbers if row[f"_{name}"] is not None},
    )  # fmt: skip


def _slow(operations: pl.DataFrame) -> str:
    """A filter of operations that take longer than nearly all of their like did."""
    parts = []
    for node, operation, _, least in operations.iter_rows():
        names = [f"{name} == {_quoted(value)}" if value is not None else f"{name} is null"
                 for name, value in (("node", node), ("operation", operation))]  # fmt: skip
        parts.append(" and ".join([*names, f"execution_time_ms > {_number(least)}"]))
    return " or ".join(parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _number(value: float) -> str:
    return f"{value:.4g}"


# ---------------------------------------------------------------------- rules


def _rule(
    symptom: str, name: str, by: Sequence[str], when: dict[str, Any], threshold: float, summary: str, **more: Any
) -> Rule:
    """A rule that fires above the threshold, and an hour longer, so that what comes and goes is told once."""
    return Rule.model_validate({
        "alert": name, "by": list(by), "when": {**when, "op": ">", "threshold": threshold}, "keep_firing_for": "1h",
        "labels": {SYMPTOM: symptom}, "annotations": {"summary": summary}, **more,
    })  # fmt: skip


def _above(bad: str, every: str, share: float, window: str) -> dict[str, Any]:
    """How many times as often as usual, shrunk towards 1."""
    cells = {"bad": {"count": {"of": bad, "window": window}}, "all": {"count": {"of": every, "window": window}}}
    return {"expr": {"cells": cells, "value": f"(bad + 2) / ({_number(share)} * all + 2)"}}


def _of_nodes(usual: _Usual) -> Iterator[Family]:
    if usual.failed:
        when = _above(_FAILED, _ENDED, usual.failed, "1h")
        text = "{{ labels.node }}: {{ value | humanize }} times as many failures as usual in an hour"
        yield Family((_rule("failures", "FailuresAboveUsual", ["node"], when, 2, text),))
    if usual.slow:
        when = _above(usual.slow, _TIMED, 1 - _SLOW, "4h")
        text = "{{ labels.node }}: {{ value | humanize }} times as many slow operations as usual in 4 hours"
        yield Family((_rule("slowness", "SlowAboveUsual", ["node"], when, 2, text),))


def _of_large(usual: _Usual) -> Iterator[Family]:
    """What goes wrong with large inputs only drowns in the rest."""
    for name, least in list(usual.numbers.items())[:_MOST_DIMENSIONS]:
        large, title = f"{name} >= {_number(least)}", "".join(word.title() for word in name.split("_"))
        text = f"{{{{ labels.node }}}}: {{{{ value | humanize }}}} times as many as usual where {large}, in 4 hours"
        if usual.failed:
            when = _above(_FAILED, _ENDED, usual.failed, "4h")
            rule = _rule("failures", f"FailuresOfLarge{title}", ["node"], when, 2, text, where=large)
            yield Family((rule,))
        if usual.slow:
            when = _above(usual.slow, _TIMED, 1 - _SLOW, "4h")
            yield Family((_rule("slowness", f"SlowOfLarge{title}", ["node"], when, 2, text, where=large),))


def _of_codes(usual: _Usual, learn: timedelta) -> Iterator[Family]:
    if not usual.error_codes:
        return
    failed = f"{_FAILED} and error_code is not null"
    for name, by, window in (
        ("FailuresOfACode", ["error_code"], "1h"), ("FailuresOfACodeInANode", ["node", "error_code"], "12h")
    ):  # fmt: skip
        when = {"count": {"of": failed, "window": window}}
        text = f"{', '.join(f'{{{{ labels.{label} }}}}' for label in by)}: {{{{ value }}}} failures in {window}"
        yield Family((_rule("failures", name, by, when, 2, text, unit="operation"),))
    new = {"column": "error_code", "of": "error_code is not null", "window": "10m", "learn": duration_text(learn),
           "forget_after": duration_text(max(4 * learn, timedelta(days=30)))}  # fmt: skip
    text = "{{ value }} error codes were never seen before"
    yield Family((_rule("failures", "NewErrorCodes", [], {"new_value": new}, 0, text),))


def _of_starts() -> Iterator[Family]:
    begun = {"ratio": {"of": "outcome == 'start'", "over": f"outcome == 'start' or {_ENDED}", "window": "1h"}}
    text = "{{ labels.node }}: {{ value | humanizePercentage }} of its starts and ends in an hour are starts"
    yield Family((_rule("hanging", "StartsWithoutEnds", ["node"], begun, 0.55, text, min_count=20),))
    restarts = {"count": {"of": "event_type in ('NODE_REGISTER', 'NODE_ANNOUNCE')", "window": "1h"}}
    text = "{{ labels.node }} started {{ value }} times in an hour"
    yield Family((_rule("restarts", "Restarts", ["node"], restarts, 3, text),))


def _of_silence(usual: _Usual) -> Iterator[Family]:
    """A node's events fail to come while those of the others do: nights and weekends are quiet for all of them."""
    rules = []
    for node, share in usual.node_shares:
        if share * usual.events_per_hour * 2 < 30:
            continue  # too few in two hours: their absence would show nothing
        cells = {"own": {"count": {"of": f"node == {_quoted(node)}", "window": "2h"}},
                 "all": {"count": {"window": "2h"}}}  # fmt: skip
        when = {"expr": {"cells": cells, "value": f"({_number(share)} * all + 30) / (own + 30)"}}
        text = f"{node} is silent: {{{{ value | humanize }}}} times as many events were to be expected in 2 hours"
        rules.append(_rule("silence", f"Silent_{node}", [], when, 2, text))
    if rules:
        yield Family(tuple(rules))
