"""Mistakes that only the whole file shows: misspelt keys, names that stand twice, columns that are none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import polars as pl
from pydantic import BaseModel

from onex_analytics.alerting.conditions import (
    KINDS,
    Aggregate,
    BurnRate,
    BurnWindow,
    Cell,
    Change,
    Distinct,
    Expr,
    NewValue,
    Quantile,
    Sequence,
    When,
)  # fmt: skip
from onex_analytics.alerting.contradictions import contradictions
from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.filters.kinds import kind_of, mend_of_name
from onex_analytics.alerting.routing import (
    InhibitRule,
    Notification,
    Receiver,
    Route,
    Silence,
    TimeInterval,
    TimeRange,
    TimeSpec,
)  # fmt: skip
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.alerting.templates import check_template
from onex_analytics.exceptions import FilterError
from onex_analytics.model.yaml_tree import Node, Step, line_at, node_at, place_name

Mistake: TypeAlias = tuple[int, str, str]
"""Line, problem and mend."""
Schema: TypeAlias = Mapping[str, pl.DataType]

Inside: TypeAlias = Mapping[tuple[type[BaseModel], str], type[BaseModel]]
"""The part of a file that stands under a key of another part."""

_INSIDE: Inside = {
    (RuleSet, "groups"): Group, (Group, "rules"): Rule, (Rule, "when"): When, (RuleSet, "notification"): Notification,
    (RuleSet, "silences"): Silence, (Notification, "route"): Route, (Route, "routes"): Route,
    (Notification, "receivers"): Receiver, (Notification, "inhibit_rules"): InhibitRule,
    (Notification, "time_intervals"): TimeInterval, (TimeInterval, "time_intervals"): TimeSpec,
    (TimeSpec, "times"): TimeRange, (BurnRate, "windows"): BurnWindow,
    **{(When, kind): cell for kind, cell in KINDS.items()},
}  # fmt: skip
_ALSO: Mapping[type[BaseModel], tuple[str, ...]] = {
    When: (*KINDS, "unit", "mode"), Rule: ("min_count", "no_data"),
}  # fmt: skip
_NOT_IN_FILES = {"cell", "kind"}  # how the models hold a cell
_PROMETHEUS = {
    "expr": "a condition stands under `when`, such as when: {count: {window: 5m}, threshold: 10}",
    "record": "series are not recorded; name a cell in a kind `expr`",
    "evaluation_interval": "the interval belongs to a group: interval: 1m",
}


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a part of the file may have."""
    own = [field.alias or name for name, field in model.model_fields.items()]
    return [key for key in (*own, *_ALSO.get(model, ())) if key not in _NOT_IN_FILES]


def mistakes_in_keys(tree: Node) -> list[Mistake]:
    """Keys that no part of a rule file has, and names that stand twice."""
    return [*strange_keys(tree, RuleSet), *_names_twice(tree)]


def strange_keys(node: Node, model: type[BaseModel], inside: Inside = _INSIDE) -> Iterator[Mistake]:
    """Keys that this part of a file does not have, nor those within it."""
    for entry in node.entries():
        yield from strange_keys(entry, model, inside)
    inner: type[BaseModel] | None
    known = keys_of(model)
    for key, value in node.items():
        if key not in known:
            yield node.line_of(key), f"unknown key {key!r} in {_said(model)}", _key_mend(key, known, model)
        elif model is Expr and key == "cells":
            for name, cell in value.items():
                yield from _strange_cell(name, cell)
        elif inner := inside.get((model, key)):
            yield from strange_keys(value, inner, inside)


def _strange_cell(name: str, cell: Node) -> Iterator[Mistake]:
    for key, value in cell.items():
        if key not in KINDS:
            mend = "judge the whole in `when`, beside expr" if key in keys_of(When) else _key_mend(key, KINDS, Expr)
            yield cell.line_of(key), f"unknown key {key!r} in cell {name!r}", mend
        else:
            yield from strange_keys(value, KINDS[key])


def _said(model: type[BaseModel]) -> str:
    if model is RuleSet:
        return "the file"
    kind = next((kind for kind, cell in KINDS.items() if cell is model), None)
    if model.__name__.endswith("Tests"):
        return "the file"
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in model.__name__).strip()
    return kind or {"when": "`when`"}.get(words, f"a {words}")


