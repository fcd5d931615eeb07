"""What a rule file may say, and what comes to nothing: conditions that no events can meet, options that say nothing.

Single keys are judged where the models are (`conditions`, `rules`); here they are looked at together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

import numpy as np

from onex_analytics.alerting.conditions import (
    Absent,
    BurnRate,
    Cell,
    Change,
    Count,
    Distinct,
    Expr,
    NewValue,
    Ratio,
    Sequence,
    Spike,
    When,
)
from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.rules import Group, Rule
from onex_analytics.model.yaml_tree import Step

Contradiction: TypeAlias = tuple[tuple[Step, ...], str, str]
"""Where it stands within the rule, what is wrong, and the mend."""

_ALWAYS_A_VALUE = ("count", "rate", "distinct", "absent", "new_value", "change", "sequence", "unfinished")
_NEVER_BELOW_0 = (*_ALWAYS_A_VALUE, "spike", "burn_rate")
_WEEK = timedelta(weeks=1)


def contradictions(group: Group, rule: Rule) -> Iterator[Contradiction]:
    """What of a rule can never hold, or says nothing."""
    when = ("when", rule.when.cell.kind)
    if isinstance(rule.when.cell, Expr):
        for name, cell in rule.when.cell.cells.items():
            for place, problem, mend in _in_cell(group, rule, cell):
                yield (*when, "cells", name, cell.kind, *place), problem, mend
        yield from _in_expr(rule.when.cell, when)
    else:
        for place, problem, mend in _in_cell(group, rule, rule.when.cell):
            yield (*when, *place), problem, mend
    yield from _in_judgement(rule.when)
    if rule.reset_after_match and rule.for_:
        problem = "for asks that the condition lasts, and reset_after_match ends it with each match"
        yield ("for",), problem, "leave one of them out; keep_firing_for lets an alert go on"


def _in_cell(group: Group, rule: Rule, cell: Cell) -> Iterator[Contradiction]:
    match cell:
        case Ratio() | BurnRate() if cell.of == cell.over:
            problem = "of and over are the same, so that the share is always 1"
            yield ("of",), problem, "let over be everything that of is a part of"
        case Distinct() | Change() if cell.column in rule.by:
            problem = f"column {cell.column} is in `by`, so that a label set has one value of it"
            yield ("column",), problem, f"take {cell.column} out of `by`, or name another column"
        case Absent():
            yield from _in_absent(rule, cell)
        case Spike():
            season = _WEEK if cell.season is None and cell.reference is None else cell.season
            if season is not None and season < cell.window:
                at = duration_text(season)
                problem = f"the window of {duration_text(cell.window)} reaches into the same window {at} ago"
                mend = "make the window as short as the season, or name a reference"
                yield ("season" if cell.season else "window",), problem, mend
        case NewValue():
            window = cell.window or group.interval
            if cell.forget_after < window:
                problem = f"forget_after is shorter than the {duration_text(window)} for which a value counts as new"
                yield ("forget_after",), problem, "write a longer one, such as 30d"
        case Sequence():
            yield from _in_sequence(cell)
    if isinstance(cell, BurnRate):
        yield from _in_burn_rate(cell)


def _in_absent(rule: Rule, cell: Absent) -> Iterator[Contradiction]:
    watched = cell.expect is None and bool(rule.by)
    said = "lookback" in cell.model_fields_set
    if watched and cell.lookback <= cell.window:
        problem = (f"a label set is watched for {duration_text(cell.lookback)} after its last event, "
                   f"and is absent after {duration_text(cell.window)}: it never is")  # fmt: skip
        yield ("lookback" if said else "window",), problem, "write a lookback that is longer than the window"
    elif said and not watched:
        why = "`expect` says what is watched" if cell.expect is not None else "with an empty `by` there is one alert"
        yield ("lookback",), f"lookback says nothing: {why}", "leave it out"


def _in_sequence(cell: Sequence) -> Iterator[Contradiction]:
    for place, step in enumerate(cell.steps):
        if step == cell.not_:
            yield ("steps", place), f"step {place + 1} is what breaks a sequence off, so that none is completed", (
                "leave it out of `not`"
            )
        elif cell.order == "any" and step in cell.steps[:place]:
            yield ("steps", place), f"step {place + 1} stands there before, and one event is enough for both", (
                "leave one of them out, or write order: ordered"
            )
    for name in dict.fromkeys(cell.by):
        if cell.by.count(name) > 1:
            yield ("by",), f"by names {name} twice", "keep one of them"


def _in_burn_rate(cell: BurnRate) -> Iterator[Contradiction]:
    most = 1 / (1 - cell.objective)
    for place, pair in enumerate(cell.windows):
        if pair.factor > most * (1 + 1e-9):
            problem = (f"at an objective of {cell.objective:g} the budget burns {most:.4g} times as fast at most, "
                       f"and never {pair.factor:g} times")  # fmt: skip
            yield ("windows", place), problem, f"write a factor below {most:.4g}"
        elif any((pair.long, pair.short) == (other.long, other.short) for other in cell.windows[:place]):
            yield ("windows", place), "the same two windows stand there before", "keep the pair with the smaller factor"


def _in_expr(cell: Expr, when: tuple[Step, ...]) -> Iterator[Contradiction]:
    expected = [inner.expect for inner in cell.cells.values() if isinstance(inner, Absent) and inner.expect]
    if any(frozenset(labels) != frozenset(expected[0]) for labels in expected[1:]):
        yield (*when, "cells"), "the cells expect different label sets", "let all of them expect the same"
    chance = np.random.default_rng(1)
    values = {name: chance.uniform(0, 9, 64) for name in cell.cells}
    if np.isnan(cell.value.evaluate(values)).all():
        yield (*when, "value"), "value divides by 0 whatever the cells are", "divide by something else"


# ---------------------------------------------------------------------- the comparison


def _in_judgement(when: When) -> Iterator[Contradiction]:
    kind = when.cell.kind
    if when.no_data != "ok" and kind in _ALWAYS_A_VALUE:
        problem = f"no_data says what to do without a value, and {kind} always has one"
        yield ("no_data",), problem, "leave it out; an empty window counts as 0" if kind != "absent" else "leave it out"
    if kind == "absent" and when.min_count:
        yield ("min_count",), "min_count asks for events, and absent for none", "leave it out"
    elif when.min_count and isinstance(when.cell, Count) and _below(when.op, when.min_count, when.threshold):
        problem = f"min_count asks for {when.min_count} events where the condition is {when.op} {when.threshold:g}"
        yield ("min_count",), problem, "leave it out"
    if when.no_data == "ok" and (found := _out_of_reach(when)) is not None:
        yield ("when", "threshold"), *found


def _below(op: str, least: float, threshold: float) -> bool:
    """Whether no value from `least` on passes."""
    return (op == "<" and least >= threshold) or (op in ("<=", "==") and least > threshold)


def _out_of_reach(when: When) -> tuple[str, str] | None:
    """What is wrong with a comparison that no value of the kind passes."""
    cell, op, threshold = when.cell, when.op, when.threshold
    least = 0.0 if cell.kind in (*_NEVER_BELOW_0, "ratio") else -math.inf
    most = {"ratio": 1.0, "absent": 1.0}.get(cell.kind, math.inf)
    if isinstance(cell, BurnRate):
        most = max(1.0, *(1 / (1 - cell.objective) / pair.factor for pair in cell.windows)) * (1 + 1e-9)
    above = (op == ">" and most <= threshold) or (op in (">=", "==") and most < threshold)
    between = cell.kind == "absent" and op == "==" and threshold not in (0, 1)
    if not (above or between or _below(op, least, threshold)):
        return None
    reach = {"ratio": "a share is from 0 to 1", "absent": "absent is 0 or 1"}.get(cell.kind)
    if reach is None and above:
        reach = f"{cell.kind} is at most {most:.4g} here"
    mend = "write a share: 5 % is 0.05" if cell.kind == "ratio" and above else (
        "leave op and threshold out" if cell.kind == "absent" else "write one within reach"
    )
    return f"no value is {op} {threshold:g}: {reach or f'{cell.kind} is never below 0'}", mend
