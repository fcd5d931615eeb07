"""Does one event keep the rules? The lenient way lists what it breaks, the strict way refuses it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from onex_analytics.exceptions import InvalidEvent, UnknownVersion
from onex_analytics.model import rules
from onex_analytics.model.event_types import FAMILY_AND_OUTCOME, normalise_event_type
from onex_analytics.model.versions import OLDEST, SchemaVersion, version_of

if TYPE_CHECKING:
    from onex_analytics.model.events import OnexEventV1_0

_UUID = re.compile(rules.UUID_PATTERN)
_NUMBER = re.compile(rules.NUMBER_PATTERN)
_NEEDED = ("event_id", "timestamp", "node_id", "event_type")


class Validated(NamedTuple):
    """An event as the model of its version, and the rules that it breaks (empty for most)."""

    event: OnexEventV1_0
    violations: list[str]


def violations(event: Mapping[str, Any], *, sizes: Mapping[str, int] | None = None) -> list[str]:
    """The rules of the specification that a parsed event breaks, as fixed texts in a fixed order.

    Args:
        event: an event as `json.loads` gives it; any fields may be missing or odd.
        sizes: bytes of the JSON text as it came, of any of "metadata", "input_state" and "output_state".
            What is not here is measured as compact JSON in UTF-8.

    Returns:
        Texts such as "metadata.error: missing"; `model.rules` lists them all. Empty where all is well.

    >>> violations({"event_id": "e1", "event_type": "NODE_START", "metadata": {"execution_time_ms": "-0.5"}})
    ... # doctest: +NORMALIZE_WHITESPACE
    ['event_id: not a UUID', 'metadata.input_state: missing', 'metadata.execution_time_ms: a number as text',
     'metadata.execution_time_ms: negative']
    """
    found = []
    if not _is_uuid(event.get("event_id")):
        found.append("event_id: not a UUID")
    correlation_id = event.get("correlation_id")
    if correlation_id is not None and not _is_uuid(correlation_id):
        found.append("correlation_id: not a UUID")
    text = event.get("event_type")
    event_type = normalise_event_type(text) if isinstance(text, str) else ""
    if event_type not in FAMILY_AND_OUTCOME:
        found.append("event_type: unknown")
    if _version_of(event) is None:
        found.append("schema_version: not a version")
    metadata = event.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        return [*found, "metadata: not an object", *_too_big(metadata, sizes or {})]
    held: Mapping[str, Any] = metadata or {}
    for key in rules.REQUIRED_METADATA.get(event_type, ()):
        if held.get(_spelled(held, key)) is None:
            found.append(f"metadata.{key}: missing")
    found += sorted(_broken_numbers(held), key=lambda text: _NUMBER_TEXTS.index(text.split(": ")[1]))
    found += [f"metadata.{key}: not a boolean" for key in rules.BOOLEANS if not isinstance(held.get(key), bool | None)]
    found += _broken_states(held, sizes or {})
    return found + _too_big(metadata, sizes or {})


def validate(event: Mapping[str, Any], *, strict: bool = False) -> Validated:
    """The event as the model of its version, with the rules that it breaks.

    Args:
        event: an event as `json.loads` gives it. Without a `schema_version` it is read as 1.0.0; a version newer
            than ours within a major is read by our newest model of that major, its unknown fields kept.
        strict: refuse an event that breaks a rule.

    Returns:
        `event` holds every value that came. A field whose value does not fit its type is kept as it came, and
        named after the fixed texts, as "batch_position: does not fit …". A version that is none is kept, and the
        event read as 1.0.0.

    Raises:
        InvalidEvent: strict, and a rule is broken; or, always, where the id, the time, the node or the type
            is missing or unreadable, because then there is no event.
        UnknownVersion: the version is of a newer major than ours.

    >>> event, broken = validate({"event_id": "e1", "timestamp": "2026-11-23T12:00:00", "node_id": "stamper_node",
    ...                           "event_type": "node_start", "metadata": {"input_state": {}}})
    >>> str(event.event_type), event.timestamp.isoformat(), event.schema_version, broken
    ('NODE_START', '2026-11-23T12:00:00+00:00', '1.0.0', ['event_id: not a UUID'])
    """
    from pydantic import ValidationError

    from onex_analytics.model.events import EVENT_MODELS

    version = _version_of(event)
    older = version is None or version.major < 1
    cls = EVENT_MODELS[OLDEST if version is None or older else str(version.known())]
    if absent := [f"{name}: missing" for name in _NEEDED if event.get(name) is None]:
        raise InvalidEvent(absent, _id_of(event))
    found = violations(event)
    given = {name: value for name, value in event.items() if not (older and name == "schema_version")}
    try:
        read = cls.model_validate(given)
    except ValidationError as problem:
        misfits = {str(error["loc"][0]): error["msg"] for error in problem.errors() if error["loc"]}
        texts = [f"{name}: does not fit ({text})" for name, text in misfits.items()]
        if not misfits or misfits.keys() & set(_NEEDED):
            raise InvalidEvent(texts or [str(problem)], _id_of(event)) from problem
        named = {text.partition(":")[0] for text in found}
        found += [text for name, text in zip(misfits, texts, strict=True) if name not in named]
        fitting = cls.model_validate({name: value for name, value in given.items() if name not in misfits})
        read = fitting.model_copy(update={name: given[name] for name in misfits})
    if older:
        read = read.model_copy(update={"schema_version": event["schema_version"]})
    if strict and found:
        raise InvalidEvent(found, read.event_id)
    return Validated(read, found)


_NUMBER_TEXTS = ("not a number", "a number as text", "negative")


def _broken_numbers(metadata: Mapping[str, Any]) -> Iterator[str]:
    for key in rules.NUMBERS:
        spelled = _spelled(metadata, key)
        value = metadata.get(spelled)
        if value is None:
            continue
        if isinstance(value, str) and _NUMBER.fullmatch(value) and math.isfinite(float(value)):
            yield f"metadata.{spelled}: a number as text"
            value = float(value)
        elif not _is_number(value):
            yield f"metadata.{spelled}: not a number"
            continue
        if value < 0:
            yield f"metadata.{spelled}: negative"


def _broken_states(metadata: Mapping[str, Any], sizes: Mapping[str, int]) -> list[str]:
    states = {key: metadata[key] for key in rules.STATES if metadata.get(key) is not None}
    big = [
        f"metadata.{key}: over 100 KB"
        for key, state in states.items()
        if (sizes[key] if key in sizes else json_bytes(state)) > rules.STATE_MAX_BYTES
    ]
    deep = [f"metadata.{key}: deeper than 10" for key, state in states.items() if depth(state) > rules.STATE_MAX_DEPTH]
    return big + deep


def _too_big(metadata: object, sizes: Mapping[str, int]) -> list[str]:
    size = sizes["metadata"] if "metadata" in sizes else json_bytes(metadata)
    return ["metadata: over 1 MiB"] if metadata is not None and size >= rules.METADATA_MAX_BYTES else []


def json_bytes(value: object) -> int:
    """Bytes of a value as compact JSON in UTF-8.

    >>> json_bytes({"name": "é"})
    13
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except RecursionError:
        return _bytes_of_deep(value)
    return len(text.encode("utf-8", "surrogatepass"))


