"""General rules that a log itself brings to mind: what fails, slows down, stops, restarts, gets stuck or falls silent.

Each rule compares a window with what was usual while nothing was wrong, so that one threshold holds for busy and for
quiet nodes alike. What is usual (the share that fails and with which codes, how long each operation takes, each node's
share of the events) is learnt from the log; no name of a node or of a code is known beforehand. Observed over expected
counts are shrunk towards 1 by adding a constant to both, so that few events prove little.

Source of the shrinkage: the gamma-Poisson shrinker of DuMouchel (1999), The American Statistician 53(3), with a fixed
prior.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from onex_analytics.alerting.conditions import Expr
from onex_analytics.alerting.routing import InhibitRule
from onex_analytics.alerting.rules import Group, Rule
from onex_analytics.model.shapes import EVENTS

GROUP = "suggested"
SYMPTOM = "symptom"
"""A label of each rule: failures, slowness, restarts, hanging or silence."""
_UNSEEN = "UnseenCodes"
INHIBITIONS = (InhibitRule.model_validate({
    "source_matchers": [f"alertname = {_UNSEEN}"],
    "target_matchers": [f"{SYMPTOM} = failures", f"alertname != {_UNSEEN}"],
}),)  # fmt: skip
"""Who hears of failures that never were before need not hear as well that there are more of them than usual."""
_ENDED = "outcome in ('success', 'soft_failure', 'failure')"
_FAILED = "outcome == 'failure'"
_TIMED = "execution_time_ms is not null"
_SLOW = 0.99
"""An operation is slow where it takes longer than this share of its like did."""
_LARGE = 0.9
"""A number in a dimension is large beyond this share of them."""
_MOST_OPERATIONS, _MOST_NODES, _MOST_DIMENSIONS = 64, 24, 4
_MOST_OF_CODES = 30_000
"""Characters of known codes, the most frequent ones first: a filter holds no more than twice as many."""
_LEAST_CALLS = 100
"""An operation that was called less often has no usual duration."""
_LEAST_UNSEEN = 2.0
"""So many failures with unseen codes prove nothing: one that is tried again is two already."""
_SILENCE_H = (2, 4, 8)
"""Hours over which silence is looked for: the fewest in which so many events of the node are usual."""
_USUAL_EVENTS = 60


@dataclass(frozen=True)
class Family:
    """Rules that share a threshold. That of the rules as they stand is the least that makes sense."""

    rules: tuple[Rule, ...]

    @property
    def first(self) -> Rule:
        return self.rules[0]


@dataclass(frozen=True)
class _Codes:
    """Error codes of failures while nothing is wrong."""

    known: Sequence[str]
    kind: str                                 # the column that tells what sort of failure an unseen one is
    unseen: float                             # operations of a kind and day that failed with codes of that day only


@dataclass(frozen=True)
class _Usual:
    """What a log looks like while nothing is wrong."""

    failed: float                             # share of the operations that ended
    slow: str | None                          # a filter
    node_shares: Sequence[tuple[str, float]]  # of all events
    events_per_hour: float
    codes: _Codes | None
    numbers: Mapping[str, float]              # dimensions of numbers, and from where on they are large


def catalogue(calm: pl.LazyFrame, hours: float) -> tuple[Family, ...]:
    """The rules that make sense for a log, not yet tuned.

    Args:
        calm: events of a time in which nothing was wrong; reads `event_id`, `timestamp`, `node`, `operation`,
            `outcome`, `error_code`, `error_type`, `correlation_id`, `execution_time_ms` and dimensions of numbers, as
            far as they are there.
        hours: how long that time is.

    Returns:
        Families of rules; those for whose columns the log has no values are left out.
    """
    schema = calm.collect_schema()
    usual = _usual(calm, schema, hours)
    families = [*_of_nodes(usual), *_of_large(usual), *_of_codes(usual), *_of_starts(), *_of_silence(usual)]
    known = set(schema)
    return tuple(family for family in families if all(known >= _reads(rule) for rule in family.rules))


def _reads(rule: Rule) -> set[str]:
    """The columns that a rule reads."""
    cell = rule.when.cell
    cells = cell.cells.values() if isinstance(cell, Expr) else (cell,)
    filters = [rule.where, *(getattr(one, name, None) for one in cells for name in ("of", "over"))]
    operations = ("node", "correlation_id") if rule.unit == "operation" else ()
    return {*rule.by, *operations, *(column for some in filters if some is not None for column in some.columns)}


def meaning(rule: Rule) -> object:
    """What a rule asks of a log, whatever its threshold and its name: two of the same are one too many."""
    return rule.when.cell, rule.where, rule.by, rule.unit, rule.when.op


def group_of(rules: Sequence[Rule]) -> Group:
    """The group in which suggested rules stand."""
    return Group(name=GROUP, allowed_lateness=timedelta(seconds=30), rules=tuple(rules))


# ---------------------------------------------------------------------- what is usual


def _usual(calm: pl.LazyFrame, schema: pl.Schema, hours: float) -> _Usual:
    has = set(schema)
    dimensions = [name for name in schema if name not in EVENTS]
    numbers = [name for name in dimensions if schema[name].is_numeric()]
    outcome = pl.col("outcome") if "outcome" in has else pl.lit(None, pl.String)
    totals = calm.select(
        pl.len().alias("_n"), (outcome == "failure").sum().alias("_failed"),
        outcome.is_in(["success", "soft_failure", "failure"]).sum().alias("_ended"),
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
        codes=_codes(calm, has) if row["_failed"] else None,
        numbers={name: float(row[f"_{name}"]) for name in numbers if row[f"_{name}"] is not None},
    )  # fmt: skip


def _codes(calm: pl.LazyFrame, has: set[str]) -> _Codes | None:
    """The codes that are known, and how many unseen ones each day brought: codes that no other day has.

    What a day alone has seen would have been unseen on that day, had the others been learnt from.
    """
    if not has >= {"node", "error_code", "correlation_id"}:
        return None
    failed = calm.filter((pl.col("outcome") == "failure") & pl.col("error_code").is_not_null()).select(
        "error_code", pl.col("timestamp").dt.truncate("1d").alias("day"),
        pl.struct("node", pl.coalesce("correlation_id", "event_id")).alias("operation"),
        pl.col("error_type") if "error_type" in has else pl.lit(None, pl.String).alias("error_type"),
    ).collect()  # fmt: skip
    if not failed.height:
        return None
    kind = "error_type" if failed["error_type"].count() else "error_code"
    codes = failed.group_by("error_code").agg(pl.col("day").n_unique().alias("days"), pl.len())
    common = codes.sort("len", "error_code", descending=[True, False]).filter(
        (pl.col("error_code").str.len_chars() + len("'', ")).cum_sum() <= _MOST_OF_CODES
    )  # fmt: skip
    of_one_day = failed.join(codes.filter(pl.col("days") == 1), on="error_code", how="semi")
    most = of_one_day.group_by(kind, "day").agg(pl.col("operation").n_unique())["operation"].max()
    unseen = max(_LEAST_UNSEEN, float(most or 0))  # type: ignore[arg-type]  # a count
    return _Codes(sorted(common["error_code"].to_list()), kind, unseen)


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
        yield Family((_rule("slowness", "SlowAboveUsual", ["node"], when, 2, text, keep_firing_for="4h"),))


def _of_large(usual: _Usual) -> Iterator[Family]:
    """What fails with large inputs only drowns in the rest."""
    for name, least in list(usual.numbers.items())[:_MOST_DIMENSIONS]:
        if usual.failed:
            large, title = f"{name} >= {_number(least)}", "".join(word.title() for word in name.split("_"))
            when = _above(_FAILED, _ENDED, usual.failed, "4h")
            text = f"{{{{ labels.node }}}}: {{{{ value | humanize }}}} times as many failures as usual where {large}"
            yield Family((_rule("failures", f"FailuresOfLarge{title}", ["node"], when, 2, text, where=large),))


def _of_codes(usual: _Usual) -> Iterator[Family]:
    """Codes that are known are too many where they come fast; of those that never were before few are too many."""
    if usual.codes is None:
        return
    known = f"({', '.join(map(_quoted, usual.codes.known))})"
    when = {"count": {"of": f"{_FAILED} and error_code in {known}", "window": "1h"}}
    text = "{{ labels.error_code }}: {{ value }} failures in an hour"
    yield Family((_rule("failures", "FailuresOfACode", ["error_code"], when, 2, text, unit="operation"),))
    unseen = f"{_FAILED} and error_code is not null and error_code not in {known}"
    when = {"count": {"of": unseen, "window": "12h"}}
    kind, least = usual.codes.kind, usual.codes.unseen
    text = f"{{{{ labels.{kind} }}}}: {{{{ value }}}} failures in 12 hours with codes never seen while all was well"
    yield Family((_rule("failures", _UNSEEN, [kind], when, least, text, unit="operation"),))


def _of_starts() -> Iterator[Family]:
    cells = {"starts": {"count": {"of": "outcome == 'start'", "window": "2h"}},
             "ends": {"count": {"of": _ENDED, "window": "2h"}}}  # fmt: skip
    begun = {"expr": {"cells": cells, "value": "(starts + 10) / (ends + 10)"}}
    text = "{{ labels.node }}: {{ value | humanize }} times as many starts as ends in 2 hours"
    yield Family((_rule("hanging", "StartsWithoutEnds", ["node"], begun, 1.2, text),))
    restarts = {"count": {"of": "event_type in ('NODE_REGISTER', 'NODE_ANNOUNCE')", "window": "1h"}}
    text = "{{ labels.node }} started {{ value }} times in an hour"
    yield Family((_rule("restarts", "Restarts", ["node"], restarts, 3, text),))


def _of_silence(usual: _Usual) -> Iterator[Family]:
    """A node's events fail to come while those of the others do: nights and weekends are quiet for all of them."""
    rules = []
    for node, share in usual.node_shares:
        usual_in_an_hour = share * usual.events_per_hour
        hours = next((hours for hours in _SILENCE_H if usual_in_an_hour * hours >= _USUAL_EVENTS), None)
        if hours is None:
            continue  # their absence would show nothing
        cells = {"own": {"count": {"of": f"node == {_quoted(node)}", "window": f"{hours}h"}},
                 "all": {"count": {"window": f"{hours}h"}}}  # fmt: skip
        when = {"expr": {"cells": cells, "value": f"({_number(share)} * all + 10) / (own + 10)"}}
        text = f"{node} is silent: {{{{ value | humanize }}}} times as many events were to be expected in {hours} hours"
        about = {SYMPTOM: "silence", "node": node}
        rules.append(_rule("silence", f"Silent_{node}", [], when, 2, text, labels=about))
    if rules:
        yield Family(tuple(rules))
