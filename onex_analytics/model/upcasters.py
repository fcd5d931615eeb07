"""One chain of steps from the oldest version to the newest, each of them both ways."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from onex_analytics.exceptions import LossyDowncast, UnknownVersion, VersionError
from onex_analytics.model.error_spellings import code_in_text
from onex_analytics.model.event_types import family_and_outcome, normalise_event_type
from onex_analytics.model.versions import FIELDS_ADDED, VERSIONS, SchemaVersion, version_of

Event = dict[str, Any]

ORIGINAL_TRACE_ID: Final = "trace_id_original"
"""Where a 2.0.0 event keeps the trace id it had before it became 16 bytes of hex."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


def _unchanged(event: Event) -> Event:
    return event


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain. A step up changes nothing but what `up` does; a step down first undoes it, then drops.

    `up` and `down` are given a copy that they may change. Fields that a version adds are optional, so that a step
    up need not make them.
    """

    source: str
    target: str
    up: Callable[[Event], Event] = _unchanged
    down: Callable[[Event], Event] = _unchanged


class Transformed(NamedTuple):
    """An event of the wanted version, and the names of the fields that the older version has no place for."""

    event: Event
    dropped: list[str]


def hex_trace_id(trace_id: str) -> str:
    """A trace id as 16 bytes in lower-case hex: a UUID loses its dashes, any other text, and zero, is hashed (SHA-256).

    >>> hex_trace_id("A65EC2BF-0DB4-4EF1-ADE7-C645E5933DC8")
    'a65ec2bf0db44ef1ade7c645e5933dc8'
    >>> len(hex_trace_id("order-17"))
    32
    """
    plain = trace_id.replace("-", "").lower()
    if _TRACE_ID.fullmatch(plain) and plain != "0" * 32:
        return plain
    return hashlib.sha256(trace_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _lift_error_code(event: Event) -> Event:
    """1.1.0 has the code of a failure in `metadata.error_code`, not only as the prefix of the message."""
    code = _prefixed_code(event)
    if code is not None and event["metadata"].get("error_code") is None and "error_code" not in event["metadata"]:
        event["metadata"] = {**event["metadata"], "error_code": code}
    return event


def _unlift_error_code(event: Event) -> Event:
    """1.0.0 knows `metadata.error_code` too, so only what the message says anyhow goes."""
    code = _prefixed_code(event)
    if code is not None and event["metadata"].get("error_code") == code:
        event["metadata"] = {key: value for key, value in event["metadata"].items() if key != "error_code"}
    event.pop("schema_version", None)
    return event


def _prefixed_code(event: Event) -> str | None:
    metadata, event_type = event.get("metadata"), event.get("event_type")
    if not isinstance(metadata, Mapping) or not isinstance(event_type, str):
        return None
    if family_and_outcome(normalise_event_type(event_type))[1] != "failure":
        return None
    texts = (metadata.get(key) for key in ("error_message", "error"))
    return next((code for text in texts if isinstance(text, str) and (code := code_in_text(text))), None)


def _make_trace_id_hex(event: Event) -> Event:
    """2.0.0 has OpenTelemetry's trace ids: 16 bytes in hex."""
    trace_id = event.get("trace_id")
    if isinstance(trace_id, str) and trace_id and (plain := hex_trace_id(trace_id)) != trace_id:
        event["trace_id"] = plain
        event[ORIGINAL_TRACE_ID] = trace_id
    return event


def _give_back_trace_id(event: Event) -> Event:
    if event.get(ORIGINAL_TRACE_ID) is not None:
        event["trace_id"] = event.pop(ORIGINAL_TRACE_ID)
    return event


CHAIN: Final = (
    Step("1.0.0", "1.1.0", up=_lift_error_code, down=_unlift_error_code),
    Step("1.1.0", "1.2.0"),
    Step("1.2.0", "1.3.0"),
    Step("1.3.0", "2.0.0", up=_make_trace_id_hex, down=_give_back_trace_id),
)


