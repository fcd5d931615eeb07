"""What is sent of an event: the one decision that the live `encode` and the simulation share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from onex_analytics.sizing.codecs import compressor_of
from onex_analytics.sizing.events import FIELD_ORDER, json_bytes, payload_of
from onex_analytics.sizing.policies import SizePolicy
from onex_analytics.sizing.truncation import truncated

CLAIM: Final = "claim_check"
"""The field that stands for what was put into a store: {`sha256` (its key there), `bytes`}. It stands first."""
CLAIM_BEGINS: Final = b'{"claim_check":'

_SHARE_TRIED: Final = 0.9
_IN_CLAIM: Final = frozenset({"metadata", "data"})


class Decision(NamedTuple):
    """What is sent of an event."""

    payload: bytes | None
    """None where it is refused."""
    encoding: str
    """plain, zstd or gzip."""
    action: str
    """send, or what `on_oversize` says."""
    plain_bytes: int
    """Of the event's JSON."""
    packed_bytes: int
    """Of it as it would be sent if there were no limit: compressed, where that is due and makes it smaller."""
    stored_bytes: int | None
    """Of the payload."""
    oversized: bool
    """Whether it was too large before anything was done about it."""
    warned: bool
    """Whether the payload has more than `warn_bytes`."""
    claim: bytes | None
    """What a store is to keep: the whole event."""
    reason: str | None
    """Why it is refused."""


def decided(policy: SizePolicy, plain: bytes) -> Decision:
    """What is sent of an event whose payload is `plain`.

    >>> from onex_analytics.sizing.policies import SizePolicy
    >>> decided(SizePolicy(max_bytes=20), b'{"event_id":"0123456789abcdef"}')[1:]
    ('plain', 'reject', 31, 31, None, True, False, None, 'too large')
    """
    written = b" " + plain if plain.startswith(CLAIM_BEGINS) else plain
    packed, encoding = _packed(policy, written)
    sizes = len(plain), len(packed)
    if len(packed) <= policy.max_bytes:
        return _sent(policy, packed, encoding, "send", sizes)
    if policy.on_oversize == "reject":
        return _refused(sizes, "too large")
    try:
        event: dict[str, Any] = json.loads(plain)
        return _truncated(policy, event, sizes) if policy.on_oversize == "truncate_field" else _claimed(
            policy, event, packed, sizes
        )  # fmt: skip
    except (ValueError, RecursionError) as problem:
        return _refused(sizes, f"too large, and cannot be read to be made smaller: {problem}")


def claim_key(claim: bytes) -> str:
    """As what a store keeps a claim: the SHA-256 of its bytes, in hex digits."""
    return hashlib.sha256(claim).hexdigest()


def _packed(policy: SizePolicy, plain: bytes) -> tuple[bytes, str]:
    if policy.compress_over is None or len(plain) <= policy.compress_over:
        return plain, "plain"
    packed = compressor_of(policy)(plain)
    return (packed, policy.codec) if len(packed) < len(plain) else (plain, "plain")


def _sent(
    policy: SizePolicy, payload: bytes, encoding: str, action: str, sizes: tuple[int, int], claim: bytes | None = None
) -> Decision:
    warned = policy.warn_bytes is not None and len(payload) > policy.warn_bytes
    return Decision(payload, encoding, action, *sizes, len(payload), action != "send", warned, claim, None)


def _refused(sizes: tuple[int, int], reason: str) -> Decision:
    return Decision(None, "plain", "reject", *sizes, None, True, False, None, reason)


def _truncated(policy: SizePolicy, event: Mapping[str, Any], sizes: tuple[int, int]) -> Decision:
    """First as much as should fit compressed, then as much as fits whatever compression makes of it."""
    plain_bytes, packed_bytes = sizes
    likely = int(_SHARE_TRIED * policy.max_bytes * plain_bytes / packed_bytes)
    for most in (likely, policy.max_bytes) if likely > policy.max_bytes else (policy.max_bytes,):
        if (cut := truncated(event, most)) is not None:
            payload, encoding = _packed(policy, payload_of(cut))
            if len(payload) <= policy.max_bytes:
                return _sent(policy, payload, encoding, "truncate_field", sizes)
    return _refused(sizes, "too large without all that may be cut")


def _claimed(policy: SizePolicy, event: Mapping[str, Any], claim: bytes, sizes: tuple[int, int]) -> Decision:
    told = {name: event[name] for name in FIELD_ORDER if name in event and name not in _IN_CLAIM}
    check = {CLAIM: {"sha256": claim_key(claim), "bytes": len(claim)}}
    payload, encoding = _packed(policy, json_bytes({**check, **told}))
    if len(payload) <= policy.max_bytes:
        return _sent(policy, payload, encoding, "claim_check", sizes, claim)
    return _refused(sizes, "too large without all that a store would keep")
