"""Shares of what is kept, as thresholds: what has a randomness at or above its threshold stays.

Source: OpenTelemetry, "Probability sampling" and "TraceState: probability sampling" (56 bits, `ot=th:…;rv:…`).
"""

from __future__ import annotations

import math
import re

from onex_analytics.exceptions import InvalidOption

RANGE = 1 << 56
"""Thresholds and randomness are whole numbers from 0 to one below this; a threshold of this keeps nothing."""

HEX_DIGITS = 14
"""What 56 bits are written in, and so the greatest precision."""

_BITS_A_DIGIT = 4
_MEMBER = re.compile(r"\s*([a-z0-9][a-z0-9_*/@-]*)\s*=\s*([^,=]*?)\s*", re.ASCII)
_THRESHOLD = re.compile(r"[0-9a-f]{1,14}", re.ASCII)
_RANDOMNESS = re.compile(r"[0-9a-f]{14}", re.ASCII)


def threshold_of(probability: float, precision: int = 4) -> int:
    """The threshold that keeps a share.

    Args:
        probability: 0 (nothing), or from 2^-56 to 1.
        precision: hex digits of the threshold that count, 1 to 14. Shares near 0 or 1 get more of them, so that they
            are met as closely as others.

    Returns:
        0 (all) to `RANGE` (nothing).

    Raises:
        InvalidOption: a share or a precision outside of these.

    >>> hex(threshold_of(0.25)), threshold_of(1.0), threshold_of(0.0) == RANGE
    ('0xc0000000000000', 0, True)
    >>> hex(threshold_of(0.1)), hex(threshold_of(0.1, 14))
    ('0xe6660000000000', '0xe6666666666666')
    """
    if not 0 <= probability <= 1 or 0 < probability < 1 / RANGE:  # a NaN is neither
        raise InvalidOption("probability", probability, "0 (keep nothing), or a share from 2^-56 to 1")
    if not 1 <= precision <= HEX_DIGITS:
        raise InvalidOption("precision", precision, f"a count of hex digits from 1 to {HEX_DIGITS}")
    if probability == 0:
        return RANGE
    if probability == 1:
        return 0
    digits = max(
        _leading_digits(probability, precision), _leading_digits(1 - probability, precision)
    )
    threshold = RANGE - round(probability * RANGE)
    shift = _BITS_A_DIGIT * (HEX_DIGITS - min(digits, HEX_DIGITS))
    rounded = (threshold + (1 << shift >> 1)) >> shift << shift
    return min(rounded, RANGE - 1)


def _leading_digits(share: float, precision: int) -> int:
    """Digits of which `precision` follow those that a share so near to 0 or 1 has in common with it."""
    return precision + -math.frexp(share)[1] // _BITS_A_DIGIT


def probability_of(threshold: int) -> float:
    """The share that a threshold keeps, 0 to 1.

    >>> probability_of(0xC0000000000000), probability_of(RANGE)
    (0.25, 0.0)
    """
    return (RANGE - threshold) / RANGE


def adjusted_count_of(threshold: int) -> float | None:
    """What each that is kept stands for: 2^56 / (2^56 − threshold). None where nothing is kept.

    >>> adjusted_count_of(0xC0000000000000), adjusted_count_of(RANGE)
    (4.0, None)
    """
    return RANGE / (RANGE - threshold) if threshold < RANGE else None


def threshold_to_tracestate(threshold: int, randomness: int | None = None) -> str:
    """A threshold as the member of a `tracestate` header that OpenTelemetry reads.

    Args:
        threshold: 0 (all) to 2^56 − 1.
        randomness: written as `rv`, where it is not to be taken from the trace id.

    Raises:
        InvalidOption: there is no such threshold (what is never kept has none), or no such randomness.

    >>> threshold_to_tracestate(threshold_of(0.25)), threshold_to_tracestate(0, 0xABC)
    ('ot=th:c', 'ot=th:0;rv:00000000000abc')
    """
    if not 0 <= threshold < RANGE:
        raise InvalidOption("threshold", threshold, "a whole number from 0 to 2^56 - 1; what is never kept has none")
    if randomness is not None and not 0 <= randomness < RANGE:
        raise InvalidOption("randomness", randomness, "a whole number from 0 to 2^56 - 1")
    digits = f"{threshold:0{HEX_DIGITS}x}".rstrip("0") or "0"
    return f"ot=th:{digits}" + ("" if randomness is None else f";rv:{randomness:0{HEX_DIGITS}x}")


def tracestate_to_threshold(tracestate: str) -> int | None:
    """The threshold that a `tracestate` header tells; None where it tells none.

    Args:
        tracestate: the whole header, or its member `ot=…`.

    Raises:
        InvalidOption: the header tells a threshold that is none.

    >>> hex(tracestate_to_threshold("vendor=x,ot=th:c8;rv:123456789abcde")), tracestate_to_threshold("vendor=x")
    ('0xc8000000000000', None)
    """
    told = _told(tracestate, "th")
    if told is None:
        return None
    if not _THRESHOLD.fullmatch(told):
        raise InvalidOption("th of the tracestate", told, "1 to 14 lower-case hex digits")
    return int(told.ljust(HEX_DIGITS, "0"), 16)


def tracestate_to_randomness(tracestate: str) -> int | None:
    """The randomness that a `tracestate` header tells; None where it is the trace id's.

    Raises:
        InvalidOption: the header tells a randomness that is none.

    >>> hex(tracestate_to_randomness("ot=th:c8;rv:123456789abcde")), tracestate_to_randomness("ot=th:c8")
    ('0x123456789abcde', None)
    """
    told = _told(tracestate, "rv")
    if told is None:
        return None
    if not _RANDOMNESS.fullmatch(told):
        raise InvalidOption("rv of the tracestate", told, "14 lower-case hex digits")
    return int(told, 16)


def _told(tracestate: str, key: str) -> str | None:
    """What OpenTelemetry's member of the header says of a key."""
    for member in tracestate.split(","):
        found = _MEMBER.fullmatch(member)
        if found and found[1] == "ot":
            for part in found[2].split(";"):
                name, colon, value = part.partition(":")
                if colon and name == key:
                    return value
    return None