def _bytes_of_deep(value: object) -> int:
    """The same for what is nested deeper than Python's own stack allows."""
    total, below = 0, [value]
    while below:
        here = below.pop()
        if isinstance(here, Mapping):
            total += 1 + max(1, len(here)) + sum(json_bytes(str(key)) + 1 for key in here)
            below += here.values()
        elif isinstance(here, list | tuple):
            total += 1 + max(1, len(here))
            below += here
        else:
            total += json_bytes(here)
    return total


def depth(value: object) -> int:
    """Levels of objects and arrays: 0 for a plain value, 1 for a flat object. No nesting is too deep for it.

    >>> [depth(v) for v in (1, {}, {"a": [1]}, [{"a": {}}])]
    [0, 1, 2, 3]
    """
    deepest, below = 0, [(value, 1)]
    while below:
        here, level = below.pop()
        if isinstance(here, Mapping | list | tuple):
            deepest = max(deepest, level)
            below += [(child, level + 1) for child in (here.values() if isinstance(here, Mapping) else here)]
    return deepest


def _spelled(metadata: Mapping[str, Any], key: str) -> str:
    if metadata.get(key) is None:
        for other in rules.ALSO_SPELLED.get(key, ()):
            if metadata.get(other) is not None:
                return other
    return key


def _is_number(value: object) -> bool:
    """Whether it is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _version_of(event: Mapping[str, Any]) -> SchemaVersion | None:
    try:
        return version_of(event)
    except UnknownVersion:
        return None


def _id_of(event: Mapping[str, Any]) -> str | None:
    return str(event["event_id"]) if event.get("event_id") is not None else None
