"""How many spans stand in trees, how many were left out and why: nothing is left out in silence."""

from __future__ import annotations

import numpy as np
import polars as pl

from onex_analytics.frames.trees.forest import Trees, over_trees
from onex_analytics.frames.trees.links import LEFT_OUT, ROOTS

_EXAMPLES = 5
_SHAPE = pl.Schema({"place": pl.String(), "word": pl.String(), "spans": pl.UInt64(), "examples": pl.List(pl.String())})


def tree_states(spans: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Count the spans that stand in trees and those that were left out, by reason.

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.

    Returns:
        One row a (place, word) that occurs; `spans` add up to the rows that came in:
        `place` (root, child, left_out, in this order), `word` (of a root: a word of `ROOTS`; of a child: `followed`, or
        `async` below a producer; of what was left out: a word of `LEFT_OUT`), `spans`, `examples` (up to five span ids,
        the smallest texts).

    Raises:
        MissingColumns: one of the six columns that every frame of spans has is absent.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(10)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 4, "span_id": ["a", "b", "c", "d"], "parent_span_id": [None, "a", "gone", "d"],
    ...     "name": ["w", "x", "y", "z"], "start": at[:4], "end": at[4:8],
    ... })
    >>> tree_states(spans).collect().rows()
    [('root', 'root', 1, ['a']), ('root', 'orphan', 1, ['c']), ('child', 'followed', 1, ['b']),
     ('left_out', 'cycle', 1, ['d'])]
    """
    return over_trees(spans, _counted, _SHAPE)


def _counted(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
    words = [("root", word) for word in ROOTS] + [("child", "followed"), ("child", "async")]
    words += [("left_out", word) for word in LEFT_OUT]
    code = np.full(frame.height, len(ROOTS) + 1, np.int32) + trees.left_out
    code[trees.rows] = np.where(trees.followed, len(ROOTS), len(ROOTS) + 1)
    code[trees.rows[trees.roots]] = trees.root_kind
    word_of = pl.DataFrame(words, schema={"place": pl.String, "word": pl.String}, orient="row")
    return (
        frame.lazy()
        .select("span_id", code=pl.Series(code))
        .group_by("code")
        .agg(
            spans=pl.len().cast(pl.UInt64),
            examples=pl.col("span_id").drop_nulls().unique().bottom_k(_EXAMPLES).sort(),
        )
        .join(word_of.lazy().with_row_index("code").with_columns(pl.col("code").cast(pl.Int32)), on="code")
        .sort("code")
        .select(_SHAPE.names())
        .collect()
    )
