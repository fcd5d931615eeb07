"""How commands that ask "what is different about these" show their findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.cli.output import Output, say
from onex_analytics.looks.explaining import EVENT_FAMILY as EVENT_FAMILY
from onex_analytics.looks.explaining import explaining as explaining

if TYPE_CHECKING:
    import polars as pl

_SHOWN = (
    "pattern", "support", "precision", "recall", "risk_ratio", "ci_low", "ci_high", "q", "score", "shadowed_by",
)  # fmt: skip


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
