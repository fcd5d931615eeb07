"""What may explain that some work is unlike other work: who did what, where, and what it cost."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_WHO_AND_WHAT = ("node", "node_version", "operation", "kind")
EVENT_FAMILY = ("kind",)
"""What a span of our own events has by the family of these alone: that work fails and requests do not says nothing."""


def explaining(spans: pl.LazyFrame, without: Collection[str] = ()) -> list[str]:
    """Who did what, where, what it cost, and the dimensions; not what follows from being slow or from failing, and not
    what is `without`."""
    from onex_analytics.model.shapes import PROFILE_NUMBERS, SPANS

    found = spans.collect_schema()
    able = [name for name in found if name in _WHO_AND_WHAT or name in PROFILE_NUMBERS or name not in SPANS]
    return [name for name in able if name not in without]
