"""What commands that ask "what is different about these" share: who may explain it, and how findings are shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from onex_analytics.cli.output import Output, say

if TYPE_CHECKING:
    import polars as pl

_SHOWN = (
    "pattern", "support", "precision", "recall", "risk_ratio", "ci_low", "ci_high", "q", "score", "shadowed_by",
)  # fmt: skip
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


def show_findings(found: pl.DataFrame, output: Output, limit: int) -> None:
    """The findings as a table, and which columns took no part; all of it for programs."""
    import polars as pl

    if output.form != "table":
        output.frame(found)
        return
    findings = found.filter(pl.col("left_out").is_null())
    output.frame((findings.head(limit) if limit else findings).select(_SHOWN))
    aside = found.filter(pl.col("left_out").is_not_null())["columns"].to_list()
    if left := [name for row in aside for name in row or []]:
        say(f"took no part: {', '.join(left)} (--json says why)")
