"""Arithmetic over named cells: `+ - * /`, parentheses, numbers and names, and nothing else.

    sum     = product { ( "+" | "-" ) product }
    product = factor { ( "*" | "/" ) factor }
    factor  = { "-" } ( number | name | "(" sum ")" )
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from onex_analytics.alerting.filters.filtering import text_schema
from onex_analytics.exceptions import FilterError

Values: TypeAlias = NDArray[np.float64]

MOST_CHARACTERS, DEEPEST = 2_000, 50
_WORDS = re.compile(
    r"[ \t\r\n]*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*/()]))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of the reckoning, on a stack: push a number or a cell, or reckon with the topmost ones."""

    do: str
    """number, name, negate, or one of + - * /."""
    number: float = 0.0
    name: str = ""


class Arithmetic:
    """What to reckon with the values of named cells, such as `errors / (calls + 1)`.

    Raises:
        FilterError: on a text that is none of the language, with the place and the mend.

    >>> share = Arithmetic("errors / (calls + 1)")
    >>> sorted(share.names), share.evaluate({"errors": np.array([1.0]), "calls": np.array([3.0])})
    (['calls', 'errors'], array([0.25]))
    """

    __slots__ = ("steps", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = _Reader(text).steps()

    @property
    def names(self) -> frozenset[str]:
        """The cells that it reads."""
        return frozenset(step.name for step in self.steps if step.do == "name")

    def evaluate(self, values: Mapping[str, Values]) -> Values:
        """The results, of arrays of equal length; NaN stands for no data, and comes of it, of x / 0 and beyond 1e308.

        Args:
            values: the values of each cell that it reads.
        """
        stack: list[Values] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                match step.do:
                    case "number":
                        stack.append(np.array(step.number))
                    case "name":
                        stack.append(np.asarray(values[step.name], np.float64))
                    case "negate":
                        stack.append(-stack.pop())
                    case _:
                        second, first = stack.pop(), stack.pop()
                        stack.append(_reckoned(step.do, first, second))
            result = np.asarray(stack.pop(), np.float64)
        return np.where(np.isfinite(result), result, np.nan)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arithmetic) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __repr__(self) -> str:
        return f"Arithmetic({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[Arithmetic], tuple[str]]:
        return Arithmetic, (self.text,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return text_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "description": "arithmetic over cells, such as errors / (calls + 1)"}


def _reckoned(sign: str, first: Values, second: Values) -> Values:
    match sign:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
    return np.where(second == 0, np.nan, first / second)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > MOST_CHARACTERS:
            problem = f"arithmetic of {len(text):,} characters; at most {MOST_CHARACTERS:,} are read"
            raise FilterError(text, 0, problem, "split it over several rules")
        self._words: list[tuple[str, str, int]] = []
        at, end = 0, len(text.rstrip(" \t\r\n"))
        while at < end:
            match = _WORDS.match(text, at)
            if match is None:
                at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))
                mend = "reckon with + - * / ( ), numbers and names of cells"
                raise FilterError(text, at, f"{text[at]!r} is none of the words of arithmetic", mend)
            kind = match.lastgroup or ""
            self._words.append((kind, match[kind], match.start(kind)))
            at = match.end()
        self._words.append(("end", "", end))
        self._next = 0
        self._steps: list[_Step] = []

    def steps(self) -> tuple[_Step, ...]:
        self._sum(0)
        kind, word, at = self._words[self._next]
        if kind != "end":
            if word == "(" and self._next and self._words[self._next - 1][0] == "name":
                name = self._words[self._next - 1][1]
                problem = f"arithmetic calls nothing, and {name!r} stands before '('"
                raise FilterError(self._text, at, problem, "reckon with + - * / and names of cells")
            problem = f"{word!r} is out of place"
            raise FilterError(self._text, at, problem, "join two values with + - * /, and close what was opened")
        return tuple(self._steps)

    def _sum(self, depth: int) -> None:
        self._product(depth)
        while sign := self._take("+-"):
            self._product(depth)
            self._steps.append(_Step(sign))

    def _product(self, depth: int) -> None:
        self._factor(depth)
        while sign := self._take("*/"):
            self._factor(depth)
            self._steps.append(_Step(sign))

    def _factor(self, depth: int) -> None:
        negated = False
        while self._take("-"):
            negated = not negated
        kind, word, at = self._words[self._next]
        self._next += 1
        match kind:
            case "number":
                self._steps.append(_Step("number", number=float(word)))
            case "name":
                self._steps.append(_Step("name", name=word))
            case "sign" if word == "(":
                if depth == DEEPEST:
                    problem = f"parentheses stand more than {DEEPEST} deep"
                    raise FilterError(self._text, at, problem, "leave out those that change nothing")
                self._sum(depth + 1)
                if not self._take(")"):
                    raise FilterError(self._text, at, "a '(' is never closed", "close it with )")
            case _:
                said = "the end" if kind == "end" else repr(word)
                problem = f"{said} stands where a value is asked for"
                raise FilterError(self._text, at, problem, "name a cell, or write a number")
        if negated:
            self._steps.append(_Step("negate"))

    def _take(self, signs: str) -> str:
        kind, word, _ = self._words[self._next]
        if kind != "sign" or word not in signs:
            return ""
        self._next += 1
        return word
