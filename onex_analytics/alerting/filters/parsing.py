"""From a filter's text to what it means.

    condition   = all { "or" all }
    all         = negation { "and" negation }
    negation    = { "not" } ( "(" condition ")" | test )
    test        = value [ comparison value
                        | "is" [ "not" ] "null"
                        | [ "not" ] ( "in" "(" constant { "," constant } ")"
                                    | "between" constant "and" constant
                                    | ( "like" | "matches" | "contains" | "starts_with" | "ends_with" ) text ) ]
    comparison  = "==" | "!=" | "<" | "<=" | ">" | ">="
    value       = column | path | constant
    path        = ( "$" | "metadata" | "extra" ) step { step }
    step        = "." key | "[" number "]" | "['" key "']"
    constant    = text | number | duration | "true" | "false"

Words such as `and` may be written in capitals. A value alone must be true or false.
"""

from __future__ import annotations

import difflib
import math
import re
from functools import lru_cache
from typing import cast

import polars as pl

from onex_analytics.alerting.durations import parse_duration
from onex_analytics.alerting.filters.globs import glob_pattern
from onex_analytics.alerting.filters.lexing import Word, words
from onex_analytics.alerting.filters.syntax import (
    JSON_COLUMNS,
    AllOf,
    AnyOf,
    Between,
    Column,
    Compared,
    Comparison,
    Constant,
    Holds,
    IsNull,
    JsonPath,
    Node,
    Not,
    OneOf,
    Operand,
    Source,
    Tested,
    TextTest,
)  # fmt: skip
from onex_analytics.exceptions import FilterError, InvalidOption

DEEPEST = 50
"""Parentheses, and chains of `not`, go so deep at most."""

