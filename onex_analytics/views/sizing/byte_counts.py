"""Bytes as people read them, and the columns that a report of sizes makes itself."""

from __future__ import annotations

import math
import re
from typing import Any

import polars as pl

from onex_analytics.views.durations import number

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_STEPS = [step * power for power in (1, 10, 100, 1000) for step in (1, 2, 5)]
_MADE = re.compile(r"start|events|total_bytes|share|mean_bytes|p\d+(_\d+)?_bytes|max_bytes|over_.*|(low|high)_bytes")


def told(size: float | None) -> str:
    """Bytes in their own unit, to three digits.

    >>> told(512), told(2048), told(1_500_000), told(None)
    ('512 B', '2 KiB', '1.43 MiB', '–')
    """
    if size is None:
        return "–"
    if size < 1024:
        return f"{number(size)} B"
    place = 0
    while (size := size / 1024) >= 1023.5 and place < len(_UNITS) - 1:
        place += 1
    return f"{number(size)} {_UNITS[place]}"


def keys_of(frame: pl.DataFrame) -> list[str]:
    """The columns of `by` in a report of sizes."""
    return [name for name in frame.columns if not _MADE.fullmatch(name)]


def byte_axis(most: float, count: int = 5) -> dict[str, Any]:
    """Settings of a Plotly axis from no byte to `most`, marked at round numbers of their unit.

    >>> byte_axis(5000)["ticktext"], byte_axis(1500)["ticktext"]
    (['0', '1 KiB', '2 KiB', '3 KiB', '4 KiB'], ['0', '500 B', '1000 B', '1500 B'])
    """
    unit = 1.0
    while most / unit >= 2 * 1024:
        unit *= 1024
    step = unit * next(step for step in _STEPS if most / unit / step <= count)
    ticks = [step * i for i in range(int(most // step) + 1)]
    name = ("B", *_UNITS)[round(math.log2(unit)) // 10]
    texts = ["0", *(f"{tick / unit:.0f} {name}" for tick in ticks[1:])]
    return {"tickvals": ticks, "ticktext": texts, "range": [0, max(most, 1) * 1.04]}


def doublings(low: int, high: int, most: int = 9) -> list[int]:
    """Powers of two from about `low` to about `high`, for a logarithmic axis.

    >>> doublings(100, 5000)
    [64, 128, 256, 512, 1024, 2048, 4096, 8192]
    """
    first, last = max(low, 1).bit_length() - 1, max(high - 1, 1).bit_length()
    step = -(-(last - first + 1) // most)
    return [1 << power for power in range(first, last + 1, step)]

