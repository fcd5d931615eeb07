"""The live half: an event as bytes that may be sent, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from onex_analytics.exceptions import BrokenPayload, InvalidOption, OversizedEvent
from onex_analytics.sizing.codecs import opened
from onex_analytics.sizing.deciding import CLAIM, CLAIM_BEGINS, claim_key, decided
from onex_analytics.sizing.events import payload_of
from onex_analytics.sizing.policies import SizePolicy

MAX_OPENED_BYTES = 16 * 1024 * 1024
"""The most that `decode` opens unless told otherwise."""


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


_READER = json.JSONDecoder(parse_constant=_refuse)


class Encoded(NamedTuple):
    """An event as it is sent."""

    payload: bytes
    encoding: str
    """plain, zstd or gzip."""
    action: str
    """send, truncate_field or claim_check."""
    plain_bytes: int
    """Of the event's JSON."""
    warned: bool
    """Whether the payload has more than the policy's `warn_bytes`."""


def encode(
    event: BaseModel | Mapping[str, Any], policy: SizePolicy, *, claims: MutableMapping[str, bytes] | None = None
) -> Encoded:
    """An event as it is sent by a policy.

    Args:
        event: an event model, or an event as JSON has it: its keys are texts, its lists are lists.
        policy: how large it may be, and what becomes of it otherwise.
        claims: where `claim_check` puts events that are too large, by the SHA-256 of what is put there: any mapping,
            such as one before an object store. The same event put twice takes one place.

    Raises:
        OversizedEvent: it is too large, and nothing that the policy allows makes it fit.
        InvalidOption: it is no event or holds what JSON does not have, or the policy needs `claims`.

    >>> from onex_analytics.sizing import SizePolicy
    >>> event = {"event_id": "e1", "event_type": "NODE_START", "metadata": {"input_state": "x" * 50_000}}
    >>> sent = encode(event, SizePolicy())
    >>> sent.encoding, sent.plain_bytes, len(sent.payload) < 200, decode(sent.payload) == event
    ('zstd', 50073, True, True)
    """
    found = decided(policy, payload_of(event))
    if found.payload is None:
        raise OversizedEvent(found.plain_bytes, found.packed_bytes, policy.max_bytes, found.reason or "")
    if found.claim is not None:
        if claims is None:
            raise InvalidOption("claims", None, "where the policy's `claim_check` puts events that are too large")
        claims[claim_key(found.claim)] = found.claim
    return Encoded(found.payload, found.encoding, found.action, found.plain_bytes, found.warned)


def decode(
    payload: bytes | bytearray | memoryview, *, dictionaries: bytes | Iterable[bytes] = (),
    max_bytes: int = MAX_OPENED_BYTES, claims: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The event of a payload: `decode(encode(event, policy).payload) == event`, but for fields that were cut.

    A payload that was compressed has a checksum: changed or cut it is refused, and so is a claim, which is known by its
    SHA-256. A plain one has none, so that a changed byte of it may be read as another event; what carries it must see
    to that (Kafka's batches have a checksum).

    Args:
        payload: bytes that `encode` gave, or plain JSON, one frame of Zstandard or one member of gzip by others.
        dictionaries: the one, or those, by which it may have been compressed.
        max_bytes: the most that it may open to; what opens to more is refused before it takes the memory.
        claims: where events that were too large were put.

    Raises:
        BrokenPayload: it is damaged, opens to too much, needs another dictionary or a claim that is not there, or is no
            event.

    >>> decode(b'{"event_id":"e1"}')
    {'event_id': 'e1'}
    >>> decode(b"event")
    Traceback (most recent call last):
    onex_analytics.exceptions.BrokenPayload: a payload is no JSON (Expecting value: line 1 column 1 (char 0)). Mend: ...
    """
    if max_bytes < 1:
        raise InvalidOption("max_bytes", max_bytes, "at least 1")
    known = (dictionaries,) if isinstance(dictionaries, bytes) else tuple(dictionaries)
    content = opened(bytes(payload), max_bytes, known)
    event = _event(content)
    if not content.startswith(CLAIM_BEGINS):
        return event
    claim = _claim(event.get(CLAIM), claims)
    content = opened(claim, max_bytes, known)
    if content.startswith(CLAIM_BEGINS):
        raise BrokenPayload("stands for a claim that stands for another", "look for who wrote it: `encode` does not")
    return _event(content)


def _event(content: bytes) -> dict[str, Any]:
    mend = "send it as `encode` gave it"
    try:
        found = _READER.decode(content.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise BrokenPayload(f"is no JSON ({problem})", mend) from problem
    if not isinstance(found, dict):
        raise BrokenPayload(f"is JSON, but no object ({type(found).__name__})", mend)
    return found


def _claim(check: object, claims: Mapping[str, bytes] | None) -> bytes:
    key = check.get("sha256") if isinstance(check, dict) else None
    if not isinstance(key, str):
        raise BrokenPayload(f"has a claim without a key ({check!r:.80})", "send it as `encode` gave it")
    if claims is None:
        raise BrokenPayload(f"stands for the claim {key}", "pass in `claims` where `encode` put it")
    try:
        claim = claims[key]
    except KeyError:
        mend = "pass the `claims` in which it is, or have it sent again"
        raise BrokenPayload(f"stands for the claim {key}, which is not there", mend) from None
    if claim_key(claim) != key:
        raise BrokenPayload(f"stands for the claim {key}, which was changed", "have it sent again")
    return claim
