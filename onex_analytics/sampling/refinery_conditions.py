"""Conditions of Refinery's rules as ours, and back: each is met by any event of a trace."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from onex_analytics.model.yaml_tree import Node
from onex_analytics.sampling.tail_policies import (
    AlwaysSample,
    BooleanAttribute,
    Condition,
    NumericAttribute,
    SomeTail,
    SpanCount,
    StatusCode,
    StringAttribute,
)
from onex_analytics.sampling.unmapped import Unmapped

COLUMN_OF = {"service.name": "node", "service_name": "node", "name": "operation", "duration_ms": "execution_time_ms"}
"""The columns that hold what Refinery's usual fields do."""

_FIELD_OF = {"node": "service.name", "operation": "name", "execution_time_ms": "duration_ms"}
_COUNT, _ERROR = "?.NUM_DESCENDANTS", "error"
_PATTERNS = {"starts-with": "^(?:{})", "contains": "{}", "exists": ""}


def condition_of(node: Node, where: str, notes: Unmapped) -> Condition | None:
    """A condition of a rule as ours; None where it has no counterpart, which is noted."""
    field, operator = (told.held if (told := node.get(key)) is not None else None for key in ("Field", "Operator"))
    fields = node.get("Fields")
    names = [str(one.held) for one in fields.entries()] if fields is not None else [str(field)]
    line = node.line_of("Operator")
    if len(names) != 1 or not names[0] or names[0].startswith("root."):
        asked = "Fields" if fields is not None else names[0]
        notes.note(where, asked, "one column of any event is asked here", node.line)
        return None
    notes.note_unread(where, node, {"Field", "Fields", "Operator", "Value", "Datatype"})
    value = _value(node)
    found = _found(names[0], str(operator), value)
    if found is None:
        notes.note(where, f"{names[0]} {operator}", "no such condition here", line)
    elif isinstance(found, StringAttribute | NumericAttribute | BooleanAttribute):
        notes.note_column(where, found.key, node.line)
    return found


def _value(node: Node) -> Any:
    told, kind = node.get("Value"), node.get("Datatype")
    value: Any = None if told is None else told.data()
    try:
        match kind.held if kind is not None else None:
            case "string":
                return [str(one) for one in value] if isinstance(value, list) else str(value)
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "bool":
                return value if isinstance(value, bool) else str(value).lower() == "true"
    except (TypeError, ValueError):
        return None
    return value


def _found(field: str, operator: str, value: Any) -> Condition | None:
    if field == _ERROR and (operator == "exists" or (operator == "=" and value is True)):
        return StatusCode()
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if field == _COUNT:
        least = {">=": 0, ">": 1}.get(operator)
        return SpanCount(min_events=max(1, int(value) + least)) if number and least is not None else None
    key = COLUMN_OF.get(field, field)
    if operator == "=" and isinstance(value, bool):
        return BooleanAttribute(key=key, value=value)
    if operator in ("=", ">=", ">", "<=", "<") and number:
        low = {"=": value, ">=": value, ">": math.nextafter(value, math.inf)}.get(operator)
        high = {"=": value, "<=": value, "<": math.nextafter(value, -math.inf)}.get(operator)
        return NumericAttribute(key=key, min_value=low, max_value=high)
    if operator == "=" and isinstance(value, str):
        return StringAttribute(key=key, values=(value,))
    if operator == "in" and isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return StringAttribute(key=key, values=tuple(value))
    if operator == "matches" and isinstance(value, str):
        try:
            re.compile(value)
        except re.error:
            return None
        return StringAttribute(key=key, values=(value,), regex=True)
    if operator in _PATTERNS and (isinstance(value, str) or operator == "exists"):
        return StringAttribute(key=key, values=(_PATTERNS[operator].format(re.escape(str(value))),), regex=True)
    return None


def written_conditions(parts: Sequence[SomeTail], where: str, notes: Unmapped) -> list[dict[str, Any]] | None:
    """Conditions of ours as those of a rule; None where one has no counterpart, which is noted."""
    written: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case AlwaysSample():
                continue
            case StatusCode(status_codes=("ERROR",)):
                written.append({"Field": _ERROR, "Operator": "exists"})
            case SpanCount(max_events=None):
                written.append({"Field": _COUNT, "Operator": ">=", "Value": part.min_events, "Datatype": "int"})
            case BooleanAttribute(invert=False):
                written.append({"Field": _field(part.key), "Operator": "=", "Value": part.value, "Datatype": "bool"})
            case StringAttribute(invert=False, regex=True):
                pattern = part.values[0] if len(part.values) == 1 else "|".join(f"(?:{one})" for one in part.values)
                written.append({"Field": _field(part.key), "Operator": "matches", "Value": pattern})
            case StringAttribute(invert=False):
                several = len(part.values) > 1
                value = list(part.values) if several else part.values[0]
                written.append({"Field": _field(part.key), "Operator": "in" if several else "=", "Value": value,
                                "Datatype": "string"})  # fmt: skip
            case NumericAttribute(invert=False) if (told := _bound(part)) is not None:
                written.append({"Field": _field(part.key), "Operator": told[0], "Value": told[1], "Datatype": "float"})
            case _:
                notes.note(where, part.kind, "Refinery has no such condition")
                return None
    return written


def _field(column: str) -> str:
    return _FIELD_OF.get(column, column)


def _bound(part: NumericAttribute) -> tuple[str, float] | None:
    """What says the same of one number; two bounds are two conditions, which two events may meet."""
    if part.min_value == part.max_value and part.min_value is not None:
        return "=", part.min_value
    if part.max_value is None and part.min_value is not None:
        return ">=", part.min_value
    if part.min_value is None and part.max_value is not None:
        return "<=", part.max_value
    return None
