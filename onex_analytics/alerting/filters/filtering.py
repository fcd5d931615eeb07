"""A filter: a condition on one event, as text that is compiled and never evaluated by Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from onex_analytics.alerting.filters.expressions import expression_of
from onex_analytics.alerting.filters.parsing import parsed
from onex_analytics.alerting.filters.predicates import predicate_of
from onex_analytics.alerting.filters.syntax import Column, atoms, sources
from onex_analytics.alerting.filters.vocabulary import check_words


class Filter:
    """A condition on one event, such as `outcome == 'failure' and node like 'stamper_*'`.

    The language is in docs/reference/rule_language.md. Two filters are equal where they mean the same word by word,
    however they are spaced. A comparison with null is false, `!=` and `not in` among them; `not` before it makes that
    true.

    Raises:
        FilterError: on a text that is none of the language, with the place and the mend.

    >>> failing = Filter("outcome == 'failure' and execution_time_ms > 30s")
    >>> sorted(failing.columns)
    ['execution_time_ms', 'outcome']
    >>> failing.predicate()({"outcome": "failure", "execution_time_ms": 31_000.0})
    True
    >>> events = pl.DataFrame({"outcome": ["failure", "success", None], "execution_time_ms": [1.0, 2.0, 3.0]})
    >>> events.filter(Filter("not outcome == 'success'").expression(events.schema))["outcome"].to_list()
    ['failure', None]
    """

    __slots__ = ("text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parsed(text)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads; a path reads the column that it leads into."""
        read = (source for atom in atoms(self.tree) for source in sources(atom))
        return frozenset(source.name if isinstance(source, Column) else source.column for source in read)

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        """The filter over frames of this schema: true or false in each row, never null.

        Raises:
            FilterError: on a column that is not there, or one of another kind than the filter takes it for.
        """
        return expression_of(self.tree, self.text, schema)

    def predicate(self) -> Callable[[Mapping[str, Any]], bool]:
        """The filter over one event as a mapping of its columns; what is missing is null."""
        return predicate_of(self.tree)

    def check(self, schema: Mapping[str, pl.DataType]) -> None:
        """Refuse what `expression` refuses, and words that a column never holds, such as `outcome == 'failed'`.

        Raises:
            FilterError: with the place and the mend.
        """
        self.expression(schema)
        check_words(self.tree, self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(self.tree)

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[Filter], tuple[str]]:
        return Filter, (self.text,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return text_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "description": "a filter, such as outcome == 'failure'"}


def text_schema(cls: Any) -> CoreSchema:
    """How Pydantic reads and writes a class that is made from its `text`."""

    def made(found: Any) -> Any:
        if isinstance(found, cls):
            return found
        if isinstance(found, str):
            return cls(found)
        raise PydanticKnownError("string_type")

    return core_schema.no_info_plain_validator_function(
        made, serialization=core_schema.plain_serializer_function_ser_schema(lambda held: held.text)
    )
