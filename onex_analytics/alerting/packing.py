"""States of parts as one: named bytes behind one another, with their lengths before them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import accumulate

from onex_analytics.exceptions import InputError


def packed(parts: Mapping[str, bytes]) -> bytes:
    """The parts as one row of bytes.

    >>> unpacked(packed({"a": b"1", "b": b""}))
    {'a': b'1', 'b': b''}
    """
    head = json.dumps({name: len(part) for name, part in parts.items()}).encode()
    return b"".join([len(head).to_bytes(8, "big"), head, *parts.values()])


def unpacked(data: bytes) -> dict[str, bytes]:
    """The parts that were packed.

    Raises:
        InputError: these bytes are none that `packed` made, or not all of them.
    """
    begin = 8 + int.from_bytes(data[:8], "big")
    try:
        lengths: dict[str, int] = json.loads(data[8:begin])
        ends = list(accumulate(lengths.values(), initial=begin))
    except (ValueError, AttributeError, TypeError):
        ends = []
    if not ends or ends[-1] != len(data):
        raise InputError(
            f"a state of {len(data):,} bytes is damaged or cut off. Mend: restore an earlier checkpoint, or begin anew."
        )
    return {name: data[end - lengths[name] : end] for name, end in zip(lengths, ends[1:], strict=True)}
