"""The payload of one event: its JSON in the one canonical form, as bytes.

Known fields come first, in the order of `model.shapes.WIRE_FIELDS`, unknown ones behind them, sorted by their keys;
what is inside of a field keeps its order. There is no white space, and text stands in UTF-8. A field's bytes are thus
the same however its event was written, and an event's bytes are the same live and on history. For that, too, an
`adjusted_count` that is whole is written as the column has it: 2 as 2.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import WIRE_FIELDS

FIELD_ORDER: Final = tuple(
    name for field in WIRE_FIELDS for name in ((field, "data") if field == "metadata" else (field,))
)
"""Known fields as they stand in a payload; `data` is the metadata in the form of omnibase_core."""

_RANK: Final = {name: rank for rank, name in enumerate(FIELD_ORDER)}
_EXACT: Final = 10**15
"""Whole numbers below this are exact as floats; the gate of `sources` keeps greater ones as they came."""
_WRITER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_bytes(value: object) -> bytes:
    """A value as compact JSON in UTF-8; half of a surrogate pair, which UTF-8 has not, is escaped.

    Raises:
        InvalidOption: JSON does not have such a value.

    >>> json_bytes({"é": [1, None, "\\ud800"]})
    b'{"\\xc3\\xa9":[1,null,"\\\\ud800"]}'
    """
    try:
        return _WRITER.encode(value).encode("utf-8", "backslashreplace")
    except (TypeError, ValueError, RecursionError) as problem:
        wanted = "what JSON has: texts, finite numbers, true, false, null, lists and mappings, not too deep"
        raise InvalidOption("an event", f"{type(problem).__name__}: {problem}", wanted) from problem


def wire_of(event: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    """An event's fields in their order, from a model or a mapping.

    Raises:
        InvalidOption: it is neither.

    >>> wire_of({"tenant": "a", "metadata": {"b": 1, "a": 2}, "event_id": "e1", "batch_id": None})
    {'event_id': 'e1', 'metadata': {'b': 1, 'a': 2}, 'batch_id': None, 'tenant': 'a'}
    """
    if isinstance(event, BaseModel):
        as_dict = getattr(event, "as_dict", None)
        event = as_dict() if as_dict is not None else event.model_dump(mode="json")
    fields: object = event
    if not isinstance(fields, Mapping):
        raise InvalidOption("an event", type(event).__name__, "an OnexEvent, or a mapping of its fields")
    known = {name: event[name] for name in FIELD_ORDER if name in event}
    count = known.get("adjusted_count")
    if type(count) is int and 0 <= count < _EXACT:
        known["adjusted_count"] = float(count)
    if len(known) == len(event):
        return known
    others: list[Any] = [key for key in fields if key not in known]
    if wrong := [key for key in others if not isinstance(key, str)]:
        raise InvalidOption("a field of an event", wrong[0], "a name, which is a text")
    return {**known, **{name: event[name] for name in sorted(others, key=json_bytes)}}


def payload_of(event: BaseModel | Mapping[str, Any]) -> bytes:
    """The payload of an event.

    Raises:
        InvalidOption: it is no event, or holds what JSON does not have.

    >>> payload_of({"node_id": "n", "event_id": "é"}).decode()
    '{"event_id":"é","node_id":"n"}'
    """
    return json_bytes(wire_of(event))
