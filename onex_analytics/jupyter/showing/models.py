"""Settings, policies and other frozen models: field by field, with what the field means."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import BaseModel

from onex_analytics.jupyter.cards import Card, CardTable, short, told
from onex_analytics.views.tables import Column

_MOST_FIELDS = 40


def settings(held: BaseModel) -> Card:
    """One row a field: its value, whether it was set, and its description, in which units stand."""
    rows = _rows(held, "")
    frame = pl.DataFrame(rows, schema=["field", "value", "set", "means"], orient="row")
    columns = (Column("field", "field", "code"), Column("value", "value"), Column("set", "set", "flag"),
               Column("means", "meaning"))  # fmt: skip
    return Card(
        _title(held), tables=(CardTable("", frame.cast(pl.String), columns, "no field", most=_MOST_FIELDS),),
    )  # fmt: skip


def field_text(value: Any) -> str:
    """The value of a field in a few words: models within by their fields that are set.

    >>> from onex_analytics.sampling import SampleRule
    >>> field_text((SampleRule(name="slow", probability=0.5),))
    'name=slow, probability=0.5'
    """
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case BaseModel():
            fields = {name: getattr(value, name) for name in value.model_fields_set if name in type(value).model_fields}
            return ", ".join(f"{name}={field_text(one)}" for name, one in sorted(fields.items())) or "as usual"
        case list() | tuple() | set() | frozenset() if not hasattr(value, "_fields"):
            items = list(value)[:7]
            return short("; ".join(field_text(one) for one in items) + ("; …" if len(value) > 7 else "")) or "none"
        case dict():
            return told(value) if value else "none"
        case int() | float():
            return f"{value:,}" if isinstance(value, int) else f"{value:,g}"
    return short(told(value))


def _rows(held: BaseModel, prefix: str) -> list[tuple[str, str, str, str]]:
    rows = []
    for name, field in type(held).model_fields.items():
        value = getattr(held, name)
        if isinstance(value, BaseModel) and not prefix:
            rows += _rows(value, f"{name}.")
        else:
            is_set = "yes" if name in held.model_fields_set else "–"
            rows.append((f"{prefix}{name}", field_text(value), is_set, field.description or ""))
    if held.model_extra:
        rows += [(f"{prefix}{name}", field_text(value), "yes", "") for name, value in held.model_extra.items()]
    return rows


def _title(held: BaseModel) -> str:
    name = getattr(held, "name", None)
    return type(held).__name__ + (f" {name!r}" if isinstance(name, str) and name else "")
