"""What Pydantic found wrong in a rule file, in our words and with its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from onex_analytics.alerting.checking import Mistake
from onex_analytics.alerting.conditions import KINDS
from onex_analytics.exceptions import FilterError
from onex_analytics.model.yaml_tree import Node, Step, line_at, node_at, place_name

Part = TypeVar("Part", bound=BaseModel)

_EXAMPLES = {
    "window": "window: 5m", "threshold": "threshold: 10", "alert": "alert: TooManyFailures", "name": "name: nodes",
    "when": "when: {count: {window: 5m}, threshold: 10}", "of": "of: outcome == 'failure'", "q": "q: 0.95",
    "column": "column: execution_time_ms", "function": "function: avg", "objective": "objective: 0.999",
    "steps": "steps: [outcome == 'start', outcome == 'failure']", "within": "within: 10m",
    "windows": "windows: [[1h, 5m, 14.4], [6h, 30m, 6]]", "older_than": "older_than: 30m",
    "cells": "cells: {errors: {count: {window: 5m}}}", "value": "value: errors / (calls + 1)",
    "the file": "groups: [{name: nodes, rules: […]}]",
    "at": "at: 5m", "event": "event: {node: a, outcome: failure}", "rule_files": "rule_files: [rules.yaml]",
    "start": "start: 2026-11-01T09:00:00Z", "end": "end: 2026-11-01T17:00:00Z",
}  # fmt: skip
_OTHER_WORDS = {
    "=>": ">=", "=<": "<=", "=": "==", "<>": "!=", "gt": ">", "lt": "<", "mean": "avg", "average": "avg",
    "events": "event", "string": "str", "int": "i64", "float": "f64",
}  # fmt: skip
_BOUNDS = {
    "greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"), "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}  # fmt: skip


def mistakes_of(
    tree: Node, model: type[Part], example: str = _EXAMPLES["the file"]
) -> tuple[Part | None, list[Mistake]]:
    """What a file says, or what is wrong with it; `example` is what to write where it says nothing."""
    data = tree.data()
    if data is None:
        return None, [(tree.line, "the file says nothing", f"write {example}")]
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_told(tree, detail) for detail in details if not _follows(detail, details)]


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """A list counts as too short where its entries are wrong."""
    if detail["type"] != "too_short":
        return False
    place = detail["loc"]
    return any(other is not detail and other["loc"][: len(place)] == place for other in details)



def _told(tree: Node, detail: ErrorDetails) -> Mistake:
    place = tuple(_in_file(tree, detail["loc"]))
    name = place_name(place)
    problem, mend = _words(name, detail, place)
    missing = detail["type"] == "missing"
    line = line_at(tree, place[:-1] if missing else place)
    if detail["type"] == "value_error" and (key := problem.split(" ", 1)[0].rstrip(":")):
        line = _line_of(tree, place, key)  # messages about a whole part begin with the key at fault
    return line, problem, mend


def _line_of(tree: Node, place: tuple[Step, ...], key: str) -> int:
    """The line of a key, that stands in a part of the file or somewhere within it."""
    direct = line_at(tree, (*place, key))
    waiting = [place]
    while waiting:
        here = waiting.pop(0)
        node = node_at(tree, here)
        if node is not None and node.get(key) is not None:
            return line_at(tree, (*here, key))
        waiting += [(*here, name) for name, _ in (node.items() if node is not None else ())]
    return direct


def _in_file(tree: Node, place: tuple[Step, ...]) -> Iterator[Step]:
    """A place of the models as a place of the file: steps that only the models have are left out."""
    node: Node | None = tree
    for i, step in enumerate(place):
        inner: Node | None = None
        if node is not None and isinstance(step, str):
            inner = node.get(step)
        elif node is not None and isinstance(step, int) and isinstance(node.held, list) and step < len(node.held):
            inner = node.held[step]
        if inner is not None:
            node = inner
            yield step
        elif i == len(place) - 1 and isinstance(step, str) and step.isidentifier() and step not in KINDS:
            yield step


def _words(name: str, detail: ErrorDetails, place: tuple[Step, ...]) -> tuple[str, str]:
    found, context, kind = detail["input"], detail.get("ctx", {}), detail["type"]
    if kind == "value_error":
        return _of_ours(name, context["error"])
    if kind == "missing":
        return f"{place_name(place[:-1])} lacks `{name}`", f"add {_EXAMPLES.get(name, name + ': …')}"
    if kind == "literal_error":
        return _of_word(name, found, str(context["expected"]))
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        mend = f"write {_EXAMPLES[name]}" if name in ("q", "objective") else "write such a number"
        return f"{name} is {found}; wanted {words} {context[key]:g}", mend
    if kind in ("float_type", "int_type", "int_from_float"):
        what = "a whole number" if kind != "float_type" else "a number"
        quoted = isinstance(found, str) and _is_number(found)
        mend = f"leave the quotes out: {name}: {found}" if quoted else f"write {_of_percent(name, found)}"
        return f"{name} is {_shown(found)}; wanted {what}", mend
    if kind == "string_type":
        return f"{name} is {_shown(found)}; wanted a text", f"write it in quotes: {_quoted(found)}"
    if kind in ("too_short", "string_too_short"):
        return f"{name} is empty or too short", f"write {_EXAMPLES.get(name, 'at least one')}"
    if kind == "string_pattern_mismatch" and name in ("webhook", "alertmanager"):
        return f"{name} is {_shown(found)}; wanted an address", f"write {name}: http://127.0.0.1:9093"
    if kind == "too_long":
        return f"{name} has {context['actual_length']} entries; at most {context['max_length']} are read", "split it"
    if kind in ("tuple_type", "list_type"):
        return f"{name} is {_shown(found)}; wanted a list", f"write {name}: [{_shown(found).strip(chr(39))}]"
    if kind in ("model_type", "dict_type", "mapping_type", "model_attributes_type", "dataclass_type"):
        return f"{name} is {_shown(found)}; wanted keys and values", f"write {_EXAMPLES.get(name, name + ': {…: …}')}"
    if kind in ("timezone_aware", "datetime_from_date_parsing", "datetime_parsing", "datetime_type"):
        return f"{name} is {_shown(found)}; wanted a time with its zone", "write one such as 2026-11-01T09:00:00Z"
    if kind in ("bool_parsing", "bool_type"):
        return f"{name} is {_shown(found)}; wanted true or false", f"write {name}: true"
    said = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return f"{name} is {_shown(found)}: {said}", "see docs/reference/rule_language.md"


def _of_ours(name: str, error: Exception) -> tuple[str, str]:
    if isinstance(error, FilterError):
        return f"{name}: {error.problem}, at character {error.position + 1}", error.mend
    problem, separator, mend = str(error).rstrip(".").partition("; ")
    problem = problem.replace("a duration is", f"{name} is", 1)
    if not separator:
        return problem, "see docs/reference/rule_language.md"
    return problem, f"write {mend.removeprefix('wanted ')}" if mend.startswith("wanted ") else mend


def _of_word(name: str, found: Any, expected: str) -> tuple[str, str]:
    words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    near = difflib.get_close_matches(str(found).lower(), words, n=1, cutoff=0.5)
    if (usual := _OTHER_WORDS.get(str(found).lower(), "")) in words:
        near = [usual]
    said = f"{name} is {_shown(found)}; wanted one of {' '.join(words)}"
    return said, f"write {near[0]}" if near else "write one of them"


def _shown(found: Any) -> str:
    match found:
        case None:
            return "empty"
        case bool():
            return "true" if found else "false"
        case dict():
            return f"a mapping of {', '.join(map(str, found)) or 'nothing'}"[:80]
        case list():
            return "a list"
    text = repr(found)
    return text if len(text) <= 60 else text[:60] + "…"


def _quoted(found: Any) -> str:
    return f"'{_shown(found)}'" if isinstance(found, bool | int | float) else "'…'"


def _of_percent(name: str, found: Any) -> str:
    """What to write where a number is wanted; a percentage is a share."""
    share = found.strip().removesuffix("%") if isinstance(found, str) and found.strip().endswith("%") else ""
    return f"{name}: {float(share) / 100:g}" if _is_number(share) else _EXAMPLES.get(name, f"{name}: 10")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
