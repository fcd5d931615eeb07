"""What a filter's text means, as frozen data. Where it stood in the text is kept for messages and is no part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Comparison = Literal["==", "!=", "<", "<=", ">", ">="]
TextTest = Literal["starts_with", "ends_with", "contains", "like", "matches"]
Plain: TypeAlias = str | int | float | bool

JSON_COLUMNS = ("metadata", "extra")
"""Columns of JSON text, into which a path can lead."""


@dataclass(frozen=True, slots=True)
class Column:
    """The value of a column."""

    name: str
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class JsonPath:
    """The value at a path within a column of JSON text: keys of objects, and places in arrays."""

    column: str
    steps: tuple[str | int, ...]
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.column + self.inner[1:]

    @property
    def inner(self) -> str:
        """The path as a JSON path expression."""
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else _bracket(step) for step in self.steps)


def _bracket(key: str) -> str:
    quote = "'" if '"' in key else '"'
    return f"[{quote}{key}{quote}]"


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the filter itself names."""

    value: Plain
    at: int = field(default=0, compare=False)

    def __eq__(self, other: object) -> bool:
        # 1, 1.0 and True are different words of the language
        return isinstance(other, Constant) and (type(self.value), self.value) == (type(other.value), other.value)

    def __hash__(self) -> int:
        return hash((type(self.value).__name__, self.value))

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return repr(self.value)


Source: TypeAlias = Column | JsonPath
Operand: TypeAlias = Column | JsonPath | Constant


@dataclass(frozen=True, slots=True)
class Compared:
    """One value beside another. False where either is null."""

    left: Source
    op: Comparison
    right: Operand


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value that is, or is not, among those listed. False where it is null."""

    operand: Source
    values: tuple[Constant, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """low ≤ value ≤ high, or not so. False where it is null."""

    operand: Source
    low: Constant
    high: Constant
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """A test of a text, or not so; `contains` also looks into a list. False where it is null."""

    operand: Source
    op: TextTest
    wanted: str
    negated: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether there is no value, or there is one. NaN is no value."""

    operand: Source
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Holds:
    """A column of true and false, as it is. False where it is null."""

    operand: Source


@dataclass(frozen=True, slots=True)
class Not:
    """True where the term is false."""

    term: Node


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every term is."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where a term is."""

    terms: tuple[Node, ...]


Atom: TypeAlias = Compared | OneOf | Between | Tested | IsNull | Holds
Node: TypeAlias = Compared | OneOf | Between | Tested | IsNull | Holds | Not | AllOf | AnyOf


def atoms(node: Node) -> Iterator[Atom]:
    """The conditions of a filter, one by one, in the order of the text."""
    if isinstance(node, Not):
        yield from atoms(node.term)
    elif isinstance(node, AllOf | AnyOf):
        for term in node.terms:
            yield from atoms(term)
    else:
        yield node


def sources(atom: Atom) -> Iterator[Source]:
    """The columns and paths that a condition reads."""
    operands = (atom.left, atom.right) if isinstance(atom, Compared) else (atom.operand,)
    for operand in operands:
        if not isinstance(operand, Constant):
            yield operand
