"""Texts for a table that people read: a message may have thousands of letters, and lines of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_LETTERS = 200


def shortened(table: pl.DataFrame, letters: int = _LETTERS) -> pl.DataFrame:
    """The table with every text on one line, of at most so many letters; "…" is what was cut off.

    >>> import polars as pl
    >>> shortened(pl.DataFrame({"n": [1], "said": ["one line\\n  and another"]}), 12).row(0)
    (1, 'one line an…')
    """
    import polars as pl

    def short(name: str) -> pl.Expr:
        flat = pl.col(name).str.replace_all(r"\s+", " ")
        return (
            pl.when(flat.str.len_chars() > letters).then(flat.str.head(letters - 1) + "…").otherwise(flat).alias(name)
        )

    return table.with_columns(short(name) for name, kind in table.schema.items() if kind == pl.String)
