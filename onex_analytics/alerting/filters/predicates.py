"""A filter as a plain function of one event. It says what the Polars expression says (a property test holds it).

Paths into JSON and regular expressions are left to Polars here too, so that both read the same JSON and the same
patterns, and no pattern can run away.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

import polars as pl

from onex_analytics.alerting.filters.expressions import OPERATORS
from onex_analytics.alerting.filters.globs import glob_matcher
from onex_analytics.alerting.filters.kinds import time_of
from onex_analytics.alerting.filters.syntax import (
    AllOf,
    AnyOf,
    Atom,
    Between,
    Column,
    Compared,
    Constant,
    Holds,
    IsNull,
    JsonPath,
    Node,
    Not,
    OneOf,
    Source,
    Tested,
)  # fmt: skip
from onex_analytics.model.rules import NUMBER_PATTERN

Event: TypeAlias = Mapping[str, Any]
Predicate: TypeAlias = Callable[[Event], bool]

_NUMBER = re.compile(NUMBER_PATTERN.removesuffix("$"))


def predicate_of(node: Node) -> Predicate:
    """The filter over one event. What is missing is null; a value of another kind than compared with is no match."""
    match node:
        case Not(term):
            inner = predicate_of(term)
            return lambda event: not inner(event)
        case AllOf(terms):
            each = [predicate_of(term) for term in terms]
            return lambda event: all(holds(event) for holds in each)
        case AnyOf(terms):
            each = [predicate_of(term) for term in terms]
            return lambda event: any(holds(event) for holds in each)
    return _atom(node)


def _atom(atom: Atom) -> Predicate:
    match atom:
        case IsNull(operand, negated):
            value_of = _reader(operand)
            return lambda event: (value_of(event) is None) != negated
        case Holds(operand):
            value_of = _reader(operand)
            if isinstance(operand, JsonPath):
                return lambda event: value_of(event) == "true"
            return lambda event: value_of(event) is True
        case Compared(left, op, Constant() as constant):
            return _beside_constant(left, op, constant)
        case Compared(left, op, right):
            return _beside_value(left, op, right)
        case OneOf(operand, values, negated):
            equal = [_beside_constant(operand, "!=" if negated else "==", value) for value in values]
            if negated:
                return lambda event: all(test(event) for test in equal)
            return lambda event: any(test(event) for test in equal)
        case Between(operand, low, high, negated):
            above, below = ("<", ">") if negated else (">=", "<=")
            first, last = _beside_constant(operand, above, low), _beside_constant(operand, below, high)
            if negated:
                return lambda event: first(event) or last(event)
            return lambda event: first(event) and last(event)
        case Tested(operand, op, wanted, negated):
            return _tested(operand, op, wanted, negated)
    raise AssertionError(atom)


def _beside_constant(operand: Source, op: str, constant: Constant) -> Predicate:
    value_of, compare, wanted = _reader(operand), OPERATORS[op], constant.value
    if isinstance(operand, JsonPath):
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            wanted = float(wanted)  # as the numbers of JSON are read
        read = _json_bool if isinstance(wanted, bool) else _plain_text if isinstance(wanted, str) else _json_number

        def path_test(event: Event) -> bool:
            value = read(value_of(event))
            return value is not None and bool(compare(value, wanted))

        return path_test
    if isinstance(wanted, bool):
        return lambda event: isinstance(value := value_of(event), bool) and bool(compare(value, wanted))
    if isinstance(wanted, str):
        at = time_of(wanted)

        def text_test(event: Event) -> bool:
            value = value_of(event)
            if isinstance(value, str):
                return bool(compare(value, wanted))
            return at is not None and isinstance(value, date) and bool(compare(_utc(value), at))

        return text_test
    return lambda event: _is_number(value := value_of(event)) and _compared_numbers(compare, value, wanted)


def _beside_value(left: Source, op: str, right: Source | Constant) -> Predicate:
    assert not isinstance(right, Constant)
    left_of, right_of, compare, from_json = _reader(left), _reader(right), OPERATORS[op], isinstance(right, JsonPath)

    def test(event: Event) -> bool:
        first, second = left_of(event), right_of(event)
        if first is None or second is None:
            return False
        if isinstance(first, bool):
            second = _json_bool(second) if from_json else second
            return isinstance(second, bool) and bool(compare(first, second))
        if _is_number(first):
            second = _json_number(second) if from_json else second
            return _is_number(second) and _compared_numbers(compare, first, second)
        if isinstance(first, date):
            return isinstance(second, date) and bool(compare(_utc(first), _utc(second)))
        return isinstance(first, str) and isinstance(second, str) and bool(compare(first, second))

    return test


def _tested(operand: Source, op: str, wanted: str, negated: bool) -> Predicate:
    value_of = _reader(operand)
    holds = _text_test(op, wanted)

    def test(event: Event) -> bool:
        value = value_of(event)
        if isinstance(value, str):
            return holds(value) != negated
        return op == "contains" and isinstance(value, list | tuple) and (wanted in value) != negated

    return test


def _text_test(op: str, wanted: str) -> Callable[[str], bool]:
    match op:
        case "starts_with":
            return lambda value: value.startswith(wanted)
        case "ends_with":
            return lambda value: value.endswith(wanted)
        case "contains":
            return lambda value: wanted in value
        case "like":
            glob = glob_matcher(wanted)
            return lambda value: glob.fullmatch(value) is not None
    return lambda value: _found(wanted, value)


@lru_cache(maxsize=4096)
def _found(pattern: str, value: str) -> bool:
    """Polars' engine of patterns is linear in the text. It takes a tenth of a millisecond, and values come again."""
    return bool(pl.Series([value], dtype=pl.String).str.contains(pattern, strict=True)[0])


# ---------------------------------------------------------------------- values


def _reader(operand: Source) -> Callable[[Event], Any]:
    name = operand.name if isinstance(operand, Column) else operand.column
    if isinstance(operand, JsonPath):
        inner = operand.inner

        def at_path(event: Event) -> str | None:
            found = event.get(name)
            text = found if isinstance(found, str) or found is None else json.dumps(found, ensure_ascii=False)
            return pl.Series([text], dtype=pl.String).str.json_path_match(inner)[0]  # type: ignore[no-any-return]

        return at_path

    def in_column(event: Event) -> Any:
        value = event.get(name)
        return None if isinstance(value, float) and math.isnan(value) else value

    return in_column


def _plain_text(text: str | None) -> str | None:
    return text


def _json_number(text: str | None) -> float | None:
    if text is None or _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _json_bool(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get(text or "")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _compared_numbers(compare: Callable[[Any, Any], Any], first: Any, second: Any) -> bool:
    """Two whole numbers are compared exactly, all others as 64-bit floats."""
    if isinstance(first, int) and isinstance(second, int):
        return bool(compare(first, second))
    return bool(compare(float(first), float(second)))


def _utc(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
