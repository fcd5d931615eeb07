"""Single events, what they are checked against, and error codes."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import BaseModel

from onex_analytics.jupyter.cards import Card, CardTable, told
from onex_analytics.jupyter.showing.models import field_text
from onex_analytics.model import ErrorCode, ErrorCodeTaxonomy, OnexEventV1_0, Resolution, Transformed, Validated
from onex_analytics.sampling import Decision
from onex_analytics.sizing import Encoded
from onex_analytics.views.tables import Column

_FIELDS = (Column("field", "field", "code"), Column("value", "value"))


def event(one: OnexEventV1_0) -> Card:
    """Its fields that are not null; the metadata key by key."""
    return Card(f"{one.event_type} of {one.node_id}", lead=type(one).__name__, tables=(_fields(one, "event"),))


def validated(held: Validated) -> Card:
    """The event, and the rules that it breaks."""
    card = event(held.event)
    return Card(card.title, lead=card.lead, tables=card.tables, left_out=[f"breaks {rule}" for rule in held.violations])


def transformed(held: Transformed) -> Card:
    """The event in its new version, and what that has no place for."""
    return Card(
        "Event of another version", tables=(_fields(held.event, "event"),),
        left_out=[f"dropped, as the version has no place for it: {name}" for name in held.dropped],
    )  # fmt: skip


def decision(held: Decision) -> Card:
    """Whether it is kept, and what it stands for."""
    return Card(
        "Kept" if held.keep else "Not kept",
        facts={"probability": (held.probability, "share"), "stands for": (held.adjusted_count, "number"),
               "by": (held.policy, "text")},
    )  # fmt: skip


def decided(held: Any) -> Card:
    """An event and its decision."""
    card = decision(held.decision)
    return Card(card.title, facts=card.facts, tables=(_fields(held.event, "event"),))


def encoded(sent: Encoded) -> Card:
    """What became of its bytes."""
    return Card(
        "Encoded event",
        facts={
            "sent": (len(sent.payload), "bytes"), "of plain JSON": (sent.plain_bytes, "bytes"),
            "left": (len(sent.payload) / sent.plain_bytes if sent.plain_bytes else None, "share"),
            "encoding": (sent.encoding, "text"), "action": (sent.action, "text"),
        },
        left_out=[*["it is over the policy's warn_bytes"] * sent.warned,
                  *["a field was cut"] * (sent.action == "truncate_field")],
    )  # fmt: skip


def error_code(code: ErrorCode) -> Card:
    """What it means."""
    facts = {name: (getattr(code, name), "text") for name in ("short", "component", "category", "severity")}
    facts |= {"recoverable": (code.recoverable, "text"), "exit code": (str(code.exit_code), "text")}
    notes = [word for word, holds in (("deprecated", code.deprecated), ("ambiguous", code.ambiguous)) if holds]
    return Card(code.code, lead=code.description, facts=facts, left_out=notes)


def resolution(found: Resolution) -> Card:
    """The code, or the candidates."""
    if found.code is not None:
        card = error_code(found.code)
        return Card(f"{found.text} is {card.title}", lead=card.lead, facts=card.facts, left_out=card.left_out)
    said = f"{len(found.candidates)} codes share this spelling" if found.candidates else "no code has this spelling"
    tables = (_codes(".candidates", found.candidates),) if found.candidates else ()
    return Card(found.text, lead=said, tables=tables)


def taxonomy(held: ErrorCodeTaxonomy) -> Card:
    """How many codes there are of each component, and the first of them."""
    components = len({one.component for one in held.codes})
    return Card(
        "Error codes", facts={"codes": (len(held.codes), "count"), "components": (components, "count")},
        tables=(_codes(".codes", held.codes),),
    )  # fmt: skip


def _codes(name: str, codes: tuple[ErrorCode, ...]) -> CardTable:
    frame = pl.DataFrame([
        {"code": one.code, "severity": one.severity, "recoverable": one.recoverable, "description": one.description}
        for one in codes[:20]
    ])  # fmt: skip
    columns = [Column("code", "code", "code"), Column("severity", "severity", "word"),
               Column("recoverable", "recoverable", "word"), Column("description", "description")]  # fmt: skip
    return CardTable(name, frame, columns if codes else (), "no code", rows=len(codes))


def _fields(one: Any, name: str) -> CardTable:
    held = {key: getattr(one, key) for key in type(one).model_fields} if isinstance(one, BaseModel) else dict(one)
    metadata = held.pop("metadata", None)
    rows = [(key, field_text(value)) for key, value in held.items() if value is not None]
    if isinstance(metadata, BaseModel):
        metadata = {key: getattr(metadata, key) for key in metadata.model_fields_set}
    if isinstance(metadata, dict):
        rows += [(f"metadata.{key}", field_text(value)) for key, value in metadata.items() if value is not None]
    elif metadata is not None:
        rows.append(("metadata", told(metadata)))
    return CardTable(name, pl.DataFrame(rows, schema=["field", "value"], orient="row"), _FIELDS, "no field", most=40)