_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_MIRRORED: dict[str, Comparison] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TEXT_TESTS = ("like", "matches", "contains", "starts_with", "ends_with")
_TESTS = (*_TEXT_TESTS, "in", "between", "is")
_RESERVED = {*_TESTS, "and", "or", "not", "null", "true", "false"}
_UNITS_MS = {"_ms": 1, "_s": 1000, "_seconds": 1000}
_LEAST_WHOLE, _GREATEST_WHOLE = -(2**63), 2**64 - 1
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[([0-9]+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


def parse(text: str) -> Node:
    """Read a filter.

    Raises:
        FilterError: with the place and the mend, on anything that is not of the language.

    >>> parse("not node == 'a'") == parse("NOT (node=='a')")
    True
    """
    parser = _Parser(text)
    node = parser.condition(0)
    parser.at_end()
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._words = words(text)
        self._next = 0

    def at_end(self) -> None:
        word = self._word
        if word.kind == "end":
            return
        if word.text == ")":
            raise self._error(word, "a ')' closes nothing", "leave it out, or open it before")
        if word.kind in ("text", "number", "duration", "name", "path"):
            before = self._words[self._next - 1]
            near = _near(word.text, _TESTS)
            if before.kind == "name" and (close := _near(before.text, _TESTS)):
                raise self._error(before, f"{before.text!r} is none of the tests", f"write {close}")
            mend = f"write {near}" if near else "join conditions with and, or; compare with == != < <= > >="
            raise self._error(word, f"{_said(word)} joins nothing", mend)
        raise self._error(word, f"{_said(word)} is out of place", "compare one value with another, join with and, or")

    # ------------------------------------------------------------------ conditions

    def condition(self, depth: int) -> Node:
        terms = [self._all(depth)]
        while self._take("or"):
            terms.append(self._all(depth))
        return terms[0] if len(terms) == 1 else AnyOf(tuple(_flat(terms, AnyOf)))

    def _all(self, depth: int) -> Node:
        terms = [self._negation(depth)]
        while self._take("and"):
            terms.append(self._negation(depth))
        return terms[0] if len(terms) == 1 else AllOf(tuple(_flat(terms, AllOf)))

    def _negation(self, depth: int) -> Node:
        negated = False
        while self._take("not"):
            negated = not negated
        opening = self._word
        if self._take("("):
            if depth == DEEPEST:
                problem = f"parentheses stand more than {DEEPEST} deep"
                raise self._error(opening, problem, "leave out those that change nothing")
            node = self.condition(depth + 1)
            if not self._take(")"):
                word = self._word
                if word.kind == "end":
                    raise self._error(opening, "a '(' is never closed", "close it with )")
                self.at_end()
        else:
            node = self._test()
        return Not(node) if negated else node

    def _test(self) -> Node:
        first = self._word
        left = self._operand()
        word = self._word
        if word.text in _COMPARISONS:
            self._next += 1
            return self._compared(first, left, cast("Comparison", word.text))
        if isinstance(left, Constant):
            what = f"{_said(first)} stands before no comparison"
            raise self._error(first, what, "begin with a column, such as outcome == 'failure'")
        if self._take("is"):
            negated = self._take("not")
            if not self._take("null"):
                mend = f"write {left} is null or {left} is not null; compare values with =="
                raise self._error(self._word, "`is` asks for null only", mend)
            return IsNull(left, negated)
        negated = self._take("not")
        word = self._word
        if self._take("in"):
            return OneOf(left, self._list(left), negated)
        if self._take("between"):
            low = self._constant(left, "between")
            if not self._take("and"):
                raise self._error(self._word, "`between` has one end only", f"write {left} between 1 and 5")
            return Between(left, low, self._constant(left, "between"), negated)
        if word.kind == "name" and word.text.lower() in _TEXT_TESTS:
            self._next += 1
            return self._tested(left, cast("TextTest", word.text.lower()), negated)
        if negated:
            tests = ", ".join(_TESTS[:-1])
            raise self._error(word, f"`not` stands before {_said(word)}", f"here one of {tests} follows it")
        return Holds(left)

    def _compared(self, first: Word, left: Operand, op: Comparison) -> Node:
        right = self._operand()
        if isinstance(left, Constant):
            if isinstance(right, Constant):
                mend = "name a column, such as outcome == 'failure'"
                raise self._error(first, "two constants are compared, so that every event gives the same", mend)
            left, op, right = right, _MIRRORED[op], left
        if isinstance(right, Constant):
            return Compared(left, op, self._measured(right, left))
        if isinstance(left, JsonPath) and isinstance(right, JsonPath):
            problem = "two paths are compared, and neither says whether it holds text or numbers"
            raise self._error(first, problem, "declare one of them as a dimension of the store")
        if isinstance(left, JsonPath):
            left, op, right = right, _MIRRORED[op], left
        return Compared(left, op, right)

    def _list(self, operand: Source) -> tuple[Constant, ...]:
        opening = self._word
        if not self._take("("):
            raise self._error(opening, "`in` asks for a list", f"write {operand} in ('a', 'b')")
        values = [self._constant(operand, "in")]
        while self._take(","):
            values.append(self._constant(operand, "in"))
        if not self._take(")"):
            raise self._error(self._word, "a list is not closed", "separate its values by commas and close it with )")
        return tuple(values)

    def _tested(self, operand: Source, op: TextTest, negated: bool) -> Node:
        word = self._word
        if word.kind != "text":
            raise self._error(word, f"`{op}` asks for a text, not {_said(word)}", f"write {operand} {op} '…'")
        self._next += 1
        wanted = _unquoted(word.text)
        if op == "matches":
            self._check_pattern(word, wanted)
        if op == "like" and glob_pattern(wanted) is None:
            raise self._error(word, "the glob ends in a \\ that stands for nothing", "write \\\\ for a backslash")
        return Tested(operand, op, wanted, negated, word.at)

    def _check_pattern(self, word: Word, pattern: str) -> None:
        """The engine is RE2's kind: linear in the text, whatever the pattern."""
        try:
            pl.Series([""]).str.contains(pattern, strict=True)
        except pl.exceptions.ComputeError as error:
            said = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = next((line for line in said if line.startswith("error: ")), said[0])
            problem = f"this is no regular expression ({reason.removeprefix('error: ').removeprefix('regex error: ')})"
            raise self._error(word, problem, "see docs.rs/regex for its words; there is no looking round") from None

    # ------------------------------------------------------------------ values

    def _operand(self) -> Operand:
        word = self._word
        self._next += 1
        match word.kind:
            case "path":
                return self._path(word)
            case "name" if word.text.lower() in ("true", "false"):
                return Constant(word.text.lower() == "true", word.at)
            case "name" if word.text.lower() == "null":
                raise self._error(word, "nothing equals null, not even null", "write … is null or … is not null")
            case "name" if word.text.lower() not in _RESERVED:
                if self._word.text == "(":
                    problem = f"a filter calls nothing, and {word.text!r} stands before '('"
                    raise self._error(word, problem, "name a column, or a test such as contains between value and text")
                return Column(word.text, word.at)
            case "text" | "number" | "duration":
                return self._valued(word)
        self._next -= 1
        raise self._error(word, f"{_said(word)} stands where a value is asked for", "name a column, a path or a value")

    def _constant(self, operand: Source, test: str) -> Constant:
        word = self._word
        found = self._operand()
        if not isinstance(found, Constant):
            raise self._error(word, f"`{test}` asks for values, not {_said(word)}", "quote it if it is a text: 'a'")
        return self._measured(found, operand)

    def _valued(self, word: Word) -> Constant:
        if word.kind == "text":
            return Constant(_unquoted(word.text), word.at)
        if word.kind == "duration":
            return Constant(word.text, word.at)  # becomes a number once it is known beside what it stands
        try:
            value: int | float = int(word.text) if re.fullmatch("-?[0-9]+", word.text) else float(word.text)
        except ValueError:  # thousands of digits
            value = math.inf
        if isinstance(value, int) and not _LEAST_WHOLE <= value <= _GREATEST_WHOLE:
            raise self._error(word, "a whole number of more than 64 bits", "write it as 1e30")
        if isinstance(value, float) and math.isinf(value):
            raise self._error(word, "a number beyond all numbers", "the greatest is 1.7e308")
        return Constant(value, word.at)

    def _measured(self, constant: Constant, operand: Source) -> Constant:
        """A duration as the number that it is in the unit of what it stands beside; any other constant as it is."""
        text = self._text[constant.at :]
        if not isinstance(constant.value, str) or text.startswith(("'", '"')):
            return constant
        name = operand.name if isinstance(operand, Column) else str(operand.steps[-1])
        unit = next((factor for end, factor in _UNITS_MS.items() if name.endswith(end)), None)
        if unit is None:
            mend = f"write a number in the unit of {name}, or quote a text"
            problem = f"{constant.value} is a duration, and the name {name} says no unit (_ms, _s, _seconds)"
            raise FilterError(self._text, constant.at, problem, mend)
        try:
            whole_ms = parse_duration(constant.value).total_seconds() * 1000
        except InvalidOption:
            problem = f"{constant.value} is no duration"
            raise FilterError(self._text, constant.at, problem, "write one such as 30s or 1h30m") from None
        value = round(whole_ms) / unit
        return Constant(int(value) if value.is_integer() else value, constant.at)

    def _path(self, word: Word) -> JsonPath:
        root = re.match(r"\$|[A-Za-z0-9_]+", word.text)
        assert root is not None
        column = "metadata" if root[0] == "$" else root[0]
        if column not in JSON_COLUMNS:
            mend = f"write $.{column}… or metadata.{column}…, or the column's name alone"
            raise self._error(word, f"{column} holds no paths; {' and '.join(JSON_COLUMNS)} do", mend)
        steps: list[str | int] = []
        for key, place, single, double in _STEP.findall(word.text[root.end() :]):
            steps.append(int(place) if place else key or single or double)
        if any("\\" in step or not step for step in steps if isinstance(step, str)):
            raise self._error(word, "a key is empty or holds a backslash", "declare a dimension of the store for it")
        if len(steps) > DEEPEST:
            raise self._error(word, f"a path of {len(steps)} steps", f"at most {DEEPEST} are followed")
        return JsonPath(column, tuple(steps), word.at)

    # ------------------------------------------------------------------ words

    @property
    def _word(self) -> Word:
        return self._words[self._next]

    def _take(self, text: str) -> bool:
        word = self._word
        taken = word.kind in ("name", "sign") and (word.text == text or word.text == text.upper())
        self._next += taken
        return taken

    def _error(self, word: Word, problem: str, mend: str) -> FilterError:
        return FilterError(self._text, word.at, problem, mend)


def _flat(terms: list[Node], kind: type[AllOf] | type[AnyOf]) -> list[Node]:
    return [inner for term in terms for inner in (term.terms if isinstance(term, kind) else (term,))]


def _said(word: Word) -> str:
    if word.kind == "end":
        return "the end"
    return repr(word.text if len(word.text) <= 40 else word.text[:40] + "…")


def _near(text: str, known: tuple[str, ...]) -> str | None:
    found = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.7) if len(text) < 40 else []
    return found[0] if found else None


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)


parsed = lru_cache(maxsize=4096)(parse)
"""`parse`, remembered: the same text often stands in many rules."""
