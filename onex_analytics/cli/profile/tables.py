"""Tables of profiles as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.cli.output import Output, say

if TYPE_CHECKING:
    import polars as pl


def tell(output: Output, table: pl.DataFrame) -> None:
    """A table for people goes without what says the same in every row: exactness, and weights of unsampled work.

    How near the values of a sketch are is said once.
    """
    import polars as pl

    same: set[str] = set()
    if output.form == "table":
        same = {"exact", "relative_error"} & set(table.columns)
        bounds = table["relative_error"].to_list() if "relative_error" in same else []
        if any(bounds):
            say(f"from a sketch: each quantile lies within {max(bounds):.1%} of the exact one")
        if {"n", "weight"} <= set(table.columns) and (table["weight"] == table["n"].cast(pl.Float64)).all():
            same |= {"weight", "weighted_bad"} & set(table.columns)
    output.frame(table.drop(same))
