"""Values as the browser is told them: texts that fit, and times in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def text_of(value: Any, most: int = 200) -> str:
    """A value as text. A long one is cut in the middle, and says how much is left out.

    >>> text_of(None), text_of(2.0), text_of("abcdefghij" * 3, 20)
    ('–', '2.0', 'abcde…20 more…fghij')
    """
    if value is None:
        return "–"
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    if len(text) <= most:
        return text
    half = most // 4 if most < 40 else most // 2 - 10
    return f"{text[:half]}…{len(text) - 2 * half:,} more…{text[-half:]}"


def milliseconds_of(moment: datetime | None) -> float | None:
    """Since 1970, as JavaScript has it; microseconds are a fraction.

    >>> milliseconds_of(datetime(1970, 1, 1, 0, 0, 1, 500, UTC))
    1000.5
    """
    return None if moment is None else (moment - _EPOCH) / _MILLISECOND


def numbers(values: Iterable[float | None]) -> list[float | None]:
    """Numbers as JSON can hold them: what is not finite becomes null.

    >>> numbers([1.5, None, float("inf")])
    [1.5, None, None]
    """
    return [value if value is not None and math.isfinite(value) else None for value in values]
