"""Arithmetic over named cells."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from onex_analytics.alerting.filters.filtering import _field_schema


class Arithmetic:
    """Arithmetic over named cells, such as `errors / (calls + 1)`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def names(self) -> frozenset[str]:
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _field_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string"}
