"""An event cut to fit: its largest fields lose their ends, and a field of its own tells which, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from onex_analytics.sizing.events import FIELD_ORDER, json_bytes, wire_of

TRUNCATED: Final = "truncated_fields"
"""The field that tells: a list of {`field`, `type` ("text", or "json" where the beginning of its JSON stands as text),
`bytes` (of its JSON, before), `kept_bytes`}."""

_HOLDERS: Final = ("metadata", "data")
_EMPTY_BYTES: Final = 2
_NEVER: Final = frozenset(FIELD_ORDER) - set(_HOLDERS)


def truncated(event: Mapping[str, Any], max_bytes: int) -> dict[str, Any] | None:
    """The event with its largest fields cut until its payload has at most so many bytes; None where that cannot be.

    Cut are the keys of the metadata and fields that no version of the event knows: never an id, the time or the type.

    >>> event = {"event_id": "e1", "metadata": {"body": "x" * 1000, "ok": True}}
    >>> cut = truncated(event, 200)
    >>> cut["truncated_fields"], len(json_bytes(cut))
    ([{'field': 'metadata.body', 'type': 'text', 'bytes': 1002, 'kept_bytes': 60}], 198)
    """
    told = event.get(TRUNCATED, [])
    if not isinstance(told, list):
        return None
    cut, told = {**event}, list(told)
    size = len(json_bytes(cut))
    for holder, key in sorted(_candidates(event), key=lambda place: -_bytes(event, *place)):
        if size <= max_bytes:
            break
        value, before = _at(event, holder, key), _bytes(event, holder, key)
        text, kind = (value, "text") if isinstance(value, str) else (json_bytes(value).decode(), "json")
        name = key if holder is None else f"{holder}.{key}"
        note = {"field": name, "type": kind, "bytes": before, "kept_bytes": before}
        noted = {**cut, TRUNCATED: [*told, note]}
        room = max(before - (len(json_bytes(noted)) - max_bytes), _EMPTY_BYTES)
        if room >= before:
            return None
        kept = _beginning(text, room)
        note["kept_bytes"] = len(json_bytes(kept))
        if holder is None:
            noted[key] = kept
        else:
            noted[holder] = {**cut[holder], key: kept}
        fewer = len(json_bytes(noted))
        if fewer >= size:
            return None
        cut, size, told = noted, fewer, [*told, note]
    return wire_of(cut) if size <= max_bytes else None


def _candidates(event: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """What may be cut: (the field that holds it, its key), or (None, the field)."""
    for name, value in event.items():
        if name in _HOLDERS and isinstance(value, Mapping):
            yield from ((name, key) for key in value)
        elif name not in _NEVER and name != TRUNCATED:
            yield None, name


def _at(event: Mapping[str, Any], holder: str | None, key: str) -> Any:
    return event[key] if holder is None else event[holder][key]


def _bytes(event: Mapping[str, Any], holder: str | None, key: str) -> int:
    return len(json_bytes(_at(event, holder, key)))


def _beginning(text: str, max_bytes: int) -> str:
    """As much of the text as its JSON has at most so many bytes, of whole characters.

    >>> _beginning('a"éé', 6), _beginning("abc", 2)
    ('a"', '')
    """
    low, high = 0, min(len(text), max_bytes - _EMPTY_BYTES)
    while low < high:
        middle = (low + high + 1) // 2
        if len(json_bytes(text[:middle])) <= max_bytes:
            low = middle
        else:
            high = middle - 1
    return text[:low]
