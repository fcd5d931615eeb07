"""A filter: a condition on one event, as text that is compiled and never evaluated by Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Filter:
    """A condition on one event, such as `outcome == 'failure' and node like 'stamper_*'`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads; a JSON path reads `metadata`."""
        raise NotImplementedError

    def expression(self, schema: Mapping[str, pl.DataType]) -> pl.Expr:
        """The filter over a frame of this schema: true or false in each row, never null."""
        raise NotImplementedError

    def predicate(self) -> Callable[[Mapping[str, Any]], bool]:
        """The filter over one event as a mapping of its columns."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _field_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string"}


def _field_schema(cls: Any) -> CoreSchema:
    made = core_schema.no_info_after_validator_function(cls, core_schema.str_schema(strict=True))
    return core_schema.json_or_python_schema(
        json_schema=made,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), made]),
        serialization=core_schema.plain_serializer_function_ser_schema(lambda held: held.text),
    )