def _key_mend(key: str, known: Iterable[str], model: type[BaseModel]) -> str:
    known = list(known)
    if any(sign in key for sign in "'\"()="):
        return "quote the filter, as a comma ends a value within { }: {of: \"node in ('a', 'b')\", window: 5m}"
    if model is Rule and key in _PROMETHEUS:
        return _PROMETHEUS[key]
    if near := difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6):
        return f"write {near[0]}"
    others: dict[str, type[BaseModel]] = {"rule": Rule, "group": Group, "`when`": When}
    for place, other in others.items():
        if key in keys_of(other) and other is not model:
            return f"move it into the {place}" if place != "`when`" else "move it into `when`"
    return f"known are {', '.join(known)}"


def _names_twice(tree: Node) -> Iterator[Mistake]:
    groups = tree.get("groups") or tree
    yield from _twice(groups, "name", "group", "a file")
    for group in groups.entries():
        if rules := group.get("rules"):
            yield from _twice(rules, "alert", "alert", "a group")


def _twice(nodes: Node, key: str, what: str, where: str) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for node in nodes.entries():
        name = node.get(key)
        if name is None or not isinstance(name.held, str):
            continue
        if name.held in seen:
            problem = f"{what} {name.held!r} stands twice, first in line {seen[name.held]}"
            yield name.line, problem, f"give it another name; names are unique in {where}"
        seen.setdefault(name.held, name.line)


# ---------------------------------------------------------------------- columns and templates


def mistakes_in_rules(tree: Node, rules: RuleSet, schema: Schema) -> list[Mistake]:
    """Filters, labels and columns that do not fit the events, and templates that name what is not there."""
    found: list[Mistake] = []
    for g, group in enumerate(rules.groups):
        for r, rule in enumerate(group.rules):
            place: tuple[Step, ...] = ("groups", g, "rules", r)
            if rule.where is not None:
                found += _in_filter(tree, (*place, "where"), rule.where, schema)
            found += _in_labels(tree, (*place, "by"), rule.by, schema)
            found += _in_cell(tree, (*place, "when", rule.when.cell.kind), rule.when.cell, schema)
            for name, text in rule.annotations.items():
                if said := check_template(text, {*rule.by, *rule.labels}):
                    found.append((line_at(tree, (*place, "annotations", name)), *said))
            for within, problem, mend in contradictions(group, rule):
                found.append((line_within(tree, place, within), problem, mend))
    return found


def _in_cell(tree: Node, place: tuple[Step, ...], cell: Cell, schema: Schema) -> Iterator[Mistake]:
    if isinstance(cell, Expr):
        for name, inner in cell.cells.items():
            yield from _in_cell(tree, (*place, "cells", name, inner.kind), inner, schema)
        return
    for key in ("of", "over", "not_"):
        held = getattr(cell, key, None)
        if held is not None:
            yield from _in_filter(tree, (*place, key.rstrip("_")), held, schema)
    if isinstance(cell, Sequence):
        for i, step in enumerate(cell.steps):
            yield from _in_filter(tree, (*place, "steps", i), step, schema)
        yield from _in_labels(tree, (*place, "by"), cell.by, schema)
    if isinstance(cell, Aggregate | Quantile | Distinct | NewValue | Change):
        line, column = line_at(tree, (*place, "column")), cell.column
        if column not in schema:
            yield line, f"no column is named {column!r}", mend_of_name(column, schema)
        elif isinstance(cell, Aggregate | Quantile) and not schema[column].is_numeric():
            problem = f"{cell.kind} reckons with numbers, and column {column} holds {kind_of(schema[column])}"
            yield line, problem, "name a column of numbers, such as execution_time_ms"
        elif kind_of(schema[column]) in (None, "list"):
            yield line, f"column {column} holds lists", "name a column of single values"


def _in_filter(tree: Node, place: tuple[Step, ...], held: Filter, schema: Schema) -> Iterator[Mistake]:
    try:
        held.check(schema)
    except FilterError as error:
        line = line_at(tree, place)
        yield line, f"{place_name(place)}: {error.problem}, at character {error.position + 1}", error.mend


def _in_labels(tree: Node, place: tuple[Step, ...], names: Iterable[str], schema: Schema) -> Iterator[Mistake]:
    for i, name in enumerate(names):
        line = line_at(tree, (*place, i))
        if name not in schema:
            yield line, f"by: no column is named {name!r}", mend_of_name(name, schema)
        elif kind_of(schema[name]) in (None, "list"):
            yield line, f"by: column {name} holds lists", "name a column of single values"


def line_within(tree: Node, place: tuple[Step, ...], within: tuple[Step, ...]) -> int:
    """The line of something in a rule; keys of the condition may stand beside it or inside it."""
    if len(within) == 1:
        for way in (within, ("when", *within)):
            if (node := node_at(tree, place)) is not None and node_at(node, way) is not None:
                return line_at(tree, (*place, *way))
    return line_at(tree, (*place, *within))
