"""How large a live event is: what a limit of bytes counts."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


def json_bytes(event: Any) -> int:
    """Bytes of an event as compact JSON in UTF-8, as it is sent; of bytes and texts, their own.

    What JSON has no form for is written as its text, as upstream does; a circle or a key that is no text raises
    `ValueError` or `TypeError`.

    >>> json_bytes({"é": 1}), json_bytes(b"abc"), json_bytes("é")
    (8, 3, 2)
    """
    if isinstance(event, bytes | bytearray | memoryview):
        return len(event)
    if isinstance(event, str):
        return len(event.encode("utf-8", "surrogatepass"))
    if isinstance(event, BaseModel):
        return len(event.model_dump_json().encode("utf-8"))
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False, default=str)
    return len(text.encode("utf-8"))
