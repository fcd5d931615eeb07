"""What is wrong with a policy in a file, in our words: where, what was wanted, what was found, and the mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from onex_analytics.exceptions import RuleError
from onex_analytics.model.yaml_tree import Node, Step, line_at, node_at, place_name

_EXAMPLES = {
    "policies": "policies: [{kind: always_sample}]", "probability": "probability: 0.1", "kind": "kind: probability",
    "threshold_ms": "threshold_ms: 2000", "key": "key: node", "values": "values: [checkout]",
    "by": "by: [node, outcome]",
    "events_per_second": "events_per_second: 100", "min_events": "min_events: 10",
    "the file": "policies: [{kind: probability, probability: 0.1}]",
}  # fmt: skip
_BOUNDS = {
    "greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"), "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}  # fmt: skip
_NUMBERS = {
    "float_type": "a number", "float_parsing": "a number", "int_type": "a whole number", "finite_number": "a number",
    "int_parsing": "a whole number", "int_from_float": "a whole number",
}  # fmt: skip


def mistake_in(error: ValidationError, file: str, tree: Node) -> RuleError:
    """The first mistake, with its line."""
    detail = error.errors(include_url=False)[0]
    place = tuple(_in_file(tree, detail["loc"]))
    missing = detail["type"] in ("missing", "union_tag_not_found")
    name = place_name(place)
    problem, mend = _words(name, detail, tree, place)
    line = line_at(tree, place[:-1] if missing and detail["type"] == "missing" else place)
    if detail["type"] == "value_error":  # a message about a whole part begins with the key at fault
        line = line_at(tree, (*place, problem.split(" ", 1)[0]))
    return RuleError(file, line, problem, mend)


def _in_file(tree: Node, place: tuple[Step, ...]) -> Iterator[Step]:
    """A place of the models as a place of the file: steps that only the models have are left out."""
    node: Node | None = tree
    for i, step in enumerate(place):
        inner = None
        if node is not None and isinstance(node.held, dict if isinstance(step, str) else list):
            held = node.held
            if isinstance(held, dict) and isinstance(step, str):
                inner = held.get(step)
            elif isinstance(held, list) and isinstance(step, int) and step < len(held):
                inner = held[step]
        if inner is not None:
            node = inner
            yield step
        elif i == len(place) - 1 and isinstance(step, str):
            yield step


def _words(name: str, detail: ErrorDetails, tree: Node, place: tuple[Step, ...]) -> tuple[str, str]:
    found, context, kind = detail["input"], detail.get("ctx", {}), detail["type"]
    match kind:
        case "value_error":
            problem, _, wanted = str(context["error"]).rstrip(".").partition("; ")
            return problem, _mend(wanted)
        case "missing":
            return f"{place_name(place[:-1])} lacks `{name}`", f"add {_EXAMPLES.get(name, name + ': …')}"
        case "union_tag_not_found":
            return f"{name} lacks `kind`", f"add {_EXAMPLES['kind']}, or another kind"
        case "union_tag_invalid":
            known = [word.strip().strip("'") for word in str(context["expected_tags"]).split(",")]
            told = node_at(tree, (*place, "kind"))
            tag = context["tag"] if told is None else told.data()
            return f"kind is {shown(tag)}; wanted one of {', '.join(known)}", _near(str(tag), known)
        case "literal_error":
            known = [word.strip().strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
            return f"{name} is {shown(found)}; wanted one of {', '.join(known)}", _near(str(found), known)
        case "extra_forbidden":
            return f"no key is named {name!r} here", "leave it out, or see its spelling in docs/sampling.md"
        case "too_short" | "string_too_short":
            return f"{name} is empty; wanted at least one", f"write {_EXAMPLES.get(name, 'one')}"
        case "bool_type" | "bool_parsing":
            return f"{name} is {shown(found)}; wanted true or false", f"write {name}: true"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{name} is {found}; wanted {words} {context[key]:g}", "write such a number"
    if kind in _NUMBERS:
        return f"{name} is {shown(found)}; wanted {_NUMBERS[kind]}", f"write {_EXAMPLES.get(name, name + ': 10')}"
    if kind in ("tuple_type", "list_type"):
        return f"{name} is {shown(found)}; wanted a list", f"write {_EXAMPLES.get(name, name + ': […]')}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"{name} is {shown(found)}; wanted keys and values", f"write {_EXAMPLES.get(name, name + ': {…: …}')}"
    if kind == "string_type":
        return f"{name} is {shown(found)}; wanted a text", "write it in quotes"
    return f"{name} is {shown(found)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", "see docs/sampling.md"


def _mend(wanted: str) -> str:
    if wanted.startswith("wanted "):
        return f"write {wanted.removeprefix('wanted ')}"
    return wanted or "see docs/sampling.md"


def _near(found: str, known: list[str]) -> str:
    near = difflib.get_close_matches(found.lower(), known, n=1, cutoff=0.5)
    return f"write {near[0]}" if near else "write one of them"


def shown(found: Any) -> str:
    """A value of a file, as it is told."""
    match found:
        case None:
            return "empty"
        case bool():
            return "true" if found else "false"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
    text = repr(found)
    return text if len(text) <= 60 else text[:60] + "…"
