"""Which code is meant by a spelling that several share, where something beside it tells.

`RESOURCE_EXHAUSTED` is the name of two codes. Which of them an error bears is told by its own text, where that spells
one of them in full; by another witness of the same failure that does; or by its node, which says one of them again and
again and never another. Where nothing tells, the spelling stays ambiguous, and is counted so.
"""

from __future__ import annotations

import polars as pl

_ENOUGH = 2
"""In how many failures a node must have spelled the one code out: two witnesses of one failure are one."""

_FULL = ("long", "short", "name", "family")


def settled(coded: pl.DataFrame, full: pl.DataFrame) -> pl.DataFrame:
    """Coded rows, with the code of ambiguous ones where something tells it, and what did as `code_resolved_by`.

    Args:
        coded: rows with the columns of `CODED`, of which `code_resolved_by` is null; reads also `node` and
            `correlation_id`, where they are there.
        full: the spellings of one code only: `text`, `code`, and `component`, `category`, `code_severity` and
            `code_recoverable` of the code.

    Returns:
        The rows in their order. `code_resolved_by` is text, failure or node; nothing where nothing tells; null where
        the spelling is of one code only, or there is none.
    """
    is_open = pl.col("code").is_null() & (pl.col("code_candidates").list.len() > 0)
    rows = coded.with_row_index("_row").with_columns(pl.col("code_text").str.to_uppercase().alias("_spelled"))
    asked = rows.filter(is_open)
    if asked.is_empty():
        return coded
    answers = asked.join(_mentioned(asked, full), on="_row", how="left")
    for name, keys, enough in (("_failure", ["node", "correlation_id"], 1), ("_node", ["node"], _ENOUGH)):
        if set(keys) <= set(coded.columns):
            known = _known(rows, asked, keys, enough).rename({"_told": name})
            answers = answers.join(known, on=[*keys, "_spelled"], how="left")
        else:
            answers = answers.with_columns(pl.lit(None, pl.String).alias(name))
    by = [pl.when(pl.col(f"_{name}").is_not_null()).then(pl.lit(name)) for name in _EVIDENCE]
    told = answers.select(
        "_row",
        pl.coalesce(f"_{name}" for name in _EVIDENCE).alias("code"),
        pl.coalesce(*by, pl.lit("nothing")).alias("code_resolved_by"),
    )
    meant = full.filter(pl.col("text") == pl.col("code")).drop("text")
    ways = full.group_by("code").agg(pl.col("text").alias("_ways"))
    meaning = told.join(meant, on="code", how="left").join(ways, on="code", how="left")
    whole = rows.join(meaning, on="_row", how="left", maintain_order="left", suffix="_told")
    others = pl.col("code_others").list.set_difference(pl.coalesce("_ways", pl.lit([], pl.List(pl.String))))
    found = [pl.coalesce(f"{name}_told", name).alias(name) for name in ("code", "code_resolved_by", *_MEANT)]
    return whole.with_columns(others, *found).select(coded.columns)


_EVIDENCE = ("text", "failure", "node")
_MEANT = ("component", "category", "code_severity", "code_recoverable")


def _mentioned(asked: pl.DataFrame, full: pl.DataFrame) -> pl.DataFrame:
    """`_row` and `_text`, the code that its own text spells in full, where that is one of those it may be."""
    said = asked.select("_row", "code_candidates", "code_others").explode("code_others", empty_as_null=False)
    named = said.join(full.select(code_others="text", _code="code"), on="code_others")
    fitting = named.filter(pl.col("_code").is_in(pl.col("code_candidates")))
    return fitting.group_by("_row").agg(_only(pl.col("_code").unique().implode()).alias("_text"))


def _known(rows: pl.DataFrame, asked: pl.DataFrame, keys: list[str], enough: int) -> pl.DataFrame:
    """What each ambiguous spelling means by the rows that share the `keys`: `_told`, where these say one code only."""
    of_failure = ["correlation_id"] if "correlation_id" in rows.columns else []
    failure = pl.coalesce(*of_failure, pl.format("row {}", "_row"))
    full = rows.filter(pl.col("code").is_not_null() & pl.col("code_shape").is_in(_FULL))
    often = full.group_by(*keys, "code").agg(failure.n_unique().alias("_failures"))
    spelled = asked.select(*keys, "_spelled", "code_candidates").unique([*keys, "_spelled"])
    said = spelled.join(often, on=keys).filter(pl.col("code").is_in(pl.col("code_candidates")))
    told = said.group_by(*keys, "_spelled").agg(
        _only(pl.col("code").implode()).alias("_told"), pl.col("_failures").sum()
    )
    return told.filter(pl.col("_told").is_not_null() & (pl.col("_failures") >= enough)).drop("_failures")


def _only(codes: pl.Expr) -> pl.Expr:
    return pl.when(codes.list.len() == 1).then(codes.list.first())