def check_chain(steps: Sequence[Step], versions: Sequence[str] = VERSIONS) -> None:
    """Pass if the steps lead from the first version to the last, through each of them, once.

    Raises:
        VersionError: two steps leave or enter one version (duplicate), a step does not lead upwards (cycle), a
            version is not reached (gap), or a step names a version that is not known.

    >>> check_chain(CHAIN)
    >>> check_chain(CHAIN[:-1])
    Traceback (most recent call last):
    onex_analytics.exceptions.VersionError: gap: no step leads from 1.3.0 to 2.0.0. Mend: add it to the chain.
    """
    ends = [(s.source, s.target) for s in steps]
    for side, names in (("leave", [e[0] for e in ends]), ("enter", [e[1] for e in ends])):
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise VersionError(f"duplicate: two steps {side} {', '.join(twice)}. Mend: keep one of them.")
    for source, target in ends:
        if SchemaVersion.parse(target) <= SchemaVersion.parse(source):
            raise VersionError(f"cycle: the step {source} → {target} leads back. Mend: let each step lead upwards.")
        if strange := [v for v in (source, target) if v not in versions]:
            raise VersionError(f"unknown: no version is called {strange[0]}. Mend: one of {', '.join(versions)}.")
    for source, target in pairwise(versions):
        if (source, target) not in ends:
            raise VersionError(f"gap: no step leads from {source} to {target}. Mend: add it to the chain.")


check_chain(CHAIN)


def transformed(event: Mapping[str, Any], to: str) -> Transformed:
    """The event as another version has it, with the names of the fields that are lost on the way down.

    Only fields that hold something are lost: a null, a missing field, and an `adjusted_count` of 1 say nothing. An
    event of a newer minor than ours is treated as the newest that we know, its unknown fields kept. The type stays,
    even where the older version does not know it.

    Args:
        event: as `json.loads` gives it; it is not changed.
        to: one of `VERSIONS`. An event that names 1.0.x and one that names none is of 1.0.0.

    Raises:
        UnknownVersion: `to` is none of `VERSIONS`, or the event is of a newer major.

    >>> transformed({"schema_version": "1.2.0", "batch_id": "b1", "trace_id": None}, "1.1.0")
    Transformed(event={'schema_version': '1.1.0', 'trace_id': None}, dropped=['batch_id'])
    """
    if to not in VERSIONS:
        raise UnknownVersion(to, VERSIONS)
    came = version_of(event)
    here, there = VERSIONS.index(str(came.known())), VERSIONS.index(to)
    result, dropped = dict(event), list[str]()
    for step in CHAIN[here:there]:
        result = {**step.up(result), "schema_version": step.target}
    if there < here:
        for step in reversed(CHAIN[there:here]):
            result = step.down({**result, "schema_version": step.source})
        newer = {name for version in VERSIONS[there + 1 :] for name in FIELDS_ADDED[version]} - {"schema_version"}
        dropped = [name for name, value in result.items() if name in newer and _says_something(name, value)]
        result = {name: value for name, value in result.items() if name not in newer}
    if here == there and came.minor > SchemaVersion.parse(to).minor:
        result["schema_version"] = to
    return Transformed(result, dropped)


def transform_event(event: Mapping[str, Any], to: str, *, allow_loss: bool = False) -> Event:
    """The event as another version has it, up or down. See `transformed` for what a downcast drops.

    A step up lifts what the newer version has a place for: the bracketed code of a failure's message becomes
    `metadata.error_code` (1.1.0), and a trace id becomes 16 bytes of hex with its text kept in `trace_id_original`
    (2.0.0). A step down gives these back, so that up and down again is the same event.

    Raises:
        LossyDowncast: fields would be dropped, and `allow_loss` is false; the message and `dropped` name them.
        UnknownVersion: `to` is none of `VERSIONS`, or the event is of a newer major.

    >>> transform_event({"event_id": "e1", "trace_id": "T-1", "schema_version": "1.1.0"}, "1.0.0")
    Traceback (most recent call last):
    onex_analytics.exceptions.LossyDowncast: 1.1.0 → 1.0.0 drops trace_id. Mend: pass `allow_loss=True` where the consumer can do without them.
    """  # noqa: E501
    result, dropped = transformed(event, to)
    if dropped and not allow_loss:
        raise LossyDowncast(str(version_of(event)), to, dropped)
    return result


def _says_something(name: str, value: object) -> bool:
    return value is not None and not (name == "adjusted_count" and value == 1)
